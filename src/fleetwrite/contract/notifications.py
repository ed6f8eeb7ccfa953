"""Webhook subscriptions, and the envelope in which events travel."""

from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType, field

from fleetwrite.contract.credentials import Secret
from fleetwrite.contract.enums import (
    ResourceEnum,
    ResourceOperationStatusEnum,
    ResourceOperationTypeEnum,
    StatusEnum,
)
from fleetwrite.contract.event_names import (
    WebhookEventNameEnum,
    WebhookLogStatusEnum,
    WebhookStatusEnum,
    WebhookSubscribableEvent,
)
from fleetwrite.contract.integrations import ResourceOperationLogRead
from fleetwrite.contract.telematics import Instant
from fleetwrite.contract.tsps import SourceName

ItemT = TypeVar("ItemT")

WebhookUrl = Annotated[str, Meta(min_length=1, max_length=2083, extra_json_schema={"format": "uri"})]
NewSecret = Annotated[Secret, Meta(min_length=12)]

SchemaVersion = Annotated[str, Meta(pattern=r"^\d+\.\d+$")]


class WebhookFilters(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Limits a subscription to fleets, by our ids or by the partner's references."""

    fleet_ids: list[UUID] | None = None
    fleet_refs: list[str] | None = None


class WebhookCreate(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Body of `POST /v2/notifications/webhooks`; a secret is generated where none is given."""

    url: WebhookUrl
    event_name: WebhookSubscribableEvent
    filters: WebhookFilters | UnsetType | None = UNSET
    secret: Secret | UnsetType | None = UNSET


class Webhook(Struct, frozen=True, kw_only=True):
    """Answer of create, the only one that shows URL and secret in clear."""

    url: WebhookUrl
    filters: WebhookFilters | None = None
    secret: str | None = None
    created_at: Instant | None = None
    updated_at: Instant | None = None
    deleted_at: Instant | None = None
    id: UUID
    partner_id: UUID
    status: WebhookStatusEnum
    event_name: WebhookEventNameEnum


class WebhookRead(Struct, frozen=True, kw_only=True):
    """A subscription in every other answer: URL partly, secret wholly masked."""

    id: UUID
    url: str
    event_name: WebhookEventNameEnum
    filters: WebhookFilters | None = None
    secret: str
    status: WebhookStatusEnum
    created_at: Instant
    updated_at: Instant


class WebhookLogRead(Struct, frozen=True, kw_only=True):
    """One attempt to deliver. `message_id` is the envelope's `id`; `status_code` is 0 where there was no answer."""

    created_at: Instant
    webhook_id: UUID
    message_id: UUID
    event_name: WebhookEventNameEnum
    status: WebhookLogStatusEnum
    status_code: int
    error_message: str | None
    response_time_ms: int | None


class TimePeriodMetric(Struct, frozen=True, kw_only=True):
    """One figure over each of the windows that end now; None: there is nothing to tell."""

    hours_6: int | None = field(name="6h")
    hours_24: int | None = field(name="24h")
    days_7: int | None = field(name="7d")
    days_14: int | None = field(name="14d")


class WebhookMetrics(Struct, frozen=True, kw_only=True):
    """How a subscription fares. Attempts are single requests, messages what they were to deliver."""

    webhook_id: UUID
    http_attempts: TimePeriodMetric
    http_success_attempts: TimePeriodMetric
    http_failure_attempts: TimePeriodMetric
    message_count: TimePeriodMetric
    message_success_count: TimePeriodMetric
    success_rate: TimePeriodMetric
    avg_response_time_ms: TimePeriodMetric
    ewma_success_rate: float | None
    dlq_count: int


class WebhookUpdate(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Body of `PATCH /v2/notifications/webhooks/{webhook_id}`. What is absent or null stays as it is."""

    url: WebhookUrl | UnsetType | None = UNSET
    filters: WebhookFilters | UnsetType | None = UNSET
    secret: NewSecret | UnsetType | None = UNSET


class EventSchema(Struct, frozen=True, kw_only=True):
    """What an event looks like: `openapi_schema` is a whole OpenAPI 3.0 document as text."""

    event_name: str
    version: SchemaVersion
    created_at: Instant | UnsetType = UNSET
    openapi_schema: str
    changelog: str = "Initial schema version"


class EventEnvelope(Struct, Generic[ItemT], frozen=True, kw_only=True):
    """Body of one webhook delivery. `delivery_attempt` starts at 1, as the header of that name does."""

    version: SchemaVersion
    event_name: str
    data: list[ItemT]
    webhook_id: UUID
    timestamp: Instant | None
    id: UUID | None
    delivery_attempt: int


class BaseResourceOperationEvent(Struct, frozen=True, kw_only=True):
    """Item of the `resource_operation.*` events: the operation as the integrations API shows it."""

    id: UUID
    created_at: Instant
    updated_at: Instant
    partner_id: UUID
    connection_id: UUID
    fleet_ref: str | None = None
    source_name: SourceName
    resource: ResourceEnum
    resource_id: UUID | None = None
    source_id: str | None = None
    operation_type: ResourceOperationTypeEnum
    status: ResourceOperationStatusEnum
    payload: dict[str, Any]
    logs: list[ResourceOperationLogRead]


class BaseConnectionEvent(Struct, frozen=True, kw_only=True):
    """Item of the `connection.*` events. It names no `fleet_ref`; the fleet's id is in `fleet_id`."""

    id: UUID
    source_name: SourceName
    fleet_id: UUID
    tsp_id: UUID
    status: StatusEnum


class BaseWebhookEvent(Struct, frozen=True, kw_only=True):
    """Item of the `webhook.*` events; the URL is masked as in answers."""

    id: UUID
    url: str
    event_name: WebhookEventNameEnum
    filters: WebhookFilters | None = None
    status: WebhookStatusEnum


class BaseTelematicsEvent(Struct, frozen=True, kw_only=True):
    """Item of the `*.removed` events: which record the TSP does not have any more."""

    id: UUID
    fleet_id: UUID
    fleet_ref: str | None
    tsp_id: UUID | None = None
    tsp_slug: str | None = None
    source_name: SourceName
    connection_id: UUID
    source_id: str
    created_at: Instant
    updated_at: Instant
    deleted_at: Instant | None = None
    occurred_at: Instant
    execution_id: UUID | None = None
    schedule_id: UUID | None = None
    extras: dict[str, Any] | None = None


class BaseExecutionEvent(Struct, frozen=True, kw_only=True):
    """Item of the `execution.*` events."""

    id: UUID
    created_at: Instant
    updated_at: Instant
    schedule_id: UUID
    connection_id: UUID
    fleet_id: UUID
    status: StatusEnum
    source_name: SourceName
    resource: ResourceEnum


class BaseScheduleEvent(Struct, frozen=True, kw_only=True):
    """Item of the `schedule.*` events."""

    id: UUID
    connection_id: UUID
    resource: ResourceEnum
    execution_interval_seconds: int
    status: StatusEnum
    consecutive_error_threshold: int
    max_concurrent_executions: int


class BaseFleetConnectionEvent(Struct, frozen=True, kw_only=True):
    """Item of `fleet_connection.created`; `id` is that of the link between the two."""

    id: UUID
    fleet_id: UUID
    connection_id: UUID
