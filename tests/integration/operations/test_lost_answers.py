"""Nobody knows whether the write arrived: it is looked up, and never repeated blindly."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from fleetwrite.contract.enums import ResourceEnum
from integration.operations import writes
from integration.operations.endings import DELIVERED, EXPIRED, UNKNOWN, endings
from integration.operations.world import FAILED, SUCCESS, World, opened_world

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
    assert (operation.status, operation.source_id, endings(operation)) == (SUCCESS, record["id"], [UNKNOWN, DELIVERED])
    assert posts(world, kind.path, since) == 1


@findable
async def test_a_create_that_did_not_arrive_is_sent_again(world: World, kind: writes.Kind) -> None:
    mark, since = writes.new_mark(), len(world.calls())
    world.fault("POST", kind.path, "drop_before")
    operation = await world.deliver(kind.resource, kind.body(world, mark))
    (record,) = kind.held(world, mark)
    assert (operation.status, operation.source_id, endings(operation)) == (SUCCESS, record["id"], [UNKNOWN, DELIVERED])
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
    world.fault("POST", "/fleet/drivers", "commit_then_drop")
    world.fault("GET", "/fleet/drivers", "status", status=404)
    operation = await world.deliver(ResourceEnum.USER, writes.DRIVER.body(world, mark))
    assert (operation.status, len(world.held("drivers", username=mark))) == (SUCCESS, 1)
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
    async with asyncio.timeout(10):
        # The slow call is in the log when the simulator has handled it.
        while posts(hasty_world, "/fleet/trailers", 0) < 2:
            await asyncio.sleep(0.01)
    assert len(hasty_world.held("trailers", name=mark)) == 1


async def test_a_message_that_is_not_answered_in_time_fails_though_it_may_arrive(hasty_world: World) -> None:
    hasty_world.fault("POST", "/v1/fleet/messages", "delay", delay_s=1.2)
    operation = await hasty_world.deliver(ResourceEnum.MESSAGE, writes.MESSAGE.body(hasty_world, writes.new_mark()))
    assert (operation.status, endings(operation)) == (FAILED, [UNKNOWN])
