"""SQL of records."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import asyncpg
import msgspec

from fleetwrite.connectors.sdk.connector import SourceRecord
from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.contract.tsps import TspEnum
from fleetwrite.kit.database import Connection
from fleetwrite.records.errors import RecordNotSharedError
from fleetwrite.records.models import Record, SharedRecord, WrittenRecord, record_id
from fleetwrite.records.references import Source, with_derived_ids
from fleetwrite.records.written import our_ids, told_attributes, told_time

COLUMNS: Final = """
    r.id, r.connection_id, r.resource, r.source_id, r.attributes, r.source_data_hash, r.occurred_at,
    r.created_at, r.updated_at, r.deleted_at
"""
OWNER: Final = "c.fleet_id, s.fleet_ref, c.tsp_slug, c.source_name"
SHARES: Final = "FROM active_shares s JOIN connections c ON c.fleet_id = s.fleet_id"
IS_SHARED: Final = "s.partner_id = {} AND c.status NOT IN ('deleted', 'cancelled')"
IS_READABLE: Final = "s.levels ? r.resource"
"""Whoever may write a resource may read it; what is not shared is not named."""

_JSON: Final = msgspec.json.Encoder(order="sorted", decimal_format="number")
_NUL: Final = b"\\u0000"


async def resolve(connection: Connection, ids: Collection[UUID]) -> dict[UUID, Record]:
    """The records of these ids, by one query; unknown ids are left out.

    The caller must check connection, resource and deleted_at: nothing is known here of who asks.
    """
    rows = await connection.fetch("SELECT * FROM records WHERE id = ANY($1)", list(ids))
    return {row["id"]: _record(row) for row in rows}


async def was_known(
    connection: Connection, connection_id: UUID, resource: ResourceEnum, source_id: str, ago: timedelta
) -> bool:
    """Whether a record was known longer ago than that."""
    known: bool = await connection.fetchval(
        """
        SELECT EXISTS (SELECT FROM records WHERE connection_id = $1 AND resource = $2 AND source_id = $3
            AND NOT is_reserved AND created_at < fleetwrite_now() - $4::interval)
        """,
        connection_id,
        resource.value,
        source_id,
        ago,
    )
    return known


async def select_ids(connection: Connection, sources: Collection[Source]) -> dict[Source, UUID]:
    """Our ids of what providers know by these; unknown ones are left out."""
    wanted = [source for source in sources if "\0" not in source[2]]
    rows = await connection.fetch(
        """
        SELECT r.id, r.connection_id, r.resource, r.source_id
        FROM unnest($1::uuid[], $2::text[], $3::text[]) AS u (connection_id, resource, source_id)
            JOIN records r USING (connection_id, resource, source_id)
        """,
        *_transposed(wanted),
    )
    return {_source(row): row["id"] for row in rows}


async def select_sources(connection: Connection, ids: Collection[UUID]) -> dict[UUID, Source]:
    """What providers know by which ids, by ours; unknown ones are left out."""
    rows = await connection.fetch(
        "SELECT id, connection_id, resource, source_id FROM records WHERE id = ANY($1)", list(ids)
    )
    return {row["id"]: _source(row) for row in rows}


async def find_shared(
    connection: Connection, partner_id: UUID, resource: ResourceEnum, wanted_id: UUID
) -> SharedRecord | None:
    """The record of this kind and id, if its fleet has an agreement with the partner.

    Also one that the provider has no more, or whose connection was deleted: it counts as deleted since then.

    Raises:
        RecordNotSharedError: that agreement does not count now, or shares nothing of this kind.
    """
    columns = COLUMNS.replace("r.deleted_at", "COALESCE(r.deleted_at, c.deleted_at) AS deleted_at")
    row = await connection.fetchrow(
        f"""
        SELECT {columns}, r.source_data, {OWNER}, s.agreement_id, s.counts AND {IS_READABLE} AS is_readable
        FROM shares s JOIN connections c ON c.fleet_id = s.fleet_id JOIN records r ON r.connection_id = c.id
        WHERE s.partner_id = $1 AND c.status <> 'cancelled' AND r.id = $2 AND r.resource = $3 AND NOT r.is_reserved
        """,  # noqa: S608 - our own words only
        partner_id,
        wanted_id,
        resource.value,
    )
    if row is not None and not row["is_readable"]:
        raise RecordNotSharedError(resource, row["agreement_id"])
    return None if row is None else read_shared(row)


# A record that was reserved comes into being when it is met for the first time.
_INSERT: Final = """
    INSERT INTO records AS r
        (id, connection_id, resource, source_id, attributes, source_data, source_data_hash, occurred_at,
         created_at, updated_at)
    SELECT
        -- Somebody may have brought the id that would have been ours for something else.
        CASE WHEN other.id IS NULL THEN u.id ELSE gen_random_uuid() END,
        u.connection_id, u.resource, u.source_id, u.attributes, u.source_data, u.source_data_hash,
        coalesce(u.occurred_at, fleetwrite_now()), fleetwrite_now(), fleetwrite_now()
    FROM unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[], $5::jsonb[], $6::jsonb[], $7::text[], $8::timestamptz[])
            WITH ORDINALITY AS u
            (connection_id, resource, source_id, id, attributes, source_data, source_data_hash, occurred_at, place)
        LEFT JOIN records other ON other.id = u.id
            AND (other.connection_id, other.resource, other.source_id) <> (u.connection_id, u.resource, u.source_id)
    ORDER BY u.place
    ON CONFLICT (connection_id, resource, source_id) DO UPDATE SET
        -- They differ where the time was told.
        occurred_at = CASE WHEN r.is_reserved OR excluded.occurred_at <> excluded.created_at
            THEN excluded.occurred_at ELSE r.occurred_at END,
        created_at = CASE WHEN r.is_reserved THEN excluded.created_at ELSE r.created_at END,
        updated_at = excluded.updated_at,
        deleted_at = NULL,
        is_reserved = false,
"""


async def upsert_many(
    connection: Connection, connection_id: UUID, records: Sequence[SourceRecord]
) -> dict[tuple[ResourceEnum, str], UUID]:
    """Keep what a provider lists, by one statement; a record that is there already is replaced by what is new.

    A record that did not change keeps its updated_at. One listed twice is kept as listed last. The provider's
    list is the truth: a record that was deleted and is listed again is there again.

    Returns:
        (resource, source_id) -> our id.
    """
    listed = {
        (connection_id, record.resource, record.source_id): _Known(
            record.attributes, record.source_data, record.occurred_at
        )
        for record in records
    }
    await connection.execute(
        _INSERT
        + """
            attributes = excluded.attributes,
            source_data = excluded.source_data,
            source_data_hash = excluded.source_data_hash
        WHERE r.source_data_hash <> excluded.source_data_hash
            OR r.attributes <> excluded.attributes
            OR r.deleted_at IS NOT NULL
        """,
        *_columns(listed),
    )
    # All of them are locked now, changed or not: no import can give them other ids.
    ids = await select_ids(connection, listed)
    return {(resource, source_id): found for (_, resource, source_id), found in ids.items()}


async def merge_written(connection: Connection, written: Sequence[WrittenRecord]) -> dict[Source, UUID]:
    """Keep what successful writes tell, of any number of connections, by one statement.

    Of a record that is there already, the attributes written replace theirs, and the others stay.

    Returns:
        (connection, resource, source_id) -> our id.
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
    rows = await connection.fetch(
        _INSERT
        + """
            attributes = r.attributes || excluded.attributes,
            -- An answer that says nothing of the record does not wipe out what an earlier one said.
            source_data = CASE WHEN excluded.source_data = '{}' THEN r.source_data ELSE excluded.source_data END,
            source_data_hash = CASE WHEN excluded.source_data = '{}' THEN r.source_data_hash
                ELSE excluded.source_data_hash END
        RETURNING id, connection_id, resource, source_id
        """,
        *_columns(merged),
    )
    return {_source(row): row["id"] for row in rows}


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


def _columns(records: Mapping[Source, _Known]) -> tuple[list[Any], ...]:
    # In one order everywhere: two transactions that write the same records wait for each other and not crosswise.
    sources = sorted(records)
    rows = [records[source] for source in sources]
    source_data = [_stored(record.source_data) for record in rows]
    return (
        *_transposed(sources),
        [record_id(*source) for source in sources],
        [
            _stored(with_derived_ids(connection_id, resource, record.attributes))
            for (connection_id, resource, _), record in zip(sources, rows, strict=True)
        ],
        source_data,
        [hashlib.sha256(bytes(text)).hexdigest() for text in source_data],
        [record.occurred_at for record in rows],
    )


def _transposed(sources: Sequence[Source]) -> tuple[list[UUID], list[str], list[str]]:
    return (
        [connection_id for connection_id, _, _ in sources],
        [resource.value for _, resource, _ in sources],
        [source_id for _, _, source_id in sources],
    )


def _source(row: asyncpg.Record) -> Source:
    return row["connection_id"], ResourceEnum(row["resource"]), row["source_id"]


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


def _record(row: asyncpg.Record) -> Record:
    return Record(
        id=row["id"],
        connection_id=row["connection_id"],
        resource=ResourceEnum(row["resource"]),
        source_id=row["source_id"],
        attributes=row["attributes"],
        source_data=row["source_data"] or {},
        source_data_hash=row["source_data_hash"],
        occurred_at=row["occurred_at"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        deleted_at=row["deleted_at"],
    )


def read_shared(row: asyncpg.Record) -> SharedRecord:
    """The record in a row that has `COLUMNS`, `source_data` and `OWNER`."""
    return SharedRecord(
        record=_record(row),
        fleet_id=row["fleet_id"],
        fleet_ref=row["fleet_ref"],
        tsp_slug=row["tsp_slug"],
        source_name=TspEnum(row["source_name"]),
    )
