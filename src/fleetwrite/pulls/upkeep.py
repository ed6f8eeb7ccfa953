"""What schedules need now and then, whichever process does it."""

import asyncio
from typing import Final

import structlog

from fleetwrite.kit.database import DATABASE_FAILURES
from fleetwrite.records.schedules import ScheduleService

log = structlog.get_logger(__name__)

EVERY_S: Final = 600.0
"""Executions are kept for a week: a few minutes more are nothing, and there is little to delete each time."""


class ScheduleUpkeep:
    """Makes schedules that never were, and deletes old executions."""

    def __init__(self, schedules: ScheduleService) -> None:
        self._schedules = schedules

    async def run(self, stop: asyncio.Event) -> None:
        """Go on until `stop` is set."""
        while not stop.is_set():
            try:
                await self._schedules.make_missing()
                await self._schedules.forget_old()
            except DATABASE_FAILURES as error:
                log.warning("pulls.upkeep_failed", error=str(error))  # the next time does what is left
            try:
                async with asyncio.timeout(EVERY_S):
                    await stop.wait()
            except TimeoutError:
                continue
