"""SQL of the id map: looking up, exporting."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

import asyncpg

from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.kit.database import Connection
from fleetwrite.kit.keyset import Page, PageQuery, Window, storable
from fleetwrite.records.id_map_models import NATURAL_KEYS, LookUp, MappingState, RecordMapping
from fleetwrite.records.listing import where_key
from fleetwrite.records.rendering import READ_MODELS
from fleetwrite.records.store import IS_READABLE, IS_SHARED, SHARES, select_sources

_RESOURCES: Final = [resource.value for resource in READ_MODELS]

_MAPPING: Final = f"""
    r.id, r.connection_id, r.resource, r.source_id, r.created_at, r.deleted_at, r.is_reserved,
    coalesce(r.attributes ->> 'vehicle_name', r.attributes ->> 'trailer_name',
        nullif(concat_ws(' ', r.attributes ->> 'first_name', r.attributes ->> 'last_name'), '')) AS name,
    {", ".join(f"r.attributes ->> '{key}' AS {key}" for key in NATURAL_KEYS)},
    (SELECT f.record_ref FROM record_refs f WHERE f.partner_id = s.partner_id
        AND (f.connection_id, f.resource, f.source_id) = (r.connection_id, r.resource, r.source_id)) AS record_ref
"""  # noqa: S608 - our own words only
_OWNER: Final = "s.fleet_ref, c.source_name"


async def page_mappings(
    connection: Connection, partner_id: UUID, wanted: LookUp, window: Window
) -> Page[RecordMapping]:
    """A page of what is looked up, in the order in which it was first heard of."""
    query = PageQuery(
        f"SELECT {_MAPPING} FROM records r",  # noqa: S608 - as above
        prefix="r",
        owners=f"SELECT r.*, {_OWNER} {SHARES}",
    )
    query.where_owner(IS_SHARED, partner_id)
    query.where_owner_among("s.fleet_ref", wanted.fleet_refs)
    if wanted.connection_id is not None:
        query.where_owner("c.id = {}", wanted.connection_id)
    query.where(f"r.connection_id = c.id AND {IS_READABLE}")
    query.where_among("r.resource", _RESOURCES if wanted.resource is None else [wanted.resource.value])
    if wanted.ids is not None:
        query.where_among("r.id", wanted.ids)
        # By their natural key an index finds them in each connection, and only in theirs.
        sources = sorted((await select_sources(connection, wanted.ids)).values())
        query.where_owner_among("c.id", [of for of, _, _ in sources])
        query.where_among("r.source_id", [source_id for _, _, source_id in sources])
    query.where_among("r.source_id", wanted.source_ids)
    if wanted.record_refs is not None:
        named = "SELECT resource, source_id FROM record_refs WHERE connection_id = c.id AND partner_id = {}"
        query.where(
            f"(r.resource, r.source_id) IN ({named} AND record_ref = ANY({{}}))",
            partner_id,
            storable(wanted.record_refs),
        )
    for key, texts in wanted.keys.items():
        where_key(query, key, texts)
        # Folded by the database on both sides: its idea of letters need not be Python's.
        folded = "ARRAY(SELECT lower(text) FROM unnest({}::text[]) AS text)"
        query.where(f"lower(r.attributes ->> '{key}') = ANY({folded})", storable(texts))
    page = await query.fetch(connection, window)
    return page.of(_mapping)


async def select_parts(connection: Connection, partner_id: UUID, wanted: LookUp) -> list[tuple[UUID, ResourceEnum]]:
    """Of which connections that a partner sees there are records of which resource, in an order; of what is looked up
    only what narrows it counts.
    """
    rows = await connection.fetch(
        f"""
        SELECT c.id, kind.resource {SHARES} CROSS JOIN unnest($2::text[]) AS kind (resource)
        WHERE {IS_SHARED.format("$1")} AND ($3::uuid IS NULL OR c.id = $3)
            AND ($4::text[] IS NULL OR s.fleet_ref = ANY($4)) AND s.levels ? kind.resource
            AND EXISTS (SELECT FROM records r WHERE r.connection_id = c.id AND r.resource = kind.resource)
        ORDER BY c.id, kind.resource
        """,  # noqa: S608 - as above
        partner_id,
        _RESOURCES if wanted.resource is None else [wanted.resource.value],
        wanted.connection_id,
        None if wanted.fleet_refs is None else storable(wanted.fleet_refs),
    )
    return [(row["id"], ResourceEnum(row["resource"])) for row in rows]


async def select_mappings_after(
    connection: Connection, partner_id: UUID, part: tuple[UUID, ResourceEnum], after: str, size: int
) -> Sequence[RecordMapping]:
    """The next lines of a part of the id map, behind the source_id `after`; none where the partner may not see it any
    more.
    """
    connection_id, resource = part
    rows = await connection.fetch(
        f"""
        SELECT {_MAPPING}, {_OWNER} {SHARES} JOIN records r ON r.connection_id = c.id
        WHERE {IS_SHARED.format("$1")} AND c.id = $2
            AND r.connection_id = $2 AND r.resource = $3 AND r.source_id > $4 AND {IS_READABLE}
        ORDER BY r.source_id LIMIT $5
        """,
        partner_id,
        connection_id,
        resource.value,
        after,
        size,
    )
    return [_mapping(row) for row in rows]


def _mapping(row: asyncpg.Record) -> RecordMapping:
    state = MappingState.RESERVED if row["is_reserved"] else MappingState.KNOWN
    if state is MappingState.KNOWN and row["deleted_at"] is not None:
        state = MappingState.DELETED
    return RecordMapping(
        connection_id=row["connection_id"],
        resource=ResourceEnum(row["resource"]),
        source_id=row["source_id"],
        id=row["id"],
        record_ref=row["record_ref"],
        state=state,
        fleet_ref=row["fleet_ref"],
        source_name=row["source_name"],
        name=row["name"],
        **{key: row[key] for key in NATURAL_KEYS},
    )
