"""SQL of master keys: their canaries, who has which, and what is sealed with them.

A canary is a sealed row for each master key that the database needs; one of them is of the key that seals.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from msgspec import Struct

from fleetwrite.kit.database import Connection
from fleetwrite.vault.places import PLACES, Place

CHANNEL: Final = "vault_keys"
"""Notified when another key seals."""

_KEY_MAKING_LOCK: Final = 0x6677_7661_756C_7401
"""An advisory lock of our own: any number does, so long as nobody else takes it."""

_KEY_ID: Final = "substring({column} FROM 2 FOR 8)"
"""The id of the master key in a sealed value, which begins with the version, one byte."""

WATCH_NAME: Final = "fleetwrite keys of "
"""How the sessions begin to be called that note who has which keys."""

# Of another role's session PostgreSQL tells little: not since when it is there, but its pid and name. Who gets a pid
# that was another's takes that one's row away.
_LIVE: Final = f"""
    EXISTS (
        SELECT FROM pg_stat_activity s
        WHERE s.datname = current_database() AND s.pid = h.pid AND starts_with(s.application_name, '{WATCH_NAME}')
    )
"""


class Canary(Struct, frozen=True, kw_only=True):
    """A master key of the database; `relieved_at` is when it ceased to seal, None for the one that does."""

    key_id: bytes
    sealed: bytes
    seals: bool
    relieved_at: datetime | None


class Holder(Struct, frozen=True, kw_only=True):
    """A process that is connected, the keys it has, and the one it seals with."""

    name: str
    pid: int
    key_ids: tuple[bytes, ...]
    sealing_id: bytes


async def lock_key_making(connection: Connection) -> None:
    """Hold whatever changes which master keys there are, for this transaction."""
    await connection.execute("SELECT pg_advisory_xact_lock($1)", _KEY_MAKING_LOCK)


async def canaries(connection: Connection) -> list[Canary]:
    """All master keys of the database; the one that seals is the last."""
    rows = await connection.fetch(
        "SELECT key_id, sealed, seals, relieved_at FROM vault_canary ORDER BY seals, relieved_at, key_id"
    )
    return [Canary(**row) for row in rows]


async def add_canary(connection: Connection, sealed: bytes, *, seals: bool) -> None:
    """Make the key that `sealed` is sealed with one of the database's, unless it is already."""
    await connection.execute(
        """
        INSERT INTO vault_canary (sealed, seals, relieved_at)
        VALUES ($1, $2, CASE WHEN NOT $2 THEN fleetwrite_now() END) ON CONFLICT DO NOTHING
        """,
        sealed,
        seals,
    )


async def let_seal(connection: Connection, key_id: bytes) -> None:
    """Let this key seal from now on, and tell all processes."""
    # The other first: only one may seal at any instant.
    await connection.execute(
        "UPDATE vault_canary SET seals = false, relieved_at = fleetwrite_now() WHERE seals AND key_id <> $1", key_id
    )
    await connection.execute("UPDATE vault_canary SET seals = true, relieved_at = NULL WHERE key_id = $1", key_id)
    await connection.execute("SELECT pg_notify($1, '')", CHANNEL)


async def sealing_key(connection: Connection) -> bytes | None:
    """The id of the key that seals; None where nothing was ever sealed."""
    found: bytes | None = await connection.fetchval("SELECT key_id FROM vault_canary WHERE seals")
    return found


async def remove_canary(connection: Connection, key_id: bytes) -> None:
    """The database needs this key no more."""
    await connection.execute("DELETE FROM vault_canary WHERE key_id = $1", key_id)


async def rests_until(connection: Connection, key_id: bytes, rest: timedelta) -> datetime | None:
    """Until when what was sealed with a key may still be on its way into a table; None: not any more."""
    until: datetime | None = await connection.fetchval(
        "SELECT relieved_at + $2::interval FROM vault_canary WHERE key_id = $1 AND relieved_at + $2 > fleetwrite_now()",
        key_id,
        rest,
    )
    return until


async def note_holder(connection: Connection, process: UUID, name: str, key_ids: Sequence[bytes]) -> None:
    """Note which keys a process has. It counts for as long as this very session lasts."""
    await connection.execute(f"DELETE FROM vault_holders h WHERE h.pid = pg_backend_pid() OR NOT {_LIVE}")  # noqa: S608 - our own text
    await connection.execute(
        """
        INSERT INTO vault_holders (process, name, pid, key_ids) VALUES ($1, $2, pg_backend_pid(), $3)
        ON CONFLICT (process) DO UPDATE SET pid = excluded.pid
        """,
        process,
        name,
        key_ids,
    )


async def note_sealing(connection: Connection, process: UUID, key_id: bytes) -> None:
    """Note with which key a process seals now."""
    await connection.execute("UPDATE vault_holders SET sealing_id = $2 WHERE process = $1", process, key_id)


async def holders(connection: Connection) -> list[Holder]:
    """The processes that are connected."""
    rows = await connection.fetch(
        f"SELECT name, pid, key_ids, sealing_id FROM vault_holders h WHERE {_LIVE} ORDER BY name, pid"  # noqa: S608 - our own text
    )
    return [Holder(**(dict(row) | {"key_ids": tuple(row["key_ids"])})) for row in rows]


async def foreign_key(connection: Connection, known: Collection[bytes]) -> bytes | None:
    """The id of a key that something is sealed with and that is not among `known`; None: there is none."""
    for place in PLACES:
        key_id = _KEY_ID.format(column=place.column)
        found: bytes | None = await connection.fetchval(
            f"SELECT {key_id} FROM {place.table} WHERE {key_id} <> ALL($1::bytea[]) LIMIT 1",  # noqa: S608 - our own names
            list(known),
        )
        if found is not None:
            return found
    return None


async def count(connection: Connection, place: Place) -> dict[bytes, int]:
    """How many secrets of a place are sealed with which key."""
    rows = await connection.fetch(
        f"SELECT {_KEY_ID.format(column=place.column)} AS key_id, count(*) AS secrets FROM {place.table} "  # noqa: S608 - our own names
        f"WHERE {place.column} IS NOT NULL GROUP BY 1"
    )
    return {row["key_id"]: row["secrets"] for row in rows}


async def stop_writes(connection: Connection) -> None:
    """Let nobody write where secrets are, until the end of this transaction.

    Raises:
        asyncpg.LockNotAvailableError: somebody else holds one of the tables for long.
    """
    await connection.execute("SET LOCAL lock_timeout = '5s'")
    await connection.execute(f"LOCK TABLE {', '.join(dict.fromkeys(place.table for place in PLACES))} IN SHARE MODE")


async def lock_batch(connection: Connection, place: Place, sealing_id: bytes, after: Any, most: int) -> list[Any]:
    """Rows (`key`, `sealed`) of a place, in the order of their keys, that another key than this seals; locked.

    Rows that somebody else holds are left out: who waits for nobody is part of no deadlock.
    """
    beyond = "" if after is None else f"AND {place.key} > $3"
    return await connection.fetch(
        f"""
        SELECT {place.key} AS key, {place.column} AS sealed FROM {place.table}
        WHERE {_KEY_ID.format(column=place.column)} <> $1 {beyond}
        ORDER BY {place.key} LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED
        """,  # noqa: S608 - our own names
        *((sealing_id, most) if after is None else (sealing_id, most, after)),
    )


async def put_batch(connection: Connection, place: Place, rewrapped: Sequence[tuple[Any, bytes]]) -> None:
    """Put back sealed values, by the keys of their rows, which the caller holds."""
    await connection.executemany(
        f"UPDATE {place.table} SET {place.column} = $2 WHERE {place.key} = $1",  # noqa: S608 - our own names
        rewrapped,
    )
