"""What the provider answers, and what becomes of the operation."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from fleetwrite.contract.enums import ConnectionStatusEnum, ResourceEnum
from fleetwrite.dispatch.models import BudgetLimit
from fleetwrite.records.models import record_id
from integration.operations import writes
from integration.operations.endings import AUTH, DELIVERED, EXPIRED, FAILING, REJECTED, THROTTLED, UNREACHABLE, endings
from integration.operations.world import FAILED, PENDING, SUCCESS, World, as_json, opened_world


@pytest.mark.parametrize("kind", writes.ALL, ids=lambda kind: kind.name)
async def test_a_write_that_the_provider_takes_succeeds(world: World, kind: writes.Kind) -> None:
    mark = writes.new_mark()
    operation = await world.deliver(kind.resource, kind.body(world, mark))
    assert (operation.status, endings(operation)) == (SUCCESS, [DELIVERED])
    assert [log.response_status_code for log in operation.logs] == [200]
    assert operation.source_id is not None
    assert operation.resource_id == record_id(world.connection.id, kind.resource, operation.source_id)
    assert len(kind.held(world, mark)) == 1
    assert await world.waiting() == []
    names = [name for name, _ in await world.events(operation.id)]
    assert names == ["resource_operation.created", "resource_operation.succeeded"]
    assert (await world.events(operation.id))[-1][1] == as_json(operation)


async def test_what_was_created_can_be_updated_and_referred_to(world: World) -> None:
    body = writes.DRIVER.body(world, writes.new_mark())
    driver = await world.deliver(ResourceEnum.USER, body)
    updated = await world.deliver(ResourceEnum.USER, {"phone_number": "+15555550123"}, driver.resource_id)
    assert (updated.status, updated.resource_id, updated.source_id) == (SUCCESS, driver.resource_id, driver.source_id)
    attributes = await world.services.database.pool.fetchval(
        "SELECT attributes FROM records WHERE id = $1", driver.resource_id
    )
    assert attributes == body | {"phone_number": "+15555550123"}
    message = writes.MESSAGE.body(world, writes.new_mark()) | {"recipient_id": driver.resource_id}
    sent = await world.deliver(ResourceEnum.MESSAGE, message)
    assert sent.payload["source_recipient_id"] == driver.source_id
    reply = message | {"reply_to_message_id": sent.resource_id}
    answered = await world.deliver(ResourceEnum.MESSAGE, reply, allow_losses=True)
    assert (answered.status, answered.payload["source_reply_to_message_id"]) == (SUCCESS, sent.source_id)


async def test_what_the_provider_can_not_hold_is_no_attribute_of_the_record(world: World) -> None:
    body = {"trailer_name": writes.new_mark(), "total_axles": 3}
    operation = await world.deliver(ResourceEnum.TRAILER, body, allow_losses=True)
    assert as_json(operation.payload) == body
    attributes = await world.services.database.pool.fetchval(
        "SELECT attributes FROM records WHERE id = $1", operation.resource_id
    )
    assert attributes == {"trailer_name": body["trailer_name"]}


async def test_a_refusal_is_final(world: World) -> None:
    world.fault("POST", "/fleet/trailers", "status", status=400, headers={"X-Request-ID": "r-1", "Server": "hidden"})
    operation = await world.deliver(ResourceEnum.TRAILER, {"trailer_name": writes.new_mark()})
    assert (operation.status, endings(operation)) == (FAILED, [REJECTED])
    assert (operation.resource_id, operation.source_id) == (None, None)
    (log,) = operation.logs
    assert (log.response_status_code, log.response_headers) == (400, {"X-Request-ID": "r-1"})
    assert "Simulated fault" in (log.error_details or "")
    ((_, _), (name, data)) = await world.events(operation.id)
    assert (name, data) == ("resource_operation.failed", as_json(operation))


async def test_a_refused_update_keeps_naming_its_record(world: World) -> None:
    world.fault("PATCH", "/fleet/trailers", "status", status=404)
    operation = await world.deliver(ResourceEnum.TRAILER, {"notes": "x"}, world.trailers[0])
    assert (operation.status, operation.resource_id) == (FAILED, world.trailers[0])
    assert operation.source_id is not None


async def test_the_same_name_twice_is_the_providers_to_refuse(world: World) -> None:
    body = writes.DRIVER.body(world, writes.new_mark())
    assert (await world.deliver(ResourceEnum.USER, body)).status is SUCCESS
    again = await world.deliver(ResourceEnum.USER, body)
    assert (again.status, endings(again)) == (FAILED, [REJECTED])


@pytest.mark.parametrize(
    ("header", "seconds"), [("2", 2.0), ("0.40235", 0.40235), ("7.5", 7.5)], ids=["integer", "fraction", "both"]
)
async def test_a_throttled_write_is_not_sent_again_before_the_provider_allows(
    world: World, header: str, seconds: float
) -> None:
    world.fault("POST", "/fleet/trailers", "status", status=429, headers={"Retry-After": header})
    operation = await world.write(ResourceEnum.TRAILER, {"trailer_name": writes.new_mark()})
    await world.run_due()
    await world.shift(timedelta(seconds=seconds * 0.9 - 0.25))
    assert await world.run_due() == 0
    await world.work_off()
    ended = await world.operation(operation.id)
    assert (ended.status, endings(ended)) == (SUCCESS, [THROTTLED, DELIVERED])
    refused, taken = (log.created_at for log in ended.logs)
    assert taken - refused >= timedelta(seconds=seconds)
    assert ended.logs[0].response_headers == {"Retry-After": header}


async def test_a_date_to_come_back_at_is_obeyed(world: World) -> None:
    at = datetime.now(UTC) + timedelta(seconds=90)
    date = at.strftime("%a, %d %b %Y %H:%M:%S GMT")
    world.fault("POST", "/fleet/trailers", "status", status=503, headers={"Retry-After": date})
    operation = await world.deliver(ResourceEnum.TRAILER, {"trailer_name": writes.new_mark()})
    refused, taken = (log.created_at for log in operation.logs)
    assert timedelta(seconds=85) < taken - refused < timedelta(seconds=100)


async def test_a_throttled_write_holds_back_all_others_under_the_same_limits(world: World) -> None:
    world.fault("POST", "/fleet/trailers", "status", status=429, headers={"Retry-After": "30"})
    await world.write(ResourceEnum.TRAILER, {"trailer_name": writes.new_mark()})
    await world.run_due()
    other = await world.write(ResourceEnum.TRAILER, {"trailer_name": writes.new_mark()})
    await world.shift(timedelta(seconds=25))
    assert await world.run_due() == 0
    await world.work_off()
    assert (await world.operation(other.id)).status is SUCCESS


async def test_waiting_for_a_slot_is_no_attempt(world: World) -> None:
    limits = [BudgetLimit(scope="token", requests=1, per_seconds=100.0)]
    await world.services.connection_budgets.replace(world.partner_id, world.connection.id, limits)
    try:
        operations = [await world.write(ResourceEnum.TRAILER, {"trailer_name": writes.new_mark()}) for _ in range(3)]
        assert await world.run_due() == 1
        assert await world.run_due() == 0
        await world.work_off()
    finally:
        await world.services.connection_budgets.replace(world.partner_id, world.connection.id, [])
    ended = [await world.operation(operation.id) for operation in operations]
    assert [endings(operation) for operation in ended] == [[DELIVERED]] * 3
    assert ended[2].logs[0].created_at - ended[0].logs[0].created_at >= timedelta(seconds=200)


async def test_an_update_that_hits_a_failing_provider_is_sent_again(world: World) -> None:
    world.fault("PATCH", "/fleet/trailers", "status", status=500, count=2)
    operation = await world.deliver(ResourceEnum.TRAILER, {"notes": writes.new_mark()}, world.trailers[0])
    assert (operation.status, endings(operation)) == (SUCCESS, [FAILING] * 2 + [DELIVERED])
    assert world.held("trailers", id=operation.source_id, notes=operation.payload["notes"])


async def test_a_write_whose_login_is_refused_is_delivered_when_it_works(world: World) -> None:
    world.fault("POST", "/fleet/trailers", "status", status=401)
    operation = await world.deliver(ResourceEnum.TRAILER, {"trailer_name": writes.new_mark()})
    assert (operation.status, endings(operation)) == (SUCCESS, [AUTH, DELIVERED])


@pytest.mark.parametrize("kind", writes.ALL, ids=lambda kind: kind.name)
async def test_a_provider_that_is_not_there_gets_the_write_when_it_is_back(world: World, kind: writes.Kind) -> None:
    mark = writes.new_mark()
    operation = await world.write(kind.resource, kind.body(world, mark))
    await world.simulator.stop()
    try:
        await world.run_next()
        await world.run_next()
    finally:
        await world.restart_simulator()
    waiting = await world.operation(operation.id)
    assert (waiting.status, endings(waiting)) == (PENDING, [UNREACHABLE] * 2)
    await world.work_off()
    ended = await world.operation(operation.id)
    assert (ended.status, len(kind.held(world, mark))) == (SUCCESS, 1)


async def test_each_wait_is_longer_at_most_and_never_beyond_the_cap(world: World) -> None:
    world.fault("PATCH", "/fleet/trailers", "status", status=500, count=14)
    operation = await world.deliver(ResourceEnum.TRAILER, {"notes": writes.new_mark()}, world.trailers[0])
    times = [log.created_at for log in operation.logs]
    waits_s = [(later - earlier).total_seconds() for earlier, later in pairwise(times)]
    # Clocks run on while attempts are made: the bounds get a second of their own.
    assert all(wait <= min(600.0, 2.0**step) + 1.0 for step, wait in enumerate(waits_s))
    assert max(waits_s) > 5.0


async def test_a_write_whose_time_is_over_fails_and_is_not_sent(world: World) -> None:
    message = await world.write(ResourceEnum.MESSAGE, writes.MESSAGE.body(world, writes.new_mark()))
    trailer = await world.write(ResourceEnum.TRAILER, {"trailer_name": writes.new_mark()})
    calls = len(world.calls())
    await world.shift(timedelta(hours=1))
    await world.run_due()
    ended = await world.operation(message.id)
    assert (ended.status, endings(ended)) == (FAILED, [EXPIRED])
    assert [log.response_status_code for log in ended.logs] == [None]
    assert (await world.operation(trailer.id)).status is SUCCESS
    assert len(world.calls()) == calls + 1


async def test_the_last_failure_before_the_deadline_is_followed_by_the_end(world: World) -> None:
    world.fault("POST", "/v1/fleet/messages", "status", status=429, headers={"Retry-After": "7200"})
    operation = await world.deliver(ResourceEnum.MESSAGE, writes.MESSAGE.body(world, writes.new_mark()))
    assert (operation.status, endings(operation)) == (
        FAILED,
        [THROTTLED, EXPIRED],
    )
    first, last = (log.created_at for log in operation.logs)
    assert last - first < timedelta(hours=1, seconds=10)
    await world.services.database.pool.execute("UPDATE budgets SET closed_until = fleetwrite_now()")


async def test_a_paused_connection_holds_its_writes_until_it_is_active(world: World) -> None:
    await world.set_status(ConnectionStatusEnum.PAUSED)
    operation = await world.write(ResourceEnum.TRAILER, {"trailer_name": writes.new_mark()})
    await world.shift(timedelta(days=1))
    assert await world.run_due() == 0
    await world.set_status(ConnectionStatusEnum.ACTIVE)
    await world.run_due()
    assert (await world.operation(operation.id)).status is SUCCESS


async def test_a_paused_connection_lets_writes_expire(world: World) -> None:
    await world.set_status(ConnectionStatusEnum.PAUSED)
    operation = await world.write(ResourceEnum.TRAILER, {"trailer_name": writes.new_mark()})
    await world.shift(timedelta(days=7, seconds=1))
    await world.run_due()
    await world.set_status(ConnectionStatusEnum.ACTIVE)
    ended = await world.operation(operation.id)
    assert (ended.status, endings(ended)) == (FAILED, [EXPIRED])


async def test_the_wait_before_a_retry_is_the_one_set_for_its_provider(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fleetwrite.dispatch.backoff.random.uniform", lambda _least, most: most)
    async with opened_world(database_url, tmp_path, tsp={"samsara": {"retry_first_s": 300.0}}) as world:
        world.fault("PATCH", "/fleet/trailers", "status", status=503)
        operation = await world.write(ResourceEnum.TRAILER, {"notes": "leaks"}, world.trailers[0])
        await world.run_due()
        ((log,), (job,)) = (await world.operation(operation.id)).logs, await world.waiting()
        assert timedelta(seconds=299) < job["due_at"] - log.created_at < timedelta(seconds=330)
