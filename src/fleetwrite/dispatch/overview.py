"""Dispatch at a glance, for operators. Cheap whatever waits: counts have bounds, and lists only what stands out."""

from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from fleetwrite.dispatch import bars, budget_store
from fleetwrite.dispatch.bars import Barred
from fleetwrite.dispatch.models import PRIORITIES
from fleetwrite.kit.database import Connection

MOST_COUNTED: Final = 100_000
"""Jobs of one kind are counted up to this; beyond it, it only matters that there are too many."""

MOST_COUNTED_OF_LANE: Final = 10_000
"""The same for one lane."""


class KindOverview(msgspec.Struct, frozen=True, kw_only=True):
    """All work of one kind.

    Attributes:
        jobs: waiting or under way, counted up to MOST_COUNTED.
        lanes: with work.
        held_lanes: those of them that send nothing.
        in_flight: jobs that a worker is trying.
        lost_leases: jobs whose worker has not reported in time; they are taken over.
        oldest_s: for how many seconds the oldest of the due jobs has been due.
    """

    kind: str
    jobs: int
    lanes: int
    held_lanes: int
    in_flight: int
    lost_leases: int
    oldest_s: float | None


class LaneOverview(msgspec.Struct, frozen=True, kw_only=True):
    """A lane with work: whose it is, how many jobs it has (counted up to a bound), and how long the oldest is due."""

    owner_id: UUID
    kind: str
    scopes: tuple[str, ...]
    held: bool
    jobs: int
    oldest_s: float | None


class BudgetOverview(msgspec.Struct, frozen=True, kw_only=True):
    """A budget that slows its lanes down: closed for so many seconds, or lowered to a share of its limit."""

    owner_id: UUID
    scope: str
    requests: int | None
    per_seconds: float | None
    closed_s: float
    granted: float


class DispatchOverview(msgspec.Struct, frozen=True, kw_only=True):
    """What stands out. `bars` are calls that owners are denied."""

    at: datetime
    kinds: list[KindOverview]
    lanes: list[LaneOverview]
    budgets: list[BudgetOverview]
    bars: list[Barred]


async def overview(connection: Connection, most: int) -> DispatchOverview:
    """Dispatch as it stands, with up to `most` lanes, budgets and bars: those that wait longest."""
    at: datetime = await connection.fetchval("SELECT fleetwrite_now()")
    lanes = [
        LaneOverview(**{**row, "scopes": tuple(row["scopes"])})
        for row in await connection.fetch(
            """
            SELECT owner_id, kind, scopes, held, extract(epoch FROM $2 - first_due_at)::float8 AS oldest_s,
                   (SELECT count(*) FROM (SELECT 1 FROM jobs WHERE lane_id = waiting.id LIMIT $4) AS bounded) AS jobs
            FROM (
                SELECT lanes.*, (
                    SELECT min(first.due_at) FROM unnest($3::smallint[]) AS ranks (priority)
                    CROSS JOIN LATERAL (
                        SELECT jobs.due_at FROM jobs WHERE lane_id = lanes.id AND jobs.priority = ranks.priority
                        ORDER BY jobs.due_at LIMIT 1
                    ) AS first WHERE first.due_at <= $2
                ) AS first_due_at
                FROM lanes WHERE due_at < 'infinity' ORDER BY first_due_at NULLS LAST, id LIMIT $1
            ) AS waiting
            """,
            most,
            at,
            PRIORITIES,
            MOST_COUNTED_OF_LANE,
        )
    ]
    return DispatchOverview(
        at=at,
        kinds=await _kinds(connection, at),
        lanes=lanes,
        budgets=await _budgets(connection, at, most),
        bars=await bars.select_oldest(connection, most),
    )


async def lag_s(connection: Connection) -> dict[str, float]:
    """For each kind, how many seconds ago the longest waiting lane became due; kinds with nothing due are left out."""
    rows = await connection.fetch(
        """
        SELECT kind, extract(epoch FROM fleetwrite_now() - min(due_at))::float8 AS lag_s FROM lanes
        WHERE NOT held AND due_at <= fleetwrite_now() GROUP BY kind
        """
    )
    return {row["kind"]: row["lag_s"] for row in rows}


async def _kinds(connection: Connection, at: datetime) -> list[KindOverview]:
    rows = await connection.fetch(
        """
        SELECT kinds.kind, lanes, held_lanes, coalesce(in_flight, 0) AS in_flight, coalesce(lost, 0) AS lost_leases,
               extract(epoch FROM $1 - first_due_at)::float8 AS oldest_s,
               (SELECT count(*) FROM (SELECT 1 FROM jobs WHERE jobs.kind = kinds.kind LIMIT $2) AS bounded) AS jobs
        FROM (
            SELECT kind, count(*) FILTER (WHERE due_at < 'infinity') AS lanes,
                   count(*) FILTER (WHERE due_at < 'infinity' AND held) AS held_lanes,
                   min((
                       SELECT min(first.due_at) FROM unnest($3::smallint[]) AS ranks (priority)
                       CROSS JOIN LATERAL (
                           SELECT jobs.due_at FROM jobs WHERE lane_id = all_lanes.id AND jobs.priority = ranks.priority
                           ORDER BY jobs.due_at LIMIT 1
                       ) AS first WHERE first.due_at <= $1
                   )) AS first_due_at
            FROM lanes AS all_lanes GROUP BY kind
        ) AS kinds
        LEFT JOIN (
            SELECT kind, count(*) FILTER (WHERE due_at > $1) AS in_flight, count(*) FILTER (WHERE due_at <= $1) AS lost
            FROM jobs WHERE lease IS NOT NULL GROUP BY kind
        ) AS leases USING (kind) ORDER BY kind
        """,
        at,
        MOST_COUNTED,
        PRIORITIES,
    )
    return [KindOverview(**row) for row in rows]


async def _budgets(connection: Connection, at: datetime, most: int) -> list[BudgetOverview]:
    rows = await connection.fetch(
        """
        SELECT owner_id, scope, requests, per_seconds, next_at, closed_until, in_flight, share, lowered_at FROM budgets
        WHERE closed_until > $1 OR share < 1 ORDER BY closed_until DESC, owner_id, scope LIMIT $2
        """,
        at,
        most,
    )
    found = [
        BudgetOverview(
            owner_id=row["owner_id"],
            scope=row["scope"],
            requests=row["requests"],
            per_seconds=row["per_seconds"],
            closed_s=max(0.0, (row["closed_until"] - at).total_seconds()),
            granted=budget_store.granted_of(row, at),
        )
        for row in rows
    ]
    return [budget for budget in found if budget.closed_s or budget.granted < 1]
