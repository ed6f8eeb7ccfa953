"""Client secrets are kept as argon2id hashes only."""

import asyncio
import secrets
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

_AT_ONCE: Final = 2
"""Each check takes a core for about 20 ms and 19 MiB: a flood of token requests must not take the machine."""


class SecretHasher:
    """Hashes and checks secrets in threads, a few at a time.

    The parameters are the least that OWASP's password storage sheet names for argon2id (19 MiB, two passes, one
    lane): the secrets are 256 random bits, which no amount of work makes easier to keep.
    """

    def __init__(self) -> None:
        self._hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
        self._decoy = self._hasher.hash(secrets.token_hex(16))
        self._slots = asyncio.Semaphore(_AT_ONCE)

    async def hash(self, secret: str) -> str:
        """Return the hash of `secret`, with its salt and parameters in it."""
        async with self._slots:
            return await asyncio.to_thread(self._hasher.hash, secret)

    async def matches(self, secret: str, *hashes: str | None) -> bool:
        """Whether `secret` has one of these hashes. None stands for one that is not there, and takes as long.

        So the time that a refusal takes does not tell which clients there are, nor how many secrets they have.
        """
        async with self._slots:
            return await asyncio.to_thread(lambda: any(self._verify(secret, one) for one in hashes))

    def _verify(self, secret: str, secret_hash: str | None) -> bool:
        try:
            self._hasher.verify(secret_hash or self._decoy, secret)
        except VerifyMismatchError:
            return False
        return secret_hash is not None
