"""The limit engine, exact to the nanosecond, on a clock that the tests turn."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetwrite.connectors.sdk.simulator.limits import (
    NANOSECONDS,
    FixedWindow,
    KeyedLimit,
    Limit,
    Limiter,
    LimitKind,
    SlidingWindow,
    TokenBucket,
)

SECOND = NANOSECONDS


def _limiter(kind: LimitKind, requests: int, per_seconds: float) -> tuple[Limiter, list[KeyedLimit]]:
    return Limiter(0), [KeyedLimit("token", Limit(requests=requests, per_seconds=per_seconds, kind=kind))]


@pytest.mark.parametrize("kind", ["bucket", "fixed", "sliding"])
def test_as_many_calls_as_allowed_pass_at_once_and_the_next_is_refused(kind: LimitKind) -> None:
    limiter, limits = _limiter(kind, 5, 1)
    assert [limiter.admit(limits, 0) for _ in range(5)] == [0] * 5
    assert limiter.admit(limits, 0) > 0


@pytest.mark.parametrize("kind", ["bucket", "fixed", "sliding"])
@pytest.mark.parametrize("requests", [1, 3, 7])
def test_who_waits_exactly_as_told_is_let_through_and_a_nanosecond_less_is_refused(
    kind: LimitKind, requests: int
) -> None:
    limiter, limits = _limiter(kind, requests, 3)
    now = 12_345
    for _ in range(50):
        wait = limiter.admit(limits, now)
        if wait:
            assert limiter.admit(limits, now + wait - 1) == 1
            now += wait
            assert limiter.admit(limits, now) == 0


def test_a_bucket_refills_evenly() -> None:
    bucket = TokenBucket(Limit(requests=4, per_seconds=1, kind="bucket"), 0)
    for _ in range(4):
        bucket.take(0)
    assert bucket.wait(0) == SECOND // 4
    assert bucket.wait(SECOND // 4 - 1) == 1
    assert bucket.wait(SECOND // 4) == 0
    bucket.take(SECOND // 4)
    assert bucket.wait(SECOND // 4) == SECOND // 4


def test_a_bucket_loses_nothing_to_rounding() -> None:
    """Seven in three seconds: a token takes a fraction of a nanosecond more than a whole number of them."""
    limiter, limits = _limiter("bucket", 7, 3)
    passed = sum(limiter.admit(limits, now) == 0 for now in range(0, 300 * SECOND, SECOND // 50))
    assert passed == 7 + 7 * 100 - 1


def test_a_fixed_window_starts_anew_whenever_its_period_is_over() -> None:
    window = FixedWindow(Limit(requests=2, per_seconds=1, kind="fixed"), 500)
    window.take(500)
    window.take(SECOND + 499)
    assert window.wait(SECOND + 499) == 1
    assert window.wait(SECOND + 500) == 0
    window.take(SECOND + 500)
    window.take(SECOND + 500)
    assert window.wait(SECOND + 500) == SECOND
    assert window.wait(7 * SECOND) == 0


def test_a_sliding_window_never_has_more_than_allowed_in_any_period() -> None:
    window = SlidingWindow(Limit(requests=2, per_seconds=1), 0)
    window.take(0)
    window.take(900_000_000)
    assert window.wait(999_999_999) == 1
    assert window.wait(SECOND) == 0
    window.take(SECOND)
    assert window.wait(SECOND) == 900_000_000


@given(st.integers(1, 9), st.integers(1, 5), st.lists(st.integers(0, SECOND), min_size=30, max_size=120))
def test_a_sliding_window_holds_for_every_pace_of_calls(requests: int, seconds: int, steps: list[int]) -> None:
    limiter, limits = _limiter("sliding", requests, seconds)
    now, passed = 0, []
    for step in steps:
        now += step
        if limiter.admit(limits, now) == 0:
            passed.append(now)
    for position, start in enumerate(passed):
        assert sum(at < start + seconds * SECOND for at in passed[position:]) <= requests


@given(st.integers(1, 9), st.integers(1, 5), st.lists(st.integers(0, SECOND), min_size=30, max_size=120))
def test_a_bucket_never_gives_more_than_its_fill_and_what_flowed_in(
    requests: int, seconds: int, steps: list[int]
) -> None:
    limiter, limits = _limiter("bucket", requests, seconds)
    now, passed = 0, 0
    for step in steps:
        now += step
        passed += limiter.admit(limits, now) == 0
        assert passed * seconds * SECOND <= requests * (seconds * SECOND + now)


def test_a_call_refused_by_one_limit_counts_against_none() -> None:
    limiter = Limiter(0)
    wide = KeyedLimit("organization", Limit(requests=2, per_seconds=1))
    narrow = KeyedLimit("endpoint", Limit(requests=1, per_seconds=1))
    assert limiter.admit([wide, narrow], 0) == 0
    assert limiter.admit([wide, narrow], 0) > 0
    assert limiter.admit([wide], 0) == 0


def test_callers_with_different_keys_do_not_share() -> None:
    limiter = Limiter(0)
    limit = Limit(requests=1, per_seconds=1)
    assert limiter.admit([KeyedLimit("one", limit)], 0) == 0
    assert limiter.admit([KeyedLimit("two", limit)], 0) == 0
    assert limiter.admit([KeyedLimit("one", limit)], 0) == SECOND


@pytest.mark.parametrize(
    "body", [{"requests": 0, "per_seconds": 1}, {"requests": 1, "per_seconds": 0}, {"requests": 1, "per_seconds": -1}]
)
def test_a_limit_that_cannot_be_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError, match="must be"):
        msgspec.convert(body, Limit)
