"""SQL of connections. Who may see one is decided here, by an agreement that counts now, and never remembered."""

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import asyncpg
import msgspec

from fleetwrite.connections.models import SESSION_LEFT, Connection, NewConnection, SealedSession, Shared
from fleetwrite.contract.enums import ConnectionStatusEnum
from fleetwrite.contract.org_enums import ShareAgreementStatusEnum
from fleetwrite.kit import database
from fleetwrite.kit.keyset import Page, PageQuery, Window

_SHARED: Final = """
    SELECT c.id, c.fleet_id, s.fleet_ref, c.tsp_slug, c.source_name, c.description, c.status, c.settings,
        c.credentials_masked, c.is_draining, c.created_at, c.updated_at, s.levels,
        EXISTS (SELECT FROM paused_tsps WHERE slug = c.tsp_slug) AS is_tsp_paused,
        s.agreement_id, s.status AS agreement_status, s.counts
    FROM connections c JOIN shares s ON s.fleet_id = c.fleet_id
"""
_GONE: Final = (ConnectionStatusEnum.DELETED.value, ConnectionStatusEnum.CANCELLED.value)


async def find_shared(connection: database.Connection, partner_id: UUID, connection_id: UUID) -> Shared | None:
    """The connection of this id, if its fleet has an agreement with the partner, and it is not gone."""
    row = await connection.fetchrow(
        _SHARED + "WHERE c.id = $2 AND s.partner_id = $1 AND c.status <> ALL($3)",
        partner_id,
        connection_id,
        _GONE,
    )
    return None if row is None else _shared(row)


async def find_all_shared(
    connection: database.Connection, wanted: Sequence[tuple[UUID, UUID]]
) -> dict[tuple[UUID, UUID], Shared]:
    """For each (partner, connection) what `find_shared` finds; those that find nothing are left out."""
    rows = await connection.fetch(
        f"""
        SELECT wanted.partner_id AS asking_id, found.* FROM unnest($1::uuid[], $2::uuid[]) AS wanted (partner_id, id)
        CROSS JOIN LATERAL (
            {_SHARED} WHERE c.id = wanted.id AND s.partner_id = wanted.partner_id AND c.status <> ALL($3)
        ) AS found
        """,  # noqa: S608 - a text of this module
        [partner_id for partner_id, _ in wanted],
        [connection_id for _, connection_id in wanted],
        _GONE,
    )
    return {(row["asking_id"], row["id"]): _shared(row) for row in rows}


async def page_shared(
    connection: database.Connection,
    partner_id: UUID,
    window: Window,
    *,
    tsp_slugs: Collection[str] | None,
    fleet_ids: Collection[UUID] | None,
    fleet_refs: Collection[str] | None,
) -> Page[Connection]:
    """A page of the connections that are shared with the partner and not gone.

    It sorts all of the partner's connections: no index can hold them in order across fleets.
    """
    query = PageQuery(_SHARED, prefix="c")
    query.where("s.partner_id = {} AND s.counts AND c.status <> ALL({})", partner_id, _GONE)
    query.where_among("c.tsp_slug", tsp_slugs)
    query.where_among("c.fleet_id", fleet_ids)
    query.where_among("s.fleet_ref", fleet_refs)
    return (await query.fetch(connection, window)).of(_connection)


async def of_fleet(connection: database.Connection, fleet_id: UUID) -> list[Connection]:
    """All connections of a fleet that are not gone, oldest first."""
    rows = await connection.fetch(
        """
        SELECT id, fleet_id, NULL AS fleet_ref, tsp_slug, source_name, description, status, settings,
            credentials_masked, is_draining, created_at, updated_at,
            EXISTS (SELECT FROM paused_tsps WHERE slug = tsp_slug) AS is_tsp_paused
        FROM connections WHERE fleet_id = $1 AND status <> ALL($2) ORDER BY created_at, id
        """,
        fleet_id,
        _GONE,
    )
    return [_connection(row) for row in rows]


async def with_sealed_credentials(
    connection: database.Connection, connection_ids: Collection[UUID]
) -> list[tuple[Connection, bytes | None, SealedSession | None]]:
    """Connections with their sealed logins and sessions, whatever their status. Unknown ids are left out."""
    rows = await connection.fetch(
        """
        SELECT id, fleet_id, NULL AS fleet_ref, tsp_slug, source_name, description, status, settings,
            credentials_masked, is_draining, created_at, updated_at,
            EXISTS (SELECT FROM paused_tsps WHERE slug = tsp_slug) AS is_tsp_paused, credentials_sealed,
            sealed, generation
        FROM connections LEFT JOIN login_sessions
            ON connection_id = id AND sealed IS NOT NULL AND expires_at > fleetwrite_now() + $2::interval
        WHERE id = ANY($1)
        """,
        list(connection_ids),
        SESSION_LEFT,
    )
    return [
        (
            _connection(row),
            row["credentials_sealed"],
            None if row["sealed"] is None else SealedSession(row["sealed"], row["generation"]),
        )
        for row in rows
    ]


async def insert(connection: database.Connection, new: NewConnection) -> Connection:
    """Add an active connection.

    Raises:
        asyncpg.ForeignKeyViolationError: there is no such fleet.
    """
    (row,) = await connection.fetch(
        """
        INSERT INTO connections
            (id, fleet_id, tsp_slug, source_name, description, status, credentials_sealed, credentials_masked,
             settings, account_id, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, 'active', $6, $7, $8, $9, fleetwrite_now(), fleetwrite_now())
        RETURNING id, fleet_id, NULL AS fleet_ref, tsp_slug, source_name, description, status, settings,
            credentials_masked, is_draining, created_at, updated_at,
            EXISTS (SELECT FROM paused_tsps WHERE slug = tsp_slug) AS is_tsp_paused
        """,
        new.id,
        new.fleet_id,
        new.tsp_slug,
        new.source_name,
        new.description,
        new.credentials_sealed,
        new.credentials_masked,
        new.settings,
        new.account_id,
    )
    return _connection(row)


async def update_settings(
    connection: database.Connection, connection_id: UUID, settings: Mapping[str, str], masked: Mapping[str, str]
) -> None:
    """Replace the settings of a connection, and what is shown of its login, which may name one."""
    await connection.execute(
        "UPDATE connections SET settings = $2, credentials_masked = $3, updated_at = fleetwrite_now() WHERE id = $1",
        connection_id,
        settings,
        masked,
    )


async def update_login(
    connection: database.Connection,
    connection_id: UUID,
    sealed: bytes,
    masked: Mapping[str, str],
    settings: Mapping[str, str],
    account_id: str | None,
) -> None:
    """Replace the login of a connection, and note which account it leads to, where that is known."""
    await connection.execute(
        """
        UPDATE connections SET credentials_sealed = $2, credentials_masked = $3, settings = $4,
               account_id = COALESCE($5, account_id), updated_at = fleetwrite_now()
        WHERE id = $1
        """,
        connection_id,
        sealed,
        masked,
        settings,
        account_id,
    )


async def lock_account(connection: database.Connection, connection_id: UUID) -> tuple[str | None] | None:
    """What names the account of a connection, which is locked, if anybody knows; None: the connection is gone."""
    row = await connection.fetchrow(
        "SELECT account_id FROM connections WHERE id = $1 AND status <> ALL($2) FOR NO KEY UPDATE", connection_id, _GONE
    )
    return None if row is None else (row["account_id"],)


async def pin_account(connection: database.Connection, connection_id: UUID, account_id: str) -> None:
    """Note which account a connection leads to."""
    await connection.execute("UPDATE connections SET account_id = $2 WHERE id = $1", connection_id, account_id)


async def destroy_credentials(connection: database.Connection, connection_id: UUID) -> None:
    """Take what opens its account from a deleted connection."""
    await connection.execute("UPDATE connections SET credentials_sealed = NULL WHERE id = $1", connection_id)


async def find_fleet(
    connection: database.Connection, partner_id: UUID, *, fleet_id: UUID | None, fleet_ref: str | None
) -> UUID | None:
    """The fleet of this id, or of this name of the partner's, that shares with the partner now."""
    found: UUID | None = await connection.fetchval(
        """
        SELECT fleet_id FROM active_shares
        WHERE partner_id = $1 AND ($2::uuid IS NULL OR fleet_id = $2) AND ($3::text IS NULL OR fleet_ref = $3)
        """,
        partner_id,
        fleet_id,
        fleet_ref,
    )
    return found


async def to_empty(connection: database.Connection, after: timedelta) -> list[UUID]:
    """Deleted connections with work left, and those that were deleted at least `after` ago, oldest first."""
    rows = await connection.fetch(
        """
        SELECT id FROM connections WHERE status = 'deleted' AND emptied_at IS NULL
          AND (deleted_at <= fleetwrite_now() - $1::interval OR EXISTS (
              SELECT FROM lanes JOIN jobs ON lane_id = lanes.id WHERE lanes.owner_id = connections.id))
        ORDER BY deleted_at
        """,
        after,
    )
    return [row["id"] for row in rows]


async def mark_emptied(connection: database.Connection, connection_id: UUID, after: timedelta) -> bool:
    """Note that no work is left of a connection, if it was deleted at least `after` ago; says whether it was."""
    marked = await connection.fetchval(
        """
        UPDATE connections SET emptied_at = fleetwrite_now()
        WHERE id = $1 AND status = 'deleted' AND deleted_at <= fleetwrite_now() - $2::interval RETURNING id
        """,
        connection_id,
        after,
    )
    return marked is not None


async def update_description(connection: database.Connection, connection_id: UUID, description: str) -> None:
    """Replace the description of a connection."""
    await connection.execute(
        "UPDATE connections SET description = $2, updated_at = fleetwrite_now() WHERE id = $1",
        connection_id,
        description,
    )


async def update_draining(connection: database.Connection, connection_id: UUID, *, is_draining: bool) -> None:
    """Say whether a connection takes new writes."""
    await connection.execute(
        """
        UPDATE connections SET is_draining = $2, updated_at = fleetwrite_now() WHERE id = $1 AND is_draining <> $2
        """,
        connection_id,
        is_draining,
    )


async def is_sending(connection: database.Connection, connection_id: UUID) -> bool:
    """Whether a connection is active and its provider not paused; locks the former until the transaction ends."""
    sends: bool | None = await connection.fetchval(
        """
        SELECT status = 'active' AND NOT EXISTS (SELECT FROM paused_tsps WHERE slug = tsp_slug)
        FROM connections WHERE id = $1 FOR NO KEY UPDATE
        """,
        connection_id,
    )
    return bool(sends)


async def pause_tsp(connection: database.Connection, slug: str) -> None:
    """Note that nothing is sent to a provider."""
    await connection.execute(
        "INSERT INTO paused_tsps (slug, paused_at) VALUES ($1, fleetwrite_now()) ON CONFLICT DO NOTHING", slug
    )


async def resume_tsp(connection: database.Connection, slug: str) -> None:
    """Forget that nothing is sent to a provider."""
    await connection.execute("DELETE FROM paused_tsps WHERE slug = $1", slug)


async def is_tsp_paused(connection: database.Connection, slug: str) -> bool:
    """Whether nothing is sent to a provider."""
    return bool(await connection.fetchval("SELECT EXISTS (SELECT FROM paused_tsps WHERE slug = $1)", slug))


async def paused_tsps(connection: database.Connection) -> list[str]:
    """The providers to which nothing is sent."""
    return [row["slug"] for row in await connection.fetch("SELECT slug FROM paused_tsps ORDER BY slug")]


async def count_by_status(connection: database.Connection) -> dict[str, int]:
    """How many connections there are in each status, those that are gone left out."""
    rows = await connection.fetch(
        "SELECT status, count(*) AS connections FROM connections WHERE status <> ALL($1) GROUP BY status ORDER BY 1",
        _GONE,
    )
    return {row["status"]: row["connections"] for row in rows}


async def not_flowing(connection: database.Connection, most: int) -> list[Connection]:
    """Up to `most` connections that are not active, or are being drained; those that changed last come first."""
    rows = await connection.fetch(
        """
        SELECT id, fleet_id, NULL AS fleet_ref, tsp_slug, source_name, description, status, settings,
            credentials_masked, is_draining, created_at, updated_at,
            EXISTS (SELECT FROM paused_tsps WHERE slug = tsp_slug) AS is_tsp_paused
        FROM connections WHERE status <> ALL($1) AND (status <> 'active' OR is_draining)
        ORDER BY updated_at DESC, id LIMIT $2
        """,
        _GONE,
        most,
    )
    return [_connection(row) for row in rows]


async def ids_of_tsp(connection: database.Connection, slug: str) -> list[UUID]:
    """All connections to a provider that are not gone."""
    rows = await connection.fetch(
        "SELECT id FROM connections WHERE tsp_slug = $1 AND status <> ALL($2) ORDER BY id", slug, _GONE
    )
    return [row["id"] for row in rows]


async def update_status(
    connection: database.Connection, connection_id: UUID, status: ConnectionStatusEnum
) -> ConnectionStatusEnum | None:
    """Set the status of a connection that is not gone, and return the one it had; None where there is none."""
    before = await connection.fetchval(
        "SELECT status FROM connections WHERE id = $1 AND status <> ALL($2) FOR UPDATE", connection_id, _GONE
    )
    if before is None:
        return None
    await connection.execute(
        """
        UPDATE connections SET status = $2, updated_at = fleetwrite_now(),
            deleted_at = CASE WHEN $2 = 'deleted' THEN fleetwrite_now() END
        WHERE id = $1
        """,
        connection_id,
        status.value,
    )
    return ConnectionStatusEnum(before)


def _shared(row: asyncpg.Record) -> Shared:
    return Shared(
        connection=_connection(row),
        agreement_id=row["agreement_id"],
        agreement_status=ShareAgreementStatusEnum(row["agreement_status"]),
        counts=row["counts"],
    )


def _connection(row: asyncpg.Record) -> Connection:
    # Where no partner asks, nobody's levels are read.
    fields: dict[str, Any] = {name: row[name] for name in Connection.__struct_fields__ if name in row}
    return msgspec.convert(fields, Connection)
