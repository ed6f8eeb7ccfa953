"""Whether a token that was good when it was made still is: by the database's clock, and by what was called back."""

import time
from datetime import datetime, timedelta
from typing import Final

from fleetwrite.access import store
from fleetwrite.kit.database import Database
from fleetwrite.kit.freshness import Freshness

STALE_AFTER_S: Final = 1.0
"""For so long another process may accept a token that was called back here; each process asks the database once in
that time, and only while it is called."""

_OVERLAP: Final = timedelta(seconds=60)
"""Revocations are read so far back each time, though read once already: a commit can come late, but no statement of
ours may run longer."""


class Standing:
    """The database's time, and the tokens and clients that are to be refused though their signature is good."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._freshness = Freshness(self._read, good_for_s=STALE_AFTER_S)
        self._ahead_s = 0.0
        self._told_at: datetime | None = None
        self._revoked: dict[str, datetime] = {}
        self._disabled: frozenset[str] = frozenset()

    async def ensure(self) -> None:
        """Be no older than `STALE_AFTER_S`."""
        await self._freshness.ensure()

    async def renew(self) -> None:
        """Ask the database now."""
        await self._freshness.renew()

    def now(self) -> float:
        """Seconds since 1970 by the database's clock."""
        return time.monotonic() + self._ahead_s

    def is_called_back(self, token_id: str, client_id: str) -> bool:
        """Whether the token was revoked, or its client was disabled."""
        return token_id in self._revoked or client_id in self._disabled

    async def _read(self) -> None:
        since = None if self._told_at is None else self._told_at - _OVERLAP
        async with self._database.acquire() as connection:
            told = await store.called_back(connection, since)
        self._told_at = told.told_at
        self._ahead_s = told.told_at.timestamp() - time.monotonic()
        self._disabled = told.disabled_clients
        # What has expired is refused without being listed.
        known = {token: expires_at for token, expires_at in self._revoked.items() if expires_at > told.told_at}
        self._revoked = {**known, **told.revoked_tokens}
