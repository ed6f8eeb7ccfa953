"""Removes rows whose time is over, in batches so small that nobody else waits for them."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import msgspec
import structlog

from fleetwrite.kit.clock import database_now
from fleetwrite.kit.database import Database
from fleetwrite.kit.ids import first_id_at
from fleetwrite.kit.repeating import repeat

log = structlog.get_logger(__name__)

BATCH: Final = 1000
"""Most rows of one transaction: their locks are held for some ten milliseconds only, what hangs on them included."""

PAUSE_S: Final = 0.05
"""Between two batches, so that removing a backlog of years takes no more than a share of the database."""

EVERY_S: Final = 600.0
"""Between two sweeps. Nobody minds ten minutes more, and no day's worth of rows piles up to be removed at once."""

ID_SLACK: Final = timedelta(days=1)
"""How far the clock that made an id may be behind the database's."""


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """What is removed, and when.

    Attributes:
        name: of the rows, in logs.
        keeps: for how long a row is kept after its end.
        remove: a DELETE of at most $3 rows that ended before $1. Their ids are less than $2, which is for the index of
            a table whose ids are UUIDv7: it spares a look at each row that is to stay.
    """

    name: str
    keeps: timedelta
    remove: str


class Sweeper:
    """Applies rules. Any number of processes may do so side by side, if the rules pass over locked rows."""

    def __init__(self, database: Database, rules: Sequence[Rule]) -> None:
        self._database = database
        self._rules = rules

    async def run(self, stop: asyncio.Event) -> None:
        """Sweep now and then until `stop` is set; a batch under way is finished."""
        await repeat(lambda: self.sweep(stop), EVERY_S, stop, name="retention")

    async def sweep(self, stop: asyncio.Event | None = None) -> dict[str, int]:
        """Remove everything whose time is over, or what can be before `stop` is set; returns how many rows of each
        rule.
        """
        stop = stop or asyncio.Event()
        removed = {rule.name: 0 for rule in self._rules}
        for rule in self._rules:
            batch = BATCH
            while batch == BATCH and not stop.is_set():
                batch = await self._remove_batch(rule)
                removed[rule.name] += batch
                if batch == BATCH:
                    await _sleep(PAUSE_S, stop)
        if any(removed.values()):
            log.info("retention.removed", **removed)
        return removed

    async def _remove_batch(self, rule: Rule) -> int:
        async with self._database.transaction() as connection:
            before = await database_now(connection) - rule.keeps
            done = await connection.execute(rule.remove, before, first_id_at(before + ID_SLACK), BATCH)
        return int(done.removeprefix("DELETE "))


async def _sleep(seconds: float, stop: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return
