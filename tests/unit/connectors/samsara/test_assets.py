from typing import Any

import pytest

from connectors.samsara.samsara_writes import OPERATION_ID, TRAILER, VEHICLE, create, update
from fleetwrite.connectors.samsara.connector import CONNECTOR
from fleetwrite.connectors.sdk.write import UntranslatableWriteError, Write
from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.contract.errors import ErrorType

OPERATION = {"fleetwriteOperation": OPERATION_ID.hex}

# What the two bodies share, all of it.
COMMON = {
    "oem": "Kenworth",
    "model_type": "T680",
    "model_year": 2021,
    "vin": "1XKYDP9X5MJ431190",
    "license_plate_region": "TX",
    "license_plate_country": "USA",
    "license_plate_number": "7TRK220",
    "is_active": True,
    "notes": "spare key at the gate",
    "eld_id": "1",
    "eld_serial_number": "GVR7",
    "eld_device_type": "VG34",
    "eld_product_id": "P",
    "total_axles": 3,
    "external_id": "veh_01J8",
}
FULL_VEHICLE = {
    **COMMON,
    "vehicle_name": "Unit 412",
    "engine_vin": "E1",
    "status": "IN_SERVICE",
    "speed_unit": "mph",
    "odometer_unit": "mi",
    "fuel_unit": "gal",
    "fuel_capacity": "100 gallons",
    "engine_type": "DIESEL",
}
FULL_TRAILER = {
    **COMMON,
    "trailer_name": "TR-77",
    "status": "IN_SERVICE",
    "trailer_length": 53.5,
    "trailer_type": "Reefer",
}
FULL_ASSET = {
    "make": "Kenworth",
    "model": "T680",
    "year": 2021,
    "vin": "1XKYDP9X5MJ431190",
    "licensePlate": "7TRK220",
    "notes": "spare key at the gate",
}
COMMON_LOSSES = [
    "license_plate_region",
    "license_plate_country",
    "is_active",
    "status",
    "eld_id",
    "eld_serial_number",
    "eld_device_type",
    "eld_product_id",
    "total_axles",
]
VEHICLE_LOSSES = {
    *COMMON_LOSSES,
    "engine_vin",
    "speed_unit",
    "odometer_unit",
    "fuel_unit",
    "fuel_capacity",
    "engine_type",
}
TRAILER_LOSSES = {*COMMON_LOSSES, "trailer_length", "trailer_type"}

CASES: dict[str, tuple[Write, str, str, tuple[tuple[str, str], ...], dict[str, Any], set[str]]] = {
    "vehicle create, minimal": (
        create(ResourceEnum.VEHICLE, {}),
        "POST",
        "/assets",
        (),
        {"type": "vehicle", "externalIds": OPERATION},
        set(),
    ),
    "vehicle create, full": (
        create(ResourceEnum.VEHICLE, FULL_VEHICLE),
        "POST",
        "/assets",
        (),
        {
            "type": "vehicle",
            "name": "Unit 412",
            **FULL_ASSET,
            "externalIds": {"partnerVehicleId": "veh_01J8", **OPERATION},
        },
        VEHICLE_LOSSES,
    ),
    "vehicle update, minimal": (
        update(ResourceEnum.VEHICLE, {"license_plate_number": "7TRK220"}),
        "PATCH",
        f"/fleet/vehicles/{VEHICLE.source_id}",
        (),
        {"licensePlate": "7TRK220"},
        set(),
    ),
    "vehicle update with a short VIN": (
        update(ResourceEnum.VEHICLE, {"vin": "1XKYDP9X5MJ", "external_id": "veh_2"}),
        "PATCH",
        f"/fleet/vehicles/{VEHICLE.source_id}",
        (),
        {"vin": "1XKYDP9X5MJ", "externalIds": {"partnerVehicleId": "veh_2"}},
        set(),
    ),
    "vehicle update, full, needs /assets": (
        update(ResourceEnum.VEHICLE, FULL_VEHICLE),
        "PATCH",
        "/assets",
        (("id", VEHICLE.source_id),),
        {"name": "Unit 412", **FULL_ASSET, "externalIds": {"partnerVehicleId": "veh_01J8"}},
        VEHICLE_LOSSES,
    ),
    "trailer create, minimal": (
        create(ResourceEnum.TRAILER, {"trailer_name": "TR-77"}),
        "POST",
        "/fleet/trailers",
        (),
        {"name": "TR-77", "externalIds": OPERATION},
        set(),
    ),
    "trailer create with all its endpoint takes": (
        create(
            ResourceEnum.TRAILER,
            {"trailer_name": "TR-77", "license_plate_number": "4GZ901", "notes": "n", "external_id": "trl_9"},
        ),
        "POST",
        "/fleet/trailers",
        (),
        {
            "name": "TR-77",
            "licensePlate": "4GZ901",
            "notes": "n",
            "externalIds": {"partnerTrailerId": "trl_9", **OPERATION},
        },
        set(),
    ),
    "trailer create, full, needs /assets": (
        create(ResourceEnum.TRAILER, FULL_TRAILER),
        "POST",
        "/assets",
        (),
        {
            "type": "trailer",
            "name": "TR-77",
            **FULL_ASSET,
            "externalIds": {"partnerTrailerId": "veh_01J8", **OPERATION},
        },
        TRAILER_LOSSES,
    ),
    "trailer update, minimal": (
        update(ResourceEnum.TRAILER, {"notes": "new tyres"}),
        "PATCH",
        f"/fleet/trailers/{TRAILER.source_id}",
        (),
        {"notes": "new tyres"},
        set(),
    ),
    "trailer update, full, needs /assets": (
        update(ResourceEnum.TRAILER, FULL_TRAILER),
        "PATCH",
        "/assets",
        (("id", TRAILER.source_id),),
        {"name": "TR-77", **FULL_ASSET, "externalIds": {"partnerTrailerId": "veh_01J8"}},
        TRAILER_LOSSES,
    ),
    "vehicle update that empties plate and notes": (
        update(
            ResourceEnum.VEHICLE,
            {"license_plate_number": None, "notes": None, "vin": None},
            cleared=frozenset({"license_plate_number", "notes"}),
        ),
        "PATCH",
        f"/fleet/vehicles/{VEHICLE.source_id}",
        (),
        {"licensePlate": "", "notes": ""},
        set(),
    ),
}


@pytest.mark.parametrize(("write", "method", "path", "query", "body", "losses"), CASES.values(), ids=CASES)
def test_assets_are_translated(
    write: Write, method: str, path: str, query: tuple[tuple[str, str], ...], body: dict[str, Any], losses: set[str]
) -> None:
    translation = CONNECTOR.translate(write)

    call = translation.call
    assert (call.method, call.path, call.query, call.body) == (method, path, query, body)
    assert {loss.field for loss in translation.losses} == losses
    assert CONNECTOR.translate(write) == translation


# A field more than /fleet/trailers takes sends the trailer to /assets, whichever of the four it is.
@pytest.mark.parametrize("field", ["vin", "oem", "model_type", "model_year"])
def test_one_field_of_assets_is_enough(field: str) -> None:
    write = create(ResourceEnum.TRAILER, {"trailer_name": "TR-77", field: FULL_TRAILER[field]})

    assert CONNECTOR.translate(write).call.path == "/assets"


REFUSED: dict[str, tuple[Write, str, ErrorType]] = {
    "trailer without a name": (
        create(ResourceEnum.TRAILER, {"notes": "n"}),
        "trailer_name",
        ErrorType.REQUIRED_BY_TSP,
    ),
    "empty name": (create(ResourceEnum.VEHICLE, {"vehicle_name": ""}), "vehicle_name", ErrorType.RANGE),
    "plate of 13": (
        update(ResourceEnum.VEHICLE, {"license_plate_number": "1234567890123"}),
        "license_plate_number",
        ErrorType.RANGE,
    ),
    "notes of 256": (update(ResourceEnum.TRAILER, {"notes": "n" * 256}), "notes", ErrorType.RANGE),
    "VIN of 10": (update(ResourceEnum.VEHICLE, {"vin": "1XKYDP9X5M"}), "vin", ErrorType.RANGE),
    "VIN of 18": (update(ResourceEnum.VEHICLE, {"vin": "1XKYDP9X5MJ4311901"}), "vin", ErrorType.RANGE),
    "VIN with a blank": (update(ResourceEnum.VEHICLE, {"vin": "1XKYDP9X5 MJ"}), "vin", ErrorType.FORMAT),
    "short VIN at /assets": (create(ResourceEnum.VEHICLE, {"vin": "1XKYDP9X5MJ"}), "vin", ErrorType.RANGE),
    "short VIN at /assets on update": (
        update(ResourceEnum.TRAILER, {"vin": "1XKYDP9X5MJ"}),
        "vin",
        ErrorType.RANGE,
    ),
    "external id of 33": (create(ResourceEnum.VEHICLE, {"external_id": "x" * 33}), "external_id", ErrorType.RANGE),
    "update of nothing": (update(ResourceEnum.VEHICLE, {"notes": None}), "vehicle_name", ErrorType.MISSING),
    "update of what Samsara can not hold": (
        update(ResourceEnum.VEHICLE, {"total_axles": 3}, allow_losses=True),
        "total_axles",
        ErrorType.LOSS,
    ),
    "emptying a VIN": (
        update(ResourceEnum.VEHICLE, {"vin": None}, cleared=frozenset({"vin"})),
        "vin",
        ErrorType.REQUIRED_BY_TSP,
    ),
}


@pytest.mark.parametrize(("write", "field", "error_type"), REFUSED.values(), ids=REFUSED)
def test_what_samsara_can_not_take_is_refused_by_our_field(write: Write, field: str, error_type: ErrorType) -> None:
    with pytest.raises(UntranslatableWriteError) as refused:
        CONNECTOR.translate(write)

    assert [(fault.field, fault.error_type) for fault in refused.value.faults] == [(field, error_type)]


def test_long_notes_are_cut_where_losses_are_allowed() -> None:
    translation = CONNECTOR.translate(update(ResourceEnum.TRAILER, {"notes": "n" * 256}, allow_losses=True))

    assert translation.call.body == {"notes": "n" * 255}
    assert [loss.field for loss in translation.losses] == ["notes"]
