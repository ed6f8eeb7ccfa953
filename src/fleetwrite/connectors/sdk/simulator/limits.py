"""Request limits as a provider enforces them: token bucket, fixed window, sliding window.

All arithmetic is in whole nanoseconds of a monotonic clock that the caller reads, so that a limiter is exact
(no rounding ever lets one call more through) and can be tested without waiting.
"""

from collections import deque
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, Protocol, get_args

import msgspec

LimitKind = Literal["bucket", "fixed", "sliding"]
LIMIT_KINDS: tuple[str, ...] = get_args(LimitKind)
NANOSECONDS = 1_000_000_000


class Limit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """At most ``requests`` calls per ``per_seconds`` seconds.

    ``bucket`` holds ``requests`` tokens at most, starts full and refills evenly; ``fixed`` counts in windows
    that follow each other without a gap from the moment the limit was set; ``sliding`` looks back
    ``per_seconds`` from every call, and is the strictest of the three.
    """

    requests: int
    per_seconds: float
    kind: LimitKind = "sliding"

    def __post_init__(self) -> None:
        """Refuse what could never let a call through, or would never refuse one.

        Raises:
            ValueError: a number is not positive, or the period is shorter than a nanosecond.
        """
        if self.requests < 1:
            raise ValueError(f"requests must be at least 1, not {self.requests}")
        if not self.per_seconds > 0 or self.period_ns < 1:
            raise ValueError(f"per_seconds must be a positive number of seconds, not {self.per_seconds}")

    @property
    def period_ns(self) -> int:
        """``per_seconds`` in whole nanoseconds."""
        return round(Fraction(self.per_seconds) * NANOSECONDS)


class Counter(Protocol):
    """The state of one limit for one caller. ``wait`` never changes the outcome of a later call; ``take``
    does.
    """

    def wait(self, now: int) -> int:
        """Return the nanoseconds until a call would be let through; 0 means now."""

    def take(self, now: int) -> None:
        """Count one call that was let through at ``now``."""


class TokenBucket:
    """Tokens are kept as token * period: both the refill and the price of a call are whole numbers then."""

    def __init__(self, limit: Limit, now: int) -> None:
        """Start full at ``now``."""
        self._rate = limit.requests
        self._price = limit.period_ns
        self._full = limit.requests * limit.period_ns
        self._level = self._full
        self._at = now

    def _refill(self, now: int) -> None:
        self._level = min(self._full, self._level + (now - self._at) * self._rate)
        self._at = now

    def wait(self, now: int) -> int:
        """Return the nanoseconds until one whole token is there."""
        self._refill(now)
        return max(0, -(-(self._price - self._level) // self._rate))

    def take(self, now: int) -> None:
        """Take one token."""
        self._refill(now)
        self._level -= self._price


class FixedWindow:
    """Counts the calls of the running window; all windows are counted from ``now`` of the start."""

    def __init__(self, limit: Limit, now: int) -> None:
        """Open the first window at ``now``."""
        self._requests = limit.requests
        self._period = limit.period_ns
        self._start = now
        self._count = 0

    def _roll(self, now: int) -> None:
        windows = (now - self._start) // self._period
        if windows:
            self._start += windows * self._period
            self._count = 0

    def wait(self, now: int) -> int:
        """Return the nanoseconds until the running window ends, where it is used up."""
        self._roll(now)
        return 0 if self._count < self._requests else self._start + self._period - now

    def take(self, now: int) -> None:
        """Count one call in the running window."""
        self._roll(now)
        self._count += 1


class SlidingWindow:
    """Remembers the calls of the last period; one that is exactly a period old counts no more."""

    def __init__(self, limit: Limit, now: int) -> None:
        """Start with no call remembered; ``now`` has no part in it."""
        del now
        self._requests = limit.requests
        self._period = limit.period_ns
        self._taken: deque[int] = deque()

    def wait(self, now: int) -> int:
        """Return the nanoseconds until the oldest call that stands in the way is a period old."""
        while self._taken and self._taken[0] <= now - self._period:
            self._taken.popleft()
        return 0 if len(self._taken) < self._requests else self._taken[0] + self._period - now

    def take(self, now: int) -> None:
        """Remember one call."""
        self._taken.append(now)


_COUNTERS: dict[str, Callable[[Limit, int], Counter]] = {
    "bucket": TokenBucket,
    "fixed": FixedWindow,
    "sliding": SlidingWindow,
}


@dataclass(frozen=True, slots=True)
class KeyedLimit:
    """A limit with the key of whom it is shared by: a token, an organisation, an organisation's endpoint."""

    key: Hashable
    limit: Limit


class Limiter:
    """Keeps a counter per keyed limit and lets a call through only where all of its limits do."""

    def __init__(self, now: int) -> None:
        """Count from ``now`` on: the first window of every fixed limit starts there."""
        self._started_at = now
        self._counters: dict[KeyedLimit, Counter] = {}

    def admit(self, limits: Sequence[KeyedLimit], now: int) -> int:
        """Count a call against all its limits and return 0, or count it against none and return the wait in
        ns.
        """
        counters = [self._counter(limit) for limit in limits]
        wait = max((counter.wait(now) for counter in counters), default=0)
        if wait == 0:
            for counter in counters:
                counter.take(now)
        return wait

    def _counter(self, keyed: KeyedLimit) -> Counter:
        counter = self._counters.get(keyed)
        if counter is None:
            counter = self._counters[keyed] = _COUNTERS[keyed.limit.kind](keyed.limit, self._started_at)
        return counter
