"""Fills tables by copying rows that the product itself wrote, so that a bulk has the very shape of what is accepted.

Whatever columns the tables have, a copy has them too; only what must differ (ids, texts, times) is put in its place.
"""

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

import asyncpg

Sql = str

# A UUIDv7 as the product makes them, so that indexes grow at the same end.
NEW_ID: Final[Sql] = (
    "(lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000)::bigint), 12, '0') || '7'"
    " || substr(replace(gen_random_uuid()::text, '-', ''), 14))::uuid"
)


class TemplateGoneError(Exception):
    """The operation that should be copied has no job any more: a worker took it."""


async def clone_statement(
    connection: "asyncpg.Connection[asyncpg.Record]", table: str, replaced: Mapping[str, Sql], source: Sql, where: Sql
) -> Sql:
    """An INSERT that copies one row of `table`, named `template`, once for each row of `source`."""
    columns = [
        row["attname"]
        for row in await connection.fetch(
            """
            SELECT attname FROM pg_attribute WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped
            AND attidentity = '' AND attgenerated = '' ORDER BY attnum
            """,
            table,
        )
    ]
    values = [replaced.get(column, f"template.{column}") for column in columns]
    return (
        f"INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(values)}"  # noqa: S608 - our own names
        f" FROM {table} AS template, {source} WHERE {where}"
    )


async def fill(dsn: str, templates: Sequence[UUID], count: int, text_field: str, prefix: str) -> None:
    """Let `count` more operations wait like each of `templates` does, and let the lanes be looked at.

    Args:
        dsn: of the database.
        templates: accepted operations that still wait.
        count: copies of each.
        text_field: a text of the payload that tells them apart; it becomes prefix and number.
        prefix: of that text.

    Raises:
        TemplateGoneError: a template does not wait any more.
    """
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("CREATE TEMP TABLE copies (n integer, id uuid)")
        operations = await clone_statement(
            connection,
            "operations",
            {"id": "copies.id", "payload": "jsonb_set(template.payload, ARRAY[$2::text], to_jsonb($3 || copies.n))"},
            "copies",
            "template.id = $1",
        )
        jobs = await clone_statement(
            connection,
            "jobs",
            {
                "id": "copies.id",
                # Each copy stands for a write to another record: none waits behind another.
                "order_key": "template.order_key || ':' || copies.n",
                "due_at": "fleetwrite_now()",
            },
            "copies",
            "template.id = $1 AND template.lease IS NULL",
        )
        for template in templates:
            async with connection.transaction():
                await connection.execute("TRUNCATE copies")
                await connection.execute(
                    f"INSERT INTO copies SELECT n, {NEW_ID} FROM generate_series(1, $1::int) AS n",  # noqa: S608 - our own table and column names
                    count,
                )
                await connection.execute(operations, template, text_field, prefix)
                done = await connection.execute(jobs, template)
                if done != f"INSERT 0 {count}":
                    raise TemplateGoneError(f"operation {template} does not wait any more")
                await connection.execute(
                    "UPDATE lanes SET due_at = LEAST(lanes.due_at, fleetwrite_now()) FROM jobs"
                    " WHERE jobs.id = $1 AND lanes.id = jobs.lane_id",
                    template,
                )
                await connection.execute("SELECT pg_notify('fleetwrite_dispatch', '')")
        # What autovacuum would do within the minute.
        await connection.execute("ANALYZE operations, jobs, lanes")
    finally:
        await connection.close()


async def clear(dsn: str, connection_ids: Sequence[UUID]) -> None:
    """Forget what waits for these connections. Only for when no worker runs."""
    connection = await asyncpg.connect(dsn)
    try:
        async with connection.transaction():
            await connection.execute("DELETE FROM jobs WHERE owner_id = ANY($1::uuid[])", list(connection_ids))
            await connection.execute(
                "DELETE FROM operations WHERE connection_id = ANY($1::uuid[]) AND status = 'pending'",
                list(connection_ids),
            )
            await connection.execute(
                "UPDATE lanes SET due_at = 'infinity' WHERE owner_id = ANY($1::uuid[])", list(connection_ids)
            )
    finally:
        await connection.close()
