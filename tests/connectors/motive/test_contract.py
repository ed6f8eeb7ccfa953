"""Motive under the suite that every connector has to pass."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from fleetwrite.connectors.motive.connector import CONNECTOR
from fleetwrite.connectors.motive.examples import EXAMPLES
from fleetwrite.connectors.motive.outcomes import OUTCOMES
from fleetwrite.connectors.motive.simulator import SIMULATOR, Company
from fleetwrite.connectors.sdk.suite import ConnectorSuite, Exhibit, Sent
from fleetwrite.connectors.sdk.write import Write
from fleetwrite.contract.enums import ResourceEnum

ASSET = {"type": "reefer", "make": "Utility", "model": "3000R"}
# Two full pages of 100, and a third.
LARGE = Company(
    id=7001,
    name="Test Haulage",
    auth_code="motive_test_code",
    users=tuple(
        {"role": "driver", "first_name": "Ana", "last_name": str(n), "username": f"driver.{n}", "password": "x"}
        for n in range(205)
    ),
    vehicles=tuple({"number": f"Unit {n}"} for n in range(205)),
    assets=tuple({**ASSET, "name": f"TR-{n}", "year": "2019"} for n in range(205)),
)


def one(method: str, path: str, body: dict[str, Any], *, after_a_look: bool = False) -> Callable[[Write], Any]:
    """One call, maybe after a read of the same path; values that are functions are asked for the write's own."""

    def sent(write: Write) -> Sequence[Sent]:
        target = "" if write.target is None else f"/{write.target.source_id}"
        writing = Sent(method=method, path=path + target, body=_of(body, write))
        return [*([Sent(method="GET", path=path + target, is_read=True)] if after_a_look else []), writing]

    return sent


def _of(value: Any, write: Write) -> Any:
    if callable(value):
        return value(write)
    if isinstance(value, dict):
        return {name: _of(item, write) for name, item in value.items()}
    return [_of(item, write) for item in value] if isinstance(value, list) else value


def number_of(field: str) -> Callable[[Write], int]:
    return lambda write: int(write.references[field].source_id)


def numbers(write: Write) -> list[int]:
    return [int(reference.source_id) for reference in write.reference_lists["recipient_ids"]]


MARK = {"external_id": lambda write: write.operation_id.hex, "integration_name": "fleetwrite_operation"}
MARKED = {"external_ids_attributes": [MARK]}


def named(integration_name: str, external_id: str) -> dict[str, str]:
    return {"external_id": external_id, "integration_name": integration_name}


VEHICLES, ASSETS, USERS, MESSAGES, PURCHASES = (
    *("/v1/vehicles", "/v1/assets", "/v1/users"),
    *("/v2/messages", "/v1/fuel_purchases"),
)
TRAILER = {"make": "Utility", "model": "3000R", "year": "2024"}
MESSAGE = {"sender_id": number_of("sender_id"), "receiver_ids": [number_of("recipient_id")]}
PURCHASE = {
    "vehicle_id": number_of("vehicle_id"),
    "driver_id": number_of("driver_id"),
    "jurisdiction": "TX",
    "ref_no": lambda write: f"FW-{write.operation_id.hex}",
}

SENT: dict[str, Callable[[Write], Any]] = {
    "vehicle.create.minimal": one("POST", VEHICLES, {"number": "Unit 412", **MARKED}),
    "vehicle.create.full": one(
        "POST",
        VEHICLES,
        {
            "number": "Unit 413",
            "make": "Freightliner",
            "model": "Cascadia",
            "year": "2024",
            "vin": "1FUJGLDR5CLBP8834",
            "license_plate_state": "TX",
            "license_plate_number": "7XYZ889",
            "notes": "Lift gate on the left",
            "fuel_type": "diesel",
            "external_ids_attributes": [MARK, named("partner_vehicle", "veh_413")],
        },
    ),
    "vehicle.update.minimal": one("PUT", VEHICLES, {"license_plate_number": "7XYZ890"}),
    "vehicle.update.full": one(
        "PUT",
        VEHICLES,
        {
            "number": "Unit 101a",
            "year": "2023",
            "status": "deactivated",
            "availability_details": {"availability_status": "out_of_service"},
            "notes": "Repainted",
            "fuel_type": "cng",
            "external_ids_attributes": [named("partner_vehicle", "veh_101")],
        },
        after_a_look=True,
    ),
    "trailer.create.minimal": one("POST", ASSETS, {"name": "TR-77", "type": "reefer", **TRAILER, **MARKED}),
    "trailer.create.full": one(
        "POST",
        ASSETS,
        {
            "name": "TR-78",
            "type": "custom",
            "custom_type": "Dry van",
            **TRAILER,
            "vin": "1UYVS2538M6123456",
            "license_plate_state": "TX",
            "license_plate_number": "4GZ978",
            "notes": "Swing doors",
            "axle": 2,
            "length": 53,
            "external_ids_attributes": [MARK, named("partner_trailer", "trl_78")],
        },
    ),
    "trailer.update.minimal": one("PUT", ASSETS, {"notes": "New tyres"}),
    "trailer.update.full": one(
        "PUT",
        ASSETS,
        {
            "name": "TR-101a",
            "type": "flatbed",
            "year": "2020",
            "availability_details": {"availability_status": "out_of_service"},
            "external_ids_attributes": [named("partner_trailer", "trl_101")],
        },
        after_a_look=True,
    ),
    "user.create.minimal": one(
        "POST",
        USERS,
        {
            "role": "driver",
            "first_name": "Kira",
            "last_name": "Novak",
            "username": "kira.novak.1",
            "password": "***",
            **MARKED,
        },
    ),
    "user.create.full": one(
        "POST",
        USERS,
        {
            "role": "driver",
            "username": "kira.novak.2",
            "email": "kira@fleet.example",
            "first_name": "Kira",
            "last_name": "Novak",
            "password": "***",
            "phone": "+15125550101",
            "drivers_license_state": "TX",
            "drivers_license_number": "D4471234",
            "driver_company_id": "E-1",
            "cycle": "60_7",
            "yard_moves_enabled": True,
            "personal_conveyance_enabled": False,
            "time_zone": "Eastern Time (US & Canada)",
            "eld_mode": "none",
            "time_tracking_mode": "logs",
            **MARKED,
        },
    ),
    "user.create.minimal office user": one(
        "POST",
        USERS,
        {
            "role": "fleet_user",
            "first_name": "Nora",
            "last_name": "Lind",
            "email": "nora@fleet.example",
            "password": "***",
            **MARKED,
        },
    ),
    "user.create.full office user": one(
        "POST",
        USERS,
        {
            "role": "fleet_user",
            "username": "nora.lind",
            "email": "nora.lind@fleet.example",
            "first_name": "Nora",
            "last_name": "Lind",
            "password": "***",
            "phone": "+15125550104",
            "time_zone": "Arizona",
            **MARKED,
        },
    ),
    "user.update.minimal": one("PUT", USERS, {"phone": "+15125550102"}),
    "user.update.full": one(
        "PUT",
        USERS,
        {
            "status": "deactivated",
            "phone": "+15125550103",
            "yard_moves_enabled": True,
            "eld_mode": "exempt",
            "time_tracking_mode": "not_required",
        },
    ),
    "user.update.minimal office user": one("PUT", USERS, {"last_name": "Vogel-Lind"}),
    "user.update.full office user": one(
        "PUT", USERS, {"last_name": "Lind", "email": "ines.lind@fleet.example", "status": "active"}
    ),
    "message.create.minimal": one("POST", MESSAGES, {**MESSAGE, "body": "Dock 4"}),
    "message.create.full": one(
        "POST", MESSAGES, {**MESSAGE, "body": "Dock 4 instead of dock 9. Call 555-0101 at the gate."}
    ),
    **{
        f"group_message.create.{name}": one(
            "POST",
            MESSAGES,
            {"sender_id": number_of("sender_id"), "receiver_ids": numbers, "body": "Ice on I-80"},
        )
        for name in ("minimal", "full")
    },
    "fuel_transaction.create.minimal": one(
        "POST",
        PURCHASES,
        {
            **PURCHASE,
            "purchased_at": "2026-03-04T21:21:00Z",
            "fuel_type": "diesel",
            "fuel": 412.5,
            "fuel_unit": "ltr",
        },
    ),
    "fuel_transaction.create.full": one(
        "POST",
        PURCHASES,
        {
            **PURCHASE,
            "purchased_at": "2026-03-04T21:25:00Z",
            "location": "4712 W Interstate 20, Odessa",
            "odometer": 150000,
            "odometer_unit": "MI",
            "fuel_type": "lng",
            "fuel": 109.25,
            "fuel_unit": "gal",
            "vendor": "Northwind Fuel",
            "total_cost": 371.34,
            "currency": "USD",
        },
    ),
}

_NOT_SHOWN = "the contract shows no such field of a user"


def _large(folder: Path) -> Any:
    return SIMULATOR(folder, [LARGE])


class TestContract(ConnectorSuite):
    exhibit = Exhibit(
        connector=CONNECTOR,
        simulator=SIMULATOR,
        examples=EXAMPLES,
        sent=SENT,
        outcomes=OUTCOMES,
        collections={
            ResourceEnum.VEHICLE: ("vehicles",),
            ResourceEnum.TRAILER: ("assets",),
            ResourceEnum.USER: ("users",),
            ResourceEnum.MESSAGE: ("messages",),
            ResourceEnum.GROUP_MESSAGE: ("messages",),
            ResourceEnum.FUEL_TRANSACTION: ("fuel_purchases",),
        },
        paged=(ResourceEnum.VEHICLE, ResourceEnum.TRAILER, ResourceEnum.USER),
        large=_large,
        unreadable={"hos_compliance_type": _NOT_SHOWN, "hos_tracking_method": _NOT_SHOWN},
    )
