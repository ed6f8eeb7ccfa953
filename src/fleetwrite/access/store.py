"""SQL of clients and signing keys."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from fleetwrite.access.models import CalledBack, Client, ClientState, SigningKey
from fleetwrite.kit.database import Connection

_KEY_MAKING_LOCK: Final = 0x6677_6163_6365_7301
"""An advisory lock of our own: any number does, so long as nobody else takes it."""


async def now(connection: Connection) -> datetime:
    """The time that decides."""
    value: datetime = await connection.fetchval("SELECT fleetwrite_now()")
    return value


async def find_client(connection: Connection, client_id: str) -> Client | None:
    """The client of this id, with its partner's slug; None where it is not there, or disabled."""
    row = await connection.fetchrow(
        """
        SELECT c.id, c.partner_id, c.secret_hash, c.scopes, p.slug AS partner_slug,
               CASE WHEN c.previous_secret_until > fleetwrite_now() THEN c.previous_secret_hash END
                   AS previous_secret_hash
        FROM clients c JOIN partners p ON p.id = c.partner_id
        WHERE c.id = $1 AND c.disabled_at IS NULL
        """,
        client_id,
    )
    return None if row is None else Client(**(dict(row) | {"scopes": frozenset(row["scopes"])}))


async def all_clients(connection: Connection, partner_id: UUID | None) -> list[ClientState]:
    """All clients that are not deleted, of this partner where that is not None; by partner, oldest first."""
    rows = await connection.fetch(
        """
        SELECT c.id AS client_id, p.slug AS partner, c.scopes, c.created_at, c.disabled_at,
               CASE WHEN c.previous_secret_until > fleetwrite_now() THEN c.previous_secret_until END
                   AS previous_secret_until
        FROM clients c JOIN partners p ON p.id = c.partner_id
        WHERE c.deleted_at IS NULL AND ($1::uuid IS NULL OR c.partner_id = $1) ORDER BY p.slug, c.created_at, c.id
        """,
        partner_id,
    )
    return [ClientState(**(dict(row) | {"scopes": tuple(row["scopes"])})) for row in rows]


async def insert_client(
    connection: Connection, *, client_id: str, partner_id: UUID, secret_hash: str, scopes: Collection[str]
) -> bool:
    """Add a client; False when the id is taken."""
    status = await connection.execute(
        """
        INSERT INTO clients (id, partner_id, secret_hash, scopes, created_at)
        VALUES ($1, $2, $3, $4, fleetwrite_now())
        ON CONFLICT (id) DO NOTHING
        """,
        client_id,
        partner_id,
        secret_hash,
        sorted(scopes),
    )
    return status == "INSERT 0 1"


async def replace_secret_hash(
    connection: Connection, client_id: str, secret_hash: str, overlap: timedelta
) -> datetime | None:
    """Give a client another secret, the one before being good for a while; returns until when. None: no such client."""
    until: datetime | None = await connection.fetchval(
        """
        UPDATE clients SET previous_secret_hash = secret_hash, previous_secret_until = fleetwrite_now() + $3,
               secret_hash = $2
        WHERE id = $1 AND deleted_at IS NULL RETURNING previous_secret_until
        """,
        client_id,
        secret_hash,
        overlap,
    )
    return until


async def set_disabled(connection: Connection, client_id: str, *, disabled: bool) -> bool:
    """Disable a client or let it in again; False when there is no such client."""
    status = await connection.execute(
        """
        UPDATE clients SET disabled_at = CASE WHEN $2 THEN coalesce(disabled_at, fleetwrite_now()) END
        WHERE id = $1 AND deleted_at IS NULL
        """,
        client_id,
        disabled,
    )
    return status == "UPDATE 1"


async def delete_client(connection: Connection, client_id: str) -> bool:
    """End a client for good, and forget its secrets; False when there is no such client."""
    status = await connection.execute(
        """
        UPDATE clients SET deleted_at = fleetwrite_now(), disabled_at = fleetwrite_now(), secret_hash = '',
               previous_secret_hash = NULL, previous_secret_until = NULL
        WHERE id = $1 AND deleted_at IS NULL
        """,
        client_id,
    )
    return status == "UPDATE 1"


async def revoke_token(connection: Connection, token_id: str, client_id: str, expires_at: datetime) -> bool:
    """Call a token back; False when it was already. Those that have expired meanwhile are forgotten."""
    status = await connection.execute(
        """
        INSERT INTO revoked_tokens (token_id, client_id, revoked_at, expires_at)
        VALUES ($1, $2, fleetwrite_now(), $3) ON CONFLICT DO NOTHING
        """,
        token_id,
        client_id,
        expires_at,
    )
    # No token lives longer than an hour.
    await connection.execute("DELETE FROM revoked_tokens WHERE revoked_at < fleetwrite_now() - interval '2 hours'")
    return status == "INSERT 0 1"


async def called_back(connection: Connection, since: datetime | None) -> CalledBack:
    """The tokens revoked after `since` (None: ever) and the clients disabled within the life of a token."""
    row = await connection.fetchrow(
        """
        WITH revoked AS (
            SELECT token_id, expires_at FROM revoked_tokens
            WHERE revoked_at > coalesce($1::timestamptz, '-infinity') AND expires_at > fleetwrite_now()
        )
        SELECT fleetwrite_now() AS told_at,
               ARRAY(SELECT token_id FROM revoked ORDER BY token_id) AS tokens,
               ARRAY(SELECT expires_at FROM revoked ORDER BY token_id) AS expiries,
               ARRAY(SELECT id FROM clients WHERE disabled_at > fleetwrite_now() - interval '2 hours') AS disabled
        """,
        since,
    )
    if row is None:
        raise RuntimeError("A SELECT without FROM has one row.")
    return CalledBack(
        told_at=row["told_at"],
        revoked_tokens=dict(zip(row["tokens"], row["expiries"], strict=True)),
        disabled_clients=frozenset(row["disabled"]),
    )


async def lock_key_making(connection: Connection) -> None:
    """Hold the making of signing keys for this transaction."""
    await connection.execute("SELECT pg_advisory_xact_lock($1)", _KEY_MAKING_LOCK)


async def insert_signing_key(connection: Connection, key: SigningKey) -> None:
    """Add a signing key; from now on it is the newest."""
    await connection.execute(
        """
        INSERT INTO signing_keys (id, private_key_sealed, public_key_pem, created_at)
        VALUES ($1, $2, $3, fleetwrite_now())
        """,
        key.id,
        key.private_key_sealed,
        key.public_key_pem,
    )


async def newest_signing_key(connection: Connection) -> SigningKey | None:
    """The key that signs new tokens."""
    row = await connection.fetchrow(
        """
        SELECT id, private_key_sealed, public_key_pem FROM signing_keys
        ORDER BY created_at DESC, id DESC LIMIT 1
        """
    )
    return None if row is None else SigningKey(**row)


async def public_keys(connection: Connection, key_id: str | None = None) -> dict[str, str]:
    """Key id -> public key in PEM, of all keys or of one."""
    rows = await connection.fetch(
        """
        SELECT id, public_key_pem FROM signing_keys WHERE $1::text IS NULL OR id = $1
        ORDER BY created_at, id
        """,
        key_id,
    )
    return {row["id"]: row["public_key_pem"] for row in rows}
