"""Read models of the telematics API."""

import datetime as dt
from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from fleetwrite.contract.enums import (
    DistanceUnit,
    DvirDefectEnum,
    EngineType,
    MessageStatusEnum,
)
from fleetwrite.contract.hos_rulesets import HosRulesetCodeEnum
from fleetwrite.contract.telematics import DECIMAL_PATTERN, Instant, Number
from fleetwrite.contract.timezones import TimezoneCodeEnum
from fleetwrite.contract.tsps import SourceName

DecimalText = Annotated[str, Meta(pattern=DECIMAL_PATTERN)]
Sha256Text = Annotated[str, Meta(max_length=64)]


class Point(Struct, frozen=True, kw_only=True):
    """GeoJSON point: longitude, latitude and, if known, altitude in metres."""

    type: Literal["Point"] = "Point"
    coordinates: Annotated[list[Number], Meta(min_length=2, max_length=3)]
    bbox: list[Number] | None = None


class TelematicsRead(Struct, frozen=True, kw_only=True):
    """The fields each read model begins with."""

    fleet_id: UUID | None
    fleet_ref: str | None = None
    id: UUID
    created_at: Instant
    updated_at: Instant
    deleted_at: Instant | None = None
    connection_id: UUID
    tsp_id: UUID | None = None
    tsp_slug: str | None = None
    source_name: SourceName
    source_data: dict[str, Any] | UnsetType = UNSET
    source_id: str
    source_data_hash: Sha256Text
    occurred_at: Instant | None = None
    execution_id: UUID | None = None
    schedule_id: UUID | None = None
    extras: dict[str, Any] | None = None


class VehicleRead(TelematicsRead, frozen=True, kw_only=True):
    """A vehicle as we know it from its TSP."""

    vehicle_name: str | None = None
    oem: str | None = None
    model_type: str | None = None
    model_year: int | None = None
    vin: str | None = None
    engine_vin: str | None = None
    license_plate_region: str | None = None
    license_plate_country: str | None = None
    license_plate_number: str | None = None
    started_at: Instant | None = None
    ended_at: Instant | None = None
    is_active: bool | None = None
    status: str | None = None
    notes: str | None = None
    eld_id: str | None = None
    eld_serial_number: str | None = None
    eld_device_type: str | None = None
    eld_product_id: str | None = None
    total_axles: int | None = None
    vehicle_groups: dict[str, Any] | None = None
    external_id: str | None = None
    speed_unit: str | None = None
    odometer_unit: str | None = None
    fuel_unit: str | None = None
    fuel_capacity: str | None = None
    engine_type: str | None = None


class TrailerRead(TelematicsRead, frozen=True, kw_only=True):
    """A trailer as we know it from its TSP."""

    trailer_name: str | None = None
    oem: str | None = None
    model_type: str | None = None
    model_year: int | None = None
    vin: str | None = None
    license_plate_region: str | None = None
    license_plate_country: str | None = None
    license_plate_number: str | None = None
    started_at: Instant | None = None
    ended_at: Instant | None = None
    is_active: bool | None = None
    status: str | None = None
    notes: str | None = None
    eld_id: str | None = None
    eld_serial_number: str | None = None
    eld_device_type: str | None = None
    eld_product_id: str | None = None
    total_axles: int | None = None
    trailer_groups: dict[str, Any] | None = None
    external_id: str | None = None
    trailer_length: Number | None = None
    trailer_type: str | None = None
    speed_unit: str | None = None
    odometer_unit: str | None = None
    fuel_unit: str | None = None
    fuel_capacity: str | None = None
    engine_type: str | None = None


class UserRead(TelematicsRead, frozen=True, kw_only=True):
    """A driver or office user as we know it from its TSP."""

    username: str | None = None
    started_at: Instant | None = None
    ended_at: Instant | None = None
    is_active: bool | None = None
    status: str | None = None
    is_driver: bool | None = None
    user_designation: str | None = None
    user_email: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    phone_number: str | None = None
    country_code: str | None = None
    license_country: str | None = None
    license_region: str | None = None
    license_number: str | None = None
    license_expiration: dt.date | None = None
    employee_number: str | None = None
    company_groups: dict[str, Any] | None = None
    private_user_groups: dict[str, Any] | None = None
    report_groups: dict[str, Any] | None = None
    security_groups: dict[str, Any] | None = None
    authority_name: str | None = None
    authority_address: str | None = None
    company_name: str | None = None
    company_address: str | None = None
    carrier_number: str | None = None
    last_tsp_login: Instant | None = None
    notes: str | None = None
    hos_ruleset_code: HosRulesetCodeEnum | None = None
    allow_yard_move: bool | None = None
    allow_personal_conveyance: bool | None = None
    allow_adverse_driving: bool | None = None
    default_time_zone: TimezoneCodeEnum | None = None


class MessageRead(TelematicsRead, frozen=True, kw_only=True):
    """A message between two users."""

    source_sender_id: str | None = None
    source_recipient_id: str | None = None
    sender_id: UUID | None = None
    recipient_id: UUID | None = None
    message_text: str | None = None
    message_hash: str | None = None
    status: MessageStatusEnum | None = None
    delivered_at: Instant | None = None
    read_at: Instant | None = None
    sent_by_driver: bool | None = None
    sender_name: str | None = None
    recipient_name: str | None = None
    thread_id: UUID | None = None
    source_thread_id: str | None = None
    reply_to_message_id: UUID | None = None
    source_reply_to_message_id: str | None = None


class GroupMessageRead(TelematicsRead, frozen=True, kw_only=True):
    """A message to several users."""

    source_sender_id: str | None = None
    source_recipient_ids: list[str] | None = None
    sender_id: UUID | None = None
    recipient_ids: list[UUID] | None = None
    message_text: str | None = None
    message_hash: str | None = None
    status: MessageStatusEnum | None = None
    delivered_at: Instant | None = None
    sent_by_driver: bool | None = None
    sender_name: str | None = None
    thread_id: UUID | None = None
    source_thread_id: str | None = None
    group_id: UUID | None = None
    source_group_id: str | None = None


class DvirLogRead(TelematicsRead, frozen=True, kw_only=True):
    """A vehicle inspection. `odometer` is in metres, `odometer_km` its older twin."""

    vehicle_id: UUID | None = None
    driver_id: UUID | None = None
    trailer_id: UUID | None = None
    source_driver_id: str | None = None
    source_vehicle_id: str | None = None
    source_trailer_id: str | None = None
    log_type: str | None = None
    authority_name: str | None = None
    authority_address: str | None = None
    duration_seconds: Number | None = None
    odometer_km: Number | None = None
    odometer: Number | None = None
    engine_hours: Number | None = None
    location: Point | None = None
    h3_index_11: int | None = None
    inspected_by: str | None = None
    certify_comment: str | None = None
    driver_comment: str | None = None
    defect_count: int | None = None
    version: str | None = None
    defects: list[DvirDefectEnum] | None = None
    is_safety_critical: bool | None = None


class FuelTransactionRead(TelematicsRead, frozen=True, kw_only=True):
    """A fuel purchase. `total_cost` is a decimal string."""

    vehicle_id: UUID | None = None
    driver_id: UUID | None = None
    co_driver_id: UUID | None = None
    source_driver_id: str | None = None
    source_vehicle_id: str | None = None
    source_co_driver_id: str | None = None
    location: Point | None = None
    h3_index_11: int | None = None
    inferred_address: dict[str, Any] | None = None
    odometer: Number | None = None
    fuel_type: EngineType | None = None
    fuel_volume: Number | None = None
    fuel_vendor: str | None = None
    total_cost: DecimalText | None = None
    currency: str | None = None
    odometer_unit: DistanceUnit = DistanceUnit.M
