"""Write bodies of the telematics API and the operation that answers them."""

import datetime as dt
import types
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Final
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from fleetwrite.contract.enums import (
    DistanceUnitEnum,
    DvirDefectEnum,
    DvirLogTypeEnum,
    EngineType,
    FuelVolumeUnitEnum,
    HosComplianceTypeEnum,
    HosTrackingMethodEnum,
    MessagePriorityEnum,
    ResourceEnum,
    ResourceOperationErrorTypeEnum,
    ResourceOperationLogStatusEnum,
    ResourceOperationStatusEnum,
    ResourceOperationTypeEnum,
    UserStatusEnum,
    VehicleStatusEnum,
)
from fleetwrite.contract.hos_rulesets import HosRulesetCodeEnum
from fleetwrite.contract.timezones import TimezoneCodeEnum

DECIMAL_PATTERN: Final = r"^(?!^[-+.]*$)[+-]?0*\d*\.?\d*$"
"""What a decimal must look like where it is written as a string: no exponent, no blanks."""

Instant = Annotated[dt.datetime, Meta(tz=True)]
"""A point in time; its text must carry an offset."""

Number = Annotated[Decimal, Meta(extra_json_schema={"x-json-type": "number"})]
Latitude = Annotated[Decimal, Meta(extra_json_schema={"x-json-type": "number", "minimum": -90, "maximum": 90})]
Longitude = Annotated[Decimal, Meta(extra_json_schema={"x-json-type": "number", "minimum": -180, "maximum": 180})]
Money = Annotated[Decimal, Meta(extra_json_schema={"x-json-type": ["number", "string"], "pattern": DECIMAL_PATTERN})]
CountryCode = Annotated[str, Meta(pattern=r"^\w{3}$", examples=["USA", "CAN"])]
"""ISO 3166-1 alpha-3 by intent; the contract checks only for three word characters."""


class WriteBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What all writes share: the connection decides fleet and TSP."""

    connection_id: UUID


class VehicleBody(WriteBody, frozen=True, kw_only=True):
    """Fields of a vehicle that can be written, the same for create and update."""

    vehicle_name: str | UnsetType | None = UNSET
    oem: str | UnsetType | None = UNSET
    model_type: str | UnsetType | None = UNSET
    model_year: int | UnsetType | None = UNSET
    vin: str | UnsetType | None = UNSET
    engine_vin: str | UnsetType | None = UNSET
    license_plate_region: str | UnsetType | None = UNSET
    license_plate_country: CountryCode | UnsetType | None = UNSET
    license_plate_number: str | UnsetType | None = UNSET
    is_active: bool | UnsetType | None = UNSET
    status: VehicleStatusEnum | UnsetType | None = UNSET
    notes: str | UnsetType | None = UNSET
    eld_id: str | UnsetType | None = UNSET
    eld_serial_number: str | UnsetType | None = UNSET
    eld_device_type: str | UnsetType | None = UNSET
    eld_product_id: str | UnsetType | None = UNSET
    total_axles: int | UnsetType | None = UNSET
    external_id: str | UnsetType | None = UNSET
    speed_unit: str | UnsetType | None = UNSET
    odometer_unit: str | UnsetType | None = UNSET
    fuel_unit: str | UnsetType | None = UNSET
    fuel_capacity: str | UnsetType | None = UNSET
    engine_type: EngineType | UnsetType | None = UNSET


class VehicleCreate(VehicleBody, frozen=True, kw_only=True):
    """Body of `POST /v2/telematics/vehicles`."""


class VehicleUpdate(VehicleBody, frozen=True, kw_only=True):
    """Body of `PATCH /v2/telematics/vehicles/{id}`."""


class TrailerBody(WriteBody, frozen=True, kw_only=True):
    """Fields of a trailer that can be written; unlike a vehicle, country and status are free strings."""

    trailer_name: str | UnsetType | None = UNSET
    oem: str | UnsetType | None = UNSET
    model_type: str | UnsetType | None = UNSET
    model_year: int | UnsetType | None = UNSET
    vin: str | UnsetType | None = UNSET
    license_plate_region: str | UnsetType | None = UNSET
    license_plate_country: str | UnsetType | None = UNSET
    license_plate_number: str | UnsetType | None = UNSET
    is_active: bool | UnsetType | None = UNSET
    status: str | UnsetType | None = UNSET
    notes: str | UnsetType | None = UNSET
    eld_id: str | UnsetType | None = UNSET
    eld_serial_number: str | UnsetType | None = UNSET
    eld_device_type: str | UnsetType | None = UNSET
    eld_product_id: str | UnsetType | None = UNSET
    total_axles: int | UnsetType | None = UNSET
    external_id: str | UnsetType | None = UNSET
    trailer_length: Number | UnsetType | None = UNSET
    trailer_type: str | UnsetType | None = UNSET


class TrailerCreate(TrailerBody, frozen=True, kw_only=True):
    """Body of `POST /v2/telematics/trailers`."""


class TrailerUpdate(TrailerBody, frozen=True, kw_only=True):
    """Body of `PATCH /v2/telematics/trailers/{id}`."""


class UserBody(WriteBody, frozen=True, kw_only=True):
    """Fields of a driver or office user that can be written; there is no password among them."""

    username: str | UnsetType | None = UNSET
    is_active: bool | UnsetType | None = UNSET
    status: UserStatusEnum | UnsetType | None = UNSET
    is_driver: bool | UnsetType | None = UNSET
    user_designation: str | UnsetType | None = UNSET
    user_email: str | UnsetType | None = UNSET
    first_name: str | UnsetType | None = UNSET
    last_name: str | UnsetType | None = UNSET
    phone_number: str | UnsetType | None = UNSET
    country_code: CountryCode | UnsetType | None = UNSET
    license_country: CountryCode | UnsetType | None = UNSET
    license_region: str | UnsetType | None = UNSET
    license_number: str | UnsetType | None = UNSET
    license_expiration: dt.date | UnsetType | None = UNSET
    employee_number: str | UnsetType | None = UNSET
    carrier_number: str | UnsetType | None = UNSET
    notes: str | UnsetType | None = UNSET
    hos_ruleset_code: HosRulesetCodeEnum | UnsetType | None = UNSET
    allow_yard_move: bool | UnsetType | None = UNSET
    allow_personal_conveyance: bool | UnsetType | None = UNSET
    allow_adverse_driving: bool | UnsetType | None = UNSET
    default_time_zone: TimezoneCodeEnum | UnsetType | None = UNSET
    hos_compliance_type: HosComplianceTypeEnum | UnsetType | None = UNSET
    hos_tracking_method: HosTrackingMethodEnum | UnsetType | None = UNSET


class UserCreate(UserBody, frozen=True, kw_only=True):
    """Body of `POST /v2/telematics/users`."""


class UserUpdate(UserBody, frozen=True, kw_only=True):
    """Body of `PATCH /v2/telematics/users/{id}`."""


class MessageCreate(WriteBody, frozen=True, kw_only=True):
    """Body of `POST /v2/telematics/messages`. Ids are ours."""

    sender_id: UUID
    recipient_id: UUID
    message_text: str | UnsetType | None = UNSET
    priority: MessagePriorityEnum | UnsetType | None = UNSET
    reply_to_message_id: UUID | UnsetType | None = UNSET


class GroupMessageCreate(WriteBody, frozen=True, kw_only=True):
    """Body of `POST /v2/telematics/group-messages`. Ids are ours."""

    sender_id: UUID
    recipient_ids: list[UUID]
    message_text: str | UnsetType | None = UNSET
    priority: MessagePriorityEnum | UnsetType | None = UNSET


class DvirLogCreate(WriteBody, frozen=True, kw_only=True):
    """Body of `POST /v2/telematics/dvir-logs`. Defects are codes, not objects."""

    driver_id: UUID
    vehicle_id: UUID | UnsetType | None = UNSET
    trailer_id: UUID | UnsetType | None = UNSET
    occurred_at: Instant | UnsetType | None = UNSET
    log_type: DvirLogTypeEnum = DvirLogTypeEnum.UNKNOWN
    inspected_by: str | UnsetType | None = UNSET
    defect_count: int | UnsetType | None = UNSET
    defects: list[DvirDefectEnum] | UnsetType | None = UNSET
    is_safety_critical: bool | UnsetType | None = UNSET
    driver_comment: str | UnsetType | None = UNSET
    certify_comment: str | UnsetType | None = UNSET
    odometer: Number | UnsetType | None = UNSET
    odometer_unit: DistanceUnitEnum | UnsetType | None = UNSET


class FuelTransactionCreate(WriteBody, frozen=True, kw_only=True):
    """Body of `POST /v2/telematics/fuel-transactions`. Ids are ours; numbers keep their digits."""

    driver_id: UUID
    vehicle_id: UUID
    co_driver_id: UUID | UnsetType | None = UNSET
    latitude: Latitude | UnsetType | None = UNSET
    longitude: Longitude | UnsetType | None = UNSET
    location_string: str | UnsetType | None = UNSET
    odometer: Number | UnsetType | None = UNSET
    odometer_unit: DistanceUnitEnum | UnsetType | None = UNSET
    transaction_time: Instant | UnsetType | None = UNSET
    transaction_jurisdiction: str | UnsetType | None = UNSET
    fuel_type: EngineType | UnsetType | None = UNSET
    fuel_volume: Number
    fuel_volume_unit: FuelVolumeUnitEnum
    fuel_vendor: str | UnsetType | None = UNSET
    total_cost: Money | UnsetType | None = UNSET
    currency: str | UnsetType | None = UNSET


class ResourceOperationLog(Struct, frozen=True, kw_only=True):
    """One attempt, as the write endpoints show it."""

    id: UUID
    created_at: Instant
    updated_at: Instant
    resource_operation_id: UUID
    status: ResourceOperationLogStatusEnum
    error_type: ResourceOperationErrorTypeEnum | None = None
    error_details: str | None = None
    response_status_code: int | None = None
    response_headers: dict[str, str] | None = None


class ResourceOperation(Struct, frozen=True, kw_only=True):
    """Answer of every write endpoint (200, 202 and 502).

    The integrations API shows the same operation in another shape, see
    `fleetwrite.contract.integrations.ResourceOperationRead`.
    """

    id: UUID
    created_at: Instant
    updated_at: Instant
    deleted_at: Instant | None = None
    partner_id: UUID
    connection_id: UUID
    resource: ResourceEnum
    resource_id: UUID | None = None
    source_id: str | None = None
    operation_type: ResourceOperationTypeEnum
    payload: dict[str, Any]
    status: ResourceOperationStatusEnum
    logs: list[ResourceOperationLog]


WRITE_BODIES: Final[Mapping[tuple[ResourceEnum, ResourceOperationTypeEnum], type[WriteBody]]] = types.MappingProxyType(
    {
        (ResourceEnum.VEHICLE, ResourceOperationTypeEnum.CREATE): VehicleCreate,
        (ResourceEnum.VEHICLE, ResourceOperationTypeEnum.UPDATE): VehicleUpdate,
        (ResourceEnum.TRAILER, ResourceOperationTypeEnum.CREATE): TrailerCreate,
        (ResourceEnum.TRAILER, ResourceOperationTypeEnum.UPDATE): TrailerUpdate,
        (ResourceEnum.USER, ResourceOperationTypeEnum.CREATE): UserCreate,
        (ResourceEnum.USER, ResourceOperationTypeEnum.UPDATE): UserUpdate,
        (ResourceEnum.MESSAGE, ResourceOperationTypeEnum.CREATE): MessageCreate,
        (ResourceEnum.GROUP_MESSAGE, ResourceOperationTypeEnum.CREATE): GroupMessageCreate,
        (ResourceEnum.DVIR_LOG, ResourceOperationTypeEnum.CREATE): DvirLogCreate,
        (ResourceEnum.FUEL_TRANSACTION, ResourceOperationTypeEnum.CREATE): FuelTransactionCreate,
    }
)
"""Each write the contract offers, with its body."""
