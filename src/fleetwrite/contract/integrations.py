"""The integrations API: connections, the tracking of writes, and the schedules by which records are pulled."""

from typing import Annotated, Any
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from fleetwrite.contract.enums import (
    ConnectionStatusEnum,
    ExecutionStatusEnum,
    IntegrationStatusEnum,
    ResourceEnum,
    ResourceOperationErrorTypeEnum,
    ResourceOperationLogStatusEnum,
    ResourceOperationStatusEnum,
    ResourceOperationTypeEnum,
    ScheduleStatusEnum,
)
from fleetwrite.contract.telematics import Instant
from fleetwrite.contract.tsps import SourceName

Credentials = Annotated[dict[str, Any], Meta(extra_json_schema={"writeOnly": True})]


class ConnectionRead(Struct, frozen=True, kw_only=True):
    """A fleet's account at a TSP. `credentials` has one of the contract's shapes, its secrets masked."""

    id: UUID
    created_at: Instant
    updated_at: Instant
    fleet_id: UUID | None
    fleet_ref: str | None = None
    tsp_id: UUID
    source_name: SourceName
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
    source_name: SourceName | None = None
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
    source_name: SourceName
    resource: ResourceEnum
    resource_id: UUID | None = None
    source_id: str | None = None
    operation_type: ResourceOperationTypeEnum
    status: ResourceOperationStatusEnum
    payload: dict[str, Any]
    logs: list[ResourceOperationLogRead]


class ScheduleCreate(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A new schedule. `cursor` is where the first execution begins; without it that reads the whole list."""

    resource: ResourceEnum
    execution_interval_seconds: int = 600
    consecutive_error_threshold: int = 15
    max_concurrent_executions: int = 1
    status: ScheduleStatusEnum = ScheduleStatusEnum.ACTIVE
    cursor: str | UnsetType | None = UNSET
    last_data_at: Instant | UnsetType | None = UNSET


class ScheduleRead(Struct, frozen=True, kw_only=True):
    """How often a connection's records of one resource are pulled, and how that goes.

    After `consecutive_error_threshold` executions that failed one after the other it becomes inactive. `cursor` is
    where the next execution begins, where the TSP tells what changed; `last_data_at` is the time of the newest data.
    """

    id: UUID
    connection_id: UUID
    resource: ResourceEnum
    execution_interval_seconds: int
    status: ScheduleStatusEnum
    consecutive_error_count: int
    consecutive_error_threshold: int
    max_concurrent_executions: int
    cursor: str | None = None
    last_data_at: Instant | None = None


class ScheduleUpdate(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What may be changed of a schedule. Null leaves a field alone; a null `cursor` lets the whole list be read."""

    status: ScheduleStatusEnum | UnsetType | None = UNSET
    execution_interval_seconds: int | UnsetType | None = UNSET
    consecutive_error_threshold: int | UnsetType | None = UNSET
    consecutive_error_count: int | UnsetType | None = UNSET
    max_concurrent_executions: int | UnsetType | None = UNSET
    next_execution_at: Instant | UnsetType | None = UNSET
    cursor: str | UnsetType | None = UNSET
    last_data_at: Instant | UnsetType | None = UNSET


class ScheduleBackfillRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of which resource schedules that never were are to be made, and on which connections; without a word: on all."""

    resource: ResourceEnum
    tsp_id: UUID | UnsetType | None = UNSET
    connection_ids: list[UUID] | UnsetType | None = UNSET


class ScheduleBackfillResponse(Struct, frozen=True, kw_only=True):
    """The connections on which schedules were made."""

    connection_ids: list[UUID]


class ExecutionRead(Struct, frozen=True, kw_only=True):
    """One run of a schedule. `cursor` is how far it came; `response` is what the TSP answered where it failed."""

    id: UUID
    created_at: Instant
    updated_at: Instant
    schedule_id: UUID
    connection_id: UUID
    fleet_id: UUID
    status: ExecutionStatusEnum
    source_name: SourceName
    resource: ResourceEnum
    cursor: str | None = None
    response: dict[str, Any] | None = None
    last_data_at: Instant | None = None
