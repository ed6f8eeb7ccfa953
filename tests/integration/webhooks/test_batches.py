"""Events of records that wait anyway share a delivery."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from fleetwrite.dispatch.claims import claim
from fleetwrite.dispatch.service import Dispatch
from fleetwrite.kit.database import Database
from fleetwrite.webhooks.fan_out import Batching, DeliveryPlanner
from fleetwrite.webhooks.models import KEPT, KIND, Parcel
from integration.webhooks.harness import Received, Receiver, Webhooks
from integration.webhooks.test_health import PATIENT

RECORDS = "vehicle.modified"


def numbers(requests: Sequence[Received]) -> list[list[int]]:
    return [[item["number"] for item in request.envelope["data"]] for request in requests]


async def messages(webhooks: Webhooks) -> list[tuple[int, UUID]]:
    rows = await webhooks.database.pool.fetch("SELECT event_count, message_id FROM deliveries ORDER BY id")
    return [(row["event_count"], row["message_id"]) for row in rows]


async def test_events_that_wait_together_share_a_delivery_that_is_signed_as_one(
    webhooks: Webhooks, receiver: Receiver
) -> None:
    await webhooks.subscribe(receiver.url, RECORDS)
    event_ids = await webhooks.emit(5, RECORDS)
    async with webhooks.worker():
        [received] = await receiver.received(1)
        await webhooks.until("status = 'success'")
    assert numbers([received]) == [[0, 1, 2, 3, 4]]
    first_at = await webhooks.database.pool.fetchval("SELECT occurred_at FROM events WHERE id = $1", event_ids[0])
    assert received.envelope["timestamp"] == first_at.isoformat().replace("+00:00", "Z")
    # An event of the five may reach this receiver alone by another subscription: that must not look like a repeat.
    assert received.envelope["id"] not in {str(one) for one in event_ids}


async def test_an_event_that_goes_alone_has_its_own_id(webhooks: Webhooks, receiver: Receiver) -> None:
    await webhooks.subscribe(receiver.url, RECORDS)
    [event_id] = await webhooks.emit(1, RECORDS)
    async with webhooks.worker():
        [received] = await receiver.received(1)
    assert received.envelope["id"] == str(event_id)


async def test_operations_are_told_one_by_one(webhooks: Webhooks, receiver: Receiver) -> None:
    await webhooks.subscribe(receiver.url)
    event_ids = await webhooks.emit(3)
    async with webhooks.worker():
        await receiver.received(3)
    assert {request.envelope["id"] for request in receiver.requests} == {str(one) for one in event_ids}


async def test_what_comes_later_joins_what_still_waits_up_to_the_bounds(webhooks: Webhooks, receiver: Receiver) -> None:
    webhooks.batching = Batching(most_events=4)
    subscription = await webhooks.subscribe(receiver.url, RECORDS)
    await webhooks.upkeep.pause(webhooks.partner_id, subscription.id)
    for count in (1, 2, 3):
        await webhooks.emit(count, RECORDS)
        await webhooks.fan_out().fan_out_once()
    assert [count for count, _ in await messages(webhooks)] == [4, 2]
    assert await webhooks.database.pool.fetchval("SELECT count(*) FROM jobs") == 2
    await webhooks.upkeep.activate(webhooks.partner_id, subscription.id)
    async with webhooks.worker():
        await receiver.received(2)
        await webhooks.until("status = 'success'")
    assert sorted(numbers(receiver.requests)) == [[0, 0, 1, 0], [1, 2]]


async def test_nothing_joins_a_delivery_that_was_tried(webhooks: Webhooks, receiver: Receiver) -> None:
    await webhooks.subscribe(receiver.url, RECORDS)
    receiver.answers.extend(web.Response(status=500) for _ in range(4))
    await webhooks.emit(2, RECORDS)
    async with webhooks.worker(PATIENT):
        await webhooks.until("attempts = 4")
        await webhooks.emit(1, RECORDS)
        await receiver.received(5)
        # An hour later the lease of one that is still under way would be over.
        await webhooks.until("(status = 'success') = (event_count = 1)")
        await webhooks.shift("1 hour")
        await receiver.received(6)
        await webhooks.until("status = 'success'")
    assert numbers(receiver.requests) == [[0, 1]] * 4 + [[0], [0, 1]]
    sent = [request.envelope["id"] for request in receiver.requests]
    assert len(set(sent[:4])) == 1
    assert sent[0] == sent[5] != sent[4]


async def test_nothing_joins_a_delivery_that_is_under_way_or_was_interrupted(
    webhooks: Webhooks, receiver: Receiver
) -> None:
    await webhooks.subscribe(receiver.url, RECORDS)
    await webhooks.emit(1, RECORDS)
    await webhooks.fan_out().fan_out_once()
    async with webhooks.database.transaction() as connection:
        assert len(await claim(connection, KIND, 10, KEPT)) == 1
    await webhooks.emit(1, RECORDS)
    await webhooks.fan_out().fan_out_once()
    assert [count for count, _ in await messages(webhooks)] == [1, 1]


async def test_a_delivery_that_grows_gets_another_id(webhooks: Webhooks, receiver: Receiver) -> None:
    subscription = await webhooks.subscribe(receiver.url, RECORDS)
    await webhooks.upkeep.pause(webhooks.partner_id, subscription.id)
    seen = set()
    for _ in range(3):
        await webhooks.emit(1, RECORDS)
        await webhooks.fan_out().fan_out_once()
        [(_, message_id)] = await messages(webhooks)
        seen.add(message_id)
    assert len(seen) == 3


async def test_two_processes_that_add_at_the_same_time_lose_nothing(webhooks: Webhooks, receiver: Receiver) -> None:
    subscription = await webhooks.subscribe(receiver.url, RECORDS)
    await webhooks.upkeep.pause(webhooks.partner_id, subscription.id)
    await webhooks.emit(1, RECORDS)
    await webhooks.fan_out().fan_out_once()
    async with webhooks.database.transaction() as one:
        await webhooks.emit(2, RECORDS)
        planner = DeliveryPlanner(webhooks.dispatch, webhooks.batching)
        await planner.plan(one, await _waiting(one))
        # While the first has not committed, another one plans later events.
        async with webhooks.database.transaction() as other:
            late = await webhooks.emit(1, RECORDS)
            await planner.plan(other, [event for event in await _waiting(other) if event.id in late])
    rows = await webhooks.database.pool.fetch(
        "SELECT event_count, 1 + (SELECT count(*) FROM batched_events WHERE delivery_id = d.id) AS events"
        " FROM deliveries AS d ORDER BY id"
    )
    assert [(row["event_count"], row["events"]) for row in rows] == [(3, 3), (1, 1)]


async def _waiting(connection: Any) -> Any:
    rows = await connection.fetch(
        "SELECT id, event_name, partner_id, fleet_id, fleet_ref, occurred_at FROM events"
        " WHERE NOT EXISTS (SELECT FROM deliveries WHERE event_id = events.id) ORDER BY id"
    )
    from fleetwrite.events.models import Event  # noqa: PLC0415 - of this one use

    return [Event(**row) for row in rows]


SIZES = st.lists(st.integers(1, 120), min_size=1, max_size=40)


@given(SIZES, st.integers(2, 8), st.integers(1, 300), st.integers(0, 8), st.integers(0, 300))
def test_whatever_comes_each_event_is_in_one_parcel_in_order_and_within_the_bounds(
    sizes: list[int], most_events: int, most_bytes: int, begun: int, begun_bytes: int
) -> None:
    batching = Batching(most_events=most_events, most_bytes=most_bytes)
    planner = DeliveryPlanner(Dispatch(_no_database()), batching)
    waiting = Parcel(
        id=UUID(int=1), subscription_id=UUID(int=2), event_count=begun, size_bytes=begun_bytes, is_new=False
    )
    event_ids = [UUID(int=100 + number) for number in range(len(sizes))]
    parcels = planner._pack(
        UUID(int=2), event_ids, dict(zip(event_ids, sizes, strict=True)), waiting if begun else None
    )
    assert [event_id for parcel in parcels for event_id in parcel.added] == event_ids
    for parcel in parcels:
        if parcel.added:
            assert parcel.event_count <= most_events
            assert parcel.size_bytes <= most_bytes or parcel.event_count == 1


def _no_database() -> Database:
    """Packing asks nobody."""
    return Database.__new__(Database)


@pytest.mark.parametrize("name", ["resource_operation.created", "webhook.staled", "connection.staled"])
def test_only_records_share(name: str) -> None:
    assert Batching().takes("trailer.added")
    assert not Batching().takes(name)
    assert not Batching(most_events=1).takes("trailer.added")
