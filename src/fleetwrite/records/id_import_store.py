"""SQL of importing ids: the lines are kept in tables of one transaction, checked together, and applied together."""

from collections.abc import Iterable
from itertools import islice
from typing import Final, NamedTuple
from uuid import UUID

import asyncpg
import msgspec

from fleetwrite.contract.errors import ErrorType
from fleetwrite.kit.database import Connection
from fleetwrite.records.errors import RecordsMetMeanwhileError
from fleetwrite.records.id_map_models import ImportLine
from fleetwrite.records.models import record_id
from fleetwrite.records.store import IS_SHARED, SHARES

_CHUNK: Final = 1000
"""Lines that are taken from the file at a time; between two chunks others get their turn."""

_STAGE: Final = """
    CREATE TEMPORARY TABLE staged (
        line integer NOT NULL, connection_id uuid NOT NULL, resource text NOT NULL, source_id text NOT NULL,
        id uuid, derived_id uuid, record_ref text
    ) ON COMMIT DROP
"""

# In the order in which everybody locks records.
_LOCK: Final = f"""
    SELECT FROM records r JOIN staged m USING (connection_id, resource, source_id)
    WHERE m.id <> r.id AND r.connection_id IN (SELECT c.id {SHARES} WHERE {IS_SHARED.format("$1")})
    ORDER BY r.connection_id, r.resource COLLATE "C", r.source_id COLLATE "C"
    FOR UPDATE OF r
"""

_MATCH: Final = f"""
    CREATE TEMPORARY TABLE matched ON COMMIT DROP AS
    SELECT m.*, $1::uuid AS partner_id, s.id IS NOT NULL AS is_shared, r.id AS current_id,
        f.record_ref AS current_ref, row_number() OVER w = 1 AS is_first, min(m.line) OVER w AS first_line
    FROM staged m
        LEFT JOIN (SELECT c.id, s.levels {SHARES} WHERE {IS_SHARED.format("$1")}) s
            ON s.id = m.connection_id AND s.levels ? m.resource
        LEFT JOIN records r ON s.id IS NOT NULL
            AND (r.connection_id, r.resource, r.source_id) = (m.connection_id, m.resource, m.source_id)
        LEFT JOIN record_refs f ON f.partner_id = $1
            AND (f.connection_id, f.resource, f.source_id) = (m.connection_id, m.resource, m.source_id)
    WINDOW w AS (PARTITION BY m.connection_id, m.resource, m.source_id ORDER BY m.line)
"""  # noqa: S608 - as above

CHANGING: Final = "changing"
"""The table of what is to get another id: `line`; `id`, the present one; `connection_id`, `resource`, `source_id`."""

_CHANGING: Final = f"""
    CREATE TEMPORARY TABLE {CHANGING} ON COMMIT DROP AS
    SELECT line, current_id AS id, connection_id, resource, source_id FROM matched WHERE id <> current_id
"""  # noqa: S608 - as above

_LONGEST_S: Final = 300.0
"""For a statement. A hundred thousand records get other ids within ten seconds where it was measured."""


class Check(NamedTuple):
    """What must not be in a column: SQL that finds the lines, with what stands there (`value`) and what the message
    names beside it (`other`).
    """

    column: str
    sql: str
    message: str
    error_type: ErrorType = ErrorType.CONFLICT


CHECKS: Final = (
    Check(
        "connection_id",
        "SELECT line, connection_id::text AS value, NULL AS other FROM matched WHERE NOT is_shared",
        "No such resource of a connection with this id is shared with you; list the connections for their ids.",
        ErrorType.UNKNOWN_ID,
    ),
    Check(
        "source_id",
        "SELECT line, source_id AS value, first_line AS other FROM matched WHERE NOT is_first",
        "Line {other} is about the same record; keep one of the two.",
    ),
    Check(
        "id",
        """
        SELECT line, id::text AS value, first AS other
        FROM (SELECT *, min(line) OVER (PARTITION BY id) AS first FROM matched WHERE id IS NOT NULL AND is_first) m
        WHERE line <> first
        """,
        "Line {other} has the same id; each record needs its own.",
    ),
    Check(
        "record_ref",
        """
        SELECT line, record_ref AS value, first AS other
        FROM (SELECT *, min(line) OVER (PARTITION BY connection_id, resource, record_ref) AS first
              FROM matched WHERE record_ref <> '' AND is_first) m
        WHERE line <> first
        """,
        "Line {other} has the same record_ref for another record of this connection and resource.",
    ),
    Check(
        "id",
        # What gets another id itself by this import, makes room.
        """
        SELECT m.line, m.id::text AS value, NULL AS other
        FROM matched m JOIN records t ON t.id = m.id
        WHERE m.is_shared AND t.id IS DISTINCT FROM m.current_id
            AND NOT EXISTS (SELECT FROM matched x WHERE x.current_id = t.id AND x.id <> t.id)
        """,
        "This id is taken: another record has it.",
    ),
    Check(
        "record_ref",
        """
        SELECT m.line, m.record_ref AS value, f.source_id AS other
        FROM matched m JOIN record_refs f USING (partner_id, connection_id, resource, record_ref)
        WHERE m.is_shared AND f.source_id <> m.source_id
            AND NOT EXISTS (SELECT FROM matched x
                WHERE (x.connection_id, x.resource, x.source_id) = (f.connection_id, f.resource, f.source_id)
                    AND x.record_ref <> f.record_ref)
        """,
        "This record_ref is taken: the record with source_id {other} has it.",
    ),
    Check(
        "id",
        """
        SELECT m.line, m.id::text AS value, m.current_id AS other
        FROM matched m JOIN connections c ON c.id = m.connection_id
        WHERE m.id <> m.current_id AND EXISTS (SELECT FROM share_agreements a
            WHERE a.fleet_id = c.fleet_id AND a.partner_id <> m.partner_id AND a.status IN ('active', 'paused'))
        """,
        "This record has the id {other}, which is in use and can not be changed.",
    ),
)


class FaultyLine(NamedTuple):
    """A line that can not be, and why."""

    line: int
    column: str
    value: str
    message: str
    error_type: ErrorType


class Changes(msgspec.Struct, frozen=True, kw_only=True):
    """How many lines there are, and how many of them change what."""

    lines: int
    unchanged: int
    ids_changed: int
    ids_reserved: int
    record_refs_set: int
    record_refs_removed: int


async def stage(connection: Connection, partner_id: UUID, lines: Iterable[ImportLine], *, lock: bool) -> None:
    """Keep the lines for the rest of the transaction, and note how all is now.

    Args:
        connection: in the transaction.
        partner_id: whose lines.
        lines: all of them.
        lock: keep what is to get another id from being written meanwhile.
    """
    await connection.execute(_STAGE)
    rows = map(_row, lines)
    while chunk := list(islice(rows, _CHUNK)):
        await connection.copy_records_to_table("staged", records=chunk)
    await connection.execute("ANALYZE staged")
    if lock:
        await connection.execute(_LOCK, partner_id, timeout=_LONGEST_S)
    await connection.execute(_MATCH, partner_id, timeout=_LONGEST_S)
    await connection.execute("ANALYZE matched")
    await connection.execute(_CHANGING)
    await connection.execute("ANALYZE changing")


async def faulty_lines(connection: Connection, most: int) -> list[FaultyLine]:
    """The lines that contradict each other, or what is there; of each kind the first `most`, by line."""
    found: list[FaultyLine] = []
    for check in CHECKS:
        for row in await connection.fetch(f"{check.sql} ORDER BY line LIMIT $1", most):
            message = check.message.format(other=row["other"])
            found.append(FaultyLine(row["line"], check.column, row["value"], message, check.error_type))
    return found


async def count_changes(connection: Connection) -> Changes:
    """What `apply` would do."""
    (row,) = await connection.fetch(
        """
        SELECT count(*) AS lines,
            count(*) FILTER (WHERE NOT (changes_id OR reserves OR sets_ref OR removes_ref)) AS unchanged,
            count(*) FILTER (WHERE changes_id) AS ids_changed,
            count(*) FILTER (WHERE reserves) AS ids_reserved,
            count(*) FILTER (WHERE sets_ref) AS record_refs_set,
            count(*) FILTER (WHERE removes_ref) AS record_refs_removed
        FROM (SELECT
            coalesce(id <> current_id, false) AS changes_id,
            current_id IS NULL AND (id IS NOT NULL OR record_ref <> '') IS TRUE AS reserves,
            (record_ref <> '') IS TRUE AND record_ref IS DISTINCT FROM current_ref AS sets_ref,
            (record_ref = '') IS TRUE AND current_ref IS NOT NULL AS removes_ref
            FROM matched) AS line
        """
    )
    return msgspec.convert(dict(row), Changes)


async def apply(connection: Connection, partner_id: UUID) -> None:
    """Do what the lines say.

    Raises:
        RecordsMetMeanwhileError: somebody else wrote the same records since `stage`; the transaction is lost.
    """
    try:
        await _apply(connection, partner_id)
    except asyncpg.UniqueViolationError as error:
        raise RecordsMetMeanwhileError("These records were written meanwhile: send the import again.") from error


async def _apply(connection: Connection, partner_id: UUID) -> None:
    # Records may exchange their ids: what is in the way makes room first.
    await connection.execute(
        """
        UPDATE records r SET id = gen_random_uuid() FROM changing old
        WHERE r.id = old.id AND EXISTS (SELECT FROM matched m WHERE m.id = old.id)
        """,
        timeout=_LONGEST_S,
    )
    await connection.execute(
        """
        UPDATE records r SET id = m.id, updated_at = fleetwrite_now() FROM matched m
        WHERE m.id <> m.current_id
            AND (r.connection_id, r.resource, r.source_id) = (m.connection_id, m.resource, m.source_id)
        """,
        timeout=_LONGEST_S,
    )
    await connection.execute(
        """
        INSERT INTO records (id, connection_id, resource, source_id, attributes, source_data, source_data_hash,
            occurred_at, created_at, updated_at, deleted_at, is_reserved)
        SELECT
            CASE WHEN m.id IS NOT NULL THEN m.id
                WHEN EXISTS (SELECT FROM records t WHERE t.id = m.derived_id)
                    OR EXISTS (SELECT FROM matched x WHERE x.id = m.derived_id) THEN gen_random_uuid()
                ELSE m.derived_id END,
            m.connection_id, m.resource, m.source_id, '{}', '{}', encode(sha256('{}'), 'hex'),
            fleetwrite_now(), fleetwrite_now(), fleetwrite_now(), fleetwrite_now(), true
        FROM matched m
        WHERE m.current_id IS NULL AND (m.id IS NOT NULL OR m.record_ref <> '')
        ORDER BY m.connection_id, m.resource COLLATE "C", m.source_id COLLATE "C"
        """,
        timeout=_LONGEST_S,
    )
    await connection.execute(
        """
        DELETE FROM record_refs f USING matched m
        WHERE f.partner_id = $1 AND m.record_ref <> f.record_ref
            AND (f.connection_id, f.resource, f.source_id) = (m.connection_id, m.resource, m.source_id)
        """,
        partner_id,
    )
    await connection.execute(
        """
        INSERT INTO record_refs (partner_id, connection_id, resource, source_id, record_ref)
        SELECT $1, connection_id, resource, source_id, record_ref FROM matched WHERE record_ref <> ''
        ON CONFLICT (partner_id, connection_id, resource, source_id) DO UPDATE SET record_ref = excluded.record_ref
        """,
        partner_id,
    )


def _row(line: ImportLine) -> tuple[int, UUID, str, str, UUID | None, UUID | None, str | None]:
    derived = None if line.id else record_id(line.connection_id, line.resource, line.source_id)
    return line.line, line.connection_id, line.resource.value, line.source_id, line.id, derived, line.record_ref
