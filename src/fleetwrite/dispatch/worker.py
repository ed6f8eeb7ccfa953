"""The loop that turns due jobs into work: claim, wait for the slot, run, settle."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID
from weakref import WeakValueDictionary

import msgspec
import structlog

from fleetwrite.dispatch import lane_store, store
from fleetwrite.dispatch.claims import claim, claim_expired
from fleetwrite.dispatch.errors import SlotTimeoutError
from fleetwrite.dispatch.models import Again, Finish, Handler, Job
from fleetwrite.dispatch.pacing import HORIZON
from fleetwrite.dispatch.service import Dispatch
from fleetwrite.kit.database import DATABASE_FAILURES, Connection, Database

log = structlog.get_logger(__name__)

POLL_S = 1.0
"""Look at the lanes at least so often, should a notification get lost."""

EXPIRY_POLL_S = 2.0
"""How long a job may outlive its deadline in a lane that is held or not due."""

DATABASE_RETRY_S = 0.5
"""Pause after the database failed us: it is back within seconds, and so are we."""

LOOK_FROM_S = 0.02
"""Jobs that wait longer than this for their slot look once more whether their budgets were closed meanwhile."""

MOST_GATES = 10_000
"""Those in the past are forgotten beyond so many."""

UNWATCHED_S = 0.02
"""A call of a process that had its budgets for itself sees whether that is still so when it is later than this: less
than `lane_store.GRACE`, after which others step in."""

LATEST_START_S = 2.0
"""A job that could not be started for so long after its slot (the process was paused, say) is given back: its lease may
not last, and its slot is somebody else's by now."""

LOOK_AHEAD_S = 0.005
"""So long before its slot a job that waited for it sees whether the other side closed meanwhile: late enough to hear of
a refusal that the call before it just got, early enough that the look does not delay the call."""


class WorkerSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How a worker works.

    Attributes:
        concurrency: jobs of one kind in flight at a time in this process.
        lease_lasts: how long a claim holds without a sign of life; longer than any attempt can take.
        fewer: kind -> how many, where it is not as many as of the others.
    """

    concurrency: int
    lease_lasts: timedelta
    fewer: Mapping[str, int] = {}


class Worker:
    """Runs the jobs of every registered kind until told to stop."""

    def __init__(
        self, database: Database, dispatch: Dispatch, handlers: Sequence[Handler], settings: WorkerSettings
    ) -> None:
        self._loops = [_KindLoop(database, dispatch, handler, settings) for handler in handlers]

    @property
    def channels(self) -> Mapping[str, Callable[[], None]]:
        """What a database listener must call when, for this worker to learn of new work at once."""
        return {store.CHANNEL: self._wake}

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set; then claim no more, finish what is in flight and give back the rest."""
        async with asyncio.TaskGroup() as tasks:
            for loop in self._loops:
                tasks.create_task(loop.run(stop))
            await stop.wait()
            self._wake()

    def _wake(self) -> None:
        for loop in self._loops:
            loop.awake.set()


class _KindLoop:
    """Claims and runs the jobs of one kind."""

    def __init__(self, database: Database, dispatch: Dispatch, handler: Handler, settings: WorkerSettings) -> None:
        self.kind = handler.kind
        self.awake = asyncio.Event()
        self._database = database
        self._dispatch = dispatch
        self._handler = handler
        self._settings = settings
        self._concurrency = settings.fewer.get(handler.kind, settings.concurrency)
        self._running: set[asyncio.Task[None]] = set()
        self._stop = asyncio.Event()
        self._expiry_due_at = 0.0
        # Budget -> when, by the event loop's clock, its next call of this process may begin.
        self._gates: dict[tuple[UUID, str], float] = {}
        # Budgets -> the line of those jobs that wait for a call under just these; gone with the last of them.
        self._lines: WeakValueDictionary[tuple[tuple[UUID, str], ...], asyncio.Lock] = WeakValueDictionary()

    async def run(self, stop: asyncio.Event) -> None:
        self._stop = stop
        try:
            while not stop.is_set():
                self.awake.clear()
                pause_s = await self._turn_safely()
                if pause_s > 0:
                    await _wait(self.awake, pause_s)
            if self._running:
                await asyncio.wait(self._running)
        finally:
            # Only where this loop itself is cancelled is anything left here: nobody would wait for it.
            for task in self._running:
                task.cancel()

    async def _turn_safely(self) -> float:
        try:
            return await self._turn()
        except DATABASE_FAILURES as error:
            log.warning("dispatch.database_unavailable", kind=self.kind, error=str(error))
            return DATABASE_RETRY_S

    async def _turn(self) -> float:
        """Claim once and start what was claimed; returns how many seconds there is nothing to do."""
        free = self._concurrency - len(self._running)
        if free <= 0:
            return POLL_S
        started = await self._claim(
            lambda c: claim(c, self.kind, free, self._settings.lease_lasts, self._dispatch.process_id)
        )
        loop_now = asyncio.get_running_loop().time()
        if loop_now >= self._expiry_due_at and started < free:
            limit = free - started
            ended = await self._claim(lambda c: claim_expired(c, self.kind, limit, self._settings.lease_lasts))
            if ended < limit:
                self._expiry_due_at = loop_now + EXPIRY_POLL_S
            started += ended
        if started:
            return 0.0
        async with self._database.acquire() as connection:
            due_in_s = await lane_store.seconds_until_due(connection, self.kind, self._dispatch.process_id)
        if due_in_s is None:
            return POLL_S
        # A lane that is due but was not claimed is locked by somebody else: give them a moment.
        return min(POLL_S, max(due_in_s, 0.002))

    async def _claim(self, take: Callable[[Connection], Awaitable[list[Job]]]) -> int:
        async with self._database.transaction() as connection:
            jobs = await take(connection)
            work = await self._handler.load(connection, jobs) if jobs else {}
        await self._drop([job for job in jobs if job.id not in work])
        for job in jobs:
            if job.id not in work:
                continue
            task = asyncio.create_task(self._run_safely(job, work[job.id]))
            self._running.add(task)
            task.add_done_callback(self._done)
        return len(jobs)

    async def _drop(self, unknown: Sequence[Job]) -> None:
        """End jobs that stand for nothing any more, in a transaction of its own: a claim takes its locks in another
        order.
        """
        if unknown:
            log.error("dispatch.unknown_jobs_dropped", kind=self.kind, job_ids=[str(job.id) for job in unknown])
            async with self._database.transaction() as connection:
                await self._dispatch.settle(connection, [(job, Finish()) for job in unknown])

    def _done(self, task: asyncio.Task[None]) -> None:
        was_full = len(self._running) >= self._concurrency
        self._running.discard(task)
        if was_full:
            self.awake.set()

    async def _run_safely(self, job: Job, work: Any) -> None:
        """Run one job. Whatever goes wrong leaves the lease to end: then the job is taken over as interrupted."""
        try:
            await self._run(job, work)
        except DATABASE_FAILURES as error:
            log.warning("dispatch.database_unavailable", kind=self.kind, job_id=str(job.id), error=str(error))
        except Exception:
            log.exception("dispatch.job_crashed", kind=self.kind, job_id=str(job.id), attempt=job.attempts)

    async def _run(self, job: Job, work: Any) -> None:
        loop = asyncio.get_running_loop()
        waits_s = job.start_in_s if job.has_slot else 0.0
        looks = waits_s > LOOK_FROM_S
        pause_s = job.start_at - (LOOK_AHEAD_S if looks else 0.0) - loop.time()
        stopped = pause_s > 0 and await _wait(self._stop, pause_s)
        if stopped or loop.time() - job.start_at > LATEST_START_S:
            await self._give_back(job, 0.0)
            return
        if looks:
            # A closing that ends before the slot begins was known when the slot was taken.
            if await self._is_closed(job, max(job.start_at - loop.time(), 0.0)):
                return
            await asyncio.sleep(job.start_at - loop.time())
        if await self._needs_new_slot(job) and not await self._takes_slot(job):
            return
        if await self._keep_distance(job):
            await self._handler.run(job, work)

    async def _takes_slot(self, job: Job) -> bool:
        """Take a new slot for a job and wait until it begins; False: there is none soon, and the job is given back."""
        try:
            await self._dispatch.take_slot(job.owner_id, job.scopes, LATEST_START_S)
        except SlotTimeoutError as error:
            await self._give_back(job, error.wait_s)
            return False
        return True

    async def _is_closed(self, job: Job, within_s: float) -> bool:
        """Whether a job's budgets were closed meanwhile, for more than `within_s` seconds; then it is given back."""
        closed_s = await self._dispatch.closed_for_s(job.owner_id, job.scopes, job.trials)
        if closed_s <= within_s:
            return False
        # Half a horizon early, as lanes are looked at: so that the first call after it is not late.
        await self._give_back(job, max(0.0, closed_s - HORIZON.total_seconds() / 2))
        return True

    async def _needs_new_slot(self, job: Job) -> bool:
        """Whether a job is so late that its call may come too close to the next one of another process."""
        late_s = asyncio.get_running_loop().time() - job.start_at
        if late_s > job.late_after_s:
            return True
        # Nobody else had the budgets at the claim; while this process was held up somebody may have stepped in.
        is_unsure = job.has_slot and bool(job.spacings) and late_s > UNWATCHED_S
        return is_unsure and not await self._dispatch.has_last_slots(job.owner_id, job.scopes)

    async def _keep_distance(self, job: Job) -> bool:
        """Wait until the calls of this process that began before, late perhaps, are far enough away.

        Whoever is behind has many wait here. Meanwhile one may have been refused, or another process may have stepped
        in: False, then, where the job was given back.
        """
        if not job.spacings:
            return True
        # Those with the same budgets stand in line, and the first alone looks: were all to look at every turn, a
        # process that is behind would have no time left to catch up.
        line = self._lines.setdefault(tuple(spacing.budget for spacing in job.spacings), asyncio.Lock())
        was_behind = line.locked()
        async with line:
            return await self._take_turn(job, must_look=was_behind)

    async def _take_turn(self, job: Job, *, must_look: bool) -> bool:
        """Wait for the turn of the first in line; `must_look`: those before it may have learnt something."""
        loop = asyncio.get_running_loop()
        while (wait_s := self._until_turn_s(job)) > 0 or must_look:
            # The look is over when it is this one's turn: nothing may come between that and the call.
            looks = must_look or wait_s > LOOK_AHEAD_S
            await asyncio.sleep(wait_s - LOOK_AHEAD_S if looks else wait_s)
            if looks:
                must_look = False
                if await self._is_closed(job, 0.0):
                    return False
                is_alone = await self._dispatch.has_last_slots(job.owner_id, job.scopes)
                if not is_alone and not await self._takes_slot(job):
                    return False
        now = loop.time()
        for spacing in job.spacings:
            # From its turn on, not from now: what each is late by a little would add up.
            began_at = max(self._gates.get(spacing.budget, 0.0), now - spacing.slack_s)
            self._gates[spacing.budget] = began_at + spacing.seconds
        if len(self._gates) > MOST_GATES:
            self._gates = {key: until for key, until in self._gates.items() if until > now}
        return True

    def _until_turn_s(self, job: Job) -> float:
        return max(self._gates.get(spacing.budget, 0.0) for spacing in job.spacings) - asyncio.get_running_loop().time()

    async def _give_back(self, job: Job, delay_s: float) -> None:
        """Put a job that nothing was tried for into its lane again."""
        async with self._database.transaction() as connection:
            await self._dispatch.settle(connection, [(job, Again(delay_s=delay_s, attempted=False))])


async def _wait(event: asyncio.Event, seconds: float) -> bool:
    """Whether `event` is set within so many seconds."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
