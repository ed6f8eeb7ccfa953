"""Whether a subscription is delivered to: what people say of it, and what its receiver's answers do."""

from typing import Final
from uuid import UUID

import structlog

from fleetwrite.audit import trail
from fleetwrite.audit.models import Actor, Deed
from fleetwrite.contract.event_names import WebhookStatusEnum
from fleetwrite.dispatch.service import Dispatch
from fleetwrite.dispatch.waiting import reorder
from fleetwrite.events.store import append
from fleetwrite.kit.database import Connection, Database, as_system
from fleetwrite.webhooks import delivery_store, health_store
from fleetwrite.webhooks.announcing import TOLD_OF_STATUS, webhook_event
from fleetwrite.webhooks.breaker import trips
from fleetwrite.webhooks.models import Subscription

log = structlog.get_logger(__name__)

_DEEDS: Final = {
    WebhookStatusEnum.ACTIVE: Deed.WEBHOOK_ACTIVATED,
    WebhookStatusEnum.PAUSED: Deed.WEBHOOK_PAUSED,
}
"""What somebody does who gives a subscription a status."""


class Health:
    """Turns subscriptions to active, paused and stale. What waits for them is kept whatever they are.

    Each turn writes status, lanes and event in one transaction. **Locks**: the subscription first, then dispatch.
    """

    def __init__(self, database: Database, dispatch: Dispatch) -> None:
        self._database = database
        self._dispatch = dispatch

    async def review(self, subscription_id: UUID) -> None:
        """Leave a receiver alone that fails too much; to be called when a failure that counts is stored."""
        async with self._database.transaction() as connection:
            if not trips(await health_store.select_outcomes(connection, subscription_id)):
                return
            subscription = await health_store.lock(connection, subscription_id)
            # Once more, as it is now that it is locked: it may have been changed or activated this very moment.
            if subscription is None or not trips(await health_store.select_outcomes(connection, subscription_id)):
                return
            await self._turn(connection, subscription, WebhookStatusEnum.STALE)
        log.warning("webhooks.staled", subscription_id=str(subscription_id))

    async def pause_gone(self, subscription_id: UUID) -> None:
        """Send nothing more to a receiver that answered 410, until somebody activates its subscription."""
        async with self._database.transaction() as connection:
            subscription = await health_store.lock(connection, subscription_id)
            if subscription is None or subscription.status is WebhookStatusEnum.PAUSED:
                return
            await self._turn(connection, subscription, WebhookStatusEnum.PAUSED)
        log.warning("webhooks.paused_as_gone", subscription_id=str(subscription_id))

    async def reactivate(self, subscription_id: UUID) -> None:
        """Send to a stale subscription again: its receiver took a delivery."""
        async with self._database.transaction() as connection:
            subscription = await health_store.lock(connection, subscription_id)
            if subscription is None or subscription.status is not WebhookStatusEnum.STALE:
                return
            await self._turn(connection, subscription, WebhookStatusEnum.ACTIVE)
        log.info("webhooks.reactivated", subscription_id=str(subscription_id))

    async def count_stale(self) -> int:
        """How many subscriptions of all partners are stale."""
        async with self._database.acquire() as connection:
            return await health_store.count_stale(connection)

    async def claim_probes(self, limit: int) -> list[UUID]:
        """Up to `limit` stale subscriptions to be probed now, by one delivery of each; nobody else does meanwhile."""
        async with self._database.transaction() as connection:
            return await health_store.claim_probes(connection, limit)

    async def turn(self, partner_id: UUID, subscription_id: UUID, to: WebhookStatusEnum, actor: Actor) -> None:
        """Do as the partner says, where the subscription is one of its own."""
        async with self._database.transaction() as connection:
            subscription = await health_store.lock(connection, subscription_id)
            if subscription is not None and subscription.partner_id == partner_id and subscription.status is not to:
                await self._turn(connection, subscription, to)
                await trail.append(connection, actor, _DEEDS[to], subscription_id)

    async def _turn(self, connection: Connection, subscription: Subscription, to: WebhookStatusEnum) -> None:
        turned = await health_store.set_status(connection, subscription.id, to)
        if to is WebhookStatusEnum.ACTIVE:
            # What was tried is due some time within the hour. It happened first, and is to be told first.
            tried = await delivery_store.select_tried(connection, subscription.id)
            async with as_system(connection):  # which alone has to do with lanes
                await reorder(connection, subscription.id, tried)
                await self._dispatch.release(connection, subscription.id)
        else:
            async with as_system(connection):  # as above
                await self._dispatch.hold(connection, subscription.id)
        await append(connection, [webhook_event(TOLD_OF_STATUS[to], turned)])
