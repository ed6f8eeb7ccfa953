"""A database is restored from a backup that knows nothing of what was delivered since: nothing is sent twice."""

import dataclasses
import re
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import msgspec
import pytest

from conftest import address_of
from fleetwrite.bootstrap import open_services
from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.kit.postgres import EmbeddedPostgres
from fleetwrite.operations.errors import FenceRefusedError
from integration.operations import writes
from integration.operations.endings import DELIVERED, UNKNOWN, UNREACHABLE, endings
from integration.operations.world import FAILED, PENDING, SUCCESS, World

MARK = re.compile(r"mark-\d+")


class Backups:
    """Copies the database of a world, and opens a world on the copy."""

    def __init__(self, world: World, dsn: str, stack: AsyncExitStack) -> None:
        self._world = world
        self._dsn = dsn
        self._stack = stack

    async def take(self) -> str:
        """A backup as of now; returns its name."""
        copy = f"backup_{uuid4().hex}"
        source = await self._world.services.database.pool.fetchval("SELECT current_database()")
        admin = await asyncpg.connect(address_of(self._dsn, "postgres"))
        # Only a database that nobody is connected to can be copied; pools connect again by themselves.
        await admin.execute(f"ALTER DATABASE {source} ALLOW_CONNECTIONS false")
        await admin.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = $1", source)
        await admin.execute(f"CREATE DATABASE {copy} TEMPLATE {source}")
        await admin.execute(f"ALTER DATABASE {source} ALLOW_CONNECTIONS true")
        self._stack.push_async_callback(admin.close)
        self._stack.push_async_callback(admin.execute, f"DROP DATABASE {copy} WITH (FORCE)")
        return copy

    async def restore(self, copy: str) -> World:
        """The world as it is when the backup takes the place of the database; the provider is where it was."""
        settings = msgspec.structs.replace(self._world.services.settings, database_url=address_of(self._dsn, copy))
        services = await self._stack.enter_async_context(open_services(settings, name="restored"))
        return dataclasses.replace(self._world, services=services)


@pytest.fixture
async def backups(fresh_world: World, postgres_server: EmbeddedPostgres) -> AsyncIterator[Backups]:
    async with AsyncExitStack() as stack:
        yield Backups(fresh_world, postgres_server.dsn, stack)


async def submit(world: World, kinds: tuple[writes.Kind, ...]) -> dict[UUID, str]:
    """Have one write of each kind accepted; returns their marks by operation."""
    marks = {}
    for kind in kinds:
        mark = writes.new_mark()
        marks[(await world.write(kind.resource, kind.body(world, mark))).id] = mark
    return marks


async def update(world: World, record_id: UUID) -> tuple[UUID, str]:
    mark = writes.new_mark()
    return (await world.write(ResourceEnum.TRAILER, {"notes": mark}, record_id)).id, mark


async def deliver(world: World, wanted: set[UUID]) -> None:
    """Deliver these and nothing else."""
    for _ in range(3):
        await world.run([job for job in await world.claim() if job.id in wanted])


async def work(world: World) -> None:
    """Let workers do all that is due."""
    while await world.run_due():
        pass


async def behind_the_fence(world: World) -> tuple[int, list[UUID]]:
    """How many are to be looked up, and which wait for the operator."""
    fenced = await world.services.restore_fence.fenced()
    return fenced.looking, [one.operation.id for one in fenced.withheld]


def committed(world: World) -> Counter[str]:
    """How often the provider took the write with each mark."""
    calls: list[Any] = [msgspec.json.decode(entry) for page in world.simulator.storage.log_pages(0) for entry in page]
    texts = [str(call["body"]) for call in calls if call["method"] != "GET" and 200 <= call["status"] < 300]
    return Counter(mark for text in texts for mark in set(MARK.findall(text)))


async def test_after_a_restore_nothing_is_sent_twice_and_what_was_not_sent_is(
    fresh_world: World, backups: Backups
) -> None:
    delivered = await submit(fresh_world, writes.ALL)
    undelivered = await submit(fresh_world, writes.ALL)
    ids = [*delivered, *undelivered]
    backup = await backups.take()
    await deliver(fresh_world, set(delivered))
    assert committed(fresh_world) == dict.fromkeys(delivered.values(), 1)

    world = await backups.restore(backup)
    assert {(await world.operation(one)).status for one in ids} == {PENDING}
    fence = await world.services.restore_fence.raise_()
    assert (fence.is_new, fence.fenced) == (True, len(ids))
    new = await submit(world, (writes.TRAILER, writes.FUEL))
    await work(world)

    # Of these the provider tells nothing, or not who made it.
    waiting = [*list(delivered)[-2:], list(undelivered)[-1]]
    for operation_id in ids + list(new):
        operation = await world.operation(operation_id)
        expected = (PENDING, [UNKNOWN]) if operation_id in waiting else (SUCCESS, [DELIVERED])
        assert (operation.status, endings(operation)) == expected
    assert await behind_the_fence(world) == (0, waiting)
    assert set(committed(world).values()) == {1}

    # The operator looked: two are at the provider, one is not.
    assert await world.services.restore_fence.fail([one for one in waiting if one in delivered]) == 2
    assert await world.services.restore_fence.release(None) == 1
    await work(world)
    for operation_id in waiting:
        operation = await world.operation(operation_id)
        expected = (FAILED, [UNKNOWN, UNKNOWN]) if operation_id in delivered else (SUCCESS, [UNKNOWN, DELIVERED])
        assert (operation.status, endings(operation)) == expected
    assert committed(world) == dict.fromkeys((delivered | undelivered | new).values(), 1)
    assert await behind_the_fence(world) == (0, [])


async def test_an_update_that_is_not_there_waits_as_newer_data_may_stand_in_its_place(
    fresh_world: World, backups: Backups
) -> None:
    overwritten, standing = fresh_world.trailers[:2]
    old_id, old = await update(fresh_world, overwritten)
    kept_id, _ = await update(fresh_world, standing)
    backup = await backups.take()
    await fresh_world.work_off()
    _, newer = await update(fresh_world, overwritten)
    await fresh_world.work_off()

    world = await backups.restore(backup)
    await world.services.restore_fence.raise_()
    later_id, later = await update(world, overwritten)
    await work(world)
    statuses = [(await world.operation(one)).status for one in (old_id, kept_id, later_id)]
    assert statuses == [PENDING, SUCCESS, PENDING]
    assert committed(world)[old] == committed(world)[newer] == 1

    assert await world.services.restore_fence.fail([old_id]) == 1
    await work(world)
    assert (await world.operation(later_id)).status == SUCCESS
    assert (committed(world)[old], committed(world)[later]) == (1, 1)


async def test_what_was_in_flight_when_the_backup_was_made_is_not_sent_either(
    fresh_world: World, backups: Backups
) -> None:
    (operation_id,) = await submit(fresh_world, (writes.FUEL,))
    jobs = await fresh_world.claim()
    backup = await backups.take()
    await fresh_world.run(jobs)
    world = await backups.restore(backup)
    await world.services.restore_fence.raise_()
    await work(world)
    assert (await world.operation(operation_id)).status == PENDING
    assert set(committed(world).values()) == {1}


async def test_a_sync_write_of_which_nobody_waits_any_more_is_ended_and_not_sent(
    fresh_world: World, backups: Backups
) -> None:
    ids = []
    for kind in (writes.TRAILER, writes.FUEL):
        request = fresh_world.request(kind.resource, kind.body(fresh_world, writes.new_mark()), is_sync=True)
        ids.append((await fresh_world.services.operations._acceptor.accept(request)).answer.id)
    world = await backups.restore(await backups.take())
    await world.services.restore_fence.raise_()
    await work(world)
    for operation_id, ending in zip(ids, (UNREACHABLE, UNKNOWN), strict=True):
        operation = await world.operation(operation_id)
        assert (operation.status, endings(operation)) == (FAILED, [ending])
    assert committed(world) == {}


async def test_what_nobody_decides_about_fails_when_its_time_is_over(fresh_world: World, backups: Backups) -> None:
    (operation_id,) = await submit(fresh_world, (writes.FUEL,))
    world = await backups.restore(await backups.take())
    await world.services.restore_fence.raise_()
    await world.work_off()
    operation = await world.operation(operation_id)
    assert (operation.status, endings(operation)) == (FAILED, [UNKNOWN, UNKNOWN])
    assert committed(world) == {}


async def test_a_fence_that_is_raised_twice_leaves_alone_what_came_after_it(
    fresh_world: World, backups: Backups
) -> None:
    await submit(fresh_world, (writes.MESSAGE,))
    world = await backups.restore(await backups.take())
    first = await world.services.restore_fence.raise_()
    await submit(world, (writes.MESSAGE,))
    second = await world.services.restore_fence.raise_()
    assert (second.is_new, second.raised_at, second.fenced) == (False, first.raised_at, 1)
    assert await behind_the_fence(world) == (1, [])
    forced = await world.services.restore_fence.raise_(again=True)
    assert (forced.is_new, forced.fenced) == (True, 2)
    assert await behind_the_fence(world) == (2, [])


async def test_a_restore_of_a_backup_that_holds_a_fence_is_fenced_anew(fresh_world: World, backups: Backups) -> None:
    first = await backups.restore(await backups.take())
    await first.services.restore_fence.raise_()
    await submit(first, (writes.MESSAGE,))
    inner = Backups(first, backups._dsn, backups._stack)
    second = await inner.restore(await inner.take())
    assert (await second.services.restore_fence.raise_()).is_new
    assert await behind_the_fence(second) == (1, [])


async def test_a_fence_is_not_raised_while_a_worker_runs(fresh_world: World) -> None:
    async with open_services(fresh_world.services.settings, name="worker"):
        with pytest.raises(FenceRefusedError, match="fleetwrite worker"):
            await fresh_world.services.restore_fence.raise_()


async def test_an_operation_that_is_not_behind_the_fence_can_not_be_released_or_ended(fresh_world: World) -> None:
    (operation_id,) = await submit(fresh_world, (writes.MESSAGE,))
    for decide in (fresh_world.services.restore_fence.release, fresh_world.services.restore_fence.fail):
        with pytest.raises(FenceRefusedError, match=str(operation_id)):
            await decide([operation_id])
