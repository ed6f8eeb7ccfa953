"""All SQL of lanes; for the order of locks see `store`."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from fleetwrite.dispatch.models import PRIORITIES, Lane
from fleetwrite.kit.database import Connection

GRACE: Final = timedelta(milliseconds=25)
"""So long a due lane is left to the process that had it last. Lanes are looked at HORIZON / 2 or JUST_IN_TIME before a
slot, so that another one that has to step in is still in time."""

STAYS_FOR: Final = timedelta(seconds=1)
"""A lane of which nothing was taken for so long belongs to nobody: a lone write is not to wait for GRACE."""


async def ensure_lanes(connection: Connection, lanes: Iterable[Lane]) -> None:
    by_id = {lane.id: lane for lane in lanes}
    known = await connection.fetch("SELECT id FROM lanes WHERE id = ANY($1::uuid[])", list(by_id))
    missing = by_id.keys() - {row["id"] for row in known}
    for lane_id in sorted(missing, key=lambda lane_id: (by_id[lane_id].owner_id, lane_id)):
        lane = by_id[lane_id]
        await connection.execute(
            """
            INSERT INTO lanes (id, owner_id, kind, scopes, held)
            SELECT $1, id, $3, $4::text[], held OR shut_by IS NOT NULL FROM lane_owners WHERE id = $2 FOR SHARE
            ON CONFLICT (id) DO NOTHING
            """,
            lane_id,
            lane.owner_id,
            lane.kind,
            list(lane.scopes),
        )


async def wake_lanes(connection: Connection, lane_ids: Iterable[UUID], delays_s: Iterable[float]) -> None:
    """Let each lane be due no later than its delay from now."""
    # The comparison is with the locked row: a claim that puts the lane to sleep at the same time may have changed it
    # after this statement's snapshot, and what was due there must not pass for due still.
    await connection.execute(
        """
        WITH wake AS (
            SELECT id, min(delay_s) AS delay_s FROM unnest($1::uuid[], $2::float8[]) AS w (id, delay_s) GROUP BY id
        ), locked AS (
            SELECT lanes.id, due_at, delay_s FROM lanes JOIN wake USING (id)
            ORDER BY lanes.id FOR NO KEY UPDATE OF lanes
        )
        UPDATE lanes SET due_at = fleetwrite_now() + make_interval(secs => delay_s)
        FROM locked WHERE lanes.id = locked.id AND locked.due_at > fleetwrite_now() + make_interval(secs => delay_s)
        """,
        list(lane_ids),
        list(delays_s),
    )


async def select_waiting_lanes(connection: Connection, owner_ids: Iterable[UUID]) -> list[UUID]:
    """The lanes with work for these owners, and for those who share an account with one of them."""
    rows = await connection.fetch(
        """
        SELECT id FROM lanes WHERE due_at < 'infinity' AND owner_id IN (
            SELECT sharing.id FROM lane_owners JOIN lane_owners sharing
                ON sharing.id = lane_owners.id OR sharing.account_id = lane_owners.account_id
            WHERE lane_owners.id = ANY($1::uuid[]))
        """,
        list(owner_ids),
    )
    return [row["id"] for row in rows]


async def lock_due_lanes(connection: Connection, kind: str, limit: int, process_id: UUID | None) -> list[Any]:
    """Up to `limit` due lanes of `kind`, locked, longest waiting first, each with its owner's account, and whether its
    calls are barred.

    A lane that another process had work of just now is left to that one for GRACE.
    """
    return await connection.fetch(
        """
        WITH due AS MATERIALIZED (
            SELECT id, owner_id, scopes, due_at FROM lanes
            WHERE kind = $1 AND NOT held AND due_at <= fleetwrite_now()
              AND (claimed_by IS NULL OR claimed_by = $3 OR due_at <= fleetwrite_now() - $4::interval
                   OR claimed_at <= fleetwrite_now() - $5::interval)
            ORDER BY due_at LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED
        )
        SELECT due.*, account_id, EXISTS (
            SELECT FROM bars WHERE bars.owner_id = due.owner_id AND scope = ANY(due.scopes)
        ) AS is_barred FROM due JOIN lane_owners ON lane_owners.id = due.owner_id ORDER BY due.due_at
        """,
        kind,
        limit,
        process_id,
        GRACE,
        STAYS_FOR,
    )


async def reschedule_lanes(
    connection: Connection,
    lane_ids: Sequence[UUID],
    not_before: Sequence[datetime | None],
    gave_work: Sequence[bool],
    process_id: UUID | None,
) -> None:
    """Let each lane be due when its first job is, but not before the given instant (None: no such bound), and note who
    took work of it.
    """
    # The first of each priority, by the index: the least of all would be looked for among all jobs of the lane.
    await connection.execute(
        """
        UPDATE lanes SET due_at = GREATEST(COALESCE((
            SELECT min(first.due_at) FROM unnest($3::smallint[]) AS ranks (priority)
            CROSS JOIN LATERAL (
                SELECT jobs.due_at FROM jobs WHERE jobs.lane_id = lanes.id AND jobs.priority = ranks.priority
                ORDER BY jobs.due_at LIMIT 1
            ) AS first
        ), 'infinity'), at.not_before),
            claimed_by = CASE WHEN at.gave_work THEN $5 ELSE claimed_by END,
            claimed_at = CASE WHEN at.gave_work THEN fleetwrite_now() ELSE claimed_at END
        FROM unnest($1::uuid[], $2::timestamptz[], $4::bool[]) AS at (id, not_before, gave_work)
        WHERE lanes.id = at.id
        """,
        list(lane_ids),
        list(not_before),
        PRIORITIES,
        list(gave_work),
        process_id,
    )


async def is_wanted(
    connection: Connection, keepers: Mapping[UUID, Collection[str]], kind: str, until: datetime
) -> bool:
    """Whether work of another kind has a turn, until that instant, in a lane under one of these budgets.

    Args:
        connection: in the caller's transaction.
        keepers: who keeps the budgets, an owner or its account -> their scopes.
        kind: of the asking lane's jobs.
        until: a turn that comes later is left out.
    """
    wanted: bool = await connection.fetchval(
        """
        SELECT EXISTS (
            SELECT FROM unnest($1::uuid[], $2::text[]) AS k (keeper_id, scope)
            JOIN lane_owners o ON o.id = k.keeper_id OR o.account_id = k.keeper_id
            JOIN lanes l ON l.owner_id = o.id
            WHERE l.kind <> $3 AND NOT l.held AND l.due_at <= $4 AND k.scope = ANY(l.scopes)
        )
        """,
        [keeper_id for keeper_id, scopes in keepers.items() for _ in scopes],
        [scope for scopes in keepers.values() for scope in scopes],
        kind,
        until,
    )
    return wanted


async def seconds_until_due(connection: Connection, kind: str, process_id: UUID | None) -> float | None:
    """Seconds until this process should look at the lanes of `kind` again (0 or less: now); None when none is waiting
    for anything.
    """
    due: float | None = await connection.fetchval(
        """
        SELECT min(extract(epoch FROM look_at - fleetwrite_now())::float8) FROM (
            (SELECT due_at + CASE WHEN claimed_by IS NULL OR claimed_by = $2
                                       OR claimed_at <= fleetwrite_now() - $4::interval
                                  THEN interval '0' ELSE $3::interval END AS look_at
             FROM lanes WHERE kind = $1 AND NOT held AND due_at < 'infinity' ORDER BY due_at LIMIT 1)
            UNION ALL
            (SELECT due_at FROM lanes
             WHERE kind = $1 AND NOT held AND claimed_by = $2 AND due_at < 'infinity' ORDER BY due_at LIMIT 1)
        ) AS looks
        """,
        kind,
        process_id,
        GRACE,
        STAYS_FOR,
    )
    return due
