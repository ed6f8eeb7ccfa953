"""Keeps out what would expire before its turn: better refused at once than taken and failed later."""

import asyncio
import math
import time
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from fleetwrite.dispatch.insight import MOST_COUNTED, Slots, count_due, select_slots, turn
from fleetwrite.dispatch.models import PRIORITIES, Lane, NewJob
from fleetwrite.kit.database import Database
from fleetwrite.kit.tenancy import acting_as_system
from fleetwrite.operations.errors import WouldExpireError

LEAST_FRESH_S: Final = 1.0
"""So long a look at a lane serves in any case. An estimate may be off by as much, so nothing is refused for less."""

MOST_FRESH_S: Final = 60.0
"""So long it serves at most: limits are changed now and then, and other processes accept writes as well."""

FRESH_SHARE: Final = 0.005
"""In between it serves for this part of the time between a write's turn and its expiry: far from the edge nobody has to
look closely. With an hour to go that is 18 s, so that lanes without a backlog cost next to nothing."""

MOST_COUNTED_PER_S: Final = 20_000
"""So many jobs are counted in about 2 ms, and a deep lane is counted as rarely as to take no more of a second."""

MOST_KEPT: Final = 10_000
"""So many lanes are remembered, at 1 kB or so each; those seen first are forgotten first."""


class _Prospect(msgspec.Struct, frozen=True):
    """When the turn of a new job comes, with `ahead` others before it, and when it expires."""

    turn_at: datetime
    expires_at: datetime
    ahead: int

    @property
    def spare_s(self) -> float:
        """Seconds between the two; less than nothing: it expires first."""
        return (self.expires_at - self.turn_at).total_seconds()


class _Sight(msgspec.Struct):
    """What was seen of a lane.

    Attributes:
        at: when, by the monotonic clock.
        now: the same instant by the database's clock.
        slots: what its budgets have to give. One due job after the other takes them, so that the turn of a new one
            stays where it is while the lane is worked off.
        due: how many due jobs it has of each priority, with all that entered here since, parked ones included.
        counted: how many were counted then; None: none, as no number could have mattered.
    """

    at: float
    now: datetime
    slots: list[Slots]
    due: list[int]
    counted: int | None

    def prospect(self, job: NewJob) -> _Prospect:
        ahead = sum(due for priority, due in zip(PRIORITIES, self.due, strict=True) if priority <= job.priority)
        return self._behind(job, ahead)

    def can_number_matter(self, job: NewJob) -> bool:
        """Whether there can be so many others ahead of a new job, as far as they are counted, that it would expire."""
        return self._behind(job, MOST_COUNTED).spare_s < 0

    def serves(self, job: NewJob) -> bool:
        """Whether it is good enough to judge a new job by it."""
        if self.counted is None and self.can_number_matter(job):
            return False
        while_far_s = min(self.prospect(job).spare_s * FRESH_SHARE, MOST_FRESH_S)
        fresh_s = max(LEAST_FRESH_S, while_far_s, (self.counted or 0) / MOST_COUNTED_PER_S)
        return time.monotonic() - self.at <= fresh_s

    def _behind(self, job: NewJob, ahead: int) -> _Prospect:
        now = self.now + timedelta(seconds=time.monotonic() - self.at)
        due_at = now if job.not_before is None else max(now, job.not_before)
        turn_at, _ = turn(self.slots, due_at, ahead)
        return _Prospect(turn_at, job.expires_at or due_at + job.lasts, ahead)


class _Place(msgspec.Struct):
    """Where the sight of a lane is kept. `looking` is held by whoever looks; the others wait for what it sees."""

    looking: asyncio.Lock
    sight: _Sight | None = None


class Foresight:
    """Estimates when the turn of a new job comes, at the rate that its budgets grant now.

    It knows of the due jobs in its lane that are as urgent or more so. What others send under the same budgets, what is
    scheduled or tried again, how slow the provider is, and whether the lane is held or its calls are barred, can only
    let the turn come later, so nothing is refused for any of that.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._places: dict[Lane, _Place] = {}

    async def enter(self, job: NewJob) -> None:
        """Count a job that is about to wait in its lane. Should it not get there, the next look will tell.

        Raises:
            WouldExpireError: its turn comes only when its time is over.
        """
        sight = await self._sight(job)
        prospect = sight.prospect(job)
        if prospect.spare_s < -LEAST_FRESH_S:
            raise WouldExpireError(
                f"The provider's limits let its turn come at about {_text(prospect.turn_at)}, as {prospect.ahead} go"
                f" before it, but it expires at {_text(prospect.expires_at)}. Send it again when less is waiting, or"
                " let it expire later (Fleetwrite-Expires-At).",
                retry_after_s=math.ceil(-prospect.spare_s),
            )
        if job.not_before is None:
            sight.due[PRIORITIES.index(job.priority)] += 1

    async def _sight(self, job: NewJob) -> _Sight:
        place = self._places.get(job.lane)
        if place is None:
            if len(self._places) >= MOST_KEPT:
                del self._places[next(iter(self._places))]
            place = self._places[job.lane] = _Place(asyncio.Lock())
        if place.sight is None or not place.sight.serves(job):
            async with place.looking:
                if place.sight is None or not place.sight.serves(job):
                    place.sight = await self._look(job)
        return place.sight

    async def _look(self, job: NewJob) -> _Sight:
        # As the system: the lane has everybody's work, and what is seen serves everybody.
        with acting_as_system():
            return await self._look_at_all(job)

    async def _look_at_all(self, job: NewJob) -> _Sight:
        async with self._database.acquire() as connection:
            now, slots = await select_slots(connection, job.lane)
            sight = _Sight(time.monotonic(), now, slots, [0] * len(PRIORITIES), None)
            if sight.can_number_matter(job):
                sight.due = await count_due(connection, job.lane, now)
                sight.counted = sum(sight.due)
            return sight


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds")
