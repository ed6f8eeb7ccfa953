"""What dispatch deals in: owners, lanes, budgets and jobs. It knows no telematics word."""

import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, Protocol
from uuid import UUID

import msgspec

from fleetwrite.kit.database import Connection
from fleetwrite.kit.ids import derive_id


class BudgetLimit(msgspec.Struct, frozen=True, kw_only=True):
    """A limit for all calls of an owner that name `scope`.

    Attributes:
        scope: the budget's name.
        requests: at most so many calls in any `per_seconds`; None: any number.
        per_seconds: see there; None exactly where `requests` is.
        in_flight: at most so many calls at a time; None: any number.
        shared: the limit is the account's, and so shared with every other owner that uses it.
    """

    scope: str
    requests: int | None = None
    per_seconds: float | None = None
    in_flight: int | None = None
    shared: bool = False


class Lane(msgspec.Struct, frozen=True):
    """The work of one owner that falls under the same budgets."""

    owner_id: UUID
    kind: str
    scopes: tuple[str, ...]

    @property
    def id(self) -> UUID:
        return derive_id(self.owner_id, *self.scopes)


PRIORITIES: Final = (0, 1, 2, 3)
"""What a job's priority may be; 0 is taken first. A claim looks for each value apart, so they are few."""

USUAL_PRIORITY: Final = 2


class NewJob(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of work to be enqueued.

    Attributes:
        id: the id of what is to be done (operation, delivery).
        lane: where it waits.
        lasts: for how long it is worth doing, from now or from `not_before` on.
        expires_at: until when it is worth doing, instead of `lasts`.
        not_before: it is not due earlier.
        priority: one of PRIORITIES; what waits in the same lane with a smaller one goes first.
        order_key: jobs of one owner with the same key run one after the other, in the order accepted, whatever their
            priorities.
        uncertain_since: when an earlier attempt may have reached the other side, at the earliest: look before sending.
        lease: set when the enqueuing process runs it itself, at once and with one attempt only.
        lease_lasts: for how long that process may keep it.
    """

    id: UUID
    lane: Lane
    lasts: timedelta
    expires_at: datetime | None = None
    not_before: datetime | None = None
    priority: int = USUAL_PRIORITY
    order_key: str | None = None
    uncertain_since: datetime | None = None
    lease: UUID | None = None
    lease_lasts: timedelta = timedelta()


class Spacing(msgspec.Struct, frozen=True):
    """What keeps the calls of one process under a budget apart.

    Attributes:
        budget: who keeps it, and its scope.
        seconds: between two calls.
        slack_s: so much later than its turn a call may begin, and the turn of the next one stays what it was.
    """

    budget: tuple[UUID, str]
    seconds: float
    slack_s: float


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """A claimed job: this process may work on it until `lease_ends_at`.

    Attributes:
        lease: proves the claim when the job is settled.
        attempts: how often it was claimed for an attempt, this one included.
        start_in_s: seconds from the claim until its slot begins; nothing may be sent earlier.
        start_at: the same instant by the clock of this process's event loop.
        has_slot: whether a slot was taken with the claim. Without one, every call takes its own.
        expired: its time is over: to be ended, not tried.
        interrupted: the attempt before this one never reported.
        uncertain: an earlier attempt may have reached the other side: look before sending.
        uncertain_since: when the first attempt was claimed of which that is not known; this one, where there is none.
        single_attempt: not to be tried again.
        spacings: what keeps the calls of this process apart, for each budget with a limit.
        late_after_s: started later than so many seconds after its slot, it may come too close to the next call of
            another process, and needs a new slot.
        is_capped: it counts against a cap on what is in flight, so that its end lets another one start.
        fenced: it comes from a backup: what became of it since is not known here.
        trials: scopes that are barred; this is the one call that finds out whether they still are.
    """

    id: UUID
    owner_id: UUID
    kind: str
    lease: UUID
    scopes: tuple[str, ...]
    attempts: int
    claimed_at: datetime
    expires_at: datetime
    start_in_s: float = 0.0
    start_at: float = 0.0
    has_slot: bool = True
    expired: bool = False
    interrupted: bool = False
    uncertain: bool = False
    uncertain_since: datetime | None = None
    single_attempt: bool = False
    spacings: tuple[Spacing, ...] = ()
    late_after_s: float = math.inf
    is_capped: bool = False
    fenced: bool = False
    trials: tuple[str, ...] = ()


class Closing(msgspec.Struct, frozen=True, kw_only=True):
    """The other side takes no more of some calls for now.

    Attributes:
        for_s: for so many seconds.
        call: the scopes of the call to which it said so.
        scopes: those of them whose budgets it meant; None: it did not say. `dispatch.notices` has what is closed then.
        is_refusal: it refused the call. Otherwise it took it, as the last one for now.
    """

    for_s: float
    call: tuple[str, ...]
    scopes: tuple[str, ...] | None = None
    is_refusal: bool = True


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """The other side does not let this owner make such calls at all; what it lets others do is another matter.

    Attributes:
        scope: which calls.
        is_again: the call was made to find out whether an earlier bar still holds.
    """

    scope: str
    is_again: bool


class Lift(msgspec.Struct, frozen=True, kw_only=True):
    """A call was let through that was made to find out whether the bars of these scopes still hold."""

    scopes: tuple[str, ...]


Notice = Closing | Bar | Lift
"""What a call taught about those that come after it."""


class Finish(msgspec.Struct, frozen=True, kw_only=True):
    """The job reached its end. `notice`: what its call taught about others."""

    notice: Notice | None = None


class Again(msgspec.Struct, frozen=True, kw_only=True):
    """The job waits `delay_s` seconds and is tried again.

    Attributes:
        uncertain: the attempt may have reached the other side.
        notice: what its call taught about others.
        attempted: False gives the attempt back: nothing was tried.
        rest_s: not tried for so long, not even to end it when its time is over.
        withheld: it waits for the operator's word, however long that takes; for jobs behind a restore fence.
    """

    delay_s: float
    uncertain: bool = False
    notice: Notice | None = None
    attempted: bool = True
    rest_s: float = 0.0
    withheld: bool = False


Disposition = Finish | Again


class Handler(Protocol):
    """Does the work of one kind of job."""

    kind: str

    async def load(self, connection: Connection, jobs: Sequence[Job]) -> Mapping[UUID, Any]:
        """What `run` needs for each job, in one go. A job left out is unknown and gets dropped.

        Must not raise because of one job: none of the others would ever be run.
        """
        ...

    async def run(self, job: Job, work: Any) -> None:
        """Do the job and settle it. Waiting for `job.start_in_s` is over when this is called."""
        ...
