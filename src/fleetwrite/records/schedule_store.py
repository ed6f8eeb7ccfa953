"""SQL of schedules and executions.

A schedule is locked before anything that dispatch locks, before records, and before its connection.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg
import msgspec

from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.kit.database import Connection
from fleetwrite.kit.ids import new_id
from fleetwrite.kit.keyset import Page, PageQuery, Window
from fleetwrite.records.schedule_models import Execution, NewSchedule, Schedule

_SCHEDULES: Final = "SELECT s.* FROM schedules s"
_EXECUTIONS: Final = "SELECT e.* FROM executions e"

REMOVE_ENDED: Final = """
    DELETE FROM executions WHERE id IN (
        SELECT id FROM executions WHERE id < $2 AND created_at < $1 AND status <> 'pending'
        ORDER BY id LIMIT $3 FOR UPDATE SKIP LOCKED)
"""
"""Removes executions; for `kit.retention.Rule`."""


async def insert_schedules(
    connection: Connection, connection_id: UUID, new: Sequence[NewSchedule], *, only_missing: bool = False
) -> list[Schedule]:
    """Add schedules whose first execution is due now, and return them; those that are there already are left out.

    `only_missing`: also those that were there once and were deleted.
    """
    rows = await connection.fetch(
        """
        INSERT INTO schedules (id, connection_id, resource, status, execution_interval_seconds,
            consecutive_error_count, consecutive_error_threshold, max_concurrent_executions, cursor, last_data_at,
            next_execution_at, created_at, updated_at)
        SELECT u.id, $1, u.resource, u.status, u.interval_s, 0, u.threshold, u.concurrent, u.cursor, u.last_data_at,
            fleetwrite_now(), fleetwrite_now(), fleetwrite_now()
        FROM unnest($2::uuid[], $3::text[], $4::text[], $5::int[], $6::int[], $7::int[], $8::text[], $9::timestamptz[])
            WITH ORDINALITY
            AS u (id, resource, status, interval_s, threshold, concurrent, cursor, last_data_at, place)
        WHERE NOT $10 OR NOT EXISTS (
            SELECT FROM schedules s WHERE s.connection_id = $1 AND s.resource = u.resource
        )
        ORDER BY u.place ON CONFLICT DO NOTHING RETURNING *
        """,
        connection_id,
        [new_id() for _ in new],
        [one.resource.value for one in new],
        [one.status.value for one in new],
        [one.execution_interval_seconds for one in new],
        [one.consecutive_error_threshold for one in new],
        [one.max_concurrent_executions for one in new],
        [one.cursor for one in new],
        [one.last_data_at for one in new],
        only_missing,
    )
    return [_schedule(row) for row in rows]


async def page_schedules(
    connection: Connection, connection_id: UUID, resource: ResourceEnum | None, window: Window
) -> Page[Schedule]:
    """A page of a connection's schedules, oldest first; deleted ones are left out."""
    query = PageQuery(_SCHEDULES, prefix="s")
    query.where("s.connection_id = {} AND s.status <> 'deleted'", connection_id)
    if resource is not None:
        query.where("s.resource = {}", resource.value)
    return (await query.fetch(connection, window)).of(_schedule)


async def find_schedule(connection: Connection, connection_id: UUID, schedule_id: UUID) -> Schedule | None:
    """The schedule of this id, if it is the connection's and not deleted."""
    row = await connection.fetchrow(
        f"{_SCHEDULES} WHERE s.id = $1 AND s.connection_id = $2 AND s.status <> 'deleted'", schedule_id, connection_id
    )
    return None if row is None else _schedule(row)


async def lock_schedules(
    connection: Connection, connection_id: UUID, schedule_ids: Collection[UUID] | None = None
) -> list[Schedule]:
    """These schedules of a connection (None: all), locked; deleted ones are left out."""
    rows = await connection.fetch(
        f"{_SCHEDULES} WHERE s.connection_id = $1 AND ($2::uuid[] IS NULL OR s.id = ANY($2)) AND s.status <> 'deleted'"
        " ORDER BY s.id FOR NO KEY UPDATE",
        connection_id,
        None if schedule_ids is None else list(schedule_ids),
    )
    return [_schedule(row) for row in rows]


async def lock_schedule(connection: Connection, schedule_id: UUID) -> tuple[Schedule, datetime]:
    """The schedule of this id, locked, whatever its status; and the database's time from then on."""
    (row,) = await connection.fetch(f"{_SCHEDULES} WHERE s.id = $1 FOR NO KEY UPDATE", schedule_id)
    now: datetime = await connection.fetchval("SELECT fleetwrite_now()")
    return _schedule(row), now


async def update_schedule(connection: Connection, schedule: Schedule) -> None:
    """Store what may change of a locked schedule."""
    await connection.execute(
        """
        UPDATE schedules SET status = $2, execution_interval_seconds = $3, consecutive_error_count = $4,
            consecutive_error_threshold = $5, max_concurrent_executions = $6, cursor = $7, last_data_at = $8,
            next_execution_at = $9, updated_at = fleetwrite_now()
        WHERE id = $1
        """,
        schedule.id,
        schedule.status.value,
        schedule.execution_interval_seconds,
        schedule.consecutive_error_count,
        schedule.consecutive_error_threshold,
        schedule.max_concurrent_executions,
        schedule.cursor,
        schedule.last_data_at,
        schedule.next_execution_at,
    )


async def select_lacking(
    connection: Connection, tsp_slug: str, resource: ResourceEnum, connection_ids: Collection[UUID] | None = None
) -> list[UUID]:
    """Connections to a provider (of these only, where given) that never had a schedule of this resource."""
    rows = await connection.fetch(
        """
        SELECT c.id FROM connections c
        WHERE c.tsp_slug = $1 AND c.status NOT IN ('deleted', 'cancelled')
            AND ($3::uuid[] IS NULL OR c.id = ANY($3))
            AND NOT EXISTS (SELECT FROM schedules s WHERE s.connection_id = c.id AND s.resource = $2)
        ORDER BY c.id
        """,
        tsp_slug,
        resource.value,
        None if connection_ids is None else list(connection_ids),
    )
    return [row["id"] for row in rows]


async def select_for_jobs(
    connection: Connection, schedule_ids: Sequence[UUID]
) -> dict[UUID, tuple[Schedule, Execution | None]]:
    """Schedules of these ids, each with its execution that is under way; unknown ids are left out."""
    rows = await connection.fetch(f"{_SCHEDULES} WHERE s.id = ANY($1::uuid[])", schedule_ids)
    pending = await connection.fetch(
        f"{_EXECUTIONS} WHERE e.schedule_id = ANY($1::uuid[]) AND e.status = 'pending'", schedule_ids
    )
    under_way = {row["schedule_id"]: _execution(row) for row in pending}
    return {row["id"]: (_schedule(row), under_way.get(row["id"])) for row in rows}


async def count_due(connection: Connection, connection_ids: Collection[UUID]) -> int:
    """How many active schedules of these connections have an execution that is due or under way."""
    due: int = await connection.fetchval(
        """
        SELECT count(*) FROM schedules
        WHERE connection_id = ANY($1::uuid[]) AND status = 'active' AND next_execution_at <= fleetwrite_now()
        """,
        list(connection_ids),
    )
    return due


async def page_executions(connection: Connection, schedule_id: UUID, window: Window) -> Page[Execution]:
    """A page of a schedule's executions, newest first."""
    query = PageQuery(_EXECUTIONS, prefix="e")
    query.where("e.schedule_id = {}", schedule_id)
    return (await query.fetch(connection, window)).of(_execution)


async def upsert_execution(connection: Connection, execution: Execution) -> None:
    """Store an execution as it stands."""
    await connection.execute(
        """
        INSERT INTO executions (id, schedule_id, status, is_whole, cursor, left_some, pages, failures, response,
            last_data_at, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
        ON CONFLICT (id) DO UPDATE SET status = excluded.status, cursor = excluded.cursor,
            left_some = excluded.left_some, pages = excluded.pages, failures = excluded.failures,
            response = excluded.response, last_data_at = excluded.last_data_at, updated_at = excluded.updated_at
        """,
        execution.id,
        execution.schedule_id,
        execution.status.value,
        execution.is_whole,
        execution.cursor,
        execution.left_some,
        execution.pages,
        execution.failures,
        execution.response,
        execution.last_data_at,
        execution.created_at,
        execution.updated_at,
    )


async def insert_page(connection: Connection, execution_id: UUID, page: int, source_ids: Sequence[str]) -> None:
    """Keep what one page showed."""
    await connection.execute(
        "INSERT INTO pulled_pages (execution_id, page, source_ids) VALUES ($1, $2, $3)", execution_id, page, source_ids
    )


async def delete_pages(connection: Connection, execution_id: UUID) -> None:
    """Forget what an execution saw."""
    await connection.execute("DELETE FROM pulled_pages WHERE execution_id = $1", execution_id)


async def select_partners(connection: Connection, connection_id: UUID, resource: ResourceEnum) -> list[Any]:
    """The partners who may read records of `resource` in a connection now, with its fleet and platform."""
    return await connection.fetch(
        """
        SELECT s.partner_id, s.fleet_ref, c.fleet_id, c.source_name
        FROM active_shares s JOIN connections c ON c.fleet_id = s.fleet_id
        WHERE c.id = $1 AND s.levels ? $2 ORDER BY s.partner_id
        """,
        connection_id,
        resource.value,
    )


async def count_by_status(connection: Connection) -> dict[str, int]:
    """How many schedules there are in each status, deleted ones left out."""
    rows = await connection.fetch(
        "SELECT status, count(*) AS schedules FROM schedules WHERE status <> 'deleted' GROUP BY status ORDER BY status"
    )
    return {row["status"]: row["schedules"] for row in rows}


async def select_failing(connection: Connection, most: int) -> list[Schedule]:
    """Up to `most` schedules whose last execution failed, or that are inactive; those that failed most come first."""
    rows = await connection.fetch(
        f"{_SCHEDULES} WHERE s.status = 'inactive' OR (s.status = 'active' AND s.consecutive_error_count > 0)"
        " ORDER BY s.consecutive_error_count DESC, s.id LIMIT $1",
        most,
    )
    return [_schedule(row) for row in rows]


def _schedule(row: asyncpg.Record) -> Schedule:
    return msgspec.convert(dict(row), Schedule)


def _execution(row: asyncpg.Record) -> Execution:
    return msgspec.convert(dict(row), Execution)
