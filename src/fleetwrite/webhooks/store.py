"""All SQL of subscriptions; that of deliveries is in `delivery_store`."""

from collections.abc import Collection, Sequence
from datetime import timedelta
from uuid import UUID

import asyncpg
import msgspec

from fleetwrite.contract.event_names import WebhookEventNameEnum, WebhookStatusEnum
from fleetwrite.contract.notifications import WebhookFilters
from fleetwrite.kit.database import Connection
from fleetwrite.kit.keyset import Page, PageQuery, Window
from fleetwrite.webhooks.models import Subscription, filters_as_json

COLUMNS = "id, partner_id, url, event_name, filters, status, created_at, updated_at, deleted_at"


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
        ON CONFLICT DO NOTHING RETURNING {COLUMNS}
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
        f"SELECT {COLUMNS} FROM subscriptions WHERE id = $1 AND partner_id = $2 AND status <> 'deleted'",  # noqa: S608 - a constant list of columns
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
    query = PageQuery(f"SELECT {COLUMNS} FROM subscriptions", prefix="subscriptions")  # noqa: S608 - as above
    query.where("partner_id = {}", partner_id)
    if event_name is not None:
        query.where("event_name = {}", event_name)
    if status is None:
        query.where("status <> 'deleted'")
    else:
        query.where("status = {}", status)
    return (await query.fetch(connection, window)).of(_subscription)


async def select_ids(connection: Connection) -> list[UUID]:
    """All subscriptions of all partners that are not deleted."""
    return [row["id"] for row in await connection.fetch("SELECT id FROM subscriptions WHERE status <> 'deleted'")]


async def lock_subscription(
    connection: Connection, partner_id: UUID, subscription_id: UUID
) -> tuple[Subscription, bytes] | None:
    """The partner's subscription and its sealed secret, locked against other changes, unless it is deleted."""
    row = await connection.fetchrow(
        f"""
        SELECT {COLUMNS}, secret_sealed FROM subscriptions
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
        WHERE id = $1 RETURNING {COLUMNS}
        """,  # noqa: S608 - a constant list of columns
        subscription_id,
        url,
        filters_as_json(filters),
    )
    return _subscription(row)


async def select_listeners(connection: Connection, event_names: Collection[str]) -> list[tuple[UUID, str]]:
    """Each (partner, event) of these events to which the partner has subscribed or listens, whatever the fleet."""
    rows = await connection.fetch(
        """
        SELECT partner_id, event_name FROM subscriptions WHERE event_name = ANY($1::text[]) AND status <> 'deleted'
        UNION
        SELECT partner_id, event_name FROM stream_listeners
        WHERE event_name = ANY($1::text[]) AND until > fleetwrite_now()
        """,
        list(event_names),
    )
    return [(row["partner_id"], row["event_name"]) for row in rows]


async def note_listener(
    connection: Connection, partner_id: UUID, event_names: Collection[str], lasts: timedelta
) -> None:
    """Let a partner count as one who listens to these events for so long from now on."""
    await connection.execute(
        """
        INSERT INTO stream_listeners (partner_id, event_name, until)
        SELECT $1, name, fleetwrite_now() + $3 FROM unnest($2::text[]) AS name
        ON CONFLICT (partner_id, event_name) DO UPDATE SET until = excluded.until
        -- Who connects again and again does not write each time.
        WHERE stream_listeners.until < excluded.until - $3 / 24
        """,
        partner_id,
        sorted(event_names),
        lasts,
    )


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
        WHERE id = $1 AND partner_id = $2 AND status <> 'deleted' RETURNING {COLUMNS}
        """,  # noqa: S608 - a constant list of columns
        subscription_id,
        partner_id,
    )
    return None if row is None else _subscription(row)


def _subscription(row: asyncpg.Record) -> Subscription:
    return msgspec.convert(dict(row), Subscription)
