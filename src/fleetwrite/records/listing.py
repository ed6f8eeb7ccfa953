"""Lists of records: which are wanted, and the SQL that finds a page of them."""

from collections.abc import Collection, Mapping
from datetime import datetime
from uuid import UUID

import msgspec

from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.kit.database import Connection
from fleetwrite.kit.keyset import Order, Page, PageQuery, Window, storable
from fleetwrite.records.models import SharedRecord
from fleetwrite.records.references import REFERENCES, source_field
from fleetwrite.records.sorting import column_of
from fleetwrite.records.store import COLUMNS, IS_SHARED, OWNER, SHARES, read_shared, select_sources


class RecordFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which records are wanted; None does not narrow.

    Attributes:
        resource: of what kind.
        connection_id: those of one account.
        fleet_ids: those of these fleets.
        fleet_refs: the same, by the partner's own names.
        ids: these.
        source_ids: these, by the provider's ids.
        is_driver: users who are drivers, or who are known not to be.
        occurred_from: not before that.
        occurred_to: before that.
        references: field -> our ids of which it holds one (`driver_id`).
        attributes: attribute -> texts of which it is one (`source_driver_id`); of those that the function
            `fleetwrite_record_keys` of the schema names, which is what the index knows.
    """

    resource: ResourceEnum
    connection_id: UUID | None = None
    fleet_ids: Collection[UUID] | None = None
    fleet_refs: Collection[str] | None = None
    ids: Collection[UUID] | None = None
    source_ids: Collection[str] | None = None
    is_driver: bool | None = None
    occurred_from: datetime | None = None
    occurred_to: datetime | None = None
    references: Mapping[str, Collection[UUID]] = {}
    attributes: Mapping[str, Collection[str]] = {}


async def page_shared(
    connection: Connection,
    partner_id: UUID,
    wanted: RecordFilter,
    order: Order,
    window: Window,
    *,
    include_source_data: bool,
) -> tuple[Page[SharedRecord], int]:
    """A page of the records shared with a partner that the providers have now, and how many there are in all.

    A page is read by an index, of each connection that the partner sees; the first page alone counts them all.

    Raises:
        BadCursorError: the cursor is one of another order.
    """
    # The provider's JSON is the larger part of a record: it is not read when nobody asked for it.
    source_data = "r.source_data" if include_source_data else "NULL::jsonb AS source_data"
    query = PageQuery(
        f"SELECT {COLUMNS}, {source_data}{column_of(order)} FROM records r",  # noqa: S608 - our own words only
        prefix="r",
        order=order,
        owners=f"SELECT r.*, {OWNER} {SHARES}",
    )
    query.where_owner(IS_SHARED, partner_id)
    query.where_owner("s.levels ? {}", wanted.resource.value)
    query.where_owner_among("c.fleet_id", wanted.fleet_ids)
    query.where_owner_among("s.fleet_ref", wanted.fleet_refs)
    if wanted.connection_id is not None:
        query.where_owner("c.id = {}", wanted.connection_id)
    query.where("r.connection_id = c.id AND r.resource = {} AND r.deleted_at IS NULL", wanted.resource.value)
    if wanted.ids is not None:
        query.where_among("r.id", wanted.ids)
        await _point_at(connection, query, "r.source_id", wanted.resource, wanted.ids)
    query.where_among("r.source_id", wanted.source_ids)
    if wanted.is_driver is not None:
        query.where("r.attributes -> 'is_driver' = {}", wanted.is_driver)
    if wanted.occurred_from is not None:
        query.where("r.occurred_at >= {}", wanted.occurred_from)
    if wanted.occurred_to is not None:
        query.where("r.occurred_at < {}", wanted.occurred_to)
    for field, ids in wanted.references.items():
        name, kind = source_field(field), REFERENCES[wanted.resource][field]
        where_key(query, name, await _point_at(connection, query, _attribute(name), kind, ids))
    for attribute, texts in wanted.attributes.items():
        query.where_among(_attribute(attribute), texts)
        where_key(query, attribute, texts)
    page, total = await query.fetch_counted(connection, window)
    return page.of(read_shared), total


async def _point_at(
    connection: Connection, query: PageQuery, column: str, kind: ResourceEnum, ids: Collection[UUID]
) -> list[str]:
    """Let `column` hold a provider's id of one of these records, in the connection of that; returns those ids.

    Without it, all records of all connections would be looked through for ours.
    """
    # In an order, so that the same question is the same text.
    sources = sorted(source for source in (await select_sources(connection, ids)).values() if source[1] is kind)
    of_connections = [connection_id for connection_id, _, _ in sources]
    source_ids = [source_id for _, _, source_id in sources]
    query.where_owner("c.id = ANY({})", of_connections)
    query.where(f"{column} = ANY({{}})", source_ids)
    pairs = "SELECT * FROM unnest({}::uuid[], {}::text[])"
    query.where(f"(r.connection_id, {column}) IN ({pairs})", of_connections, source_ids)
    return source_ids


def _attribute(name: str) -> str:
    return f"r.attributes ->> '{name}'"


def where_key(query: PageQuery, attribute: str, texts: Collection[str]) -> None:
    """Let the index find the rows of which an attribute may be one of `texts`; its keys are folded, and cut."""
    query.where(f"r.id = ANY(fleetwrite_records_with(c.id, '{attribute}', {{}}::text[]))", storable(texts))
