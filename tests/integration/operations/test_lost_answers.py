"""Nobody knows whether the write arrived: it is looked up, and never repeated blindly."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from fleetwrite.contract.enums import ResourceEnum
from integration.operations import writes
from integration.operations.endings import DELIVERED, EXPIRED, REJECTED, UNKNOWN, endings
from integration.operations.world import FAILED, NORTHWIND, SUCCESS, World, opened_world

findable = pytest.mark.parametrize("kind", writes.FINDABLE, ids=lambda kind: kind.name)
not_findable = pytest.mark.parametrize("kind", writes.NOT_FINDABLE, ids=lambda kind: kind.name)


def posts(world: World, path: str, since: int) -> int:
    return len([call for call in world.calls(since) if call[:2] == ("POST", path)])


@findable
async def test_a_create_that_arrived_is_found_and_not_sent_again(world: World, kind: writes.Kind) -> None:
    mark, since = writes.new_mark(), len(world.calls())
    world.fault("POST", kind.path, "commit_then_drop")
    operation = await world.deliver(kind.resource, kind.body(world, mark))
    (record,) = kind.held(world, mark)
    assert (operation.status, endings(operation)) == (SUCCESS, [UNKNOWN, DELIVERED])
    assert operation.source_id == kind.source_id(operation.id, record)
    assert posts(world, kind.path, since) == 1


@findable
async def test_a_create_that_did_not_arrive_is_sent_again(world: World, kind: writes.Kind) -> None:
    mark, since = writes.new_mark(), len(world.calls())
    world.fault("POST", kind.path, "drop_before")
    operation = await world.deliver(kind.resource, kind.body(world, mark))
    (record,) = kind.held(world, mark)
    assert (operation.status, endings(operation)) == (SUCCESS, [UNKNOWN, DELIVERED])
    assert operation.source_id == kind.source_id(operation.id, record)
    assert posts(world, kind.path, since) == 2


@findable
async def test_a_create_that_the_provider_answers_with_its_own_failure_is_looked_up(
    world: World, kind: writes.Kind
) -> None:
    mark = writes.new_mark()
    world.fault("POST", kind.path, "status", status=500)
    operation = await world.deliver(kind.resource, kind.body(world, mark))
    assert (operation.status, endings(operation)) == (SUCCESS, [UNKNOWN, DELIVERED])
    assert operation.logs[0].response_status_code == 500
    assert len(kind.held(world, mark)) == 1


@not_findable
@pytest.mark.parametrize(("fault", "count"), [("commit_then_drop", 1), ("drop_before", 0)])
async def test_a_create_that_leaves_no_trace_fails_and_is_never_sent_again(
    world: World, kind: writes.Kind, fault: str, count: int
) -> None:
    mark, since = writes.new_mark(), len(world.calls())
    world.fault("POST", kind.path, fault)
    operation = await world.deliver(kind.resource, kind.body(world, mark))
    assert (operation.status, endings(operation)) == (FAILED, [UNKNOWN])
    assert len(kind.held(world, mark)) == count
    assert posts(world, kind.path, since) == 1
    names = [name for name, _ in await world.events(operation.id)]
    assert names == ["resource_operation.created", "resource_operation.failed"]


@pytest.mark.parametrize("fault", ["commit_then_drop", "drop_before"])
async def test_an_update_whose_answer_is_lost_is_read_back(world: World, fault: str) -> None:
    mark = writes.new_mark()
    world.fault("PATCH", "/fleet/vehicles", fault)
    operation = await world.deliver(ResourceEnum.VEHICLE, {"vehicle_name": mark}, world.vehicles[0])
    assert (operation.status, endings(operation)) == (SUCCESS, [UNKNOWN, DELIVERED])
    assert operation.resource_id == world.vehicles[0]
    assert len(world.held("vehicles", name=mark)) == 1


async def test_a_look_up_that_fails_is_made_again_before_anything_is_sent(world: World) -> None:
    mark, since = writes.new_mark(), len(world.calls())
    world.fault("POST", "/fleet/trailers", "commit_then_drop")
    world.fault("GET", "/fleet/trailers", "status", status=500)
    world.fault("GET", "/fleet/trailers", "drop_before")
    world.fault("GET", "/fleet/trailers", "status", status=401)
    operation = await world.deliver(ResourceEnum.TRAILER, {"trailer_name": mark})
    assert (operation.status, endings(operation)) == (SUCCESS, [UNKNOWN] * 4 + [DELIVERED])
    assert posts(world, "/fleet/trailers", since) == 1
    assert len(world.held("trailers", name=mark)) == 1


async def test_a_look_up_that_is_throttled_waits_as_long_as_the_provider_asks(world: World) -> None:
    world.fault("POST", "/fleet/trailers", "commit_then_drop")
    world.fault("GET", "/fleet/trailers", "status", status=429, headers={"Retry-After": "40"})
    operation = await world.deliver(ResourceEnum.TRAILER, {"trailer_name": writes.new_mark()})
    assert (operation.status, endings(operation)) == (SUCCESS, [UNKNOWN, UNKNOWN, DELIVERED])
    assert operation.logs[2].created_at - operation.logs[1].created_at >= timedelta(seconds=40)


async def test_a_write_whose_time_is_over_is_looked_up_once_more(world: World) -> None:
    arrived, lost = writes.new_mark(), writes.new_mark()
    world.fault("POST", "/fleet/trailers", "commit_then_drop")
    first = await world.write(ResourceEnum.TRAILER, {"trailer_name": arrived})
    await world.run_due()
    world.fault("POST", "/fleet/trailers", "drop_before")
    second = await world.write(ResourceEnum.TRAILER, {"trailer_name": lost})
    await world.run_due()
    since = len(world.calls())
    await world.shift(timedelta(days=8))
    await world.run_due()
    found, expired = await world.operation(first.id), await world.operation(second.id)
    assert (found.status, endings(found)) == (SUCCESS, [UNKNOWN, DELIVERED])
    assert (expired.status, endings(expired)) == (FAILED, [UNKNOWN, EXPIRED])
    assert posts(world, "/fleet/trailers", since) == 0
    assert world.held("trailers", name=lost) == []


async def test_a_write_whose_time_is_over_ends_unknown_where_the_look_up_fails(world: World) -> None:
    world.fault("POST", "/fleet/trailers", "commit_then_drop")
    operation = await world.write(ResourceEnum.TRAILER, {"trailer_name": writes.new_mark()})
    await world.run_due()
    world.fault("GET", "/fleet/trailers", "status", status=500)
    await world.shift(timedelta(days=8))
    await world.run_due()
    ended = await world.operation(operation.id)
    assert (ended.status, endings(ended)) == (FAILED, [UNKNOWN, UNKNOWN])


async def test_a_second_sending_that_is_refused_may_mean_that_the_first_arrived(world: World) -> None:
    """The first request hangs in the provider, is looked up too early, and arrives before the second."""
    mark = writes.new_mark()
    world.fault("POST", "/fleet/trailers", "commit_then_drop")
    world.fault("GET", "/fleet/trailers", "status", status=404)
    operation = await world.deliver(ResourceEnum.TRAILER, writes.TRAILER.body(world, mark))
    assert (operation.status, len(world.held("trailers", name=mark))) == (SUCCESS, 1)
    assert endings(operation) == [UNKNOWN, DELIVERED]


@pytest.fixture
async def hasty_world(database_url: str, tmp_path: Path) -> AsyncIterator[World]:
    """A world that waits for one second only."""
    async with opened_world(database_url, tmp_path, provider_timeout_s=1.0) as world:
        yield world


async def test_a_create_that_arrives_after_its_time_out_is_there_once(hasty_world: World) -> None:
    mark = writes.new_mark()
    hasty_world.fault("POST", "/fleet/trailers", "delay", delay_s=1.2)
    operation = await hasty_world.deliver(ResourceEnum.TRAILER, {"trailer_name": mark})
    assert (operation.status, endings(operation)[0]) == (SUCCESS, UNKNOWN)
    await until_posted(hasty_world, "/fleet/trailers", 2)
    assert len(hasty_world.held("trailers", name=mark)) == 1


async def until_posted(world: World, path: str, times: int) -> None:
    """Until the simulator has handled so many calls: a slow one is in its log when it is done."""
    async with asyncio.timeout(10):
        while posts(world, path, 0) < times:
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    "kind", [writes.MESSAGE, writes.GROUP_MESSAGE, writes.DVIR_LOG, writes.DRIVER], ids=lambda kind: kind.name
)
async def test_what_arrives_after_its_time_out_is_found(hasty_world: World, kind: writes.Kind) -> None:
    mark = writes.new_mark()
    hasty_world.fault("POST", kind.path, "delay", delay_s=1.2)
    operation = await hasty_world.write(kind.resource, kind.body(hasty_world, mark))
    await hasty_world.run_due()
    await until_posted(hasty_world, kind.path, 1)
    await hasty_world.work_off()
    ended = await hasty_world.operation(operation.id)
    assert (ended.status, endings(ended)) == (SUCCESS, [UNKNOWN, DELIVERED])
    assert (len(kind.held(hasty_world, mark)), posts(hasty_world, kind.path, 0)) == (1, 1)


@pytest.mark.parametrize("lasts", [timedelta(days=7), timedelta(seconds=2)], ids=["in time", "its time is over"])
async def test_nobody_looks_before_the_provider_had_time_to_commit(world: World, lasts: timedelta) -> None:
    world.fault("POST", "/fleet/trailers", "commit_then_drop")
    operation = await world.write(ResourceEnum.TRAILER, {"trailer_name": writes.new_mark()})
    await world.services.database.pool.execute("UPDATE jobs SET expires_at = fleetwrite_now() + $1::interval", lasts)
    await world.run_due()
    await world.shift(timedelta(seconds=4))
    assert await world.claim() == []
    await world.shift(timedelta(seconds=1.5))
    await world.work_off()
    assert endings(await world.operation(operation.id)) == [UNKNOWN, DELIVERED]


async def test_a_stranger_with_our_key_ends_the_write_as_refused(world: World) -> None:
    vin = "1XKYDP9X5MK900001"
    stranger = await world.deliver(ResourceEnum.VEHICLE, {"vehicle_name": "first", "vin": vin})
    since = len(world.calls())
    world.fault("POST", "/assets", "drop_before")
    operation = await world.deliver(ResourceEnum.VEHICLE, {"vehicle_name": "second", "vin": vin})
    assert (operation.status, endings(operation)) == (FAILED, [UNKNOWN, REJECTED])
    assert f"{stranger.source_id} at the provider has the same vin {vin}" in (operation.logs[-1].error_details or "")
    assert (posts(world, "/assets", since), world.held("vehicles", name="second")) == (1, [])


async def test_an_office_user_that_did_not_arrive_is_sent_again(world: World) -> None:
    mark = writes.new_mark()
    world.fault("POST", "/users", "drop_before")
    operation = await world.deliver(ResourceEnum.USER, writes.OFFICE_USER.body(world, mark))
    assert (operation.status, endings(operation)) == (SUCCESS, [UNKNOWN, DELIVERED])
    assert len(world.held("users", name=mark)) == 1


async def test_an_office_user_that_is_there_may_be_anybody_s(world: World) -> None:
    mark, since = writes.new_mark(), len(world.calls())
    world.fault("POST", "/users", "commit_then_drop")
    operation = await world.deliver(ResourceEnum.USER, writes.OFFICE_USER.body(world, mark))
    (user,) = world.held("users", name=mark)
    assert (operation.status, endings(operation)) == (FAILED, [UNKNOWN, UNKNOWN])
    assert user["id"] in (operation.logs[-1].error_details or "")
    assert posts(world, "/users", since) == 1


async def test_an_office_user_that_was_known_before_is_not_adopted(world: World) -> None:
    mark = writes.new_mark()
    known = await world.deliver(ResourceEnum.USER, writes.OFFICE_USER.body(world, mark))
    await world.shift(timedelta(seconds=30))
    world.fault("POST", "/users", "drop_before")
    again = await world.deliver(ResourceEnum.USER, writes.OFFICE_USER.body(world, mark))
    assert (again.status, endings(again)) == (FAILED, [UNKNOWN, REJECTED])
    assert str(known.source_id) in (again.logs[-1].error_details or "")


@pytest.mark.parametrize("first", [writes.MESSAGE, writes.GROUP_MESSAGE], ids=lambda kind: kind.name)
@pytest.mark.parametrize(("fault", "count"), [("commit_then_drop", 2), ("drop_before", 1)])
async def test_the_same_text_to_the_same_driver_is_not_taken_for_another_write_s(
    world: World, first: writes.Kind, fault: str, count: int
) -> None:
    mark = writes.new_mark()
    body = first.body(world, mark)
    twin = {**writes.MESSAGE.body(world, mark), "recipient_id": world.drivers[1]}
    body |= {"recipient_id": world.drivers[1]} if first is writes.MESSAGE else {}
    await world.deliver(first.resource, body)
    world.fault("POST", "/v1/fleet/messages", fault)
    operation = await world.deliver(ResourceEnum.MESSAGE, twin)
    held = writes.MESSAGE.held(world, mark)
    assert len(held) == count
    if count == 2:
        assert (operation.status, endings(operation)) == (SUCCESS, [UNKNOWN, DELIVERED])
    else:
        assert (operation.status, endings(operation)) == (FAILED, [UNKNOWN, UNKNOWN])
        assert "1 other operations" in (operation.logs[-1].error_details or "")


async def test_a_message_that_was_refused_before_does_not_leave_the_next_in_doubt(world: World) -> None:
    mark = writes.new_mark()
    body = writes.MESSAGE.body(world, mark)
    world.fault("POST", "/v1/fleet/messages", "status", status=400)
    refused = await world.deliver(ResourceEnum.MESSAGE, body)
    world.fault("POST", "/v1/fleet/messages", "commit_then_drop")
    operation = await world.deliver(ResourceEnum.MESSAGE, body)
    assert (refused.status, operation.status) == (FAILED, SUCCESS)
    assert len(writes.MESSAGE.held(world, mark)) == 1


async def test_the_same_text_of_long_ago_is_not_ours(world: World) -> None:
    mark = writes.new_mark()
    body = writes.MESSAGE.body(world, mark)
    await world.deliver(ResourceEnum.MESSAGE, body)
    storage = world.simulator.storage
    for key, message in list(storage.collection(NORTHWIND, "messages").items()):
        storage.put(NORTHWIND, "messages", key, {**message, "sentAtMs": message["sentAtMs"] - 600_000})
    storage.commit()
    await world.shift(timedelta(minutes=10))
    world.fault("POST", "/v1/fleet/messages", "drop_before")
    operation = await world.deliver(ResourceEnum.MESSAGE, body)
    assert (operation.status, endings(operation)) == (SUCCESS, [UNKNOWN, DELIVERED])
    assert len(writes.MESSAGE.held(world, mark)) == 2


@pytest.fixture
async def bold_world(fresh_world: World) -> World:
    """A world whose connection prefers duplicates to gaps."""
    await fresh_world.services.database.pool.execute(
        """UPDATE connections SET settings = settings || '{"on_uncertain": "retry"}'"""
    )
    return fresh_world


@pytest.mark.parametrize(("fault", "count"), [("commit_then_drop", 2), ("drop_before", 1)])
async def test_a_connection_may_prefer_duplicates_to_gaps(bold_world: World, fault: str, count: int) -> None:
    kind, mark = writes.FUEL, writes.new_mark()
    bold_world.fault("POST", kind.path, fault)
    operation = await bold_world.deliver(kind.resource, kind.body(bold_world, mark))
    assert (operation.status, endings(operation)) == (SUCCESS, [UNKNOWN, DELIVERED])
    assert len(kind.held(bold_world, mark)) == count


async def test_also_then_what_can_be_looked_up_is_not_written_twice(bold_world: World) -> None:
    for kind in writes.FINDABLE:
        mark = writes.new_mark()
        bold_world.fault("POST", kind.path, "commit_then_drop")
        operation = await bold_world.deliver(kind.resource, kind.body(bold_world, mark))
        assert (operation.status, len(kind.held(bold_world, mark))) == (SUCCESS, 1)


async def test_also_then_a_refused_repeat_says_nothing_of_the_first_sending(bold_world: World) -> None:
    kind, mark = writes.FUEL, writes.new_mark()
    bold_world.fault("POST", kind.path, "commit_then_drop")
    bold_world.fault("POST", kind.path, "status", status=400)
    operation = await bold_world.deliver(kind.resource, kind.body(bold_world, mark))
    assert (operation.status, endings(operation)) == (FAILED, [UNKNOWN, UNKNOWN])
    assert len(kind.held(bold_world, mark)) == 1
