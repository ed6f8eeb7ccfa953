"""What partners see and do: log, figures, replay, test; and what is deleted in the end."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from aiohttp import web

from fleetwrite.bootstrap import retention_rules
from fleetwrite.contract.event_names import WebhookLogStatusEnum
from fleetwrite.contract.notifications import WebhookLogRead, WebhookMetrics
from fleetwrite.kit.ids import new_id
from fleetwrite.kit.retention import Sweeper
from fleetwrite.settings import Settings
from fleetwrite.webhooks.errors import InvalidReplayError, ReceiverBusyError
from fleetwrite.webhooks.limits import renew_budgets
from fleetwrite.webhooks.models import Replay, budgets
from fleetwrite.webhooks.upkeep import LogQuery
from integration.webhooks.harness import Receiver, Webhooks
from integration.webhooks.test_delivery import assert_signed
from integration.webhooks.test_health import PATIENT, ids


async def log_of(webhooks: Webhooks, webhook_id: UUID, **query: Any) -> list[WebhookLogRead]:
    """All pages of the log, two entries at a time."""
    found: list[WebhookLogRead] = []
    cursor = None
    while True:
        page = await webhooks.upkeep.log(webhooks.partner_id, webhook_id, LogQuery(cursor=cursor, size=2, **query))
        found += page.items
        cursor = page.next_page
        if cursor is None:
            return found


async def make_dead(webhooks: Webhooks, receiver: Receiver, count: int, event_name: str) -> list[str]:
    """Let so many events fail for good; returns their ids. The receiver works again afterwards."""
    receiver.always = 500
    emitted = await webhooks.emit(count, event_name)
    async with webhooks.worker(PATIENT):
        await webhooks.until("attempts >= 4")
        await webhooks.shift("3 days 1 minute")
        await webhooks.until("status = 'failed'")
    receiver.always = 202
    receiver.requests.clear()
    return [str(one) for one in emitted]


CREATED = "resource_operation.created"


async def test_the_log_has_each_attempt_with_what_the_receiver_said(webhooks: Webhooks, receiver: Receiver) -> None:
    subscription = await webhooks.subscribe(receiver.url)
    receiver.answers.append(web.Response(status=500, text=f"Traceback:\n  key {subscription.secret}"))
    async with webhooks.worker():
        [event_id] = await webhooks.emit()
        await webhooks.until("status = 'success'")
        await receiver.stop()
        await webhooks.emit()
        await webhooks.until("(SELECT count(*) FROM deliveries) = 2 AND attempts > 1")
    first, second, *others = await log_of(webhooks, subscription.id)
    assert (first.webhook_id, first.message_id, first.event_name) == (subscription.id, event_id, CREATED)
    assert (first.status, first.status_code) == (WebhookLogStatusEnum.FAILED, 500)
    assert first.error_message == "The receiver answered 500: Traceback: key *****"
    assert (second.message_id, second.status, second.status_code) == (event_id, WebhookLogStatusEnum.SUCCESS, 202)
    assert second.error_message is None
    assert first.created_at < second.created_at
    assert {(one.status, one.status_code) for one in others} == {(WebhookLogStatusEnum.FAILED, 0)}
    assert all(one.error_message for one in others)

    succeeded = await log_of(webhooks, subscription.id, status=WebhookLogStatusEnum.SUCCESS)
    assert succeeded == [second]
    assert await log_of(webhooks, subscription.id, start_date=second.created_at) == [second, *others]
    assert await log_of(webhooks, subscription.id, end_date=second.created_at) == [first]


async def test_the_log_goes_fourteen_days_back(webhooks: Webhooks, receiver: Receiver) -> None:
    subscription = await webhooks.subscribe(receiver.url)
    async with webhooks.worker():
        await webhooks.emit()
        await webhooks.until("status = 'success'")
    await webhooks.shift("13 days")
    assert len(await log_of(webhooks, subscription.id)) == 1
    await webhooks.shift("1 day 1 minute")
    assert await log_of(webhooks, subscription.id, start_date=datetime.fromisoformat("2020-01-01T00:00:00Z")) == []


def by_window(metrics: WebhookMetrics, name: str) -> list[int | None]:
    metric = getattr(metrics, name)
    return [metric.hours_6, metric.hours_24, metric.days_7, metric.days_14]


async def test_the_figures_count_what_the_log_has_in_each_window(webhooks: Webhooks, receiver: Receiver) -> None:
    subscription = await webhooks.subscribe(receiver.url)
    for age, outcomes in (
        ("20 days", [[True]]),
        ("10 days", [[True]] * 3),
        ("3 days", [[False, True], [False]]),
        ("12 hours", [[True]] * 200),
        ("1 hour", [[False, False, True], [False, True], [True]]),
    ):
        await _insert_log(webhooks, subscription.id, age, outcomes)
    # Tried long ago, and once more just now.
    await _insert_log(webhooks, subscription.id, "10 days", [[False]], then=("1 minute", True))

    metrics = await webhooks.upkeep.metrics(webhooks.partner_id, subscription.id)

    assert metrics.webhook_id == subscription.id
    assert by_window(metrics, "http_attempts") == [7, 207, 210, 214]
    assert by_window(metrics, "http_success_attempts") == [4, 204, 205, 208]
    assert by_window(metrics, "http_failure_attempts") == [3, 3, 5, 6]
    assert by_window(metrics, "message_count") == [4, 204, 206, 209]
    assert by_window(metrics, "message_success_count") == [4, 204, 205, 208]
    assert by_window(metrics, "success_rate") == [None, 100, 100, 100]
    assert by_window(metrics, "avg_response_time_ms") == [50, 50, 50, 50]
    assert metrics.ewma_success_rate is not None
    assert 0.95 < metrics.ewma_success_rate < 1
    assert metrics.dlq_count == 1


async def _insert_log(
    webhooks: Webhooks,
    subscription_id: UUID,
    age: str,
    outcomes: list[list[bool]],
    then: tuple[str, bool] | None = None,
) -> None:
    """Deliveries of that age with these attempts each, and one more attempt at each `then`."""
    for event_id, tries in zip(await webhooks.emit(len(outcomes)), outcomes, strict=True):
        delivery_id = new_id()
        last = tries[-1] if then is None else then[1]
        await webhooks.database.pool.execute(
            "INSERT INTO deliveries (id, subscription_id, event_id, message_id, status, created_at, updated_at,"
            " enqueued_at) VALUES ($1, $2, $3, $3, $4, fleetwrite_now(), fleetwrite_now(), fleetwrite_now())",
            delivery_id,
            subscription_id,
            event_id,
            "success" if last else "failed",
        )
        for when, succeeded in [(age, one) for one in tries] + ([] if then is None else [then]):
            await webhooks.database.pool.execute(
                "INSERT INTO delivery_attempts (id, delivery_id, subscription_id, created_at, status, response_time_ms)"
                " VALUES ($1, $2, $3, fleetwrite_now() - $4::text::interval, $5, 50)",
                new_id(),
                delivery_id,
                subscription_id,
                when,
                "success" if succeeded else "failed",
            )


async def test_nothing_was_tried_yet(webhooks: Webhooks, receiver: Receiver) -> None:
    subscription = await webhooks.subscribe(receiver.url)
    metrics = await webhooks.upkeep.metrics(webhooks.partner_id, subscription.id)
    assert by_window(metrics, "http_attempts") == [0, 0, 0, 0]
    assert by_window(metrics, "avg_response_time_ms") == [None] * 4
    assert by_window(metrics, "success_rate") == [None] * 4
    assert (metrics.ewma_success_rate, metrics.dlq_count) == (None, 0)


async def test_dead_letters_go_out_again_in_order_with_their_ids_and_their_attempts_counted_on(
    webhooks: Webhooks, receiver: Receiver
) -> None:
    subscription = await webhooks.subscribe(receiver.url)
    emitted = await make_dead(webhooks, receiver, 8, CREATED)
    result = await webhooks.upkeep.replay(webhooks.partner_id, subscription.id, Replay())
    assert result.replayed == 8
    assert await webhooks.in_line(subscription.id) == emitted
    rows = await webhooks.database.pool.fetch("SELECT event_id::text, attempts FROM deliveries")
    before = {row["event_id"]: row["attempts"] for row in rows}
    receiver.answers.append(web.Response(status=500))
    async with webhooks.worker(PATIENT):
        # A replay has its fast retries like any other.
        await receiver.received(9)
        await webhooks.until("status = 'success'")
    assert sorted(set(ids(receiver.requests))) == sorted(emitted)
    counted = [
        (one.envelope["id"], int(one.headers["X-Delivery-Attempt"]) - before[one.envelope["id"]])
        for one in receiver.requests
    ]
    assert sorted(counted) == sorted(
        [*((event_id, 1) for event_id in emitted), (receiver.requests[0].envelope["id"], 2)]
    )
    assert (await webhooks.upkeep.metrics(webhooks.partner_id, subscription.id)).dlq_count == 0
    again = await webhooks.upkeep.replay(webhooks.partner_id, subscription.id, Replay())
    assert again.replayed == 0


async def test_a_replay_can_be_narrowed_by_time_and_by_event(webhooks: Webhooks, receiver: Receiver) -> None:
    subscription = await webhooks.subscribe(receiver.url)
    early = await webhooks.emit(2)
    await webhooks.shift("1 hour")
    late = await make_dead(webhooks, receiver, 2, CREATED)
    rows = await webhooks.database.pool.fetch("SELECT id::text, occurred_at FROM events")
    times = {row["id"]: row["occurred_at"] for row in rows}
    between = times[str(early[1])] + timedelta(minutes=1)

    async def replayed(wanted: Replay) -> int:
        return (await webhooks.upkeep.replay(webhooks.partner_id, subscription.id, wanted)).replayed

    assert await replayed(Replay(to_datetime=times[str(early[0])])) == 0
    assert await replayed(Replay(from_datetime=between, to_datetime=times[late[1]], event_ids=(early[0],))) == 0
    assert await replayed(Replay(event_ids=(early[0], new_id()))) == 1
    assert await replayed(Replay(from_datetime=between)) == 2
    assert await replayed(Replay()) == 1


async def test_one_event_of_a_batch_brings_the_whole_batch_again(webhooks: Webhooks, receiver: Receiver) -> None:
    subscription = await webhooks.subscribe(receiver.url, "vehicle.added")
    emitted = await make_dead(webhooks, receiver, 3, "vehicle.added")
    result = await webhooks.upkeep.replay(webhooks.partner_id, subscription.id, Replay(event_ids=(UUID(emitted[2]),)))
    assert result.replayed == 1
    async with webhooks.worker():
        [received] = await receiver.received(1)
    assert len(received.envelope["data"]) == 3


async def test_what_was_delivered_goes_out_again_only_where_that_is_asked_for(
    webhooks: Webhooks, receiver: Receiver
) -> None:
    subscription = await webhooks.subscribe(receiver.url)
    async with webhooks.worker():
        [event_id] = await webhooks.emit()
        await webhooks.until("status = 'success'")
        everything = Replay(from_datetime=datetime.fromisoformat("2020-01-01T00:00:00Z"))
        assert (await webhooks.upkeep.replay(webhooks.partner_id, subscription.id, everything)).replayed == 0
        with pytest.raises(InvalidReplayError):
            await webhooks.upkeep.replay(webhooks.partner_id, subscription.id, Replay(with_delivered=True))
        wanted = Replay(event_ids=(event_id,), with_delivered=True)
        assert (await webhooks.upkeep.replay(webhooks.partner_id, subscription.id, wanted)).replayed == 1
        first, second = await receiver.received(2)
    assert first.envelope["id"] == second.envelope["id"]
    assert second.headers["X-Delivery-Attempt"] == "2"


async def test_a_replay_of_a_paused_subscription_waits(webhooks: Webhooks, receiver: Receiver) -> None:
    subscription = await webhooks.subscribe(receiver.url)
    await make_dead(webhooks, receiver, 1, CREATED)
    await webhooks.upkeep.pause(webhooks.partner_id, subscription.id)
    assert (await webhooks.upkeep.replay(webhooks.partner_id, subscription.id, Replay())).replayed == 1
    async with webhooks.worker():
        await webhooks.until("status = 'pending'")
        await webhooks.upkeep.activate(webhooks.partner_id, subscription.id)
        await webhooks.until("status = 'success'")


async def test_a_test_is_signed_like_the_real_thing_and_leaves_no_trace(webhooks: Webhooks, receiver: Receiver) -> None:
    subscription = await webhooks.subscribe(receiver.url)
    receiver.answers.append(web.Response(status=503, text="not yet", headers={"Retry-After": "60"}))
    failed = await webhooks.upkeep.test(webhooks.partner_id, subscription.id)
    assert (failed.status, failed.status_code) == (WebhookLogStatusEnum.FAILED, 503)
    assert (failed.error_message, failed.response_excerpt) == ("The receiver answered 503: not yet", "not yet")

    receiver.answers.append(web.Response(status=200, text="thanks"))
    taken = await webhooks.upkeep.test(webhooks.partner_id, subscription.id)
    assert (taken.status, taken.status_code, taken.response_excerpt) == (WebhookLogStatusEnum.SUCCESS, 200, "thanks")
    assert taken.error_message is None
    assert taken.event_name == CREATED
    received = receiver.requests[1]
    assert_signed(received, subscription.secret)
    assert received.headers["Fleetwrite-Test"] == "true"
    assert received.envelope["id"] == str(taken.message_id)
    assert received.envelope["event_name"] == CREATED
    assert received.envelope["data"][0]["payload"] == {}
    pool = webhooks.database.pool
    for table in ("deliveries", "delivery_attempts", "jobs"):
        assert await pool.fetchval(f"SELECT count(*) FROM {table}") == 0  # noqa: S608 - our own
    assert await pool.fetchval("SELECT array_agg(event_name) FROM events") == ["webhook.created"]


async def test_a_test_tells_when_nobody_is_there(webhooks: Webhooks, receiver: Receiver) -> None:
    subscription = await webhooks.subscribe(receiver.url)
    await receiver.stop()
    result = await webhooks.upkeep.test(webhooks.partner_id, subscription.id)
    assert (result.status, result.status_code) == (WebhookLogStatusEnum.FAILED, None)
    assert result.error_message
    assert receiver.url not in result.error_message


async def test_a_test_keeps_to_the_limits_of_the_subscription(webhooks: Webhooks, receiver: Receiver) -> None:
    subscription = await webhooks.subscribe(receiver.url)
    await webhooks.database.pool.execute("UPDATE budgets SET closed_until = fleetwrite_now() + interval '40 s'")
    with pytest.raises(ReceiverBusyError) as raised:
        await webhooks.upkeep.test(webhooks.partner_id, subscription.id)
    assert 30 < raised.value.retry_after_s <= 40
    assert receiver.requests == []


async def test_what_is_older_than_it_is_kept_is_deleted_and_nothing_else(
    webhooks: Webhooks, receiver: Receiver
) -> None:
    waiting = await webhooks.subscribe(receiver.url + "/waits")
    await webhooks.upkeep.pause(webhooks.partner_id, waiting.id)
    await webhooks.subscribe(receiver.url)
    async with webhooks.worker():
        await webhooks.emit(3)
        await webhooks.until(f"status = 'success' OR subscription_id = '{waiting.id}'")
    sweeper = Sweeper(webhooks.database, retention_rules(Settings.load({})))
    await webhooks.shift("13 days")
    assert not any((await sweeper.sweep()).values())
    await webhooks.shift("1 day 1 minute")
    removed = await sweeper.sweep()
    assert (removed["delivery_attempts"], removed["deliveries"], removed["events"]) == (3, 3, 0)
    await webhooks.shift("16 days")
    await webhooks.database.pool.execute("UPDATE events SET fanned_out_at = fleetwrite_now()")
    assert (await sweeper.sweep())["events"] > 0
    # Those that wait are not over.
    assert await webhooks.deliveries() == [("pending", 0)] * 3
    left = await webhooks.database.pool.fetch("SELECT event_name FROM events")
    assert [row["event_name"] for row in left] == ["resource_operation.created"] * 3


async def test_subscriptions_follow_the_settings(webhooks: Webhooks, receiver: Receiver) -> None:
    subscription = await webhooks.subscribe(receiver.url)
    usual = budgets(per_second=7, in_flight=3)
    await renew_budgets(webhooks.database, webhooks.dispatch, usual)
    async with webhooks.database.acquire() as connection:
        assert await webhooks.dispatch.budgets(connection, subscription.id) == list(usual)
