"""Slots of calls that were not claimed with their job: taken one by one, in a transaction of their own."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from fleetwrite.dispatch import bars, budget_store, lane_store, store
from fleetwrite.dispatch.errors import SlotTimeoutError
from fleetwrite.dispatch.models import Job
from fleetwrite.dispatch.pacing import Pace, earliest_slot, take_slot
from fleetwrite.kit.database import Database

FULL_RETRY_S: Final = 0.02
"""How often to look whether a call in flight has ended, where only so many may be."""

YIELD_S: Final = 1.0
"""Who leaves a slot to other work looks again after so long: work that comes one by one has had its turn by then, and a
backlog lasts."""


async def take(
    database: Database,
    process_id: UUID,
    owner_id: UUID,
    scopes: Sequence[str],
    within_s: float,
    *,
    yielding: Job | None = None,
) -> tuple[str, ...]:
    """Take one slot from every budget in `scopes` and wait until it begins; see `Dispatch.take_slot`.

    Args:
        database: where the budgets are.
        process_id: who takes it.
        owner_id: for whom.
        scopes: of the call.
        within_s: how long the caller can wait.
        yielding: the job whose call it is, where that leaves the slot to work of other kinds; None: it does not.
    """
    loop = asyncio.get_running_loop()
    give_up_at = loop.time() + within_s
    while True:
        left_s = max(0.0, give_up_at - loop.time())
        slot = await _try_slot(database, process_id, owner_id, scopes, left_s, yielding)
        if slot is not None:
            break
        await asyncio.sleep(FULL_RETRY_S)  # the call that ends may be another process's
    wait_s, trials = slot
    await asyncio.sleep(wait_s)
    return trials


async def _try_slot(
    database: Database,
    process_id: UUID,
    owner_id: UUID,
    scopes: Sequence[str],
    within_s: float,
    yielding: Job | None,
) -> tuple[float, tuple[str, ...]] | None:
    """Take a slot; returns how many seconds there are until it begins, and which of the scopes are barred; None where
    all that may are in flight.
    """
    loop = asyncio.get_running_loop()
    async with database.transaction() as connection:
        keepers, is_barred = await budget_store.select_keepers(connection, owner_id, scopes)
        now, budgets = await budget_store.lock_budgets(
            connection, keepers, scopes, besides=None if yielding is None else yielding.id
        )
        asked_at = loop.time()
        paces = list(budgets.values())
        # The caller's own job is one of those in flight, unless it counts by its calls.
        least = 0 if yielding is None else 1
        if any(pace.room is not None and pace.room < least for pace in paces):
            if yielding is not None or within_s <= FULL_RETRY_S:
                later_s = 0.0 if yielding is None else YIELD_S
                raise SlotTimeoutError(
                    "As many calls as the provider allows are in flight.", free_at=now, wait_s=later_s
                )
            return None
        all_bars = await bars.select_bars(connection, [owner_id]) if is_barred else []
        barred = [(bar, bar.pace()) for bar in all_bars if bar.scope in scopes]
        paces += [pace for _, pace in barred]
        at = earliest_slot(paces, now)
        wait_s = max(0.0, (at - now).total_seconds())
        if wait_s > within_s:
            raise SlotTimeoutError(
                f"The next slot within the provider's limits comes free in {wait_s:.1f} s.",
                free_at=at,
                wait_s=wait_s,
                barred_since=min((bar.since for bar, _ in barred if bar.until > now), default=None),
            )
        if yielding is not None and await lane_store.is_wanted(connection, _limited(budgets), yielding.kind, at):
            raise SlotTimeoutError(
                "The next slot is left to more urgent work.", free_at=at, wait_s=max(wait_s, YIELD_S)
            )
        take_slot(paces, at)
        if barred:
            await bars.note_trials(connection, [(bar.owner_id, bar.scope, pace.next_at) for bar, pace in barred])
        taken = [(*key, pace.next_at) for key, pace in budgets.items()]
        await budget_store.update_next_at(connection, taken, process_id)
        if yielding is not None and any(pace.room is not None for pace in budgets.values()):
            await store.note_calling(connection, yielding.id, scopes)
    return asked_at + wait_s - loop.time(), tuple(bar.scope for bar, _ in barred)


def _limited(budgets: Mapping[tuple[UUID, str], Pace]) -> dict[UUID, list[str]]:
    """Those of the budgets that limit anything: who keeps them -> their scopes."""
    limited: dict[UUID, list[str]] = {}
    for (keeper_id, scope), pace in budgets.items():
        if pace.interval or pace.room is not None:
            limited.setdefault(keeper_id, []).append(scope)
    return limited
