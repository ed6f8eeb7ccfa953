"""Restore fences: jobs that a backup brought back are looked up, or wait for the operator, before anything is sent."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from fleetwrite.dispatch import lane_store, store
from fleetwrite.dispatch.models import Job
from fleetwrite.kit.database import Connection


class Fence(msgspec.Struct, frozen=True, kw_only=True):
    """A fence that was raised.

    Attributes:
        raised_at: when.
        fenced: how many jobs were pending then.
        is_new: False where it stood already and nothing was changed.
    """

    raised_at: datetime
    fenced: int
    is_new: bool


async def raise_fence(connection: Connection, kind: str, *, again: bool = False) -> Fence:
    """Fence all jobs of `kind`, once for each restore: a second run leaves alone what was enqueued since the first.

    Nobody may be working on them. `again`: fence also where this restore seems to be fenced already.
    """
    generation = await _generation(connection)
    raised = await connection.fetchrow("SELECT * FROM restore_fences WHERE generation = $1", generation)
    if raised is not None and not again:
        return Fence(raised_at=raised["raised_at"], fenced=raised["fenced"], is_new=False)
    lanes = await connection.fetch(
        """
        UPDATE jobs SET fence = 'looking', uncertain = true, lease = NULL,
               due_at = CASE WHEN due_at = 'infinity' THEN due_at
                        ELSE GREATEST(fleetwrite_now(), not_before) END
        WHERE kind = $1 AND fence IS DISTINCT FROM 'withheld' RETURNING lane_id
        """,
        kind,
    )
    await lane_store.wake_lanes(connection, [row["lane_id"] for row in lanes], [0.0] * len(lanes))
    (raised,) = await connection.fetch(
        """
        INSERT INTO restore_fences (generation, raised_at, fenced) VALUES ($1, fleetwrite_now(), $2)
        ON CONFLICT (generation) DO UPDATE SET raised_at = EXCLUDED.raised_at, fenced = EXCLUDED.fenced
        RETURNING raised_at, fenced
        """,
        generation,
        len(lanes),
    )
    return Fence(raised_at=raised["raised_at"], fenced=raised["fenced"], is_new=True)


async def count_looking(connection: Connection, kind: str) -> int:
    """How many fenced jobs are still to be looked up."""
    count: int = await connection.fetchval("SELECT count(*) FROM jobs WHERE kind = $1 AND fence = 'looking'", kind)
    return count


async def select_withheld(connection: Connection, kind: str) -> dict[UUID, datetime]:
    """When each withheld job expires, in the order accepted."""
    rows = await connection.fetch(
        "SELECT id, expires_at FROM jobs WHERE kind = $1 AND fence = 'withheld' ORDER BY position", kind
    )
    return {row["id"]: row["expires_at"] for row in rows}


async def release_withheld(connection: Connection, kind: str, job_ids: Sequence[UUID] | None) -> list[UUID]:
    """Let withheld jobs (None: all) be tried as if for the first time; returns those that were."""
    await _lock_owners_of(connection, kind, job_ids)
    rows = await connection.fetch(
        """
        UPDATE jobs SET fence = NULL, uncertain = false, due_at = GREATEST(fleetwrite_now(), not_before)
        WHERE kind = $1 AND fence = 'withheld' AND ($2::uuid[] IS NULL OR id = ANY($2::uuid[])) RETURNING id, lane_id
        """,
        kind,
        job_ids,
    )
    if rows:
        await lane_store.wake_lanes(connection, [row["lane_id"] for row in rows], [0.0] * len(rows))
        await store.notify(connection)
    return [row["id"] for row in rows]


async def claim_withheld(
    connection: Connection, kind: str, job_ids: Sequence[UUID] | None, lease_lasts: timedelta
) -> list[Job]:
    """Take withheld jobs (None: all) in order to end them. One that is not ended then is withheld again."""
    await _lock_owners_of(connection, kind, job_ids)
    rows = await connection.fetch(
        """
        UPDATE jobs SET fence = 'looking', lease = gen_random_uuid(), due_at = fleetwrite_now() + $3
        FROM lanes WHERE lanes.id = jobs.lane_id
          AND jobs.kind = $1 AND fence = 'withheld' AND ($2::uuid[] IS NULL OR jobs.id = ANY($2::uuid[]))
        RETURNING fleetwrite_now() AS now, jobs.id, jobs.owner_id, scopes, jobs.lease, attempts, expires_at, lane_id
        """,
        kind,
        job_ids,
        lease_lasts,
    )
    delays_s = [lease_lasts.total_seconds()] * len(rows)
    await lane_store.wake_lanes(connection, [row["lane_id"] for row in rows], delays_s)
    return [
        Job(
            id=row["id"],
            owner_id=row["owner_id"],
            kind=kind,
            lease=row["lease"],
            scopes=tuple(row["scopes"]),
            attempts=row["attempts"],
            claimed_at=row["now"],
            expires_at=row["expires_at"],
            has_slot=False,
            uncertain=True,
            fenced=True,
        )
        for row in rows
    ]


async def _lock_owners_of(connection: Connection, kind: str, job_ids: Sequence[UUID] | None) -> None:
    owners = await connection.fetch(
        "SELECT DISTINCT owner_id FROM jobs"
        " WHERE kind = $1 AND fence = 'withheld' AND ($2::uuid[] IS NULL OR id = ANY($2::uuid[]))",
        kind,
        job_ids,
    )
    await store.lock_owners(connection, [row["owner_id"] for row in owners])


async def _generation(connection: Connection) -> str:
    """What no two restores have in common, however they were made.

    A copy or a dump restored into a new database has an id of its own, one restored over an old database has new
    tables, and files put back in place want a new start of the server. Where none of it changed, nothing was restored;
    where one changes for another reason, a second run fences more than it has to, which is safe.
    """
    generation: str = await connection.fetchval(
        """
        SELECT concat_ws('/', oid, pg_relation_filenode('restore_fences'), pg_postmaster_start_time())
        FROM pg_database WHERE datname = current_database()
        """
    )
    return generation
