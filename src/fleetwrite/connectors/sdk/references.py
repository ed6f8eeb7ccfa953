"""References that we make up for a write: equal writes give equal references, so that none is sent twice."""

import base64
import hashlib


def derive_reference(prefix: str, *parts: str, length: int) -> str:
    """Return `prefix` and a digest of `parts`, together `length` characters of A-Z, 2-7 and what the prefix has.

    Each part is preceded by its length, so that no two different lists of parts read the same. Five bits a character:
    the caller chooses a length that leaves enough of them (80 bits make an accidental clash among a billion
    references less likely than one in a million).
    """
    digest = hashlib.sha256("".join(f"{len(part)}:{part}" for part in parts).encode()).digest()
    return prefix + base64.b32encode(digest).decode().rstrip("=")[: length - len(prefix)]
