import asyncio
import base64
import gzip
import hashlib
import hmac
from datetime import timedelta
from uuid import UUID

from aiohttp import web

from administrating import administrator
from fleetwrite.dispatch.backoff import Backoff
from fleetwrite.dispatch.claims import claim
from fleetwrite.dispatch.models import Closing
from fleetwrite.webhooks.models import KIND, DeliverySettings
from integration.webhooks.harness import SOON, Received, Receiver, Webhooks


def assert_signed(received: Received, secret: str | None) -> None:
    assert secret is not None
    signed = received.headers["X-Catena-Timestamp"].encode() + b"." + gzip.decompress(received.body)
    digest = hmac.new(secret.encode(), signed, hashlib.sha256).digest()
    assert received.headers["X-Catena-Signature"] == base64.b64encode(digest).decode()


async def attempts(webhooks: Webhooks) -> list[tuple[str, int | None, str | None]]:
    rows = await webhooks.database.pool.fetch("SELECT * FROM delivery_attempts ORDER BY id")
    assert all(row["response_time_ms"] >= 0 for row in rows)
    return [(row["status"], row["status_code"], row["error_message"]) for row in rows]


async def test_an_event_arrives_signed_packed_and_with_the_contract_s_headers(
    webhooks: Webhooks, receiver: Receiver
) -> None:
    subscription = await webhooks.subscribe(receiver.url)
    async with webhooks.worker():
        [event_id] = await webhooks.emit()
        [received] = await receiver.received(1)
        await webhooks.until("status = 'success'")
    occurred_at = await webhooks.database.pool.fetchval("SELECT occurred_at FROM events WHERE id = $1", event_id)

    assert_signed(received, subscription.secret)
    assert received.headers["Content-Type"] == "application/json"
    assert received.headers["Content-Encoding"] == "gzip"
    assert received.headers["Accept"] == "application/json"
    assert received.headers["User-Agent"] == "Catena-Webhook"
    assert received.headers["X-Source"] == "catena-notifications"
    assert received.headers["X-Event-Type"] == "resource_operation.created"
    assert received.headers["X-Webhook-ID"] == str(subscription.id)
    assert received.headers["X-Schema-Version"] == received.envelope["version"]
    assert received.headers["X-Delivery-Attempt"] == "1"
    assert received.headers["X-Catena-Timestamp"].endswith("+00:00")
    assert received.envelope | {"timestamp": None} == {
        "version": "1.0",
        "event_name": "resource_operation.created",
        "data": [{"number": 0, "note": "Grüße"}],
        "webhook_id": str(subscription.id),
        "timestamp": None,
        "id": str(event_id),
        "delivery_attempt": 1,
    }
    assert received.envelope["timestamp"] == occurred_at.isoformat().replace("+00:00", "Z")
    assert await webhooks.deliveries() == [("success", 1)]
    assert await attempts(webhooks) == [("success", 202, None)]
    attempt_id = await webhooks.database.pool.fetchval("SELECT id FROM delivery_attempts")
    assert UUID(received.headers["X-Request-ID"]) == attempt_id


async def test_a_retry_is_the_same_event_with_the_next_attempt(webhooks: Webhooks, receiver: Receiver) -> None:
    subscription = await webhooks.subscribe(receiver.url)
    receiver.answers.append(web.Response(status=500))
    async with webhooks.worker():
        await webhooks.emit()
        first, second = await receiver.received(2)
        await webhooks.until("status = 'success'")
    assert [first.envelope["delivery_attempt"], second.envelope["delivery_attempt"]] == [1, 2]
    assert first.envelope | {"delivery_attempt": 2} == second.envelope
    assert [first.headers["X-Delivery-Attempt"], second.headers["X-Delivery-Attempt"]] == ["1", "2"]
    assert first.headers["X-Request-ID"] != second.headers["X-Request-ID"]
    assert_signed(second, subscription.secret)
    assert await webhooks.deliveries() == [("success", 2)]
    assert await attempts(webhooks) == [("failed", 500, "The receiver answered 500."), ("success", 202, None)]


async def test_any_2xx_is_a_success(webhooks: Webhooks, receiver: Receiver) -> None:
    await webhooks.subscribe(receiver.url)
    receiver.answers.extend(web.Response(status=status) for status in (200, 201, 204, 299))
    async with webhooks.worker():
        await webhooks.emit(4)
        await webhooks.until("status = 'success'")
    assert await webhooks.deliveries() == [("success", 1)] * 4


async def test_anything_else_is_tried_again(webhooks: Webhooks, receiver: Receiver) -> None:
    await webhooks.subscribe(receiver.url)
    statuses = [301, 307, 400, 401, 404, 500, 503]
    receiver.answers.extend(web.Response(status=status, headers={"Location": receiver.url}) for status in statuses)
    async with webhooks.worker():
        await webhooks.emit()
        await webhooks.until("status = 'success'")
    # A redirect that was followed would be a request more.
    assert len(receiver.requests) == len(statuses) + 1
    assert [status_code for _, status_code, _ in await attempts(webhooks)] == [*statuses, 202]


async def test_a_receiver_that_is_down_gets_its_events_when_it_is_back(webhooks: Webhooks, receiver: Receiver) -> None:
    await webhooks.subscribe(receiver.url)
    await receiver.stop()
    async with webhooks.worker():
        event_ids = await webhooks.emit(3)
        await webhooks.until("attempts >= 2")
        await receiver.start(receiver.port)
        await webhooks.until("status = 'success'")
    assert {request.envelope["id"] for request in receiver.requests} == {str(event_id) for event_id in event_ids}
    failed = [attempt for attempt in await attempts(webhooks) if attempt[0] == "failed"]
    assert len(failed) >= 6
    assert all(status_code is None and message for _, status_code, message in failed)


async def test_a_receiver_that_hangs_is_given_up_on_and_tried_again(webhooks: Webhooks, receiver: Receiver) -> None:
    await webhooks.subscribe(receiver.url)
    receiver.hang.clear()
    async with webhooks.worker(SOON, timeout_s=0.2):
        await webhooks.emit()
        await receiver.received(1)
        await webhooks.until("attempts >= 1")
        receiver.hang.set()
        await webhooks.until("status = 'success'")
    first = (await attempts(webhooks))[0]
    assert first[:2] == ("failed", None)
    assert first[2]


async def test_one_that_hangs_does_not_delay_another(webhooks: Webhooks, receiver: Receiver) -> None:
    hanging = Receiver()
    await hanging.start()
    hanging.hang.clear()
    await webhooks.subscribe(hanging.url)
    await webhooks.subscribe(receiver.url)
    async with webhooks.worker():
        await webhooks.emit(5)
        await hanging.received(1)
        await receiver.received(5)
        hanging.hang.set()
        await webhooks.until("status = 'success'")
    await hanging.stop()


async def test_retry_after_pauses_the_whole_subscription(webhooks: Webhooks, receiver: Receiver) -> None:
    await webhooks.subscribe(receiver.url)
    receiver.answers.append(web.Response(status=429, headers={"Retry-After": "60"}))
    async with webhooks.worker():
        await webhooks.emit()
        await receiver.received(1)
        await webhooks.until("attempts = 1")
        await webhooks.emit()
        await webhooks.fan_out().fan_out_once()
    row = await webhooks.database.pool.fetchrow(
        """
        SELECT closed_until - fleetwrite_now() AS closed, (SELECT max(due_at) FROM jobs) - fleetwrite_now() AS due
        FROM budgets
        """
    )
    assert row is not None
    assert timedelta(seconds=30) < row["closed"] <= timedelta(seconds=60)
    assert timedelta(seconds=30) < row["due"] <= timedelta(seconds=60)
    assert len(receiver.requests) == 1


async def test_a_delivery_whose_time_is_over_has_failed(webhooks: Webhooks, receiver: Receiver) -> None:
    await webhooks.subscribe(receiver.url)
    receiver.answers.extend(web.Response(status=500) for _ in range(100))
    async with webhooks.worker(DeliverySettings(fast_s=(3600.0,), tail=SOON.tail)):
        await webhooks.emit()
        await webhooks.until("attempts = 1")
        await webhooks.database.pool.execute("UPDATE clock_shift SET shift = '4 days'")
        await webhooks.until("status = 'failed'")
    # The time being over is found out by one more failure.
    assert await webhooks.deliveries() == [("failed", 2)]
    assert len(await attempts(webhooks)) == 2
    assert await webhooks.database.pool.fetchval("SELECT count(*) FROM jobs") == 0


async def test_deleting_a_subscription_stops_its_retries(webhooks: Webhooks, receiver: Receiver) -> None:
    deleted = await webhooks.subscribe(receiver.url)
    other = await webhooks.subscribe(receiver.url + "/other")
    receiver.answers.extend(web.Response(status=500) for _ in range(2))
    slow = DeliverySettings(fast_s=(0.3,), tail=Backoff(first_s=0.01, cap_s=0.01))
    async with webhooks.worker(slow):
        await webhooks.emit()
        await webhooks.until("attempts = 1")
        await webhooks.subscriptions.delete(webhooks.partner_id, deleted.id)
        await receiver.received(3)
        await webhooks.until("status <> 'pending'")
    rows = await webhooks.database.pool.fetch("SELECT subscription_id, status FROM deliveries")
    assert {row["subscription_id"]: row["status"] for row in rows} == {deleted.id: "failed", other.id: "success"}
    assert len(receiver.requests) == 3


async def test_an_attempt_under_way_when_its_subscription_is_deleted_is_logged(
    webhooks: Webhooks, receiver: Receiver
) -> None:
    subscription = await webhooks.subscribe(receiver.url)
    receiver.hang.clear()
    async with webhooks.worker():
        await webhooks.emit()
        await receiver.received(1)
        await webhooks.subscriptions.delete(webhooks.partner_id, subscription.id)
        receiver.hang.set()
    assert await webhooks.deliveries() == [("failed", 0)]
    assert await attempts(webhooks) == [("success", 202, None)]


async def test_nothing_is_lost_when_the_process_dies_after_fan_out(webhooks: Webhooks, receiver: Receiver) -> None:
    await webhooks.subscribe(receiver.url)
    event_ids = await webhooks.emit(10)
    await webhooks.fan_out().fan_out_once()
    async with webhooks.worker():
        await receiver.received(10)
        await webhooks.until("status = 'success'")
    assert sorted(request.envelope["id"] for request in receiver.requests) == [str(event_id) for event_id in event_ids]


async def test_an_attempt_that_never_reported_is_made_again_after_its_lease(
    webhooks: Webhooks, receiver: Receiver
) -> None:
    await webhooks.subscribe(receiver.url)
    await webhooks.emit()
    await webhooks.fan_out().fan_out_once()
    # What a process leaves behind that dies between its claim and its report.
    async with webhooks.database.transaction() as connection:
        assert len(await claim(connection, KIND, 10, timedelta(0))) == 1
    async with webhooks.worker():
        [received] = await receiver.received(1)
        await webhooks.until("status = 'success'")
    assert received.envelope["delivery_attempt"] == 2
    assert await webhooks.deliveries() == [("success", 2)]


async def test_a_pause_that_was_asked_for_holds_for_interrupted_attempts_too(
    webhooks: Webhooks, receiver: Receiver
) -> None:
    subscription = await webhooks.subscribe(receiver.url)
    await webhooks.emit()
    await webhooks.fan_out().fan_out_once()
    async with webhooks.database.transaction() as connection:
        [job] = await claim(connection, KIND, 10, timedelta(0))
    await webhooks.dispatch.close(subscription.id, Closing(for_s=60.0, call=job.scopes))
    async with webhooks.worker():
        async with asyncio.timeout(20):
            while await webhooks.database.pool.fetchval("SELECT due_at < fleetwrite_now() FROM jobs"):
                await asyncio.sleep(0.01)
    row = await webhooks.database.pool.fetchrow(
        "SELECT lease, attempts, due_at - fleetwrite_now() > '30 s' AS waits FROM jobs"
    )
    assert row is not None
    assert (row["lease"], row["attempts"], row["waits"]) == (None, 1, True)
    assert receiver.requests == []


async def test_two_workers_share_deliveries_and_make_none_twice(webhooks: Webhooks, receiver: Receiver) -> None:
    await webhooks.subscribe(receiver.url)
    await webhooks.subscribe(receiver.url + "/2")
    async with webhooks.worker(), webhooks.worker():
        event_ids = await webhooks.emit(100)
        await receiver.received(200)
        await webhooks.until("status = 'success'")
    told = [(request.envelope["id"], request.envelope["webhook_id"]) for request in receiver.requests]
    assert len(told) == len(set(told)) == 200
    assert {event_id for event_id, _ in told} == {str(event_id) for event_id in event_ids}
    assert set(await webhooks.deliveries()) == {("success", 1)}


async def test_an_answer_is_stored_though_the_database_goes_away_meanwhile(
    webhooks: Webhooks, receiver: Receiver
) -> None:
    await webhooks.subscribe(receiver.url)
    database = webhooks.database
    async with webhooks.worker(), asyncio.timeout(20):
        async with administrator(database) as blocking:
            await blocking.execute("LOCK TABLE delivery_attempts")
            await webhooks.emit()
            while not await blocking.fetchval(
                "SELECT bool_or(pg_terminate_backend(pid)) FROM pg_stat_activity"
                " WHERE datname = current_database() AND wait_event_type = 'Lock'"
            ):
                await asyncio.sleep(0.005)
        await webhooks.until("status = 'success'")
    assert len(receiver.requests) == 1
    assert await attempts(webhooks) == [("success", 202, None)]
