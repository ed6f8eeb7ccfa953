"""SQL of the audit log."""

from datetime import datetime
from typing import Final

from fleetwrite.audit.models import Entry, Head, Wanted
from fleetwrite.kit.database import Connection

_CHAIN_LOCK: Final = 0x6677_6175_6469_7401
"""An advisory lock of our own: any number does, so long as nobody else takes it."""

_COLUMNS: Final = (
    "id, at, actor_kind, actor, partner_id, address, request_id, deed, object_id, details, previous_hash, hash"
)


async def lock_chain(connection: Connection) -> datetime:
    """Be the only one who appends, until the end of this transaction; returns the time that decides."""
    await connection.execute("SELECT pg_advisory_xact_lock($1)", _CHAIN_LOCK)
    # A statement of its own: its time is later than that of whoever held the lock before.
    now: datetime = await connection.fetchval("SELECT fleetwrite_now()")
    return now


async def head(connection: Connection) -> Head | None:
    """The newest entry; None: there is none."""
    row = await connection.fetchrow("SELECT id, hash FROM audit_log ORDER BY id DESC LIMIT 1")
    return None if row is None else Head(**row)


async def insert(connection: Connection, entry: Entry) -> None:
    """Add an entry."""
    await connection.execute(
        f"INSERT INTO audit_log ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",  # noqa: S608 - our own names
        entry.id,
        entry.at,
        entry.actor_kind,
        entry.actor,
        entry.partner_id,
        entry.address,
        entry.request_id,
        entry.deed,
        entry.object_id,
        entry.details,
        entry.previous_hash,
        entry.hash,
    )


async def after(connection: Connection, entry_id: int, wanted: Wanted, most: int) -> list[Entry]:
    """The next entries behind one, oldest first."""
    rows = await connection.fetch(
        f"""
        SELECT {_COLUMNS} FROM audit_log
        WHERE id > $1 AND at >= coalesce($3::timestamptz, '-infinity') AND at < coalesce($4::timestamptz, 'infinity')
            AND ($5::text IS NULL OR deed = $5 OR starts_with(deed, $5 || '.'))
            AND ($6::text IS NULL OR actor = $6) AND ($7::text IS NULL OR object_id = $7)
            AND ($8::uuid IS NULL OR partner_id = $8)
        ORDER BY id LIMIT $2
        """,  # noqa: S608 - our own names
        entry_id,
        most,
        wanted.since,
        wanted.until,
        wanted.deed,
        wanted.actor,
        wanted.object_id,
        wanted.partner_id,
    )
    return [Entry(**row) for row in rows]
