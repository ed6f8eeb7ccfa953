"""What the rest of the system asks of dispatch: let it wait in a lane, give me a slot, this is what became of it."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

import msgspec

from fleetwrite.dispatch import bars, budget_store, holds, insight, lane_store, overview, slots, store
from fleetwrite.dispatch.errors import OrderConflictError, UnknownScopeError
from fleetwrite.dispatch.models import (
    Again,
    Bar,
    BudgetLimit,
    Closing,
    Disposition,
    Finish,
    Job,
    Lift,
    NewJob,
    Notice,
)
from fleetwrite.kit.database import Connection, Database
from fleetwrite.kit.tenancy import acting_as_system

ACCOUNT_KIND: Final = "account"
"""The kind of owners that have budgets for others to share, and no lanes."""

SEIZED_FOR: Final = timedelta(minutes=1)
"""The lease of a seized job. Its transaction ends it, so this only has to lie in the future."""


class Dispatch:
    """Lanes, budgets and jobs. Every method that takes a connection works in the caller's transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.process_id: Final = uuid4()

    async def register_owner(
        self,
        connection: Connection,
        owner_id: UUID,
        kind: str,
        budgets: Sequence[BudgetLimit],
        *,
        held: bool = False,
        account_id: UUID | None = None,
    ) -> None:
        """Make known whom lanes will belong to, and which limits it has.

        Args:
            connection: the caller's transaction.
            owner_id: whose lanes.
            kind: of its jobs.
            budgets: its limits; those that are `shared` are the account's, and set up with its first owner.
            held: begin without sending.
            account_id: names the account whose budgets it shares with others; None: it has one of its own.
        """
        if account_id is not None:
            await store.insert_owner(connection, account_id, ACCOUNT_KIND)
        await store.insert_owner(connection, owner_id, kind, held=held, account_id=account_id)
        await _set_up_budgets(connection, owner_id, account_id, budgets)

    async def remove_owner(self, connection: Connection, owner_id: UUID) -> None:
        """Forget an owner with its lanes, budgets and everything that still waits there."""
        await store.delete_owner(connection, owner_id)

    async def budgets(self, connection: Connection, owner_id: UUID) -> list[BudgetLimit]:
        """The limits in force, those of its account included."""
        return await budget_store.select_limits(connection, owner_id)

    async def replace_budgets(
        self,
        connection: Connection,
        owner_id: UUID,
        limits: Sequence[BudgetLimit],
        usual: Sequence[BudgetLimit],
    ) -> None:
        """Set all limits of an owner anew; a scope that is not named has no limit any more.

        A limit of its account changes for everybody who shares it. One that differs from what is `usual` has been
        chosen: `renew_budgets` leaves it alone.

        Raises:
            UnknownScopeError: a scope that no call of this owner has.
        """
        keepers = await budget_store.select_scopes(connection, owner_id)
        for limit in limits:
            if limit.scope not in keepers:
                raise UnknownScopeError(
                    f"No budget has the scope {limit.scope!r} here; the scopes are: {', '.join(sorted(keepers))}."
                )
        await store.set_due_now(connection, owner_id)
        await budget_store.replace_limits(connection, keepers, _by_scope(limits), _by_scope(usual))
        await store.notify(connection)

    async def with_outdated_budgets(
        self, connection: Connection, owner_ids: Collection[UUID], usual: Sequence[BudgetLimit]
    ) -> list[UUID]:
        """Those of these owners that `renew_budgets` would do something for."""
        return await budget_store.select_outdated(connection, owner_ids, usual)

    async def renew_budgets(self, connection: Connection, owner_id: UUID, usual: Sequence[BudgetLimit]) -> None:
        """Give an owner the limits that are `usual` now, those of its account included, where nobody chose others."""
        account_id = await budget_store.select_account(connection, owner_id)
        await store.lock_owners(connection, [owner_id] if account_id is None else [owner_id, account_id])
        await store.set_due_now(connection, owner_id)
        await _set_up_budgets(connection, owner_id, account_id, usual)
        await budget_store.renew_limits(connection, owner_id, usual)
        await store.notify(connection)

    async def hold(self, connection: Connection, owner_id: UUID) -> None:
        """Send nothing more of this owner's; go on accepting."""
        await holds.set_held(connection, [owner_id], held=True)
        await holds.apply(connection, [owner_id])

    async def release(self, connection: Connection, *owner_ids: UUID) -> None:
        """Send these owners' work again."""
        await holds.set_held(connection, owner_ids, held=False)
        await holds.apply(connection, owner_ids)
        await store.notify(connection)

    async def shut(self, connection: Connection, owner_ids: Collection[UUID], by: str) -> None:
        """Send nothing of these owners' until what they share, which `by` names, is reopened; go on accepting.

        Whether an owner is held is another matter: it has to be neither to send.
        """
        await holds.set_shut(connection, owner_ids, by)
        await holds.apply(connection, owner_ids)

    async def reopen(self, connection: Connection, by: str) -> None:
        """Send the work of all owners again that `by` had shut."""
        owner_ids = await holds.select_shut(connection, by)
        await self.reopen_owners(connection, owner_ids)

    async def reopen_owners(self, connection: Connection, owner_ids: Collection[UUID]) -> None:
        """Send the work of these owners again, whatever had shut them."""
        await holds.set_shut(connection, owner_ids, None)
        await holds.apply(connection, owner_ids)
        await store.notify(connection)

    async def enqueue(self, connection: Connection, jobs: Sequence[NewJob]) -> None:
        """Put jobs into their lanes and wake these.

        Raises:
            OrderConflictError: a job that is run at once is behind another with its order key.
        """
        await store.lock_owners(connection, (job.lane.owner_id for job in jobs))
        keys = [(job.lane.owner_id, job.order_key) for job in jobs if job.order_key is not None]
        occupied: set[store.OrderKey] = set()
        if keys:
            await store.lock_order_keys(connection, keys)
            occupied = await store.select_occupied(connection, keys)
        placed: list[tuple[NewJob, bool]] = []
        for job in jobs:
            parked = False
            if job.order_key is not None:
                key = (job.lane.owner_id, job.order_key)
                parked = key in occupied
                occupied.add(key)
            if parked and job.lease is not None:
                raise OrderConflictError("Earlier work with the same order key is still waiting.")
            placed.append((job, parked))
        await lane_store.ensure_lanes(connection, (job.lane for job in jobs))
        waiting = await store.insert_jobs(connection, placed)
        if waiting:
            await lane_store.wake_lanes(connection, [lane for lane, _ in waiting], [delay_s for _, delay_s in waiting])
            await store.notify(connection)

    async def seize(self, connection: Connection, owner_ids: Iterable[UUID], job_ids: Sequence[UUID]) -> list[Job]:
        """Take waiting jobs away from the workers, for the caller to settle them within this very transaction.

        Jobs that somebody works on, and those that may have reached the other side, are left out.

        Args:
            connection: in the caller's transaction.
            owner_ids: whom the jobs belong to.
            job_ids: which.
        """
        await store.lock_owners(connection, owner_ids)
        return [_seized(row) for row in await store.seize_jobs(connection, job_ids, SEIZED_FOR)]

    async def seize_left(self, connection: Connection, owner_id: UUID, kind: str, limit: int) -> list[Job]:
        """The same for up to `limit` jobs of an owner and kind that nobody works on any more.

        Also those that may have reached the other side (`Job.uncertain`), and those whose process never reported
        (`Job.interrupted`).
        """
        await store.lock_owners(connection, [owner_id])
        return [_seized(row) for row in await store.seize_left(connection, owner_id, kind, limit, SEIZED_FOR)]

    async def withdraw(self, connection: Connection, owner_id: UUID, job_ids: Sequence[UUID]) -> set[UUID]:
        """Forget jobs of an owner that nobody works on; returns those that somebody does, or may do.

        For jobs without an order key only: nobody waits behind them.
        """
        await store.lock_owners(connection, [owner_id])
        return await store.withdraw_jobs(connection, job_ids)

    async def lock_order(self, connection: Connection, owner_id: UUID, order_key: str) -> None:
        """Until the end of the transaction nobody else enqueues or settles jobs with this key."""
        await store.lock_owners(connection, [owner_id])
        await store.lock_order_keys(connection, [(owner_id, order_key)])

    async def lock_leases(self, connection: Connection, jobs: Sequence[Job]) -> set[UUID]:
        """The leases among those of `jobs` that still hold; they stay so until the transaction ends."""
        return await store.lock_leases(connection, jobs)

    async def settle(
        self, connection: Connection, settled: Sequence[tuple[Job, Disposition]], hold: Collection[UUID] = ()
    ) -> set[UUID]:
        """Say what becomes of claimed jobs.

        Args:
            connection: with the caller's transaction.
            settled: each job, and what becomes of it.
            hold: owners of which nothing more is to be sent. Not by `hold`: this method takes locks in their order.

        Returns:
            The leases that were lost meanwhile: for the claims they stood for nothing was done.
        """
        await store.lock_owners(connection, (job.owner_id for job, _ in settled))
        finished = [job for job, what in settled if isinstance(what, Finish)]
        again = [(job, what) for job, what in settled if isinstance(what, Again)]
        lanes: dict[UUID, float] = {}
        kept: set[UUID] = set()
        if finished:
            gone = await store.delete_jobs(connection, finished)
            kept |= {row["lease"] for row in gone}
            keys = [(row["owner_id"], row["order_key"]) for row in gone if row["order_key"] is not None]
            if keys:
                await store.lock_order_keys(connection, keys)
                for lane_id, delay_s in await store.unpark_next(connection, keys):
                    lanes[lane_id] = min(lanes.get(lane_id, delay_s), delay_s)
        if again:
            # A claim of an expired job counted no attempt that could be given back.
            back = await store.release_jobs(
                connection,
                [(job, msgspec.structs.replace(what, attempted=what.attempted or job.expired)) for job, what in again],
            )
            kept |= {row["lease"] for row in back}
            for row in back:
                lanes[row["lane_id"]] = min(lanes.get(row["lane_id"], row["delay_s"]), row["delay_s"])
        notices = [(job.owner_id, what.notice) for job, what in settled if what.notice is not None]
        freed = {job.owner_id for job, _ in settled if job.is_capped}
        freed |= {owner_id for owner_id, notice in notices if isinstance(notice, Lift)}
        if freed:
            lanes.update(dict.fromkeys(await lane_store.select_waiting_lanes(connection, freed), 0.0))
        if hold:
            await holds.set_held(connection, hold, held=True)
            await holds.lock_lanes(connection, lanes, hold)
            await holds.apply(connection, hold)
        if lanes:
            await lane_store.wake_lanes(connection, list(lanes), list(lanes.values()))
            await store.notify(connection)
        await _heed(connection, notices)
        return {job.lease for job, _ in settled} - kept

    async def attempted(self, connection: Connection, job_ids: Sequence[UUID]) -> set[UUID]:
        """Those of these unfinished jobs at which an attempt was begun at least."""
        return await store.select_attempted(connection, job_ids)

    async def take_slot(self, owner_id: UUID, scopes: Sequence[str], within_s: float) -> tuple[str, ...]:
        """Take one slot from every budget in `scopes` and wait until it begins.

        Returns:
            Those of the scopes that are barred: the call is to find out whether they still are.

        Raises:
            SlotTimeoutError: the next slot begins later than `within_s` seconds from now; none was taken.
        """
        return await slots.take(self._database, self.process_id, owner_id, scopes, within_s)

    async def take_spare_slot(self, job: Job, scopes: Sequence[str], within_s: float) -> tuple[str, ...]:
        """The same for a call of a claimed job that is to leave other work its slots, and that counts as in flight by
        the scopes of its calls.

        Raises:
            SlotTimeoutError: as above, or the slot is one that work of another kind waits for.
        """
        return await slots.take(self._database, self.process_id, job.owner_id, scopes, within_s, yielding=job)

    async def has_last_slots(self, owner_id: UUID, scopes: Sequence[str]) -> bool:
        """Whether nobody else took a slot of these budgets since this process did."""
        async with self._database.acquire() as connection:
            return await budget_store.are_last_slots_of(connection, owner_id, scopes, self.process_id)

    async def lag_s(self) -> dict[str, float]:
        """For each kind of job, for how many seconds the longest waiting lane has been due: 0 when workers keep up."""
        async with self._database.acquire() as connection:
            return await overview.lag_s(connection)

    async def count_waiting(self, owner_id: UUID, kind: str) -> int:
        """How many jobs of this kind of an owner wait or are under way, counted up to `insight.MOST_COUNTED`."""
        # As the system: it is a number over everybody's.
        with acting_as_system():
            async with self._database.acquire() as connection:
                return await insight.count_of_owner(connection, owner_id, kind)

    async def close(self, owner_id: UUID, closing: Closing) -> None:
        """Make fewer calls, as the other side said; to be called where no job is settled, or not yet."""
        async with self._database.transaction() as connection:
            await budget_store.close_budgets(connection, [(owner_id, closing)])

    async def lift_bars(self, connection: Connection, owner_id: UUID) -> None:
        """Let an owner make all calls again: it may have another login, or another right."""
        await store.set_due_now(connection, owner_id)
        await bars.lift_all(connection, owner_id)
        await store.notify(connection)

    async def barred_since(self, connection: Connection, jobs: Sequence[Job]) -> dict[UUID, datetime]:
        """Since when the calls of these jobs are denied their owners, by the job's id; others are left out."""
        return await bars.select_since(connection, jobs)

    async def closed_for_s(self, owner_id: UUID, scopes: Sequence[str], trials: Sequence[str] = ()) -> float:
        """For how many seconds from now no call of these budgets may start, as one is closed; 0: all are open.

        Bars that the call is one of the `trials` of do not count.
        """
        async with self._database.acquire() as connection:
            return await budget_store.closed_for_s(connection, owner_id, scopes, trials)


def _seized(row: Any) -> Job:
    return Job(
        id=row["id"],
        owner_id=row["owner_id"],
        kind=row["kind"],
        lease=row["lease"],
        scopes=tuple(row["scopes"]),
        attempts=row["attempts"],
        claimed_at=row["now"],
        expires_at=row["expires_at"],
        has_slot=False,
        interrupted=row["interrupted"],
        uncertain=row["uncertain"],
        single_attempt=row["single_attempt"],
    )


async def _heed(connection: Connection, notices: Sequence[tuple[UUID, Notice]]) -> None:
    """Let what calls of owners taught hold for those that come after them."""
    closings = [(owner_id, notice) for owner_id, notice in notices if isinstance(notice, Closing)]
    if closings:
        await budget_store.close_budgets(connection, closings)
    barred = [(owner_id, notice) for owner_id, notice in notices if isinstance(notice, Bar)]
    lifted = [(owner_id, scope) for owner_id, notice in notices if isinstance(notice, Lift) for scope in notice.scopes]
    if barred or lifted:
        await bars.change(connection, barred, lifted)


async def _set_up_budgets(
    connection: Connection, owner_id: UUID, account_id: UUID | None, budgets: Sequence[BudgetLimit]
) -> None:
    if account_id is not None:
        await budget_store.insert_budgets(connection, account_id, [limit for limit in budgets if limit.shared])
    own = [limit for limit in budgets if account_id is None or not limit.shared]
    await budget_store.insert_budgets(connection, owner_id, own)


def _by_scope(limits: Sequence[BudgetLimit]) -> dict[str, BudgetLimit]:
    return {limit.scope: limit for limit in limits}
