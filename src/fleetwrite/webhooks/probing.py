"""Tries now and then whether the receivers of stale subscriptions are back, by a delivery that waits."""

import asyncio
from datetime import timedelta
from typing import Final
from uuid import UUID

from fleetwrite.dispatch.waiting import claim_held
from fleetwrite.kit.database import Database
from fleetwrite.kit.repeating import repeat, safely
from fleetwrite.webhooks.delivery import DeliveryHandler
from fleetwrite.webhooks.health import Health

NAME: Final = "webhook_probing"
"""Of this work in the log."""

POLL_S: Final = 1.0
"""How late a probe may be: little against its interval."""

MOST_PROBES: Final = 50
"""At a time in one process, so that a thousand dead receivers take no connections from those that live."""


class ReceiverProber:
    """Makes one attempt at one delivery of each stale subscription when it is time; the handler draws the conclusion.

    It is an attempt like any other: signed, logged, and settled under a lease.
    """

    def __init__(self, database: Database, health: Health, handler: DeliveryHandler, lease_lasts: timedelta) -> None:
        self._database = database
        self._health = health
        self._handler = handler
        self._lease_lasts = lease_lasts

    async def run(self, stop: asyncio.Event) -> None:
        """Probe what is due until `stop` is set; probes under way are finished."""
        await repeat(self.probe_due, POLL_S, stop, name=NAME)

    async def probe_due(self) -> int:
        """Probe what is due; returns how many subscriptions that were."""
        due = await self._health.claim_probes(MOST_PROBES)
        await asyncio.gather(*(safely(self._probe(one), name=NAME) for one in due))
        return len(due)

    async def _probe(self, subscription_id: UUID) -> None:
        async with self._database.transaction() as connection:
            job = await claim_held(connection, subscription_id, self._lease_lasts)
            if job is None:
                return
            work = await self._handler.load(connection, [job])
        await self._handler.run(job, work[job.id])
