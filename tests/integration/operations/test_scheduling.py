"""When a write is sent, until when it is worth sending, and before which others."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from fleetwrite.contract.enums import ConnectionStatusEnum, MessagePriorityEnum, ResourceEnum
from fleetwrite.kit.clock import database_now
from fleetwrite.operations.errors import InvalidWriteError
from integration.operations import writes
from integration.operations.endings import DELIVERED, EXPIRED, NOT_SENT, endings
from integration.operations.world import FAILED, SUCCESS, World

TRAILER = ResourceEnum.TRAILER
MESSAGE = ResourceEnum.MESSAGE
HIGH, MEDIUM, LOW = MessagePriorityEnum.HIGH, MessagePriorityEnum.MEDIUM, MessagePriorityEnum.LOW


async def now(world: World) -> datetime:
    async with world.services.database.acquire() as connection:
        return await database_now(connection)


def trailer() -> dict[str, Any]:
    return {"trailer_name": writes.new_mark()}


async def test_a_write_is_not_sent_before_its_time(world: World) -> None:
    at = await now(world) + timedelta(hours=3)
    operation = await world.write(TRAILER, trailer(), not_before=at)
    assert await world.run_due() == 0
    await world.work_off()
    ended = await world.operation(operation.id)
    assert endings(ended) == [DELIVERED]
    assert ended.logs[0].created_at >= at


async def test_a_write_that_was_not_sent_by_its_expiry_fails_as_expired(world: World) -> None:
    expires_at = await now(world) + timedelta(seconds=30)
    world.fault("POST", "/fleet/trailers", "status", status=429, headers={"Retry-After": "600"})
    operation = await world.deliver(TRAILER, trailer(), expires_at=expires_at)
    assert operation.status is FAILED
    assert endings(operation)[-1] == EXPIRED
    assert (operation.logs[-1].response_status_code, operation.logs[-1].response_headers) == (None, None)


async def test_a_write_that_never_could_be_sent_ends_with_one_entry_and_no_response_code(world: World) -> None:
    await world.set_status(ConnectionStatusEnum.PAUSED)
    expired = await world.write(TRAILER, trailer(), expires_at=await now(world) + timedelta(seconds=30))
    not_sent = await world.write(TRAILER, trailer(), is_sync=True)
    await world.work_off()
    await world.set_status(ConnectionStatusEnum.ACTIVE)
    for operation, ending in ((expired, EXPIRED), (not_sent, NOT_SENT)):
        ended = await world.operation(operation.id)
        assert (ended.status, endings(ended)) == (FAILED, [ending])
        assert (ended.logs[0].response_status_code, ended.logs[0].response_headers) == (None, None)


async def test_an_expiry_may_lie_beyond_the_usual_deadline(world: World) -> None:
    message = writes.MESSAGE.body(world, writes.new_mark())
    at = await now(world) + timedelta(hours=5)
    held = await world.write(MESSAGE, message, not_before=at - timedelta(hours=1), expires_at=at)
    await world.shift(timedelta(hours=4, minutes=30))
    await world.work_off()
    assert (await world.operation(held.id)).status is SUCCESS


async def test_without_an_expiry_the_deadline_counts_from_the_time_of_sending(world: World) -> None:
    message = writes.MESSAGE.body(world, writes.new_mark())
    operation = await world.write(MESSAGE, message, not_before=await now(world) + timedelta(hours=5))
    await world.work_off()
    assert (await world.operation(operation.id)).status is SUCCESS


@pytest.mark.parametrize(
    ("expires_in", "not_before_in", "how", "headers"),
    [
        (timedelta(seconds=-1), None, {}, ["Fleetwrite-Expires-At"]),
        (timedelta(days=31), None, {}, ["Fleetwrite-Expires-At"]),
        (None, timedelta(days=31), {}, ["Fleetwrite-Not-Before"]),
        (timedelta(hours=1), timedelta(hours=2), {}, ["Fleetwrite-Not-Before"]),
        (None, timedelta(hours=1), {"is_sync": True}, ["Fleetwrite-Not-Before"]),
        (timedelta(days=-1), timedelta(days=31), {}, ["Fleetwrite-Expires-At"] + ["Fleetwrite-Not-Before"] * 2),
    ],
)
async def test_times_that_can_not_be_are_refused_and_leave_no_trace(
    world: World,
    expires_in: timedelta | None,
    not_before_in: timedelta | None,
    how: dict[str, Any],
    headers: list[str],
) -> None:
    before, at = await world.rows(), await now(world)
    wished: dict[str, Any] = {
        "expires_at": None if expires_in is None else at + expires_in,
        "not_before": None if not_before_in is None else at + not_before_in,
    }
    with pytest.raises(InvalidWriteError) as refused:
        await world.write(TRAILER, trailer(), **wished, **how)
    assert [detail.path for detail in refused.value.details] == [f"header.{header}" for header in headers]
    assert await world.rows() == before


async def test_a_time_of_sending_in_the_past_means_now(world: World) -> None:
    operation = await world.deliver(TRAILER, trailer(), not_before=await now(world) - timedelta(days=365))
    assert operation.status is SUCCESS


async def test_messages_go_before_master_data_and_wishes_before_both(world: World) -> None:
    def message(**more: Any) -> dict[str, Any]:
        return writes.MESSAGE.body(world, writes.new_mark()) | more

    wanted = {
        (TRAILER, None, None): 2,
        (TRAILER, None, HIGH): 0,
        (TRAILER, None, MEDIUM): 2,
        (TRAILER, None, LOW): 3,
        (MESSAGE, None, None): 1,
        (MESSAGE, HIGH, None): 0,
        (MESSAGE, MEDIUM, None): 1,
        (MESSAGE, LOW, None): 3,
        (MESSAGE, HIGH, LOW): 3,
        (MESSAGE, LOW, MEDIUM): 1,
    }
    found = {}
    for resource, in_body, in_header in wanted:
        body = trailer() if resource is TRAILER else message(**({"priority": in_body} if in_body else {}))
        operation = await world.write(resource, body, priority=in_header, allow_losses=True)
        (job,) = [job for job in await world.waiting() if job["id"] == operation.id]
        found[resource, in_body, in_header] = job["priority"]
    assert found == wanted


async def test_a_sync_write_is_given_no_longer_than_until_its_expiry(world: World) -> None:
    world.fault("POST", "/fleet/trailers", "delay", delay_s=20)
    at = await now(world) + timedelta(seconds=0.3)
    ended = await world.write(TRAILER, trailer(), expires_at=at, is_sync=True)
    assert ended.status is FAILED
