"""The database's clock, for checks that are too frequent to ask the database each time."""

import asyncio
import time
from typing import Final

from fleetwrite.access import store
from fleetwrite.kit.database import Database

_ASK_EVERY_S: Final = 5.0
"""How far behind a shifted database clock a check may be; a real one drifts by microseconds in that time."""


class DatabaseClock:
    """Tells the database's time from this machine's steady clock, and compares the two every few seconds."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._asking = asyncio.Lock()
        self._asked_at = float("-inf")
        self._ahead = 0.0

    async def now(self) -> float:
        """Seconds since 1970 by the database's clock."""
        if time.monotonic() - self._asked_at > _ASK_EVERY_S:
            await self.ask()
        return time.monotonic() + self._ahead

    async def ask(self) -> None:
        """Compare the clocks now. Callers that meet here share one question."""
        met_at = time.monotonic()
        async with self._asking:
            if self._asked_at > met_at:
                return
            async with self._database.acquire() as connection:
                told = (await store.now(connection)).timestamp()
            self._asked_at = time.monotonic()
            self._ahead = told - self._asked_at
