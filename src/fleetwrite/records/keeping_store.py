"""SQL of keeping records: what a provider's lists and successful writes tell of them.

Whoever writes records locks them by connection, resource and source_id, and says what changed: `Change`.
"""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg
import msgspec

from fleetwrite.connectors.sdk.connector import SourceRecord
from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.kit.database import Connection
from fleetwrite.records.models import Change, Verb, WrittenRecord, record_id
from fleetwrite.records.references import Source, with_derived_ids
from fleetwrite.records.store import select_sources, source_of, transposed
from fleetwrite.records.written import our_ids, told_attributes, told_time

_JSON: Final = msgspec.json.Encoder(order="sorted", decimal_format="number")
_NUL: Final = b"\\u0000"

_LONGEST_S: Final = 300.0
"""For marking what is gone: a hundred thousand records take seconds where it was measured."""

_TOLD: Final = """
    told AS (
        SELECT * FROM unnest(
            $1::uuid[], $2::text[], $3::text[], $4::uuid[], $5::jsonb[], $6::jsonb[], $7::text[], $8::timestamptz[]
        ) WITH ORDINALITY AS u
            (connection_id, resource, source_id, id, attributes, source_data, source_data_hash, occurred_at, place)
    )
"""

# What stands there is locked, in the order in which everybody does, before any of it is written: `before` is part of
# what the INSERT sorts. A record that was reserved comes into being when it is met for the first time.
_INSERT: Final = """
    before AS MATERIALIZED (
        SELECT r.connection_id, r.resource, r.source_id, r.attributes, r.deleted_at, r.is_reserved
        FROM records r JOIN {told} u USING (connection_id, resource, source_id)
        ORDER BY u.place FOR NO KEY UPDATE OF r
    ),
    kept AS (
        INSERT INTO records AS r
            (id, connection_id, resource, source_id, attributes, source_data, source_data_hash, occurred_at,
             created_at, updated_at, unlisted, written_at)
        SELECT
            -- Somebody may have brought the id that would have been ours for something else.
            CASE WHEN other.id IS NULL THEN u.id ELSE gen_random_uuid() END,
            u.connection_id, u.resource, u.source_id, u.attributes, u.source_data, u.source_data_hash,
            coalesce(u.occurred_at, fleetwrite_now()), fleetwrite_now(), fleetwrite_now(), {unlisted}, {written_at}
        FROM {told} u
            LEFT JOIN before b USING (connection_id, resource, source_id)
            LEFT JOIN records other ON other.id = u.id
                AND (other.connection_id, other.resource, other.source_id) <> (u.connection_id, u.resource, u.source_id)
        ORDER BY u.place, b.is_reserved
        ON CONFLICT (connection_id, resource, source_id) DO UPDATE SET
            -- They differ where the time was told.
            occurred_at = CASE WHEN r.is_reserved OR excluded.occurred_at <> excluded.created_at
                THEN excluded.occurred_at ELSE r.occurred_at END,
            created_at = CASE WHEN r.is_reserved THEN excluded.created_at ELSE r.created_at END,
            updated_at = excluded.updated_at,
            deleted_at = NULL,
            is_reserved = false,
            {changes}
        RETURNING r.id, r.connection_id, r.resource, r.source_id, r.attributes, r.xmax = 0 AS is_new
    )
    SELECT kept.id, u.connection_id, u.resource, u.source_id,
        CASE WHEN is_new OR b.is_reserved THEN 'added'
            WHEN b.attributes IS DISTINCT FROM kept.attributes OR b.deleted_at IS NOT NULL THEN 'modified' END AS verb
    FROM {told} u
        LEFT JOIN kept USING (connection_id, resource, source_id)
        LEFT JOIN before b USING (connection_id, resource, source_id)
    ORDER BY u.place
"""

# Unchanged records are neither locked nor written: of a list that is read every ten minutes that is nearly all.
_DIFFERING: Final = """
    differing AS (
        SELECT u.* FROM told u LEFT JOIN records r USING (connection_id, resource, source_id)
        WHERE r.id IS NULL OR r.deleted_at IS NOT NULL OR r.source_data_hash <> u.source_data_hash
            OR r.attributes <> fleetwrite_without(r.unlisted, u.attributes) || u.attributes
            OR r.unlisted <> fleetwrite_without(r.unlisted, u.attributes)
    )
"""
_INSERT_LISTED: Final = _INSERT.format(
    told="differing",
    unlisted="'{}'",
    written_at="NULL",
    changes="""
        attributes = fleetwrite_without(r.unlisted, excluded.attributes) || excluded.attributes,
        unlisted = fleetwrite_without(r.unlisted, excluded.attributes),
        source_data = excluded.source_data,
        source_data_hash = excluded.source_data_hash
        WHERE r.written_at IS NULL OR r.written_at < $9
    """,
)
_KEEP_LISTED: Final = f"WITH {_TOLD}, {_DIFFERING}, {_INSERT_LISTED}"

_INSERT_WRITTEN: Final = _INSERT.format(
    told="told",
    unlisted="u.attributes",
    written_at="fleetwrite_now()",
    changes="""
        attributes = r.attributes || excluded.attributes,
        unlisted = r.unlisted || excluded.attributes,
        written_at = excluded.written_at,
        -- An answer that says nothing of the record does not wipe out what an earlier one said.
        source_data = CASE WHEN excluded.source_data = '{}' THEN r.source_data ELSE excluded.source_data END,
        source_data_hash = CASE WHEN excluded.source_data = '{}' THEN r.source_data_hash
            ELSE excluded.source_data_hash END
    """,
)
_KEEP_WRITTEN: Final = f"WITH {_TOLD}, {_INSERT_WRITTEN}"

_REMOVE_NAMED: Final = """
    WITH locked AS (
        SELECT r.id FROM records r
        WHERE r.connection_id = $1 AND r.resource = $2 AND r.deleted_at IS NULL
            AND (r.written_at IS NULL OR r.written_at < $4) AND r.source_id = ANY($5::text[])
        ORDER BY r.source_id COLLATE "C" FOR NO KEY UPDATE
    )
    UPDATE records SET deleted_at = $3, updated_at = $3 FROM locked WHERE records.id = locked.id
"""

_REMOVE_UNSEEN: Final = """
    WITH judged AS (
        SELECT r.id, r.source_id, NOT EXISTS (
            SELECT FROM (
                SELECT unnest(source_ids) AS source_id FROM pulled_pages WHERE execution_id = $6
                UNION ALL SELECT unnest($7::text[])
            ) AS seen WHERE seen.source_id = r.source_id
        ) AS is_unseen
        FROM records r
        WHERE r.connection_id = $1 AND r.resource = $2 AND r.deleted_at IS NULL
            AND (r.written_at IS NULL OR r.written_at < $4) AND r.created_at < $5
    ),
    locked AS (
        SELECT r.id, is_unseen, is_unseen AND ($8::boolean OR r.is_missed) AS is_gone
        FROM judged JOIN records r USING (id) WHERE is_unseen OR r.is_missed
        ORDER BY r.source_id COLLATE "C" FOR NO KEY UPDATE OF r
    ),
    marked AS (
        UPDATE records SET is_missed = is_unseen AND NOT is_gone,
            deleted_at = CASE WHEN is_gone THEN $3::timestamptz END,
            updated_at = CASE WHEN is_gone THEN $3::timestamptz ELSE updated_at END
        FROM locked WHERE records.id = locked.id RETURNING is_gone
    )
    SELECT count(*) FROM marked WHERE is_gone
"""


async def keep_listed(
    connection: Connection, connection_id: UUID, records: Sequence[SourceRecord], asked_at: datetime
) -> tuple[list[Change], int]:
    """Keep what a provider lists, by one statement; returns what changed, and how many records were left alone.

    The provider's list is the truth: a record that was deleted and is listed again is there again, and attributes that
    an earlier list showed and this one does not are gone; those that only a write told, stay. One listed twice is kept
    as listed last. A record that did not change keeps its updated_at.

    Args:
        connection: the caller's transaction.
        connection_id: whose list.
        records: what is on it.
        asked_at: records that were written since then are left alone: the list may have been made before that.
    """
    listed = {
        (connection_id, record.resource, record.source_id): _Known(
            record.attributes, record.source_data, record.occurred_at
        )
        for record in records
    }
    rows = await connection.fetch(_KEEP_LISTED, *_columns(listed), asked_at)
    changes = _changes([row for row in rows if row["id"] is not None])
    return changes, len(rows) - len(changes)


async def analyse_if_new(connection: Connection) -> None:
    """Let the database look at the records, where it never has; to be called when there are some.

    Plans that were made for an empty table look at all records of an account for each one on a page. By itself the
    database mends that within a minute or two: a large account would be read a hundred times slower until then.
    """
    if await connection.fetchval("SELECT reltuples < 0 FROM pg_class WHERE oid = 'records'::regclass"):
        await connection.execute("ANALYZE records")


async def keep_written(connection: Connection, written: Sequence[WrittenRecord]) -> dict[Source, Change]:
    """Keep what successful writes tell, of any number of connections, by one statement.

    Of a record that is there already, the attributes written replace theirs, and the others stay.
    """
    pointed = {one for record in written for one in our_ids(record.resource, record.attributes)}
    sources = await select_sources(connection, pointed) if pointed else {}
    source_ids = {of: source_id for of, (_, _, source_id) in sources.items()}
    merged: dict[Source, _Known] = {}
    for one in written:
        known = _Known(
            told_attributes(one.resource, one.attributes, source_ids),
            one.source_data,
            told_time(one.resource, one.attributes),
        )
        key = (one.connection_id, one.resource, one.source_id)
        merged[key] = known if key not in merged else merged[key].then(known)
    return {change.source: change for change in _changes(await connection.fetch(_KEEP_WRITTEN, *_columns(merged)))}


async def mark_named_removed(
    connection: Connection,
    connection_id: UUID,
    resource: ResourceEnum,
    source_ids: Collection[str],
    at: datetime,
    asked_at: datetime,
) -> int:
    """Note that the provider does not have these any more; returns how many that concerns.

    Records that were written since `asked_at` are left alone.
    """
    done = await connection.execute(_REMOVE_NAMED, connection_id, resource.value, at, asked_at, list(source_ids))
    return int(done.rpartition(" ")[2])


async def mark_unseen_removed(
    connection: Connection,
    connection_id: UUID,
    resource: ResourceEnum,
    execution_id: UUID,
    last_seen: Collection[str],
    at: datetime,
    begun_at: datetime,
    unless_written_since: datetime,
    *,
    is_steady: bool,
) -> int:
    """Note that the provider does not have any more what an execution that read the whole list did not see.

    Where the list is not steady, what was not seen for the first time is only remembered as missed. What came to be
    known, or was written, since it began is left alone. Returns how many records are gone.

    Args:
        connection: the caller's transaction.
        connection_id: whose list.
        resource: of what.
        execution_id: whose stored pages were seen.
        last_seen: what the last page shows, which is not stored.
        at: since when they count as gone.
        begun_at: when the execution began.
        unless_written_since: writes since then may not have been in the list yet.
        is_steady: nothing that is there can be missed while the list is read.
    """
    gone: int = await connection.fetchval(
        _REMOVE_UNSEEN,
        connection_id,
        resource.value,
        at,
        unless_written_since,
        begun_at,
        execution_id,
        list(last_seen),
        is_steady,
        timeout=_LONGEST_S,
    )
    return gone


async def select_removed(
    connection: Connection, connection_id: UUID, resource: ResourceEnum, at: datetime, after: str, most: int
) -> list[Change]:
    """Up to `most` records that were marked as gone at this instant, by source_id, from behind `after`."""
    rows = await connection.fetch(
        """
        SELECT id, connection_id, resource, source_id, 'removed' AS verb FROM records
        WHERE connection_id = $1 AND resource = $2 AND deleted_at = $3 AND source_id > $4 ORDER BY source_id LIMIT $5
        """,
        connection_id,
        resource.value,
        at,
        after,
        most,
    )
    return _changes(rows)


class _Known(msgspec.Struct, frozen=True):
    """What is known of a record: attributes, the provider's JSON, and when it happened."""

    attributes: Mapping[str, Any]
    source_data: Mapping[str, Any]
    occurred_at: datetime | None

    def then(self, later: "_Known") -> "_Known":
        """What is known after `later` was told as well."""
        return _Known(
            {**self.attributes, **later.attributes},
            later.source_data or self.source_data,
            later.occurred_at or self.occurred_at,
        )


def _changes(rows: Sequence[asyncpg.Record]) -> list[Change]:
    return [
        Change(id=row["id"], source=source_of(row), verb=None if row["verb"] is None else Verb(row["verb"]))
        for row in rows
    ]


def _columns(records: Mapping[Source, _Known]) -> tuple[list[Any], ...]:
    # In one order everywhere: two transactions that write the same records wait for each other and not crosswise.
    sources = sorted(records)
    rows = [records[source] for source in sources]
    source_data = [_stored(record.source_data) for record in rows]
    return (
        *transposed(sources),
        [record_id(*source) for source in sources],
        [
            _stored(with_derived_ids(connection_id, resource, record.attributes))
            for (connection_id, resource, _), record in zip(sources, rows, strict=True)
        ],
        source_data,
        [hashlib.sha256(bytes(text)).hexdigest() for text in source_data],
        [record.occurred_at for record in rows],
    )


def _stored(value: Mapping[str, Any]) -> msgspec.Raw:
    """Canonical JSON of `value`, without NUL, which PostgreSQL can not hold in a text."""
    text = _JSON.encode(value)
    if _NUL in text:
        text = _JSON.encode(_without_nul(msgspec.json.decode(text)))
    return msgspec.Raw(text)


def _without_nul(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\0", "\N{REPLACEMENT CHARACTER}")
    if isinstance(value, list):
        return [_without_nul(item) for item in value]
    if isinstance(value, dict):
        return {_without_nul(key): _without_nul(item) for key, item in value.items()}
    return value
