"""Master keys in a file outside the database: who has a copy of the one alone can read nothing."""

import os
import stat
from pathlib import Path

from fleetwrite.vault.errors import KeyFileError, KeyFileExistsError, KeyFileMissingError
from fleetwrite.vault.keys import LONGEST_TEXT, MasterKey, parse_keys


class KeyFile:
    """Reads and writes the file of the master keys: a line of text for each, for its owner only."""

    @staticmethod
    def create(path: Path) -> MasterKey:
        """Write a new random key to `path`, readable by its owner only, and return it.

        Raises:
            KeyFileExistsError: something is there already; it is left alone.
            KeyFileError: the file can not be written.
        """
        key = MasterKey.random()
        try:
            _write_new(path, [key])
        except FileExistsError:
            raise KeyFileExistsError(
                f"{path} exists: a master key is never overwritten, for what it sealed would be lost."
            ) from None
        except OSError as error:
            raise _unwritable(path, error) from error
        return key

    @staticmethod
    def add(path: Path) -> MasterKey:
        """Add a new random key to the file at `path`, as the newest, and return it.

        Raises:
            KeyFileError: the file can not be read or replaced.
            NoKeyError: it holds something else.
        """
        key = MasterKey.random()
        _replace(path, (*KeyFile.load(path), key))
        return key

    @staticmethod
    def remove(path: Path, key_id: bytes) -> bool:
        """Take a key out of the file at `path`; False where it is not in it.

        Raises:
            KeyFileError: the file can not be read or replaced, or holds no other key.
            NoKeyError: it holds something else.
        """
        keys = KeyFile.load(path)
        kept = [key for key in keys if key.id != key_id]
        if not kept:
            raise KeyFileError(f"{key_id.hex()} is the only key in {path}: add another one first.")
        if len(kept) < len(keys):
            _replace(path, kept)
        return len(kept) < len(keys)

    @staticmethod
    def load(path: Path) -> tuple[MasterKey, ...]:
        """Return the keys in the file at `path`, oldest first.

        Raises:
            KeyFileMissingError: there is no file.
            KeyFileError: it can not be read, or others may read it.
            NoKeyError: it holds something else.
        """
        try:
            with path.open("rb") as file:
                mode = os.fstat(file.fileno()).st_mode
                text = file.read(LONGEST_TEXT)
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
        return parse_keys(text, f"The file {path}")


def _replace(path: Path, keys: tuple[MasterKey, ...] | list[MasterKey]) -> None:
    """Put a file with these keys in place, whole or not at all."""
    draft = path.with_name(f".{path.name}.new")
    try:
        # Left by a run that was killed; what it was to hold is in no use yet.
        draft.unlink(missing_ok=True)
        _write_new(draft, keys)
        draft.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        raise _unwritable(path, error) from error


def _write_new(path: Path, keys: tuple[MasterKey, ...] | list[MasterKey]) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.writelines(key.line() for key in keys)
        file.flush()
        # Secrets sealed with these keys may be committed a moment later: they must not be lost in a crash.
        os.fsync(file.fileno())
    _sync_folder(path.parent)


def _unwritable(path: Path, error: OSError) -> KeyFileError:
    return KeyFileError(f"The master key can not be written to {path}: {error.strerror}.")


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":  # elsewhere a folder can not be opened, nor need it be synced
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
