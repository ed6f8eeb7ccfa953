"""Master keys, and the text that they are kept as: one line for each, the newest last."""

import base64
import binascii
import hashlib
import hmac
import secrets
from typing import Final

from fleetwrite.vault.errors import NoKeyError

KEY_BYTES: Final = 32
"""AES-256."""

KEY_ID_BYTES: Final = 8

MARK: Final = "fleetwrite-master-key-1:"
"""Tells a key from any other text, and this format from a later one."""

LONGEST_TEXT: Final = 1024
"""Room for fourteen keys, so that a wrong path or command does not fill the memory."""


class MasterKey:
    """A key that wraps the data keys of secrets. Shows nothing of itself when printed.

    Attributes:
        material: the key.
        id: tells keys apart, and gives nothing of them away.
    """

    __slots__ = ("id", "material")

    def __init__(self, material: bytes) -> None:
        if len(material) != KEY_BYTES:
            raise ValueError(f"A master key has {KEY_BYTES} bytes, not {len(material)}.")
        self.material: Final = material
        self.id: Final = hmac.digest(material, b"fleetwrite key id", hashlib.sha256)[:KEY_ID_BYTES]

    @classmethod
    def random(cls) -> "MasterKey":
        """Return a new key from the operating system's random source."""
        return cls(secrets.token_bytes(KEY_BYTES))

    def line(self) -> str:
        """The key as a line of text."""
        return MARK + base64.urlsafe_b64encode(self.material).decode() + "\n"


def parse_keys(text: bytes, source: str) -> tuple[MasterKey, ...]:
    """Return the keys of a text, oldest first; `source` says in errors where it is from.

    Raises:
        NoKeyError: a line is no key, or there are two of the same, or there is none.
    """
    lines = [line.strip() for line in text.decode("ascii", errors="replace").splitlines() if line.strip()]
    keys = tuple(_parse(line, number, source) for number, line in enumerate(lines, 1))
    if not keys or len({key.id for key in keys}) < len(keys):
        raise NoKeyError(f"{source} is no master key: there has to be at least one, and each of them once.")
    return keys


def _parse(line: str, number: int, source: str) -> MasterKey:
    try:
        material = base64.b64decode(line.removeprefix(MARK).encode(), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError):
        material = b""
    if not line.startswith(MARK) or len(material) != KEY_BYTES:
        raise NoKeyError(
            f"{source} is no master key: expected in line {number} {MARK!r} followed by {KEY_BYTES} bytes in base64. "
            "Restore it from your backup."
        )
    return MasterKey(material)
