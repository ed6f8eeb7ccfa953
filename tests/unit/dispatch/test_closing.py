"""Which budgets are closed, where the other side does not say which it means."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from fleetwrite.dispatch.closing import STRIKES, Budget, close
from fleetwrite.dispatch.models import Closing

NOW = datetime(2030, 1, 1, tzinfo=UTC)
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
OWNER, OTHER, ACCOUNT = (UUID(int=number) for number in range(3))


def budget(scope: str, per_second: float = 0.0, keeper_id: UUID = OWNER) -> Budget:
    """One that was never closed; `per_second` 0: without a limit."""
    return Budget(
        keeper_id=keeper_id,
        scope=scope,
        apart_s=1 / per_second if per_second else 0.0,
        closed_until=LONG_AGO,
        share=1.0,
        lowered_at=LONG_AGO,
        strikes=0,
        struck_at=LONG_AGO,
        blamed=None,
        blamed_until=LONG_AGO,
    )


class Account:
    """Two owners with a token each, and three endpoints and an organisation that both share."""

    def __init__(self) -> None:
        self.organization = budget("organization", 200, ACCOUNT)
        self.tokens = {owner: budget("token", 150, owner) for owner in (OWNER, OTHER)}
        self.endpoints = {name: budget(name, 2, ACCOUNT) for name in ("trailers", "vehicles", "messages")}

    def refuse(self, name: str, owner: UUID = OWNER, *, after_s: float = 0, **how: Any) -> None:
        call = (self.tokens[owner], self.organization, self.endpoints[name])
        said: dict[str, Any] = {"for_s": 10.0, "call": tuple(one.scope for one in call), **how}
        close(Closing(**said), call, NOW + timedelta(seconds=after_s))

    def closed(self, after_s: float = 0) -> set[str]:
        """What is closed then, with the owner's name where it is one's own."""
        names = {
            **self.endpoints,
            "organization": self.organization,
            "token": self.tokens[OWNER],
            "other token": self.tokens[OTHER],
        }
        return {name for name, one in names.items() if one.closed_until > NOW + timedelta(seconds=after_s)}


def test_only_the_budget_is_closed_whose_calls_are_furthest_apart() -> None:
    account = Account()
    account.refuse("trailers")
    assert account.closed(9) == {"trailers"}
    assert account.closed(10) == set()


def test_calls_that_were_on_their_way_together_close_nothing_more() -> None:
    account = Account()
    for _ in range(20):
        account.refuse("trailers")
    assert account.closed() == {"trailers"}


def test_a_second_endpoint_that_is_refused_meanwhile_shows_that_what_they_share_is_meant() -> None:
    account = Account()
    account.refuse("trailers")
    account.refuse("vehicles", after_s=5)
    assert account.closed(5) == {"trailers", "vehicles", "token"}
    account.refuse("messages", after_s=6)
    assert account.closed(6) == {"trailers", "vehicles", "messages", "token"}


def test_a_second_endpoint_that_is_refused_later_has_a_limit_of_its_own() -> None:
    account = Account()
    account.refuse("trailers")
    account.refuse("vehicles", after_s=10)
    assert account.closed(10) == {"vehicles"}


def test_a_second_login_that_is_refused_meanwhile_shows_that_the_account_is_meant() -> None:
    account = Account()
    for owner, names in ((OWNER, ("trailers", "vehicles")), (OTHER, ("messages", "vehicles"))):
        for name in names:
            account.refuse(name, owner)
    assert account.closed() >= {"token", "other token", "organization"}


def test_limits_that_are_spent_at_the_same_time_are_two_limits() -> None:
    account = Account()
    account.refuse("trailers", is_refusal=False)
    account.refuse("vehicles", is_refusal=False)
    assert account.closed() == {"trailers", "vehicles"}


def test_a_refusal_while_another_limit_is_spent_shows_that_what_they_share_is_meant() -> None:
    account = Account()
    account.refuse("trailers", is_refusal=False)
    account.refuse("vehicles")
    assert account.closed() == {"trailers", "vehicles", "token"}


def test_a_limit_that_is_spent_for_a_moment_does_not_hide_that_another_was_refused() -> None:
    account = Account()
    account.refuse("trailers")
    account.refuse("vehicles", is_refusal=False, for_s=1.0)
    account.refuse("messages", after_s=2)
    assert account.closed(2) == {"trailers", "messages", "token"}


def test_what_the_other_side_names_is_closed_and_nothing_else() -> None:
    account = Account()
    account.refuse("trailers", scopes=("token",))
    account.refuse("vehicles", scopes=("token",))
    assert account.closed() == {"token"}


def test_without_limits_the_narrowest_is_closed() -> None:
    wide, narrow = budget("token"), budget("trailers")
    close(Closing(for_s=10, call=("token", "trailers")), [narrow, wide], NOW)
    assert (wide.closed_until, narrow.closed_until) == (LONG_AGO, NOW + timedelta(seconds=10))


def test_a_longer_closing_in_force_stays() -> None:
    account = Account()
    account.refuse("trailers", for_s=60.0)
    account.refuse("trailers", for_s=5.0)
    assert account.closed(59) == {"trailers"}


def test_limits_are_doubted_by_refusals_alone() -> None:
    account = Account()
    for turn in range(STRIKES):
        account.refuse("trailers", after_s=turn * 10)
        account.refuse("vehicles", after_s=turn * 10, is_refusal=False)
    assert (account.endpoints["trailers"].share, account.endpoints["vehicles"].share) == (0.8, 1.0)
    assert (account.tokens[OWNER].share, account.organization.share) == (1.0, 1.0)


def test_a_call_without_a_budget_closes_nothing() -> None:
    close(Closing(for_s=10, call=("token",)), [], NOW)


rates = st.sampled_from([0.0, 0.5, 5.0, 150.0])
refusals = st.lists(
    st.tuples(st.sampled_from(["trailers", "vehicles", "dvirs", "anything"]), st.floats(0, 5), st.floats(0.1, 30)),
    max_size=12,
)


@given(st.tuples(rates, rates, rates, rates), refusals)
def test_nobody_is_refused_twice_by_one_limit_without_its_being_closed(
    speeds: tuple[float, ...], said: Sequence[tuple[str, float, float]]
) -> None:
    """A provider with one limit for everything, of which our budgets know nothing: each refusal names the same end."""
    token = budget("token", speeds[0])
    endpoints = {
        name: budget(name, speed) for name, speed in zip(("trailers", "vehicles", "dvirs"), speeds[1:], strict=True)
    }
    now, opens_at, refused = NOW, LONG_AGO, 0
    for name, pause_s, lasts_s in said:
        now += timedelta(seconds=pause_s)
        call = [token, endpoints.get(name, token)]
        if any(one.closed_until > now for one in call):
            continue
        if opens_at <= now:
            opens_at, refused = now + timedelta(seconds=lasts_s), 0
        refused += 1
        scopes = ("token", name) if name in endpoints else ("token",)
        close(Closing(for_s=(opens_at - now).total_seconds(), call=scopes), call[: len(scopes)], now)
        assert refused <= 2, "the limit was met a third time before it was reset"
