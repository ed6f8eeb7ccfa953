"""Connections of fleets that partners see, and what providers and writes tell of the things there."""

from typing import Any
from uuid import UUID

from fleetwrite.connectors.sdk.connector import SourceRecord
from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.kit.database import Database
from fleetwrite.kit.ids import new_id
from fleetwrite.orgs.models import EVERYTHING, Partner
from fleetwrite.orgs.service import OrgService
from fleetwrite.records.models import WrittenRecord
from fleetwrite.records.store import merge_written, upsert_many


async def connect(database: Database, partner: Partner, fleet_ref: str) -> UUID:
    """A connection of a fleet that the partner sees. A row is all that records need of it."""
    agreement = await OrgService(database).ensure_shared_fleet(partner.id, fleet_ref, fleet_ref)
    connection_id = new_id()
    await database.pool.execute(
        """
        INSERT INTO connections (id, fleet_id, tsp_slug, source_name, status, credentials_sealed,
            credentials_masked, created_at, updated_at)
        VALUES ($1, $2, 'samsara', 'samsara', 'active', '', '{}', fleetwrite_now(), fleetwrite_now())
        """,
        connection_id,
        agreement.fleet_id,
    )
    return connection_id


async def share_too(database: Database, connection_id: UUID, name: str) -> Partner:
    """Another partner that sees the fleet of this connection."""
    other = await OrgService(database).ensure_partner(name, name)
    await database.pool.execute(
        """
        INSERT INTO share_agreements (id, partner_id, fleet_id, fleet_ref, status, scopes, effective_at, created_at,
            updated_at)
        SELECT gen_random_uuid(), $1, fleet_id, 'theirs', 'active', $3, fleetwrite_now(), fleetwrite_now(),
            fleetwrite_now() FROM connections WHERE id = $2
        """,
        other.id,
        connection_id,
        dict(EVERYTHING),
    )
    return other


def listed(resource: ResourceEnum, source_id: str, **attributes: Any) -> SourceRecord:
    """What a provider's list says of a thing."""
    return SourceRecord(
        resource=resource, source_id=source_id, attributes=attributes, source_data={"id": source_id, **attributes}
    )


async def pull(database: Database, account: UUID, *listing: SourceRecord) -> list[UUID]:
    """Keep what a provider lists; returns our ids."""
    async with database.transaction() as connection:
        ids = await upsert_many(connection, account, listing)
    return [ids[record.resource, record.source_id] for record in listing]


async def write(database: Database, account: UUID, source_id: str, **attributes: Any) -> UUID:
    """What a settlement does with a write to a vehicle that succeeded; returns our id."""
    written = WrittenRecord(
        connection_id=account,
        resource=ResourceEnum.VEHICLE,
        source_id=source_id,
        attributes=attributes,
        source_data={},
    )
    async with database.transaction() as connection:
        ids = await merge_written(connection, [written])
    return ids[account, ResourceEnum.VEHICLE, source_id]
