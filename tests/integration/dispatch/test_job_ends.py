"""How jobs leave their lanes beside the usual way."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from fleetwrite.dispatch.claims import claim_expired
from fleetwrite.dispatch.models import Again, BudgetLimit, Closing, Finish, Job
from fleetwrite.dispatch.worker import Worker, WorkerSettings
from fleetwrite.kit.database import Connection
from integration.dispatch.world import World

LEASE = timedelta(seconds=60)


class Forgetful:
    """A handler that knows nothing of the first job it is given."""

    kind = "test"

    def __init__(self, world: World) -> None:
        self._world = world
        self.unknown: list[UUID] = []
        self.ran: list[UUID] = []
        self.done = asyncio.Event()

    async def load(self, connection: Connection, jobs: Sequence[Job]) -> Mapping[UUID, Any]:
        del connection
        if not self.unknown:
            self.unknown.append(jobs[0].id)
        return {job.id: None for job in jobs if job.id not in self.unknown}

    async def run(self, job: Job, work: Any) -> None:
        del work
        self.ran.append(job.id)
        await self._world.settle((job, Finish()))
        self.done.set()


async def test_a_job_that_stands_for_nothing_is_dropped_and_lets_the_next_in_line_go(world: World) -> None:
    owner = await world.owner()
    first, second = await world.enqueue(owner, 2, order_key="record:1")
    handler, stop = Forgetful(world), asyncio.Event()
    worker = Worker(world.database, world.dispatch, [handler], WorkerSettings(concurrency=8, lease_lasts=LEASE))
    running = asyncio.create_task(worker.run(stop))
    async with asyncio.timeout(10):
        await handler.done.wait()
    stop.set()
    await running
    assert (handler.unknown, handler.ran, await world.waiting()) == ([first], [second], 0)


async def test_an_expired_job_that_is_given_back_has_no_attempt_to_give(world: World) -> None:
    owner = await world.owner(held=True)
    await world.enqueue(owner, lasts=timedelta(seconds=10))
    await world.shift_clock(timedelta(seconds=11))
    for _ in range(2):
        async with world.database.transaction() as connection:
            (job,) = await claim_expired(connection, "test", 10, LEASE)
        assert job.attempts == 0
        await world.settle((job, Again(delay_s=0, attempted=False)))


async def test_a_job_that_ends_can_close_its_budgets_for_the_others(world: World) -> None:
    owner = await world.owner(BudgetLimit(scope="token", requests=100, per_seconds=1.0))
    await world.enqueue(owner, 2)
    first, *others = await world.claim(1)
    assert others == []
    await world.settle((first, Finish(notice=Closing(for_s=30, call=first.scopes))))
    assert await world.claim() == []
    await world.shift_clock(timedelta(seconds=30))
    assert len(await world.claim()) == 1


async def test_a_lease_is_told_from_its_successor_of_the_same_job(world: World) -> None:
    await world.enqueue(await world.owner())
    (stalled,) = await world.claim()
    await world.shift_clock(LEASE + timedelta(seconds=1))
    (successor,) = await world.claim()
    async with world.database.transaction() as connection:
        assert await world.dispatch.lock_leases(connection, [stalled, successor]) == {successor.lease}
