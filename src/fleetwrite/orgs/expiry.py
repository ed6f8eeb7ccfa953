"""Writes down whose time is over, and tells of it. What is over does not count from its instant on, written or not."""

import asyncio
from typing import Final

import structlog

from fleetwrite.kit.database import DATABASE_FAILURES
from fleetwrite.orgs.agreements import AgreementService
from fleetwrite.orgs.invitations import InvitationService

log = structlog.get_logger(__name__)

PERIOD_S: Final = 10.0
"""How late the news may be: little against the hour that an invitation holds at least."""

BATCH: Final = 200
"""Most of each kind in one transaction: some ten milliseconds."""


class Expiry:
    """The loop of a worker that looks for invitations and agreements whose time is over. Any number may run."""

    def __init__(self, invitations: InvitationService, agreements: AgreementService) -> None:
        self._invitations = invitations
        self._agreements = agreements

    async def run(self, stop: asyncio.Event) -> None:
        """Look every few seconds until `stop` is set. Outlives restarts of the database."""
        while not stop.is_set():
            try:
                await self.expire_due()
            except DATABASE_FAILURES as error:
                log.warning("expiry.database_unavailable", error=str(error))
            try:
                async with asyncio.timeout(PERIOD_S):
                    await stop.wait()
            except TimeoutError:
                continue

    async def expire_due(self) -> int:
        """Write down and tell of all that is due; returns how many that were."""
        count = 0
        for expire in (self._invitations.expire, self._agreements.expire):
            while taken := await expire(BATCH):
                count += taken
        return count
