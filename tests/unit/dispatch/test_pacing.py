from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from fleetwrite.dispatch.backoff import Backoff
from fleetwrite.dispatch.pacing import SLACK_SHARE, Pace, earliest_slot, take_slot

START = datetime(2026, 1, 1, tzinfo=UTC)
LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)


def starts(paces: list[Pace], asked_after_s: list[float]) -> list[datetime]:
    """When calls start that are asked for one after the other, with these pauses."""
    now, slots = START, []
    for pause_s in asked_after_s:
        now += timedelta(seconds=pause_s)
        at = earliest_slot(paces, now)
        take_slot(paces, at)
        slots.append(at)
    return slots


@given(
    requests=st.integers(1, 60),
    per_seconds=st.sampled_from([0.5, 1.0, 3.0, 60.0]),
    pauses_s=st.lists(st.floats(0, 2), min_size=1, max_size=200),
)
def test_no_window_of_the_limits_length_holds_more_calls_than_the_limit(
    requests: int, per_seconds: float, pauses_s: list[float]
) -> None:
    slots = starts([Pace.of(requests, per_seconds, LONG_AGO, LONG_AGO)], pauses_s)
    for first in range(len(slots) - requests):
        assert slots[first + requests] - slots[first] > timedelta(seconds=per_seconds)


@given(requests=st.integers(1, 1000), per_seconds=st.sampled_from([1.0, 3.0, 60.0, 86400.0]))
def test_what_late_calls_are_forgiven_lets_no_more_of_them_into_a_window(requests: int, per_seconds: float) -> None:
    pace = Pace.of(requests, per_seconds, LONG_AGO, LONG_AGO)
    # The first of them began late by all of it, and none after it.
    assert requests * pace.spacing_s - pace.slack_s > per_seconds
    assert 0 < pace.slack_s <= pace.spacing_s * SLACK_SHARE


@given(requests=st.integers(1, 60), per_seconds=st.sampled_from([1.0, 3.0, 60.0]))
def test_a_backlog_uses_at_least_98_percent_of_the_limit(requests: int, per_seconds: float) -> None:
    slots = starts([Pace.of(requests, per_seconds, LONG_AGO, LONG_AGO)], [0.0] * 500)
    allowed = (slots[-1] - slots[0]).total_seconds() * requests / per_seconds
    assert (len(slots) - 1) / allowed >= 0.98


def test_a_call_takes_a_slot_of_every_budget_and_the_tightest_decides() -> None:
    wide, tight = Pace.of(100, 1.0, LONG_AGO, LONG_AGO), Pace.of(1, 10.0, LONG_AGO, LONG_AGO)
    first, second = starts([wide, tight], [0.0, 0.0])
    assert first == START
    assert second - first >= timedelta(seconds=10)
    assert wide.next_at > second


def test_a_closed_budget_gives_no_slot_before_it_opens() -> None:
    opens_at = START + timedelta(seconds=5)
    assert starts([Pace.of(10, 1.0, LONG_AGO, opens_at)], [0.0]) == [opens_at]


def test_without_a_limit_calls_start_at_once_unless_closed() -> None:
    opens_at = START + timedelta(seconds=5)
    assert starts([Pace.of(None, None, LONG_AGO, LONG_AGO)], [0.0, 0.0]) == [START, START]
    assert starts([Pace.of(None, None, LONG_AGO, opens_at)], [0.0]) == [opens_at]


@given(failures=st.integers(1, 10_000))
def test_backoff_doubles_up_to_its_cap(failures: int) -> None:
    backoff = Backoff(first_s=1.0, cap_s=600.0)
    assert 0 <= backoff.delay_s(failures) <= min(600.0, 2.0 ** min(failures - 1, 20))


def test_a_slot_that_is_asked_for_a_moment_too_late_is_still_good() -> None:
    budget = Pace.of(10, 1.0, START, LONG_AGO)
    first, second = starts([budget], [0.004, 0.0])
    assert (first, second) == (START, START + budget.interval)


def test_a_slot_that_is_asked_for_much_too_late_is_lost() -> None:
    now = START + timedelta(seconds=0.05)
    assert starts([Pace.of(10, 1.0, START, LONG_AGO)], [0.05]) == [now]
