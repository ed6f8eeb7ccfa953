"""What becomes of a subscription whose receiver fails, and of what waits for it."""

from uuid import UUID

import pytest
from aiohttp import web

from fleetwrite.contract.event_names import WebhookStatusEnum
from fleetwrite.dispatch.backoff import Backoff
from fleetwrite.webhooks.errors import SubscriptionNotFoundError
from fleetwrite.webhooks.models import DeliverySettings
from integration.webhooks.harness import Received, Receiver, Webhooks

PATIENT = DeliverySettings(fast_s=(0.01, 0.01, 0.01), tail=Backoff(first_s=3600.0, cap_s=3600.0))
"""Fast retries at once; then nothing happens unless the clock is shifted."""


def ids(requests: list[Received]) -> list[str]:
    return [request.envelope["id"] for request in requests]


async def fail_until_stale(webhooks: Webhooks, subscription_id: UUID, events: int = 10) -> list[str]:
    """Let so many events fail until the breaker trips; returns their ids. The receiver must not take any."""
    emitted = await webhooks.emit(events)
    await webhooks.until("attempts >= 4")
    assert await webhooks.status_of(subscription_id) == "active"
    # The quarter of an hour in which nothing is judged is over, and so are the waits of all retries.
    await webhooks.shift("2 hours")
    await webhooks.until_status(subscription_id, "stale")
    await webhooks.quiet()
    return [str(one) for one in emitted]


async def test_a_receiver_that_fails_ten_times_in_a_row_is_left_alone_but_not_in_its_first_quarter_of_an_hour(
    webhooks: Webhooks, receiver: Receiver
) -> None:
    subscription = await webhooks.subscribe(receiver.url)
    receiver.always = 500
    async with webhooks.worker(PATIENT):
        await fail_until_stale(webhooks, subscription.id)
        tried = len(receiver.requests)
        await webhooks.emit(5)
        await webhooks.quiet()
        # Whatever is due now would be sent within the poll of a worker.
        await webhooks.shift("5 minutes")
        other = await webhooks.subscribe(receiver.url + "/other")
        await webhooks.emit(1)
        await receiver.received(tried + 1)
    assert {request.headers["X-Webhook-ID"] for request in receiver.requests[tried:]} == {str(other.id)}


async def test_a_stale_subscription_is_told_of_to_the_others_and_never_to_itself(
    webhooks: Webhooks, receiver: Receiver
) -> None:
    failing = Receiver()
    await failing.start()
    failing.always = 500
    stale = await webhooks.subscribe(failing.url, "webhook.staled")
    told = await webhooks.subscribe(receiver.url, "webhook.staled")
    async with webhooks.worker(PATIENT):
        # Ten events about other subscriptions, which both are to be told of.
        await webhooks.emit(10, "webhook.staled")
        await receiver.received(10)
        await webhooks.until("attempts >= 4 OR status = 'success'")
        await webhooks.shift("2 hours")
        await webhooks.until_status(stale.id, "stale")
        await receiver.received(11)
    event = receiver.requests[-1].envelope
    assert event["event_name"] == "webhook.staled"
    assert event["webhook_id"] == str(told.id)
    [item] = event["data"]
    assert item == {
        "id": str(stale.id),
        "url": failing.url.replace("/fleetwrite", "/*****"),
        "event_name": "webhook.staled",
        "filters": None,
        "status": "stale",
    }
    about_itself = await webhooks.database.pool.fetchval(
        "SELECT count(*) FROM deliveries JOIN events ON events.id = event_id"
        " WHERE subscription_id = $1 AND data ->> 'id' = $1::text",
        stale.id,
    )
    assert about_itself == 0
    await failing.stop()


async def test_a_receiver_that_was_down_for_a_day_gets_everything_without_a_human(
    webhooks: Webhooks, receiver: Receiver
) -> None:
    subscription = await webhooks.subscribe(receiver.url)
    await receiver.stop()
    async with webhooks.worker(PATIENT):
        emitted = await fail_until_stale(webhooks, subscription.id)
        for _ in range(24):
            emitted += map(str, await webhooks.emit(2))
            await webhooks.shift("1 hour")
        assert await webhooks.status_of(subscription.id) == "stale"
        await receiver.start(receiver.port)
        await webhooks.shift("10 minutes")
        await receiver.received(len(emitted))
        await webhooks.until("status = 'success'")
        await webhooks.until_status(subscription.id, "active")
    assert sorted(ids(receiver.requests)) == sorted(emitted)


async def test_what_waited_comes_back_in_order_whatever_was_tried_of_it_meanwhile(
    webhooks: Webhooks, receiver: Receiver
) -> None:
    subscription = await webhooks.subscribe(receiver.url)
    receiver.always = 500
    async with webhooks.worker(PATIENT):
        emitted = await fail_until_stale(webhooks, subscription.id)
        emitted += map(str, await webhooks.emit(5))
        await webhooks.quiet()
        for probe in range(1, 4):
            await webhooks.shift("10 minutes")
            await webhooks.until(f"(SELECT count(*) FROM deliveries WHERE attempts = 1) = {probe}")  # noqa: S608 - ours
    assert await webhooks.in_line(subscription.id) == []
    await webhooks.upkeep.activate(webhooks.partner_id, subscription.id)
    assert await webhooks.in_line(subscription.id) == emitted


async def test_while_it_is_stale_one_delivery_tries_every_ten_minutes_and_each_time_another(
    webhooks: Webhooks, receiver: Receiver
) -> None:
    subscription = await webhooks.subscribe(receiver.url)
    receiver.always = 500
    async with webhooks.worker(PATIENT):
        await fail_until_stale(webhooks, subscription.id)
        waiting = await webhooks.emit(3)
        await webhooks.quiet()
        tried = len(receiver.requests)
        for probe in range(1, 4):
            await webhooks.shift("10 minutes")
            await receiver.received(tried + probe)
    # The newest were not tried before, and one that no receiver would ever take must not be the one that asks.
    assert sorted(ids(receiver.requests[tried:])) == sorted(map(str, waiting))


async def test_nothing_dies_while_it_is_stale_and_the_tail_begins_anew_afterwards(
    webhooks: Webhooks, receiver: Receiver
) -> None:
    subscription = await webhooks.subscribe(receiver.url)
    receiver.always = 500
    async with webhooks.worker(PATIENT):
        # So few that their failures after the activation make it stale again only when all of them are dead.
        await fail_until_stale(webhooks, subscription.id, events=5)
        tried = len(receiver.requests)
        await webhooks.shift("5 days")
        await webhooks.until("(SELECT max(attempts) FROM deliveries) = 6")
        await webhooks.upkeep.activate(webhooks.partner_id, subscription.id)
        await receiver.received(tried + 6)
        await webhooks.until("attempts >= 6 AND status = 'pending'")
        await webhooks.shift("4 days")
        await webhooks.until("status = 'failed'")


async def test_what_waits_for_fourteen_days_is_a_dead_letter(webhooks: Webhooks, receiver: Receiver) -> None:
    subscription = await webhooks.subscribe(receiver.url)
    await webhooks.upkeep.pause(webhooks.partner_id, subscription.id)
    async with webhooks.worker(PATIENT):
        await webhooks.emit(2)
        await webhooks.until("status = 'pending'")
        await webhooks.shift("14 days 1 minute")
        await webhooks.until("status = 'failed'")
    assert receiver.requests == []
    assert (await webhooks.upkeep.metrics(webhooks.partner_id, subscription.id)).dlq_count == 2


async def test_what_gets_its_turn_late_is_not_given_up_before_its_fast_retries(
    webhooks: Webhooks, receiver: Receiver
) -> None:
    await webhooks.subscribe(receiver.url)
    receiver.fails_first = 3
    await webhooks.emit(1)
    await webhooks.fan_out().fan_out_once()
    await webhooks.shift("4 days")
    async with webhooks.worker(PATIENT):
        await webhooks.until("status = 'success'")
    assert await webhooks.deliveries() == [("success", 4)]


async def test_410_pauses_the_subscription_and_keeps_its_events(webhooks: Webhooks, receiver: Receiver) -> None:
    gone = await webhooks.subscribe(receiver.url)
    await webhooks.subscribe(receiver.url + "/about", "webhook.paused")
    receiver.answers.append(web.Response(status=410))
    async with webhooks.worker(PATIENT):
        await webhooks.emit()
        await webhooks.until_status(gone.id, "paused")
        await receiver.received(2)
        assert receiver.requests[1].envelope["data"][0]["status"] == "paused"
        await webhooks.emit(2)
        await webhooks.upkeep.activate(webhooks.partner_id, gone.id)
        await receiver.received(5)
        await webhooks.until("status = 'success'")


async def test_a_paused_subscription_gets_what_it_missed_in_order_when_it_is_activated(
    webhooks: Webhooks, receiver: Receiver
) -> None:
    subscription = await webhooks.subscribe(receiver.url)
    await webhooks.subscribe(receiver.url, "webhook.activated")
    paused = await webhooks.upkeep.pause(webhooks.partner_id, subscription.id)
    assert paused.status is WebhookStatusEnum.PAUSED
    emitted = [str(one) for one in await webhooks.emit(20)]
    async with webhooks.worker(PATIENT):
        await webhooks.until("status = 'pending'")
    assert receiver.requests == []
    active = await webhooks.upkeep.activate(webhooks.partner_id, subscription.id)
    assert active.status is WebhookStatusEnum.ACTIVE
    assert await webhooks.in_line(subscription.id) == emitted
    async with webhooks.worker(PATIENT):
        await receiver.received(21)
        await webhooks.until("status = 'success'")
    told = {request.envelope["id"] for request in receiver.requests}
    assert told > set(emitted)


async def test_saying_again_what_it_is_already_tells_nobody(webhooks: Webhooks, receiver: Receiver) -> None:
    subscription = await webhooks.subscribe(receiver.url)
    for _ in range(2):
        await webhooks.upkeep.pause(webhooks.partner_id, subscription.id)
    for _ in range(2):
        await webhooks.upkeep.activate(webhooks.partner_id, subscription.id)
    rows = await webhooks.database.pool.fetch("SELECT event_name FROM events ORDER BY id")
    assert [row["event_name"] for row in rows] == ["webhook.created", "webhook.paused", "webhook.activated"]


async def test_a_subscription_of_somebody_else_is_not_found(webhooks: Webhooks, receiver: Receiver) -> None:
    subscription = await webhooks.subscribe(receiver.url)
    stranger = UUID(int=5)
    await webhooks.add_partner(stranger)
    for act in (webhooks.upkeep.pause, webhooks.upkeep.activate, webhooks.upkeep.metrics, webhooks.upkeep.test):
        with pytest.raises(SubscriptionNotFoundError):
            await act(stranger, subscription.id)
    assert await webhooks.status_of(subscription.id) == "active"


async def test_a_receiver_that_restarts_within_the_fast_retries_fails_nothing(
    webhooks: Webhooks, receiver: Receiver
) -> None:
    subscription = await webhooks.subscribe(receiver.url)
    await webhooks.shift("1 hour")
    receiver.fails_first = 3
    async with webhooks.worker(PATIENT):
        await webhooks.emit(30)
        await webhooks.until("status = 'success'")
    assert len(receiver.requests) == 120
    assert await webhooks.status_of(subscription.id) == "active"
