"""Which of a call's budgets are closed when the other side says that it takes no more, and what is learnt from that.

Where it does not say which budget it means, it is taken to be the tightest, the one whose calls are furthest apart.
That may be wrong. Then the calls that go on, under budgets that are still open, meet the same limit: a second refusal
while another tight budget is closed shows that what the two have in common is meant, and closes that too. So a limit
that is not the tightest costs two refusals each time, and one that is costs nobody else anything.

Nothing here touches the database.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import zip_longest
from typing import Final
from uuid import UUID

import msgspec

from fleetwrite.dispatch.models import Closing

STRIKES: Final = 5
"""So many refusals in spite of our pacing tell that the provider is stricter than its documentation. A few may be the
doing of others who share its limit, or of a machine of ours that is too busy to keep its slots."""

STRIKES_WITHIN: Final = timedelta(minutes=5)
"""Refusals further apart than this are no pattern."""

LOWER_TO: Final = 0.8
"""What is left of a limit each time that it proves too high."""

LEAST_SHARE: Final = 0.1
"""Below a tenth it is not the limit that is wrong."""


class Budget(msgspec.Struct, kw_only=True):
    """What is known of a budget that may be closed.

    Attributes:
        keeper_id: the owner, or its account.
        scope: which of the keeper's budgets.
        apart_s: so many seconds lie between two calls; 0: it has no such limit.
        closed_until: the other side takes nothing before.
        share: what is granted of its limit, since `lowered_at`.
        strikes: refusals in spite of our pacing, the last of them at `struck_at`.
        blamed: the tighter budget that was closed last because of a call under both.
        blamed_until: how long that one is closed.
    """

    keeper_id: UUID
    scope: str
    apart_s: float
    closed_until: datetime
    share: float
    lowered_at: datetime
    strikes: int
    struck_at: datetime
    blamed: tuple[UUID, str] | None
    blamed_until: datetime

    @property
    def key(self) -> tuple[UUID, str]:
        return self.keeper_id, self.scope


def close(closing: Closing, budgets: Sequence[Budget], now: datetime) -> None:
    """Close those budgets of a call that are concerned; a longer closing already in force stays.

    Args:
        closing: what the other side said.
        budgets: all that the call fell under; changed in place.
        now: when it said so.
    """
    if closing.scopes is not None:
        for budget in budgets:
            if budget.scope in closing.scopes:
                _close_one(budget, closing, now)
        return
    tightest_first = sorted(budgets, key=lambda one: (one.apart_s, closing.call.index(one.scope)), reverse=True)
    for tighter, wider in zip_longest(tightest_first, tightest_first[1:]):
        _close_one(tighter, closing, now)
        if wider is None:
            return
        if wider.blamed_until <= now or wider.blamed == tighter.key:
            wider.blamed, wider.blamed_until = tighter.key, tighter.closed_until
            return
        if not closing.is_refusal:
            # Two limits that are spent at the same time are two limits: the call was let through.
            return


def _close_one(budget: Budget, closing: Closing, now: datetime) -> None:
    # Refusals of calls that were on their way when the budget was closed count as one.
    if closing.is_refusal and budget.apart_s and budget.closed_until <= now:
        _strike(budget, now)
    budget.closed_until = max(budget.closed_until, now + timedelta(seconds=closing.for_s))


def _strike(budget: Budget, now: datetime) -> None:
    """Doubt the limit that was kept to when the other side refused."""
    budget.strikes = budget.strikes + 1 if now - budget.struck_at <= STRIKES_WITHIN else 1
    budget.struck_at = now
    if budget.strikes >= STRIKES:
        budget.strikes = 0
        budget.share = max(LEAST_SHARE, budget.share * LOWER_TO)
        budget.lowered_at = now
