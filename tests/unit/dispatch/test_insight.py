"""When the turn of a job comes."""

from datetime import UTC, datetime, timedelta

from fleetwrite.dispatch.insight import FURTHEST, MOST_COUNTED, Slots, turn

NOW = datetime(2026, 5, 4, 10, tzinfo=UTC)


def slots(scope: str, every_s: float, begin_in_s: float = 0.0) -> Slots:
    return Slots(scope, NOW + timedelta(seconds=begin_in_s), timedelta(seconds=every_s))


def test_the_budget_that_lets_wait_longest_decides() -> None:
    budgets = [slots("token", 1), slots("endpoint", 10), slots("organization", 0.1, begin_in_s=25)]
    assert turn(budgets, NOW, 0) == (NOW + timedelta(seconds=25), "organization")
    assert turn(budgets, NOW, 3) == (NOW + timedelta(seconds=30), "endpoint")


def test_a_job_that_is_not_due_yet_waits_for_its_time_first() -> None:
    later = NOW + timedelta(hours=1)
    assert turn([slots("token", 1)], later, 10) == (later, None)
    assert turn([], NOW, 10) == (NOW, None)


def test_a_queue_that_reaches_beyond_the_calendar_ends_there() -> None:
    a_month_s = 2_592_000
    assert turn([slots("token", a_month_s)], NOW, MOST_COUNTED) == (NOW + FURTHEST, "token")
