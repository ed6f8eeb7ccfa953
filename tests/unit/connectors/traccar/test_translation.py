from typing import Any

import pytest

from connectors.traccar.traccar_writes import ANY_ID, DRIVER, OPERATION_ID, VEHICLE, create, message, update
from fleetwrite.connectors.sdk.write import Translation, UnofferedWriteError, UntranslatableWriteError, Write
from fleetwrite.connectors.traccar.connector import CONNECTOR
from fleetwrite.connectors.traccar.mapping import MAX_LENGTH, MAX_MESSAGE_LENGTH, MAX_NOTES_LENGTH
from fleetwrite.connectors.traccar.reading import read_driver, read_trailer, read_vehicle
from fleetwrite.contract.enums import EngineType, ResourceEnum, VehicleStatusEnum
from fleetwrite.contract.errors import ErrorType

V, T, U = ResourceEnum.VEHICLE, ResourceEnum.TRAILER, ResourceEnum.USER
TRAILER = {"trailer_name": "TR-77", "eld_serial_number": "TR-77"}


def body(write: Write) -> dict[str, Any]:
    return dict(CONNECTOR.translate(write).call.body or {})


def losses(translation: Translation) -> set[str]:
    return {loss.field for loss in translation.losses}


def clearing(*fields: str) -> Write:
    return update(V, "17", dict.fromkeys(fields), cleared=frozenset(fields))


def faults(write: Write) -> set[tuple[str, ErrorType]]:
    with pytest.raises(UntranslatableWriteError) as refused:
        CONNECTOR.translate(write)
    assert all(fault.message.endswith(".") for fault in refused.value.faults)
    return {(fault.field, fault.error_type) for fault in refused.value.faults}


@pytest.mark.parametrize(
    ("write", "path"),
    [
        (create(V, VEHICLE), "/api/devices"),
        (create(T, TRAILER), "/api/devices"),
        (create(U, DRIVER), "/api/drivers"),
    ],
)
def test_a_create_carries_the_operations_id(write: Write, path: str) -> None:
    call = CONNECTOR.translate(write).call
    assert (call.method, call.path) == ("POST", path)
    assert (call.body or {})["attributes"]["fleetwriteOperation"] == OPERATION_ID.hex


@pytest.mark.parametrize("resource", [V, T])
def test_an_update_names_what_changes_and_no_more(resource: ResourceEnum) -> None:
    call = CONNECTOR.translate(update(resource, "17", {"notes": "n", "vin": None})).call
    assert (call.method, call.path, call.body) == ("PUT", "/api/devices/17", {"attributes": {"notes": "n"}})


def test_a_trailer_is_told_by_its_category_from_its_creation_on() -> None:
    assert body(create(T, TRAILER))["category"] == "trailer"
    assert "category" not in body(create(V, VEHICLE))
    assert "category" not in body(update(T, "17", {"notes": "n"}))


@pytest.mark.parametrize(
    ("write", "expected"),
    [
        (create(V, {}), {"vehicle_name", "eld_serial_number"}),
        (create(T, {}), {"trailer_name", "eld_serial_number"}),
        (create(U, {}), {"first_name", "employee_number"}),
        (create(ResourceEnum.MESSAGE, {"sender_id": ANY_ID, "recipient_id": ANY_ID}), {"message_text"}),
    ],
)
def test_what_traccar_demands_is_asked_for_at_once(write: Write, expected: set[str]) -> None:
    assert faults(write) == {(field, ErrorType.REQUIRED_BY_TSP) for field in expected}


@pytest.mark.parametrize(
    ("write", "field", "error_type"),
    [
        (create(V, {**VEHICLE, "eld_serial_number": " 86"}), "eld_serial_number", ErrorType.FORMAT),
        (create(V, {**VEHICLE, "eld_serial_number": "8" * (MAX_LENGTH + 1)}), "eld_serial_number", ErrorType.RANGE),
        (create(V, {**VEHICLE, "vehicle_name": ""}), "vehicle_name", ErrorType.RANGE),
        (create(V, {**VEHICLE, "vin": "1" * (MAX_LENGTH + 1)}), "vin", ErrorType.RANGE),
        (create(V, {**VEHICLE, "notes": "n" * (MAX_NOTES_LENGTH + 1)}), "notes", ErrorType.RANGE),
        (create(U, {**DRIVER, "employee_number": "1 "}), "employee_number", ErrorType.FORMAT),
        (create(U, {**DRIVER, "last_name": "n" * MAX_LENGTH}), "last_name", ErrorType.RANGE),
        (create(U, {**DRIVER, "first_name": ""}), "first_name", ErrorType.REQUIRED_BY_TSP),
        (create(U, {**DRIVER, "is_driver": False}), "is_driver", ErrorType.RANGE),
        (create(U, {**DRIVER, "is_active": False}), "is_active", ErrorType.LOSS),
        (update(U, "3", {"status": "INACTIVE"}), "status", ErrorType.LOSS),
        (update(U, "3", {"first_name": "Kira"}), "last_name", ErrorType.REQUIRED_BY_TSP),
        (update(U, "3", {"last_name": "Novak"}), "first_name", ErrorType.REQUIRED_BY_TSP),
        (clearing("vehicle_name"), "vehicle_name", ErrorType.REQUIRED_BY_TSP),
        (clearing("eld_serial_number"), "eld_serial_number", ErrorType.REQUIRED_BY_TSP),
        (clearing("is_active"), "is_active", ErrorType.REQUIRED_BY_TSP),
        (update(V, "17", {}), "vehicle_name", ErrorType.MISSING),
        (update(U, "3", {"is_active": True}), "username", ErrorType.MISSING),
        (update(V, "17", {"fuel_unit": "gal"}), "fuel_unit", ErrorType.LOSS),
        (message("3", " \n "), "message_text", ErrorType.FORMAT),
        (message("3", "x" * (MAX_MESSAGE_LENGTH + 1)), "message_text", ErrorType.RANGE),
    ],
)
def test_a_fault_names_our_field(write: Write, field: str, error_type: ErrorType) -> None:
    assert faults(write) == {(field, error_type)}


def test_long_prose_is_cut_where_losses_are_allowed() -> None:
    notes = CONNECTOR.translate(create(V, {**VEHICLE, "notes": "n" * (MAX_NOTES_LENGTH + 1)}, allow_losses=True))
    assert (notes.call.body or {})["attributes"]["notes"] == "n" * MAX_NOTES_LENGTH
    assert losses(notes) == {"notes"}
    text = CONNECTOR.translate(message("3", "x" * (MAX_MESSAGE_LENGTH + 1), allow_losses=True))
    assert (text.call.body or {})["attributes"]["message"] == "x" * MAX_MESSAGE_LENGTH
    assert losses(text) == {"sender_id", "message_text"}


def test_a_driver_stays_active_where_the_loss_is_allowed() -> None:
    translation = CONNECTOR.translate(create(U, {**DRIVER, "is_active": False}, allow_losses=True))
    assert losses(translation) == {"is_active"}
    assert "is_active" not in str(translation.call.body)


def test_rules_of_service_hours_are_not_kept_as_if_they_were_applied() -> None:
    rules = {
        "hos_ruleset_code": "US_INT_PROP_70_8",
        "allow_yard_move": True,
        "allow_personal_conveyance": True,
        "allow_adverse_driving": False,
        "default_time_zone": "America/Chicago",
        "hos_compliance_type": "exempt",
        "hos_tracking_method": "manual",
    }
    translation = CONNECTOR.translate(create(U, {**DRIVER, **rules}))
    assert losses(translation) == set(rules)
    assert set((translation.call.body or {})["attributes"]) == {"fleetwriteOperation"}


@pytest.mark.parametrize(
    ("fields", "cleared", "name"),
    [
        ({"first_name": "Kira", "last_name": "Novak"}, (), "Kira Novak"),
        ({"first_name": "Kira", "last_name": ""}, (), "Kira"),
        ({"first_name": "Kira", "last_name": None}, ("last_name",), "Kira"),
        ({"first_name": None, "last_name": "van Dyk"}, ("first_name",), "van Dyk"),
    ],
)
def test_an_update_brings_the_whole_name(fields: dict[str, Any], cleared: tuple[str, ...], name: str) -> None:
    assert body(update(U, "3", fields, cleared=frozenset(cleared))) == {"name": name}


def test_what_is_cleared_is_sent_as_null() -> None:
    assert body(clearing("vin", "notes", "eld_device_type", "model_year", "external_id")) == {
        "model": None,
        "attributes": {"vin": None, "notes": None, "modelYear": None, "externalId": None},
    }


def test_numbers_keep_their_digits() -> None:
    attributes = body(create(T, {**TRAILER, "trailer_length": 53.1, "total_axles": 3}))["attributes"]
    assert (str(attributes["trailerLength"]), attributes["axles"]) == ("53.1", 3)


@pytest.mark.parametrize("active", [True, False])
@pytest.mark.parametrize(("resource", "fields"), [(V, VEHICLE), (T, TRAILER)])
def test_activity_is_the_opposite_of_disabled_both_ways(
    resource: ResourceEnum, fields: dict[str, Any], active: bool
) -> None:
    sent = body(create(resource, {**fields, "is_active": active}))
    assert sent["disabled"] is not active
    read = read_vehicle if resource is V else read_trailer
    assert read(sent)["is_active"] is active


@pytest.mark.parametrize(
    ("field", "value"),
    [*(("status", one.value) for one in VehicleStatusEnum), *(("engine_type", one.value) for one in EngineType)],
)
def test_enum_words_are_kept_as_they_are_both_ways(field: str, value: str) -> None:
    assert read_vehicle(body(create(V, {**VEHICLE, field: value})))[field] == value


def test_a_driver_is_read_as_an_active_driver_with_two_names() -> None:
    read = read_driver({"id": 3, "name": "Mara van Dyk", "uniqueId": "E-1", "attributes": {"phone": "+1512"}})
    known = {name: value for name, value in read.items() if value is not None}
    assert known == {
        "first_name": "Mara",
        "last_name": "van Dyk",
        "employee_number": "E-1",
        "phone_number": "+1512",
        "is_driver": True,
        "is_active": True,
        "status": "ACTIVE",
    }


def test_a_device_that_nobody_described_is_read() -> None:
    item = {"id": 17, "name": "Unit 1", "uniqueId": "86", "model": None, "disabled": None, "attributes": None}
    known = {name: value for name, value in read_vehicle(item).items() if value is not None}
    assert known == {"vehicle_name": "Unit 1", "eld_serial_number": "86"}


def test_a_message_leaves_the_device_open_and_is_never_an_instruction_to_the_tracker() -> None:
    call = CONNECTOR.translate(message("3", "Dock 4")).call
    assert (call.method, call.path) == ("POST", "/api/commands/send")
    assert call.body == {"type": "message", "attributes": {"message": "Dock 4"}}


def test_a_group_message_is_no_call_of_its_own() -> None:
    write = create(ResourceEnum.GROUP_MESSAGE, {"sender_id": ANY_ID, "recipient_ids": [ANY_ID], "message_text": "Ice"})
    with pytest.raises(UnofferedWriteError):
        CONNECTOR.translate(write)
    offer = CONNECTOR.manifest.offer_of(write.resource, write.operation_type)
    assert offer is not None
    assert offer.is_fanned_out
