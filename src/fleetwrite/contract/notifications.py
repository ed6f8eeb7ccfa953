"""Webhook subscriptions, and the envelope in which events travel."""

from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from fleetwrite.contract.credentials import Secret
from fleetwrite.contract.enums import (
    ResourceEnum,
    ResourceOperationStatusEnum,
    ResourceOperationTypeEnum,
    StatusEnum,
)
from fleetwrite.contract.event_names import (
    WebhookEventNameEnum,
    WebhookStatusEnum,
    WebhookSubscribableEvent,
)
from fleetwrite.contract.integrations import ResourceOperationLogRead
from fleetwrite.contract.telematics import Instant
from fleetwrite.contract.tsps import TspEnum

ItemT = TypeVar("ItemT")

WebhookUrl = Annotated[str, Meta(min_length=1, max_length=2083, extra_json_schema={"format": "uri"})]
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
    source_name: TspEnum
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
    source_name: TspEnum
    fleet_id: UUID
    tsp_id: UUID
    status: StatusEnum


class BaseFleetConnectionEvent(Struct, frozen=True, kw_only=True):
    """Item of `fleet_connection.created`; `id` is that of the link between the two."""

    id: UUID
    fleet_id: UUID
    connection_id: UUID
