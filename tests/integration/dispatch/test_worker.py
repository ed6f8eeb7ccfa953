import asyncio
import math
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from itertools import combinations
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from fleetwrite.dispatch import claims, pacing
from fleetwrite.dispatch.lane_store import GRACE
from fleetwrite.dispatch.models import BudgetLimit, Closing, Job
from fleetwrite.dispatch.service import Dispatch
from fleetwrite.kit.database import Connection
from integration.dispatch.world import Recorder, Running, World


async def test_a_worker_runs_what_is_enqueued_while_it_waits(world: World, database_url: str) -> None:
    owner, handler = await world.owner(), Recorder(world)
    async with Running(world, database_url, handler), asyncio.timeout(10):
        await world.enqueue(owner, 3)
        await handler.until(3)
        await world.enqueue(owner, 30)
        await handler.until(33)
    assert await world.waiting() == 0
    assert len({job.id for job in handler.jobs}) == 33


async def test_two_workers_run_each_job_once(world: World, database_url: str) -> None:
    first, second = Recorder(world), Recorder(world)
    second.jobs, second.changed = first.jobs, first.changed
    owners = [await world.owner() for _ in range(10)]
    async with Running(world, database_url, first), Running(world, database_url, second), asyncio.timeout(20):
        await asyncio.gather(*(world.enqueue(owner, 20) for owner in owners))
        await first.until(200)
    ids = [job.id for job in first.jobs]
    assert len(ids) == len(set(ids)) == 200


async def test_no_more_jobs_than_the_concurrency_run_at_a_time(world: World, database_url: str) -> None:
    running, most, gate = 0, 0, asyncio.Event()

    async def work(_job: Job) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await gate.wait()
        running -= 1

    handler = Recorder(world, work)
    await world.enqueue(await world.owner(), 20)
    async with Running(world, database_url, handler), asyncio.timeout(10):
        await handler.until(8)
        gate.set()
        await handler.until(20)
    assert most == 8


async def test_stopping_finishes_what_runs_and_gives_back_what_waits_for_its_slot(
    world: World, database_url: str
) -> None:
    gate = asyncio.Event()

    async def work(_job: Job) -> None:
        await gate.wait()

    handler = Recorder(world, work)
    owner = await world.owner(BudgetLimit(scope="token", requests=10, per_seconds=1.0))
    await world.enqueue(owner, 2)
    async with Running(world, database_url, handler) as running, asyncio.timeout(10):
        await handler.until(1)
        running.stop.set()
        gate.set()
    assert len(handler.jobs) == 1
    async with world.database.acquire() as connection:
        left = await connection.fetch("SELECT attempts, lease, uncertain FROM jobs")
    assert [tuple(row) for row in left] == [(0, None, False)]


async def test_a_handler_that_crashes_leaves_its_job_to_be_taken_over(world: World, database_url: str) -> None:
    async def work(_job: Job) -> None:
        if len(handler.jobs) == 1:
            raise RuntimeError("out of luck")

    handler = Recorder(world, work)
    await world.enqueue(await world.owner())
    async with Running(world, database_url, handler), asyncio.timeout(10):
        await handler.until(1)
        await world.shift_clock(timedelta(seconds=61))
        await handler.until(2)
    assert [job.interrupted for job in handler.jobs] == [False, True]
    assert await world.waiting() == 0


async def test_a_worker_outlives_a_connection_that_dies_in_the_middle_of_a_claim(
    world: World, database_url: str
) -> None:
    handler = Recorder(world)
    loads = [asyncpg.InternalClientError("cannot switch to state 15; another operation (2) is in progress")]
    load = handler.load

    async def load_after_a_failure(connection: Connection, jobs: Sequence[Job]) -> Mapping[UUID, Any]:
        if loads:
            raise loads.pop()
        return await load(connection, jobs)

    handler.load = load_after_a_failure  # type: ignore[method-assign] # only its database fails
    await world.enqueue(await world.owner())
    async with Running(world, database_url, handler), asyncio.timeout(20):
        (job,) = await handler.until(1)
    assert (job.attempts, job.interrupted) == (1, False)


async def test_a_job_that_waits_for_its_slot_is_given_back_when_the_other_side_closes_meanwhile(
    world: World, database_url: str
) -> None:
    async def work(job: Job) -> None:
        await world.dispatch.close(job.owner_id, Closing(for_s=600, call=job.scopes))

    handler = Recorder(world, work)
    owner = await world.owner(BudgetLimit(scope="token", requests=12, per_seconds=1.0))
    await world.enqueue(owner, 2)
    async with Running(world, database_url, handler), asyncio.timeout(10):
        await handler.until(1)
        async with world.database.acquire() as connection:
            while await connection.fetchval("SELECT count(*) FROM jobs WHERE lease IS NULL") < 1:
                await asyncio.sleep(0.01)
            rows = await connection.fetch("SELECT attempts, due_at > fleetwrite_now() + '9 minutes' FROM jobs")
    assert [tuple(row) for row in rows] == [(0, True)]
    assert len(handler.jobs) == 1


async def test_calls_that_start_late_keep_the_distance_of_the_limit(world: World, database_url: str) -> None:
    """A stall of the process makes several slots come due at once; the calls still leave one by one."""
    started_at: list[float] = []

    async def work(_job: Job) -> None:
        started_at.append(asyncio.get_running_loop().time())
        if len(started_at) == 3:
            time.sleep(0.3)  # noqa: ASYNC251 - the stall: nothing of this process moves meanwhile

    handler = Recorder(world, work)
    await world.enqueue(await world.owner(BudgetLimit(scope="token", requests=50, per_seconds=1.0)), 20)
    async with Running(world, database_url, handler), asyncio.timeout(20):
        await handler.until(20)
    began = sorted(started_at)
    # What a call was late by, up to a millisecond, the next one need not wait for; it never adds up.
    assert all(
        began[last] - began[first] >= (last - first) * 0.02 - 0.001 for first, last in combinations(range(20), 2)
    )


async def test_calls_that_wait_for_their_distance_look_once_each(
    world: World, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Were each to look whenever another one had its turn, those behind would never catch up for looking."""
    looked: Counter[Sequence[str]] = Counter()
    closed_for_s = Dispatch.closed_for_s

    async def counted(self: Dispatch, owner_id: UUID, scopes: Sequence[str], trials: Sequence[str] = ()) -> float:
        looked[tuple(scopes)] += 1
        return await closed_for_s(self, owner_id, scopes, trials)

    async def work(_job: Job) -> None:
        if len(handler.jobs) == 3:
            time.sleep(1.2)  # noqa: ASYNC251 - the stall: those behind it come late, and all at once

    monkeypatch.setattr(Dispatch, "closed_for_s", counted)
    # So many slots are reserved ahead that twenty calls are late together.
    for module in (pacing, claims):
        monkeypatch.setattr(module, "HORIZON", timedelta(seconds=1))
    handler = Recorder(world, work)
    await world.enqueue(await world.owner(BudgetLimit(scope="token", requests=20, per_seconds=1.0)), 30)
    async with Running(world, database_url, handler), asyncio.timeout(20):
        await handler.until(30)
    # One before its slot, and one before its turn.
    assert looked.total() <= 2 * 30


async def test_calls_that_wait_for_their_distance_see_that_the_one_before_was_refused(
    world: World, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Everything ten times slower than it ever is: so a look is over in time also where the machine is busy.
    for module in (pacing, claims):
        monkeypatch.setattr(module, "HORIZON", timedelta(seconds=1))
    owner = await world.owner(BudgetLimit(scope="token", requests=5, per_seconds=1.0))
    started: list[Job] = []

    async def work(job: Job) -> None:
        started.append(job)
        if len(started) == 3:
            time.sleep(1.2)  # noqa: ASYNC251 - the stall: those behind it come late, and all at once
        if len(started) == 4:
            await world.dispatch.close(owner, Closing(for_s=600, call=job.scopes))

    handler = Recorder(world, work)
    await world.enqueue(owner, 20)
    async with Running(world, database_url, handler), asyncio.timeout(20):
        await handler.until(4)
        while await world.database.pool.fetchval("SELECT count(*) FROM jobs WHERE lease IS NOT NULL"):
            await asyncio.sleep(0.02)
    # The one right behind it is let go, as a look would take as long as it waits.
    assert len(started) <= 5


async def test_a_late_call_takes_a_new_slot_where_other_processes_send_by_the_same_budget(world: World) -> None:
    owner = await world.owner(BudgetLimit(scope="token", requests=50, per_seconds=1.0))
    await world.enqueue(owner, 4)
    ours, theirs = uuid4(), uuid4()
    alone = await world.claim(1, ours)
    await world.shift_clock(GRACE)
    shared = await world.claim(1, theirs)
    again = await world.claim(1, theirs)
    assert [job.late_after_s for job in (*alone, *shared, *again)] == [math.inf, pytest.approx(0.009), math.inf]
