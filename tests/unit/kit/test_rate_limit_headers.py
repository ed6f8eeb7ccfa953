import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict, CIMultiDictProxy

from fleetwrite.kit.rate_limit_headers import LONGEST_S, Quota, read_quotas, refused_s, spent_s

AT = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
IN_40_S = AT + timedelta(seconds=40)
FAMILIES = ("X-RateLimit-", "RateLimit-", "X-Rate-Limit-")


def answer(headers: Mapping[str, str], at: datetime = AT) -> CIMultiDictProxy[str]:
    """The headers of an answer given at `at` by the clock of who gave it, which need not be ours."""
    return CIMultiDictProxy(CIMultiDict([("Date", format_datetime(at, usegmt=True)), *headers.items()]))


def lines(name: str, *values: str) -> CIMultiDictProxy[str]:
    return CIMultiDictProxy(CIMultiDict([("Date", format_datetime(AT, usegmt=True)), *((name, one) for one in values)]))


@pytest.mark.parametrize(
    "reset",
    [
        "40",
        "40.0",
        f"{IN_40_S.timestamp():.0f}",
        f"{IN_40_S.timestamp() * 1000:.0f}",
        "2026-03-01T12:00:40Z",
        "2026-03-01T12:00:40.0000000Z",
        "2026-03-01 12:00:40",
        "2026-03-01T13:00:40+01:00",
    ],
)
@pytest.mark.parametrize("family", FAMILIES)
def test_a_reset_is_read_however_it_is_written(family: str, reset: str) -> None:
    headers = answer({f"{family}Limit": "60", f"{family}Remaining": "0", f"{family}Reset": reset})
    assert read_quotas(headers) == [Quota(remaining=0, reset_s=40.0)]
    assert spent_s(headers) == refused_s(headers) == 40.0


@pytest.mark.parametrize("name", ["x-ratelimit", "X-RATELIMIT", "x-rate-limit", "ratelimit"])
def test_the_case_of_names_does_not_matter(name: str) -> None:
    assert spent_s(answer({f"{name}-REMAINING": "0", f"{name}-reset": "9"})) == 9


@pytest.mark.parametrize(
    ("fields", "quotas"),
    [
        ('"default";r=50;t=30', [Quota(50, 30.0)]),
        ('"default";r=0;t=30;pk=:cHQ=:', [Quota(0, 30.0)]),
        ('"burst";r=0;t=2, "daily";r=900;t=4000', [Quota(0, 2.0), Quota(900, 4000.0)]),
        ('"of, and; in a name";r=0;t=3', [Quota(0, 3.0)]),
        ('"with \\" quotes";r=0;t=3', [Quota(0, 3.0)]),
        ("default;r=7;t=5", [Quota(7, 5.0)]),
        ("limit=100, remaining=0, reset=50", [Quota(0, 50.0)]),
        ('"no reset";r=4', [Quota(4, None)]),
    ],
)
def test_the_fields_of_the_standard_in_the_making_are_read(fields: str, quotas: list[Quota]) -> None:
    assert read_quotas(answer({"RateLimit": fields})) == quotas


def test_a_list_may_stand_on_several_lines() -> None:
    assert read_quotas(lines("RateLimit", '"a";r=0;t=2', '"b";r=1;t=3')) == [Quota(0, 2.0), Quota(1, 3.0)]


def test_of_several_spent_limits_the_last_to_be_reset_counts() -> None:
    assert spent_s(answer({"RateLimit": '"a";r=0;t=2, "b";r=0;t=9, "c";r=5;t=90'})) == 9


def test_a_window_bounds_the_wait_after_a_refusal_only() -> None:
    headers = answer({"RateLimit": '"a";r=0', "RateLimit-Policy": '"a";q=10;w=60, "b";q=9;w=3600'})
    assert (refused_s(headers), spent_s(headers)) == (60.0, None)


def test_calls_in_flight_are_not_counted_as_a_limit_that_is_spent() -> None:
    headers = answer({"RateLimit": '"a";r=0;t=5', "RateLimit-Policy": '"a";q=3;qu="concurrent-requests"'})
    assert spent_s(headers) is None


@pytest.mark.parametrize("field", ["Limit", "Remaining", "Reset"])
def test_one_header_alone_says_nothing_of_an_answer_that_was_let_through(field: str) -> None:
    assert spent_s(answer({f"X-RateLimit-{field}": "0"})) is None
    assert spent_s(answer({f"X-RateLimit-{field}": "30"})) is None


def test_a_limit_of_which_something_is_left_is_not_waited_for() -> None:
    headers = answer({"X-RateLimit-Remaining": "3", "X-RateLimit-Reset": "40"})
    assert (spent_s(headers), refused_s(headers)) == (None, None)


def test_a_refusal_that_does_not_say_what_is_left_means_the_limit_that_it_tells_of() -> None:
    assert refused_s(answer({"X-RateLimit-Reset": "40"})) == 40


def test_what_is_asked_for_outright_comes_first() -> None:
    headers = {"Retry-After": "3", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "40"}
    assert refused_s(answer(headers)) == 3
    assert refused_s(answer({**headers, "Retry-After": "soon"})) == 40


@pytest.mark.parametrize("skew", [timedelta(days=-400), timedelta(hours=-3), timedelta(hours=3), timedelta(days=400)])
def test_an_instant_counts_by_the_clock_of_who_names_it(skew: timedelta) -> None:
    at = datetime.now(UTC).replace(microsecond=0) + skew
    for reset in ((at + timedelta(seconds=25)).isoformat(), f"{at.timestamp() + 25:.0f}"):
        assert spent_s(answer({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset}, at)) == 25


def test_without_a_clock_of_theirs_ours_has_to_do() -> None:
    reset = f"{datetime.now(UTC).timestamp() + 60:.3f}"
    headers = CIMultiDictProxy(CIMultiDict({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset}))
    waited = spent_s(headers)
    assert waited is not None
    assert 50 < waited < 61


@pytest.mark.parametrize(
    ("reset", "seconds"),
    [
        ("0", None),
        ("2026-03-01T11:59:59Z", None),
        (f"{AT.timestamp() - 1:.0f}", None),
        ("86400", 86_400.0),
        ("86401", None),  # milliseconds, perhaps
        ("2026-03-31T00:00:00Z", LONGEST_S),
        (f"{AT.timestamp() + 10**6:.0f}", LONGEST_S),
        (f"{(AT.timestamp() + 40) * 10**6:.0f}", None),
        ("-5", None),
        ("soon", None),
        ("", None),
        ("1e3", None),
        ("٤٠", None),
        ("NaN", None),
    ],
)
def test_what_can_not_be_meant_is_bounded_or_left_aside(reset: str, seconds: float | None) -> None:
    assert spent_s(answer({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset})) == seconds


def test_nobody_is_left_alone_for_longer_than_a_day() -> None:
    assert refused_s(answer({"Retry-After": "999999999999"})) == LONGEST_S


header_text = st.text(st.characters(codec="latin-1", exclude_characters="\r\n\0"), max_size=80)
fields = st.sampled_from(
    [f"{family}{part}" for family in FAMILIES for part in ("Limit", "Remaining", "Reset")]
    + ["RateLimit", "RateLimit-Policy", "Retry-After", "Date"]
)
plausible = st.sampled_from(
    ["0", "1", "60", "1772366440", "1772366440000", "2026-03-01T12:00:40Z", '"a";r=0;t=5', "a;r=0;t=0", '"a";q=1;w=9']
)


@given(st.lists(st.tuples(fields, plausible | header_text)))
def test_whatever_an_answer_says_a_wait_is_none_or_lasts_a_day_at_most(headers: list[tuple[str, str]]) -> None:
    received = CIMultiDictProxy(CIMultiDict(headers))
    for seconds in (spent_s(received), refused_s(received)):
        assert seconds is None or (math.isfinite(seconds) and 0 <= seconds <= LONGEST_S)
    assert all(quota.remaining is None or quota.remaining >= 0 for quota in read_quotas(received))


@given(st.integers(0, 10**6), st.integers(1, 86_400), st.sampled_from(FAMILIES))
def test_every_way_of_writing_an_instant_means_the_same(offset_s: int, ahead_s: int, family: str) -> None:
    at = AT + timedelta(seconds=offset_s)
    reset_at = at + timedelta(seconds=ahead_s)
    written = (str(ahead_s), f"{reset_at.timestamp():.0f}", f"{reset_at.timestamp() * 1000:.0f}", reset_at.isoformat())
    for reset in written:
        assert spent_s(answer({f"{family}Remaining": "0", f"{family}Reset": reset}, at)) == ahead_s


@given(
    st.integers(0, 10**9),
    st.integers(1, 86_400),
    st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40),
)
def test_a_structured_field_is_read_whatever_the_policy_is_called(remaining: int, ahead_s: int, name: str) -> None:
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    field = f'"{quoted}" ; r={remaining};t={ahead_s}'
    assert read_quotas(answer({"RateLimit": field})) == [Quota(remaining, float(ahead_s))]
