"""Which records operations name: their ids must not change any more."""

from fleetwrite.kit.database import Connection
from fleetwrite.records.id_map_models import NamedLine
from fleetwrite.records.references import REFERENCES


async def first_named(connection: Connection, table: str, most: int) -> list[NamedLine]:
    """The first lines of a table whose records operations of any status name.

    Operations on a record are found by an index. Those that point to one, as a message to its recipient, are found
    among all of its connection: ids change seldom, and an index for this would cost each write something.

    Args:
        connection: in whose transaction the table is.
        table: with the columns `line`, `id`, `connection_id`, `resource`, `source_id`.
        most: how many lines are wanted.
    """
    rows = await connection.fetch(
        f"""
        SELECT t.line, t.id, t.source_id FROM {table} t
        WHERE EXISTS (SELECT FROM operations o
            WHERE (o.connection_id, o.resource, o.source_id) = (t.connection_id, t.resource, t.source_id))
        UNION
        SELECT t.line, t.id, t.source_id
        FROM operations o
            CROSS JOIN LATERAL jsonb_path_query(o.directives, '$.record_ids.*[*]') AS named
            JOIN {table} t ON t.id::text = named #>> '{{}}'
        WHERE o.connection_id IN (SELECT connection_id FROM {table}) AND o.resource = ANY($1::text[])
        ORDER BY line LIMIT $2
        """,  # noqa: S608 - a name of our own
        [resource.value for resource in REFERENCES],
        most,
    )
    return [NamedLine(line=row["line"], id=row["id"], source_id=row["source_id"]) for row in rows]
