"""Claiming: one transaction that takes due jobs, with a slot in all of their budgets each."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from fleetwrite.dispatch import store
from fleetwrite.dispatch.models import Job
from fleetwrite.dispatch.pacing import HORIZON, Pace, earliest_slot, take_slot
from fleetwrite.kit.database import Connection

JOBS_PER_LANE = 32
"""At most so many jobs of one lane in one claim, so that a deep lane leaves room for the others."""


async def claim(connection: Connection, kind: str, limit: int, lease_lasts: timedelta) -> list[Job]:
    """Take up to `limit` due jobs of `kind`, none of which must start later than HORIZON from now.

    Must run in a transaction of its own. A job whose time is over comes back as expired, one whose last attempt never
    reported as interrupted; both without a slot.
    """
    now, lanes = await store.lock_due_lanes(connection, kind, limit)
    if not lanes:
        return []
    budgets = await store.lock_budgets(connection, [lane["owner_id"] for lane in lanes])
    paces = {
        (row["owner_id"], row["scope"]): Pace.of(
            row["requests"], row["per_seconds"], row["next_at"], row["closed_until"]
        )
        for row in budgets
    }
    untouched = {key: pace.next_at for key, pace in paces.items()}
    per_lane = min(JOBS_PER_LANE, limit)
    # One more than may be taken, to know whether the lane has more to give.
    rows = await store.select_due_jobs(connection, [lane["id"] for lane in lanes], per_lane + 1)
    candidates: dict[UUID, list[Any]] = {lane["id"]: [] for lane in lanes}
    for row in rows:
        candidates[row["lane_id"]].append(row)

    jobs: list[Job] = []
    not_before: list[datetime | None] = []
    for lane in lanes:
        lane_paces = [paces[lane["owner_id"], scope] for scope in lane["scopes"] if (lane["owner_id"], scope) in paces]
        room = min(per_lane, limit - len(jobs))
        taken, bound = _take(lane, kind, candidates[lane["id"]], lane_paces, now, room)
        jobs.extend(taken)
        not_before.append(bound)
    if jobs:
        await store.lease_jobs(connection, jobs, lease_lasts)
        used = [(*key, pace.next_at) for key, pace in paces.items() if pace.next_at != untouched[key]]
        await store.update_next_at(connection, used)
    await store.reschedule_lanes(connection, [lane["id"] for lane in lanes], not_before)
    return jobs


async def claim_expired(connection: Connection, kind: str, limit: int, lease_lasts: timedelta) -> list[Job]:
    """Take jobs whose time is over though their lane may be held, closed or not due."""
    rows = await store.select_expired(connection, kind, limit)
    jobs = [_job(row, row["owner_id"], row["scopes"], kind, row["now"], None) for row in rows]
    if jobs:
        await store.lease_jobs(connection, jobs, lease_lasts)
    return jobs


def _take(
    lane: Any, kind: str, candidates: Sequence[Any], paces: list[Pace], now: datetime, room: int
) -> tuple[list[Job], datetime | None]:
    """The jobs taken from one lane, and the instant before which there is no use in looking at it again."""
    taken: list[Job] = []
    for row in candidates:
        if len(taken) >= room:
            break
        without_slot = row["expires_at"] <= now or row["lease"] is not None or row["uncertain"]
        if without_slot:
            taken.append(_job(row, lane["owner_id"], lane["scopes"], kind, now, None))
            continue
        slot_at = earliest_slot(paces, now)
        if slot_at > now + HORIZON:
            # Half a horizon early, so that the next claim is made before the slots of this one are used up.
            return taken, slot_at - HORIZON / 2
        take_slot(paces, slot_at)
        taken.append(_job(row, lane["owner_id"], lane["scopes"], kind, now, slot_at))
    return taken, None


def _job(row: Any, owner_id: UUID, scopes: Sequence[str], kind: str, now: datetime, slot_at: datetime | None) -> Job:
    expired = row["expires_at"] <= now
    interrupted = row["lease"] is not None
    return Job(
        id=row["id"],
        owner_id=owner_id,
        kind=kind,
        lease=uuid4(),
        scopes=tuple(scopes),
        attempts=row["attempts"] + (0 if expired else 1),
        claimed_at=now,
        expires_at=row["expires_at"],
        start_in_s=0.0 if slot_at is None else (slot_at - now).total_seconds(),
        has_slot=slot_at is not None,
        expired=expired,
        interrupted=interrupted,
        uncertain=row["uncertain"] or interrupted,
        single_attempt=row["single_attempt"],
    )
