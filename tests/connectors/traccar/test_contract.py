"""Traccar under the suite that every connector has to pass."""

from collections.abc import Callable, Sequence
from typing import Any

from fleetwrite.connectors.sdk.suite import ConnectorSuite, Exhibit, Sent
from fleetwrite.connectors.sdk.write import Write
from fleetwrite.connectors.traccar.connector import CONNECTOR
from fleetwrite.connectors.traccar.examples import EXAMPLES
from fleetwrite.connectors.traccar.outcomes import OUTCOMES
from fleetwrite.connectors.traccar.simulator import SIMULATOR, Fleet
from fleetwrite.connectors.traccar.simulator.server import REPORTED_AT
from fleetwrite.contract.enums import ResourceEnum

LARGE = Fleet(
    id="7",
    name="Test Haulage",
    token="traccar_test",
    drivers=tuple({"name": f"Ana {number}", "uniqueId": f"D{number}"} for number in range(515)),
    devices=tuple(
        {"name": f"Unit {number}", "uniqueId": f"{category}{number}", "category": category}
        for category in ("truck", "trailer")
        for number in range(515)
    ),
)

# What the simulator made of the first demonstration fleet: its first vehicle (with the driver in it), trailer, driver.
VEHICLE = {
    "attributes": {"vin": "1XKYDP9X1MJ431001", "speedLimit": 48.6},
    "groupId": 0,
    "calendarId": 0,
    "name": "Unit 101",
    "uniqueId": "862464061000001",
    "status": "online",
    "lastUpdate": REPORTED_AT,
    "positionId": 1,
    "phone": "+15125551101",
    "model": None,
    "contact": None,
    "category": "truck",
    "disabled": False,
    "expirationTime": None,
}
TRAILER = {
    **VEHICLE,
    "attributes": {},
    "name": "TR-101",
    "uniqueId": "TR101",
    "status": "offline",
    "lastUpdate": None,
    "positionId": 0,
    "phone": None,
    "category": "trailer",
}
DRIVER = {"attributes": {}, "name": "Ana Ruiz", "uniqueId": "1001AF31C2"}


def created(path: str, attributes: dict[str, Any] | None = None, **body: Any) -> Callable[[Write], Sequence[Sent]]:
    def sent(write: Write) -> Sequence[Sent]:
        mark = {"fleetwriteOperation": write.operation_id.hex}
        return [Sent(method="POST", path=path, body={**body, "attributes": {**(attributes or {}), **mark}})]

    return sent


def updated(
    path: str, held: dict[str, Any], attributes: dict[str, Any], **body: Any
) -> Callable[[Write], Sequence[Sent]]:
    """Read, and written back with what changes; nothing else is lost."""

    def sent(write: Write) -> Sequence[Sent]:
        source_id = write.require_target().source_id
        whole = {**held, **body, "id": int(source_id), "attributes": {**held["attributes"], **attributes}}
        return [
            Sent(method="GET", path=f"{path}/{source_id}", is_read=True),
            Sent(method="PUT", path=f"{path}/{source_id}", body=whole),
        ]

    return sent


def message(text: str) -> Callable[[Write], Sequence[Sent]]:
    def sent(write: Write) -> Sequence[Sent]:
        driver_id = write.references["recipient_id"].source_id
        return [
            Sent(method="GET", path=f"/api/drivers/{driver_id}", is_read=True),
            Sent(method="GET", path="/api/positions", is_read=True),
            Sent(method="GET", path="/api/commands/types", query={"deviceId": "1"}, is_read=True),
            Sent(
                method="POST",
                path="/api/commands/send",
                body={"attributes": {"message": text}, "type": "message", "deviceId": 1},
            ),
        ]

    return sent


SENT: dict[str, Callable[[Write], Sequence[Sent]]] = {
    "vehicle.create.minimal": created("/api/devices", name="Unit 412", uniqueId="862464061234121"),
    "vehicle.create.full": created(
        "/api/devices",
        {
            "make": "Freightliner",
            "vehicleModel": "Cascadia",
            "modelYear": 2024,
            "vin": "1FUJGLDR5CLBP8834",
            "engineVin": "79123456",
            "licensePlateRegion": "TX",
            "licensePlateCountry": "USA",
            "licensePlate": "7XYZ889",
            "serviceStatus": "IN_SERVICE",
            "notes": "Lift gate on the left",
            "axles": 3,
            "externalId": "veh_413",
            "fuelCapacity": "240 gallons",
            "engineType": "DIESEL",
        },
        name="Unit 413",
        uniqueId="862464061234139",
        model="MDVR-8",
        disabled=False,
    ),
    "vehicle.update.minimal": updated("/api/devices", VEHICLE, {"licensePlate": "7XYZ890"}),
    "vehicle.update.full": updated(
        "/api/devices",
        VEHICLE,
        {"licensePlate": "7XYZ891", "notes": "Repainted", "externalId": "veh_414"},
        name="Unit 101a",
        uniqueId="862464061234147",
        disabled=True,
    ),
    "trailer.create.minimal": created("/api/devices", name="TR-77", uniqueId="TR-77", category="trailer"),
    "trailer.create.full": created(
        "/api/devices",
        {
            "make": "Wabash",
            "vehicleModel": "DuraPlate",
            "modelYear": 2022,
            "vin": "1JJV532D7KL190078",
            "licensePlateRegion": "TX",
            "licensePlateCountry": "USA",
            "licensePlate": "4GZ978",
            "serviceStatus": "IN_SERVICE",
            "notes": "Reefer",
            "axles": 2,
            "externalId": "trl_78",
            "trailerLength": 53.5,
            "trailerType": "Reefer",
        },
        name="TR-78",
        uniqueId="862464061234154",
        model="TAT-141",
        disabled=False,
        category="trailer",
    ),
    "trailer.update.minimal": updated("/api/devices", TRAILER, {"notes": "New tyres"}),
    "trailer.update.full": updated(
        "/api/devices", TRAILER, {"licensePlate": "4GZ979", "trailerLength": 48}, name="TR-101a"
    ),
    "user.create.minimal": created("/api/drivers", name="Kira", uniqueId="E-1"),
    "user.create.full": created(
        "/api/drivers",
        {
            "username": "kira.novak",
            "designation": "Long haul",
            "email": "kira@fleet.example",
            "phone": "+15125550101",
            "country": "USA",
            "licenseCountry": "USA",
            "licenseRegion": "TX",
            "licenseNumber": "D4471234",
            "licenseExpiration": "2028-05-31",
            "carrierNumber": "1234567",
            "notes": "Nights only",
        },
        name="Kira Novak",
        uniqueId="E-2",
    ),
    "user.update.minimal": updated("/api/drivers", DRIVER, {"phone": "+15125550102"}),
    "user.update.full": updated(
        "/api/drivers",
        DRIVER,
        {"phone": "+15125550103", "licenseExpiration": "2030-05-31"},
        name="Ana Ruiz-Lind",
        uniqueId="E-3",
    ),
    "message.create.minimal": message("Dock 4"),
    "message.create.full": message("Dock 4 instead of dock 9. Call 555-0101 at the gate."),
}


class TestTraccar(ConnectorSuite):
    exhibit = Exhibit(
        connector=CONNECTOR,
        simulator=SIMULATOR,
        examples=EXAMPLES,
        sent=SENT,
        outcomes=OUTCOMES,
        collections={
            ResourceEnum.VEHICLE: ("devices",),
            ResourceEnum.TRAILER: ("devices",),
            ResourceEnum.USER: ("drivers",),
            ResourceEnum.MESSAGE: ("commands",),
        },
        paged=(ResourceEnum.VEHICLE, ResourceEnum.TRAILER, ResourceEnum.USER),
        large=lambda folder: SIMULATOR(folder, [LARGE]),
    )
