"""SQL of records that are read; `keeping_store` has that of what lists and writes tell of them."""

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

import asyncpg

from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.kit.database import Connection
from fleetwrite.records.errors import RecordNotSharedError
from fleetwrite.records.models import Record, SharedRecord
from fleetwrite.records.references import Source

COLUMNS: Final = """
    r.id, r.connection_id, r.resource, r.source_id, r.attributes, r.source_data_hash, r.occurred_at,
    r.created_at, r.updated_at, r.deleted_at
"""
OWNER: Final = "c.fleet_id, s.fleet_ref, c.tsp_slug, c.source_name"
SHARES: Final = "FROM active_shares s JOIN connections c ON c.fleet_id = s.fleet_id"
IS_SHARED: Final = "s.partner_id = {} AND c.status NOT IN ('deleted', 'cancelled')"
IS_READABLE: Final = "s.levels ? r.resource"
"""Whoever may write a resource may read it; what is not shared is not named."""


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
        *transposed(wanted),
    )
    return {source_of(row): row["id"] for row in rows}


async def select_sources(connection: Connection, ids: Collection[UUID]) -> dict[UUID, Source]:
    """What providers know by which ids, by ours; unknown ones are left out."""
    rows = await connection.fetch(
        "SELECT id, connection_id, resource, source_id FROM records WHERE id = ANY($1)", list(ids)
    )
    return {row["id"]: source_of(row) for row in rows}


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


async def select_shared(
    connection: Connection, partner_ids: Collection[UUID], ids: Collection[UUID]
) -> list[tuple[UUID, SharedRecord]]:
    """Each of these records with each of these partners who sees it, in the order in which they are locked."""
    rows = await connection.fetch(
        f"SELECT {COLUMNS}, NULL::jsonb AS source_data, {OWNER}, s.partner_id {SHARES}"
        f" JOIN records r ON r.connection_id = c.id WHERE {IS_SHARED.format('ANY($1::uuid[])')} AND {IS_READABLE}"
        ' AND r.id = ANY($2) ORDER BY r.connection_id, r.resource COLLATE "C", r.source_id COLLATE "C", s.partner_id',
        list(partner_ids),
        list(ids),
    )
    return [(row["partner_id"], read_shared(row)) for row in rows]


def transposed(sources: Sequence[Source]) -> tuple[list[UUID], list[str], list[str]]:
    """Their connections, resources and source_ids, as arrays of a query."""
    return (
        [connection_id for connection_id, _, _ in sources],
        [resource.value for _, resource, _ in sources],
        [source_id for _, _, source_id in sources],
    )


def source_of(row: asyncpg.Record) -> Source:
    """By what the provider knows the record in a row."""
    return row["connection_id"], ResourceEnum(row["resource"]), row["source_id"]


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
        source_name=row["source_name"],
    )
