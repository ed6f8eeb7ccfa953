"""Rows of reports in the contract's terms."""

from typing import Any

import pytest

from fleetwrite.connectors.webfleet.reading import read_driver, read_vehicle, without_mark
from fleetwrite.contract.enums import EngineType

ENGINES = {
    0: None,
    1: EngineType.DIESEL,
    2: EngineType.GASOLINE,
    3: EngineType.LPG,
    4: EngineType.HYBRID,
    5: EngineType.HYBRID,
    6: EngineType.ELECTRICITY,
    7: EngineType.CNG,
    8: EngineType.LNG,
    9: EngineType.HYDROGEN,
    10: None,
}


def known(attributes: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in attributes.items() if value not in (None, "")}


@pytest.mark.parametrize("code", ENGINES)
def test_a_fuel_code_is_an_engine(code: int) -> None:
    assert read_vehicle({"vh_fueltype": code})["engine_type"] is ENGINES[code]
    assert read_vehicle({"vh_fueltype": str(code)})["engine_type"] is ENGINES[code]


def test_a_vehicle_is_read_in_full() -> None:
    row = {
        "objectno": "101",
        "objectuid": "1-50203-560600001",
        "objectname": "Truck 101",
        "licenseplatenumber": "L-NW 1001",
        "identnumber": "WDB9634031L000001",
        "manufacturedyear": 2021,
        "numaxes": "2",
        "description": "Lift gate",
        "externalid": "veh_101",
        "vh_fueltype": 1,
    }
    assert read_vehicle(row) == {
        "vehicle_name": "Truck 101",
        "model_year": 2021,
        "vin": "WDB9634031L000001",
        "license_plate_number": "L-NW 1001",
        "notes": "Lift gate",
        "total_axles": 2,
        "external_id": "veh_101",
        "engine_type": EngineType.DIESEL,
    }


def test_of_an_empty_vehicle_nothing_is_known() -> None:
    assert known(read_vehicle({"objectuid": "1", "manufacturedyear": 0, "numaxes": "", "vh_fueltype": None})) == {}


@pytest.mark.parametrize(
    "license_",
    [
        '{"number":"B072","country":"DE","state":"Bayern","expiry_date":"2031-03-31"}',
        {"number": "B072", "country": "DE", "state": "Bayern", "expiry_date": "2031-03-31T00:00:00+02:00"},
    ],
    ids=["text", "object"],
)
def test_a_driver_is_read_in_full(license_: Any) -> None:
    row = {
        "driverno": "D-301",
        "name1": "Ana",
        "name2": "Ruiz",
        "name3": "Lind",
        "email": "ana@fleet.example",
        "telmobile": "+49 151",
        "description": "Nights only",
        "driving_license": license_,
    }
    assert read_driver(row) == {
        "is_driver": True,
        "is_active": True,
        "status": "ACTIVE",
        "first_name": "Ana",
        "last_name": "Ruiz Lind",
        "user_email": "ana@fleet.example",
        "phone_number": "+49 151",
        "employee_number": "D-301",
        "license_country": "DEU",
        "license_region": "Bayern",
        "license_number": "B072",
        "license_expiration": "2031-03-31",
        "notes": "Nights only",
    }


@pytest.mark.parametrize("license_", [None, "", "no JSON", "[]"])
def test_of_a_driver_without_a_licence_none_is_known(license_: Any) -> None:
    read = known(read_driver({"driverno": "D-301", "name1": "Ana", "driving_license": license_}))

    assert read == {
        "is_driver": True,
        "is_active": True,
        "status": "ACTIVE",
        "first_name": "Ana",
        "employee_number": "D-301",
    }


MARK = "[fleetwrite 0198c0de00007000800000000000abcd]"


@pytest.mark.parametrize(
    ("description", "notes"),
    [
        (None, None),
        ("Nights only", "Nights only"),
        (f"Nights only {MARK}", "Nights only"),
        (f"Nights\nonly\n{MARK} ", "Nights\nonly"),
        (MARK, ""),
        (f"{MARK} and more", f"{MARK} and more"),
        ("[fleetwrite soon]", "[fleetwrite soon]"),
    ],
)
def test_only_the_mark_is_left_out_of_notes(description: str | None, notes: str | None) -> None:
    assert without_mark(description) == notes
