"""SQL of what is read of the log of deliveries."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from fleetwrite.contract.event_names import WebhookLogStatusEnum
from fleetwrite.contract.notifications import WebhookLogRead
from fleetwrite.kit.database import Connection
from fleetwrite.kit.keyset import Page, PageQuery, Window
from fleetwrite.webhooks.models import KEPT

_NO_ANSWER: Final = 0
"""The contract's status code can not be left out; no answer has this one."""


async def select_log(
    connection: Connection,
    subscription_id: UUID,
    start: datetime | None,
    end: datetime | None,
    status: WebhookLogStatusEnum | None,
    window: Window,
) -> Page[WebhookLogRead]:
    """A page of the attempts of a subscription in the last KEPT, from `start` on and before `end`, oldest first."""
    query = PageQuery(
        """
        SELECT delivery_attempts.*, message_id, event_name FROM delivery_attempts
        JOIN deliveries ON deliveries.id = delivery_id
        JOIN subscriptions ON subscriptions.id = delivery_attempts.subscription_id
        """,
        prefix="delivery_attempts",
    )
    query.where("delivery_attempts.subscription_id = {}", subscription_id)
    query.where("delivery_attempts.created_at >= fleetwrite_now() - {}::interval", KEPT)
    if start is not None:
        query.where("delivery_attempts.created_at >= {}", start)
    if end is not None:
        query.where("delivery_attempts.created_at < {}", end)
    if status is not None:
        query.where("delivery_attempts.status = {}", status)
    return (await query.fetch(connection, window)).of(_log_read)


def _log_read(row: Any) -> WebhookLogRead:
    return WebhookLogRead(
        created_at=row["created_at"],
        webhook_id=row["subscription_id"],
        message_id=row["message_id"],
        event_name=row["event_name"],
        status=WebhookLogStatusEnum(row["status"]),
        status_code=_NO_ANSWER if row["status_code"] is None else row["status_code"],
        error_message=row["error_message"],
        response_time_ms=row["response_time_ms"],
    )


async def select_figures(connection: Connection, subscription_id: UUID, windows: Sequence[timedelta]) -> list[Any]:
    """For each of the windows, in their order: attempts, how many succeeded, their mean response time in ms; messages,
    how many were delivered.

    A message counts in a window in which it was tried, and as delivered where that happened in it.
    """
    return await connection.fetch(
        """
        WITH attempts AS MATERIALIZED (
            SELECT delivery_id, created_at, status = 'success' AS succeeded, response_time_ms FROM delivery_attempts
            WHERE subscription_id = $1
              AND created_at >= fleetwrite_now() - (SELECT max(lasts) FROM unnest($2::interval[]) AS windows (lasts))
        ), messages AS MATERIALIZED (
            SELECT max(created_at) AS tried_at, max(created_at) FILTER (WHERE succeeded) AS delivered_at
            FROM attempts GROUP BY delivery_id
        )
        SELECT of_attempts.*, of_messages.*
        FROM unnest($2::interval[]) WITH ORDINALITY AS windows (lasts, nth)
        CROSS JOIN LATERAL (
            SELECT count(*) AS attempts, count(*) FILTER (WHERE succeeded) AS successes,
                   round(avg(response_time_ms))::integer AS response_time_ms
            FROM attempts WHERE created_at >= fleetwrite_now() - lasts
        ) AS of_attempts
        CROSS JOIN LATERAL (
            SELECT count(*) AS messages, count(*) FILTER (WHERE delivered_at >= fleetwrite_now() - lasts) AS delivered
            FROM messages WHERE tried_at >= fleetwrite_now() - lasts
        ) AS of_messages ORDER BY nth
        """,
        subscription_id,
        list(windows),
    )


async def select_latest(connection: Connection, subscription_id: UUID, within: timedelta, limit: int) -> list[bool]:
    """The latest outcomes within that time which the breaker would go by, oldest first."""
    rows = await connection.fetch(
        """
        SELECT status = 'success' AS succeeded FROM delivery_attempts
        WHERE subscription_id = $1 AND counts AND created_at > fleetwrite_now() - $2::interval
        ORDER BY created_at DESC, id DESC LIMIT $3
        """,
        subscription_id,
        within,
        limit,
    )
    return [row["succeeded"] for row in reversed(rows)]


async def count_dead(connection: Connection, subscription_id: UUID) -> int:
    """How many dead letters a subscription has."""
    count: int = await connection.fetchval(
        "SELECT count(*) FROM deliveries WHERE subscription_id = $1 AND status = 'failed'", subscription_id
    )
    return count
