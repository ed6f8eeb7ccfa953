from typing import Any

import pytest

from connectors.wialon.wialon_writes import (
    ANY_ID,
    OFFICE_USER,
    OPERATION_ID,
    SETTINGS,
    create,
    lost,
    sent,
    update,
)
from fleetwrite.connectors.sdk.write import UntranslatableWriteError, Write
from fleetwrite.connectors.wialon.connector import CONNECTOR
from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.contract.errors import ErrorType

VEHICLE, TRAILER, USER = ResourceEnum.VEHICLE, ResourceEnum.TRAILER, ResourceEnum.USER
MESSAGE, FUEL = ResourceEnum.MESSAGE, ResourceEnum.FUEL_TRANSACTION

TO_ANA = {"sender_id": ANY_ID, "recipient_id": ANY_ID}
FILLING = {
    "driver_id": ANY_ID,
    "vehicle_id": ANY_ID,
    "transaction_time": "2026-11-02T08:15:00Z",
    "fuel_volume": 10,
    "fuel_volume_unit": "LITER",
}


def faults(write: Write) -> set[tuple[str, ErrorType]]:
    with pytest.raises(UntranslatableWriteError) as refused:
        CONNECTOR.translate(write)
    return {(fault.field, fault.error_type) for fault in refused.value.faults}


# Vehicles


def test_a_unit_is_made_under_a_name_that_carries_the_operations_id() -> None:
    svc, params = sent(create(VEHICLE, {"vehicle_name": "Unit 412"}))
    assert svc == "core/create_unit"
    assert params == {"name": f"fleetwrite {OPERATION_ID.hex}", "dataFlags": 1, "hwTypeId": 9}
    assert len(params["name"]) <= 50


@pytest.mark.parametrize("name", ["412", "x" * 51])
def test_a_name_that_wialon_does_not_take_is_refused(name: str) -> None:
    assert faults(create(VEHICLE, {"vehicle_name": name})) == {("vehicle_name", ErrorType.RANGE)}


def test_all_that_is_wrong_with_a_vehicle_is_told_at_once() -> None:
    assert faults(create(VEHICLE, {}, settings={})) == {
        ("vehicle_name", ErrorType.REQUIRED_BY_TSP),
        ("eld_device_type", ErrorType.REQUIRED_BY_TSP),
    }


@pytest.mark.parametrize(
    ("resource", "body", "setting"),
    [(VEHICLE, {"vehicle_name": "Unit 412"}, "hw_type_id"), (TRAILER, {"trailer_name": "TR-1"}, "resource_id")],
)
def test_a_setting_that_is_no_number_is_named(resource: ResourceEnum, body: dict[str, Any], setting: str) -> None:
    write = create(resource, body, settings={**SETTINGS, setting: "many"})
    assert ("connection_id", ErrorType.FORMAT) in faults(write)


def test_an_empty_device_type_is_none() -> None:
    assert sent(create(VEHICLE, {"vehicle_name": "Unit 412", "eld_device_type": ""}))[1]["hwTypeId"] == 9


def test_a_named_device_type_needs_no_usual_one() -> None:
    write = create(VEHICLE, {"vehicle_name": "Unit 412", "eld_device_type": "Wialon IPS"}, settings={})
    assert "hwTypeId" not in sent(write)[1]


def test_an_update_of_a_vehicle_is_one_batch_whose_last_part_is_the_name() -> None:
    write = update(VEHICLE, {"vehicle_name": "Unit 1", "model_year": 2021, "is_active": False})
    svc, params = sent(write)
    assert svc == "core/batch"
    assert params["flags"] == 1
    assert [part["svc"] for part in params["params"]] == [
        "item/update_profile_field",
        "unit/set_active",
        "item/update_name",
    ]
    assert params["params"][0]["params"] == {"itemId": 501, "n": "year", "v": "2021"}


def test_clearing_empties_a_field_and_never_a_name() -> None:
    write = update(VEHICLE, {"vin": None, "notes": None}, cleared=frozenset({"vin", "notes"}))
    parts = [part["params"] for part in sent(write)[1]["params"]]
    assert [(part["n"], part["v"]) for part in parts] == [("notes", ""), ("vin", "")]
    named = update(VEHICLE, {"vehicle_name": None}, cleared=frozenset({"vehicle_name"}))
    assert faults(named) == {("vehicle_name", ErrorType.REQUIRED_BY_TSP)}


def test_the_device_type_of_a_unit_that_is_there_is_a_loss() -> None:
    write = update(VEHICLE, {"vehicle_name": "Unit 1", "eld_device_type": "Wialon IPS"})
    assert lost(CONNECTOR.translate(write)) == {"eld_device_type"}
    alone = update(VEHICLE, {"eld_device_type": "Wialon IPS"})
    assert faults(alone) == {("eld_device_type", ErrorType.LOSS)}


def test_an_update_that_changes_nothing_is_refused() -> None:
    for resource, field in ((VEHICLE, "vehicle_name"), (TRAILER, "trailer_name"), (USER, "user_designation")):
        assert faults(update(resource, {})) == {(field, ErrorType.MISSING)}


# Drivers and trailers


def test_a_member_goes_to_the_resource_of_the_settings_and_else_leaves_it_open() -> None:
    assert sent(create(TRAILER, {"trailer_name": "TR-1"}))[1]["itemId"] == 100
    assert "itemId" not in sent(create(TRAILER, {"trailer_name": "TR-1"}, settings={}))[1]


def test_an_update_addresses_resource_and_number() -> None:
    svc, params = sent(update(TRAILER, {"trailer_length": "16.50", "total_axles": 3}))
    assert svc == "resource/update_trailer"
    assert params == {
        "itemId": 100,
        "id": 7,
        "callMode": "update",
        "jp": {"total_axles": "3", "trailer_length": "16.50"},
    }


def test_a_driver_has_one_name_and_an_update_needs_both_parts() -> None:
    assert sent(create(USER, {"last_name": "Ruiz"}))[1]["n"] == "Ruiz"
    assert sent(update(USER, {"first_name": "Ana", "last_name": "Vega"}))[1]["n"] == "Ana Vega"
    assert faults(update(USER, {"first_name": "Ana"})) == {("last_name", ErrorType.REQUIRED_BY_TSP)}
    assert faults(create(USER, {})) == {("first_name", ErrorType.REQUIRED_BY_TSP)}
    cleared = update(USER, {"first_name": "Ana", "last_name": None}, cleared=frozenset({"last_name"}))
    assert sent(cleared)[1]["n"] == "Ana"


@pytest.mark.parametrize("number", ["5550100", "+1 555 0100", "+", "00155501"])
def test_a_phone_number_that_wialon_does_not_take_is_refused(number: str) -> None:
    write = create(USER, {"first_name": "Ana", "phone_number": number})
    assert faults(write) == {("phone_number", ErrorType.FORMAT)}


def test_only_drivers_are_written() -> None:
    office_user = create(USER, {"first_name": "Ines", "is_driver": False, "phone_number": "1"})
    assert faults(office_user) == {("is_driver", ErrorType.WRONG_KIND), ("phone_number", ErrorType.FORMAT)}
    assert faults(update(USER, {"notes": "x"}, target=OFFICE_USER)) == {("is_driver", ErrorType.WRONG_KIND)}


@pytest.mark.parametrize("fields", [{"is_active": False}, {"status": "INACTIVE"}])
def test_a_driver_can_not_be_deactivated_and_that_is_essential(fields: dict[str, Any]) -> None:
    body = {"first_name": "Ana", **fields}
    assert faults(create(USER, body)) == {(next(iter(fields)), ErrorType.LOSS)}
    assert lost(CONNECTOR.translate(create(USER, body, allow_losses=True))) == set(fields)


def test_an_active_driver_is_no_loss() -> None:
    write = create(USER, {"first_name": "Ana", "is_active": True, "status": "ACTIVE"})
    assert not CONNECTOR.translate(write).losses


# Messages


def test_a_message_leaves_the_vehicle_open() -> None:
    svc, params = sent(create(MESSAGE, {**TO_ANA, "message_text": "Dock 7"}))
    assert svc == "unit/exec_cmd"
    assert params == {"linkType": "", "timeout": 3600, "flags": 0, "param": "Dock 7"}


@pytest.mark.parametrize(("text", "expected"), [(" \n", ErrorType.FORMAT), ("", ErrorType.FORMAT)])
def test_a_message_without_a_text_is_refused(text: str, expected: ErrorType) -> None:
    assert faults(create(MESSAGE, {**TO_ANA, "message_text": text})) == {("message_text", expected)}
    assert faults(create(MESSAGE, TO_ANA)) == {("message_text", ErrorType.REQUIRED_BY_TSP)}


def test_a_message_to_somebody_in_the_office_is_refused() -> None:
    references = {"sender_id": OFFICE_USER, "recipient_id": OFFICE_USER}
    write = create(MESSAGE, {**TO_ANA, "message_text": "Dock 7"}, references=references)
    assert faults(write) == {("recipient_id", ErrorType.WRONG_KIND)}


# Fuel transactions


@pytest.mark.parametrize(
    ("volume", "unit", "litres"),
    [
        ("10", "LITER", "10"),
        ("1", "US_GALLON", "3.785411784"),
        ("1", "IMPERIAL_GALLON", "4.54609"),
        ("0.125", "CUBIC_METER", "125.000"),
    ],
)
def test_volumes_are_exact_litres(volume: str, unit: str, litres: str) -> None:
    params = sent(create(FUEL, {**FILLING, "fuel_volume": volume, "fuel_volume_unit": unit}))[1]
    assert str(params["volume"]) == litres


@pytest.mark.parametrize("volume", ["0", "-1", "0.0000000001", "1000000.1"])
def test_a_volume_that_is_no_filling_is_refused(volume: str) -> None:
    assert faults(create(FUEL, {**FILLING, "fuel_volume": volume})) == {("fuel_volume", ErrorType.RANGE)}


@pytest.mark.parametrize("cost", ["-0.01", "1000000000.01", "1234567.8901234567"])
def test_a_cost_that_wialon_would_round_or_nobody_means_is_refused(cost: str) -> None:
    assert faults(create(FUEL, {**FILLING, "total_cost": cost})) == {("total_cost", ErrorType.RANGE)}


def test_a_cost_keeps_its_digits() -> None:
    assert str(sent(create(FUEL, {**FILLING, "total_cost": "371.220"}))[1]["cost"]) == "371.220"


def test_a_filling_is_dated_and_needs_its_time() -> None:
    body = {**FILLING, "transaction_time": "2026-11-02T10:15:00.900+02:00"}
    assert sent(create(FUEL, body))[1]["date"] == 1793607300
    assert faults(create(FUEL, {**FILLING, "transaction_time": None})) == {
        ("transaction_time", ErrorType.REQUIRED_BY_TSP)
    }


def test_coordinates_come_in_pairs_and_on_the_globe() -> None:
    placed = sent(create(FUEL, {**FILLING, "latitude": "-32.5", "longitude": "96"}))[1]
    assert (str(placed["y"]), str(placed["x"])) == ("-32.5", "96")
    assert faults(create(FUEL, {**FILLING, "latitude": 1})) == {("longitude", ErrorType.MISSING)}
    assert faults(create(FUEL, {**FILLING, "latitude": 91, "longitude": -181})) == {
        ("latitude", ErrorType.RANGE),
        ("longitude", ErrorType.RANGE),
    }


def test_a_unit_without_its_odometer_is_refused() -> None:
    assert faults(create(FUEL, {**FILLING, "odometer_unit": "miles"})) == {("odometer", ErrorType.MISSING)}


def test_the_description_names_people_by_name_or_by_id() -> None:
    description = sent(create(FUEL, {**FILLING, "co_driver_id": ANY_ID, "odometer": 5}))[1]["description"]
    assert description == f"driver Ana Ruiz; co-driver 100:2; odometer 5; Fleetwrite {OPERATION_ID.hex}"
