"""All SQL of the connect page."""

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec

from fleetwrite.connect.models import Departure, Visit, Written
from fleetwrite.kit.database import Connection
from fleetwrite.kit.keyset import Page, PageQuery, Window


async def insert_visit(
    connection: Connection,
    secret_hash: bytes,
    lasts: timedelta,
    *,
    invitation_id: UUID | None = None,
    fleet_id: UUID | None = None,
    email: str | None = None,
) -> None:
    """Add a visit, for one fleet or for those of a mail address; forget those that are over."""
    await connection.execute("DELETE FROM connect_visits WHERE expires_at <= fleetwrite_now()")
    await connection.execute(
        """
        INSERT INTO connect_visits (secret_hash, invitation_id, fleet_id, email, expires_at)
        VALUES ($1, $2, $3, $4, fleetwrite_now() + $5)
        """,
        secret_hash,
        invitation_id,
        fleet_id,
        email,
        lasts,
    )


async def find_visit(connection: Connection, secret_hash: bytes) -> Visit | None:
    """The visit of this secret, if it is not over."""
    row = await connection.fetchrow(
        """
        SELECT v.secret_hash, v.invitation_id,
            CASE WHEN v.fleet_id IS NOT NULL THEN ARRAY[v.fleet_id] ELSE ARRAY(
                SELECT id FROM fleets WHERE lower(registered_email) = v.email ORDER BY created_at, id
            ) END AS fleet_ids
        FROM connect_visits v WHERE v.secret_hash = $1 AND v.expires_at > fleetwrite_now()
        """,
        secret_hash,
    )
    return None if row is None else msgspec.convert(dict(row), Visit)


async def delete_visit(connection: Connection, secret_hash: bytes) -> None:
    """End a visit."""
    await connection.execute("DELETE FROM connect_visits WHERE secret_hash = $1", secret_hash)


async def insert_consent(
    connection: Connection, state_hash: bytes, visit_hash: bytes, departure: Departure, lasts: timedelta
) -> None:
    """Note that a browser leaves to consent."""
    await connection.execute(
        """
        INSERT INTO connect_consents
            (state_hash, visit_hash, fleet_id, tsp_slug, settings, connection_id, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, fleetwrite_now() + $7)
        """,
        state_hash,
        visit_hash,
        departure.fleet_id,
        departure.tsp_slug,
        dict(departure.settings),
        departure.connection_id,
        lasts,
    )


async def take_consent(connection: Connection, state_hash: bytes, visit_hash: bytes, tsp_slug: str) -> Departure | None:
    """Why this browser left with this state for this provider, told once; None: it did not, or too long ago."""
    row = await connection.fetchrow(
        """
        DELETE FROM connect_consents
        WHERE state_hash = $1 AND visit_hash = $2 AND tsp_slug = $3 AND expires_at > fleetwrite_now()
        RETURNING fleet_id, tsp_slug, settings, connection_id
        """,
        state_hash,
        visit_hash,
        tsp_slug,
    )
    return None if row is None else msgspec.convert(dict(row), Departure)


async def insert_link(
    connection: Connection, secret_hash: bytes, email: str, lasts: timedelta, pause: timedelta
) -> bool:
    """Add a link for the fleets of an address; False: there are none, or the last one was made less than `pause` ago.

    Two who ask at once get one link.
    """
    await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended('connect_links ' || $1, 0))", email)
    await connection.execute("DELETE FROM connect_links WHERE expires_at <= fleetwrite_now()")
    status = await connection.execute(
        """
        INSERT INTO connect_links (secret_hash, email, created_at, expires_at)
        SELECT $1, $2, fleetwrite_now(), fleetwrite_now() + $3
        WHERE EXISTS (SELECT FROM fleets WHERE lower(registered_email) = $2)
            AND NOT EXISTS (SELECT FROM connect_links WHERE email = $2 AND created_at > fleetwrite_now() - $4::interval)
        """,
        secret_hash,
        email,
        lasts,
        pause,
    )
    return bool(status == "INSERT 0 1")


async def take_link(connection: Connection, secret_hash: bytes) -> str | None:
    """The address that a link was sent to, told once; None: it was used, is too old, or none of ours."""
    email: str | None = await connection.fetchval(
        "DELETE FROM connect_links WHERE secret_hash = $1 AND expires_at > fleetwrite_now() RETURNING email",
        secret_hash,
    )
    return email


async def partner_names(connection: Connection, partner_ids: Collection[UUID]) -> Mapping[UUID, str]:
    """What partners are called."""
    rows = await connection.fetch("SELECT id, name FROM partners WHERE id = ANY($1)", list(partner_ids))
    return {row["id"]: row["name"] for row in rows}


async def page_written(connection: Connection, fleet_ids: Collection[UUID], window: Window) -> Page[Written]:
    """What was written in the name of fleets, whoever did it; the latest first."""
    query = PageQuery(
        """
        SELECT o.id, o.created_at, p.name AS partner_name, o.resource, o.operation_type, o.status
        FROM operations o JOIN partners p ON p.id = o.partner_id
        """,
        prefix="o",
        owners="SELECT o.*, c.tsp_slug FROM connections c",
    )
    query.where("o.connection_id = c.id")
    query.where_owner("c.fleet_id = ANY({})", list(fleet_ids))
    page = await query.fetch(connection, window)
    return page.of(_written)


def _written(row: Any) -> Written:
    return msgspec.convert(dict(row), Written)
