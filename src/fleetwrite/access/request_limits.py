"""How many requests a partner may make in a second, over all processes, without asking the database for each."""

import math
import time
from collections.abc import Callable
from typing import Final
from uuid import UUID

from fleetwrite.access import limit_store as store
from fleetwrite.access.errors import RequestLimitError, UnknownPartnerError
from fleetwrite.audit import trail
from fleetwrite.audit.models import FLEETWRITE, Actor, Deed
from fleetwrite.kit.database import Database
from fleetwrite.kit.freshness import Freshness
from fleetwrite.kit.ids import new_id

EXCHANGE_S: Final = 1.0
"""How often the processes tell each other what they are asked for. Until then each goes by what it heard last."""


class RequestLimits:
    """A token bucket for each partner in each process, filled with this process's share of the partner's limit.

    Once a second a process that is called tells how many requests a second it was asked for, refused ones included,
    and learns the same of the others. Its share is what the others leave, or, where all ask for more than there is,
    the part that it is asked for. So over a longer time a partner gets its limit; in the second after its
    traffic appeared or moved, each process that it calls may let through up to all of it; and a bucket that was left
    alone holds a second's worth.
    """

    def __init__(self, database: Database, per_second: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._per_second = per_second
        self._clock = clock
        self._process = new_id()
        self._chosen: dict[UUID, float] = {}
        self._buckets: dict[UUID, _Bucket] = {}
        self._told_at = clock()
        self._freshness = Freshness(self.exchange, good_for_s=EXCHANGE_S)

    async def admit(self, partner_id: UUID) -> None:
        """Let a request of a partner through.

        Raises:
            RequestLimitError: the partner makes too many.
        """
        await self._freshness.ensure()
        bucket = self._buckets.get(partner_id)
        if bucket is None:
            limit = self._chosen.get(partner_id, self._per_second)
            bucket = self._buckets[partner_id] = _Bucket(limit, self._clock())
        wait_s = bucket.take(self._clock())
        if wait_s > 0:
            raise RequestLimitError(per_second=bucket.limit, retry_after_s=math.ceil(wait_s))

    async def choose(self, partner_slug: str, per_second: float | None, *, actor: Actor = FLEETWRITE) -> None:
        """Set the limit of a partner; None: that of all.

        Raises:
            UnknownPartnerError: there is no such partner.
        """
        async with self._database.transaction() as connection:
            partner_id = await store.partner_of(connection, partner_slug)
            if partner_id is None:
                raise UnknownPartnerError(f"There is no partner {partner_slug!r}.")
            await store.choose_limit(connection, partner_id, per_second)
            await trail.append(connection, actor, Deed.PARTNER_LIMITED, partner_id, {"per_second": per_second})

    async def exchange(self) -> None:
        """Tell the other processes what this one is asked for, and share out the limits anew."""
        now = self._clock()
        elapsed_s = max(now - self._told_at, 0.001)
        # Who asked for nothing since then needs no share; it begins with a full bucket as all do.
        asked = {partner: bucket.asked / elapsed_s for partner, bucket in self._buckets.items() if bucket.asked}
        self._buckets = {partner: bucket for partner, bucket in self._buckets.items() if partner in asked}
        for bucket in self._buckets.values():
            bucket.asked = 0
        async with self._database.transaction() as connection:
            self._chosen = await store.chosen_limits(connection)
            others = await store.exchange(connection, self._process, asked)
        self._told_at = now
        for partner, rate in asked.items():
            limit = self._chosen.get(partner, self._per_second)
            self._buckets[partner].renew(limit, share(limit, rate, others.get(partner, 0.0)), now)


def share(limit: float, own: float, others: float) -> float:
    """This process's part of `limit`, given how many requests a second it and the others are asked for."""
    return max(limit - others, limit * own / (own + others))


class _Bucket:
    """A token bucket that holds a second's worth, or at least one request."""

    __slots__ = ("_filled_at", "_level", "_rate", "asked", "limit")

    def __init__(self, limit: float, now: float) -> None:
        self.limit = limit
        self.asked = 0
        self._rate = limit
        self._level = max(limit, 1.0)
        self._filled_at = now

    def take(self, now: float) -> float:
        """Take one; otherwise return how many seconds it takes until there is one."""
        self.asked += 1
        self._fill(now)
        if self._level < 1.0:
            return (1.0 - self._level) / self._rate
        self._level -= 1.0
        return 0.0

    def renew(self, limit: float, rate: float, now: float) -> None:
        """Go on with another share."""
        self._fill(now)
        self.limit, self._rate = limit, rate

    def _fill(self, now: float) -> None:
        self._level = min(max(self._rate, 1.0), self._level + (now - self._filled_at) * self._rate)
        self._filled_at = now
