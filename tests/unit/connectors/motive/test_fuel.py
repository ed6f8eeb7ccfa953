from decimal import Decimal
from typing import Any

import msgspec
import pytest

from connectors.motive.motive_writes import ANY_ID, OFFICE_USER, OPERATION_ID, STRANGE, VEHICLE, purchase
from fleetwrite.connectors.motive.connector import CONNECTOR
from fleetwrite.connectors.sdk.wire import Login
from fleetwrite.connectors.sdk.write import UntranslatableWriteError, Write
from fleetwrite.contract.errors import ErrorType


def sent(fields: dict[str, Any]) -> dict[str, Any]:
    return dict(CONNECTOR.translate(purchase(fields)).call.body or {})


def wire(fields: dict[str, Any]) -> bytes:
    login = Login(base_url="https://api.gomotive.com", credentials={}, session={"access_token": "t"})
    return CONNECTOR.render(CONNECTOR.translate(purchase(fields)).call, login).body or b""


def test_a_purchase_carries_its_operation_as_reference_number() -> None:
    assert sent({}) == {
        "vehicle_id": 1090401,
        "driver_id": 550101,
        "purchased_at": "2026-03-04T21:21:00Z",
        "jurisdiction": "TX",
        "fuel_type": "diesel",
        "fuel": Decimal("109.25"),
        "fuel_unit": "gal",
        "ref_no": f"FW-{OPERATION_ID.hex}",
    }


@pytest.mark.parametrize(
    ("volume", "unit", "fuel", "fuel_unit"),
    [
        ("109.253", "US_GALLON", "109.253", "gal"),
        ("412.6", "LITER", "412.6", "ltr"),
        ("100.123", "IMPERIAL_GALLON", "455.16816907", "ltr"),
        ("0.4126", "CUBIC_METER", "412.6", "ltr"),
        # What is finer than eight decimals is no reading of a pump.
        ("1.000000005", "LITER", "1.00000000", "ltr"),
        ("1.000000015", "LITER", "1.00000002", "ltr"),
    ],
)
def test_volumes_keep_their_digits_in_a_unit_that_motive_has(volume: str, unit: str, fuel: str, fuel_unit: str) -> None:
    body = sent({"fuel_volume": msgspec.Raw(volume.encode()), "fuel_volume_unit": unit})

    assert (body["fuel"], body["fuel_unit"]) == (Decimal(fuel), fuel_unit)


@pytest.mark.parametrize(
    ("odometer", "unit", "whole", "name"),
    [
        ("150000.4", "miles", 150000, "MI"),
        ("150000.5", "kilo_meters", 150000, "KM"),
        ("150001.5", "kilo_meters", 150002, "KM"),
        ("241401600", "meters", 241402, "KM"),
        ("0", "miles", 0, "MI"),
    ],
)
def test_odometers_are_whole_miles_or_kilometres(odometer: str, unit: str, whole: int, name: str) -> None:
    body = sent({"odometer": msgspec.Raw(odometer.encode()), "odometer_unit": unit})

    assert (body["odometer"], body["odometer_unit"]) == (whole, name)


@pytest.mark.parametrize(
    ("cost", "on_the_wire"),
    [('"371.340"', b"371.340"), ("0.1", b"0.1"), ("1.000000", b"1.000000"), ('"-0"', b"0"), ("12345678.123456", None)],
)
def test_amounts_keep_their_digits(cost: str, on_the_wire: bytes | None) -> None:
    body = wire({"total_cost": msgspec.Raw(cost.encode()), "currency": "usd"})

    assert b'"total_cost":' + (on_the_wire or cost.encode()) + b"," in body + b","
    assert b'"currency":"USD"' in body


def test_texts_and_what_has_no_place() -> None:
    fields = {
        "location_string": "Odessa",
        "fuel_vendor": "Northwind",
        "latitude": 31.8,
        "longitude": -102.4,
        "co_driver_id": ANY_ID,
    }
    translation = CONNECTOR.translate(purchase(fields))
    body = translation.call.body or {}

    assert (body["location"], body["vendor"]) == ("Odessa", "Northwind")
    assert {loss.field for loss in translation.losses} == {"latitude", "longitude", "co_driver_id"}


REQUIRED, RANGE, ENUM, WRONG_KIND = (
    *(ErrorType.REQUIRED_BY_TSP, ErrorType.RANGE),
    *(ErrorType.ENUM, ErrorType.WRONG_KIND),
)
HUGE = msgspec.Raw(b"1e9999")

REFUSED: dict[str, tuple[Write, list[tuple[str, ErrorType]]]] = {
    "no time, no jurisdiction, no fuel": (
        purchase(dict.fromkeys(("transaction_time", "transaction_jurisdiction", "fuel_type"))),
        [("transaction_time", REQUIRED), ("transaction_jurisdiction", REQUIRED), ("fuel_type", REQUIRED)],
    ),
    "jurisdiction in full": (
        purchase({"transaction_jurisdiction": "Texas"}),
        [("transaction_jurisdiction", ErrorType.FORMAT)],
    ),
    "electricity": (purchase({"fuel_type": "ELECTRICITY"}), [("fuel_type", ENUM)]),
    "hydrogen": (purchase({"fuel_type": "HYDROGEN"}), [("fuel_type", ENUM)]),
    "a hybrid": (purchase({"fuel_type": "HYBRID"}), [("fuel_type", ENUM)]),
    "no volume": (purchase({"fuel_volume": 0}), [("fuel_volume", RANGE)]),
    "less than a volume": (purchase({"fuel_volume": -1}), [("fuel_volume", RANGE)]),
    "a volume of many digits": (purchase({"fuel_volume": HUGE}), [("fuel_volume", RANGE)]),
    "an odometer without a unit": (purchase({"odometer": 1}), [("odometer_unit", REQUIRED)]),
    "a unit without an odometer": (purchase({"odometer_unit": "miles"}), [("odometer", REQUIRED)]),
    "an odometer that runs backwards": (
        purchase({"odometer": -1, "odometer_unit": "miles"}),
        [("odometer", RANGE)],
    ),
    "an odometer of many digits": (purchase({"odometer": HUGE, "odometer_unit": "meters"}), [("odometer", RANGE)]),
    "an amount of no currency": (purchase({"total_cost": 1}), [("currency", REQUIRED)]),
    "an amount of a foreign currency": (purchase({"total_cost": 1, "currency": "EUR"}), [("currency", ENUM)]),
    "an amount below zero": (purchase({"total_cost": -1, "currency": "USD"}), [("total_cost", RANGE)]),
    "an amount of many digits": (purchase({"total_cost": HUGE, "currency": "USD"}), [("total_cost", RANGE)]),
    "an amount of seven decimals": (
        purchase({"total_cost": msgspec.Raw(b"0.1234567"), "currency": "USD"}),
        [("total_cost", RANGE)],
    ),
    "an office user at the pump": (
        purchase(references={"driver_id": OFFICE_USER, "vehicle_id": VEHICLE}),
        [("driver_id", WRONG_KIND)],
    ),
    "a strange vehicle": (
        purchase(references={"driver_id": OFFICE_USER, "vehicle_id": STRANGE}),
        [("vehicle_id", WRONG_KIND), ("driver_id", WRONG_KIND)],
    ),
}


@pytest.mark.parametrize(("write", "faults"), REFUSED.values(), ids=REFUSED)
def test_what_motive_can_not_take_is_refused_by_our_field(write: Write, faults: list[tuple[str, ErrorType]]) -> None:
    with pytest.raises(UntranslatableWriteError) as refused:
        CONNECTOR.translate(write)

    assert [(fault.field, fault.error_type) for fault in refused.value.faults] == faults
