"""From events to deliveries: the consumer of the outbox."""

from collections.abc import Sequence
from datetime import timedelta

from fleetwrite.dispatch.models import NewJob
from fleetwrite.dispatch.service import Dispatch
from fleetwrite.events.models import Event
from fleetwrite.kit.database import Connection
from fleetwrite.kit.ids import new_id
from fleetwrite.webhooks import delivery_store as store
from fleetwrite.webhooks.models import lane_of


class DeliveryPlanner:
    """Turns each event into one delivery for each active subscription that wants it."""

    def __init__(self, dispatch: Dispatch, lasts: timedelta) -> None:
        self._dispatch = dispatch
        self._lasts = lasts

    async def plan(self, connection: Connection, events: Sequence[Event]) -> None:
        """Write the deliveries of `events` and put them into their lanes, in the caller's transaction."""
        matches = await store.match(connection, events)
        if not matches:
            return
        deliveries = [(new_id(), event_id, subscription_id) for event_id, subscription_id in matches]
        await store.insert_deliveries(connection, deliveries)
        await self._dispatch.enqueue(
            connection,
            [
                NewJob(id=delivery_id, lane=lane_of(subscription_id), lasts=self._lasts)
                for delivery_id, _, subscription_id in deliveries
            ],
        )
