"""Deletes what is older than it is kept: logs, and deliveries that ended, dead letters among them."""

import asyncio
from typing import Final

import structlog

from fleetwrite.kit.database import Database
from fleetwrite.kit.repeating import repeat
from fleetwrite.webhooks import delivery_store
from fleetwrite.webhooks.models import KEPT

log = structlog.get_logger(__name__)

SWEEP_EVERY_S: Final = 60.0
"""What is kept for two weeks may be kept a minute longer."""

DELETED_AT_A_TIME: Final = 1000
"""Rows of one transaction: some ten milliseconds of work."""

REST_S: Final = 0.1
"""Between two of them, so that the database has time for what somebody waits for."""


class Retention:
    """Sweeps in small batches. Any number of processes may do it side by side."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def run(self, stop: asyncio.Event) -> None:
        """Sweep every minute until `stop` is set."""
        await repeat(self.sweep, SWEEP_EVERY_S, stop, name="webhook_retention")

    async def sweep(self) -> int:
        """Delete all that is due; returns how many rows that were."""
        deleted = 0
        for delete in (delivery_store.delete_attempts, delivery_store.delete_ended):
            while True:
                async with self._database.transaction() as connection:
                    done = await delete(connection, KEPT, DELETED_AT_A_TIME)
                deleted += done
                if done < DELETED_AT_A_TIME:
                    break
                await asyncio.sleep(REST_S)
        if deleted:
            log.info("webhooks.swept", rows=deleted)
        return deleted
