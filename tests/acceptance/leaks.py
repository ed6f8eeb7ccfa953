"""Looks for secrets where none may be: as they are, in hexadecimal, and in base64 wherever that begins."""

import base64
from collections.abc import Iterator, Mapping


def forms(secret: bytes) -> Iterator[bytes]:
    """The ways in which a secret may be written, each as a run of bytes to look for."""
    yield secret
    yield secret.hex().encode()
    yield secret.hex().upper().encode()
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + secret)
        # The characters at both ends also depend on what stands beside the secret.
        inner = encoded[-(-offset * 8 // 6) : (offset + len(secret)) * 8 // 6]
        yield inner
        yield inner.translate(bytes.maketrans(b"+/", b"-_"))


def leaks(secrets: Mapping[str, bytes], places: Mapping[str, bytes]) -> list[str]:
    """Which secret stands in which place."""
    return sorted(
        {
            f"{name} in {place}"
            for name, secret in secrets.items()
            for form in set(forms(secret))
            for place, content in places.items()
            if form in content
        }
    )
