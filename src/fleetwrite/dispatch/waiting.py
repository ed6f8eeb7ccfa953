"""What is done to jobs that wait: let them be, hurry them, try one of a held lane. Locks: see `dispatch.store`."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from uuid import UUID

from fleetwrite.dispatch import store
from fleetwrite.dispatch.claims import clock_at, job_of
from fleetwrite.dispatch.models import Job
from fleetwrite.kit.database import Connection


async def lock_untried(connection: Connection, owner_ids: Collection[UUID], job_ids: Collection[UUID]) -> set[UUID]:
    """Those of these jobs of these owners at which no attempt was begun; until the transaction ends none is.

    Jobs that somebody else has locked are left out.
    """
    await store.lock_owners(connection, owner_ids)
    rows = await connection.fetch(
        """
        SELECT id FROM jobs WHERE id = ANY($1::uuid[]) AND lease IS NULL AND attempts = 0
        ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
        """,
        list(job_ids),
    )
    return {row["id"] for row in rows}


async def reorder(connection: Connection, owner_id: UUID, due_at: Mapping[UUID, datetime]) -> None:
    """Let jobs of an owner that nobody works on be due at these instants, which gives them their order in the lane."""
    await store.lock_owners(connection, [owner_id])
    await connection.execute(
        """
        WITH wanted AS (
            SELECT * FROM unnest($1::uuid[], $2::timestamptz[]) AS wanted (id, due_at)
        ), locked AS (
            SELECT jobs.id, wanted.due_at FROM jobs JOIN wanted USING (id)
            WHERE lease IS NULL ORDER BY jobs.id FOR NO KEY UPDATE OF jobs
        )
        UPDATE jobs SET due_at = locked.due_at FROM locked WHERE jobs.id = locked.id
        """,
        list(due_at.keys()),
        list(due_at.values()),
    )


async def claim_held(connection: Connection, owner_id: UUID, lease_lasts: timedelta) -> Job | None:
    """Take one job of an owner whose lanes are held, to try whether work of its gets through; None: nothing waits.

    The one that was tried least, so that a job that can not succeed is not the one that tries for ever. It has no slot.
    """
    row = await connection.fetchrow(
        """
        SELECT fleetwrite_now() AS now, jobs.id, kind, scopes, attempts, expires_at, lease, uncertain, uncertain_since,
               single_attempt, fence
        FROM jobs JOIN (SELECT id AS lane_id, scopes FROM lanes WHERE owner_id = $1 AND held) AS held USING (lane_id)
        WHERE due_at < 'infinity' AND (lease IS NULL OR due_at <= fleetwrite_now())
        ORDER BY attempts, position LIMIT 1 FOR NO KEY UPDATE OF jobs SKIP LOCKED
        """,
        owner_id,
    )
    if row is None:
        return None
    job = job_of(row, owner_id, row["scopes"], row["kind"], clock_at(row["now"]), None)
    await store.lease_jobs(connection, [job], lease_lasts)
    return job
