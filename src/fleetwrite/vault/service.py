"""Envelope encryption: each secret under a data key of its own, each data key under the master key."""

import hashlib
import hmac
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
from fleetwrite.vault.keyfile import KEY_BYTES, KeyFile, MasterKey

# version (1) | key id (8) | nonce (12) | wrapped data key (32 + 16) | nonce (12) | secret (n + 16)
_VERSION: Final = b"\x01"
_KEY_ID_BYTES: Final = 8
_NONCE_BYTES: Final = 12
_TAG_BYTES: Final = 16
_HEADER_BYTES: Final = len(_VERSION) + _KEY_ID_BYTES
_WRAP_BYTES: Final = _NONCE_BYTES + KEY_BYTES + _TAG_BYTES
_LEAST_BYTES: Final = _HEADER_BYTES + _WRAP_BYTES + _NONCE_BYTES + _TAG_BYTES

_CANARY: Final = b"fleetwrite canary"
_CANARY_PURPOSE: Final = "canary"
_CANARY_SUBJECT: Final = "database"


class Vault:
    """Seals and opens secrets under one master key.

    A sealed secret names its master key, and only the small wrapped data key depends on that: another master
    key can take over without the secrets being opened. Purpose and subject are bound to the secret as
    associated data, so that a sealed value copied to another row, or used for something else, does not open.
    """

    def __init__(self, key: MasterKey) -> None:
        self._wrapping = AESGCM(key.material)
        # A keyed hash: it tells keys apart and gives nothing of them away.
        self._key_id = hmac.digest(key.material, b"fleetwrite key id", hashlib.sha256)[:_KEY_ID_BYTES]

    def seal(self, plaintext: bytes, *, purpose: str, subject: UUID | str) -> bytes:
        """Return `plaintext` sealed.

        Args:
            plaintext: the secret; any length.
            purpose: what kind of secret it is; a constant of the calling code.
            subject: whose it is: the id of the row that holds it.
        """
        data_key = AESGCM.generate_key(KEY_BYTES * 8)
        header = _VERSION + self._key_id
        wrap_nonce, nonce = os.urandom(_NONCE_BYTES), os.urandom(_NONCE_BYTES)
        wrapped = self._wrapping.encrypt(wrap_nonce, data_key, header)
        secret = AESGCM(data_key).encrypt(nonce, plaintext, _associated_data(purpose, subject))
        return b"".join((header, wrap_nonce, wrapped, nonce, secret))

    def open(self, sealed: bytes, *, purpose: str, subject: UUID | str) -> bytes:
        """Return what was sealed, given the same purpose and subject.

        Raises:
            SealBrokenError: it was sealed with another master key, for something else, or was altered.
        """
        if len(sealed) < _LEAST_BYTES or not sealed.startswith(_VERSION):
            raise SealBrokenError(f"The sealed {purpose} of {subject} is damaged: restore it from a backup.")
        header, wrap, secret = (
            sealed[:_HEADER_BYTES],
            sealed[_HEADER_BYTES : _HEADER_BYTES + _WRAP_BYTES],
            sealed[_HEADER_BYTES + _WRAP_BYTES :],
        )
        if header != _VERSION + self._key_id:
            raise SealBrokenError(
                f"The sealed {purpose} of {subject} belongs to another master key than the one loaded: "
                "start with the key file that goes with this database."
            )
        try:
            data_key = self._wrapping.decrypt(wrap[:_NONCE_BYTES], wrap[_NONCE_BYTES:], header)
            return AESGCM(data_key).decrypt(
                secret[:_NONCE_BYTES], secret[_NONCE_BYTES:], _associated_data(purpose, subject)
            )
        except InvalidTag:
            raise SealBrokenError(
                f"The sealed {purpose} of {subject} does not open: it was altered, or sealed for something "
                "else. Enter the secret again."
            ) from None

    def seal_json(self, values: Mapping[str, str], *, purpose: str, subject: UUID | str) -> bytes:
        """Return named secrets sealed as one; see `seal`."""
        return self.seal(msgspec.json.encode(values), purpose=purpose, subject=subject)

    def open_json(self, sealed: bytes, *, purpose: str, subject: UUID | str) -> dict[str, str]:
        """Return what `seal_json` sealed; see `open`.

        Raises:
            SealBrokenError: as with `open`.
        """
        return msgspec.json.decode(self.open(sealed, purpose=purpose, subject=subject), type=dict[str, str])

    async def verify_key(self, connection: Connection) -> None:
        """Make sure that this vault's master key is the database's; the first one ever seen becomes it.

        Called at start-up, before anything is sealed.

        Raises:
            WrongKeyError: the database's secrets are sealed with another master key.
        """
        fresh = self.seal(_CANARY, purpose=_CANARY_PURPOSE, subject=_CANARY_SUBJECT)
        canary = await store.keep_canary(connection, fresh)
        try:
            self.open(canary, purpose=_CANARY_PURPOSE, subject=_CANARY_SUBJECT)
        except SealBrokenError as error:
            raise WrongKeyError(
                "The master key does not belong to this database: its secrets are sealed with another one. "
                "Put the key file that goes with this database in place."
            ) from error


async def load_or_create_key(path: Path, database: Database) -> MasterKey:
    """Return the master key at `path`; make one only for a database in which nothing was ever sealed.

    For set-ups that run without a hand on them, such as the sandbox: elsewhere a missing file is an error.

    Raises:
        KeyFileMissingError: there is no file, and the database has secrets that a new key would not open.
        KeyFileError: the file can not be read or written.
    """
    async with database.transaction() as connection:
        # One process makes the key, the others wait for the finished file.
        await store.lock_key_making(connection)
        try:
            return KeyFile.load(path)
        except KeyFileMissingError:
            if await store.has_canary(connection):
                raise
            return KeyFile.create(path)


def _associated_data(purpose: str, subject: UUID | str) -> bytes:
    # With its length before it, no purpose can run over into the subject.
    kind = purpose.encode()
    return len(kind).to_bytes(4) + kind + str(subject).encode()
