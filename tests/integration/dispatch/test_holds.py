"""Owners that are held for themselves, and owners that are shut together."""

import asyncio
from datetime import timedelta
from uuid import UUID

from fleetwrite.dispatch import lane_store
from fleetwrite.dispatch.models import Again, Finish
from integration.dispatch.world import World

HOST = "tsp.example:443"


async def shut(world: World, *owners: UUID) -> None:
    async with world.database.transaction() as connection:
        await world.dispatch.shut(connection, owners, HOST)


async def reopen(world: World) -> None:
    async with world.database.transaction() as connection:
        await world.dispatch.reopen(connection, HOST)


async def release(world: World, owner: UUID) -> None:
    async with world.database.transaction() as connection:
        await world.dispatch.release(connection, owner)


async def seconds_until_due(world: World) -> float | None:
    async with world.database.acquire() as connection:
        return await lane_store.seconds_until_due(connection, "test", None)


async def test_what_is_shut_accepts_work_and_gives_workers_nothing_to_do(world: World) -> None:
    owners = [await world.owner() for _ in range(3)]
    await world.enqueue(owners[0])
    await shut(world, *owners[:2])
    await world.enqueue(owners[0])
    # A lane that comes into being meanwhile.
    await world.enqueue(owners[1], scopes=("other",))
    assert await world.claim() == []
    assert await seconds_until_due(world) is None
    await world.enqueue(owners[2])
    assert [job.owner_id for job in await world.claim()] == [owners[2]]
    await reopen(world)
    assert sorted(job.owner_id for job in await world.claim()) == sorted([owners[0], owners[0], owners[1]])


async def test_an_owner_that_is_held_and_shut_has_to_be_neither_to_send(world: World) -> None:
    held_first, shut_first = await world.owner(held=True), await world.owner()
    for owner in (held_first, shut_first):
        await world.enqueue(owner)
        await shut(world, owner)
    async with world.database.transaction() as connection:
        await world.dispatch.hold(connection, shut_first)
    await release(world, held_first)
    assert await world.claim() == []
    await reopen(world)
    assert [job.owner_id for job in await world.claim()] == [held_first]
    await release(world, shut_first)
    assert [job.owner_id for job in await world.claim()] == [shut_first]


async def test_an_owner_is_held_with_the_settling_of_its_job(world: World) -> None:
    owner = await world.owner()
    await world.enqueue(owner, 3)
    await world.enqueue(owner, scopes=("other",))
    first, *rest = await world.claim()
    async with world.database.transaction() as connection:
        await world.dispatch.settle(connection, [(first, Again(delay_s=0))], hold=[owner])
    await world.settle(*((job, Again(delay_s=0, attempted=False)) for job in rest))
    await world.shift_clock(timedelta(minutes=1))
    assert await world.claim() == []
    await release(world, owner)
    assert len(await world.claim()) == 4


async def test_shutting_settling_and_enqueuing_at_once_never_block_each_other_for_good(world: World) -> None:
    owners = [await world.owner() for _ in range(4)]

    async def work(owner: UUID) -> None:
        for number in range(15):
            await world.enqueue(owner, 2, order_key="record:1", scopes=(f"scope-{number % 3}",))
            jobs = await world.claim()
            async with world.database.transaction() as connection:
                done = [(job, Finish()) for job in jobs]
                await world.dispatch.settle(connection, done, hold={job.owner_id for job in jobs[:1]})
            await release(world, owner)

    async def interrupt() -> None:
        for _ in range(15):
            await shut(world, *owners)
            await reopen(world)

    await asyncio.gather(*map(work, owners), interrupt())
    for owner in owners:
        await release(world, owner)
    while jobs := await world.claim():
        await world.settle(*((job, Finish()) for job in jobs))
    assert await world.waiting() == 0
