"""Lanes are woken by some transactions and put to sleep by others, at the same time."""

import asyncio
from datetime import timedelta

from administrating import administrator
from fleetwrite.dispatch.claims import claim
from fleetwrite.dispatch.models import Again
from fleetwrite.kit.database import Database
from integration.dispatch.world import World

LEASE = timedelta(seconds=60)


async def until_waiting_for_a_lock(database: Database) -> None:
    """Return when some session of this database waits for a lock of another."""
    async with asyncio.timeout(10), administrator(database) as connection:
        while not await connection.fetchval(
            "SELECT EXISTS (SELECT FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock')"
        ):
            await asyncio.sleep(0.005)


async def test_work_enqueued_while_its_lane_is_being_claimed_is_not_forgotten(world: World) -> None:
    owner = await world.owner()
    await world.enqueue(owner)
    async with world.database.transaction() as claiming:
        assert len(await claim(claiming, "test", 10, LEASE)) == 1
        enqueuing = asyncio.create_task(world.enqueue(owner))
        await until_waiting_for_a_lock(world.database)
    (late,) = await enqueuing
    assert [job.id for job in await world.claim()] == [late]


async def test_a_job_given_back_while_its_lane_is_being_claimed_is_not_forgotten(world: World) -> None:
    owner = await world.owner()
    await world.enqueue(owner)
    (first,) = await world.claim()
    await world.enqueue(owner)
    async with world.database.transaction() as claiming:
        assert len(await claim(claiming, "test", 10, LEASE)) == 1
        settling = asyncio.create_task(world.settle((first, Again(delay_s=0))))
        await until_waiting_for_a_lock(world.database)
    await settling
    assert [job.id for job in await world.claim()] == [first.id]
