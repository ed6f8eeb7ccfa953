"""Answers of the integrations API: connections, and the tracking of writes."""

from typing import Annotated, Any
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from fleetwrite.contract.enums import (
    ConnectionStatusEnum,
    IntegrationStatusEnum,
    ResourceEnum,
    ResourceOperationErrorTypeEnum,
    ResourceOperationLogStatusEnum,
    ResourceOperationStatusEnum,
    ResourceOperationTypeEnum,
)
from fleetwrite.contract.telematics import Instant
from fleetwrite.contract.tsps import TspEnum

Credentials = Annotated[dict[str, Any], Meta(extra_json_schema={"writeOnly": True})]


class ConnectionRead(Struct, frozen=True, kw_only=True):
    """A fleet's account at a TSP. `credentials` has one of the contract's shapes, its secrets masked."""

    id: UUID
    created_at: Instant
    updated_at: Instant
    fleet_id: UUID | None
    fleet_ref: str | None = None
    tsp_id: UUID
    source_name: TspEnum
    credentials: dict[str, Any]
    status: ConnectionStatusEnum
    description: str | None


class ConnectionCreate(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A fleet's account to be connected. Which of the contract's shapes `credentials` has follows from the TSP."""

    tsp_id: UUID
    credentials: Credentials
    description: str | None = None


class ConnectionUpdate(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What may be changed of a connection. `credentials` has the shape of its TSP, in the clear."""

    credentials: Credentials | UnsetType | None = UNSET
    description: str | UnsetType | None = UNSET
    status: ConnectionStatusEnum | UnsetType | None = UNSET


class TspIntegrationsRead(Struct, frozen=True, kw_only=True):
    """A TSP, and which resources are read from it. Nothing here says what can be written."""

    tsp_id: UUID
    slug: str | None = None
    source_name: TspEnum | None = None
    integrations: dict[ResourceEnum, IntegrationStatusEnum]
    implemented_count: int
    not_implemented_count: int
    not_supported_count: int


class ResourceOperationLogRead(Struct, frozen=True, kw_only=True):
    """One attempt; `response_headers` holds allow-listed headers only."""

    id: UUID
    created_at: Instant
    updated_at: Instant
    resource_operation_id: UUID
    status: ResourceOperationLogStatusEnum
    error_type: ResourceOperationErrorTypeEnum | None = None
    error_details: str | None = None
    response_status_code: int | None = None
    response_headers: dict[str, str] | None = None


class ResourceOperationRead(Struct, frozen=True, kw_only=True):
    """A resource operation as polled. Against the write answer: fleet and TSP added, `deleted_at` missing."""

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
