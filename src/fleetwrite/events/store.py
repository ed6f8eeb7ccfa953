"""All SQL of the outbox."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from fleetwrite.events.models import Event, NewEvent, StreamFilter, StreamRow
from fleetwrite.kit.database import Connection

CHANNEL = "fleetwrite_events"
"""Notified when a transaction that wrote events commits."""

STREAM_CHANNEL: Final = "fleetwrite_streams"
"""Notified when events have got their places in the streams."""

_POSITIONS_LOCK: Final = 4_918_600_023
"""An advisory lock: held by the one transaction that gives out positions."""


async def append(connection: Connection, events: Sequence[NewEvent]) -> None:
    """Write `events` in the caller's transaction; with its commit, whoever fans out is woken."""
    if not events:
        return
    await connection.execute(
        """
        WITH written AS (
            INSERT INTO events (id, event_name, partner_id, fleet_id, fleet_ref, occurred_at, data)
            SELECT id, event_name, partner_id, fleet_id, fleet_ref, fleetwrite_now(), data
            FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::uuid[], $5::text[], $6::jsonb[])
                AS new (id, event_name, partner_id, fleet_id, fleet_ref, data)
        )
        SELECT pg_notify($7, '')
        """,
        [event.id for event in events],
        [event.event_name for event in events],
        [event.partner_id for event in events],
        [event.fleet_id for event in events],
        [event.fleet_ref for event in events],
        [event.data for event in events],
        CHANNEL,
    )


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
    """Note that these events were consumed: `take_waiting` returns them no more. They get their places in the streams,
    whose readers are woken with the commit.

    Ids do not say in which order events became visible, and neither do numbers from a sequence, as a transaction may
    commit before another one that took its number earlier. So one transaction at a time takes numbers, until it
    commits: whoever sees an event sees all of lower position. It comes last, and holds up the others for a commit.
    """
    await connection.execute("SELECT pg_advisory_xact_lock($1)", _POSITIONS_LOCK)
    await connection.execute(
        """
        UPDATE events SET fanned_out_at = fleetwrite_now(), position = numbered.position
        FROM (SELECT id, nextval('event_positions') AS position FROM unnest($1::uuid[]) AS taken (id)) AS numbered
        WHERE events.id = numbered.id
        """,
        event_ids,
    )
    await connection.execute("SELECT pg_notify($1, '')", STREAM_CHANNEL)


async def read_on(
    connection: Connection, partner_id: UUID, position: int, wanted: StreamFilter, limit: int
) -> list[StreamRow]:
    """Up to `limit` events of a partner behind `position`, in the order of the stream; also those not wanted, without
    their data, so that the reader knows how far it has come.
    """
    rows = await connection.fetch(
        """
        SELECT position, id, event_name, occurred_at,
            CASE WHEN ($4::text[] IS NULL OR event_name = ANY($4)) AND (
                ($5::uuid[] IS NULL AND $6::text[] IS NULL)
                OR coalesce(fleet_id::text, fleet_ref) IS NULL -- concerns no fleet: nothing to be limited by
                OR fleet_id = ANY($5)
                OR fleet_ref = ANY($6)
            ) THEN data::text END AS data
        FROM events WHERE partner_id = $1 AND position > $2 ORDER BY position LIMIT $3
        """,
        partner_id,
        position,
        limit,
        wanted.event_names,
        wanted.fleet_ids,
        wanted.fleet_refs,
    )
    return [StreamRow(**row) for row in rows]


async def last_position(connection: Connection, partner_id: UUID) -> int:
    """Where the stream of a partner ends now."""
    position: int = await connection.fetchval(
        "SELECT coalesce(max(position), 0) FROM events WHERE partner_id = $1 AND position IS NOT NULL", partner_id
    )
    return position


async def position_of(connection: Connection, partner_id: UUID, event_id: UUID) -> int | None:
    """Where an event of the partner stands in its stream: 0 for one older than streams, None for none of its events."""
    position: int | None = await connection.fetchval(
        "SELECT coalesce(position, 0) FROM events WHERE id = $2 AND partner_id = $1", partner_id, event_id
    )
    return position
