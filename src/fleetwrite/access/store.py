"""SQL of clients and signing keys."""

from collections.abc import Collection
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from fleetwrite.access.models import Client, ClientEntry, SigningKey
from fleetwrite.kit.database import Connection

_KEY_MAKING_LOCK: Final = 0x6677_6163_6365_7301
"""An advisory lock of our own: any number does, so long as nobody else takes it."""


async def now(connection: Connection) -> datetime:
    """The time that decides."""
    value: datetime = await connection.fetchval("SELECT fleetwrite_now()")
    return value


async def find_client(connection: Connection, client_id: str) -> Client | None:
    """The client of this id, with its partner's slug."""
    row = await connection.fetchrow(
        """
        SELECT c.id, c.partner_id, c.secret_hash, c.scopes, p.slug AS partner_slug
        FROM clients c JOIN partners p ON p.id = c.partner_id
        WHERE c.id = $1
        """,
        client_id,
    )
    if row is None:
        return None
    return Client(
        id=row["id"],
        partner_id=row["partner_id"],
        partner_slug=row["partner_slug"],
        secret_hash=row["secret_hash"],
        scopes=frozenset(row["scopes"]),
    )


async def clients_of(connection: Connection, partner_id: UUID) -> list[ClientEntry]:
    """The clients of a partner, oldest first."""
    rows = await connection.fetch(
        "SELECT id AS client_id, scopes, created_at FROM clients WHERE partner_id = $1 ORDER BY created_at, id",
        partner_id,
    )
    return [msgspec.convert(dict(row), ClientEntry) for row in rows]


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


async def replace_secret_hash(connection: Connection, client_id: str, secret_hash: str) -> bool:
    """Give a client another secret; False when there is no such client."""
    status = await connection.execute("UPDATE clients SET secret_hash = $2 WHERE id = $1", client_id, secret_hash)
    return status == "UPDATE 1"


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
