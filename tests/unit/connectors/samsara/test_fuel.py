import re
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.samsara.samsara_writes import ANY_ID, DRIVER, OFFICE_USER, OTHER_DRIVER, VEHICLE, create
from fleetwrite.connectors.samsara.connector import CONNECTOR
from fleetwrite.connectors.sdk.write import Translation, UntranslatableWriteError, Write
from fleetwrite.contract.enums import EngineType, ResourceEnum
from fleetwrite.contract.errors import ErrorType

MINIMAL: dict[str, Any] = {
    "driver_id": ANY_ID,
    "vehicle_id": ANY_ID,
    "transaction_time": "2026-03-04T15:21:00-06:00",
    "location_string": "4200 Main St, Dallas, TX",
    "fuel_volume": 412.6,
    "fuel_volume_unit": "LITER",
    "total_cost": "371.34",
    "currency": "USD",
}
SENT: dict[str, Any] = {
    "vehicleId": VEHICLE.source_id,
    "driverId": DRIVER.source_id,
    "transactionTime": "2026-03-04T21:21:00Z",
    "transactionLocation": "4200 Main St, Dallas, TX",
    "fuelQuantityLiters": "412.6",
    "transactionPrice": {"amount": "371.34", "currency": "usd"},
}


def purchase(fields: dict[str, Any], **changes: Any) -> Write:
    return create(ResourceEnum.FUEL_TRANSACTION, {**MINIMAL, **fields}, **changes)


def sent(translation: Translation) -> dict[str, Any]:
    """The body without the reference, which has tests of its own."""
    return {key: value for key, value in (translation.call.body or {}).items() if key != "transactionReference"}


CASES: dict[str, tuple[Write, dict[str, Any], list[str]]] = {
    "minimal": (purchase({}), SENT, []),
    "full": (
        purchase(
            {
                "co_driver_id": ANY_ID,
                "latitude": 32.7767,
                "longitude": -96.797,
                "odometer": 150000,
                "odometer_unit": "miles",
                "transaction_jurisdiction": "TX",
                "fuel_type": "DIESEL",
                "fuel_vendor": "Pilot 123",
            }
        ),
        {**SENT, "iftaFuelType": "Diesel", "merchantName": "Pilot 123"},
        ["co_driver_id", "odometer", "odometer_unit", "transaction_jurisdiction", "latitude", "longitude"],
    ),
    "coordinates in place of an address": (
        purchase({"location_string": None, "latitude": 32.7767, "longitude": -96.797}),
        {**SENT, "transactionLocation": "32.7767, -96.797"},
        [],
    ),
    "coordinates of a wordy source": (
        purchase({"location_string": " ", "latitude": 32.776712345678, "longitude": -90}),
        {**SENT, "transactionLocation": "32.7767123, -90"},
        [],
    ),
    "US gallons": (
        purchase({"fuel_volume": 109.5, "fuel_volume_unit": "US_GALLON"}),
        {**SENT, "fuelQuantityLiters": "414.502590348"},
        [],
    ),
    "imperial gallons": (
        purchase({"fuel_volume": 100, "fuel_volume_unit": "IMPERIAL_GALLON"}),
        {**SENT, "fuelQuantityLiters": "454.609"},
        [],
    ),
    "cubic metres": (
        purchase({"fuel_volume": 0.5, "fuel_volume_unit": "CUBIC_METER"}),
        {**SENT, "fuelQuantityLiters": "500"},
        [],
    ),
    "money as a number, its zeros kept as text": (
        purchase({"total_cost": "100.00", "currency": "mxn"}),
        {**SENT, "transactionPrice": {"amount": "100.00", "currency": "mxn"}},
        [],
    ),
    "a hybrid is no fuel": (purchase({"fuel_type": "HYBRID"}), SENT, ["fuel_type"]),
}


@pytest.mark.parametrize(("write", "body", "losses"), CASES.values(), ids=CASES)
def test_purchases_are_translated(write: Write, body: dict[str, Any], losses: list[str]) -> None:
    translation = CONNECTOR.translate(write)

    assert (translation.call.method, translation.call.path) == ("POST", "/fuel-purchase")
    assert sent(translation) == body
    assert [loss.field for loss in translation.losses] == losses


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (EngineType.GASOLINE, "Gasoline"),
        (EngineType.DIESEL, "Diesel"),
        (EngineType.ETHANOL, "Ethanol"),
        (EngineType.METHANOL, "Methanol"),
        (EngineType.PROPANE, "Propane"),
        (EngineType.LPG, "Propane"),
        (EngineType.CNG, "CompressedNaturalGas"),
        (EngineType.LNG, "LiquifiedNaturalGas"),
        (EngineType.HYDROGEN, "Hydrogen"),
        (EngineType.ELECTRICITY, "Electricity"),
    ],
)
def test_fuels_have_their_names_at_samsara(ours: EngineType, theirs: str) -> None:
    assert sent(CONNECTOR.translate(purchase({"fuel_type": ours})))["iftaFuelType"] == theirs


@given(
    volume=st.decimals(min_value=Decimal("0.001"), max_value=Decimal(10000), places=3),
    amount=st.decimals(min_value=0, max_value=Decimal(10**6), places=2),
)
def test_volume_and_money_arrive_exactly_and_without_exponent(volume: Decimal, amount: Decimal) -> None:
    body = sent(CONNECTOR.translate(purchase({"fuel_volume": float(volume), "total_cost": str(amount)})))

    for text in (body["fuelQuantityLiters"], body["transactionPrice"]["amount"]):
        assert re.fullmatch(r"\d+(\.\d+)?", text)
    assert Decimal(body["fuelQuantityLiters"]) == volume
    assert Decimal(body["transactionPrice"]["amount"]) == amount


def reference_of(write: Write) -> str:
    translation = CONNECTOR.translate(write)
    assert translation.reference == (translation.call.body or {})["transactionReference"]
    assert translation.reference is not None
    assert re.fullmatch("[A-Za-z0-9-]{1,32}", translation.reference)
    return translation.reference


@pytest.mark.parametrize(
    "same",
    [
        {"fuel_volume": 0.4126, "fuel_volume_unit": "CUBIC_METER"},
        {"total_cost": 371.340},
        {"total_cost": "0371.3400"},
        {"transaction_time": "2026-03-04T21:21:00Z"},
        {"location_string": "another spelling of the place"},
        {"fuel_vendor": "Pilot"},
    ],
    ids=str,
)
def test_the_same_purchase_has_the_same_reference(same: dict[str, Any]) -> None:
    assert reference_of(purchase(same)) == reference_of(purchase({}))


@pytest.mark.parametrize(
    "other",
    [
        {"fuel_volume": 412.61},
        {"total_cost": "371.35"},
        {"transaction_time": "2026-03-04T15:21:01-06:00"},
    ],
    ids=str,
)
def test_another_purchase_has_another_reference(other: dict[str, Any]) -> None:
    assert reference_of(purchase(other)) != reference_of(purchase({}))


def test_another_vehicle_has_another_reference() -> None:
    references = {"driver_id": DRIVER, "vehicle_id": OTHER_DRIVER}

    assert reference_of(purchase({}, references=references)) != reference_of(purchase({}))


def test_an_idempotency_key_decides_alone() -> None:
    keyed = reference_of(purchase({}, idempotency_key="batch-7/row-3"))

    assert keyed == reference_of(purchase({"total_cost": "1"}, idempotency_key="batch-7/row-3"))
    assert keyed != reference_of(purchase({}, idempotency_key="batch-7/row-4"))
    assert keyed != reference_of(purchase({}))


REQUIRED, RANGE = ErrorType.REQUIRED_BY_TSP, ErrorType.RANGE
NO_PLACE = {"location_string": None}
REFUSED: dict[str, tuple[Write, list[tuple[str, ErrorType]]]] = {
    "nothing of what Samsara requires": (
        purchase(dict.fromkeys(("transaction_time", "location_string", "total_cost", "currency"))),
        [
            ("transaction_time", REQUIRED),
            ("total_cost", REQUIRED),
            ("currency", REQUIRED),
            ("location_string", REQUIRED),
        ],
    ),
    "half a place": (purchase({**NO_PLACE, "latitude": 32.7}), [("longitude", REQUIRED)]),
    "other half of a place": (purchase({**NO_PLACE, "longitude": 32.7}), [("latitude", REQUIRED)]),
    "currency that Samsara lacks": (purchase({"currency": "SEK"}), [("currency", ErrorType.ENUM)]),
    "no volume": (purchase({"fuel_volume": 0}), [("fuel_volume", RANGE)]),
    "negative volume": (purchase({"fuel_volume": -1}), [("fuel_volume", RANGE)]),
    "vanishing volume": (purchase({"fuel_volume": 1e-20}), [("fuel_volume", RANGE)]),
    "absurd volume": (purchase({"fuel_volume": 1e300}), [("fuel_volume", RANGE)]),
    "negative price": (purchase({"total_cost": "-1"}), [("total_cost", RANGE)]),
    "absurd price": (purchase({"total_cost": 1e300}), [("total_cost", RANGE)]),
    "price with noise": (purchase({"total_cost": "371.3400001"}), [("total_cost", RANGE)]),
    "bought by an office user": (
        purchase({}, references={"driver_id": OFFICE_USER, "vehicle_id": VEHICLE}),
        [("driver_id", ErrorType.WRONG_KIND)],
    ),
}


@pytest.mark.parametrize(("write", "faults"), REFUSED.values(), ids=REFUSED)
def test_what_samsara_can_not_take_is_refused_by_our_field(write: Write, faults: list[tuple[str, ErrorType]]) -> None:
    with pytest.raises(UntranslatableWriteError) as refused:
        CONNECTOR.translate(write)

    assert [(fault.field, fault.error_type) for fault in refused.value.faults] == faults


def test_minus_zero_is_a_price_of_nothing() -> None:
    assert sent(CONNECTOR.translate(purchase({"total_cost": "-0.00"})))["transactionPrice"]["amount"] == "0.00"
