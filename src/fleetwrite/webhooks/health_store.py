"""SQL of what becomes of a subscription by how its receiver fares."""

from datetime import timedelta
from typing import Final
from uuid import UUID

import msgspec

from fleetwrite.contract.event_names import WebhookStatusEnum
from fleetwrite.kit.database import Connection
from fleetwrite.webhooks.breaker import GRACE, MOST_OUTCOMES, WINDOW
from fleetwrite.webhooks.models import Subscription
from fleetwrite.webhooks.store import COLUMNS

PROBE_EVERY: Final = timedelta(minutes=10)
"""One call in so long harms no receiver, however badly it does, and nobody waits much longer than needed for one that
is back."""


async def lock(connection: Connection, subscription_id: UUID) -> Subscription | None:
    """The subscription, unless it is deleted; it stays as it is until the transaction ends."""
    row = await connection.fetchrow(
        f"SELECT {COLUMNS} FROM subscriptions WHERE id = $1 AND status <> 'deleted' FOR NO KEY UPDATE",  # noqa: S608 - a constant list of columns
        subscription_id,
    )
    return None if row is None else msgspec.convert(dict(row), Subscription)


async def set_status(connection: Connection, subscription_id: UUID, status: WebhookStatusEnum) -> Subscription:
    """Give a subscription that is not deleted a status; a stale one is probed from now on."""
    [row] = await connection.fetch(
        f"""
        UPDATE subscriptions SET status = $2, updated_at = fleetwrite_now(),
               probe_at = CASE WHEN $2 = 'stale' THEN fleetwrite_now() + $3::interval END
        WHERE id = $1 RETURNING {COLUMNS}
        """,  # noqa: S608 - a constant list of columns
        subscription_id,
        status,
        PROBE_EVERY,
    )
    return msgspec.convert(dict(row), Subscription)


async def select_outcomes(connection: Connection, subscription_id: UUID) -> list[bool]:
    """The latest outcomes that the breaker goes by, oldest first; none of a subscription that it must not judge now."""
    rows = await connection.fetch(
        """
        SELECT outcomes.succeeded FROM subscriptions AS s
        CROSS JOIN LATERAL (
            SELECT status = 'success' AS succeeded, created_at, id FROM delivery_attempts
            WHERE subscription_id = s.id AND counts
              AND created_at > GREATEST(s.updated_at, fleetwrite_now() - $2::interval)
            ORDER BY created_at DESC, id DESC LIMIT $4
        ) AS outcomes
        WHERE s.id = $1 AND s.status = 'active' AND s.updated_at <= fleetwrite_now() - $3::interval
        ORDER BY outcomes.created_at, outcomes.id
        """,
        subscription_id,
        WINDOW,
        GRACE,
        MOST_OUTCOMES,
    )
    return [row["succeeded"] for row in rows]


async def claim_probes(connection: Connection, limit: int) -> list[UUID]:
    """Up to `limit` stale subscriptions that are to be probed now; each is due again in PROBE_EVERY."""
    rows = await connection.fetch(
        """
        UPDATE subscriptions SET probe_at = fleetwrite_now() + $2::interval WHERE id IN (
            SELECT id FROM subscriptions WHERE status = 'stale' AND probe_at <= fleetwrite_now()
            ORDER BY probe_at LIMIT $1 FOR NO KEY UPDATE SKIP LOCKED
        ) RETURNING id
        """,
        limit,
        PROBE_EVERY,
    )
    return [row["id"] for row in rows]


async def count_stale(connection: Connection) -> int:
    """How many subscriptions are stale."""
    count: int = await connection.fetchval("SELECT count(*) FROM subscriptions WHERE status = 'stale'")
    return count
