from typing import Any

import pytest

from connectors.geotab.geotab_provider import OPERATION_ID, TRAILER, VEHICLE, create, update
from fleetwrite.connectors.geotab.connector import CONNECTOR
from fleetwrite.connectors.sdk.write import Translation, UntranslatableWriteError, Write
from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.contract.errors import ErrorType

MARK = f"fleetwrite:{OPERATION_ID.hex}"
VEHICLES = [{"id": "GroupCompanyId"}, {"id": "GroupVehicleId"}]


def entity(translation: Translation) -> dict[str, Any]:
    found: dict[str, Any] = (translation.call.body or {})["params"]["entity"]
    return found


def vehicle(fields: dict[str, Any], **changes: Any) -> Write:
    return create(ResourceEnum.VEHICLE, {"vehicle_name": "Unit 1", **fields}, **changes)


CASES: dict[str, tuple[Write, str, dict[str, Any], list[str]]] = {
    "a vehicle": (vehicle({}), "Add", {"name": "Unit 1", "groups": VEHICLES, "comment": MARK}, []),
    "a trailer": (
        create(ResourceEnum.TRAILER, {"trailer_name": "TR-1", "notes": "Reefer"}),
        "Add",
        {
            "name": "TR-1",
            "groups": [{"id": "GroupCompanyId"}, {"id": "GroupTrailerId"}],
            "comment": f"Reefer\n{MARK}",
        },
        [],
    ),
    "in a group of the fleet's": (
        vehicle({}, settings={"group_id": "b2711"}),
        "Add",
        {"name": "Unit 1", "groups": [{"id": "b2711"}, {"id": "GroupVehicleId"}], "comment": MARK},
        [],
    ),
    "out of use from the start": (
        vehicle({"is_active": False}),
        "Add",
        {"name": "Unit 1", "activeTo": None, "groups": VEHICLES, "comment": MARK},
        [],
    ),
    "make and model": (
        vehicle({"oem": "Volvo", "model_type": "VNL", "model_year": 2024, "engine_type": "DIESEL"}),
        "Add",
        {"name": "Unit 1", "groups": VEHICLES, "comment": MARK},
        ["oem", "model_type", "model_year", "engine_type"],
    ),
    "long notes that may be cut": (
        vehicle({"notes": "x" * 981}, allow_losses=True),
        "Add",
        {"name": "Unit 1", "groups": VEHICLES, "comment": "x" * 980 + f"\n{MARK}"},
        ["notes"],
    ),
    "an update": (
        update(ResourceEnum.VEHICLE, {"vin": "1XKYDP9X1MJ431009", "is_active": True}),
        "Set",
        {"id": "b1", "vehicleIdentificationNumber": "1XKYDP9X1MJ431009", "activeTo": "2050-01-01T00:00:00.000Z"},
        [],
    ),
    "an update that empties": (
        update(ResourceEnum.TRAILER, {}, cleared=frozenset({"license_plate_number", "notes", "vin"})),
        "Set",
        {"id": "b7", "licensePlate": "", "comment": "", "vehicleIdentificationNumber": ""},
        [],
    ),
    "an update with the device that is there": (
        update(ResourceEnum.VEHICLE, {"eld_serial_number": "G91000000001", "notes": "x"}),
        "Set",
        {"id": "b1", "comment": "x"},
        [],
    ),
    "an update with another device that may be lost": (
        update(ResourceEnum.VEHICLE, {"eld_serial_number": "G92000000001", "notes": "x"}, allow_losses=True),
        "Set",
        {"id": "b1", "comment": "x"},
        ["eld_serial_number"],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_vehicles_and_trailers_become_devices(name: str) -> None:
    write, method, expected, losses = CASES[name]
    translation = CONNECTOR.translate(write)
    assert (translation.call.body or {})["method"] == method
    assert translation.call.scopes == (f"{method} Device",)
    assert entity(translation) == expected
    assert sorted(loss.field for loss in translation.losses) == sorted(losses)


FAULTS: dict[str, tuple[Write, list[tuple[str, ErrorType]]]] = {
    "no name": (create(ResourceEnum.VEHICLE, {}), [("vehicle_name", ErrorType.REQUIRED_BY_TSP)]),
    "no name of a trailer": (create(ResourceEnum.TRAILER, {}), [("trailer_name", ErrorType.REQUIRED_BY_TSP)]),
    "all at once": (
        create(
            ResourceEnum.VEHICLE,
            {"vehicle_name": "x" * 51, "vin": "x" * 51, "notes": "x" * 981, "eld_serial_number": "G9-100-000-0001"},
        ),
        [
            ("vehicle_name", ErrorType.RANGE),
            ("vin", ErrorType.RANGE),
            ("notes", ErrorType.RANGE),
            ("eld_serial_number", ErrorType.RANGE),
        ],
    ),
    "an empty name": (update(ResourceEnum.VEHICLE, {"vehicle_name": ""}), [("vehicle_name", ErrorType.RANGE)]),
    "a name to empty": (
        update(ResourceEnum.VEHICLE, {}, cleared=frozenset({"vehicle_name"})),
        [("vehicle_name", ErrorType.REQUIRED_BY_TSP)],
    ),
    "another device": (
        update(ResourceEnum.VEHICLE, {"eld_serial_number": "G92000000001"}),
        [("eld_serial_number", ErrorType.LOSS)],
    ),
    "nothing to change": (update(ResourceEnum.VEHICLE, {}), [("vehicle_name", ErrorType.MISSING)]),
    "nothing that Geotab keeps": (update(ResourceEnum.VEHICLE, {"oem": "Volvo"}), [("oem", ErrorType.LOSS)]),
}


@pytest.mark.parametrize("name", FAULTS)
def test_what_geotab_can_not_hold_is_refused_in_terms_of_our_fields(name: str) -> None:
    write, expected = FAULTS[name]
    with pytest.raises(UntranslatableWriteError) as refused:
        CONNECTOR.translate(write)
    assert [(fault.field, fault.error_type) for fault in refused.value.faults] == expected


def test_updates_name_their_targets() -> None:
    assert entity(CONNECTOR.translate(update(ResourceEnum.VEHICLE, {"notes": "x"})))["id"] == VEHICLE.source_id
    assert entity(CONNECTOR.translate(update(ResourceEnum.TRAILER, {"notes": "x"})))["id"] == TRAILER.source_id
