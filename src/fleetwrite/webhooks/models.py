"""What webhooks deal in: subscriptions, deliveries, and the attempts to make one."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec

from fleetwrite.contract.event_names import WebhookEventNameEnum, WebhookStatusEnum, WebhookSubscribableEvent
from fleetwrite.contract.notifications import WebhookFilters
from fleetwrite.dispatch.backoff import Backoff
from fleetwrite.dispatch.models import BudgetLimit, Disposition, Finish, Job, Lane
from fleetwrite.kit.ids import new_id

KIND: Final = "delivery"
"""The kind of our jobs in dispatch."""

SECRET_PURPOSE: Final = "webhook-secret"  # noqa: S105 - says what kind of secret the vault holds, is none itself

_SCOPE: Final = "receiver"

KEPT: Final = timedelta(days=14)
"""What waits, what was delivered, dead letters and logs are kept so long, as the contract has it."""


def budgets(per_second: int, in_flight: int) -> tuple[BudgetLimit, ...]:
    """The limits of a subscription: so many deliveries a second, and so many at a time."""
    return (BudgetLimit(scope=_SCOPE, requests=per_second, per_seconds=1.0, in_flight=in_flight),)


BUDGETS: Final = budgets(per_second=500, in_flight=8)
"""It is the second that keeps a receiver from being run over: the slower it answers, the fewer it gets, and of the
calls that a worker has in flight one that hangs holds a sixteenth, so that others go on. The first bounds what a fast
one gets of a backlog: a hundred thousand in some minutes."""

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
    """All that it takes to tell one subscription of one event, or of several at once.

    Attributes:
        id: of the delivery and of its job.
        message_id: by which the receiver knows repeats.
        occurred_at: when the first of its events happened.
        data: the data of each event as JSON text.
        is_stale: the subscription is; this is the one delivery that finds out whether its receiver is back.
        earlier_attempts: those made before it went out again as a dead letter.
        tried_since: when its tail began: with its fan-out, or later with a change of its subscription.
        old_secret_sealed: the secret that is being replaced, as long as it signs as well.
    """

    id: UUID
    message_id: UUID
    event_name: str
    occurred_at: datetime
    data: tuple[str, ...]
    subscription_id: UUID
    url: str
    secret_sealed: bytes
    is_stale: bool = False
    earlier_attempts: int = 0
    tried_since: datetime
    old_secret_sealed: bytes | None = None


class Parcel(msgspec.Struct, kw_only=True):
    """A delivery that is being filled with events.

    Attributes:
        added: those that it does not have in the database yet, in the order in which they happened.
        event_count, size_bytes: of all its events, with what their data takes as JSON text.
        is_new: it is not in the database yet itself.
    """

    id: UUID
    subscription_id: UUID
    added: list[UUID] = []
    event_count: int = 0
    size_bytes: int = 0
    is_new: bool = True

    def add(self, event_id: UUID, size_bytes: int) -> None:
        self.added.append(event_id)
        self.event_count += 1
        self.size_bytes += size_bytes

    @property
    def message_id(self) -> UUID:
        """By which the receiver knows repeats: the event's own id, for one that goes alone; else one more each time."""
        return self.added[0] if self.event_count == 1 else new_id()


class Replay(msgspec.Struct, frozen=True, kw_only=True):
    """Which deliveries are to go out again; None: not limited by that.

    Attributes:
        from_datetime, to_datetime: what happened from then on, and before then.
        event_ids: these events, also where they shared a delivery, or deliveries with these ids.
        with_delivered: not the dead letters alone.
    """

    from_datetime: datetime | None = None
    to_datetime: datetime | None = None
    event_ids: tuple[UUID, ...] | None = None
    with_delivered: bool = False


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
        excerpt: the beginning of the answer's body.
        pause_s: the pause that the receiver asked for.
    """

    id: UUID
    succeeded: bool
    status_code: int | None
    error_message: str | None
    response_time_ms: int
    excerpt: str | None = None
    pause_s: float | None = None

    @property
    def is_gone(self) -> bool:
        """The receiver says that there is none any more, and never will be."""
        return self.status_code == 410


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt to be stored with what becomes of its delivery; `attempt` None: time ran out before another try.

    `counts`: the breaker goes by it.
    """

    job: Job
    disposition: Disposition
    attempt: Attempt | None
    counts: bool = False

    @property
    def status(self) -> str:
        """The delivery's status from now on."""
        if self.attempt is not None and self.attempt.succeeded:
            return "success"
        return "failed" if isinstance(self.disposition, Finish) else "pending"


class DeliverySettings(msgspec.Struct, frozen=True, kw_only=True):
    """How hard we try.

    Attributes:
        fast_s: the waits after the first failures, in seconds; the contract's three retries within about 5 s.
        tail: the waits after those. Its first step takes over where the fast ones end; the cap of an hour tries a
            receiver that is down over a weekend often enough and costs it nothing.
        lasts: how long the tail is: what failed until then is a dead letter.
        patience_s: for how long an attempt's outcome is kept while the database is away: as long as leases last.
    """

    fast_s: tuple[float, ...] = (0.5, 1.5, 3.0)
    tail: Backoff = Backoff(first_s=10.0, cap_s=3600.0)
    lasts: timedelta = timedelta(days=3)
    patience_s: float = 60.0

    def counts(self, failures: int) -> bool:
        """Whether the last of so many failures is one of the delivery, as no fast retry follows it."""
        return failures > len(self.fast_s)

    def delay_s(self, failures: int) -> float:
        """Seconds to wait after `failures` failed attempts (1 or more)."""
        if failures <= len(self.fast_s):
            return self.fast_s[failures - 1]
        return self.tail.delay_s(failures - len(self.fast_s))


def filters_as_json(filters: WebhookFilters | None) -> dict[str, Any] | None:
    """How filters are stored: equal filters have equal JSON."""
    return None if filters is None else msgspec.to_builtins(filters)
