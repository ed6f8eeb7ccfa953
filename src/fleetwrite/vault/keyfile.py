"""The master key, in a file outside the database: who has a copy of the one alone can read nothing."""

import base64
import binascii
import os
import secrets
import stat
from pathlib import Path
from typing import Final

from fleetwrite.vault.errors import KeyFileError, KeyFileExistsError, KeyFileMissingError

KEY_BYTES: Final = 32
"""AES-256."""

_MARK: Final = "fleetwrite-master-key-1:"
"""Tells a key from any other file, and this format from a later one."""

_LONGEST_FILE: Final = 1024
"""More than any key of this format, so that a wrong path does not read a huge file."""


class MasterKey:
    """The key that wraps the data key of every secret. Shows nothing of itself when printed."""

    __slots__ = ("material",)

    def __init__(self, material: bytes) -> None:
        if len(material) != KEY_BYTES:
            raise ValueError(f"A master key has {KEY_BYTES} bytes, not {len(material)}.")
        self.material: Final = material

    @classmethod
    def random(cls) -> "MasterKey":
        """Return a new key from the operating system's random source."""
        return cls(secrets.token_bytes(KEY_BYTES))


class KeyFile:
    """Reads and writes the file of a master key: one line of text, for its owner only."""

    @staticmethod
    def create(path: Path) -> MasterKey:
        """Write a new random key to `path`, readable by its owner only, and return it.

        Raises:
            KeyFileExistsError: something is there already; it is left alone.
            KeyFileError: the file can not be written.
        """
        key = MasterKey.random()
        line = _MARK + base64.urlsafe_b64encode(key.material).decode() + "\n"
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            raise KeyFileExistsError(
                f"{path} exists: a master key is never overwritten, for what it sealed would be lost."
            ) from None
        except OSError as error:
            raise KeyFileError(f"The master key can not be written to {path}: {error.strerror}.") from error
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(line)
            file.flush()
            # Secrets sealed with this key may be committed a moment later: it must not be lost in a crash.
            os.fsync(file.fileno())
        _sync_folder(path.parent)
        return key

    @staticmethod
    def load(path: Path) -> MasterKey:
        """Return the key in the file at `path`.

        Raises:
            KeyFileMissingError: there is no file.
            KeyFileError: others may read it, or it holds no key.
        """
        try:
            with path.open("rb") as file:
                mode = os.fstat(file.fileno()).st_mode
                text = file.read(_LONGEST_FILE)
        except FileNotFoundError:
            raise KeyFileMissingError(
                f"The master key file {path} does not exist. Put the file of your backup there; without it "
                "the sealed credentials of this database can not be opened."
            ) from None
        except OSError as error:
            raise KeyFileError(f"The master key file {path} can not be read: {error.strerror}.") from error
        # Windows knows no such mode bits.
        if os.name == "posix" and stat.S_IMODE(mode) & 0o077:
            raise KeyFileError(
                f"The master key file {path} is open to others (mode {stat.S_IMODE(mode):04o}): "
                f"run `chmod 600 {path}`, and consider the key known to whoever could read it."
            )
        return _parse(text, path)


def _parse(text: bytes, path: Path) -> MasterKey:
    line = text.decode("ascii", errors="replace").strip()
    try:
        material = base64.b64decode(line.removeprefix(_MARK).encode(), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError):
        material = b""
    if not line.startswith(_MARK) or len(material) != KEY_BYTES:
        raise KeyFileError(
            f"The file {path} is no master key: expected one line, {_MARK!r} followed by {KEY_BYTES} bytes "
            "in base64. Put the file of your backup there."
        )
    return MasterKey(material)


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":  # elsewhere a folder can not be opened, nor need it be synced
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
