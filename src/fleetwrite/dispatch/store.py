"""All SQL of owners and jobs; that of lanes is in `lane_store`.

Locks are taken in one order by everybody, so that nobody waits in a circle: owners against being deleted, leased jobs,
order keys (advisory), owners against being held or shut, lanes, budgets, bars. Claims lock lanes and jobs with SKIP
LOCKED and so never wait for either.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any
from uuid import UUID

from fleetwrite.dispatch.models import PRIORITIES, Again, Job, NewJob
from fleetwrite.kit.database import Connection

CHANNEL = "fleetwrite_dispatch"
OrderKey = tuple[UUID, str]


async def insert_owner(
    connection: Connection, owner_id: UUID, kind: str, *, held: bool = False, account_id: UUID | None = None
) -> None:
    """Insert an owner; an account that is there already stays as it is."""
    await connection.execute(
        "INSERT INTO lane_owners (id, kind, held, account_id) VALUES ($1, $2, $3, $4) ON CONFLICT (id) DO NOTHING",
        owner_id,
        kind,
        held,
        account_id,
    )


async def lock_owners(connection: Connection, owner_ids: Iterable[UUID]) -> None:
    """Until the end of the transaction these owners are not deleted; any number of transactions may hold that."""
    await connection.execute(
        "SELECT 1 FROM lane_owners WHERE id = ANY($1::uuid[]) ORDER BY id FOR KEY SHARE", sorted(set(owner_ids))
    )


async def delete_owner(connection: Connection, owner_id: UUID) -> None:
    """Delete an owner with its lanes, budgets and jobs."""
    # Locked one after the other: the cascade of a single DELETE would take them in an order of its own.
    await connection.execute("SELECT 1 FROM lane_owners WHERE id = $1 FOR UPDATE", owner_id)
    await connection.execute("SELECT 1 FROM lanes WHERE owner_id = $1 ORDER BY id FOR UPDATE", owner_id)
    await connection.execute("DELETE FROM lane_owners WHERE id = $1", owner_id)


async def set_due_now(connection: Connection, owner_id: UUID) -> None:
    """Let the owner's lanes be looked at anew: what they waited for may have changed."""
    await connection.execute(
        """
        WITH locked AS (
            SELECT id FROM lanes WHERE owner_id = $1 AND due_at < 'infinity' ORDER BY id FOR NO KEY UPDATE
        )
        UPDATE lanes SET due_at = LEAST(due_at, fleetwrite_now()) FROM locked WHERE lanes.id = locked.id
        """,
        owner_id,
    )


async def lock_order_keys(connection: Connection, keys: Iterable[OrderKey]) -> None:
    """Until the end of the transaction nobody else enqueues or settles jobs with these keys."""
    numbers = {
        int.from_bytes(blake2b(owner.bytes + key.encode(), digest_size=8).digest(), "big", signed=True)
        for owner, key in keys
    }
    if numbers:
        await connection.execute(
            "SELECT pg_advisory_xact_lock(n) FROM (SELECT n FROM unnest($1::bigint[]) AS n ORDER BY n) AS sorted",
            list(numbers),
        )


async def select_occupied(connection: Connection, keys: Sequence[OrderKey]) -> set[OrderKey]:
    """Those of `keys` that have unfinished jobs."""
    rows = await connection.fetch(
        """
        SELECT DISTINCT owner_id, order_key FROM jobs
        JOIN unnest($1::uuid[], $2::text[]) AS wanted (owner_id, order_key) USING (owner_id, order_key)
        """,
        [owner for owner, _ in keys],
        [key for _, key in keys],
    )
    return {(row["owner_id"], row["order_key"]) for row in rows}


async def insert_jobs(connection: Connection, jobs: Sequence[tuple[NewJob, bool]]) -> list[tuple[UUID, float]]:
    """Insert jobs; the flag says whether a job is parked behind another with its order key.

    Returns the lane of each that is not parked, and the seconds until it is due.
    """
    rows = await connection.fetch(
        """
        INSERT INTO jobs (id, lane_id, owner_id, kind, order_key, due_at, expires_at, attempts, single_attempt, lease,
                          uncertain_since, priority, not_before, uncertain)
        SELECT id, lane_id, owner_id, kind, order_key,
               CASE WHEN parked THEN 'infinity' ELSE GREATEST(fleetwrite_now() + lease_lasts, not_before) END,
               COALESCE(expires_at, GREATEST(fleetwrite_now(), not_before) + lasts),
               CASE WHEN lease IS NULL THEN 0 ELSE 1 END, lease IS NOT NULL, lease,
               CASE WHEN lease IS NULL THEN uncertain_since ELSE fleetwrite_now() END,
               priority, not_before, uncertain_since IS NOT NULL
        FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::bool[], $7::interval[],
                    $8::uuid[], $9::interval[], $10::smallint[], $11::timestamptz[], $12::timestamptz[],
                    $13::timestamptz[])
            AS new (id, lane_id, owner_id, kind, order_key, parked, lasts, lease, lease_lasts, priority, not_before,
                    expires_at, uncertain_since)
        RETURNING lane_id, CASE WHEN due_at < 'infinity'
            THEN extract(epoch FROM due_at - fleetwrite_now())::float8 END AS delay_s
        """,
        [job.id for job, _ in jobs],
        [job.lane.id for job, _ in jobs],
        [job.lane.owner_id for job, _ in jobs],
        [job.lane.kind for job, _ in jobs],
        [job.order_key for job, _ in jobs],
        [parked for _, parked in jobs],
        [job.lasts for job, _ in jobs],
        [job.lease for job, _ in jobs],
        [job.lease_lasts for job, _ in jobs],
        [job.priority for job, _ in jobs],
        [job.not_before for job, _ in jobs],
        [job.expires_at for job, _ in jobs],
        [job.uncertain_since for job, _ in jobs],
    )
    return [(row["lane_id"], row["delay_s"]) for row in rows if row["delay_s"] is not None]


async def notify(connection: Connection) -> None:
    """Wake the workers when this transaction commits."""
    await connection.execute("SELECT pg_notify($1, '')", CHANNEL)


async def select_due_jobs(connection: Connection, lane_ids: Sequence[UUID], per_lane: int, now: datetime) -> list[Any]:
    """Up to `per_lane` jobs of each lane that are due at `now`, locked, the most urgent first, then by due time."""
    # A range of the index for each lane and priority: only what is due is read, however much waits behind it.
    return await connection.fetch(
        """
        SELECT candidates.* FROM unnest($1::uuid[]) WITH ORDINALITY AS wanted (lane_id, nth)
        CROSS JOIN LATERAL (
            SELECT of_priority.* FROM unnest($3::smallint[]) AS ranks (priority)
            CROSS JOIN LATERAL (
                SELECT id, lane_id, attempts, expires_at, lease, uncertain, uncertain_since, single_attempt, fence,
                       priority, due_at, position
                FROM jobs
                WHERE jobs.lane_id = wanted.lane_id AND jobs.priority = ranks.priority AND due_at <= $4
                ORDER BY due_at, position LIMIT $2 FOR UPDATE SKIP LOCKED
            ) AS of_priority ORDER BY priority, due_at, position LIMIT $2
        ) AS candidates ORDER BY nth, priority, due_at, position
        """,
        list(lane_ids),
        per_lane,
        PRIORITIES,
        now,
    )


async def select_expired(connection: Connection, kind: str, limit: int) -> list[Any]:
    """Jobs whose time is over while nobody works on them: held, parked, or waiting for a slot.

    An uncertain one rests as long as it was told to before it is looked at once more.
    """
    return await connection.fetch(
        """
        SELECT fleetwrite_now() AS now, jobs.id, jobs.owner_id, lane_id, scopes, attempts, expires_at, lease, uncertain,
               uncertain_since, single_attempt, fence
        FROM jobs JOIN lanes ON lanes.id = lane_id
        WHERE jobs.kind = $1 AND expires_at <= fleetwrite_now()
          AND ((lease IS NULL AND (NOT uncertain OR jobs.due_at = 'infinity')) OR jobs.due_at <= fleetwrite_now())
        ORDER BY expires_at LIMIT $2 FOR UPDATE OF jobs SKIP LOCKED
        """,
        kind,
        limit,
    )


async def lease_jobs(connection: Connection, jobs: Sequence[Job], lease_lasts: timedelta) -> None:
    await connection.execute(
        """
        UPDATE jobs SET lease = taken.lease, attempts = taken.attempts, uncertain = taken.uncertain,
               uncertain_since = taken.uncertain_since,
               due_at = fleetwrite_now() + make_interval(secs => taken.start_in_s) + $7
        FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::float8[], $5::bool[], $6::timestamptz[])
            AS taken (id, lease, attempts, start_in_s, uncertain, uncertain_since)
        WHERE jobs.id = taken.id
        """,
        [job.id for job in jobs],
        [job.lease for job in jobs],
        [job.attempts for job in jobs],
        [job.start_in_s for job in jobs],
        [job.uncertain for job in jobs],
        [job.uncertain_since for job in jobs],
        lease_lasts,
    )


async def lock_leases(connection: Connection, jobs: Sequence[Job]) -> set[UUID]:
    """Lock those of `jobs` whose lease still holds; returns these leases."""
    await lock_owners(connection, (job.owner_id for job in jobs))
    rows = await connection.fetch(
        """
        SELECT lease FROM jobs JOIN unnest($1::uuid[], $2::uuid[]) AS held (id, lease) USING (id, lease)
        ORDER BY jobs.id FOR NO KEY UPDATE OF jobs
        """,
        [job.id for job in jobs],
        [job.lease for job in jobs],
    )
    return {row["lease"] for row in rows}


async def seize_jobs(connection: Connection, job_ids: Sequence[UUID], lease_lasts: timedelta) -> list[Any]:
    """Lease those of these jobs that nobody works on and that surely did not reach the other side."""
    return await connection.fetch(
        """
        WITH locked AS (
            SELECT id FROM jobs WHERE id = ANY($1::uuid[]) AND lease IS NULL AND NOT uncertain
            ORDER BY id FOR NO KEY UPDATE
        )
        UPDATE jobs SET lease = gen_random_uuid(), due_at = fleetwrite_now() + $2
        FROM locked, lanes WHERE jobs.id = locked.id AND lanes.id = jobs.lane_id
        RETURNING fleetwrite_now() AS now, jobs.id, jobs.owner_id, jobs.kind, lease, scopes, attempts, expires_at,
                  false AS interrupted, uncertain, single_attempt
        """,
        list(job_ids),
        lease_lasts,
    )


async def seize_left(connection: Connection, owner_id: UUID, limit: int, lease_lasts: timedelta) -> list[Any]:
    """Lease jobs of an owner that nobody works on any more, whatever became of the attempts before."""
    return await connection.fetch(
        """
        WITH locked AS (
            SELECT jobs.id, scopes, jobs.lease IS NOT NULL AS interrupted
            FROM jobs JOIN lanes ON lanes.id = lane_id
            WHERE lanes.owner_id = $1 AND (jobs.lease IS NULL OR jobs.due_at <= fleetwrite_now())
            ORDER BY jobs.id LIMIT $2 FOR NO KEY UPDATE OF jobs
        )
        UPDATE jobs SET lease = gen_random_uuid(), due_at = fleetwrite_now() + $3
        FROM locked WHERE jobs.id = locked.id
        RETURNING fleetwrite_now() AS now, jobs.id, jobs.owner_id, jobs.kind, lease, scopes, attempts, expires_at,
                  interrupted, uncertain OR interrupted AS uncertain, single_attempt
        """,
        owner_id,
        limit,
        lease_lasts,
    )


async def delete_jobs(connection: Connection, jobs: Sequence[Job]) -> list[Any]:
    """Delete those of `jobs` whose lease still holds, and return what was deleted."""
    return await connection.fetch(
        """
        DELETE FROM jobs USING unnest($1::uuid[], $2::uuid[]) AS done (id, lease)
        WHERE jobs.id = done.id AND jobs.lease = done.lease
        RETURNING jobs.lease, jobs.owner_id, jobs.order_key
        """,
        [job.id for job in jobs],
        [job.lease for job in jobs],
    )


async def release_jobs(connection: Connection, jobs: Sequence[tuple[Job, Again]]) -> list[Any]:
    """Give jobs back, to be due after a delay; returns those whose lease still held, with their lanes and delays."""
    return await connection.fetch(
        """
        UPDATE jobs SET lease = NULL, uncertain = jobs.uncertain OR again.uncertain,
               attempts = jobs.attempts - CASE WHEN again.attempted THEN 0 ELSE 1 END,
               fence = CASE WHEN again.withheld THEN 'withheld' ELSE jobs.fence END,
               due_at = CASE WHEN again.withheld THEN 'infinity' ELSE
                   GREATEST(LEAST(fleetwrite_now() + make_interval(secs => again.delay_s), jobs.expires_at),
                            fleetwrite_now() + make_interval(secs => again.rest_s)) END
        FROM unnest($1::uuid[], $2::uuid[], $3::float8[], $4::bool[], $5::bool[], $6::float8[], $7::bool[])
            AS again (id, lease, delay_s, uncertain, attempted, rest_s, withheld)
        WHERE jobs.id = again.id AND jobs.lease = again.lease
        RETURNING again.lease, jobs.lane_id, again.delay_s
        """,
        [job.id for job, _ in jobs],
        [job.lease for job, _ in jobs],
        [what.delay_s for _, what in jobs],
        [what.uncertain for _, what in jobs],
        [what.attempted for _, what in jobs],
        [what.rest_s for _, what in jobs],
        [what.withheld for _, what in jobs],
    )


async def select_attempted(connection: Connection, job_ids: Sequence[UUID]) -> set[UUID]:
    """Those of these jobs that were claimed for an attempt."""
    rows = await connection.fetch("SELECT id FROM jobs WHERE id = ANY($1::uuid[]) AND attempts > 0", list(job_ids))
    return {row["id"] for row in rows}


async def unpark_next(connection: Connection, keys: Sequence[OrderKey]) -> list[tuple[UUID, float]]:
    """Let the oldest job behind each of `keys` go, when its own time has come; returns the lanes to wake, and the
    seconds until there is something to do.
    """
    rows = await connection.fetch(
        """
        UPDATE jobs SET due_at = GREATEST(fleetwrite_now(), not_before)
        WHERE due_at = 'infinity' AND fence IS DISTINCT FROM 'withheld' AND id IN (
            SELECT DISTINCT ON (owner_id, order_key) id FROM jobs
            JOIN unnest($1::uuid[], $2::text[]) AS freed (owner_id, order_key) USING (owner_id, order_key)
            ORDER BY owner_id, order_key, position
        ) RETURNING lane_id, extract(epoch FROM due_at - fleetwrite_now())::float8 AS delay_s
        """,
        [owner for owner, _ in keys],
        [key for _, key in keys],
    )
    return [(row["lane_id"], row["delay_s"]) for row in rows]
