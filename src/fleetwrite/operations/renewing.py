"""Logs in anew ahead of a session's end, so that no write has to wait for it; and finds out early who may no more."""

import asyncio
from typing import Final

import structlog

from fleetwrite.connections.errors import BadConnectionFieldsError, ConnectionDeletedError
from fleetwrite.connections.logins import SharedLogins
from fleetwrite.connections.models import Account
from fleetwrite.connections.outage_models import Reach, Sign
from fleetwrite.connections.outages import Outages
from fleetwrite.connections.service import ConnectionService
from fleetwrite.connectors.sdk.connector import LoginRefusedError, ProviderAnswerError, SessionConnector
from fleetwrite.connectors.sdk.registry import Registry, UnknownTspError
from fleetwrite.dispatch.errors import SlotTimeoutError
from fleetwrite.kit.database import Database
from fleetwrite.kit.egress import AnswerLostError, Egress, NotSentError
from fleetwrite.kit.polling import poll, safely
from fleetwrite.operations.session import Patience, ProviderSession, Slots
from fleetwrite.vault.errors import SealBrokenError

log = structlog.get_logger(__name__)

_NAME: Final = "renewing"

POLL_S: Final = 1.0
"""A renewal has minutes; this only keeps a thousand that are due from becoming one burst."""

MOST_AT_ONCE: Final = 20
"""Renewals under way at a time in one process."""

SLOT_WAIT_S: Final = 10.0
"""How long a renewal waits for its slot; later it is tried again."""


class Renewer:
    """Renews the sessions of connections that are in use, each by one process of all."""

    def __init__(
        self,
        database: Database,
        connections: ConnectionService,
        registry: Registry,
        outages: Outages,
        egress: Egress,
        slots: Slots,
        logins: SharedLogins,
        *,
        read_timeout_s: float,
    ) -> None:
        self._database = database
        self._connections = connections
        self._registry = registry
        self._outages = outages
        self._egress = egress
        self._slots = slots
        self._logins = logins
        self._read_timeout_s = read_timeout_s

    async def run(self, stop: asyncio.Event) -> None:
        """Renew what is due until `stop` is set; renewals under way are finished."""
        await poll(self.renew_due, stop, POLL_S, _NAME)

    async def renew_due(self) -> int:
        """Renew what is due; returns how many sessions were tried to be renewed."""
        connection_ids = await self._logins.claim_renewals(MOST_AT_ONCE)
        async with self._database.acquire() as connection:
            accounts = await self._connections.open_accounts(connection, connection_ids)
        # Whatever goes wrong leaves a claim to end: then it is due again.
        await asyncio.gather(*(safely(self._renew(account), _NAME) for account in accounts.values()))
        return len(accounts)

    async def _renew(self, account: Account) -> None:
        """Log in anew; where that is not possible, let it have its consequences."""
        lasts_s = SLOT_WAIT_S + self._read_timeout_s
        patience = Patience(
            deadline_at=asyncio.get_running_loop().time() + lasts_s,
            slot_wait_s=SLOT_WAIT_S,
            write_timeout_s=self._read_timeout_s,
            read_timeout_s=self._read_timeout_s,
        )
        try:
            connector = self._registry.get(account.connection.tsp_slug)
            session = ProviderSession(self._egress, self._slots, self._logins, account, connector, patience)
        except (SealBrokenError, BadConnectionFieldsError, ConnectionDeletedError, UnknownTspError) as error:
            log.warning("renewing.unusable", connection_id=str(account.id), error=str(error))
            return
        if not isinstance(connector, SessionConnector):
            return
        try:
            await session.renew(connector)
        except LoginRefusedError:
            await self._outages.report(_sign(account, Reach.LOGIN_REFUSED))
        except (ProviderAnswerError, NotSentError, AnswerLostError, SlotTimeoutError) as error:
            log.info("renewing.postponed", connection_id=str(account.id), error=str(error))
            await self._logins.postpone_renewal(account.id)
            if session.reach is Reach.FAILED:
                await self._outages.report(_sign(account, Reach.FAILED))


def _sign(account: Account, reach: Reach) -> Sign:
    return Sign(
        connection_id=account.id,
        operation_id=account.id,
        tsp_slug=account.connection.tsp_slug,
        host=account.host,
        reach=reach,
    )
