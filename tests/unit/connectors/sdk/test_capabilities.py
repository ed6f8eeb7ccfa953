"""What a provider takes follows from its table, rule by rule."""

from decimal import Decimal
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from fleetwrite.api.json_schemas import body_schema
from fleetwrite.connectors.sdk.capabilities import KnownLoss, Schema, clearable, known_losses, narrowed
from fleetwrite.connectors.sdk.manifest import Idempotency, Offer
from fleetwrite.connectors.sdk.mapping import ByCode, Coded, Measure, NoPlace, Rule, Table, Text, UnitOf, Value
from fleetwrite.contract.enums import (
    FuelVolumeUnitEnum,
    ResourceEnum,
    ResourceOperationTypeEnum,
    VehicleStatusEnum,
)
from fleetwrite.contract.telematics import WRITE_BODIES

CREATE, UPDATE = ResourceOperationTypeEnum.CREATE, ResourceOperationTypeEnum.UPDATE
CONNECTION = "018f3c5e-7a51-7c3e-9d59-0a1b2c3d4e5f"
VEHICLE = body_schema(WRITE_BODIES[ResourceEnum.VEHICLE, CREATE], ())
PURCHASE = body_schema(WRITE_BODIES[ResourceEnum.FUEL_TRANSACTION, CREATE], ())
IDS = {"driver_id": CONNECTION, "vehicle_id": CONNECTION}


def offer(
    table: Table,
    resource: ResourceEnum = ResourceEnum.VEHICLE,
    operation_type: ResourceOperationTypeEnum = CREATE,
) -> Offer:
    return Offer(resource=resource, operation_type=operation_type, idempotency=Idempotency.READ_BACK, table=table)


def takes(schema: Schema, **fields: Any) -> bool:
    Draft202012Validator.check_schema(schema)
    return bool(Draft202012Validator(schema).is_valid({"connection_id": CONNECTION, **fields}))


@pytest.mark.parametrize(
    ("rule", "taken", "refused"),
    [
        (Text(to="name", min_length=2), "ab", "a"),
        (Text(to="name", max_length=3), "abc", "abcd"),
        (Text(to="name", max_length=3, may_be_cut=True), "abc", "abcd"),
        (Text(to="name", pattern="[A-Z]{2}|x", pattern_meaning="a state"), "TX", "TXx"),
        (Value(to="name"), "anything", 5),
        (ByCode(how="as it is"), "anything", 5),
    ],
)
def test_a_rule_narrows_the_contract(rule: Rule, taken: object, refused: object) -> None:
    schema = narrowed(VEHICLE, offer({"vehicle_name": rule}))

    assert takes(schema, vehicle_name=taken)
    assert takes(schema)
    assert not takes(schema, vehicle_name=refused)


def test_a_pattern_of_the_contract_holds_beside_the_providers() -> None:
    rule = Text(to="country", pattern="U..", pattern_meaning="a country with U")
    schema = narrowed(VEHICLE, offer({"license_plate_country": rule}))

    assert takes(schema, license_plate_country="USA")
    assert not takes(schema, license_plate_country="U-A")
    assert not takes(schema, license_plate_country="CAN")


def test_what_is_required_beyond_the_contract_is_so_for_creates_alone_and_never_null() -> None:
    table: Table = {"vin": ByCode(how="the VIN.", required="Nothing is taken without one.")}

    created, updated = narrowed(VEHICLE, offer(table)), narrowed(VEHICLE, offer(table, operation_type=UPDATE))

    assert created["required"] == ["connection_id", "vin"]
    assert created["properties"]["vin"]["description"] == "the VIN. Required: Nothing is taken without one."
    assert not takes(created, vin=None)
    assert takes(updated)
    assert takes(updated, vin=None)


def test_of_an_enum_what_has_no_other_name_is_lost() -> None:
    codes = {VehicleStatusEnum.IN_USE: "on", VehicleStatusEnum.IN_REPAIR: "off"}
    of = offer({"status": Coded(to="state", codes=codes, otherwise="There are two states.")})

    schema = narrowed(VEHICLE, of)
    (loss,) = known_losses(VEHICLE, of)

    assert takes(schema, status="IN_USE")
    assert takes(schema, status=None)
    assert not takes(schema, status="SPARE")
    assert (loss.field, loss.reason, loss.essential) == ("status", "There are two states.", False)
    assert loss.values is not None
    assert {*loss.values} == {*VehicleStatusEnum} - codes.keys()


def test_a_measure_names_its_unit_and_needs_ours() -> None:
    measure = Measure(
        to="liters",
        unit_field="fuel_volume_unit",
        unit=FuelVolumeUnitEnum.LITER,
        places=2,
        largest=Decimal(900),
    )
    table: Table = {"fuel_volume": measure, "fuel_volume_unit": UnitOf("fuel_volume")}

    schema = narrowed(PURCHASE, offer(table, ResourceEnum.FUEL_TRANSACTION))

    held = schema["properties"]["fuel_volume"]["x-kept-as"]
    assert held == {"unit": "LITER", "places": 2, "largest": 900}
    assert schema["dependentRequired"] == {
        "fuel_volume": ["fuel_volume_unit"],
        "fuel_volume_unit": ["fuel_volume"],
    }
    assert takes(schema, **IDS, fuel_volume=3, fuel_volume_unit="LITER")
    assert not takes(schema, **IDS, fuel_volume=-3, fuel_volume_unit="LITER")


def test_a_field_without_a_place_is_left_out_and_told() -> None:
    of = offer({"notes": NoPlace("No notes.", essential=True), "oem": NoPlace("No makers.")})

    assert not takes(narrowed(VEHICLE, of), notes="x")
    assert known_losses(VEHICLE, of) == [
        KnownLoss(field="oem", reason="No makers.", essential=False),
        KnownLoss(field="notes", reason="No notes.", essential=True),
    ]


def test_a_field_that_the_contract_requires_stays_though_it_is_lost() -> None:
    of = offer({"driver_id": NoPlace("No drivers.")}, ResourceEnum.FUEL_TRANSACTION)

    schema = narrowed(PURCHASE, of)

    assert "driver_id" in schema["required"]
    assert "No drivers." in schema["properties"]["driver_id"]["description"]
    assert [loss.field for loss in known_losses(PURCHASE, of)] == ["driver_id"]


def test_only_updates_can_empty_fields_and_only_those_that_the_provider_lets() -> None:
    table: Table = {
        "notes": Text(to="notes", emptied_by=""),
        "vin": Text(to="vin"),
        "oem": ByCode(how="by code", can_be_emptied=True),
        "model_type": NoPlace("No models."),
    }

    assert clearable(VEHICLE, offer(table, operation_type=UPDATE)) == ["oem", "notes"]
    assert clearable(VEHICLE, offer(table)) == []
