"""Whatever is done to dispatch in whatever order, it does what the reference model allows, and all that it has to."""

import asyncio
from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID, uuid4

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from fleetwrite.dispatch.claims import claim, claim_expired
from fleetwrite.dispatch.errors import OrderConflictError, SlotTimeoutError
from fleetwrite.dispatch.models import Again, BudgetLimit, Disposition, Finish, Job, Lane, NewJob
from fleetwrite.dispatch.service import Dispatch
from fleetwrite.kit.database import Database
from integration.dispatch.model import Model

T = TypeVar("T")

KIND = "test"
LEASE = timedelta(seconds=60)
MANY = 1000
BEGINNING = datetime(2030, 1, 1, tzinfo=UTC)

STANDING_CLOCK = """
    CREATE OR REPLACE FUNCTION fleetwrite_now() RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE AS $$
        SELECT timestamptz '2030-01-01 00:00:00+00' + (SELECT shift FROM clock_shift)
    $$
"""
"""The model's time is exact, so the database's must not pass by itself."""

SCOPES = (("token",), ("token", "vehicles"), ("token", "drivers"), ("other",))
"""Lanes: with a common budget, with one of their own beside it, and with none at all."""

limits = st.builds(
    lambda scope, requests, per_seconds: BudgetLimit(scope=scope, requests=requests, per_seconds=per_seconds),
    st.sampled_from(["token", "vehicles"]),
    st.sampled_from([1, 5, 50]),
    st.sampled_from([1.0, 10.0]),
)
seconds = st.sampled_from([0.0, 0.1, 1.0, 30.0])
dispositions: st.SearchStrategy[Disposition] = st.one_of(
    st.builds(Finish, close_lane_s=st.none() | seconds),
    st.builds(
        Again, delay_s=seconds, uncertain=st.booleans(), close_lane_s=st.none() | seconds, attempted=st.booleans()
    ),
)
owners = st.integers(0, 1)


class DispatchMachine(RuleBasedStateMachine):
    """Does the same to dispatch on a real database and to the model, and compares."""

    loop: asyncio.AbstractEventLoop
    database: Database

    def __init__(self) -> None:
        super().__init__()
        self.dispatch = Dispatch(self.database)
        self.model = Model(now=BEGINNING, lease_lasts=LEASE)
        self.owners = [uuid4(), uuid4()]
        self.claims: list[Job] = []

    def run(self, work: Awaitable[T]) -> T:
        return self.loop.run_until_complete(work)

    @initialize(first=limits, second=limits)
    def begin(self, first: BudgetLimit, second: BudgetLimit) -> None:
        self.run(self._begin())
        for owner, limit in zip(self.owners, (first, second), strict=True):
            given = (
                [limit] if limit.scope == "token" else [limit, BudgetLimit(scope="token", requests=50, per_seconds=1)]
            )
            self.run(self._register(owner, given))
            self.model.register(owner, given)

    @rule(
        of=owners,
        count=st.integers(1, 40),
        scopes=st.sampled_from(SCOPES),
        key=st.sampled_from([None, "a", "b"]),
        lasts_s=st.sampled_from([20, 100, 10_000]),
    )
    def enqueue(self, of: int, count: int, scopes: tuple[str, ...], key: str | None, lasts_s: int) -> None:
        self.run(self._enqueue([self._job(of, scopes, key, lasts_s) for _ in range(count if key is None else 2)]))

    @rule(of=owners, scopes=st.sampled_from(SCOPES), key=st.sampled_from([None, "a", "b"]))
    def enqueue_to_run_at_once(self, of: int, scopes: tuple[str, ...], key: str | None) -> None:
        new = self._job(of, scopes, key, 100, lease=uuid4())
        is_refused = self.model.is_occupied(new)
        try:
            self.run(self._enqueue([new]))
        except OrderConflictError:
            assert is_refused
        else:
            assert not is_refused
            assert new.lease is not None
            self.claims.append(
                Job(
                    id=new.id,
                    owner_id=new.lane.owner_id,
                    kind=KIND,
                    lease=new.lease,
                    scopes=new.lane.scopes,
                    attempts=1,
                    claimed_at=self.model.now,
                    expires_at=self.model.now + new.lasts,
                    single_attempt=True,
                )
            )

    @rule(limit=st.sampled_from([1, 5, MANY]))
    def claim(self, limit: int) -> None:
        jobs = self.run(self._claim(limit))
        assert len(jobs) <= limit
        self._note(jobs)
        if len(jobs) < limit == MANY:
            assert self.model.overlooked(jobs) == []

    @rule()
    def claim_twice_at_once(self) -> None:
        for jobs in self.run(self._claim_twice()):
            self._note(jobs)

    @rule()
    def claim_expired(self) -> None:
        for job in self.run(self._claim_expired()):
            self.model.claim(job, only_expired=True)
            self.claims.append(job)
        assert self.model.overlooked_expired() == []

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), what=dispositions)
    def settle(self, data: st.DataObject, what: Disposition) -> None:
        """Any claim ever made may be settled, also one whose lease was lost, and one that was settled before."""
        self._settle([(data.draw(st.sampled_from(self.claims)), what)])

    @precondition(lambda self: self.claims)
    @rule(what=dispositions)
    def settle_all(self, what: Disposition) -> None:
        self._settle([(job, what) for job in self.claims])
        self.claims.clear()

    @rule(by_s=st.sampled_from([0.05, 1.0, 15.0, 61.0]))
    def let_time_pass(self, by_s: float) -> None:
        """After 61 s all leases have ended: whoever held them counts as dead."""
        self.model.now += timedelta(seconds=by_s)
        self.run(self.database.pool.execute("UPDATE clock_shift SET shift = $1", self.model.now - BEGINNING))

    @rule(of=owners)
    def hold(self, of: int) -> None:
        self.run(self._hold(self.owners[of], held=True))
        self.model.held.add(self.owners[of])

    @rule(of=owners)
    def release(self, of: int) -> None:
        self.run(self._hold(self.owners[of], held=False))
        self.model.held.discard(self.owners[of])

    @rule(of=owners, scopes=st.sampled_from(SCOPES), for_s=seconds)
    def close(self, of: int, scopes: tuple[str, ...], for_s: float) -> None:
        self.run(self.dispatch.close(self.owners[of], scopes, for_s))
        self.model.close(self.owners[of], scopes, for_s)

    @rule(of=owners, limit=limits)
    def replace_budgets(self, of: int, limit: BudgetLimit) -> None:
        given = [limit] if (self.owners[of], limit.scope) in self.model.budgets else []
        self.run(self._replace_budgets(self.owners[of], given))
        self.model.replace_budgets(self.owners[of], given)

    @rule(of=owners, scopes=st.sampled_from(SCOPES))
    def take_slot(self, of: int, scopes: tuple[str, ...]) -> None:
        try:
            self.run(self.dispatch.take_slot(self.owners[of], scopes, within_s=0))
        except SlotTimeoutError:
            assert not self.model.has_slot(self.owners[of], scopes)
        else:
            self.model.take_slot(self.owners[of], scopes, self.model.now)

    @invariant()
    def nothing_is_lost(self) -> None:
        rows = self.run(self.database.pool.fetch("SELECT id, attempts, uncertain FROM jobs"))
        assert {row["id"]: (row["attempts"], row["uncertain"]) for row in rows} == {
            of: (one.attempts, one.uncertain) for of, one in self.model.jobs.items()
        }

    def teardown(self) -> None:
        """Every job ends when time passes and whoever claims it finishes it."""
        for of in range(len(self.owners)):
            self.release(of)
        for _ in range(len(self.model.jobs) + 1):
            self.let_time_pass(61.0)
            self.claim(MANY)
            self.settle_all(Finish())
        assert self.model.jobs == {}

    def _note(self, jobs: list[Job]) -> None:
        for job in sorted(jobs, key=lambda one: one.start_in_s):
            self.model.claim(job)
        self.claims += jobs

    def _settle(self, settled: list[tuple[Job, Disposition]]) -> None:
        lost = self.run(self._store(settled))
        assert lost == {job.lease for job, what in settled if not self.model.settle(job, what)}

    def _job(
        self, of: int, scopes: tuple[str, ...], key: str | None, lasts_s: int, lease: UUID | None = None
    ) -> NewJob:
        return NewJob(
            id=uuid4(),
            lane=Lane(self.owners[of], KIND, scopes),
            lasts=timedelta(seconds=lasts_s),
            order_key=key,
            lease=lease,
            lease_lasts=LEASE if lease else timedelta(),
        )

    async def _begin(self) -> None:
        await self.database.pool.execute("DELETE FROM lane_owners")
        await self.database.pool.execute("UPDATE clock_shift SET shift = '0'")

    async def _register(self, owner: UUID, given: list[BudgetLimit]) -> None:
        async with self.database.transaction() as connection:
            await self.dispatch.register_owner(connection, owner, KIND, given)

    async def _enqueue(self, jobs: list[NewJob]) -> None:
        async with self.database.transaction() as connection:
            await self.dispatch.enqueue(connection, jobs)
        for job in jobs:
            self.model.enqueue(job)

    async def _claim(self, limit: int) -> list[Job]:
        async with self.database.transaction() as connection:
            return await claim(connection, KIND, limit, LEASE)

    async def _claim_twice(self) -> tuple[list[Job], list[Job]]:
        return await asyncio.gather(self._claim(MANY), self._claim(MANY))

    async def _claim_expired(self) -> list[Job]:
        async with self.database.transaction() as connection:
            return await claim_expired(connection, KIND, MANY, LEASE)

    async def _store(self, settled: list[tuple[Job, Disposition]]) -> set[UUID]:
        async with self.database.transaction() as connection:
            return await self.dispatch.settle(connection, settled)

    async def _hold(self, owner: UUID, *, held: bool) -> None:
        async with self.database.transaction() as connection:
            await (self.dispatch.hold if held else self.dispatch.release)(connection, owner)

    async def _replace_budgets(self, owner: UUID, given: list[BudgetLimit]) -> None:
        async with self.database.transaction() as connection:
            await self.dispatch.replace_budgets(connection, owner, given)


def test_dispatch_does_what_the_model_allows_and_all_that_it_has_to(database_url: str) -> None:
    # Hypothesis calls rules one after the other and awaits nothing: the machine has a loop of its own.
    loop = asyncio.new_event_loop()
    database = loop.run_until_complete(Database.connect(database_url, max_size=4, application_name="model test"))
    loop.run_until_complete(database.pool.execute(STANDING_CLOCK))

    class Machine(DispatchMachine):
        pass

    Machine.loop, Machine.database = loop, database
    machine: Any = Machine
    try:
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=30,
                stateful_step_count=40,
                deadline=None,
                derandomize=True,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            ),
        )
    finally:
        loop.run_until_complete(database.close())
        loop.close()
