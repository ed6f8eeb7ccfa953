"""The loop that hands written events to their consumer."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

import structlog

from fleetwrite.events import store
from fleetwrite.events.models import Event
from fleetwrite.kit.database import DATABASE_FAILURES, Connection, Database

log = structlog.get_logger(__name__)

BATCH: Final = 500
"""Most events of one transaction: enough to share the commit widely, few enough to hold row locks for some ten
milliseconds only."""

POLL_S: Final = 1.0
"""Look at the outbox at least so often, should a notification get lost."""

DATABASE_RETRY_S: Final = 0.5
"""Pause after the database failed us: it is back within seconds, and so are we."""


class FanOut:
    """Hands every event to `consume`, in the order of their ids, in one transaction with the mark that says so.

    Whatever `consume` writes is there exactly once for each event, wherever a process dies. Any number of
    processes may run this side by side; each event goes to one of them.
    """

    def __init__(
        self,
        database: Database,
        consume: Callable[[Connection, Sequence[Event]], Awaitable[None]],
        *,
        batch: int = BATCH,
    ) -> None:
        self._database = database
        self._consume = consume
        self._batch = batch
        self._awake = asyncio.Event()

    @property
    def channels(self) -> Mapping[str, Callable[[], None]]:
        """What a database listener must call when, for new events to be handed on at once."""
        return {store.CHANNEL: self._awake.set}

    async def run(self, stop: asyncio.Event) -> None:
        """Fan out until `stop` is set; a batch under way is finished. Outlives restarts of the database.

        Raises:
            Exception: whatever `consume` raises, unless it is the database that failed.
        """
        stopped = asyncio.create_task(self._wake_on(stop))
        try:
            while not stop.is_set():
                self._awake.clear()
                pause_s = await self._turn()
                if pause_s > 0:
                    await self._until_awake(pause_s)
        finally:
            stopped.cancel()

    async def fan_out_once(self) -> int:
        """Hand one batch to the consumer; returns how many events that were."""
        async with self._database.transaction() as connection:
            events = await store.take_waiting(connection, self._batch)
            if events:
                await self._consume(connection, events)
                await store.mark_fanned_out(connection, [event.id for event in events])
        return len(events)

    async def _turn(self) -> float:
        """Hand on one batch; returns how many seconds there is nothing to do."""
        try:
            taken = await self.fan_out_once()
        except DATABASE_FAILURES as error:
            log.warning("events.database_unavailable", error=str(error))
            return DATABASE_RETRY_S
        return 0.0 if taken == self._batch else POLL_S

    async def _until_awake(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._awake.wait()
        except TimeoutError:
            return  # time to look, notified or not

    async def _wake_on(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._awake.set()
