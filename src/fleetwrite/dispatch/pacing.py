"""GCRA, the generic cell rate algorithm, without burst: one call each `per_seconds / requests`, evenly spaced.

Even spacing is the only pattern that is right against a token bucket, a fixed window and a sliding window alike: any
window of `per_seconds` then holds at most `requests` calls, wherever the provider lets its window begin.
"""

import math
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

SAFETY_MARGIN = 0.015
"""We pace this much below the limit. Two calls that left evenly spaced may arrive a little closer, and a sliding window
of one second at 50/s forgives 15 ms of that; a larger margin would waste more of the budget than the 2 % we allow
ourselves."""

HORIZON = timedelta(milliseconds=100)
"""How far ahead a claim may reserve slots: long enough to fill the time until the next claim, short enough that what
is claimed but not yet sent stays small when a worker dies, and that other lanes under the same budgets do not wait."""

JUST_IN_TIME = timedelta(milliseconds=40)
"""The same for budgets with fewer than one call in HORIZON: some times as long as a claim takes, as one that comes too
late loses a slot. Reserving earlier would take the wider budgets of these calls away from other lanes for longer."""

MOST_FORGIVEN_S = 0.1
"""However long the window of a limit, slots older than this are lost: a claim takes milliseconds. A process that has a
budget for itself makes up for any of that by GATE_MARGIN; with others under way it has to leave them their distance."""

GATE_MARGIN = 0.002
"""Calls of one process that start late keep at least the limit's own spacing, and this much more, from each other: so a
stall is made up for within the 1.5 % that slots are spaced wider."""

SLACK_SHARE = 0.05
"""What part of their distance two calls of one process may be closer together, where the first of them began late by
that: an event loop's timers are late by a millisecond, and at 50/s that would be more than GATE_MARGIN makes up for."""

LATE_SHARE = 0.6
"""What part of the time that SAFETY_MARGIN forgives in one window a call may start late, where other processes go on
sending by the same budget."""


RECOVERY_PER_S = 1 / 3600
"""How fast a lowered limit grows back: a tenth in six minutes. A provider that was right to refuse refuses again then,
at the price of five calls; one that had a bad hour has all of its limit back an hour later."""


def grown_back(share: float, lowered_s: float) -> float:
    """What is granted now of a limit of which only `share` was granted `lowered_s` seconds ago."""
    return min(1.0, share + lowered_s * RECOVERY_PER_S)


class Pace(msgspec.Struct):
    """The state of one budget while slots are handed out within a transaction.

    Attributes:
        interval: between two calls; zero where there is no limit.
        next_at: the earliest start of the next call.
        closed_until: the other side takes nothing before.
        room: how many more calls may be in flight; None: any number.
        forgives_s: how late a call may start without coming too close to the next one of another process.
        claimed_by: the process that took the last slot.
    """

    interval: timedelta
    next_at: datetime
    closed_until: datetime
    room: int | None = None
    forgives_s: float = math.inf
    claimed_by: UUID | None = None

    @classmethod
    def of(
        cls,
        requests: int | None,
        per_seconds: float | None,
        next_at: datetime,
        closed_until: datetime,
        *,
        share: float = 1.0,
        lowered_s: float = 0.0,
        room: int | None = None,
        claimed_by: UUID | None = None,
    ) -> "Pace":
        """The state of a budget of which only `share` was granted `lowered_s` seconds ago."""
        if requests is None or per_seconds is None:
            return cls(timedelta(), next_at, closed_until, room, claimed_by=claimed_by)
        granted = grown_back(share, lowered_s)
        interval = timedelta(seconds=per_seconds / requests / granted * (1 + SAFETY_MARGIN))
        return cls(interval, next_at, closed_until, room, per_seconds * SAFETY_MARGIN * LATE_SHARE, claimed_by)

    @property
    def spacing_s(self) -> float:
        """The least time between two calls of one process, in seconds."""
        return self.interval.total_seconds() * (1 + GATE_MARGIN) / (1 + SAFETY_MARGIN)

    @property
    def slack_s(self) -> float:
        """How late a call may begin without the next one of the process waiting for that, in seconds.

        Half of what GATE_MARGIN leaves in a whole window: however many calls use it, a window holds no more of them.
        """
        window_s = self.forgives_s / (SAFETY_MARGIN * LATE_SHARE)
        return min(window_s * GATE_MARGIN / 2, self.spacing_s * SLACK_SHARE)

    @property
    def due_at(self) -> datetime:
        """When the next call may start, as far as this budget goes; long ago where nothing was called lately."""
        return max(self.next_at, self.closed_until)

    def take(self, at: datetime) -> None:
        """Use up the slot at `at`."""
        if self.interval:
            self.next_at = at + self.interval
        self.occupy()

    def occupy(self) -> None:
        """Count one more call in flight."""
        if self.room is not None:
            self.room -= 1


def is_full(paces: list[Pace]) -> bool:
    """Whether one of `paces` has as many calls in flight as it may."""
    return any(pace.room is not None and pace.room <= 0 for pace in paces)


def look_ahead(paces: list[Pace]) -> timedelta:
    """How far ahead slots may be reserved under all of `paces`."""
    tightest = max((pace.interval for pace in paces), default=timedelta())
    return HORIZON if tightest < HORIZON else JUST_IN_TIME


def earliest_slot(paces: list[Pace], now: datetime) -> datetime:
    """The first instant at which all of `paces` have a slot.

    That may be a moment ago: a slot for which a claim came a little too late is still good, or each claim would push
    all later calls back by its own delay.
    """
    due_at = max((pace.due_at for pace in paces), default=now)
    forgiven_s = min((pace.forgives_s for pace in paces), default=0.0)
    return due_at if due_at >= now - timedelta(seconds=min(forgiven_s, MOST_FORGIVEN_S)) else now


def take_slot(paces: list[Pace], at: datetime) -> None:
    """Use up the slot at `at` in all of `paces`."""
    for pace in paces:
        pace.take(at)


def occupy(paces: list[Pace]) -> None:
    """Count one more call in flight under all of `paces`, without a slot."""
    for pace in paces:
        pace.occupy()
