"""Samsara under the suite that every connector has to pass."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from fleetwrite.connectors.samsara.connector import CONNECTOR
from fleetwrite.connectors.samsara.examples import EXAMPLES
from fleetwrite.connectors.samsara.outcomes import OUTCOMES
from fleetwrite.connectors.samsara.simulator import SIMULATOR
from fleetwrite.connectors.samsara.simulator.organizations import Organization, Token
from fleetwrite.connectors.sdk.suite import ConnectorSuite, Exhibit, Sent
from fleetwrite.connectors.sdk.write import Write
from fleetwrite.contract.enums import ResourceEnum

LARGE = Organization(
    id="7001",
    name="Test Haulage",
    tokens=(Token("samsara_api_test"),),
    drivers=tuple(
        {"name": f"Ana {number}", "username": f"driver.{number}", "password": "x", "timezone": "America/Chicago"}
        for number in range(515)
    ),
    users=({"name": "Ines Vogel", "email": "ines@fleet.example", "authType": "default", "role": "Full Admin"},),
    vehicles=tuple({"name": f"Unit {number}"} for number in range(515)),
    trailers=tuple({"name": f"TR-{number}"} for number in range(515)),
)

FLEET_VEHICLES, FLEET_TRAILERS, FLEET_DRIVERS = "/fleet/vehicles", "/fleet/trailers", "/fleet/drivers"


def one(method: str, path: str, **expected: Any) -> Callable[[Write], Sequence[Sent]]:
    """One call; values that are functions are asked for the write's own, and so is a path's `{id}`."""

    def sent(write: Write) -> Sequence[Sent]:
        target = "" if write.target is None else write.target.source_id
        query = {name: _of(value, write) for name, value in expected.get("query", {}).items()}
        return [Sent(method=method, path=path.replace("{id}", target), query=query, body=_of(expected["body"], write))]

    return sent


def _of(value: Any, write: Write) -> Any:
    if callable(value):
        return value(write)
    if isinstance(value, dict):
        return {name: _of(item, write) for name, item in value.items()}
    return [_of(item, write) for item in value] if isinstance(value, list) else value


def ours(write: Write) -> str:
    return write.operation_id.hex


def target(write: Write) -> str:
    return write.require_target().source_id


def id_of(field: str) -> Callable[[Write], str]:
    return lambda write: write.references[field].source_id


def number_of(field: str) -> Callable[[Write], int]:
    return lambda write: int(write.references[field].source_id)


def numbers(write: Write) -> list[int]:
    return [int(one.source_id) for one in write.reference_lists["recipient_ids"]]


def reference(write: Write) -> str:
    """Made up from the purchase, so that the same purchase has the same one."""
    return str((CONNECTOR.translate(write).call.body or {})["transactionReference"])


MARK = {"fleetwriteOperation": ours}
DRIVER_FULL = {
    "name": "Kira Novak",
    "username": "kira.novak.2",
    "password": "***",
    "email": "kira@fleet.example",
    "phone": "+15125550101",
    "licenseState": "TX",
    "licenseNumber": "D4471234",
    "externalIds": {"partnerEmployeeNumber": "E-1", **MARK},
    "notes": "Nights only",
    "usDriverRulesetOverride": {
        "cycle": "USA Property (8/70)",
        "restart": "34-hour Restart",
        "restbreak": "Property (off-duty/sleeper)",
        "usStateToOverride": "",
    },
    "eldYmEnabled": True,
    "eldPcEnabled": False,
    "eldAdverseWeatherExemptionEnabled": True,
    "timezone": "America/Chicago",
    "eldExempt": False,
}
VEHICLE_FULL = {
    "type": "vehicle",
    "name": "Unit 413",
    "vin": "1FUJGLDR5CLBP8834",
    "make": "Freightliner",
    "model": "Cascadia",
    "year": 2024,
    "licensePlate": "7XYZ889",
    "notes": "Lift gate on the left",
    "externalIds": {"partnerVehicleId": "veh_413", **MARK},
}
OFFICE_ROLE = [{"roleId": lambda write: write.settings["office_role_id"]}]
PURCHASE = {"driverId": id_of("driver_id"), "vehicleId": id_of("vehicle_id"), "transactionReference": reference}

SENT: dict[str, Callable[[Write], Sequence[Sent]]] = {
    "vehicle.create.minimal": one("POST", "/assets", body={"type": "vehicle", "name": "Unit 412", "externalIds": MARK}),
    "vehicle.create.full": one("POST", "/assets", body=VEHICLE_FULL),
    "vehicle.update.minimal": one("PATCH", f"{FLEET_VEHICLES}/{{id}}", body={"licensePlate": "7XYZ890"}),
    "vehicle.update.full": one(
        "PATCH",
        "/assets",
        query={"id": target},
        body={
            "year": 2023,
            "licensePlate": "7XYZ891",
            "notes": "Repainted",
            "externalIds": {"partnerVehicleId": "veh_414"},
        },
    ),
    "trailer.create.minimal": one("POST", FLEET_TRAILERS, body={"name": "TR-77", "externalIds": MARK}),
    "trailer.create.full": one(
        "POST",
        FLEET_TRAILERS,
        body={
            "name": "TR-78",
            "licensePlate": "4GZ978",
            "notes": "Reefer",
            "externalIds": {"partnerTrailerId": "trl_78", **MARK},
        },
    ),
    "trailer.create.full with a VIN": one(
        "POST",
        "/assets",
        body={"type": "trailer", "name": "TR-79", "vin": "1JJV532D7KL190079", "make": "Wabash", "externalIds": MARK},
    ),
    "trailer.update.minimal": one("PATCH", f"{FLEET_TRAILERS}/{{id}}", body={"notes": "New tyres"}),
    "trailer.update.full": one(
        "PATCH",
        f"{FLEET_TRAILERS}/{{id}}",
        body={"name": "TR-101a", "licensePlate": "4GZ979", "notes": "New tyres"},
    ),
    "user.create.minimal": one(
        "POST",
        FLEET_DRIVERS,
        body={"name": "Kira", "username": "kira.novak.1", "password": "***", "externalIds": MARK},
    ),
    "user.create.full": one("POST", FLEET_DRIVERS, body=DRIVER_FULL),
    "user.create.minimal office user": one(
        "POST",
        "/users",
        body={"name": "Nora", "email": "nora@fleet.example", "authType": "default", "roles": OFFICE_ROLE},
    ),
    "user.create.full office user": one(
        "POST",
        "/users",
        body={"name": "Nora Lind", "email": "nora.lind@fleet.example", "authType": "default", "roles": OFFICE_ROLE},
    ),
    "user.update.minimal": one("PATCH", f"{FLEET_DRIVERS}/{{id}}", body={"phone": "+15125550102"}),
    "user.update.full": one(
        "PATCH",
        f"{FLEET_DRIVERS}/{{id}}",
        body={"driverActivationStatus": "deactivated", "phone": "+15125550103", "eldYmEnabled": True},
    ),
    "user.update.minimal office user": one("PATCH", "/users/{id}", body={"name": "Ines Vogel-Lind"}),
    "user.update.full office user": one("PATCH", "/users/{id}", body={"name": "Ines Lind"}),
    "message.create.minimal": one(
        "POST", "/v1/fleet/messages", body={"driverIds": [number_of("recipient_id")], "text": "Dock 4"}
    ),
    "message.create.full": one(
        "POST",
        "/v1/fleet/messages",
        body={
            "driverIds": [number_of("recipient_id")],
            "text": "Dock 4 instead of dock 9. Call 555-0101 at the gate.",
        },
    ),
    "group_message.create.minimal": one(
        "POST", "/v1/fleet/messages", body={"driverIds": numbers, "text": "Ice on I-80"}
    ),
    "group_message.create.full": one("POST", "/v1/fleet/messages", body={"driverIds": numbers, "text": "Ice on I-80"}),
    "dvir_log.create.minimal": one(
        "POST",
        "/fleet/dvirs",
        body={
            "type": "mechanic",
            "authorId": id_of("driver_id"),
            "vehicleId": id_of("vehicle_id"),
            "safetyStatus": "safe",
        },
    ),
    "dvir_log.create.full": one(
        "POST",
        "/fleet/dvirs",
        body={
            "type": "mechanic",
            "authorId": id_of("driver_id"),
            "vehicleId": id_of("vehicle_id"),
            "safetyStatus": "safe",
            "odometerMeters": 241402405,
            "mechanicNotes": "Left mirror replaced\nInspected by: R. Meyer",
        },
    ),
    "fuel_transaction.create.minimal": one(
        "POST",
        "/fuel-purchase",
        body={
            **PURCHASE,
            "transactionTime": "2026-03-04T21:21:00Z",
            "transactionLocation": "350 Rhode Island St, San Francisco",
            "fuelQuantityLiters": "412.5",
            "transactionPrice": {"amount": "640.12", "currency": "eur"},
        },
    ),
    "fuel_transaction.create.full": one(
        "POST",
        "/fuel-purchase",
        body={
            **PURCHASE,
            "transactionTime": "2026-03-04T21:25:00Z",
            "transactionLocation": "32.7767, -96.797",
            "fuelQuantityLiters": "412.609884456",
            "iftaFuelType": "LiquifiedNaturalGas",
            "merchantName": "Northwind Fuel",
            "transactionPrice": {"amount": "371.34", "currency": "usd"},
        },
    ),
}


def large(folder: Path) -> SIMULATOR:
    return SIMULATOR(folder, [LARGE])


class TestSamsara(ConnectorSuite):
    exhibit = Exhibit(
        connector=CONNECTOR,
        simulator=SIMULATOR,
        examples=EXAMPLES,
        sent=SENT,
        outcomes=OUTCOMES,
        collections={
            ResourceEnum.VEHICLE: ("vehicles",),
            ResourceEnum.TRAILER: ("trailers",),
            ResourceEnum.USER: ("drivers", "users"),
            ResourceEnum.MESSAGE: ("messages",),
            ResourceEnum.GROUP_MESSAGE: ("messages",),
            ResourceEnum.DVIR_LOG: ("dvirs",),
            ResourceEnum.FUEL_TRANSACTION: ("fuel-purchase",),
        },
        makes={"group_message.create.full": 2},
        paged=(ResourceEnum.VEHICLE, ResourceEnum.TRAILER, ResourceEnum.USER),
        large=large,
        unreadable={
            "trailer.vin": "the list of trailers has no VIN; assets have",
            "trailer.oem": "likewise",
            "hos_ruleset_code": "Samsara shows the ruleset in words that several codes share",
            "hos_compliance_type": "an exemption is shown nowhere",
        },
    )
