"""How partners look after a subscription: pause, activate, figures, log, replay, test."""

import math
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from fleetwrite.audit import trail
from fleetwrite.audit.models import FLEETWRITE, Actor, Deed
from fleetwrite.contract.errors import ErrorType, ValidationErrorDetail
from fleetwrite.contract.event_names import WebhookEventNameEnum, WebhookLogStatusEnum, WebhookStatusEnum
from fleetwrite.contract.notifications import TimePeriodMetric, WebhookLogRead, WebhookMetrics, WebhookRead
from fleetwrite.contract.pages import CursorPage
from fleetwrite.contract.telematics import Instant
from fleetwrite.dispatch.errors import SlotTimeoutError
from fleetwrite.dispatch.models import NewJob
from fleetwrite.dispatch.service import Dispatch
from fleetwrite.kit.clock import database_now
from fleetwrite.kit.database import Connection, Database, as_system
from fleetwrite.kit.ids import new_id
from fleetwrite.kit.keyset import Window, decode_cursor
from fleetwrite.kit.tenancy import acting_as_system
from fleetwrite.webhooks import delivery_store, health_store, log_store, store
from fleetwrite.webhooks.breaker import MOST_OUTCOMES, WINDOW, moving_average
from fleetwrite.webhooks.errors import InvalidReplayError, ReceiverBusyError, SubscriptionNotFoundError
from fleetwrite.webhooks.health import Health
from fleetwrite.webhooks.models import KEPT, Delivery, Replay, Subscription, lane_of
from fleetwrite.webhooks.samples import sample_of
from fleetwrite.webhooks.sending import Sender
from fleetwrite.webhooks.service import SubscriptionService

WINDOWS: Final = (timedelta(hours=6), timedelta(hours=24), timedelta(days=7), KEPT)
"""The contract's, in the order of the fields of `TimePeriodMetric`."""

LEAST_MESSAGES: Final = 200
"""A share of fewer messages says little; the contract has none then."""

REPLAY_PRIORITY: Final = 3
"""What happens now is told before what went wrong days ago."""

REVIVED_AT_A_TIME: Final = 1000
"""Dead letters of one transaction: some ten milliseconds, so that it holds up nobody's locks."""

SLOT_WAIT_S: Final = 2.0
"""How long a test waits for a slot: whoever asked for it looks on."""


class LogQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which part of the log: from `start_date` on and before `end_date`, at most 14 days back."""

    start_date: Instant | None = None
    end_date: Instant | None = None
    status: WebhookLogStatusEnum | None = None
    cursor: str | None = None
    size: Annotated[int, Meta(ge=1, le=1000)] = 300


class ReplayResult(Struct, frozen=True, kw_only=True):
    """How many messages go out again."""

    replayed: int


class SampleResult(Struct, frozen=True, kw_only=True):
    """What the receiver said to a test.

    Attributes:
        message_id: the envelope's `id`.
        status_code: None where there was no answer.
        error_message: why it does not count as delivered; None where it does.
        response_excerpt: the beginning of the answer's body; None where that says nothing.
    """

    message_id: UUID
    event_name: WebhookEventNameEnum
    status: WebhookLogStatusEnum
    status_code: int | None
    response_time_ms: int
    error_message: str | None
    response_excerpt: str | None


class SubscriptionUpkeep:
    """Does it for partners; the subscriptions of others do not exist for them.

    Each method raises SubscriptionNotFoundError where the subscription is unknown, somebody else's, or deleted.
    """

    def __init__(
        self,
        database: Database,
        dispatch: Dispatch,
        subscriptions: SubscriptionService,
        sender: Sender,
        health: Health,
    ) -> None:
        self._database = database
        self._subscriptions = subscriptions
        self._dispatch = dispatch
        self._sender = sender
        self._health = health

    async def activate(self, partner_id: UUID, webhook_id: UUID, *, actor: Actor = FLEETWRITE) -> WebhookRead:
        """Deliver again what a paused or stale subscription waits for."""
        return await self._turn(partner_id, webhook_id, WebhookStatusEnum.ACTIVE, actor)

    async def pause(self, partner_id: UUID, webhook_id: UUID, *, actor: Actor = FLEETWRITE) -> WebhookRead:
        """Deliver nothing more until it is activated; events are kept."""
        return await self._turn(partner_id, webhook_id, WebhookStatusEnum.PAUSED, actor)

    async def metrics(self, partner_id: UUID, webhook_id: UUID) -> WebhookMetrics:
        """How deliveries fared, counted from the log."""
        async with self._database.acquire() as connection:
            await self._get(connection, partner_id, webhook_id)
            figures = await log_store.select_figures(connection, webhook_id, WINDOWS)
            latest = await log_store.select_latest(connection, webhook_id, WINDOW, MOST_OUTCOMES)
            dead = await log_store.count_dead(connection, webhook_id)
        return WebhookMetrics(
            webhook_id=webhook_id,
            http_attempts=_over_windows(figures, lambda row: row["attempts"]),
            http_success_attempts=_over_windows(figures, lambda row: row["successes"]),
            http_failure_attempts=_over_windows(figures, lambda row: row["attempts"] - row["successes"]),
            message_count=_over_windows(figures, lambda row: row["messages"]),
            message_success_count=_over_windows(figures, lambda row: row["delivered"]),
            success_rate=_over_windows(figures, _success_rate),
            avg_response_time_ms=_over_windows(figures, lambda row: row["response_time_ms"]),
            ewma_success_rate=moving_average(latest) if latest else None,
            dlq_count=dead,
        )

    async def log(self, partner_id: UUID, webhook_id: UUID, query: LogQuery) -> CursorPage[WebhookLogRead]:
        """A page of the attempts, oldest first.

        Raises:
            BadCursorError: `cursor` is none of ours.
        """
        window = Window(cursor=decode_cursor(query.cursor), size=query.size)
        async with self._database.acquire() as connection:
            await self._get(connection, partner_id, webhook_id)
            page = await log_store.select_log(
                connection, webhook_id, query.start_date, query.end_date, query.status, window
            )
        return CursorPage(
            items=list(page.items),
            current_page=page.current_page,
            current_page_backwards=page.current_page_backwards,
            previous_page=page.previous_page,
            next_page=page.next_page,
        )

    async def replay(
        self, partner_id: UUID, webhook_id: UUID, wanted: Replay, *, actor: Actor = FLEETWRITE
    ) -> ReplayResult:
        """Send dead letters again, each with a new budget of attempts, in the order in which their events happened.

        Those of a subscription that is paused or stale wait until it is active. What dies again meanwhile is left
        alone; a replay that broke off is done again for the rest.

        Raises:
            InvalidReplayError: all that was ever delivered is no selection.
        """
        if wanted.with_delivered and wanted.from_datetime is None and wanted.event_ids is None:
            raise InvalidReplayError(
                (
                    ValidationErrorDetail(
                        path="query.include",
                        input="delivered",
                        message="Say which: give `from_datetime`, or `event_ids`, beside it.",
                        error_type=ErrorType.MISSING,
                    ),
                )
            )
        async with self._database.acquire() as connection:
            asked_at = await database_now(connection)
        replayed = 0
        while revived := await self._revive(partner_id, webhook_id, wanted, asked_at, actor):
            replayed += revived
        return ReplayResult(replayed=replayed)

    async def test(self, partner_id: UUID, webhook_id: UUID) -> SampleResult:
        """Send a made-up event by the very path of real ones, within the same limits, and tell what came of it.

        It is not logged, is not tried again, and counts for nothing.

        Raises:
            ReceiverBusyError: the subscription's limits leave no room now.
        """
        async with self._database.acquire() as connection:
            subscription = await self._get(connection, partner_id, webhook_id)
            sealed = await delivery_store.select_secret(connection, webhook_id)
            now = await database_now(connection)
        try:
            with acting_as_system():  # which alone has to do with budgets
                await self._dispatch.take_slot(webhook_id, lane_of(webhook_id).scopes, SLOT_WAIT_S)
        except SlotTimeoutError as error:
            raise ReceiverBusyError(math.ceil(error.wait_s) or 1) from error
        delivery = Delivery(
            id=new_id(),
            message_id=new_id(),
            event_name=subscription.event_name,
            occurred_at=now,
            data=tuple(msgspec.json.encode(item).decode() for item in sample_of(subscription.event_name)),
            subscription_id=webhook_id,
            url=subscription.url,
            secret_sealed=sealed,
            tried_since=now,
        )
        attempt = await self._sender.send(delivery, 1, is_test=True)
        return SampleResult(
            message_id=delivery.message_id,
            event_name=subscription.event_name,
            status=WebhookLogStatusEnum.SUCCESS if attempt.succeeded else WebhookLogStatusEnum.FAILED,
            status_code=attempt.status_code,
            response_time_ms=attempt.response_time_ms,
            error_message=attempt.error_message,
            response_excerpt=attempt.excerpt,
        )

    async def _turn(self, partner_id: UUID, webhook_id: UUID, to: WebhookStatusEnum, actor: Actor) -> WebhookRead:
        await self._health.turn(partner_id, webhook_id, to, actor)
        return await self._subscriptions.get(partner_id, webhook_id)

    async def _get(self, connection: Connection, partner_id: UUID, webhook_id: UUID) -> Subscription:
        subscription = await store.select_subscription(connection, partner_id, webhook_id)
        if subscription is None:
            raise _not_found(webhook_id)
        return subscription

    async def _revive(
        self, partner_id: UUID, webhook_id: UUID, wanted: Replay, ended_by: datetime, actor: Actor
    ) -> int:
        async with self._database.transaction() as connection:
            # Locked, so that one that is being deleted meanwhile is either gone or waits for us.
            subscription = await health_store.lock(connection, webhook_id)
            if subscription is None or subscription.partner_id != partner_id:
                raise _not_found(webhook_id)
            revived = await delivery_store.revive(connection, webhook_id, wanted, ended_by, REVIVED_AT_A_TIME)
            lane = lane_of(webhook_id)
            jobs = [NewJob(id=one, lane=lane, lasts=KEPT, priority=REPLAY_PRIORITY) for one in revived]
            async with as_system(connection):  # which alone has to do with lanes
                await self._dispatch.enqueue(connection, jobs)
            if revived:
                await trail.append(connection, actor, Deed.WEBHOOK_REPLAYED, webhook_id, {"messages": len(revived)})
        return len(revived)


def _over_windows(figures: list[Any], value: Callable[[Any], int | None]) -> TimePeriodMetric:
    hours_6, hours_24, days_7, days_14 = map(value, figures)
    return TimePeriodMetric(hours_6=hours_6, hours_24=hours_24, days_7=days_7, days_14=days_14)


def _success_rate(row: Any) -> int | None:
    """In percent."""
    return round(100 * row["delivered"] / row["messages"]) if row["messages"] >= LEAST_MESSAGES else None


def _not_found(webhook_id: UUID) -> SubscriptionNotFoundError:
    return SubscriptionNotFoundError(f"There is no webhook {webhook_id}.")
