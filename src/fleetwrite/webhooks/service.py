"""What partners do with their subscriptions."""

import secrets
from typing import Final
from uuid import UUID

from msgspec import UnsetType

from fleetwrite.audit import trail
from fleetwrite.audit.models import FLEETWRITE, Actor, Deed
from fleetwrite.contract.errors import ErrorType, ValidationErrorDetail
from fleetwrite.contract.event_names import WebhookEventNameEnum, WebhookStatusEnum
from fleetwrite.contract.notifications import Webhook, WebhookCreate, WebhookFilters, WebhookRead
from fleetwrite.contract.pages import CursorPage
from fleetwrite.dispatch.service import Dispatch
from fleetwrite.kit.database import Connection, Database
from fleetwrite.kit.egress_errors import ForbiddenUrlError
from fleetwrite.kit.ids import new_id
from fleetwrite.kit.keyset import Window, decode_cursor
from fleetwrite.kit.url_policy import UrlPolicy
from fleetwrite.vault.service import Vault
from fleetwrite.webhooks import store
from fleetwrite.webhooks.errors import (
    DuplicateSubscriptionError,
    InvalidSubscriptionError,
    SubscriptionNotFoundError,
)
from fleetwrite.webhooks.filters import faults_of, normalised
from fleetwrite.webhooks.masking import MASK, mask_url
from fleetwrite.webhooks.models import BUDGETS, KIND, SECRET_PURPOSE, Subscription, actions_of, is_wildcard

_SECRET_BYTES: Final = 32
"""As long as the digest it keys: more adds nothing to HMAC-SHA256. 43 characters in a URL-safe alphabet."""

_LONGEST_INPUT: Final = 200
"""So much of an offending value is repeated in a fault."""


class SubscriptionService:
    """Creates, shows and deletes the subscriptions of a partner. Those of others do not exist for it."""

    def __init__(self, database: Database, vault: Vault, dispatch: Dispatch, url_policy: UrlPolicy) -> None:
        self._database = database
        self._vault = vault
        self._dispatch = dispatch
        self._url_policy = url_policy

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
        faults = [*self._url_faults(body.url), *faults_of(filters), *_secret_faults(body.secret)]
        if faults:
            raise InvalidSubscriptionError(tuple(faults))
        secret = body.secret if isinstance(body.secret, str) else secrets.token_urlsafe(_SECRET_BYTES)
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

    async def delete(self, partner_id: UUID, webhook_id: UUID, *, actor: Actor = FLEETWRITE) -> None:
        """End a subscription and everything that still waits for it. An attempt under way is not called back.

        Raises:
            SubscriptionNotFoundError: unknown, somebody else's, or deleted already.
        """
        async with self._database.transaction() as connection:
            if not await store.mark_deleted(connection, partner_id, webhook_id):
                raise _not_found(webhook_id)
            # Jobs before deliveries: the order in which settling an attempt locks them.
            await self._dispatch.remove_owner(connection, webhook_id)
            await store.end_pending_deliveries(connection, webhook_id)
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
            sealed = self._vault.seal(secret.encode(), purpose=SECRET_PURPOSE, subject=subscription_id)
            new.append((subscription_id, event_name, sealed))
        created = await store.insert_subscriptions(connection, partner_id, url, filters, new)
        missing = set(event_names) - {subscription.event_name for subscription in created}
        if missing:
            raise DuplicateSubscriptionError(
                f"There is a subscription with this URL and these filters already for: {', '.join(sorted(missing))}."
                " Nothing was created. Delete the old one first, or leave those events out."
            )
        for subscription in created:
            await self._dispatch.register_owner(connection, subscription.id, KIND, BUDGETS)
        return sorted(created, key=lambda subscription: event_names.index(subscription.event_name))

    def _url_faults(self, url: str) -> list[ValidationErrorDetail]:
        try:
            self._url_policy.check(url)
        except ForbiddenUrlError as error:
            return [
                ValidationErrorDetail(
                    path="body.url", input=url[:_LONGEST_INPUT], message=str(error), error_type=ErrorType.FORMAT
                )
            ]
        return []


def _secret_faults(secret: str | UnsetType | None) -> list[ValidationErrorDetail]:
    if secret != "":
        return []
    return [
        ValidationErrorDetail(
            path="body.secret",
            input="",
            message="Anybody can sign with an empty secret: leave it out and one is generated.",
            error_type=ErrorType.RANGE,
        )
    ]


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
