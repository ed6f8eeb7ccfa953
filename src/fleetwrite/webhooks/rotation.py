"""Destroys the secrets that were replaced, when their overlap is over."""

import asyncio
from typing import Final

import structlog

from fleetwrite.kit.database import Database
from fleetwrite.kit.repeating import repeat
from fleetwrite.webhooks import store

log = structlog.get_logger(__name__)

LOOK_EVERY_S: Final = 60.0
"""An old secret signs until its time and not a moment longer; so much later it is gone from the database as well."""


class OldSecrets:
    """Forgets what is not needed any more. Any number of processes may run this side by side."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def run(self, stop: asyncio.Event) -> None:
        """Look every minute until `stop` is set."""
        await repeat(self.destroy, LOOK_EVERY_S, stop, name="old_secrets")

    async def destroy(self) -> None:
        """Destroy all secrets whose overlap is over."""
        async with self._database.transaction() as connection:
            destroyed = await store.destroy_old_secrets(connection)
        if destroyed:
            log.info("webhooks.old_secrets_destroyed", count=destroyed)
