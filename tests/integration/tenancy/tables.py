"""What the schema has, as PostgreSQL says it: so that a new table is tested without anybody thinking of it."""

from collections.abc import Sequence

from msgspec import Struct

from fleetwrite.kit.database import Database
from fleetwrite.kit.tenancy import PARTNER_ROLE, Whom, acting_for

_TABLES = """
    SELECT c.relname AS name,
        coalesce(array_agg(a.attname ORDER BY a.attnum)
            FILTER (WHERE has_column_privilege($1, c.oid, a.attnum, 'SELECT')), '{}') AS readable,
        coalesce(array_agg(a.attname ORDER BY a.attnum) FILTER (WHERE a.attgenerated = ''), '{}') AS stored,
        has_table_privilege($1, c.oid, 'INSERT') AS insertable,
        has_any_column_privilege($1, c.oid, 'UPDATE') AS updatable,
        has_table_privilege($1, c.oid, 'DELETE') AS deletable
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'm')
    GROUP BY c.oid ORDER BY c.relname
"""


class Table(Struct, frozen=True, kw_only=True):
    """A table, and what the role of partners may do there; `readable` and `stored` are names of columns."""

    name: str
    readable: Sequence[str]
    stored: Sequence[str]
    insertable: bool
    updatable: bool
    deletable: bool


async def all_tables(database: Database) -> list[Table]:
    return [Table(**row) for row in await database.pool.fetch(_TABLES, PARTNER_ROLE)]


async def rows_shown(database: Database, table: Table, whom: Whom) -> list[str]:
    """All rows of a table, as texts, that the database shows to somebody. No query narrows them."""
    with acting_for(whom):
        async with database.acquire() as connection:
            columns = ", ".join(f'"{name}"' for name in table.readable)
            rows = await connection.fetch(f'SELECT ROW({columns})::text AS row FROM "{table.name}"')  # noqa: S608 - names of tables
    return [row["row"] for row in rows]
