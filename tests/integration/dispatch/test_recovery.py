"""The database restarts, its connections die, the pool is used up, the clock jumps: work goes on by itself."""

import asyncio
import os
import signal
import time
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path

import pytest

from administrating import administrate
from fleetwrite.dispatch.models import Again, Job
from fleetwrite.kit.database import Database
from fleetwrite.kit.migrations import migrate
from fleetwrite.kit.postgres import EmbeddedPostgres
from integration.dispatch.world import LEASE, Recorder, Running, World

DAY_S = 86_400.0


async def test_work_goes_on_when_postgresql_was_killed_and_is_back(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        server = EmbeddedPostgres(tmp_path / "postgres")
        await server.start()
        stack.push_async_callback(server.stop)
        await migrate(server.dsn)
        database = await Database.connect(server.dsn, application_name="recovery test")
        stack.push_async_callback(database.close)
        world = World(database)
        owner, handler = await world.owner(), Recorder(world)
        await stack.enter_async_context(asyncio.timeout(60))
        await stack.enter_async_context(Running(world, server.dsn, handler))
        await world.enqueue(owner, 2)
        await handler.until(2)

        os.kill(server.pid, signal.SIGKILL)
        await server.wait_closed()
        await server.stop()
        await server.start()
        await world.enqueue(owner, 3)
        async with asyncio.timeout(20):
            await handler.until(5)


async def test_work_goes_on_while_connections_are_cut_again_and_again(world: World, database_url: str) -> None:
    owner, handler = await world.owner(), Recorder(world)
    operator = await Database.connect(database_url, max_size=1, application_name="operator")
    onlooker = World(operator)
    async with Running(world, database_url, handler), asyncio.timeout(60):
        for _ in range(10):
            await onlooker.enqueue(owner, 5)
            await administrate(
                operator,
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()",
            )
        # What was cut off between claim and settling comes back when its lease has ended.
        while await onlooker.waiting():
            await onlooker.shift_clock(LEASE + timedelta(seconds=1))
            await asyncio.sleep(0.1)
    await operator.close()
    assert len({job.id for job in handler.jobs}) == 50


async def test_work_goes_on_when_the_pool_was_used_up(world: World, database_url: str) -> None:
    owner, handler = await world.owner(), Recorder(world)
    operator = await Database.connect(database_url, max_size=1, application_name="operator")
    async with Running(world, database_url, handler), asyncio.timeout(30):
        async with AsyncExitStack() as hoard:
            for _ in range(10):
                await hoard.enter_async_context(world.database.acquire())
            await World(operator).enqueue(owner, 5)
            # Nobody can claim them.
            assert await World(operator).waiting() == 5
        await handler.until(5)
    await operator.close()


@pytest.mark.parametrize("jump_s", [DAY_S, -DAY_S], ids=["forwards", "backwards"])
async def test_a_worker_whose_clock_jumps_neither_hurries_nor_stands_still(
    world: World, database_url: str, jump_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[Again] = [Again(delay_s=3600.0), Again(delay_s=0.2)]

    async def work(job: Job) -> None:
        if pauses:
            await world.settle((job, pauses.pop()))

    owner, handler = await world.owner(), Recorder(world, work)
    real_time = time.time
    async with Running(world, database_url, handler), asyncio.timeout(20):
        await world.enqueue(owner)
        await handler.until(1)
        monkeypatch.setattr(time, "time", lambda: real_time() + jump_s)
        await handler.until(2)
        # By its own clock the hour is over, or a day away; the database knows better.
        await world.enqueue(owner)
        await handler.until(3)
        assert len({job.id for job in handler.jobs}) == 2
        await world.shift_clock(timedelta(hours=1))
        await handler.until(4)
    assert await world.waiting() == 0
