"""Dispatch as it should be, in plain Python: no lanes that sleep, no locks, no SQL, and a clock that stands still."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from fleetwrite.dispatch.bars import FIRST_S, LONGEST_S
from fleetwrite.dispatch.claims import JOBS_PER_LANE
from fleetwrite.dispatch.closing import LEAST_SHARE
from fleetwrite.dispatch.models import Again, Bar, BudgetLimit, Closing, Disposition, Finish, Job, Lift, NewJob, Notice
from fleetwrite.dispatch.pacing import HORIZON, SAFETY_MARGIN

ROUNDING = timedelta(milliseconds=1)
"""What intervals may differ by where one is rounded to microseconds and the other is not."""

Scope = tuple[UUID, str]


@dataclass
class Budget:
    """One limit: before when no other call may start, and until when none at all.

    Attributes:
        is_refused: the provider said no since the limit was set, so that dispatch may have learnt to be slower.
        blamed: the tighter one that was last closed because of a call under both, and until when it is.
    """

    limit: BudgetLimit | None
    next_at: datetime
    closed_until: datetime
    is_refused: bool = False
    blamed: tuple[str, datetime] | None = None

    @property
    def interval(self) -> timedelta:
        if self.limit is None or self.limit.requests is None or self.limit.per_seconds is None:
            return timedelta()
        return timedelta(seconds=self.limit.per_seconds / self.limit.requests)

    @property
    def free_at(self) -> datetime:
        """When another call may start for sure, with all the caution that dispatch is allowed."""
        slowest = (1 + SAFETY_MARGIN) / (LEAST_SHARE if self.is_refused else 1)
        return max(self.next_at + self.interval * (slowest - 1), self.closed_until) + ROUNDING


@dataclass
class Waiting:
    """One job: waiting, parked or leased.

    Attributes:
        due_at: None while it is parked behind another with its order key.
        lease: the claim that holds it, or held it and never reported.
    """

    new: NewJob
    due_at: datetime | None
    expires_at: datetime
    attempts: int
    lease: UUID | None
    uncertain: bool = False

    @property
    def key(self) -> tuple[UUID, str] | None:
        return None if self.new.order_key is None else (self.new.lane.owner_id, self.new.order_key)


@dataclass
class Model:
    """What dispatch has to know, and what follows from it.

    Attributes:
        jobs: in the order accepted.
        bars: what owners may not call: budgets of one call each so many seconds.
    """

    now: datetime
    lease_lasts: timedelta
    jobs: dict[UUID, Waiting] = field(default_factory=dict)
    budgets: dict[Scope, Budget] = field(default_factory=dict)
    bars: dict[Scope, Budget] = field(default_factory=dict)
    held: set[UUID] = field(default_factory=set)

    def register(self, owner: UUID, limits: Iterable[BudgetLimit]) -> None:
        for limit in limits:
            self.budgets[owner, limit.scope] = Budget(limit, self.now, self.now)

    def replace_budgets(self, owner: UUID, limits: Sequence[BudgetLimit]) -> None:
        by_scope = {limit.scope: limit for limit in limits}
        for (of, scope), budget in self.budgets.items():
            if of == owner:
                budget.limit = by_scope.get(scope)
                budget.is_refused = False
                budget.next_at = min(budget.next_at, self.now)

    def heed(self, notices: Sequence[tuple[UUID, Notice]]) -> None:
        """Note what calls taught that were settled together."""
        barred: dict[Scope, bool] = {}
        for owner, notice in notices:
            match notice:
                case Closing():
                    self.close(owner, notice)
                case Bar():
                    barred[owner, notice.scope] = barred.get((owner, notice.scope), False) or notice.is_again
                case Lift():
                    for scope in notice.scopes:
                        self.bars.pop((owner, scope), None)
        for key, is_again in barred.items():
            if key not in self.bars:
                self._bar(key, timedelta(seconds=FIRST_S))
            elif is_again:
                self._bar(key, min(self.bars[key].interval * 2, timedelta(seconds=LONGEST_S)))

    def _bar(self, key: Scope, lasts: timedelta) -> None:
        limit = BudgetLimit(scope=key[1], requests=1, per_seconds=lasts.total_seconds())
        self.bars[key] = Budget(limit, self.now + lasts, self.now + lasts)

    def close(self, owner: UUID, closing: Closing) -> None:
        """Close what is meant. Where that is not said: the tightest, and each wider one under which another than the
        tightest so far is closed already.
        """
        call = [scope for scope in closing.call if (owner, scope) in self.budgets]
        if closing.scopes is not None:
            for scope in call:
                if scope in closing.scopes:
                    self._close(owner, scope, closing)
            return
        call.sort(key=lambda scope: (self.budgets[owner, scope].interval, closing.call.index(scope)))
        suspect = call.pop() if call else None
        while suspect is not None:
            self._close(owner, suspect, closing)
            wider = call.pop() if call else None
            if wider is not None:
                budget = self.budgets[owner, wider]
                scope, until = budget.blamed or (suspect, self.now)
                if scope == suspect or until <= self.now:
                    budget.blamed = suspect, self.budgets[owner, suspect].closed_until
                    return
                if not closing.is_refusal:
                    return
            suspect = wider

    def _close(self, owner: UUID, scope: str, closing: Closing) -> None:
        if budget := self.budgets.get((owner, scope)):
            budget.is_refused |= closing.is_refusal
            budget.closed_until = max(budget.closed_until, self.now + timedelta(seconds=closing.for_s))

    def is_occupied(self, new: NewJob) -> bool:
        """Whether unfinished work with its order key is before it."""
        return new.order_key is not None and any(
            (one.new.lane.owner_id, one.new.order_key) == (new.lane.owner_id, new.order_key)
            for one in self.jobs.values()
        )

    def enqueue(self, new: NewJob) -> None:
        self.jobs[new.id] = Waiting(
            new=new,
            due_at=None if self.is_occupied(new) else self.now + new.lease_lasts,
            expires_at=self.now + new.lasts,
            attempts=0 if new.lease is None else 1,
            lease=new.lease,
        )

    def has_slot(self, owner: UUID, scopes: Iterable[str]) -> bool:
        """Whether a call may start now."""
        return all(one.free_at <= self.now for one in self._budgets_of(owner, scopes))

    def take_slot(self, owner: UUID, scopes: Iterable[str], at: datetime) -> None:
        """Check that a call may start at `at`, and count it."""
        for budget in self._budgets_of(owner, scopes):
            assert at >= budget.closed_until - ROUNDING, "the provider wants no call yet"
            assert at >= budget.next_at - ROUNDING, "two calls are closer than the limit allows"
            if budget.interval:
                budget.next_at = at + budget.interval

    def claim(self, job: Job, *, only_expired: bool = False) -> None:
        """Check that `job` may be claimed like this, and note it."""
        held = self.jobs[job.id]
        expired = held.expires_at <= self.now
        interrupted = held.lease is not None
        assert (job.expired, job.interrupted, job.single_attempt) == (expired, interrupted, held.new.lease is not None)
        assert job.uncertain == (held.uncertain or interrupted)
        assert job.attempts == held.attempts + (not expired)
        assert (job.owner_id, job.scopes) == (held.new.lane.owner_id, held.new.lane.scopes)
        if only_expired:
            assert expired
            assert self._may_be_ended(held), "its lease holds, or it may still arrive"
        else:
            assert held.due_at is not None, "it is parked"
            assert held.due_at <= self.now, "it is not due, or its lease holds"
            assert job.owner_id not in self.held, "its owner is held"
        if not expired:
            assert self._is_first(job.id, held), "another with its order key comes first"
        assert job.has_slot == (not (only_expired or expired or job.uncertain))
        start_at = self.now + timedelta(seconds=job.start_in_s)
        if job.has_slot:
            assert start_at <= self.now + HORIZON + ROUNDING
            assert set(job.trials) == {scope for scope in job.scopes if (job.owner_id, scope) in self.bars}
            self.take_slot(job.owner_id, job.scopes, start_at)
        held.lease, held.attempts, held.uncertain = job.lease, job.attempts, job.uncertain
        held.due_at = start_at + self.lease_lasts

    def overlooked(self, claimed: Sequence[Job]) -> list[Waiting]:
        """What a claim should have taken beside `claimed`: the first in line of a lane with room that may go now."""
        first: dict[tuple[UUID, tuple[str, ...]], Waiting] = {}
        for one in self.jobs.values():
            lane = one.new.lane.owner_id, one.new.lane.scopes
            if one.due_at is None or one.due_at > self.now or lane[0] in self.held:
                continue
            if lane not in first or one.due_at < (first[lane].due_at or self.now):
                first[lane] = one
        taken = Counter((job.owner_id, job.scopes) for job in claimed)
        return [one for lane, one in first.items() if taken[lane] < JOBS_PER_LANE and self._may_go(one)]

    def overlooked_expired(self) -> list[Waiting]:
        """What a claim of expired jobs should have taken."""
        return [one for one in self.jobs.values() if one.expires_at <= self.now and self._may_be_ended(one)]

    def settle(self, job: Job, what: Disposition) -> bool:
        """Note what becomes of a claimed job; False where its lease was lost."""
        held = self.jobs.get(job.id)
        if held is None or held.lease != job.lease:
            return False
        match what:
            case Finish():
                del self.jobs[job.id]
                self._unpark(held)
            case Again():
                held.lease = None
                held.uncertain = held.uncertain or what.uncertain
                held.attempts -= not (what.attempted or job.expired)
                held.due_at = min(self.now + timedelta(seconds=what.delay_s), held.expires_at)
        return True

    def _unpark(self, finished: Waiting) -> None:
        if finished.key is not None:
            behind = next((one for one in self.jobs.values() if one.key == finished.key), None)
            if behind is not None and behind.due_at is None:
                behind.due_at = self.now

    def _is_first(self, job_id: UUID, held: Waiting) -> bool:
        return held.key is None or next(of for of, one in self.jobs.items() if one.key == held.key) == job_id

    def _may_go(self, one: Waiting) -> bool:
        needs_no_slot = one.expires_at <= self.now or one.lease is not None or one.uncertain
        return needs_no_slot or self.has_slot(one.new.lane.owner_id, one.new.lane.scopes)

    def _may_be_ended(self, one: Waiting) -> bool:
        """Whether it need not be waited for: nobody works on it, and nothing of it can be on its way."""
        return one.due_at is None or (one.lease is None and not one.uncertain) or one.due_at <= self.now

    def _budgets_of(self, owner: UUID, scopes: Iterable[str]) -> list[Budget]:
        keys = [(owner, scope) for scope in scopes]
        return [known[key] for known in (self.budgets, self.bars) for key in keys if key in known]
