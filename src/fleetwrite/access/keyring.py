"""The keys that sign tokens: shared through the database, so that a token of one process is good at all."""

import asyncio
import re
from typing import Any, Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey, generate_private_key
from jwt.algorithms import RSAAlgorithm

from fleetwrite.access import store
from fleetwrite.access.models import SigningKey
from fleetwrite.kit.database import Database
from fleetwrite.kit.errors import FleetwriteError
from fleetwrite.kit.ids import new_id
from fleetwrite.vault.service import Vault

ALGORITHM: Final = "RS256"
"""The only one we sign with or accept: a token can not choose a weaker one."""

_KEY_BITS: Final = 2048
"""Enough until 2030 by NIST SP 800-57; twice the bits would make signing six times as dear."""

_PUBLIC_EXPONENT: Final = 65537
_PURPOSE: Final = "token-signing-key"
_KEY_ID: Final = re.compile(r"[0-9a-f]{32}")


class Keyring:
    """Signing keys by id. The newest signs; every one in the table verifies."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault
        self._signer: tuple[str, RSAPrivateKey] | None = None
        self._public: dict[str, RSAPublicKey] = {}

    async def signer(self) -> tuple[str, RSAPrivateKey]:
        """The id and private half of the newest key; the first call on a new database makes one.

        Raises:
            SealBrokenError: the key was sealed with another master key.
        """
        async with self._database.acquire() as connection:
            newest = await store.newest_signing_key(connection)
        if newest is None:
            newest = await self._make_first()
        # Asked each time, so that a key that another process made takes over at once; opened only when new.
        if self._signer is None or self._signer[0] != newest.id:
            self._signer = newest.id, self._open(newest)
        return self._signer

    async def public(self, key_id: str) -> RSAPublicKey | None:
        """The public half of a key, None for one that was never ours."""
        known = self._public.get(key_id)
        # Whoever makes up key ids does not get to the database with them.
        if known is None and _KEY_ID.fullmatch(key_id):
            async with self._database.acquire() as connection:
                rows = await store.public_keys(connection, key_id)
            self._public.update({found: _read_public(pem) for found, pem in rows.items()})
            known = self._public.get(key_id)
        return known

    async def jwks(self) -> dict[str, Any]:
        """All public keys as a JSON Web Key Set (RFC 7517)."""
        async with self._database.acquire() as connection:
            rows = await store.public_keys(connection)
        return {
            "keys": [
                {
                    **RSAAlgorithm.to_jwk(_read_public(pem), as_dict=True),
                    "kid": key_id,
                    "use": "sig",
                    "alg": ALGORITHM,
                }
                for key_id, pem in rows.items()
            ]
        }

    async def _make_first(self) -> SigningKey:
        # Outside the lock, and off the event loop: finding primes takes some 50 ms.
        private = await asyncio.to_thread(generate_private_key, _PUBLIC_EXPONENT, _KEY_BITS)
        async with self._database.transaction() as connection:
            await store.lock_key_making(connection)
            first = await store.newest_signing_key(connection)
            if first is None:
                first = self._seal(private)
                await store.insert_signing_key(connection, first)
        return first

    def _seal(self, private: RSAPrivateKey) -> SigningKey:
        key_id = new_id().hex
        der = private.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        pem = private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return SigningKey(
            id=key_id,
            private_key_sealed=self._vault.seal(der, purpose=_PURPOSE, subject=key_id),
            public_key_pem=pem.decode(),
        )

    def _open(self, key: SigningKey) -> RSAPrivateKey:
        der = self._vault.open(key.private_key_sealed, purpose=_PURPOSE, subject=key.id)
        private = serialization.load_der_private_key(der, password=None)
        if not isinstance(private, RSAPrivateKey):
            raise FleetwriteError(f"The signing key {key.id} is no RSA key: delete its row to have one made.")
        return private


def _read_public(pem: str) -> RSAPublicKey:
    public = serialization.load_pem_public_key(pem.encode())
    if not isinstance(public, RSAPublicKey):
        raise FleetwriteError("A signing key in the database is no RSA key: delete its row to have one made.")
    return public
