"""What can be told of waiting work: its place, what it waits for, and when its turn may come."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

import msgspec

from fleetwrite.dispatch import budget_store
from fleetwrite.dispatch.models import PRIORITIES, Lane
from fleetwrite.kit.clock import database_now
from fleetwrite.kit.database import Connection

MOST_COUNTED: Final = 100_000
"""A place in a queue is counted up to this: beyond it, it only matters that the queue is long."""

FURTHEST: Final = timedelta(days=3650)
"""Turns further away than this are not told apart: a call a month makes a queue reach beyond the calendar."""


class WaitState(StrEnum):
    """Why a job is not done yet."""

    IN_FLIGHT = "in_flight"
    BEHIND = "behind"
    HELD = "held"
    SCHEDULED = "scheduled"
    BACKING_OFF = "backing_off"
    READY = "ready"


class BudgetView(msgspec.Struct, frozen=True, kw_only=True):
    """A budget as it stands.

    Attributes:
        scope: which calls it limits.
        requests, per_seconds: the limit; None: there is none.
        in_flight: how many calls may be under way at a time; None: any number.
        granted: the share of the limit that the provider is taken to grant now, after it refused calls.
        next_slot_at: when the next call may start.
        closed_until: the provider takes nothing before; None: it is open.
    """

    scope: str
    requests: int | None
    per_seconds: float | None
    in_flight: int | None
    granted: float
    next_slot_at: datetime
    closed_until: datetime | None


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """Where a job stands.

    Attributes:
        state: `ready` waits for nothing but its turn; `backing_off` failed and waits to be tried again; `scheduled` is
            not to be sent earlier; `behind` waits for an earlier write to the same record; `held` belongs to a
            connection that sends nothing now, or waits for the operator's word after a restore; `in_flight` is tried.
        position: its place in its lane, from 1; counted up to 100,001. None where it is not its turn that it waits for.
        estimated_start_at: when its turn comes if nothing more urgent does; None where that can not be said.
        not_before: as wished when it was accepted.
        attempts: how often it was tried.
        priority: 0 goes first, 3 last.
        behind_operation_id: what it waits for, in state `behind`; None to a partner whose operation it is not.
        waits_for_scope: the budget that lets it wait longest; None: no budget does.
        budgets: all that it falls under.
    """

    state: WaitState
    position: int | None
    estimated_start_at: datetime | None
    not_before: datetime | None
    attempts: int
    priority: int
    behind_operation_id: UUID | None
    waits_for_scope: str | None
    budgets: list[BudgetView]


class Slots(msgspec.Struct, frozen=True):
    """The slots that a budget has to give: the first of them, and how far apart they are."""

    scope: str
    next_at: datetime
    interval: timedelta


def turn(slots: Sequence[Slots], due_at: datetime, ahead: int) -> tuple[datetime, str | None]:
    """When the turn of a job comes that is due at `due_at`, and the budget that decides that; None: none does.

    Args:
        slots: those of all budgets that it falls under.
        due_at: before that it is not its turn anyway.
        ahead: how many others go before it.
    """
    at, scope = due_at, None
    for of_budget in slots:
        slot_at = of_budget.next_at + min(of_budget.interval * ahead, FURTHEST)
        if slot_at > at:
            at, scope = slot_at, of_budget.scope
    return at, scope


async def select_slots(connection: Connection, lane: Lane) -> tuple[datetime, list[Slots]]:
    """The database's time, and the slots that a lane's budgets have to give, whoever is let use them."""
    now = await database_now(connection)
    rows = await budget_store.select_states(connection, lane.owner_id, lane.scopes, with_bars=False)
    return now, [_slots(row, now) for row in rows]


async def count_due(connection: Connection, lane: Lane, now: datetime) -> list[int]:
    """How many jobs of a lane are due at `now`, for each of `PRIORITIES`; counted up to `MOST_COUNTED` each."""
    rows = await connection.fetch(
        """
        SELECT (
            SELECT count(*) FROM (
                SELECT 1 FROM jobs WHERE lane_id = $1 AND jobs.priority = ranks.priority AND due_at <= $3 LIMIT $4
            ) AS due
        ) AS jobs FROM unnest($2::smallint[]) WITH ORDINALITY AS ranks (priority, nth) ORDER BY nth
        """,
        lane.id,
        PRIORITIES,
        now,
        MOST_COUNTED,
    )
    return [row["jobs"] for row in rows]


async def waiting(connection: Connection, job_id: UUID) -> Waiting | None:
    """Where the job of this id stands; None: there is none, or not any more."""
    job = await connection.fetchrow(
        """
        SELECT fleetwrite_now() AS now, jobs.id, jobs.owner_id, lane_id, position, priority, attempts, not_before,
               order_key, lease, fence, NULLIF(jobs.due_at, 'infinity') AS due_at, lanes.scopes, lanes.held
        FROM jobs JOIN lanes ON lanes.id = lane_id WHERE jobs.id = $1
        """,
        job_id,
    )
    if job is None:
        return None
    budgets = await budget_store.select_states(connection, job["owner_id"], job["scopes"], with_bars=True)
    state = _state(job)
    ahead = 0 if state is not WaitState.READY else await _count_ahead(connection, job)
    now = job["now"]
    starts_at, scope = turn([_slots(row, now) for row in budgets], max(now, job["due_at"] or now), ahead)
    in_line = state not in (WaitState.IN_FLIGHT, WaitState.BEHIND, WaitState.HELD)
    return Waiting(
        state=state,
        position=ahead + 1 if state is WaitState.READY else None,
        estimated_start_at=starts_at if in_line else None,
        not_before=job["not_before"],
        attempts=job["attempts"],
        priority=job["priority"],
        behind_operation_id=await _blocker(connection, job) if state is WaitState.BEHIND else None,
        waits_for_scope=scope if in_line else None,
        budgets=[_view(row, job["now"]) for row in budgets],
    )


async def count_of_owner(connection: Connection, owner_id: UUID, kind: str) -> int:
    """How many jobs of this kind an owner has, counted up to `MOST_COUNTED`."""
    count: int = await connection.fetchval(
        """
        SELECT count(*) FROM (
            SELECT 1 FROM jobs WHERE lane_id IN (SELECT id FROM lanes WHERE owner_id = $1 AND kind = $2) LIMIT $3
        ) AS jobs_of_owner
        """,
        owner_id,
        kind,
        MOST_COUNTED,
    )
    return count


def _state(job: Any) -> WaitState:
    if job["lease"] is not None:
        return WaitState.IN_FLIGHT
    if job["held"] or job["fence"] == "withheld":
        return WaitState.HELD
    if job["due_at"] is None:
        return WaitState.BEHIND
    if job["due_at"] > job["now"]:
        return WaitState.BACKING_OFF if job["attempts"] else WaitState.SCHEDULED
    return WaitState.READY


def _slots(row: Any, now: datetime) -> Slots:
    pace = budget_store.pace_of(row, now)
    return Slots(row["scope"], max(now, pace.due_at), pace.interval)


def _view(row: Any, now: datetime) -> BudgetView:
    pace = budget_store.pace_of(row, now)
    return BudgetView(
        scope=row["scope"],
        requests=row["requests"],
        per_seconds=row["per_seconds"],
        in_flight=row["in_flight"],
        granted=budget_store.granted_of(row, now),
        next_slot_at=max(now, pace.due_at),
        closed_until=pace.closed_until if pace.closed_until > now else None,
    )


async def _count_ahead(connection: Connection, job: Any) -> int:
    ahead: int = await connection.fetchval(
        """
        SELECT count(*) FROM (
            SELECT 1 FROM jobs WHERE lane_id = $1 AND lease IS NULL AND due_at <= $5
            AND (priority < $2 OR (priority = $2 AND (due_at, position) < ($3, $4))) LIMIT $6
        ) AS before
        """,
        job["lane_id"],
        job["priority"],
        job["due_at"],
        job["position"],
        job["now"],
        MOST_COUNTED,
    )
    return ahead


async def _blocker(connection: Connection, job: Any) -> UUID | None:
    blocker: UUID | None = await connection.fetchval(
        """
        SELECT id FROM jobs WHERE owner_id = $1 AND order_key = $2 AND position < $3 ORDER BY position DESC LIMIT 1
        """,
        job["owner_id"],
        job["order_key"],
        job["position"],
    )
    return blocker
