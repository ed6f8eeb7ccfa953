"""The process that made an attempt ended before it could say what became of it."""

from datetime import timedelta

import pytest

from fleetwrite.contract.enums import ResourceEnum
from integration.operations import writes
from integration.operations.endings import DELIVERED, UNKNOWN, endings
from integration.operations.world import FAILED, LEASE, PENDING, SUCCESS, World

findable = pytest.mark.parametrize("kind", writes.FINDABLE, ids=lambda kind: kind.name)
not_findable = pytest.mark.parametrize("kind", writes.NOT_FINDABLE, ids=lambda kind: kind.name)


@findable
async def test_a_create_that_arrived_is_found(world: World, kind: writes.Kind) -> None:
    mark = writes.new_mark()
    operation = await world.write(kind.resource, kind.body(world, mark))
    await world.run_and_die(await world.claim())
    assert (await world.operation(operation.id)).status is PENDING
    since = len(world.calls())
    await world.work_off()
    (record,) = kind.held(world, mark)
    ended = await world.operation(operation.id)
    assert (ended.status, endings(ended)) == (SUCCESS, [UNKNOWN, DELIVERED])
    assert ended.source_id == kind.source_id(ended.id, record)
    assert [method for method, _, _ in world.calls(since)] == ["GET"]


@findable
async def test_a_create_that_was_not_made_yet_is_sent_once(world: World, kind: writes.Kind) -> None:
    mark = writes.new_mark()
    operation = await world.write(kind.resource, kind.body(world, mark))
    await world.claim()
    await world.shift(LEASE + timedelta(seconds=1))
    since = len(world.calls())
    await world.work_off()
    ended = await world.operation(operation.id)
    assert (ended.status, endings(ended)) == (SUCCESS, [UNKNOWN, DELIVERED])
    assert len(kind.held(world, mark)) == 1
    *looks, sending = [method for method, _, _ in world.calls(since)]
    assert (set(looks), sending) == ({"GET"}, "POST")


@not_findable
@pytest.mark.parametrize("was_sent", [True, False], ids=["sent", "not sent yet"])
async def test_what_can_not_be_looked_up_fails_and_is_not_sent_again(
    world: World, kind: writes.Kind, was_sent: bool
) -> None:
    mark = writes.new_mark()
    operation = await world.write(kind.resource, kind.body(world, mark))
    jobs = await world.claim()
    await world.run_and_die(jobs if was_sent else [])
    since = len(world.calls())
    await world.work_off()
    ended = await world.operation(operation.id)
    assert ended.status is FAILED
    assert set(endings(ended)) == {UNKNOWN}
    assert len(kind.held(world, mark)) == was_sent
    assert world.calls(since) == []


async def test_an_update_is_read_back_or_sent_again(world: World) -> None:
    marks = [writes.new_mark(), writes.new_mark()]
    operations = [
        await world.write(ResourceEnum.TRAILER, {"notes": mark}, record_id)
        for mark, record_id in zip(marks, world.trailers, strict=False)
    ]
    jobs = await world.claim()
    await world.run_and_die([job for job in jobs if job.id == operations[0].id])
    since = len(world.calls())
    await world.work_off()
    for operation, mark in zip(operations, marks, strict=True):
        ended = await world.operation(operation.id)
        assert (ended.status, endings(ended)) == (SUCCESS, [UNKNOWN, DELIVERED])
        assert len(world.held("trailers", notes=mark)) == 1
    assert sorted(method for method, _, _ in world.calls(since)) == ["GET", "GET", "PATCH"]


async def test_a_worker_that_comes_back_too_late_changes_nothing(world: World) -> None:
    operation = await world.write(ResourceEnum.TRAILER, {"trailer_name": writes.new_mark()})
    late = await world.claim()
    await world.shift(LEASE + timedelta(seconds=1))
    await world.work_off()
    before, events = await world.operation(operation.id), await world.events(operation.id)
    await world.run(late)
    assert await world.operation(operation.id) == before
    assert await world.events(operation.id) == events
    assert len(world.held("trailers", name=before.payload["trailer_name"])) == 1


async def test_a_worker_and_its_successor_that_end_at_once_give_one_end(world: World) -> None:
    mark = writes.new_mark()
    operation = await world.write(ResourceEnum.TRAILER, {"trailer_name": mark})
    stalled = await world.claim()
    await world.shift(LEASE + timedelta(seconds=1))
    successor = await world.claim()
    await world.run(stalled + successor)
    ended = await world.operation(operation.id)
    assert (ended.status, len(world.held("trailers", name=mark))) == (SUCCESS, 1)
    names = [name for name, _ in await world.events(operation.id)]
    assert names == ["resource_operation.created", "resource_operation.succeeded"]


async def test_settlements_of_two_leases_in_one_batch_are_told_apart(world: World) -> None:
    operation = await world.write(ResourceEnum.TRAILER, {"trailer_name": writes.new_mark()})
    handler = world.services.operation_handler
    stalled = await world.claim()
    await world.shift(LEASE + timedelta(seconds=1))
    successor = await world.claim()
    async with world.services.database.transaction() as connection:
        work = await handler.load(connection, successor)
        settlements = [await handler._executor.attempt(job, work[job.id]) for job in (*successor, *stalled)]
        await handler._settler.store(connection, settlements)
    names = [name for name, _ in await world.events(operation.id)]
    assert names == ["resource_operation.created", "resource_operation.succeeded"]
    assert len((await world.operation(operation.id)).logs) == 2
