"""Writes in Webfleet's terms: minimal and full bodies, every enum, every fault."""

from typing import Any

import pytest

from connectors.webfleet.webfleet_writes import DRIVER, OPERATION_ID, VEHICLE, create, message, update
from fleetwrite.connectors.sdk.write import UnofferedWriteError, UntranslatableWriteError, Write
from fleetwrite.connectors.webfleet import mapping
from fleetwrite.connectors.webfleet.connector import CONNECTOR
from fleetwrite.contract.enums import EngineType, ResourceEnum
from fleetwrite.contract.errors import ErrorType

USER, CAR = ResourceEnum.USER, ResourceEnum.VEHICLE
MARK = f"[fleetwrite {OPERATION_ID.hex}]"
KIRA = {"first_name": "Kira", "employee_number": "D-901"}

FULL_DRIVER: dict[str, Any] = {
    "username": "kira",
    "is_active": True,
    "status": "ACTIVE",
    "is_driver": True,
    "user_designation": "DRIVER",
    "user_email": "kira@fleet.example",
    "first_name": "Kira",
    "last_name": "Novak",
    "phone_number": "+49 151 555 0101",
    "country_code": "DEU",
    "license_country": "DEU",
    "license_region": "Bayern",
    "license_number": "B072RRE2I55",
    "license_expiration": "2031-03-31",
    "employee_number": "D-901",
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
    "name": "Kira",
    "name2": "Novak",
    "telmobile": "+49 151 555 0101",
    "license_country": "DE",
    "license_state": "Bayern",
    "license_number": "B072RRE2I55",
    "license_expiry_date": "2031-03-31",
    "driverno": "D-901",
}
DRIVER_LOSSES = {
    "username",
    "user_designation",
    "country_code",
    "carrier_number",
    "hos_ruleset_code",
    "allow_yard_move",
    "allow_personal_conveyance",
    "allow_adverse_driving",
    "default_time_zone",
    "hos_compliance_type",
    "hos_tracking_method",
}
FULL_VEHICLE: dict[str, Any] = {
    "vehicle_name": "Actros 101",
    "oem": "Mercedes-Benz",
    "model_type": "Actros",
    "model_year": 2024,
    "vin": "WDB9634031L123456",
    "engine_vin": "E1",
    "license_plate_region": "BY",
    "license_plate_country": "DEU",
    "license_plate_number": "L-NW 4712",
    "is_active": True,
    "status": "IN_SERVICE",
    "notes": "Lift gate",
    "eld_id": "1",
    "eld_serial_number": "2",
    "eld_device_type": "3",
    "eld_product_id": "4",
    "total_axles": 3,
    "external_id": "veh_101",
    "speed_unit": "km/h",
    "odometer_unit": "km",
    "fuel_unit": "l",
    "fuel_capacity": "600 l",
    "engine_type": "DIESEL",
}
WRITTEN_VEHICLE = {
    "denotation": "Actros 101",
    "manufacturedyear": 2024,
    "identnumber": "WDB9634031L123456",
    "licenseplatenumber": "L-NW 4712",
    "description": "Lift gate",
    "numaxles": 3,
    "externalid": "veh_101",
    "fueltype": 1,
}
KEPT_VEHICLE_FIELDS = {
    "vehicle_name",
    "model_year",
    "vin",
    "license_plate_number",
    "notes",
    "total_axles",
    "external_id",
    "engine_type",
}

CASES: dict[str, tuple[Write, dict[str, Any], set[str]]] = {
    "driver create, minimal": (
        create(USER, KIRA),
        {"action": "insertDriverExtern", "name": "Kira", "driverno": "D-901", "description": MARK},
        set(),
    ),
    "driver create, full": (
        create(USER, FULL_DRIVER),
        {"action": "insertDriverExtern", **WRITTEN_DRIVER, "description": f"Nights only {MARK}"},
        DRIVER_LOSSES,
    ),
    "driver update, minimal": (
        update(USER, {"notes": "n"}),
        {"action": "updateDriverExtern", "driveruid": DRIVER.source_id, "description": "n"},
        set(),
    ),
    "driver update, full": (
        update(USER, FULL_DRIVER),
        {
            "action": "updateDriverExtern",
            "driveruid": DRIVER.source_id,
            **WRITTEN_DRIVER,
            "description": "Nights only",
        },
        DRIVER_LOSSES,
    ),
    "driver of a country that is none": (
        create(USER, {**KIRA, "license_country": "XXX"}),
        {"action": "insertDriverExtern", "name": "Kira", "driverno": "D-901", "description": MARK},
        {"license_country"},
    ),
    "driver who is inactive, where losses are allowed": (
        create(USER, {**KIRA, "is_active": False, "status": "INACTIVE"}, allow_losses=True),
        {"action": "insertDriverExtern", "name": "Kira", "driverno": "D-901", "description": MARK},
        {"is_active", "status"},
    ),
    "driver with notes too long, where losses are allowed": (
        create(USER, {**KIRA, "notes": "n" * 4000}, allow_losses=True),
        {
            "action": "insertDriverExtern",
            "name": "Kira",
            "driverno": "D-901",
            "description": f"{'n' * mapping.MAX_NOTES_LENGTH} {MARK}",
        },
        {"notes"},
    ),
    "vehicle update, minimal": (
        update(CAR, {"vehicle_name": "Truck 1"}),
        {"action": "updateVehicle", "objectuid": VEHICLE.source_id, "denotation": "Truck 1"},
        set(),
    ),
    "vehicle update, full": (
        update(CAR, FULL_VEHICLE),
        {"action": "updateVehicle", "objectuid": VEHICLE.source_id, **WRITTEN_VEHICLE},
        set(FULL_VEHICLE) - KEPT_VEHICLE_FIELDS,
    ),
    "message": (message("Dock 4"), {"action": "sendTextMessageExtern", "messagetext": "Dock 4"}, {"sender_id"}),
    "message too long, where losses are allowed": (
        message("n" * 1001),
        {"action": "sendTextMessageExtern", "messagetext": "n" * 1000},
        {"sender_id", "message_text"},
    ),
}


@pytest.mark.parametrize(("write", "parameters", "losses"), CASES.values(), ids=CASES)
def test_a_write_becomes_one_action(write: Write, parameters: dict[str, Any], losses: set[str]) -> None:
    translation = CONNECTOR.translate(write)

    assert translation.call.body == parameters
    assert (translation.call.method, translation.call.path) == ("POST", "/extern")
    assert translation.call.scopes == (f"action:{parameters['action']}",)
    assert not translation.call.is_read
    assert {loss.field for loss in translation.losses} == losses


def test_the_longest_notes_and_the_mark_just_fit() -> None:
    body = CONNECTOR.translate(create(USER, {**KIRA, "notes": "n" * mapping.MAX_NOTES_LENGTH})).call.body

    assert body is not None
    assert len(body["description"]) == 4000


FUELS = {
    EngineType.DIESEL: 1,
    EngineType.GASOLINE: 2,
    EngineType.LPG: 3,
    EngineType.PROPANE: 3,
    EngineType.ELECTRICITY: 6,
    EngineType.CNG: 7,
    EngineType.LNG: 8,
    EngineType.HYDROGEN: 9,
}


@pytest.mark.parametrize("engine", EngineType)
def test_an_engine_is_told_by_its_code_or_lost(engine: EngineType) -> None:
    translation = CONNECTOR.translate(update(CAR, {"notes": "n", "engine_type": engine.value}))

    assert translation.call.body is not None
    assert translation.call.body.get("fueltype") == FUELS.get(engine)
    assert {loss.field for loss in translation.losses} == (set() if engine in FUELS else {"engine_type"})


FAULTS: dict[str, tuple[Write, set[tuple[str, ErrorType]]]] = {
    "driver without anything": (
        create(USER, {}),
        {("first_name", ErrorType.REQUIRED_BY_TSP), ("employee_number", ErrorType.REQUIRED_BY_TSP)},
    ),
    "office user": (create(USER, {**KIRA, "is_driver": False}), {("is_driver", ErrorType.RANGE)}),
    "driver made an office user": (update(USER, {"is_driver": False, "notes": "n"}), {("is_driver", ErrorType.RANGE)}),
    "driver who is inactive": (
        update(USER, {"is_active": False, "status": "INACTIVE"}),
        {("is_active", ErrorType.LOSS), ("status", ErrorType.LOSS)},
    ),
    "driver with texts too long": (
        create(
            USER,
            {
                "first_name": "n" * 51,
                "last_name": "n" * 51,
                "user_email": "n" * 51,
                "phone_number": "1" * 51,
                "license_number": "1" * 21,
                "employee_number": "1" * 21,
                "notes": "n" * 4000,
            },
        ),
        {
            ("first_name", ErrorType.RANGE),
            ("last_name", ErrorType.RANGE),
            ("user_email", ErrorType.RANGE),
            ("phone_number", ErrorType.RANGE),
            ("license_number", ErrorType.RANGE),
            ("employee_number", ErrorType.RANGE),
            ("notes", ErrorType.RANGE),
        },
    ),
    "driver whose number has blanks around it": (
        create(USER, {**KIRA, "employee_number": "D-901 "}),
        {("employee_number", ErrorType.FORMAT)},
    ),
    "driver with empty texts": (
        update(USER, {"first_name": "", "phone_number": "", "notes": " "}),
        {
            ("first_name", ErrorType.RANGE),
            ("phone_number", ErrorType.RANGE),
            ("notes", ErrorType.FORMAT),
        },
    ),
    "driver update that changes nothing": (update(USER, {"is_driver": True}), {("user_email", ErrorType.MISSING)}),
    "driver update that is all loss": (update(USER, {"username": "kira"}), {("username", ErrorType.LOSS)}),
    "driver update that empties": (
        update(
            USER,
            {"phone_number": None, "license_expiration": None, "notes": None},
            cleared=frozenset({"phone_number", "license_expiration", "notes"}),
        ),
        {
            ("phone_number", ErrorType.REQUIRED_BY_TSP),
            ("license_expiration", ErrorType.REQUIRED_BY_TSP),
            ("notes", ErrorType.REQUIRED_BY_TSP),
        },
    ),
    "vehicle with texts too long": (
        update(
            CAR,
            {
                "vehicle_name": "n" * 31,
                "vin": "1" * 21,
                "license_plate_number": "1" * 21,
                "notes": "n" * 501,
            },
        ),
        {
            ("vehicle_name", ErrorType.RANGE),
            ("vin", ErrorType.RANGE),
            ("license_plate_number", ErrorType.RANGE),
            ("notes", ErrorType.RANGE),
        },
    ),
    "vehicle update that changes nothing": (update(CAR, {}), {("vehicle_name", ErrorType.MISSING)}),
    "message without a text": (message(None), {("message_text", ErrorType.REQUIRED_BY_TSP)}),
    "message of blanks": (message(" \n"), {("message_text", ErrorType.FORMAT)}),
    "message too long": (message("n" * 1001, allow_losses=False), {("message_text", ErrorType.RANGE)}),
}


@pytest.mark.parametrize(("write", "faults"), FAULTS.values(), ids=FAULTS)
def test_all_faults_are_told_at_once_by_our_names(write: Write, faults: set[tuple[str, ErrorType]]) -> None:
    with pytest.raises(UntranslatableWriteError) as refused:
        CONNECTOR.translate(write)

    assert {(fault.field, fault.error_type) for fault in refused.value.faults} == faults


def test_a_vehicle_can_not_be_made() -> None:
    with pytest.raises(UnofferedWriteError, match="Webfleet offers no create of a vehicle by its API"):
        CONNECTOR.translate(create(CAR, {"vehicle_name": "Truck 1"}))
