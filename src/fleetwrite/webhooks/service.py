"""What partners do with their subscriptions."""

import base64
import secrets
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

import asyncpg
from msgspec import UnsetType

from fleetwrite.audit import trail
from fleetwrite.audit.models import FLEETWRITE, Actor, Deed
from fleetwrite.contract.errors import ErrorType, ValidationErrorDetail
from fleetwrite.contract.event_names import WebhookEventNameEnum, WebhookStatusEnum
from fleetwrite.contract.notifications import (
    Webhook,
    WebhookCreate,
    WebhookFilters,
    WebhookRead,
    WebhookUpdate,
)
from fleetwrite.contract.pages import CursorPage
from fleetwrite.dispatch.models import BudgetLimit
from fleetwrite.dispatch.service import Dispatch
from fleetwrite.events.store import append
from fleetwrite.kit.database import Connection, Database, as_system
from fleetwrite.kit.egress import Egress
from fleetwrite.kit.egress_errors import ForbiddenUrlError
from fleetwrite.kit.ids import new_id
from fleetwrite.kit.keyset import Window, decode_cursor
from fleetwrite.vault.service import Vault
from fleetwrite.webhooks import delivery_store, store
from fleetwrite.webhooks.announcing import webhook_event
from fleetwrite.webhooks.errors import (
    DuplicateSubscriptionError,
    InvalidSubscriptionError,
    SubscriptionNotFoundError,
)
from fleetwrite.webhooks.filters import faults_of, normalised
from fleetwrite.webhooks.masking import MASK, mask_url
from fleetwrite.webhooks.models import BUDGETS, KIND, SECRET_PURPOSE, Subscription, actions_of, is_wildcard
from fleetwrite.webhooks.schemes import STANDARD_PREFIX, standard_key

_SECRET_BYTES: Final = 32
"""As long as the digest it keys: more adds nothing to HMAC-SHA256."""

_LONGEST_INPUT: Final = 200
"""So much of an offending value is repeated in a fault."""


class SubscriptionService:
    """Creates, shows, changes and deletes the subscriptions of a partner. Those of others do not exist for it.

    The partner's other subscriptions hear of it by `webhook.created`, `webhook.updated`, `webhook.deleted`.
    """

    def __init__(
        self,
        database: Database,
        vault: Vault,
        dispatch: Dispatch,
        egress: Egress,
        budgets: Sequence[BudgetLimit] = BUDGETS,
    ) -> None:
        self._database = database
        self._budgets = budgets
        self._vault = vault
        self._dispatch = dispatch
        self._egress = egress

    async def create(
        self, partner_id: UUID, body: WebhookCreate, *, actor: Actor = FLEETWRITE
    ) -> Webhook | list[Webhook]:
        """Subscribe to an event, or with `x.*` to each action of `x`: then the answer is a list, even one of
        one.

        All subscriptions of a wildcard share one secret, for they share one receiver. A secret that is handed
        in may be of any length but none, as the contract sets no least length here.

        Raises:
            InvalidSubscriptionError: URL, filters or secret can not be used.
            DuplicateSubscriptionError: one of the subscriptions is there already; then none is created.
        """
        filters = normalised(body.filters)
        faults = [*await self._url_faults(body.url), *faults_of(filters), *_secret_faults(body.secret)]
        if faults:
            raise InvalidSubscriptionError(tuple(faults))
        secret = body.secret if isinstance(body.secret, str) else _made_up_secret()
        async with self._database.transaction() as connection:
            created = await self._insert(connection, partner_id, body.url, filters, secret, actions_of(body.event_name))
            for one in created:
                told = {"event_name": one.event_name, "url": mask_url(one.url)}
                await trail.append(connection, actor, Deed.WEBHOOK_CREATED, one.id, told)
        webhooks = [_webhook(subscription, secret) for subscription in created]
        return webhooks if is_wildcard(body.event_name) else webhooks[0]

    async def get(self, partner_id: UUID, webhook_id: UUID) -> WebhookRead:
        """The subscription, its URL and secret masked.

        Raises:
            SubscriptionNotFoundError: unknown, somebody else's, or deleted.
        """
        async with self._database.acquire() as connection:
            subscription = await store.select_subscription(connection, partner_id, webhook_id)
        if subscription is None:
            raise _not_found(webhook_id)
        return _webhook_read(subscription)

    async def page(
        self,
        partner_id: UUID,
        *,
        event_name: WebhookEventNameEnum | None = None,
        status: WebhookStatusEnum | None = None,
        cursor: str | None = None,
        size: int = 300,
    ) -> CursorPage[WebhookRead]:
        """The partner's subscriptions, oldest first; deleted ones only where `status` asks for them.

        Raises:
            BadCursorError: `cursor` is none of ours.
        """
        window = Window(cursor=decode_cursor(cursor), size=size)
        async with self._database.acquire() as connection:
            page = await store.select_page(connection, partner_id, event_name, status, window)
        return CursorPage(
            items=[_webhook_read(subscription) for subscription in page.items],
            current_page=page.current_page,
            current_page_backwards=page.current_page_backwards,
            previous_page=page.previous_page,
            next_page=page.next_page,
        )

    async def update(
        self,
        partner_id: UUID,
        webhook_id: UUID,
        body: WebhookUpdate,
        *,
        overlap: timedelta,
        actor: Actor = FLEETWRITE,
    ) -> WebhookRead:
        """Change what `body` names; what is absent or null stays. Filters that limit nothing are taken away by empty
        ones.

        A new secret signs from now on, and for `overlap` the one there was signs as well; of three the oldest is
        destroyed. The present secret, handed in again, can only shorten the overlap. What waits is delivered to the
        new URL; no attempt under way is called back.

        Raises:
            SubscriptionNotFoundError: unknown, somebody else's, or deleted.
            InvalidSubscriptionError: URL, filters or secret can not be used.
            DuplicateSubscriptionError: it would be like another one. Nothing is changed.
        """
        faults = [*faults_of(normalised(body.filters)), *_secret_faults(body.secret)]
        if isinstance(body.url, str):
            faults = [*await self._url_faults(body.url), *faults]
        if faults:
            raise InvalidSubscriptionError(tuple(faults))
        async with self._database.transaction() as connection:
            found = await store.lock_subscription(connection, partner_id, webhook_id)
            if found is None:
                raise _not_found(webhook_id)
            before, sealed = found
            rotated = isinstance(body.secret, str) and await self._rotate(
                connection, webhook_id, sealed, body.secret, overlap
            )
            url = body.url if isinstance(body.url, str) else before.url
            filters = normalised(body.filters) if isinstance(body.filters, WebhookFilters) else before.filters
            if not rotated and (url, filters) == (before.url, before.filters):
                return _webhook_read(before)
            try:
                after = await store.update_subscription(connection, webhook_id, url, filters)
            except asyncpg.UniqueViolationError as error:
                raise _duplicate([before.event_name], "changed") from error
            await append(connection, [webhook_event(WebhookEventNameEnum.WEBHOOK_UPDATED, after)])
            changed = {"url": url != before.url, "filters": filters != before.filters, "secret": rotated}
            await trail.append(connection, actor, Deed.WEBHOOK_CHANGED, webhook_id, changed)
        return _webhook_read(after)

    async def _rotate(
        self, connection: Connection, webhook_id: UUID, sealed: bytes, secret: str, overlap: timedelta
    ) -> bool:
        """Whether `secret` is another one than before, which it replaces."""
        before = self._vault.open(sealed, purpose=SECRET_PURPOSE, subject=webhook_id)
        is_new = secret.encode() != before
        if is_new:
            await store.replace_secret(connection, webhook_id, self._sealed(webhook_id, secret), overlap)
        else:
            await store.shorten_overlap(connection, webhook_id, overlap)
        await store.destroy_old_secrets(connection, webhook_id)
        return is_new

    async def delete(self, partner_id: UUID, webhook_id: UUID, *, actor: Actor = FLEETWRITE) -> None:
        """End a subscription and everything that still waits for it. An attempt under way is not called back.

        Raises:
            SubscriptionNotFoundError: unknown, somebody else's, or deleted already.
        """
        async with self._database.transaction() as connection:
            deleted = await store.mark_deleted(connection, partner_id, webhook_id)
            if deleted is None:
                raise _not_found(webhook_id)
            # Jobs before deliveries: the order in which settling an attempt locks them.
            async with as_system(connection):  # which alone has to do with lanes
                await self._dispatch.remove_owner(connection, webhook_id)
            await delivery_store.end_pending_deliveries(connection, webhook_id)
            await append(connection, [webhook_event(WebhookEventNameEnum.WEBHOOK_DELETED, deleted)])
            await trail.append(connection, actor, Deed.WEBHOOK_DELETED, webhook_id)

    async def _insert(
        self,
        connection: Connection,
        partner_id: UUID,
        url: str,
        filters: WebhookFilters | None,
        secret: str,
        event_names: list[WebhookEventNameEnum],
    ) -> list[Subscription]:
        new = []
        for event_name in event_names:
            subscription_id = new_id()
            new.append((subscription_id, event_name, self._sealed(subscription_id, secret)))
        created = await store.insert_subscriptions(connection, partner_id, url, filters, new)
        missing = set(event_names) - {subscription.event_name for subscription in created}
        if missing:
            raise _duplicate(missing, "created")
        async with as_system(connection):  # which alone has to do with lanes
            for subscription in created:
                await self._dispatch.register_owner(connection, subscription.id, KIND, self._budgets)
        await append(
            connection,
            [webhook_event(WebhookEventNameEnum.WEBHOOK_CREATED, subscription) for subscription in created],
        )
        return sorted(created, key=lambda subscription: event_names.index(subscription.event_name))

    def _sealed(self, subscription_id: UUID, secret: str) -> bytes:
        return self._vault.seal(secret.encode(), purpose=SECRET_PURPOSE, subject=subscription_id)

    async def _url_faults(self, url: str) -> list[ValidationErrorDetail]:
        try:
            await self._egress.check(url)
        except ForbiddenUrlError as error:
            return [
                ValidationErrorDetail(
                    path="body.url", input=url[:_LONGEST_INPUT], message=str(error), error_type=ErrorType.FORMAT
                )
            ]
        return []


def _made_up_secret() -> str:
    """A secret that libraries of Standard Webhooks take as it is."""
    return STANDARD_PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def _secret_faults(secret: str | UnsetType | None) -> list[ValidationErrorDetail]:
    if not isinstance(secret, str):
        return []
    if not secret:
        message, error_type = "Anybody can sign with an empty secret: leave it out.", ErrorType.RANGE
    elif secret.startswith(STANDARD_PREFIX) and standard_key(secret.encode()) == secret.encode():
        message = f"After {STANDARD_PREFIX} the key must follow in base64, or let the secret begin otherwise."
        error_type = ErrorType.FORMAT
    else:
        return []
    return [ValidationErrorDetail(path="body.secret", input=MASK, message=message, error_type=error_type)]


def _duplicate(event_names: Iterable[WebhookEventNameEnum], done: str) -> DuplicateSubscriptionError:
    return DuplicateSubscriptionError(
        f"There is a subscription with this URL and these filters already for: {', '.join(sorted(event_names))}."
        f" Nothing was {done}. Delete the other one first, or leave those events out."
    )


def _not_found(webhook_id: UUID) -> SubscriptionNotFoundError:
    return SubscriptionNotFoundError(f"There is no webhook {webhook_id}.")


def _webhook(subscription: Subscription, secret: str) -> Webhook:
    return Webhook(
        id=subscription.id,
        partner_id=subscription.partner_id,
        url=subscription.url,
        event_name=subscription.event_name,
        filters=subscription.filters,
        secret=secret,
        status=subscription.status,
        created_at=subscription.created_at,
        updated_at=subscription.updated_at,
        deleted_at=subscription.deleted_at,
    )


def _webhook_read(subscription: Subscription) -> WebhookRead:
    return WebhookRead(
        id=subscription.id,
        url=mask_url(subscription.url),
        event_name=subscription.event_name,
        filters=subscription.filters,
        secret=MASK,
        status=subscription.status,
        created_at=subscription.created_at,
        updated_at=subscription.updated_at,
    )
