"""Envelope encryption: each secret under a data key of its own, each data key under a master key."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from uuid import UUID

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from fleetwrite.kit.database import Connection, Database
from fleetwrite.vault import store
from fleetwrite.vault.errors import KeyFileMissingError, SealBrokenError, WrongKeyError
from fleetwrite.vault.keyfile import KeyFile
from fleetwrite.vault.keys import KEY_BYTES, KEY_ID_BYTES, MasterKey

# version (1) | key id (8) | nonce (12) | wrapped data key (32 + 16) | nonce (12) | secret (n + 16)
_VERSION: Final = b"\x01"
_NONCE_BYTES: Final = 12
_TAG_BYTES: Final = 16
_HEADER_BYTES: Final = len(_VERSION) + KEY_ID_BYTES
_WRAP_BYTES: Final = _NONCE_BYTES + KEY_BYTES + _TAG_BYTES
_LEAST_BYTES: Final = _HEADER_BYTES + _WRAP_BYTES + _NONCE_BYTES + _TAG_BYTES

_CANARY: Final = b"fleetwrite canary"
_CANARY_PURPOSE: Final = "canary"
_CANARY_SUBJECT: Final = "database"


class Vault:
    """Seals secrets with one master key, and opens them with any that it has.

    A sealed secret names its master key, and only the small wrapped data key depends on that: another master
    key can take over without the secrets being opened. Purpose and subject are bound to the secret as
    associated data, so that a sealed value copied to another row, or used for something else, does not open.

    Args:
        keys: oldest first. The newest seals, until the database says otherwise (`seal_with`).
    """

    def __init__(self, *keys: MasterKey) -> None:
        self._wrapping = {key.id: AESGCM(key.material) for key in keys}
        self._sealing_id = keys[-1].id
        self.key_ids: Final = tuple(self._wrapping)

    @property
    def newest_id(self) -> bytes:
        """The id of the key that was added last."""
        return self.key_ids[-1]

    @property
    def sealing_id(self) -> bytes:
        """The id of the key that seals."""
        return self._sealing_id

    def seal_with(self, key_id: bytes) -> None:
        """Seal with this key from now on.

        Raises:
            WrongKeyError: this vault does not have it.
        """
        if key_id not in self._wrapping:
            raise _lacking(key_id)
        self._sealing_id = key_id

    def seal(self, plaintext: bytes, *, purpose: str, subject: UUID | str) -> bytes:
        """Return `plaintext` sealed.

        Args:
            plaintext: the secret; any length.
            purpose: what kind of secret it is; a constant of the calling code.
            subject: whose it is: the id of the row that holds it.
        """
        return self._seal(plaintext, _associated_data(purpose, subject), self._sealing_id)

    def open(self, sealed: bytes, *, purpose: str, subject: UUID | str) -> bytes:
        """Return what was sealed, given the same purpose and subject.

        Raises:
            SealBrokenError: it was sealed with a master key that is not here, for something else, or was altered.
        """
        what = f"sealed {purpose} of {subject}"
        data_key = self._data_key(sealed, what)
        secret = sealed[_HEADER_BYTES + _WRAP_BYTES :]
        try:
            return AESGCM(data_key).decrypt(
                secret[:_NONCE_BYTES], secret[_NONCE_BYTES:], _associated_data(purpose, subject)
            )
        except InvalidTag:
            raise _altered(what) from None

    def rewrap(self, sealed: bytes, what: str) -> bytes:
        """The same secret under the key that seals now; it is not opened on the way.

        Args:
            sealed: under any key of this vault.
            what: how errors call it.

        Raises:
            SealBrokenError: it was sealed with a master key that is not here, or altered.
        """
        return self._wrapped(self._data_key(sealed, what), self._sealing_id) + sealed[_HEADER_BYTES + _WRAP_BYTES :]

    def seal_json(self, values: Mapping[str, str], *, purpose: str, subject: UUID | str) -> bytes:
        """Return named secrets sealed as one; see `seal`."""
        return self.seal(msgspec.json.encode(values), purpose=purpose, subject=subject)

    def open_json(self, sealed: bytes, *, purpose: str, subject: UUID | str) -> dict[str, str]:
        """Return what `seal_json` sealed; see `open`.

        Raises:
            SealBrokenError: as with `open`.
        """
        return msgspec.json.decode(self.open(sealed, purpose=purpose, subject=subject), type=dict[str, str])

    def newest_canary(self) -> bytes:
        """A text that everybody knows, sealed with the newest key: who can open it has that key."""
        return self._seal(_CANARY, _associated_data(_CANARY_PURPOSE, _CANARY_SUBJECT), self.newest_id)

    async def verify_keys(self, connection: Connection) -> None:
        """Make sure that this vault has all master keys of the database, and seal with the one that seals there.

        Where nothing was ever sealed, the newest key becomes the database's. Called at start-up, in a transaction,
        before anything is sealed.

        Raises:
            WrongKeyError: secrets of the database are sealed with another master key.
        """
        canaries = await store.canaries(connection)
        if not canaries:
            canaries = await self._first_canary(connection)
        for canary in canaries:
            if canary.key_id not in self._wrapping:
                raise _lacking(canary.key_id)
            try:
                self.open(canary.sealed, purpose=_CANARY_PURPOSE, subject=_CANARY_SUBJECT)
            except SealBrokenError as error:
                raise WrongKeyError(
                    f"The canary of the master key {canary.key_id.hex()} does not open: it was altered. Restore the "
                    "database from a backup."
                ) from error
            if canary.seals:
                self.seal_with(canary.key_id)

    async def _first_canary(self, connection: Connection) -> list[store.Canary]:
        # Of processes that start at once, with different keys perhaps, one is first.
        await store.lock_key_making(connection)
        canaries = await store.canaries(connection)
        if not canaries:
            foreign = await store.foreign_key(connection, self.key_ids)
            if foreign is not None:
                raise _lacking(foreign)
            await store.add_canary(connection, self.newest_canary(), seals=True)
            canaries = await store.canaries(connection)
        return canaries

    def _seal(self, plaintext: bytes, associated_data: bytes, key_id: bytes) -> bytes:
        data_key = AESGCM.generate_key(KEY_BYTES * 8)
        nonce = os.urandom(_NONCE_BYTES)
        secret = AESGCM(data_key).encrypt(nonce, plaintext, associated_data)
        return self._wrapped(data_key, key_id) + nonce + secret

    def _wrapped(self, data_key: bytes, key_id: bytes) -> bytes:
        header = _VERSION + key_id
        nonce = os.urandom(_NONCE_BYTES)
        return header + nonce + self._wrapping[key_id].encrypt(nonce, data_key, header)

    def _data_key(self, sealed: bytes, what: str) -> bytes:
        if len(sealed) < _LEAST_BYTES or not sealed.startswith(_VERSION):
            raise SealBrokenError(f"The {what} is damaged: restore it from a backup.")
        header, wrap = sealed[:_HEADER_BYTES], sealed[_HEADER_BYTES : _HEADER_BYTES + _WRAP_BYTES]
        wrapping = self._wrapping.get(header[len(_VERSION) :])
        if wrapping is None:
            raise SealBrokenError(
                f"The {what} belongs to another master key than those loaded: "
                "start with the keys that go with this database."
            )
        try:
            return wrapping.decrypt(wrap[:_NONCE_BYTES], wrap[_NONCE_BYTES:], header)
        except InvalidTag:
            raise _altered(what) from None


async def load_or_create_key(path: Path, database: Database) -> tuple[MasterKey, ...]:
    """Return the master keys at `path`; make one only for a database in which nothing was ever sealed.

    For set-ups that run without a hand on them, such as the sandbox: elsewhere a missing file is an error.

    Raises:
        KeyFileMissingError: there is no file, and the database has secrets that a new key would not open.
        KeyFileError: the file can not be read or written.
        NoKeyError: the file holds something else.
    """
    async with database.transaction() as connection:
        # One process makes the key, the others wait for the finished file.
        await store.lock_key_making(connection)
        try:
            return KeyFile.load(path)
        except KeyFileMissingError:
            if await store.canaries(connection) or await store.foreign_key(connection, ()) is not None:
                raise
            return (KeyFile.create(path),)


def _associated_data(purpose: str, subject: UUID | str) -> bytes:
    # With its length before it, no purpose can run over into the subject.
    kind = purpose.encode()
    return len(kind).to_bytes(4) + kind + str(subject).encode()


def _altered(what: str) -> SealBrokenError:
    return SealBrokenError(
        f"The {what} does not open: it was altered, or sealed for something else. Enter the secret again."
    )


def _lacking(key_id: bytes) -> WrongKeyError:
    return WrongKeyError(
        f"The master key {key_id.hex()} is missing: this database has secrets that are sealed with it, and the keys "
        "loaded do not belong to it. Put the key file that goes with this database in place."
    )
