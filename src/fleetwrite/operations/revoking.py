"""Takes back at providers what fleets consented to there, when their connections are gone."""

import asyncio
from typing import Final

import structlog

from fleetwrite.connections.logins import PrivateLogin
from fleetwrite.connections.models import Account
from fleetwrite.connectors.sdk.connector import SessionConnector
from fleetwrite.connectors.sdk.registry import Registry
from fleetwrite.dispatch.errors import SlotTimeoutError
from fleetwrite.kit.egress import AnswerLostError, Egress, NotSentError
from fleetwrite.operations.session import Patience, ProviderSession, Slots

log = structlog.get_logger(__name__)

REVOKE_LASTS_S: Final = 10.0
"""Somebody waits for the answer, and nothing here depends on it."""


class Revoker:
    """Tells providers that a consent is over."""

    def __init__(self, egress: Egress, slots: Slots, registry: Registry) -> None:
        self._egress = egress
        self._slots = slots
        self._registry = registry

    async def revoke(self, account: Account) -> None:
        """Make the one call that ends a consent, where the provider has one.

        What comes of it is logged and changes nothing: the connection is gone, and its keys with it.
        """
        connector = self._registry.get(account.connection.tsp_slug)
        call = connector.revocation(account.login) if isinstance(connector, SessionConnector) else None
        if call is None:
            return
        patience = Patience(
            deadline_at=asyncio.get_running_loop().time() + REVOKE_LASTS_S,
            slot_wait_s=REVOKE_LASTS_S,
            write_timeout_s=REVOKE_LASTS_S,
            read_timeout_s=REVOKE_LASTS_S,
        )
        session = ProviderSession(self._egress, self._slots, PrivateLogin(), account, connector, patience)
        connection_id = str(account.connection.id)
        try:
            answer = await session.send(call, account.login)
        except (NotSentError, AnswerLostError, SlotTimeoutError) as error:
            log.warning("revoking.failed", connection_id=connection_id, error=str(error))
            return
        log.info("revoking.answered", connection_id=connection_id, status=answer.status)
