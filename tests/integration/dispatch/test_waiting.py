"""What is done to jobs that wait: let them be, order them anew, try one of a held lane."""

import asyncio
from datetime import timedelta
from uuid import UUID

from fleetwrite.dispatch.models import Again, Finish, Job
from fleetwrite.dispatch.waiting import claim_held, lock_untried, reorder
from integration.dispatch.world import LEASE, World


async def try_one(world: World, owner: UUID, lasts: timedelta = LEASE) -> Job | None:
    async with world.database.transaction() as connection:
        return await claim_held(connection, owner, lasts)


async def release(world: World, owner: UUID) -> None:
    async with world.database.transaction() as connection:
        await world.dispatch.release(connection, owner)


async def test_untried_are_those_that_nobody_works_on_and_nobody_ever_did(world: World) -> None:
    owner = await world.owner()
    leased, tried, fresh = await world.enqueue(owner, 3)
    first, second = await world.claim(2)
    assert [first.id, second.id] == [leased, tried]
    await world.settle((second, Again(delay_s=0.0)))
    async with world.database.transaction() as connection:
        assert await lock_untried(connection, [owner], [leased, tried, fresh]) == {fresh}
        # Until that transaction ends nobody gets at it, and whoever asks for it meanwhile does not wait.
        async with world.database.transaction() as other:
            assert await lock_untried(other, [owner], [fresh]) == set()
        assert [job.id for job in await world.claim()] == [tried]
    async with asyncio.timeout(10):
        while not (claimed := await world.claim()):
            await asyncio.sleep(0.01)
    assert [job.id for job in claimed] == [fresh]


async def test_jobs_that_wait_can_be_put_in_another_order_and_one_under_way_can_not(world: World) -> None:
    owner = await world.owner()
    under_way, one, two, three = await world.enqueue(owner, 4)
    [job] = await world.claim(1)
    assert job.id == under_way
    now = await world.now()
    async with world.database.transaction() as connection:
        order = {three: 3, one: 2, two: 1, under_way: 9}
        await reorder(
            connection, owner, {job_id: now - timedelta(minutes=minutes) for job_id, minutes in order.items()}
        )
    assert [job.id for job in await world.claim()] == [three, one, two]
    assert await world.settle((job, Finish())) == set()


async def test_of_a_held_lane_the_job_is_tried_that_was_tried_least_and_then_the_oldest(world: World) -> None:
    owner = await world.owner(held=True)
    jobs = await world.enqueue(owner, 3)
    tried = []
    for _ in range(4):
        job = await try_one(world, owner)
        assert job is not None
        assert not job.has_slot
        tried.append((job.id, job.attempts))
        await world.settle((job, Again(delay_s=3600.0)))
    assert tried == [(jobs[0], 1), (jobs[1], 1), (jobs[2], 1), (jobs[0], 2)]


async def test_nobody_else_tries_a_job_of_a_held_lane_that_is_being_tried(world: World) -> None:
    owner = await world.owner(held=True)
    await world.enqueue(owner)
    job = await try_one(world, owner)
    assert job is not None
    assert await try_one(world, owner) is None
    await release(world, owner)
    assert await world.claim() == []
    assert await world.settle((job, Finish())) == set()
    assert await world.waiting() == 0


async def test_a_try_that_never_reported_is_made_again_as_interrupted(world: World) -> None:
    owner = await world.owner(held=True)
    await world.enqueue(owner)
    first = await try_one(world, owner, timedelta(0))
    second = await try_one(world, owner)
    assert first is not None
    assert second is not None
    assert (second.id, second.attempts, second.interrupted) == (first.id, 2, True)
    assert await world.settle((first, Finish())) == {first.lease}


async def test_what_is_not_held_is_not_for_trying(world: World) -> None:
    owner = await world.owner()
    await world.enqueue(owner)
    assert await try_one(world, owner) is None
    assert await try_one(world, await world.owner(held=True)) is None
