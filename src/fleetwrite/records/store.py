"""SQL of records."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import asyncpg
import msgspec

from fleetwrite.connectors.sdk.connector import SourceRecord
from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.contract.tsps import TspEnum
from fleetwrite.kit.database import Connection
from fleetwrite.kit.keyset import Page, PageQuery, Window
from fleetwrite.records.models import Record, SharedRecord, WrittenRecord, record_id

_SHARED: Final = """
    SELECT r.id, r.connection_id, r.resource, r.source_id, r.attributes, r.source_data_hash, r.occurred_at,
        r.created_at, r.updated_at, r.deleted_at, c.fleet_id, s.fleet_ref, c.tsp_slug, c.source_name,
"""
_FROM_SHARED: Final = """
    FROM records r
        JOIN connections c ON c.id = r.connection_id
        JOIN active_shares s ON s.fleet_id = c.fleet_id
"""
_WITH_SOURCE_DATA: Final = _SHARED + "r.source_data" + _FROM_SHARED
# The provider's JSON is the larger part of a record: it is neither read nor decoded when nobody asked for it.
_WITHOUT_SOURCE_DATA: Final = _SHARED + "NULL AS source_data" + _FROM_SHARED

_JSON: Final = msgspec.json.Encoder(order="sorted", decimal_format="number")
_NUL: Final = b"\\u0000"


class RecordFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which records are wanted; None does not narrow.

    Attributes:
        resource: vehicles, trailers or users.
        connection_id: those of one account.
        fleet_ids: those of these fleets.
        fleet_refs: the same, by the partner's own names.
        ids: these.
        source_ids: these, by the provider's ids.
        is_driver: users who are drivers, or who are known not to be.
    """

    resource: ResourceEnum
    connection_id: UUID | None = None
    fleet_ids: Collection[UUID] | None = None
    fleet_refs: Collection[str] | None = None
    ids: Collection[UUID] | None = None
    source_ids: Collection[str] | None = None
    is_driver: bool | None = None


async def resolve(connection: Connection, ids: Collection[UUID]) -> dict[UUID, Record]:
    """The records of these ids, by one query; unknown ids are left out.

    The caller must check connection, resource and deleted_at: nothing is known here of who asks.
    """
    rows = await connection.fetch("SELECT * FROM records WHERE id = ANY($1)", list(ids))
    return {row["id"]: _record(row) for row in rows}


async def was_known(connection: Connection, record_id: UUID, ago: timedelta) -> bool:
    """Whether a record was known longer ago than that."""
    known: bool = await connection.fetchval(
        "SELECT EXISTS (SELECT FROM records WHERE id = $1 AND created_at < fleetwrite_now() - $2::interval)",
        record_id,
        ago,
    )
    return known


async def page_shared(
    connection: Connection,
    partner_id: UUID,
    wanted: RecordFilter,
    window: Window,
    *,
    include_source_data: bool,
) -> tuple[Page[SharedRecord], int]:
    """A page of the records shared with a partner, and how many there are in all.

    The contract wants the total with every page, and both read all that matches: for one account of 1,000
    vehicles 3 ms together, for 100,000 vehicles of 100 fleets 100 ms (60 of them to find the page: an index in
    the order of the list would save these, and make partners with few records among many pay instead).
    """
    query = PageQuery(_WITH_SOURCE_DATA if include_source_data else _WITHOUT_SOURCE_DATA, prefix="r")
    query.where("s.partner_id = {} AND c.status NOT IN ('deleted', 'cancelled')", partner_id)
    query.where("r.resource = {}", wanted.resource.value)
    if wanted.connection_id is not None:
        query.where("r.connection_id = {}", wanted.connection_id)
    query.where_among("c.fleet_id", wanted.fleet_ids)
    query.where_among("s.fleet_ref", wanted.fleet_refs)
    query.where_among("r.id", wanted.ids)
    query.where_among("r.source_id", wanted.source_ids)
    if wanted.is_driver is not None:
        query.where("r.attributes -> 'is_driver' = {}", wanted.is_driver)
    page = await query.fetch(connection, window)
    return page.of(_shared), await query.count(connection)


async def find_shared(
    connection: Connection, partner_id: UUID, resource: ResourceEnum, wanted_id: UUID
) -> SharedRecord | None:
    """The record of this kind and id, if it is shared with the partner."""
    row = await connection.fetchrow(
        _WITH_SOURCE_DATA
        + """
        WHERE r.id = $2 AND r.resource = $3
            AND s.partner_id = $1 AND c.status NOT IN ('deleted', 'cancelled')
        """,
        partner_id,
        wanted_id,
        resource.value,
    )
    return None if row is None else _shared(row)


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
        record_id(connection_id, record.resource, record.source_id): WrittenRecord(
            connection_id=connection_id,
            resource=record.resource,
            source_id=record.source_id,
            attributes=record.attributes,
            source_data=record.source_data,
            occurred_at=record.occurred_at,
        )
        for record in records
    }
    await connection.execute(
        """
        INSERT INTO records AS r
            (id, connection_id, resource, source_id, attributes, source_data, source_data_hash, occurred_at,
             created_at, updated_at)
        SELECT u.id, u.connection_id, u.resource, u.source_id, u.attributes, u.source_data, u.source_data_hash,
            coalesce(u.occurred_at, fleetwrite_now()), fleetwrite_now(), fleetwrite_now()
        FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::jsonb[], $6::jsonb[], $7::text[],
            $8::timestamptz[])
            AS u (id, connection_id, resource, source_id, attributes, source_data, source_data_hash, occurred_at)
        ON CONFLICT (id) DO UPDATE SET
            attributes = excluded.attributes,
            source_data = excluded.source_data,
            source_data_hash = excluded.source_data_hash,
            updated_at = excluded.updated_at,
            deleted_at = NULL
        WHERE r.source_data_hash <> excluded.source_data_hash
            OR r.attributes <> excluded.attributes
            OR r.deleted_at IS NOT NULL
        """,
        *_columns(listed),
    )
    return {(record.resource, record.source_id): found for found, record in listed.items()}


async def merge_written(connection: Connection, written: Sequence[WrittenRecord]) -> None:
    """Keep what successful writes tell, of any number of connections, by one statement.

    Of a record that is there already, the attributes written replace theirs, and the others stay.
    """
    merged: dict[UUID, WrittenRecord] = {}
    for one in written:
        key = record_id(one.connection_id, one.resource, one.source_id)
        before = merged.get(key)
        merged[key] = one if before is None else _after(before, one)
    await connection.execute(
        """
        INSERT INTO records AS r
            (id, connection_id, resource, source_id, attributes, source_data, source_data_hash, occurred_at,
             created_at, updated_at)
        SELECT u.id, u.connection_id, u.resource, u.source_id, u.attributes, u.source_data, u.source_data_hash,
            coalesce(u.occurred_at, fleetwrite_now()), fleetwrite_now(), fleetwrite_now()
        FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::jsonb[], $6::jsonb[], $7::text[],
            $8::timestamptz[])
            AS u (id, connection_id, resource, source_id, attributes, source_data, source_data_hash, occurred_at)
        ON CONFLICT (id) DO UPDATE SET
            attributes = r.attributes || excluded.attributes,
            -- An answer that says nothing of the record does not wipe out what an earlier one said.
            source_data = CASE WHEN excluded.source_data = '{}' THEN r.source_data ELSE excluded.source_data END,
            source_data_hash = CASE WHEN excluded.source_data = '{}' THEN r.source_data_hash
                ELSE excluded.source_data_hash END,
            updated_at = excluded.updated_at,
            deleted_at = NULL
        """,
        *_columns(merged),
    )


def _after(before: WrittenRecord, later: WrittenRecord) -> WrittenRecord:
    return msgspec.structs.replace(
        later,
        attributes={**before.attributes, **later.attributes},
        source_data=later.source_data or before.source_data,
        occurred_at=later.occurred_at or before.occurred_at,
    )


def _columns(records: Mapping[UUID, WrittenRecord]) -> tuple[list[Any], ...]:
    # In one order everywhere: two transactions that write the same records wait for each other and not crosswise.
    rows = [(key, records[key]) for key in sorted(records)]
    source_data = [_stored(record.source_data) for _, record in rows]
    return (
        [key for key, _ in rows],
        [record.connection_id for _, record in rows],
        [record.resource.value for _, record in rows],
        [record.source_id for _, record in rows],
        [_stored(record.attributes) for _, record in rows],
        source_data,
        [hashlib.sha256(bytes(text)).hexdigest() for text in source_data],
        [record.occurred_at for _, record in rows],
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


def _shared(row: asyncpg.Record) -> SharedRecord:
    return SharedRecord(
        record=_record(row),
        fleet_id=row["fleet_id"],
        fleet_ref=row["fleet_ref"],
        tsp_slug=row["tsp_slug"],
        source_name=TspEnum(row["source_name"]),
    )
