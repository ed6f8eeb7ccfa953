"""Keeps one partner from filling the store: so many writes may wait, and no more."""

import time
from uuid import UUID

import msgspec

from fleetwrite.kit.database import Database
from fleetwrite.operations import store
from fleetwrite.operations.errors import BacklogFullError

RECOUNT_AFTER_S = 5.0
"""How old a count may be. Between counts each process adds what it accepts itself, so that only what others accept
in so many seconds can exceed the cap."""

RECOUNT_FULL_AFTER_S = 1.0
"""The same for a partner at the cap: it must not make us count a million rows with every request it repeats."""

RETRY_AFTER_S = 30
"""What a refused partner is told: long enough for a worker to make room, short enough to notice it."""


class _Count(msgspec.Struct):
    pending: int
    counted_at: float


class BacklogGate:
    """Counts each partner's pending operations, cheaply.

    Args:
        database: where they are counted.
        cap: how many may wait.
    """

    def __init__(self, database: Database, cap: int) -> None:
        self._database = database
        self._cap = cap
        self._counts: dict[UUID, _Count] = {}

    async def enter(self, partner_id: UUID) -> None:
        """Count one more write of this partner.

        Raises:
            BacklogFullError: as many are waiting as may.
        """
        count = self._counts.get(partner_id)
        if count is None or self._is_old(count):
            if count is not None:
                # The others go by the old count meanwhile, instead of counting as well.
                count.counted_at = time.monotonic()
            async with self._database.acquire() as connection:
                pending = await store.count_pending(connection, partner_id, self._cap)
            count = self._counts[partner_id] = _Count(pending, time.monotonic())
        if count.pending >= self._cap:
            raise BacklogFullError(
                f"{self._cap} writes are waiting already; try again when some are delivered.",
                retry_after_s=RETRY_AFTER_S,
            )
        count.pending += 1

    def leave(self, partner_id: UUID) -> None:
        """Take back an `enter`: the write was not stored after all."""
        self._counts[partner_id].pending -= 1

    def _is_old(self, count: _Count) -> bool:
        fresh_for_s = RECOUNT_AFTER_S if count.pending < self._cap else RECOUNT_FULL_AFTER_S
        return time.monotonic() - count.counted_at > fresh_for_s
