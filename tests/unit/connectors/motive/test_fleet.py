from typing import Any

import pytest

from connectors.motive.motive_writes import MARK, MARKED, create, update
from fleetwrite.connectors.motive.connector import CONNECTOR
from fleetwrite.connectors.sdk.write import UnofferedWriteError, UntranslatableWriteError, Write
from fleetwrite.contract.enums import EngineType, ResourceEnum, VehicleStatusEnum
from fleetwrite.contract.errors import ErrorType

VEHICLE, TRAILER = ResourceEnum.VEHICLE, ResourceEnum.TRAILER
UNIT = {"vehicle_name": "Unit 412"}
ASSET = {
    "trailer_name": "TR-77",
    "trailer_type": "reefer",
    "oem": "Utility",
    "model_type": "3000R",
    "model_year": 2024,
}
SENT_ASSET = {"name": "TR-77", "type": "reefer", "make": "Utility", "model": "3000R", "year": "2024"}
PARTNERS = {"external_id": "x1", "integration_name": "partner_vehicle"}
CLEARABLE = ("oem", "model_type", "model_year", "vin", "license_plate_region", "license_plate_number", "notes")

CASES: dict[str, tuple[Write, dict[str, Any], set[str]]] = {
    "vehicle of a name only": (create(VEHICLE, UNIT), {"number": "Unit 412", **MARKED}, set()),
    "vehicle with the partner's id": (
        create(VEHICLE, {**UNIT, "external_id": "x1"}),
        {"number": "Unit 412", "external_ids_attributes": [MARK, PARTNERS]},
        set(),
    ),
    "vehicle in repair": (
        create(VEHICLE, {**UNIT, "status": "IN_REPAIR", "engine_type": "HYBRID"}),
        {"number": "Unit 412", **MARKED},
        {"status", "engine_type"},
    ),
    "vehicle out of service, losses allowed": (
        create(VEHICLE, {**UNIT, "status": "OUT_OF_SERVICE", "is_active": False}, allow_losses=True),
        {"number": "Unit 412", **MARKED},
        {"status", "is_active"},
    ),
    "vehicle update": (
        update(VEHICLE, {"model_year": 2025, "is_active": True, "status": "IN_SERVICE"}),
        {"year": "2025", "status": "active", "availability_details": {"availability_status": "in_service"}},
        set(),
    ),
    "vehicle update with the partner's id": (
        update(VEHICLE, {"external_id": "x1"}),
        {"external_ids_attributes": [PARTNERS]},
        set(),
    ),
    "vehicle update that empties": (
        update(VEHICLE, dict.fromkeys(CLEARABLE), cleared=frozenset(CLEARABLE)),
        dict.fromkeys(("make", "model", "year", "vin", "license_plate_state", "license_plate_number", "notes")),
        set(),
    ),
    "trailer": (create(TRAILER, ASSET), {**SENT_ASSET, **MARKED}, set()),
    "trailer of a type in other letters": (
        create(TRAILER, {**ASSET, "trailer_type": " Low-Boy "}),
        {**SENT_ASSET, "type": "low_boy", **MARKED},
        set(),
    ),
    "trailer of a type that Motive does not name": (
        create(TRAILER, {**ASSET, "trailer_type": "Dry Van"}),
        {**SENT_ASSET, "type": "custom", "custom_type": "Dry Van", **MARKED},
        set(),
    ),
    "trailer update in words of its own": (
        update(TRAILER, {"status": "parked", "total_axles": None, "notes": "n"}, cleared=frozenset({"total_axles"})),
        {"axle": None, "notes": "n"},
        {"status"},
    ),
}


@pytest.mark.parametrize(("write", "body", "losses"), CASES.values(), ids=CASES)
def test_vehicles_and_trailers_are_translated(write: Write, body: dict[str, Any], losses: set[str]) -> None:
    translation = CONNECTOR.translate(write)

    assert translation.call.body == body
    assert {loss.field for loss in translation.losses} == losses


@pytest.mark.parametrize("status", list(VehicleStatusEnum))
def test_only_two_states_of_service_are_known(status: VehicleStatusEnum) -> None:
    translation = CONNECTOR.translate(update(VEHICLE, {"notes": "n", "status": status.value}))

    known = {"IN_SERVICE": "in_service", "OUT_OF_SERVICE": "out_of_service"}
    sent = (translation.call.body or {}).get("availability_details", {}).get("availability_status")
    assert sent == known.get(status)
    assert [loss.field for loss in translation.losses] == ([] if status in known else ["status"])


@pytest.mark.parametrize(
    ("engine", "fuel"),
    [
        (EngineType.GASOLINE, "gasoline"),
        (EngineType.DIESEL, "diesel"),
        (EngineType.ETHANOL, "ethanol"),
        (EngineType.METHANOL, "methanol"),
        (EngineType.PROPANE, "propane"),
        (EngineType.LPG, "propane"),
        (EngineType.CNG, "cng"),
        (EngineType.LNG, "lng"),
        (EngineType.HYDROGEN, None),
        (EngineType.ELECTRICITY, None),
        (EngineType.HYBRID, None),
    ],
)
def test_engines_go_by_their_fuel(engine: EngineType, fuel: str | None) -> None:
    translation = CONNECTOR.translate(create(VEHICLE, {**UNIT, "engine_type": engine.value}))

    assert (translation.call.body or {}).get("fuel_type") == fuel
    assert [loss.field for loss in translation.losses] == ([] if fuel else ["engine_type"])


REQUIRED, RANGE, LOSS = ErrorType.REQUIRED_BY_TSP, ErrorType.RANGE, ErrorType.LOSS

REFUSED: dict[str, tuple[Write, list[tuple[str, ErrorType]]]] = {
    "vehicle without a name": (create(VEHICLE, {"vin": "1X"}), [("vehicle_name", REQUIRED)]),
    "vehicle of an empty name": (create(VEHICLE, {"vehicle_name": ""}), [("vehicle_name", RANGE)]),
    "vehicle of an empty id": (create(VEHICLE, {**UNIT, "external_id": ""}), [("external_id", RANGE)]),
    "year of a slip": (create(VEHICLE, {**UNIT, "model_year": 20240}), [("model_year", RANGE)]),
    "year before there were vehicles": (update(VEHICLE, {"model_year": -1}), [("model_year", RANGE)]),
    "created inactive": (create(VEHICLE, {**UNIT, "is_active": False}), [("is_active", LOSS)]),
    "created out of service": (create(VEHICLE, {**UNIT, "status": "OUT_OF_SERVICE"}), [("status", LOSS)]),
    "name emptied": (
        update(VEHICLE, {"vehicle_name": None}, cleared=frozenset({"vehicle_name"})),
        [("vehicle_name", REQUIRED)],
    ),
    "id emptied": (
        update(VEHICLE, {"external_id": None}, cleared=frozenset({"external_id"})),
        [("external_id", REQUIRED)],
    ),
    "update of nothing": (update(VEHICLE, {}), [("vehicle_name", ErrorType.MISSING)]),
    "update of what has no place": (update(VEHICLE, {"eld_id": "7"}), [("eld_id", LOSS)]),
    "trailer without anything": (
        create(TRAILER, {}),
        [(name, REQUIRED) for name in ("trailer_name", "oem", "model_type", "model_year", "trailer_type")],
    ),
    "trailer of a blank type": (create(TRAILER, {**ASSET, "trailer_type": " "}), [("trailer_type", RANGE)]),
}


@pytest.mark.parametrize(("write", "faults"), REFUSED.values(), ids=REFUSED)
def test_what_motive_can_not_take_is_refused_by_our_field(write: Write, faults: list[tuple[str, ErrorType]]) -> None:
    with pytest.raises(UntranslatableWriteError) as refused:
        CONNECTOR.translate(write)

    assert [(fault.field, fault.error_type) for fault in refused.value.faults] == faults


def test_an_inspection_is_not_offered_and_the_refusal_says_where_it_is_made() -> None:
    write = create(ResourceEnum.DVIR_LOG, {"driver_id": "0198c0de-0000-7000-8000-0000000000aa"})

    with pytest.raises(UnofferedWriteError, match="in its app"):
        CONNECTOR.translate(write)
