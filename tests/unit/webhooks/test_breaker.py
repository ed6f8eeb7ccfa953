from hypothesis import example, given
from hypothesis import strategies as st

from fleetwrite.webhooks.breaker import WEIGHT, moving_average, trips

OUTCOMES = st.lists(st.booleans(), max_size=300) | st.lists(
    st.sampled_from([True] * 19 + [False]), min_size=40, max_size=300
)


def average_in_one_sum(outcomes: list[bool]) -> float:
    """The same by its closed form: each outcome with the weight it has at the end, and the start with what is left."""
    newest_first = list(reversed(outcomes))
    weights = [WEIGHT * (1 - WEIGHT) ** age for age in range(len(newest_first))]
    rest = (1 - WEIGHT) ** len(newest_first)
    return rest + sum(weight for weight, succeeded in zip(weights, newest_first, strict=True) if succeeded)


def failures_at_the_end(outcomes: list[bool]) -> int:
    count = 0
    for succeeded in reversed(outcomes):
        if succeeded:
            break
        count += 1
    return count


@given(OUTCOMES)
@example([True] * 49 + [False])
@example([True] * 39 + [False] * 10)
@example([False] * 19)
@example([False] * 9)
@example([True] * 16 + [False] * 4)
def test_it_trips_by_the_rule_of_its_volume(outcomes: list[bool]) -> None:
    volume = len(outcomes)
    if volume >= 50:
        average = average_in_one_sum(outcomes)
        assert abs(moving_average(outcomes) - average) < 1e-9
        wanted = average < 0.95
    elif volume >= 20:
        wanted = outcomes.count(True) * 100 < 80 * volume
    else:
        wanted = failures_at_the_end(outcomes) >= 10
    assert trips(outcomes) == wanted


def test_nobody_is_judged_by_nothing() -> None:
    assert not trips([])


def test_a_busy_receiver_is_forgiven_five_failures_in_a_row_and_not_six() -> None:
    assert not trips([True] * 500 + [False] * 5)
    assert trips([True] * 500 + [False] * 6)


@given(st.lists(st.booleans(), max_size=200))
def test_a_success_more_never_trips_what_a_failure_would_not(outcomes: list[bool]) -> None:
    assert trips([*outcomes, False]) or not trips([*outcomes, True])
