"""SQL of partners, fleets and share agreements."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from fleetwrite.kit.database import Connection
from fleetwrite.kit.ids import new_id
from fleetwrite.orgs.models import Fleet, Partner, ShareAgreement


async def keep_partner(connection: Connection, name: str, slug: str) -> Partner:
    """Add a partner, or return the one that has the slug as it is."""
    (row,) = await connection.fetch(
        """
        INSERT INTO partners (id, name, slug, created_at, updated_at)
        VALUES ($1, $2, $3, fleetwrite_now(), fleetwrite_now())
        ON CONFLICT (slug) DO UPDATE SET slug = excluded.slug -- changes nothing, but returns the row
        RETURNING *
        """,
        new_id(),
        name,
        slug,
    )
    return Partner(**row)


async def get_partner(connection: Connection, partner_id: UUID) -> Partner | None:
    """The partner of this id."""
    row = await connection.fetchrow("SELECT * FROM partners WHERE id = $1", partner_id)
    return None if row is None else Partner(**row)


async def insert_fleet(connection: Connection, name: str) -> Fleet:
    """Add a fleet."""
    (row,) = await connection.fetch(
        """
        INSERT INTO fleets (id, name, created_at, updated_at)
        VALUES ($1, $2, fleetwrite_now(), fleetwrite_now())
        RETURNING *
        """,
        new_id(),
        name,
    )
    return Fleet(**row)


async def get_fleet(connection: Connection, fleet_id: UUID) -> Fleet | None:
    """The fleet of this id."""
    row = await connection.fetchrow("SELECT * FROM fleets WHERE id = $1", fleet_id)
    return None if row is None else Fleet(**row)


async def insert_agreement(
    connection: Connection,
    *,
    partner_id: UUID,
    fleet_id: UUID,
    fleet_ref: str,
    scopes: Mapping[str, str],
    expires_at: datetime | None,
) -> ShareAgreement:
    """Add an agreement that counts from now on.

    Raises:
        asyncpg.UniqueViolationError: the partner has one with this fleet, or for this fleet_ref.
    """
    (row,) = await connection.fetch(
        """
        INSERT INTO share_agreements
            (id, partner_id, fleet_id, fleet_ref, status, scopes, effective_at, expires_at, created_at, updated_at)
        VALUES ($1, $2, $3, $4, 'active', $5, fleetwrite_now(), $6, fleetwrite_now(), fleetwrite_now())
        RETURNING *
        """,
        new_id(),
        partner_id,
        fleet_id,
        fleet_ref,
        scopes,
        expires_at,
    )
    return ShareAgreement(**row)


async def find_agreement(connection: Connection, partner_id: UUID, fleet_ref: str) -> ShareAgreement | None:
    """The agreement for the partner's own name of a fleet, whatever its status."""
    row = await connection.fetchrow(
        "SELECT * FROM share_agreements WHERE partner_id = $1 AND fleet_ref = $2", partner_id, fleet_ref
    )
    return None if row is None else ShareAgreement(**row)


async def agreements_of(connection: Connection, partner_id: UUID) -> list[ShareAgreement]:
    """All agreements of a partner, oldest first, whatever their status."""
    rows = await connection.fetch(
        "SELECT * FROM share_agreements WHERE partner_id = $1 ORDER BY created_at, id", partner_id
    )
    return [ShareAgreement(**row) for row in rows]
