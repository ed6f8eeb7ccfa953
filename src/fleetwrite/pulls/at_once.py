"""Pulls that somebody waits for: run to their end in this process, where no worker is at work yet."""

import asyncio
from collections.abc import Collection
from datetime import timedelta
from typing import Final
from uuid import UUID

from fleetwrite.dispatch.claims import claim
from fleetwrite.kit.database import Database
from fleetwrite.kit.errors import FleetwriteError
from fleetwrite.pulls.handler import PullHandler
from fleetwrite.records import schedule_store
from fleetwrite.records.schedules import ScheduleService

AT_A_TIME: Final = 16
"""As many as a process has connections to the database, so that none waits for one."""

_POLL_S: Final = 0.05
"""How often to look for a pull that waits for a slot."""


class PullsUnfinishedError(FleetwriteError):
    """Pulls did not come to their end in time."""


async def pull_at_once(
    database: Database,
    schedules: ScheduleService,
    handler: PullHandler,
    connection_ids: Collection[UUID],
    *,
    lease_lasts: timedelta,
    within_s: float,
) -> None:
    """Begin an execution of each active schedule of these connections, and run until all of them have ended.

    Raises:
        PullsUnfinishedError: they have not after so many seconds, as the provider does not let them.
    """
    await schedules.pull_soon(connection_ids)
    try:
        async with asyncio.timeout(within_s):
            while await _count_due(database, connection_ids):
                async with database.transaction() as connection:
                    jobs = await claim(connection, handler.kind, AT_A_TIME, lease_lasts)
                    work = await handler.load(connection, jobs)
                await asyncio.gather(*(handler.run(job, work[job.id]) for job in jobs))
                if not jobs:
                    await asyncio.sleep(_POLL_S)
    except TimeoutError as error:
        raise PullsUnfinishedError(
            f"Records were not read within {within_s:g} s: see whether the provider answers, and accepts the login."
        ) from error


async def _count_due(database: Database, connection_ids: Collection[UUID]) -> int:
    async with database.acquire() as connection:
        return await schedule_store.count_due(connection, connection_ids)
