"""All SQL of deliveries; that of what is read of their log is in `log_store`."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from fleetwrite.events.models import Event
from fleetwrite.kit.database import Connection
from fleetwrite.webhooks.models import Delivery, Ended, Parcel, Replay

REMOVE_ATTEMPTS: Final = """
    DELETE FROM delivery_attempts WHERE id IN (
        SELECT id FROM delivery_attempts WHERE id < $2 AND created_at < $1 ORDER BY id LIMIT $3 FOR UPDATE SKIP LOCKED)
"""
"""Removes entries of the log; for `kit.retention.Rule`, as those below."""

REMOVE_ENDED: Final = """
    DELETE FROM deliveries WHERE id IN (
        SELECT id FROM deliveries WHERE id < $2 AND updated_at < $1 AND status <> 'pending'
        ORDER BY id LIMIT $3 FOR UPDATE SKIP LOCKED)
"""
"""Removes deliveries, dead letters among them."""

REMOVE_EVENTS: Final = """
    DELETE FROM events WHERE id IN (
        SELECT id FROM events WHERE id < $2 AND occurred_at < $1 AND fanned_out_at IS NOT NULL
        AND NOT EXISTS (SELECT FROM deliveries WHERE event_id = events.id)
        AND NOT EXISTS (SELECT FROM batched_events WHERE event_id = events.id)
        ORDER BY id LIMIT $3 FOR UPDATE SKIP LOCKED)
"""
"""Removes events of which no delivery is left."""


async def end_pending_deliveries(connection: Connection, subscription_id: UUID) -> None:
    """End what waits for a subscription whose jobs are gone."""
    await connection.execute(
        "UPDATE deliveries SET status = 'failed', updated_at = fleetwrite_now()"
        " WHERE subscription_id = $1 AND status = 'pending'",
        subscription_id,
    )


async def match(connection: Connection, events: Sequence[Event]) -> list[tuple[UUID, UUID]]:
    """Each (event, subscription) of which the latter wants to hear of the former, in the order of `events`.

    That what happens to a subscription is not told to itself: to hear of it there, it would have to work. Locks the
    subscriptions, so that one that is being deleted meanwhile is either gone or waits for us.
    """
    rows = await connection.fetch(
        """
        SELECT e.id AS event_id, s.id AS subscription_id
        FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::uuid[], $5::text[])
            WITH ORDINALITY AS e (id, partner_id, event_name, fleet_id, fleet_ref, nth)
        JOIN subscriptions AS s USING (partner_id, event_name)
        WHERE s.status <> 'deleted' AND (
            s.filters IS NULL
            OR coalesce(e.fleet_id::text, e.fleet_ref) IS NULL -- concerns no fleet: nothing to be limited by
            OR (s.filters -> 'fleet_ids') ? e.fleet_id::text
            OR (s.filters -> 'fleet_refs') ? e.fleet_ref
        ) AND (
            NOT starts_with(e.event_name, 'webhook.')
            OR s.id::text IS DISTINCT FROM (SELECT data ->> 'id' FROM events WHERE events.id = e.id)
        )
        ORDER BY nth, s.id FOR SHARE OF s
        """,
        [event.id for event in events],
        [event.partner_id for event in events],
        [event.event_name for event in events],
        [event.fleet_id for event in events],
        [event.fleet_ref for event in events],
    )
    return [(row["event_id"], row["subscription_id"]) for row in rows]


async def select_sizes(connection: Connection, event_ids: Collection[UUID]) -> dict[UUID, int]:
    """How many bytes the data of each of these events takes as JSON text."""
    rows = await connection.fetch(
        "SELECT id, octet_length(data::text) AS size FROM events WHERE id = ANY($1::uuid[])", list(event_ids)
    )
    return {row["id"]: row["size"] for row in rows}


async def select_newest_pending(connection: Connection, subscription_ids: Collection[UUID]) -> list[UUID]:
    """The newest delivery of each of these subscriptions that waits."""
    rows = await connection.fetch(
        """
        SELECT newest.id FROM unnest($1::uuid[]) AS wanted (id)
        CROSS JOIN LATERAL (
            SELECT id FROM deliveries WHERE subscription_id = wanted.id AND status = 'pending' ORDER BY id DESC LIMIT 1
        ) AS newest
        """,
        list(subscription_ids),
    )
    return [row["id"] for row in rows]


async def select_parcels(connection: Connection, delivery_ids: Collection[UUID]) -> list[Parcel]:
    """Those of these deliveries that were never sent, as they are now."""
    rows = await connection.fetch(
        """
        SELECT id, subscription_id, event_count, size_bytes, false AS is_new FROM deliveries
        WHERE id = ANY($1::uuid[]) AND attempts = 0
        """,
        list(delivery_ids),
    )
    return [Parcel(**row) for row in rows]


async def write_parcels(connection: Connection, parcels: Sequence[Parcel]) -> None:
    """Insert the new ones of `parcels`, and let the others have their further events.

    One that grows gets another message id: should the one before have been sent all the same (by what a restored
    backup knows nothing of), a receiver must not take what came to it for a repeat.
    """
    new = [parcel for parcel in parcels if parcel.is_new]
    await connection.execute(
        """
        INSERT INTO deliveries (id, event_id, subscription_id, message_id, event_count, size_bytes, status, created_at,
                                enqueued_at, updated_at)
        SELECT id, event_id, subscription_id, message_id, event_count, size_bytes, 'pending', fleetwrite_now(),
               fleetwrite_now(), fleetwrite_now()
        FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::int[], $6::int[])
            AS new (id, event_id, subscription_id, message_id, event_count, size_bytes)
        """,
        [parcel.id for parcel in new],
        [parcel.added[0] for parcel in new],
        [parcel.subscription_id for parcel in new],
        [parcel.message_id for parcel in new],
        [parcel.event_count for parcel in new],
        [parcel.size_bytes for parcel in new],
    )
    grown = [parcel for parcel in parcels if not parcel.is_new]
    if grown:
        await connection.execute(
            """
            UPDATE deliveries SET message_id = grown.message_id, event_count = grown.event_count,
                   size_bytes = grown.size_bytes
            FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::int[]) AS grown (id, message_id, event_count, size_bytes)
            WHERE deliveries.id = grown.id
            """,
            [parcel.id for parcel in grown],
            [parcel.message_id for parcel in grown],
            [parcel.event_count for parcel in grown],
            [parcel.size_bytes for parcel in grown],
        )
    further = [(parcel.id, event_id) for parcel in parcels for event_id in parcel.added[1 if parcel.is_new else 0 :]]
    if further:
        await connection.execute(
            "INSERT INTO batched_events (delivery_id, event_id) SELECT * FROM unnest($1::uuid[], $2::uuid[])",
            [delivery_id for delivery_id, _ in further],
            [event_id for _, event_id in further],
        )


async def select_deliveries(connection: Connection, delivery_ids: Sequence[UUID]) -> list[Delivery]:
    """Everything needed to make these deliveries."""
    rows = await connection.fetch(
        """
        SELECT d.id, d.message_id, e.event_name, e.occurred_at,
               ARRAY[e.data::text] || ARRAY(
                   SELECT further.data::text FROM batched_events AS b JOIN events AS further ON further.id = b.event_id
                   WHERE d.event_count > 1 AND b.delivery_id = d.id ORDER BY further.id
               ) AS data,
               d.subscription_id, s.url, s.secret_sealed, s.status = 'stale' AS is_stale, d.earlier_attempts,
               CASE WHEN s.old_secret_until > fleetwrite_now() THEN s.old_secret_sealed END AS old_secret_sealed,
               GREATEST(d.enqueued_at, s.updated_at) AS tried_since
        FROM deliveries AS d
        JOIN events AS e ON e.id = d.event_id
        JOIN subscriptions AS s ON s.id = d.subscription_id
        WHERE d.id = ANY($1::uuid[])
        """,
        delivery_ids,
    )
    return [Delivery(**{**row, "data": tuple(row["data"])}) for row in rows]


async def select_secret(connection: Connection, subscription_id: UUID) -> bytes:
    """The sealed secret of a subscription."""
    sealed: bytes = await connection.fetchval("SELECT secret_sealed FROM subscriptions WHERE id = $1", subscription_id)
    return sealed


async def insert_attempts(connection: Connection, ended: Sequence[Ended]) -> None:
    """Log every try there was, also of those whose lease was lost: the receiver may well have got them."""
    tries = [(one, one.attempt) for one in ended if one.attempt is not None]
    await connection.execute(
        """
        INSERT INTO delivery_attempts
            (id, delivery_id, subscription_id, created_at, status, status_code, error_message, response_time_ms, counts)
        SELECT id, delivery_id, subscription_id, fleetwrite_now(), CASE WHEN succeeded THEN 'success' ELSE 'failed' END,
               status_code, error_message, response_time_ms, counts
        FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::bool[], $5::int[], $6::text[], $7::int[], $8::bool[])
            AS new (id, delivery_id, subscription_id, succeeded, status_code, error_message, response_time_ms, counts)
        ON CONFLICT (id) DO NOTHING -- stored by a commit whose answer was lost
        """,
        [attempt.id for _, attempt in tries],
        [one.job.id for one, _ in tries],
        [one.job.owner_id for one, _ in tries],
        [attempt.succeeded for _, attempt in tries],
        [attempt.status_code for _, attempt in tries],
        [attempt.error_message for _, attempt in tries],
        [attempt.response_time_ms for _, attempt in tries],
        [one.counts for one, _ in tries],
    )


async def update_deliveries(connection: Connection, ended: Sequence[Ended]) -> None:
    """Note what has become of deliveries."""
    await connection.execute(
        """
        UPDATE deliveries SET status = ended.status, attempts = earlier_attempts + ended.attempts,
               updated_at = fleetwrite_now()
        FROM unnest($1::uuid[], $2::text[], $3::int[]) AS ended (id, status, attempts) WHERE deliveries.id = ended.id
        """,
        [one.job.id for one in ended],
        [one.status for one in ended],
        [one.job.attempts for one in ended],
    )


async def select_tried(connection: Connection, subscription_id: UUID) -> dict[UUID, datetime]:
    """The deliveries of a subscription that wait for another attempt, and when they were planned first."""
    rows = await connection.fetch(
        "SELECT id, created_at FROM deliveries WHERE subscription_id = $1 AND status = 'pending' AND attempts > 0",
        subscription_id,
    )
    return {row["id"]: row["created_at"] for row in rows}


async def revive(
    connection: Connection, subscription_id: UUID, wanted: Replay, ended_by: datetime, limit: int
) -> list[UUID]:
    """Let up to `limit` of the deliveries wait again that are wanted and had ended by then; in order of occurrence."""
    rows = await connection.fetch(
        """
        WITH dead AS (
            SELECT deliveries.id FROM deliveries JOIN events ON events.id = event_id
            WHERE subscription_id = $1 AND updated_at <= $2 AND (status = 'failed' OR ($3 AND status = 'success'))
              AND ($4::timestamptz IS NULL OR occurred_at >= $4) AND ($5::timestamptz IS NULL OR occurred_at < $5)
              AND ($6::uuid[] IS NULL OR event_id = ANY($6) OR message_id = ANY($6) OR deliveries.id IN (
                  SELECT delivery_id FROM batched_events WHERE batched_events.event_id = ANY($6)
              ))
            ORDER BY deliveries.id LIMIT $7 FOR NO KEY UPDATE OF deliveries SKIP LOCKED
        )
        UPDATE deliveries SET status = 'pending', earlier_attempts = attempts, enqueued_at = fleetwrite_now(),
               updated_at = fleetwrite_now()
        FROM dead WHERE deliveries.id = dead.id RETURNING deliveries.id
        """,
        subscription_id,
        ended_by,
        wanted.with_delivered,
        wanted.from_datetime,
        wanted.to_datetime,
        None if wanted.event_ids is None else list(wanted.event_ids),
        limit,
    )
    return sorted(row["id"] for row in rows)
