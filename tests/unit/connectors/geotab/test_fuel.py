from decimal import Decimal
from typing import Any

import msgspec
import pytest

from connectors.geotab.geotab_provider import ANY_ID, OTHER_OPERATION_ID, create
from fleetwrite.connectors.geotab import mapping
from fleetwrite.connectors.geotab.connector import CONNECTOR
from fleetwrite.connectors.sdk.write import Translation, UntranslatableWriteError, Write
from fleetwrite.contract.enums import EngineType, ResourceEnum
from fleetwrite.contract.errors import ErrorType

MINIMAL: dict[str, Any] = {
    "driver_id": ANY_ID,
    "vehicle_id": ANY_ID,
    "transaction_time": "2026-11-02T15:21:00-06:00",
    "fuel_volume": 412.6,
    "fuel_volume_unit": "LITER",
}
SENT: dict[str, Any] = {
    "device": {"id": "b1"},
    "driver": {"id": "b4"},
    "dateTime": "2026-11-02T21:21:00.000Z",
    "volume": Decimal("412.6"),
}


def purchase(fields: dict[str, Any], **changes: Any) -> Write:
    return create(ResourceEnum.FUEL_TRANSACTION, {**MINIMAL, **fields}, **changes)


def entity(translation: Translation) -> dict[str, Any]:
    found: dict[str, Any] = (translation.call.body or {})["params"]["entity"]
    return found


def reference(write: Write) -> str:
    found: str = entity(CONNECTOR.translate(write))["externalReference"]
    return found


CASES: dict[str, tuple[dict[str, Any], dict[str, Any], list[str]]] = {
    "litres": ({}, SENT, []),
    "US gallons": (
        {"fuel_volume": 109.5, "fuel_volume_unit": "US_GALLON"},
        {**SENT, "volume": Decimal("414.502590348")},
        [],
    ),
    "imperial gallons": (
        {"fuel_volume": 100, "fuel_volume_unit": "IMPERIAL_GALLON"},
        {**SENT, "volume": Decimal("454.609")},
        [],
    ),
    "cubic metres": (
        {"fuel_volume": 0.4126, "fuel_volume_unit": "CUBIC_METER"},
        {**SENT, "volume": Decimal("412.6")},
        [],
    ),
    "an odometer in miles": (
        {"odometer": 158012, "odometer_unit": "miles"},
        {**SENT, "odometer": Decimal("254295.664")},
        [],
    ),
    "an odometer in kilometres": (
        {"odometer": 254295.5, "odometer_unit": "kilo_meters"},
        {**SENT, "odometer": Decimal("254295.5")},
        [],
    ),
    "an odometer in metres": (
        {"odometer": 254295664, "odometer_unit": "meters"},
        {**SENT, "odometer": Decimal("254295.664")},
        [],
    ),
    "a place": (
        {"latitude": 32.7767, "longitude": -96.797, "location_string": "Dallas", "fuel_vendor": "Pilot 123"},
        {
            **SENT,
            "location": {"x": Decimal("-96.797"), "y": Decimal("32.7767")},
            "comments": "Dallas",
            "siteName": "Pilot 123",
        },
        [],
    ),
    "a price": (
        {"total_cost": "371.340000000", "currency": "eur"},
        {**SENT, "cost": Decimal("371.34"), "currencyCode": "EUR"},
        [],
    ),
    "what Geotab does not keep": (
        {"co_driver_id": ANY_ID, "transaction_jurisdiction": "TX", "fuel_type": "LNG"},
        SENT,
        ["co_driver_id", "transaction_jurisdiction", "fuel_type"],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_purchases_become_fuel_transactions(name: str) -> None:
    fields, expected, losses = CASES[name]
    translation = CONNECTOR.translate(purchase(fields))
    own = {"externalReference", "sourceData"}
    assert {name: value for name, value in entity(translation).items() if name not in own} == expected
    assert sorted(loss.field for loss in translation.losses) == sorted(losses)


@pytest.mark.parametrize("fuel", mapping.FUEL_TYPES)
def test_fuels_have_geotabs_names(fuel: EngineType) -> None:
    translation = CONNECTOR.translate(purchase({"fuel_type": fuel.value}))
    assert entity(translation)["productType"] == mapping.FUEL_TYPES[fuel]


def test_numbers_go_out_with_their_digits() -> None:
    call = CONNECTOR.translate(purchase({"total_cost": "371.34", "currency": "USD"})).call
    sent = msgspec.json.Encoder(decimal_format="number").encode(call.body)
    assert b'"volume":412.6,' in sent
    assert b'"cost":371.34' in sent


def test_a_purchase_has_one_reference_whoever_writes_it() -> None:
    first = reference(purchase({"total_cost": "371.34", "currency": "USD"}))
    assert first.startswith("FW-")
    assert len(first) == 32
    same = {"total_cost": "371.340", "currency": "USD", "transaction_time": "2026-11-02T21:21:00Z", "fuel_vendor": "x"}
    assert reference(purchase(same, operation_id=OTHER_OPERATION_ID)) == first
    for change in ({"total_cost": "371.35"}, {"fuel_volume": 412.7}, {"transaction_time": "2026-11-02T21:22:00Z"}):
        assert reference(purchase({"total_cost": "371.34", "currency": "USD", **change})) != first


def test_a_partners_key_makes_the_reference() -> None:
    first = reference(purchase({}, idempotency_key="k1"))
    assert reference(purchase({"fuel_volume": 1}, idempotency_key="k1")) == first
    assert reference(purchase({}, idempotency_key="k2")) != first


def test_the_source_data_name_the_operation() -> None:
    source_data = entity(CONNECTOR.translate(purchase({}, operation_id=OTHER_OPERATION_ID)))["sourceData"]
    assert msgspec.json.decode(source_data) == {"operation": f"fleetwrite:{OTHER_OPERATION_ID.hex}"}


FAULTS: dict[str, tuple[dict[str, Any], list[tuple[str, ErrorType]]]] = {
    "no time": ({"transaction_time": None}, [("transaction_time", ErrorType.REQUIRED_BY_TSP)]),
    "half a place": ({"latitude": 1}, [("longitude", ErrorType.REQUIRED_BY_TSP)]),
    "a price in no currency": ({"total_cost": 1}, [("currency", ErrorType.REQUIRED_BY_TSP)]),
    "a currency by its sign": ({"total_cost": 1, "currency": "€"}, [("currency", ErrorType.FORMAT)]),
    "a negative price": ({"total_cost": -1, "currency": "USD"}, [("total_cost", ErrorType.RANGE)]),
    "a price too large": ({"total_cost": "1000000000", "currency": "USD"}, [("total_cost", ErrorType.RANGE)]),
    "a price too fine": ({"total_cost": "1.0000001", "currency": "USD"}, [("total_cost", ErrorType.RANGE)]),
    "a negative volume": ({"fuel_volume": -1}, [("fuel_volume", ErrorType.RANGE)]),
    "a volume too large": (
        {"fuel_volume": 100001, "fuel_volume_unit": "CUBIC_METER"},
        [("fuel_volume", ErrorType.RANGE)],
    ),
    "an odometer without a unit": ({"odometer": 1}, [("odometer_unit", ErrorType.REQUIRED_BY_TSP)]),
    "a unit of nothing": ({"odometer_unit": "miles"}, [("odometer", ErrorType.MISSING)]),
    "a place too long": ({"location_string": "x" * 1025}, [("location_string", ErrorType.RANGE)]),
}


@pytest.mark.parametrize("name", FAULTS)
def test_what_geotab_can_not_hold_is_refused_in_terms_of_our_fields(name: str) -> None:
    fields, expected = FAULTS[name]
    with pytest.raises(UntranslatableWriteError) as refused:
        CONNECTOR.translate(purchase(fields))
    assert [(fault.field, fault.error_type) for fault in refused.value.faults] == expected
