"""What webhooks deal in: subscriptions, deliveries, and the attempts to make one."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec

from fleetwrite.contract.event_names import WebhookEventNameEnum, WebhookStatusEnum, WebhookSubscribableEvent
from fleetwrite.contract.notifications import WebhookFilters
from fleetwrite.dispatch.backoff import Backoff
from fleetwrite.dispatch.models import BudgetLimit, Disposition, Job, Lane

KIND: Final = "delivery"
"""The kind of our jobs in dispatch."""

SECRET_PURPOSE: Final = "webhook-secret"  # noqa: S105 - says what kind of secret the vault holds, is none itself

_SCOPE: Final = "receiver"

BUDGETS: Final = (BudgetLimit(scope=_SCOPE, requests=1000, per_seconds=1.0),)
"""No receiver of ours takes more, so this limits nobody; a budget is needed to be closed when a receiver asks for a
pause."""

WILDCARD: Final = ".*"
"""What the name of all events of a resource ends in."""


def lane_of(subscription_id: UUID) -> Lane:
    """Where the deliveries of a subscription wait: each has a lane of its own, so that none waits for another's."""
    return Lane(subscription_id, KIND, (_SCOPE,))


def actions_of(name: WebhookSubscribableEvent) -> list[WebhookEventNameEnum]:
    """The events that a name stands for: itself, or for `x.*` each action of `x` that the contract lists."""
    if not name.endswith(WILDCARD):
        return [WebhookEventNameEnum(name)]
    prefix = name.removesuffix("*")
    return [event for event in WebhookEventNameEnum if event.startswith(prefix) and not event.endswith(WILDCARD)]


def is_wildcard(name: WebhookSubscribableEvent) -> bool:
    """Whether `name` stands for each action of a resource, however many the contract lists."""
    return name.endswith(WILDCARD)


class Subscription(msgspec.Struct, frozen=True, kw_only=True):
    """A partner's wish to be told of one event at one URL; `filters` None: for all of its fleets."""

    id: UUID
    partner_id: UUID
    url: str
    event_name: WebhookEventNameEnum
    filters: WebhookFilters | None
    status: WebhookStatusEnum
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """All that it takes to tell one subscription of one event.

    Attributes:
        id: of the delivery and of its job.
        data: the event's data as JSON text.
        old_secret_sealed: the secret that is being replaced, as long as it signs as well.
    """

    id: UUID
    event_id: UUID
    event_name: str
    occurred_at: datetime
    data: str
    subscription_id: UUID
    url: str
    secret_sealed: bytes
    old_secret_sealed: bytes | None = None


class SignedRequest(msgspec.Struct, frozen=True):
    """One attempt as it goes over the wire."""

    headers: Mapping[str, str]
    body: bytes


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one try.

    Attributes:
        id: the `X-Request-ID` of that try.
        succeeded: the receiver answered with 2xx.
        status_code: None where there was no answer.
        error_message: why it did not succeed.
        response_time_ms: until the answer or until we gave up.
        pause_s: the pause that the receiver asked for.
    """

    id: UUID
    succeeded: bool
    status_code: int | None
    error_message: str | None
    response_time_ms: int
    pause_s: float | None = None


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt to be stored with what becomes of its delivery; `attempt` None: time ran out before another try."""

    job: Job
    disposition: Disposition
    attempt: Attempt | None

    @property
    def status(self) -> str:
        """The delivery's status from now on."""
        if self.attempt is not None and self.attempt.succeeded:
            return "success"
        return "failed" if self.attempt is None else "pending"


class DeliverySettings(msgspec.Struct, frozen=True, kw_only=True):
    """How hard we try.

    Attributes:
        timeout_s: for a whole exchange, connecting included; 3 s is what the contract promises receivers.
        fast_s: the waits after the first failures, in seconds; the contract's three retries within about 5 s.
        tail: the waits after those. Its first step takes over where the fast ones end; the cap of an hour tries a
            receiver that is down over a weekend often enough and costs it nothing.
        lasts: when to give up, counted from the event's fan-out.
        patience_s: for how long an attempt's outcome is kept while the database is away: as long as leases last.
    """

    timeout_s: float = 3.0
    fast_s: tuple[float, ...] = (0.5, 1.5, 3.0)
    tail: Backoff = Backoff(first_s=10.0, cap_s=3600.0)
    lasts: timedelta = timedelta(days=3)
    patience_s: float = 60.0

    def delay_s(self, failures: int) -> float:
        """Seconds to wait after `failures` failed attempts (1 or more)."""
        if failures <= len(self.fast_s):
            return self.fast_s[failures - 1]
        return self.tail.delay_s(failures - len(self.fast_s))


def filters_as_json(filters: WebhookFilters | None) -> dict[str, Any] | None:
    """How filters are stored: equal filters have equal JSON."""
    return None if filters is None else msgspec.to_builtins(filters)
