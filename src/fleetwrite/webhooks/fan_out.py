"""From events to deliveries: the consumer of the outbox."""

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

import msgspec

from fleetwrite.dispatch.models import NewJob
from fleetwrite.dispatch.service import Dispatch
from fleetwrite.dispatch.waiting import lock_untried
from fleetwrite.events.models import Event
from fleetwrite.kit.database import Connection
from fleetwrite.kit.ids import new_id
from fleetwrite.webhooks import delivery_store as store
from fleetwrite.webhooks.models import KEPT, Parcel, lane_of

_RECORD_ACTIONS: Final = (".added", ".modified", ".removed")


class Batching(msgspec.Struct, frozen=True, kw_only=True):
    """Which events of one subscription share a delivery when they wait anyway: those of records.

    Operations, connections and the like are told one by one, as somebody waits for each.

    Attributes:
        most_events: of one delivery; 1: each goes alone.
        most_bytes: of the data of one delivery, unpacked. Web servers commonly take a mebibyte. An event that is
            larger goes alone.
    """

    most_events: int = 100
    most_bytes: int = 512 * 1024

    def takes(self, event_name: str) -> bool:
        """Whether events of this name share deliveries."""
        return self.most_events > 1 and event_name.endswith(_RECORD_ACTIONS)

    def fits(self, parcel: Parcel, size_bytes: int) -> bool:
        """Whether one more event of this size fits into `parcel`."""
        return parcel.event_count < self.most_events and parcel.size_bytes + size_bytes <= self.most_bytes


class DeliveryPlanner:
    """Turns each event into a delivery for each subscription that wants it, or lets it share one that waits.

    Subscriptions that are paused or stale have theirs as well: their lanes are held.
    """

    def __init__(self, dispatch: Dispatch, batching: Batching) -> None:
        self._dispatch = dispatch
        self._batching = batching

    async def plan(self, connection: Connection, events: Sequence[Event]) -> None:
        """Write the deliveries of `events` and put them into their lanes, in the caller's transaction."""
        names = {event.id: event.event_name for event in events}
        parcels: list[Parcel] = []
        sharing: dict[UUID, list[UUID]] = {}
        for event_id, subscription_id in await store.match(connection, events):
            if self._batching.takes(names[event_id]):
                sharing.setdefault(subscription_id, []).append(event_id)
            else:
                parcels.append(Parcel(id=new_id(), subscription_id=subscription_id, added=[event_id], event_count=1))
        if sharing:
            parcels += await self._share(connection, sharing)
        if not parcels:
            return
        await store.write_parcels(connection, parcels)
        await self._dispatch.enqueue(
            connection,
            [
                NewJob(id=parcel.id, lane=lane_of(parcel.subscription_id), lasts=KEPT)
                for parcel in parcels
                if parcel.is_new
            ],
        )

    async def _share(self, connection: Connection, sharing: Mapping[UUID, Sequence[UUID]]) -> list[Parcel]:
        """Parcels with these events of each subscription; the first may be one that waits and was never tried."""
        sizes = await store.select_sizes(connection, {event_id for ids in sharing.values() for event_id in ids})
        newest = await store.select_newest_pending(connection, sharing.keys())
        # Read when they are locked: then nobody sends them, and nobody else adds to them.
        untried = await lock_untried(connection, sharing.keys(), newest)
        waiting = {parcel.subscription_id: parcel for parcel in await store.select_parcels(connection, untried)}
        packed = [
            parcel
            for subscription_id, event_ids in sharing.items()
            for parcel in self._pack(subscription_id, event_ids, sizes, waiting.get(subscription_id))
        ]
        return [parcel for parcel in packed if parcel.added]

    def _pack(
        self, subscription_id: UUID, event_ids: Sequence[UUID], sizes: Mapping[UUID, int], waiting: Parcel | None
    ) -> list[Parcel]:
        parcels = [waiting or Parcel(id=new_id(), subscription_id=subscription_id)]
        for event_id in event_ids:
            parcel = parcels[-1]
            if parcel.event_count and not self._batching.fits(parcel, sizes[event_id]):
                parcel = Parcel(id=new_id(), subscription_id=subscription_id)
                parcels.append(parcel)
            parcel.add(event_id, sizes[event_id])
        return parcels
