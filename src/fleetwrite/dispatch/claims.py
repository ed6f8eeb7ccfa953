"""Claiming: one transaction that takes due jobs, with a slot in all of their budgets each."""

import asyncio
import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import msgspec

from fleetwrite.dispatch import bars, budget_store, lane_store, store
from fleetwrite.dispatch.bars import Barred
from fleetwrite.dispatch.models import PRIORITIES, Job, Spacing
from fleetwrite.dispatch.pacing import HORIZON, Pace, earliest_slot, is_full, look_ahead, occupy, take_slot
from fleetwrite.kit.database import Connection

JOBS_PER_LANE = 32
"""At most so many jobs of one lane in one claim, so that a deep lane leaves room for the others."""


class SlotClock(msgspec.Struct, frozen=True):
    """One instant on two clocks: the database's, which decides, and the event loop's, by which this process waits."""

    now: datetime
    loop_time: float


async def claim(
    connection: Connection, kind: str, limit: int, lease_lasts: timedelta, process_id: UUID | None = None
) -> list[Job]:
    """Take up to `limit` due jobs of `kind`, each with a slot no further ahead than its budgets make sense.

    Of a lane that is barred, one is taken when it is time to find out whether it still is.

    Must run in a transaction of its own. A job whose time is over comes back as expired, one whose last attempt never
    reported as interrupted; both without a slot.
    """
    lanes = await lane_store.lock_due_lanes(connection, kind, limit, process_id)
    if not lanes:
        return []
    keepers = {lane["owner_id"] for lane in lanes} | {lane["account_id"] for lane in lanes if lane["account_id"]}
    scopes = {scope for lane in lanes for scope in lane["scopes"]}
    # Asked again: waiting for the budgets may have taken a while, and slots count from now.
    now, paces = await budget_store.lock_budgets(connection, keepers, scopes, process_id)
    clock = clock_at(now)
    untouched = {key: pace.next_at for key, pace in paces.items()}
    barred = await _select_barred(connection, lanes)
    per_lane = min(JOBS_PER_LANE, limit)
    # One more than may be taken, to know whether the lane has more to give.
    rows = await store.select_due_jobs(connection, [lane["id"] for lane in lanes], per_lane + 1, now)
    candidates: dict[UUID, list[Any]] = {lane["id"]: [] for lane in lanes}
    for row in rows:
        candidates[row["lane_id"]].append(row)

    lanes = _urgent_first(lanes, candidates)
    jobs: list[Job] = []
    not_before: list[datetime | None] = []
    gave_work: list[bool] = []
    for lane in lanes:
        keys = [(keeper, scope) for scope in lane["scopes"] for keeper in (lane["owner_id"], lane["account_id"])]
        lane_paces = {key: paces[key] for key in keys if key in paces}
        trials = _of_lane(barred, lane)
        room = min(per_lane, limit - len(jobs))
        all_paces = [*lane_paces.values(), *trials.values()]
        taken, bound = _take(lane, kind, candidates[lane["id"]], all_paces, clock, room)
        jobs.extend(_spaced(taken, lane_paces, process_id, tuple(trials)))
        not_before.append(bound)
        gave_work.append(bool(taken))
    tried = [(bar.owner_id, bar.scope, pace.next_at) for bar, pace in barred if pace.next_at != bar.until]
    if jobs:
        await store.lease_jobs(connection, jobs, lease_lasts)
        used = [(*key, pace.next_at) for key, pace in paces.items() if pace.next_at != untouched[key]]
        await budget_store.update_next_at(connection, used, process_id)
    if tried:
        await bars.note_trials(connection, tried)
    lane_ids = [lane["id"] for lane in lanes]
    await lane_store.reschedule_lanes(connection, lane_ids, not_before, gave_work, process_id)
    return jobs


async def claim_expired(connection: Connection, kind: str, limit: int, lease_lasts: timedelta) -> list[Job]:
    """Take jobs whose time is over though their lane may be held, closed or not due."""
    rows = await store.select_expired(connection, kind, limit)
    jobs = [job_of(row, row["owner_id"], row["scopes"], kind, clock_at(row["now"]), None) for row in rows]
    if jobs:
        await store.lease_jobs(connection, jobs, lease_lasts)
    return jobs


def clock_at(now: datetime) -> SlotClock:
    """The clock of an instant that the database has just told. Never early: the answer was on its way for a moment."""
    return SlotClock(now, asyncio.get_running_loop().time())


async def _select_barred(connection: Connection, lanes: Sequence[Any]) -> list[tuple[Barred, Pace]]:
    """The bars of those who have a barred lane, each with its state as a budget."""
    owners = {lane["owner_id"] for lane in lanes if lane["is_barred"]}
    return [(bar, bar.pace()) for bar in await bars.select_bars(connection, owners)] if owners else []


def _of_lane(barred: Sequence[tuple[Barred, Pace]], lane: Any) -> dict[str, Pace]:
    """The states of a lane's bars, by scope."""
    return {bar.scope: pace for bar, pace in barred if bar.owner_id == lane["owner_id"] and bar.scope in lane["scopes"]}


def _urgent_first(lanes: Sequence[Any], candidates: Mapping[UUID, Sequence[Any]]) -> list[Any]:
    """The lanes in their order, but where several of one owner share budgets, the one with the most urgent job first.

    Owners keep their turns: what is urgent to one delays no other.
    """
    turns: dict[UUID, int] = {}
    for turn, lane in enumerate(lanes):
        turns.setdefault(lane["owner_id"], turn)

    def rank(lane: Any) -> tuple[int, int]:
        of_lane = candidates[lane["id"]]
        return turns[lane["owner_id"]], of_lane[0]["priority"] if of_lane else PRIORITIES[-1]

    return sorted(lanes, key=rank)


def _take(
    lane: Any, kind: str, candidates: Sequence[Any], paces: list[Pace], clock: SlotClock, room: int
) -> tuple[list[Job], datetime | None]:
    """The jobs taken from one lane, and the instant before which there is no use in looking at it again."""
    taken: list[Job] = []
    now = clock.now
    for row in candidates:
        if len(taken) >= room:
            break
        if row["expires_at"] <= now:
            taken.append(job_of(row, lane["owner_id"], lane["scopes"], kind, clock, None))
            continue
        if is_full(paces):
            # The end of a job in flight wakes the lane; this is for one whose worker died.
            return taken, now + HORIZON
        is_capped = any(pace.room is not None for pace in paces)
        if row["lease"] is not None or row["uncertain"]:
            # It looks before it sends, and takes the slots for both itself.
            occupy(paces)
            taken.append(job_of(row, lane["owner_id"], lane["scopes"], kind, clock, None, is_capped=is_capped))
            continue
        slot_at = earliest_slot(paces, now)
        ahead = look_ahead(paces)
        if slot_at > now + ahead:
            # Early enough that the next claim is made before the slots of this one are used up.
            return taken, slot_at - (ahead / 2 if ahead == HORIZON else ahead)
        take_slot(paces, slot_at)
        taken.append(job_of(row, lane["owner_id"], lane["scopes"], kind, clock, slot_at, is_capped=is_capped))
    return taken, None


def _spaced(
    jobs: list[Job], paces: Mapping[tuple[UUID, str], Pace], process_id: UUID | None, trials: tuple[str, ...]
) -> list[Job]:
    """The jobs with what it takes to keep their calls apart when they start late, and what their calls are to try."""
    limited = {key: pace for key, pace in paces.items() if pace.interval}
    spacings = tuple(Spacing(key, pace.spacing_s, pace.slack_s) for key, pace in limited.items())
    others = [pace.forgives_s for pace in limited.values() if pace.claimed_by not in (None, process_id)]
    late_after_s = min(others, default=math.inf)
    return [
        msgspec.structs.replace(job, spacings=spacings, late_after_s=late_after_s, trials=trials)
        if job.has_slot
        else job
        for job in jobs
    ]


def job_of(
    row: Any,
    owner_id: UUID,
    scopes: Sequence[str],
    kind: str,
    clock: SlotClock,
    slot_at: datetime | None,
    *,
    is_capped: bool = False,
) -> Job:
    """The job in a row, claimed by a new lease; `slot_at` None: without a slot."""
    offset_s = 0.0 if slot_at is None else (slot_at - clock.now).total_seconds()
    expired = row["expires_at"] <= clock.now
    interrupted = row["lease"] is not None
    uncertain = row["uncertain"] or interrupted
    return Job(
        id=row["id"],
        owner_id=owner_id,
        kind=kind,
        lease=uuid4(),
        scopes=tuple(scopes),
        attempts=row["attempts"] + (0 if expired else 1),
        claimed_at=clock.now,
        expires_at=row["expires_at"],
        start_in_s=max(0.0, offset_s),
        start_at=clock.loop_time + offset_s,
        has_slot=slot_at is not None,
        expired=expired,
        interrupted=interrupted,
        uncertain=uncertain,
        uncertain_since=row["uncertain_since"] if uncertain else clock.now,
        single_attempt=row["single_attempt"],
        is_capped=is_capped,
        fenced=row["fence"] is not None,
    )
