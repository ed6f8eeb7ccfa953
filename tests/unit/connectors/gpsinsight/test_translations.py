"""Writes in GPS Insight's terms: full bodies, every enum both ways, every fault."""

from typing import Any

import pytest

from connectors.gpsinsight.gpsinsight_writes import DRIVER, NOVAK, TRUCK, VEHICLE, WORKING_NAME, create, message, update
from fleetwrite.connectors.gpsinsight import mapping
from fleetwrite.connectors.gpsinsight.connector import CONNECTOR
from fleetwrite.connectors.gpsinsight.reading import read_driver, read_vehicle
from fleetwrite.connectors.sdk.write import UnofferedWriteError, UntranslatableWriteError, Write
from fleetwrite.contract.enums import EngineType, ResourceEnum
from fleetwrite.contract.errors import ErrorType

USER, CAR = ResourceEnum.USER, ResourceEnum.VEHICLE

FULL_DRIVER: dict[str, Any] = {
    "username": "kira",
    "is_active": True,
    "status": "ACTIVE",
    "is_driver": True,
    "user_designation": "DRIVER",
    "user_email": "kira@fleet.example",
    "first_name": "Kira",
    "last_name": "Novak",
    "phone_number": "4805550101",
    "country_code": "USA",
    "license_country": "USA",
    "license_region": "AZ",
    "license_number": "B072RRE2I55",
    "license_expiration": "2031-03-31",
    "employee_number": "E-901",
    "carrier_number": "USDOT 1",
    "notes": "Nights only",
    "hos_ruleset_code": "US_INT_PROP_70_8",
    "allow_yard_move": True,
    "allow_personal_conveyance": False,
    "allow_adverse_driving": True,
    "default_time_zone": "America/Chicago",
    "hos_compliance_type": "exempt",
    "hos_tracking_method": "automatic",
}
WRITTEN_DRIVER = {
    "email": "kira@fleet.example",
    "firstname": "Kira",
    "lastname": "Novak",
    "phone": "4805550101",
    "ref_id": "E-901",
    "timezone": "US/Central",
}
KEPT_DRIVER_FIELDS = {
    "is_active",
    "status",
    "is_driver",
    "user_email",
    "first_name",
    "last_name",
    "phone_number",
    "employee_number",
    "default_time_zone",
}
FULL_VEHICLE: dict[str, Any] = {
    "vehicle_name": "Truck 240",
    "oem": "Freightliner",
    "model_type": "Cascadia",
    "model_year": 2024,
    "vin": "1FUJGLDR9CSBB0240",
    "engine_vin": "E1",
    "license_plate_region": "AZ",
    "license_plate_country": "USA",
    "license_plate_number": "REA6BNA",
    "is_active": True,
    "status": "IN_SERVICE",
    "notes": "Lift gate",
    "eld_id": "1",
    "eld_serial_number": "4572250240",
    "eld_device_type": "3",
    "eld_product_id": "4",
    "total_axles": 3,
    "external_id": "veh_240",
    "speed_unit": "mph",
    "odometer_unit": "mi",
    "fuel_unit": "gal",
    "fuel_capacity": "150 gal",
    "engine_type": "DIESEL",
}
WRITTEN_VEHICLE = {
    "label": "Truck 240",
    "make": "Freightliner",
    "model": "Cascadia",
    "model_year": 2024,
    "vin": "1FUJGLDR9CSBB0240",
    "license_state": "AZ",
    "country": "US",
    "license_number": "REA6BNA",
    "serial_number": "4572250240",
    "ref_id": "veh_240",
    "fuel_type": "D",
}
KEPT_VEHICLE_FIELDS = {
    "vehicle_name",
    "oem",
    "model_type",
    "model_year",
    "vin",
    "license_plate_region",
    "license_plate_country",
    "license_plate_number",
    "eld_serial_number",
    "external_id",
    "engine_type",
}


def without(columns: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in columns.items() if name not in names}


CASES: dict[str, tuple[Write, str, dict[str, Any], set[str]]] = {
    # The reference id of a vehicle is only taken by an update: the one that completes it.
    "vehicle create": (
        create(CAR, FULL_VEHICLE),
        "/v2/vehicle/create/json",
        {**without(WRITTEN_VEHICLE, "ref_id"), "label": WORKING_NAME},
        FULL_VEHICLE.keys() - KEPT_VEHICLE_FIELDS,
    ),
    "vehicle update": (
        update(CAR, FULL_VEHICLE),
        "/v2/vehicle/update/json",
        {"vehicle": VEHICLE.source_id, **without(WRITTEN_VEHICLE, "serial_number")},
        FULL_VEHICLE.keys() - KEPT_VEHICLE_FIELDS | {"eld_serial_number"},
    ),
    "driver create": (
        create(USER, FULL_DRIVER),
        "/v2/driver/create/json",
        {**WRITTEN_DRIVER, "lastname": WORKING_NAME},
        FULL_DRIVER.keys() - KEPT_DRIVER_FIELDS,
    ),
    "driver update": (
        update(USER, FULL_DRIVER),
        "/v2/driver/update/json",
        {"driver": DRIVER.source_id, **WRITTEN_DRIVER},
        FULL_DRIVER.keys() - KEPT_DRIVER_FIELDS,
    ),
    "message": (message("x" * 199), "/v2/dispatch/message/json", {"message": "x" * 199}, {"sender_id"}),
    "message, too long, cut": (
        message("x" * 200),
        "/v2/dispatch/message/json",
        {"message": "x" * 199},
        {"sender_id", "message_text"},
    ),
}


@pytest.mark.parametrize(("write", "path", "body", "losses"), CASES.values(), ids=CASES)
def test_a_write_becomes_exactly_this(write: Write, path: str, body: dict[str, Any], losses: set[str]) -> None:
    translation = CONNECTOR.translate(write)

    assert (translation.call.method, translation.call.path) == ("POST", path)
    assert translation.call.body == body
    assert {loss.field for loss in translation.losses} == losses


@pytest.mark.parametrize("engine", EngineType)
def test_a_fuel_is_written_and_read_the_same_or_told_as_lost(engine: EngineType) -> None:
    translation = CONNECTOR.translate(update(CAR, {"engine_type": engine, "oem": "Volvo"}))
    body = translation.call.body or {}

    if engine in mapping.FUEL_TYPES:
        assert read_vehicle(body)["engine_type"] is engine
    else:
        assert "fuel_type" not in body
        assert [loss.field for loss in translation.losses] == ["engine_type"]


@pytest.mark.parametrize("country", ["USA", "CAN", "MEX", "DEU"])
def test_a_country_is_written_and_read_the_same_or_told_as_lost(country: str) -> None:
    translation = CONNECTOR.translate(update(CAR, {"license_plate_country": country, "oem": "Volvo"}))
    is_known = country != "DEU"

    assert read_vehicle(translation.call.body or {})["license_plate_country"] == (country if is_known else None)
    assert [loss.field for loss in translation.losses] == ([] if is_known else ["license_plate_country"])


@pytest.mark.parametrize(
    ("zone", "written"),
    [
        ("UTC", "UTC"),
        ("America/Los_Angeles", "US/Pacific"),
        ("America/Phoenix", "US/Arizona"),
        ("America/Denver", "US/Mountain"),
        ("America/Chicago", "US/Central"),
        ("America/New_York", "US/Eastern"),
        ("Europe/London", "Europe/London"),
    ],
)
def test_a_time_zone_is_written_by_its_name_at_gps_insight(zone: str, written: str) -> None:
    assert (CONNECTOR.translate(update(USER, {"default_time_zone": zone})).call.body or {})["timezone"] == written


def test_a_serial_number_that_is_listed_as_a_number_is_read_as_a_text() -> None:
    assert read_vehicle({"serial_number": 4572250239, "model_year": "2013"})["eld_serial_number"] == "4572250239"
    assert read_vehicle({"serial_number": None, "model_year": 0})["eld_serial_number"] is None


def test_a_driver_is_read_by_the_columns_that_are_listed() -> None:
    row = {"id": 2, "firstname": "Robert", "lastname": "Tan", "email": "r@fleet.example", "phone": "5555553939"}
    assert read_driver(row) == {
        "is_driver": True,
        "is_active": True,
        "status": "ACTIVE",
        "first_name": "Robert",
        "last_name": "Tan",
        "user_email": "r@fleet.example",
        "phone_number": "5555553939",
    }


FAULTS: dict[str, tuple[Write, set[tuple[str, ErrorType]]]] = {
    "vehicle create with nothing": (
        create(CAR, {}),
        {(name, ErrorType.REQUIRED_BY_TSP) for name in ("vehicle_name", "vin", "eld_serial_number")},
    ),
    "vehicle create with empty texts": (
        create(CAR, {**TRUCK, "vehicle_name": "", "oem": ""}),
        {("vehicle_name", ErrorType.RANGE), ("oem", ErrorType.RANGE)},
    ),
    "serial number with blanks": (
        create(CAR, {**TRUCK, "eld_serial_number": "457 225"}),
        {("eld_serial_number", ErrorType.FORMAT)},
    ),
    "driver create with nothing": (
        create(USER, {}),
        {(name, ErrorType.REQUIRED_BY_TSP) for name in ("last_name", "default_time_zone")},
    ),
    "unknown time zone": (
        create(USER, {**NOVAK, "default_time_zone": "America/Anchorage"}),
        {("default_time_zone", ErrorType.RANGE)},
    ),
    "office user": (create(USER, {**NOVAK, "is_driver": False}), {("is_driver", ErrorType.RANGE)}),
    "inactive driver": (
        create(USER, {**NOVAK, "is_active": False, "status": "INACTIVE"}),
        {("is_active", ErrorType.LOSS), ("status", ErrorType.LOSS)},
    ),
    "update of nothing": (update(CAR, {}), {("vehicle_name", ErrorType.MISSING)}),
    "update of what has no place": (update(CAR, {"notes": "n"}), {("notes", ErrorType.LOSS)}),
    "emptying": (
        update(USER, {"phone_number": None}, cleared=frozenset({"phone_number"})),
        {("phone_number", ErrorType.REQUIRED_BY_TSP)},
    ),
    "message without a text": (message(None), {("message_text", ErrorType.REQUIRED_BY_TSP)}),
    "blank message": (message(" \n"), {("message_text", ErrorType.FORMAT)}),
    "long message": (message("x" * 200, allow_losses=False), {("message_text", ErrorType.RANGE)}),
}


@pytest.mark.parametrize(("write", "faults"), FAULTS.values(), ids=FAULTS)
def test_what_can_not_be_written_is_refused_by_our_field(write: Write, faults: set[tuple[str, ErrorType]]) -> None:
    with pytest.raises(UntranslatableWriteError) as refused:
        CONNECTOR.translate(write)
    assert {(fault.field, fault.error_type) for fault in refused.value.faults} == faults


def test_an_inactive_driver_is_a_loss_where_losses_are_allowed() -> None:
    translation = CONNECTOR.translate(create(USER, {**NOVAK, "is_active": False}, allow_losses=True))
    assert [loss.field for loss in translation.losses] == ["is_active"]


def test_a_group_message_as_such_is_not_offered() -> None:
    fields = {"sender_id": "0198c0de-0000-7000-8000-0000000000aa", "recipient_ids": [], "message_text": "Dock 4"}
    with pytest.raises(UnofferedWriteError):
        CONNECTOR.translate(create(ResourceEnum.GROUP_MESSAGE, fields))
