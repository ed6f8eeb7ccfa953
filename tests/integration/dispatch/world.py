"""What the tests of dispatch work with."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Self
from uuid import UUID, uuid4

from administrating import administrator
from fleetwrite.dispatch.claims import claim
from fleetwrite.dispatch.models import BudgetLimit, Finish, Job, Lane, NewJob
from fleetwrite.dispatch.service import Dispatch
from fleetwrite.dispatch.worker import Worker, WorkerSettings
from fleetwrite.kit.clock import database_now
from fleetwrite.kit.database import Database, Listener

LEASE = timedelta(seconds=60)
SETTINGS = WorkerSettings(concurrency=8, lease_lasts=LEASE)


class World:
    """One owner with budgets, and short ways to enqueue and claim."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.dispatch = Dispatch(database)

    async def owner(self, *budgets: BudgetLimit, held: bool = False) -> UUID:
        owner_id = uuid4()
        async with self.database.transaction() as connection:
            await self.dispatch.register_owner(connection, owner_id, "test", budgets, held=held)
        return owner_id

    async def enqueue(
        self,
        owner_id: UUID,
        count: int = 1,
        *,
        scopes: tuple[str, ...] = ("token",),
        order_key: str | None = None,
        lasts: timedelta = timedelta(hours=1),
        lease: UUID | None = None,
        **more: Any,
    ) -> list[UUID]:
        jobs = [
            NewJob(
                id=uuid4(),
                lane=Lane(owner_id, "test", scopes),
                lasts=lasts,
                order_key=order_key,
                lease=lease,
                lease_lasts=LEASE if lease else timedelta(),
                **more,
            )
            for _ in range(count)
        ]
        async with self.database.transaction() as connection:
            await self.dispatch.enqueue(connection, jobs)
        return [job.id for job in jobs]

    async def claim(self, limit: int = 100, process_id: UUID | None = None) -> list[Job]:
        async with self.database.transaction() as connection:
            return await claim(connection, "test", limit, LEASE, process_id)

    async def settle(self, *settled: tuple[Job, Any]) -> set[UUID]:
        async with self.database.transaction() as connection:
            return await self.dispatch.settle(connection, settled)

    async def now(self) -> datetime:
        async with self.database.acquire() as connection:
            return await database_now(connection)

    async def shift_clock(self, by: timedelta) -> None:
        async with self.database.transaction() as connection:
            await connection.execute("UPDATE clock_shift SET shift = shift + $1", by)

    async def stop_clock(self) -> None:
        """Let the clock move by `shift_clock` alone, where milliseconds count and the machine may be busy."""
        now = (await self.now()).isoformat()
        async with administrator(self.database) as connection:
            await connection.execute(
                f"""
                CREATE OR REPLACE FUNCTION fleetwrite_now() RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE AS $$
                    SELECT timestamptz '{now}' + (SELECT shift FROM clock_shift)
                $$
                """  # noqa: S608 - our own text
            )
            await connection.execute("UPDATE clock_shift SET shift = '0'")

    async def waiting(self) -> int:
        async with self.database.acquire() as connection:
            count: int = await connection.fetchval("SELECT count(*) FROM jobs")
            return count


class Recorder:
    """A handler that notes what it was given, does what it is told, and finishes the job."""

    kind = "test"

    def __init__(self, world: World, work: Callable[[Job], Awaitable[None]] | None = None) -> None:
        self.jobs: list[Job] = []
        self.changed = asyncio.Condition()
        self._world = world
        self._work = work

    async def load(self, connection: Any, jobs: Sequence[Job]) -> Mapping[UUID, Any]:
        return {job.id: None for job in jobs}

    async def run(self, job: Job, work: Any) -> None:
        async with self.changed:
            self.jobs.append(job)
            self.changed.notify_all()
        if self._work is not None:
            await self._work(job)
        await self._world.settle((job, Finish()))

    async def until(self, count: int) -> list[Job]:
        async with self.changed:
            await self.changed.wait_for(lambda: len(self.jobs) >= count)
        return self.jobs


class Running:
    """A worker at work, with its listener."""

    def __init__(self, world: World, database_url: str, handler: Recorder) -> None:
        self._worker = Worker(world.database, world.dispatch, [handler], SETTINGS)
        self._listener = Listener(database_url, self._worker.channels, application_name="test worker")
        self.stop = asyncio.Event()

    async def __aenter__(self) -> Self:
        await self._listener.__aenter__()
        self.task = asyncio.create_task(self._worker.run(self.stop))
        return self

    async def __aexit__(self, *_error: object) -> None:
        self.stop.set()
        await self.task
        await self._listener.__aexit__(None, None, None)
