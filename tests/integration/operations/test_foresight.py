"""What is taken can be delivered in time, and knowing that costs next to nothing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID, uuid4

import msgspec
import pytest

from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.dispatch.models import BudgetLimit, Lane, NewJob
from fleetwrite.kit.clock import database_now
from fleetwrite.kit.database import Connection, Database
from fleetwrite.operations.errors import WouldExpireError
from fleetwrite.operations.foresight import Foresight
from fleetwrite.operations.models import KIND
from integration.operations import writes
from integration.operations.endings import DELIVERED, endings
from integration.operations.world import World

TRAILER = ResourceEnum.TRAILER


class CountedDatabase(Database):
    """A database that counts how often it is asked."""

    asked = 0

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[Connection]:
        self.asked += 1
        async with super().acquire() as connection:
            yield connection


async def limit(world: World, per_seconds: float) -> None:
    one_call = BudgetLimit(scope="token", requests=1, per_seconds=per_seconds)
    await world.services.connection_budgets.replace(world.partner_id, world.connection.id, [one_call])


def job(owner_id: UUID, lasts: timedelta) -> NewJob:
    return NewJob(id=uuid4(), lane=Lane(owner_id, KIND, ("token",)), lasts=lasts)


async def enqueue(world: World, jobs: list[NewJob]) -> None:
    async with world.services.database.transaction() as connection:
        await world.services.dispatch.enqueue(connection, jobs)


async def test_all_that_is_taken_is_delivered_before_it_expires(fresh_world: World) -> None:
    world = fresh_world
    await limit(world, 10)
    async with world.services.database.acquire() as connection:
        expires_at = await database_now(connection) + timedelta(seconds=45)
    taken, refused = [], 0
    for _ in range(8):
        try:
            taken.append(await world.write(TRAILER, {"trailer_name": writes.new_mark()}, expires_at=expires_at))
        except WouldExpireError:
            refused += 1
    assert (len(taken), refused) == (5, 3)
    await world.work_off()
    assert [endings(await world.operation(operation.id)) for operation in taken] == [[DELIVERED]] * 5


async def test_room_is_made_by_what_is_delivered(fresh_world: World) -> None:
    world = fresh_world
    await limit(world, 1000)
    lasts = timedelta(seconds=1500)
    waiting = [job(world.connection.id, lasts) for _ in range(2)]
    await enqueue(world, waiting)
    with pytest.raises(WouldExpireError):
        await Foresight(world.services.database).enter(job(world.connection.id, lasts))
    async with world.services.database.transaction() as connection:
        await world.services.dispatch.seize(connection, [world.connection.id], [waiting[0].id])
    await Foresight(world.services.database).enter(job(world.connection.id, lasts))


async def test_what_other_processes_accepted_counts(fresh_world: World) -> None:
    world = fresh_world
    await limit(world, 1000)
    foresight = Foresight(world.services.database)
    far, near = timedelta(days=30), timedelta(seconds=500)
    # Nothing was counted for this one, as no number of others could matter to it.
    await foresight.enter(job(world.connection.id, timedelta(days=3650)))
    await enqueue(world, [job(world.connection.id, far) for _ in range(3)])
    with pytest.raises(WouldExpireError, match="as 3 go before it") as refused:
        await foresight.enter(job(world.connection.id, near))
    assert 2500 < refused.value.retry_after_s < 2600


async def test_what_is_scheduled_for_later_is_not_ahead(fresh_world: World) -> None:
    world = fresh_world
    await limit(world, 1000)
    foresight, near = Foresight(world.services.database), timedelta(seconds=500)
    async with world.services.database.acquire() as connection:
        later = await database_now(connection) + timedelta(days=1)
    scheduled = [msgspec.structs.replace(job(world.connection.id, near), not_before=later) for _ in range(3)]
    for one in scheduled:
        await foresight.enter(one)
    await enqueue(world, scheduled)
    await foresight.enter(job(world.connection.id, near))


async def test_lanes_without_a_backlog_are_hardly_looked_at(fresh_world: World) -> None:
    world = fresh_world
    await limit(world, 1)
    database = CountedDatabase(world.services.database.pool)
    foresight = Foresight(database)
    await asyncio.gather(*(foresight.enter(job(world.connection.id, timedelta(days=7))) for _ in range(300)))
    assert database.asked == 1


async def test_calls_that_the_provider_denies_are_no_reason(fresh_world: World) -> None:
    world = fresh_world
    world.fault("POST", "/fleet/trailers", "status", status=403)
    await world.write(TRAILER, {"trailer_name": writes.new_mark()})
    await world.run_due()
    async with world.services.database.acquire() as connection:
        expires_at = await database_now(connection) + timedelta(seconds=20)
        assert await connection.fetchval("SELECT count(*) FROM bars WHERE until > $1", expires_at) == 1
    await world.write(TRAILER, {"trailer_name": writes.new_mark()}, expires_at=expires_at)


async def test_a_provider_that_proved_stricter_is_reckoned_with(fresh_world: World) -> None:
    world = fresh_world
    await limit(world, 100)
    lasts = timedelta(seconds=300)
    await enqueue(world, [job(world.connection.id, lasts) for _ in range(2)])
    await Foresight(world.services.database).enter(job(world.connection.id, lasts))
    await world.services.database.pool.execute("UPDATE budgets SET share = 0.5, lowered_at = fleetwrite_now()")
    with pytest.raises(WouldExpireError):
        await Foresight(world.services.database).enter(job(world.connection.id, lasts))
