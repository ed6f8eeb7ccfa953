"""GCRA, the generic cell rate algorithm, without burst: one call each `per_seconds / requests`, evenly spaced.

Even spacing is the only pattern that is right against a token bucket, a fixed window and a sliding window alike: any
window of `per_seconds` then holds at most `requests` calls, wherever the provider lets its window begin.
"""

from datetime import datetime, timedelta

import msgspec

SAFETY_MARGIN = 0.015
"""We pace this much below the limit. Two calls that left evenly spaced may arrive a little closer, and a sliding window
of one second at 50/s forgives 15 ms of that; a larger margin would waste more of the budget than the 2 % we allow
ourselves."""

HORIZON = timedelta(milliseconds=200)
"""How far ahead a claim may reserve slots: long enough to fill the time until the next claim, short enough that what
is claimed but not yet sent stays small when a worker dies."""


class Pace(msgspec.Struct):
    """The state of one budget while slots are handed out within a transaction.

    Attributes:
        interval: between two calls; zero where there is no limit.
        next_at: the earliest start of the next call.
        closed_until: the other side takes nothing before.
    """

    interval: timedelta
    next_at: datetime
    closed_until: datetime

    @classmethod
    def of(cls, requests: int | None, per_seconds: float | None, next_at: datetime, closed_until: datetime) -> "Pace":
        if requests is None or per_seconds is None:
            return cls(timedelta(), next_at, closed_until)
        return cls(timedelta(seconds=per_seconds / requests * (1 + SAFETY_MARGIN)), next_at, closed_until)

    def earliest(self, now: datetime) -> datetime:
        return max(now, self.next_at, self.closed_until)

    def take(self, at: datetime) -> None:
        if self.interval:
            self.next_at = at + self.interval


def earliest_slot(paces: list[Pace], now: datetime) -> datetime:
    """The first instant at which all of `paces` have a slot."""
    return max((pace.earliest(now) for pace in paces), default=now)


def take_slot(paces: list[Pace], at: datetime) -> None:
    """Use up the slot at `at` in all of `paces`."""
    for pace in paces:
        pace.take(at)
