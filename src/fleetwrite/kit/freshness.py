"""Keeps what is read from the database and held in memory no older than so many seconds."""

import asyncio
import time
from collections.abc import Awaitable, Callable


class Freshness:
    """Has something read again when it is asked for and too old. While nobody asks, nothing is read."""

    def __init__(self, read: Callable[[], Awaitable[None]], *, good_for_s: float) -> None:
        self._read = read
        self._good_for_s = good_for_s
        self._reading = asyncio.Lock()
        self._read_at = float("-inf")

    async def ensure(self) -> None:
        """Read again if what is there is too old; raises what reading raises, and the next caller tries anew."""
        if time.monotonic() - self._read_at > self._good_for_s:
            await self.renew()

    async def renew(self) -> None:
        """Read now. Callers that meet here share one reading that began after the first of them came."""
        met_at = time.monotonic()
        async with self._reading:
            if self._read_at < met_at:
                began_at = time.monotonic()
                await self._read()
                self._read_at = began_at
