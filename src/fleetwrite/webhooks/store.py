"""All SQL of webhooks."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import asyncpg
import msgspec

from fleetwrite.contract.event_names import WebhookEventNameEnum, WebhookStatusEnum
from fleetwrite.contract.notifications import WebhookFilters
from fleetwrite.events.models import Event
from fleetwrite.kit.database import Connection
from fleetwrite.kit.keyset import Page, PageQuery, Window
from fleetwrite.webhooks.models import Delivery, Ended, Subscription, filters_as_json

_COLUMNS = "id, partner_id, url, event_name, filters, status, created_at, updated_at, deleted_at"


async def insert_subscriptions(
    connection: Connection,
    partner_id: UUID,
    url: str,
    filters: WebhookFilters | None,
    new: Sequence[tuple[UUID, WebhookEventNameEnum, bytes]],
) -> list[Subscription]:
    """Insert one subscription for each (id, event name, sealed secret); returns those that did not exist before."""
    rows = await connection.fetch(
        f"""
        INSERT INTO subscriptions
            (id, partner_id, url, event_name, filters, secret_sealed, status, created_at, updated_at)
        SELECT id, $4, $5, event_name, $6::jsonb, secret_sealed, 'active', fleetwrite_now(), fleetwrite_now()
        FROM unnest($1::uuid[], $2::text[], $3::bytea[]) AS new (id, event_name, secret_sealed)
        ON CONFLICT DO NOTHING RETURNING {_COLUMNS}
        """,  # noqa: S608 - a constant list of columns
        [one[0] for one in new],
        [one[1] for one in new],
        [one[2] for one in new],
        partner_id,
        url,
        filters_as_json(filters),
    )
    return [_subscription(row) for row in rows]


async def select_subscription(connection: Connection, partner_id: UUID, subscription_id: UUID) -> Subscription | None:
    """The partner's subscription, unless it is deleted."""
    row = await connection.fetchrow(
        f"SELECT {_COLUMNS} FROM subscriptions WHERE id = $1 AND partner_id = $2 AND status <> 'deleted'",  # noqa: S608 - a constant list of columns
        subscription_id,
        partner_id,
    )
    return None if row is None else _subscription(row)


async def select_page(
    connection: Connection,
    partner_id: UUID,
    event_name: WebhookEventNameEnum | None,
    status: WebhookStatusEnum | None,
    window: Window,
) -> Page[Subscription]:
    """A page of the partner's subscriptions, oldest first; deleted ones only where `status` asks for them."""
    query = PageQuery(f"SELECT {_COLUMNS} FROM subscriptions", prefix="subscriptions")  # noqa: S608 - as above
    query.where("partner_id = {}", partner_id)
    if event_name is not None:
        query.where("event_name = {}", event_name)
    if status is None:
        query.where("status <> 'deleted'")
    else:
        query.where("status = {}", status)
    return (await query.fetch(connection, window)).of(_subscription)


async def lock_subscription(
    connection: Connection, partner_id: UUID, subscription_id: UUID
) -> tuple[Subscription, bytes] | None:
    """The partner's subscription and its sealed secret, locked against other changes, unless it is deleted."""
    row = await connection.fetchrow(
        f"""
        SELECT {_COLUMNS}, secret_sealed FROM subscriptions
        WHERE id = $1 AND partner_id = $2 AND status <> 'deleted' FOR NO KEY UPDATE
        """,  # noqa: S608 - a constant list of columns
        subscription_id,
        partner_id,
    )
    return None if row is None else (_subscription(row), row["secret_sealed"])


async def update_subscription(
    connection: Connection, subscription_id: UUID, url: str, filters: WebhookFilters | None
) -> Subscription:
    """Change a subscription and return it. Raises asyncpg.UniqueViolationError where there is one like it."""
    [row] = await connection.fetch(
        f"""
        UPDATE subscriptions SET url = $2, filters = $3::jsonb, updated_at = fleetwrite_now()
        WHERE id = $1 RETURNING {_COLUMNS}
        """,  # noqa: S608 - a constant list of columns
        subscription_id,
        url,
        filters_as_json(filters),
    )
    return _subscription(row)


async def replace_secret(connection: Connection, subscription_id: UUID, sealed: bytes, overlap: timedelta) -> None:
    """Sign with another secret, and with the one there was for as long as `overlap`. One older still is destroyed."""
    await connection.execute(
        """
        UPDATE subscriptions
        SET secret_sealed = $2, old_secret_sealed = secret_sealed, old_secret_until = fleetwrite_now() + $3
        WHERE id = $1
        """,
        subscription_id,
        sealed,
        overlap,
    )


async def shorten_overlap(connection: Connection, subscription_id: UUID, overlap: timedelta) -> None:
    """Let an old secret, if there is one, sign for no longer than `overlap` from now."""
    await connection.execute(
        """
        UPDATE subscriptions SET old_secret_until = least(old_secret_until, fleetwrite_now() + $2)
        WHERE id = $1 AND old_secret_until IS NOT NULL
        """,
        subscription_id,
        overlap,
    )


async def destroy_old_secrets(connection: Connection, subscription_id: UUID | None = None) -> int:
    """Forget the secrets whose overlap is over, of all subscriptions or of one; returns how many that were.

    What somebody else is changing is passed over, so that nobody waits for anybody: it is due the next time as well.
    """
    destroyed = await connection.fetch(
        """
        UPDATE subscriptions SET old_secret_sealed = NULL, old_secret_until = NULL
        WHERE id IN (
            SELECT id FROM subscriptions
            WHERE old_secret_until <= fleetwrite_now() AND ($1::uuid IS NULL OR id = $1)
            FOR NO KEY UPDATE SKIP LOCKED
        )
        RETURNING id
        """,
        subscription_id,
    )
    return len(destroyed)


async def mark_deleted(connection: Connection, partner_id: UUID, subscription_id: UUID) -> Subscription | None:
    """Delete a subscription and return it; None if there is none. From here on no event finds it."""
    row = await connection.fetchrow(
        f"""
        UPDATE subscriptions SET status = 'deleted', deleted_at = fleetwrite_now(), updated_at = fleetwrite_now(),
            old_secret_sealed = NULL, old_secret_until = NULL
        WHERE id = $1 AND partner_id = $2 AND status <> 'deleted' RETURNING {_COLUMNS}
        """,  # noqa: S608 - a constant list of columns
        subscription_id,
        partner_id,
    )
    return None if row is None else _subscription(row)


async def end_pending_deliveries(connection: Connection, subscription_id: UUID) -> None:
    """End what waits for a subscription whose jobs are gone."""
    await connection.execute(
        "UPDATE deliveries SET status = 'failed', updated_at = fleetwrite_now()"
        " WHERE subscription_id = $1 AND status = 'pending'",
        subscription_id,
    )


async def match(connection: Connection, events: Sequence[Event]) -> list[tuple[UUID, UUID]]:
    """Each (event, subscription) of which the latter wants to hear of the former, in the order of `events`.

    Locks the subscriptions, so that one that is being deleted meanwhile is either gone or waits for us. No subscription
    hears of itself.
    """
    rows = await connection.fetch(
        """
        SELECT e.id AS event_id, s.id AS subscription_id
        FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::uuid[], $5::text[])
            WITH ORDINALITY AS e (id, partner_id, event_name, fleet_id, fleet_ref, nth)
        JOIN subscriptions AS s USING (partner_id, event_name)
        WHERE s.status = 'active' AND (
            s.filters IS NULL
            OR coalesce(e.fleet_id::text, e.fleet_ref) IS NULL -- concerns no fleet: nothing to be limited by
            OR (s.filters -> 'fleet_ids') ? e.fleet_id::text
            OR (s.filters -> 'fleet_refs') ? e.fleet_ref
        ) AND (
            e.event_name NOT LIKE 'webhook.%'
            OR NOT EXISTS (SELECT FROM events AS told WHERE told.id = e.id AND told.data ->> 'id' = s.id::text)
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


async def insert_deliveries(connection: Connection, new: Sequence[tuple[UUID, UUID, UUID]]) -> None:
    """Insert each (id, event, subscription)."""
    await connection.execute(
        """
        INSERT INTO deliveries (id, event_id, subscription_id, status, created_at, updated_at)
        SELECT id, event_id, subscription_id, 'pending', fleetwrite_now(), fleetwrite_now()
        FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS new (id, event_id, subscription_id)
        """,
        [one[0] for one in new],
        [one[1] for one in new],
        [one[2] for one in new],
    )


async def select_deliveries(connection: Connection, delivery_ids: Sequence[UUID]) -> list[Delivery]:
    """Everything needed to make these deliveries."""
    rows = await connection.fetch(
        """
        SELECT d.id, d.event_id, e.event_name, e.occurred_at, e.data::text AS data, d.subscription_id, s.url,
               s.secret_sealed,
               CASE WHEN s.old_secret_until > fleetwrite_now() THEN s.old_secret_sealed END AS old_secret_sealed
        FROM deliveries AS d
        JOIN events AS e ON e.id = d.event_id
        JOIN subscriptions AS s ON s.id = d.subscription_id
        WHERE d.id = ANY($1::uuid[])
        """,
        delivery_ids,
    )
    return [Delivery(**row) for row in rows]


async def insert_attempts(connection: Connection, ended: Sequence[Ended]) -> None:
    """Log every try there was, also of those whose lease was lost: the receiver may well have got them."""
    tries = [(one.job.id, one.attempt) for one in ended if one.attempt is not None]
    await connection.execute(
        """
        INSERT INTO delivery_attempts
            (id, delivery_id, created_at, status, status_code, error_message, response_time_ms)
        SELECT id, delivery_id, fleetwrite_now(), CASE WHEN succeeded THEN 'success' ELSE 'failed' END, status_code,
               error_message, response_time_ms
        FROM unnest($1::uuid[], $2::uuid[], $3::bool[], $4::int[], $5::text[], $6::int[])
            AS new (id, delivery_id, succeeded, status_code, error_message, response_time_ms)
        ON CONFLICT (id) DO NOTHING -- stored by a commit whose answer was lost
        """,
        [attempt.id for _, attempt in tries],
        [delivery_id for delivery_id, _ in tries],
        [attempt.succeeded for _, attempt in tries],
        [attempt.status_code for _, attempt in tries],
        [attempt.error_message for _, attempt in tries],
        [attempt.response_time_ms for _, attempt in tries],
    )


async def update_deliveries(connection: Connection, ended: Sequence[Ended]) -> None:
    """Note what has become of deliveries."""
    await connection.execute(
        """
        UPDATE deliveries SET status = ended.status, attempts = ended.attempts, updated_at = fleetwrite_now()
        FROM unnest($1::uuid[], $2::text[], $3::int[]) AS ended (id, status, attempts) WHERE deliveries.id = ended.id
        """,
        [one.job.id for one in ended],
        [one.status for one in ended],
        [one.job.attempts for one in ended],
    )


def _subscription(row: asyncpg.Record) -> Subscription:
    return msgspec.convert(dict(row), Subscription)
