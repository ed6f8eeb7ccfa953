"""All SQL of the outbox."""

from collections.abc import Sequence
from uuid import UUID

from fleetwrite.events.models import Event, NewEvent
from fleetwrite.kit.database import Connection

CHANNEL = "fleetwrite_events"
"""Notified when a transaction that wrote events commits."""


async def append(connection: Connection, events: Sequence[NewEvent]) -> None:
    """Write `events` in the caller's transaction; with its commit, whoever fans out is woken."""
    if not events:
        return
    await connection.execute(
        """
        INSERT INTO events (id, event_name, partner_id, fleet_id, fleet_ref, occurred_at, data)
        SELECT id, event_name, partner_id, fleet_id, fleet_ref, fleetwrite_now(), data
        FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::uuid[], $5::text[], $6::jsonb[])
            AS new (id, event_name, partner_id, fleet_id, fleet_ref, data)
        """,
        [event.id for event in events],
        [event.event_name for event in events],
        [event.partner_id for event in events],
        [event.fleet_id for event in events],
        [event.fleet_ref for event in events],
        [event.data for event in events],
    )
    await connection.execute("SELECT pg_notify($1, '')", CHANNEL)


async def take_waiting(connection: Connection, limit: int) -> list[Event]:
    """Lock and return up to `limit` events that nobody consumed yet, oldest first.

    What another transaction has taken is passed over, so that any number of processes can share the work.
    """
    rows = await connection.fetch(
        """
        SELECT id, event_name, partner_id, fleet_id, fleet_ref, occurred_at FROM events
        WHERE fanned_out_at IS NULL ORDER BY id LIMIT $1 FOR NO KEY UPDATE SKIP LOCKED
        """,
        limit,
    )
    return [Event(**row) for row in rows]


async def mark_fanned_out(connection: Connection, event_ids: Sequence[UUID]) -> None:
    """Note that these events were consumed: `take_waiting` returns them no more."""
    await connection.execute("UPDATE events SET fanned_out_at = fleetwrite_now() WHERE id = ANY($1::uuid[])", event_ids)
