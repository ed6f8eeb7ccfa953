"""SQL of partners, their properties, and fleets."""

from collections.abc import Collection
from typing import Any, Final
from uuid import UUID

import asyncpg
import msgspec

from fleetwrite.kit.database import Connection
from fleetwrite.kit.ids import new_id
from fleetwrite.kit.keyset import Page, PageQuery, Window
from fleetwrite.orgs.models import Fleet, NewFleet, NewPartner, Partner, Property, SharedFleet

_PARTNER: Final = """
    p.id, p.name, p.slug, p.description, p.websites, p.categories, p.is_sandbox, p.parent_partner_id, p.is_operator,
    p.created_at, p.updated_at
"""
_FLEET: Final = """
    f.id, f.name, f.websites, f.regulatory_id, f.regulatory_id_type, f.registered_email, f.registered_phone,
    f.country_code, f.created_at, f.updated_at
"""


async def insert_partner(connection: Connection, new: NewPartner) -> Partner | None:
    """Add a partner; None where the slug is taken.

    Raises:
        asyncpg.ForeignKeyViolationError: there is no such parent.
    """
    row = await connection.fetchrow(
        f"""
        INSERT INTO partners AS p (id, name, slug, description, websites, categories, is_sandbox, parent_partner_id,
            is_operator, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, fleetwrite_now(), fleetwrite_now())
        ON CONFLICT (slug) DO NOTHING
        RETURNING {_PARTNER}
        """,  # noqa: S608 - our own words only, here and below
        new_id(),
        new.name,
        new.slug,
        new.description,
        new.websites,
        [category.value for category in new.categories],
        new.is_sandbox,
        new.parent_partner_id,
        new.is_operator,
    )
    return None if row is None else _partner(row)


async def update_partner(
    connection: Connection, partner_id: UUID, *, name: str | None, description: str | None
) -> Partner | None:
    """Change what is not None; None where there is no such partner."""
    row = await connection.fetchrow(
        f"""
        UPDATE partners p SET name = coalesce($2, name), description = coalesce($3, description),
            updated_at = fleetwrite_now()
        WHERE id = $1 AND NOT is_operator RETURNING {_PARTNER}
        """,  # noqa: S608
        partner_id,
        name,
        description,
    )
    return None if row is None else _partner(row)


async def get_partner(connection: Connection, partner_id: UUID) -> Partner | None:
    """The partner of this id."""
    row = await connection.fetchrow(f"SELECT {_PARTNER} FROM partners p WHERE id = $1", partner_id)  # noqa: S608
    return None if row is None else _partner(row)


async def find_partner(connection: Connection, slug: str) -> Partner | None:
    """The partner of this slug."""
    row = await connection.fetchrow(f"SELECT {_PARTNER} FROM partners p WHERE slug = $1", slug)  # noqa: S608
    return None if row is None else _partner(row)


async def page_partners(connection: Connection, window: Window, *, only: UUID | None) -> tuple[Page[Partner], int]:
    """A page of the partners, without the operator; `only` one where that is not None."""
    query = PageQuery(f"SELECT {_PARTNER} FROM partners p", prefix="p")  # noqa: S608
    query.where("NOT p.is_operator")
    if only is not None:
        query.where("p.id = {}", only)
    page, total = await query.fetch_counted(connection, window)
    return page.of(_partner), total


async def insert_property(connection: Connection, partner_id: UUID, key: str, value: str) -> Property | None:
    """Keep something of a partner; None where there is something of this key."""
    row = await connection.fetchrow(
        """
        INSERT INTO partner_properties (id, partner_id, key, value, created_at)
        VALUES ($1, $2, $3, $4, fleetwrite_now()) ON CONFLICT (partner_id, key) DO NOTHING
        RETURNING id, partner_id, key, value, created_at
        """,
        new_id(),
        partner_id,
        key,
        value,
    )
    return None if row is None else msgspec.convert(dict(row), Property)


async def properties_of(connection: Connection, partner_id: UUID) -> list[Property]:
    """What is kept of a partner, by key."""
    rows = await connection.fetch(
        "SELECT id, partner_id, key, value, created_at FROM partner_properties WHERE partner_id = $1 ORDER BY key",
        partner_id,
    )
    return [msgspec.convert(dict(row), Property) for row in rows]


async def delete_property(connection: Connection, partner_id: UUID, property_id: UUID, keys: Collection[str]) -> bool:
    """Forget one thing of a partner, if its key is one of `keys`; False where there is none."""
    status = await connection.execute(
        "DELETE FROM partner_properties WHERE partner_id = $1 AND id = $2 AND key = ANY($3)",
        partner_id,
        property_id,
        list(keys),
    )
    return status == "DELETE 1"


async def insert_fleet(connection: Connection, new: NewFleet) -> Fleet:
    """Add a fleet."""
    (row,) = await connection.fetch(
        f"""
        INSERT INTO fleets AS f (id, name, websites, regulatory_id, regulatory_id_type, registered_email,
            registered_phone, country_code, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, fleetwrite_now(), fleetwrite_now())
        RETURNING {_FLEET}
        """,  # noqa: S608
        new_id(),
        new.name,
        new.websites,
        new.regulatory_id,
        new.regulatory_id_type,
        new.registered_email,
        new.registered_phone,
        new.country_code,
    )
    return _fleet(row)


async def lock_fleet(connection: Connection, fleet_id: UUID) -> None:
    """Keep others from what they do under this lock, until the transaction ends. New rows may refer to the fleet."""
    await connection.execute("SELECT FROM fleets WHERE id = $1 FOR NO KEY UPDATE", fleet_id)


async def get_fleet(connection: Connection, fleet_id: UUID) -> Fleet | None:
    """The fleet of this id."""
    row = await connection.fetchrow(f"SELECT {_FLEET} FROM fleets f WHERE id = $1", fleet_id)  # noqa: S608
    return None if row is None else _fleet(row)


_SHARED_FLEET: Final = f"""
    SELECT {_FLEET}, s.fleet_ref, a.invitation_id
    FROM shares s JOIN fleets f ON f.id = s.fleet_id JOIN share_agreements a ON a.id = s.agreement_id
"""  # noqa: S608


async def find_shared_fleet(connection: Connection, partner_id: UUID, fleet_id: UUID) -> SharedFleet | None:
    """The fleet of this id, if it shares something with the partner now."""
    row = await connection.fetchrow(
        f"{_SHARED_FLEET} WHERE s.counts AND s.partner_id = $1 AND s.fleet_id = $2", partner_id, fleet_id
    )
    return None if row is None else _shared_fleet(row)


async def page_shared_fleets(
    connection: Connection, partner_id: UUID, window: Window, *, fleet_refs: Collection[str] | None
) -> tuple[Page[SharedFleet], int]:
    """A page of the fleets that share something with the partner now."""
    query = PageQuery(_SHARED_FLEET, prefix="f")
    query.where("s.counts AND s.partner_id = {}", partner_id)
    query.where_among("s.fleet_ref", fleet_refs)
    page, total = await query.fetch_counted(connection, window)
    return page.of(_shared_fleet), total


async def count_fleets(connection: Connection, partner_id: UUID) -> int:
    """How many fleets have an agreement with a partner that is not deleted."""
    count: int = await connection.fetchval("SELECT count(*) FROM shares WHERE partner_id = $1", partner_id)
    return count


async def page_fleets(
    connection: Connection, window: Window, *, partner_id: UUID | None, fleet_refs: Collection[str] | None
) -> tuple[Page[Fleet], int]:
    """A page of all fleets, or of those that have an agreement with a partner, or one under such a name."""
    query = PageQuery(f"SELECT {_FLEET} FROM fleets f", prefix="f")  # noqa: S608
    agreed = "SELECT FROM shares s WHERE s.fleet_id = f.id"
    if partner_id is not None:
        query.where(f"EXISTS ({agreed} AND s.partner_id = {{}})", partner_id)
    if fleet_refs is not None:
        query.where(f"EXISTS ({agreed} AND s.fleet_ref = ANY({{}}))", [ref for ref in fleet_refs if "\0" not in ref])
    page, total = await query.fetch_counted(connection, window)
    return page.of(_fleet), total


def _partner(row: asyncpg.Record) -> Partner:
    return msgspec.convert(dict(row), Partner)


def _fleet(row: asyncpg.Record) -> Fleet:
    fields: dict[str, Any] = {name: row[name] for name in Fleet.__struct_fields__}
    return msgspec.convert(fields, Fleet)


def _shared_fleet(row: asyncpg.Record) -> SharedFleet:
    return SharedFleet(fleet=_fleet(row), fleet_ref=row["fleet_ref"], invitation_id=row["invitation_id"])
