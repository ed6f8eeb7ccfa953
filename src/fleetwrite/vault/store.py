"""The canary: one sealed row that says which master key a database belongs to."""

from typing import Final

from fleetwrite.kit.database import Connection

_KEY_MAKING_LOCK: Final = 0x6677_7661_756C_7401
"""An advisory lock of our own: any number does, so long as nobody else takes it."""


async def keep_canary(connection: Connection, fresh: bytes) -> bytes:
    """Keep `fresh` unless there is a canary already, and return the one that is kept."""
    await connection.execute("INSERT INTO vault_canary (sealed) VALUES ($1) ON CONFLICT DO NOTHING", fresh)
    # A statement of its own: it sees the row of another process that came first.
    kept: bytes = await connection.fetchval("SELECT sealed FROM vault_canary")
    return kept


async def has_canary(connection: Connection) -> bool:
    """Whether a vault was ever used with this database."""
    return bool(await connection.fetchval("SELECT EXISTS (SELECT FROM vault_canary)"))


async def lock_key_making(connection: Connection) -> None:
    """Hold the making of a master key for this transaction."""
    await connection.execute("SELECT pg_advisory_xact_lock($1)", _KEY_MAKING_LOCK)
