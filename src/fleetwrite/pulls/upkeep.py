"""What schedules need now and then, whichever process does it."""

import asyncio
from typing import Final

from fleetwrite.kit.repeating import repeat
from fleetwrite.records.schedules import ScheduleService

EVERY_S: Final = 600.0
"""Schedules are made with their connections. Only what a new version of a connector offers waits for this."""


class ScheduleUpkeep:
    """Makes schedules that never were."""

    def __init__(self, schedules: ScheduleService) -> None:
        self._schedules = schedules

    async def run(self, stop: asyncio.Event) -> None:
        """Go on until `stop` is set."""
        await repeat(self._schedules.make_missing, EVERY_S, stop, name="schedule_upkeep")
