"""Each write in Zonar's terms, and every reason to refuse one."""

from typing import Any

import pytest

from connectors.zonar.zonar_writes import MARK, OPERATION_ID, create, message, update
from fleetwrite.connectors.sdk.write import Translation, UntranslatableWriteError, Write
from fleetwrite.connectors.zonar.connector import CONNECTOR
from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.contract.errors import ErrorType

VEHICLE, TRAILER, USER = ResourceEnum.VEHICLE, ResourceEnum.TRAILER, ResourceEnum.USER
KIRA = {"first_name": "Kira", "last_name": "Novak"}


def sent(translation: Translation) -> dict[str, Any]:
    addressing = {"action", "operation", "version", "logvers"}
    return {name: value for name, value in (translation.call.body or {}).items() if name not in addressing}


def faults(write: Write) -> set[tuple[str, ErrorType]]:
    with pytest.raises(UntranslatableWriteError) as refused:
        CONNECTOR.translate(write)
    return {(fault.field, fault.error_type) for fault in refused.value.faults}


@pytest.mark.parametrize(
    ("resource", "name", "asset_type"), [(VEHICLE, "vehicle_name", "Standard"), (TRAILER, "trailer_name", "Trailer")]
)
def test_an_asset_carries_our_mark_where_the_partner_has_no_id(
    resource: ResourceEnum, name: str, asset_type: str
) -> None:
    expected = {"type": asset_type, "fleet": "7", "location": "Seattle"}

    assert sent(CONNECTOR.translate(create(resource, {name: "7"}))) == {**expected, "exsid": MARK}
    assert sent(CONNECTOR.translate(create(resource, {name: "7", "external_id": "x"}))) == {**expected, "exsid": "x"}


def test_a_mark_fits_into_what_zonar_keeps() -> None:
    assert len(MARK) <= 40


@pytest.mark.parametrize(("is_active", "status"), [(True, "1"), (False, "2")])
@pytest.mark.parametrize("resource", [VEHICLE, TRAILER, USER])
def test_activity_is_the_status(resource: ResourceEnum, is_active: bool, status: str) -> None:
    assert sent(CONNECTOR.translate(update(resource, {"is_active": is_active}))) == {"status": status}


@pytest.mark.parametrize(("ours", "status"), [("ACTIVE", "1"), ("INACTIVE", "2")])
def test_a_drivers_status_is_its_activity(ours: str, status: str) -> None:
    assert sent(CONNECTOR.translate(update(USER, {"status": ours}))) == {"status": status}


def test_a_new_driver_is_active_without_saying_so() -> None:
    assert "status" not in sent(CONNECTOR.translate(create(USER, {**KIRA, "is_active": True, "status": "ACTIVE"})))


def test_a_driver_gets_a_pin_that_no_translation_holds() -> None:
    translation = CONNECTOR.translate(create(USER, KIRA))

    assert translation.wanted_secrets == ("pin",)
    assert sent(translation) == {"fname": "Kira", "lname": "Novak", "exsid": MARK, "location": "Seattle"}


def test_a_message_goes_to_the_driver_with_our_id() -> None:
    assert sent(CONNECTOR.translate(message())) == {
        "reqtype": "dbid",
        "target": "1",
        "form": "0",
        "provider": "fleetwrite",
        "messageid": OPERATION_ID.hex,
        "data": "Dock 4",
    }


@pytest.mark.parametrize(
    ("write", "expected"),
    [
        (create(VEHICLE, {}), {("vehicle_name", ErrorType.REQUIRED_BY_TSP)}),
        (create(TRAILER, {}), {("trailer_name", ErrorType.REQUIRED_BY_TSP)}),
        (create(VEHICLE, {"vehicle_name": "1" * 21}), {("vehicle_name", ErrorType.RANGE)}),
        (create(VEHICLE, {"vehicle_name": " 1"}), {("vehicle_name", ErrorType.FORMAT)}),
        (create(VEHICLE, {"vehicle_name": "1", "vin": "V" * 41}), {("vin", ErrorType.RANGE)}),
        (create(VEHICLE, {"vehicle_name": "1", "external_id": "e" * 41}), {("external_id", ErrorType.RANGE)}),
        (
            create(VEHICLE, {"vehicle_name": "1", "license_plate_number": "P" * 21}),
            {("license_plate_number", ErrorType.RANGE)},
        ),
        (create(VEHICLE, {"vehicle_name": "1"}, settings={}), {("connection_id", ErrorType.REQUIRED_BY_TSP)}),
        (create(USER, KIRA, settings={}), {("connection_id", ErrorType.REQUIRED_BY_TSP)}),
        (
            create(USER, {}),
            {("first_name", ErrorType.REQUIRED_BY_TSP), ("last_name", ErrorType.REQUIRED_BY_TSP)},
        ),
        (create(USER, {**KIRA, "last_name": "N" * 33}), {("last_name", ErrorType.RANGE)}),
        (create(USER, {**KIRA, "employee_number": "E" * 21}), {("employee_number", ErrorType.RANGE)}),
        (create(USER, {**KIRA, "license_number": "L" * 21}), {("license_number", ErrorType.RANGE)}),
        (create(USER, {**KIRA, "is_driver": False}), {("is_driver", ErrorType.RANGE)}),
        (create(USER, {**KIRA, "is_active": False}), {("is_active", ErrorType.LOSS)}),
        (create(USER, {**KIRA, "status": "INACTIVE"}), {("status", ErrorType.LOSS)}),
        (update(USER, {"is_active": True, "status": "INACTIVE"}), {("status", ErrorType.RANGE)}),
        (update(USER, {"is_driver": True}), {("is_active", ErrorType.MISSING)}),
        (update(VEHICLE, {}), {("vehicle_name", ErrorType.MISSING)}),
        (
            update(VEHICLE, {"vehicle_name": None}, cleared=frozenset({"vehicle_name"})),
            {("vehicle_name", ErrorType.REQUIRED_BY_TSP)},
        ),
        (message(None), {("message_text", ErrorType.REQUIRED_BY_TSP)}),
        (message("  "), {("message_text", ErrorType.FORMAT)}),
    ],
)
def test_what_zonar_can_not_take_is_refused_by_our_field(write: Write, expected: set[tuple[str, ErrorType]]) -> None:
    assert faults(write) == expected


@pytest.mark.parametrize(
    ("field", "parameter"),
    [("oem", "mfg"), ("vin", "vin"), ("license_plate_number", "name"), ("external_id", "exsid")],
)
def test_an_asset_can_be_emptied_of_what_zonar_does_not_demand(field: str, parameter: str) -> None:
    write = update(VEHICLE, {field: None}, cleared=frozenset({field}))

    assert sent(CONNECTOR.translate(write)) == {parameter: ""}
