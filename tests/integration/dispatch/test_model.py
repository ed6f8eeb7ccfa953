"""Whatever is done to dispatch in whatever order, it does what the reference model allows, and all that it has to."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID, uuid4

import msgspec
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

from administrating import administrate
from fleetwrite.dispatch.claims import claim, claim_expired
from fleetwrite.dispatch.errors import OrderConflictError, SlotTimeoutError
from fleetwrite.dispatch.models import (
    Again,
    Bar,
    BudgetLimit,
    Closing,
    Disposition,
    Finish,
    Job,
    Lane,
    Lift,
    NewJob,
    Notice,
)
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
"""Lanes: with a common budget, with one of their own beside it, and without any."""

limits = st.builds(
    lambda scope, requests, per_seconds: BudgetLimit(scope=scope, requests=requests, per_seconds=per_seconds),
    st.sampled_from(["token", "vehicles"]),
    st.sampled_from([1, 5, 50]),
    st.sampled_from([1.0, 10.0]),
)
seconds = st.sampled_from([0.0, 0.1, 1.0, 30.0])
dispositions: st.SearchStrategy[Disposition] = st.one_of(
    st.just(Finish()),
    st.builds(Again, delay_s=seconds, uncertain=st.booleans(), attempted=st.booleans()),
)
owners = st.integers(0, 1)

LESSONS: dict[str, Callable[[tuple[str, ...], float], Notice]] = {
    "refused": lambda call, for_s: Closing(for_s=for_s, call=call),
    "refused, and told of which budget": lambda call, for_s: Closing(for_s=for_s, call=call, scopes=("token",)),
    "the last one for now": lambda call, for_s: Closing(for_s=for_s, call=call, is_refusal=False),
    "denied": lambda call, _: Bar(scope=call[-1], is_again=False),
    "denied again": lambda call, _: Bar(scope=call[-1], is_again=True),
    "let through again": lambda call, _: Lift(scopes=call),
}
"""What a call may teach about others."""

lessons = st.none() | st.tuples(st.sampled_from(sorted(LESSONS)), seconds)


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
            given = [limit, BudgetLimit(scope="drivers", requests=5, per_seconds=10)]
            if limit.scope != "token":
                given.append(BudgetLimit(scope="token", requests=50, per_seconds=1))
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
    @rule(data=st.data(), what=dispositions, lesson=lessons)
    def settle(self, data: st.DataObject, what: Disposition, lesson: tuple[str, float] | None) -> None:
        """Any claim ever made may be settled, also one whose lease was lost, and one that was settled before."""
        self._settle([(data.draw(st.sampled_from(self.claims)), what)], lesson)

    @precondition(lambda self: self.claims)
    @rule(what=dispositions, lesson=lessons)
    def settle_all(self, what: Disposition, lesson: tuple[str, float] | None = None) -> None:
        self._settle([(job, what) for job in self.claims], lesson)
        self.claims.clear()

    @precondition(lambda self: self.claims)
    @rule(then=st.sampled_from(["denied again", "let through again"]))
    def be_denied_and_try_again(self, then: str) -> None:
        """Chance alone seldom gets that far."""
        self.settle_all(Again(delay_s=0), ("denied", 0.0))
        self.let_time_pass(61.0)
        for _ in range(2):
            self.claim(MANY)
        self.settle_all(Finish(), (then, 0.0))
        self.claim(MANY)

    @rule(of=owners, is_refusal=st.booleans())
    def be_refused_at_two_endpoints(self, of: int, is_refusal: bool) -> None:
        """The same."""
        for scopes in (("token", "vehicles"), ("token", "drivers")):
            self.close(of, scopes, 30.0, is_refusal)
        self.take_slot(of, ("token",))

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

    @rule(of=owners, scopes=st.sampled_from(SCOPES), for_s=seconds, is_refusal=st.booleans())
    def close(self, of: int, scopes: tuple[str, ...], for_s: float, is_refusal: bool) -> None:
        closing = Closing(for_s=for_s, call=scopes, is_refusal=is_refusal)
        self.run(self.dispatch.close(self.owners[of], closing))
        self.model.close(self.owners[of], closing)

    @rule(of=owners)
    def lift_bars(self, of: int) -> None:
        self.run(self._lift_bars(self.owners[of]))
        self.model.bars = {key: bar for key, bar in self.model.bars.items() if key[0] != self.owners[of]}

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

    def _settle(self, settled: list[tuple[Job, Disposition]], lesson: tuple[str, float] | None) -> None:
        if lesson is not None:
            taught = [LESSONS[lesson[0]](job.scopes, lesson[1]) for job, _ in settled]
            settled = [
                (job, msgspec.structs.replace(what, notice=notice))
                for (job, what), notice in zip(settled, taught, strict=True)
            ]
        lost = self.run(self._store(settled))
        self.model.heed([(job.owner_id, what.notice) for job, what in settled if what.notice is not None])
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

    async def _lift_bars(self, owner: UUID) -> None:
        async with self.database.transaction() as connection:
            await self.dispatch.lift_bars(connection, owner)

    async def _replace_budgets(self, owner: UUID, given: list[BudgetLimit]) -> None:
        async with self.database.transaction() as connection:
            await self.dispatch.replace_budgets(connection, owner, given, usual=[])


def test_dispatch_does_what_the_model_allows_and_all_that_it_has_to(database_url: str) -> None:
    # Hypothesis calls rules one after the other and awaits nothing: the machine has a loop of its own.
    loop = asyncio.new_event_loop()
    database = loop.run_until_complete(Database.connect(database_url, max_size=4, application_name="model test"))
    loop.run_until_complete(administrate(database, STANDING_CLOCK))

    class Machine(DispatchMachine):
        pass

    Machine.loop, Machine.database = loop, database
    machine: Any = Machine
    try:
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=120,
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
