"""Geotab under the suite that every connector has to pass."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from fleetwrite.connectors.geotab.connector import CONNECTOR
from fleetwrite.connectors.geotab.examples import EXAMPLES
from fleetwrite.connectors.geotab.outcomes import OUTCOMES
from fleetwrite.connectors.geotab.simulator import SIMULATOR, Database, Login
from fleetwrite.connectors.geotab.simulator.databases import asset, driver, office_user
from fleetwrite.connectors.sdk.suite import ConnectorSuite, ErrorAnswer, Exhibit, Sent
from fleetwrite.connectors.sdk.write import Write
from fleetwrite.contract.enums import ResourceEnum

LARGE = Database(
    name="test_haulage",
    fleet_name="Test Haulage",
    logins=(Login("gateway@fleet.example", "Demo-test-2026"),),
    users=(office_user("Fleetwrite Gateway", "gateway@fleet.example"),),
    drivers=tuple(driver(f"Ana Ruiz{number}", f"ana{number}@fleet.example") for number in range(515)),
    vehicles=tuple(asset(f"Unit {number}", "GroupVehicleId") for number in range(515)),
    trailers=tuple(asset(f"TR-{number}", "GroupTrailerId") for number in range(515)),
)
CREDENTIALS = {"database": "northwind_haulage", "userName": "***", "sessionId": "***"}

Entity = Callable[[Write], Mapping[str, Any]]


def call(method: str, type_name: str, **params: Any) -> Sent:
    """One call, as the log shows it."""
    body = {"method": method, "params": {"typeName": type_name, **params, "credentials": CREDENTIALS}}
    return Sent(
        method="POST", path="/apiv1", operation=f"{method} {type_name}", body=body, is_read=method.startswith("Get")
    )


def adding(type_name: str, entity: Entity) -> Callable[[Write], Sequence[Sent]]:
    return lambda write: [call("Add", type_name, entity=entity(write))]


def setting(type_name: str, held: Mapping[str, Any], **changes: Any) -> Callable[[Write], Sequence[Sent]]:
    """An update: the entity is read, and the whole of it sent back."""
    return lambda write: [
        call("Get", type_name, search={"id": write.require_target().source_id}),
        call("Set", type_name, entity={**held, **changes}),
    ]


def sending(**content: Any) -> Callable[[Write], Sequence[Sent]]:
    """A message: first the vehicle is asked for that its driver is in."""

    def sent(write: Write) -> Sequence[Sent]:
        recipient = {"id": write.references["recipient_id"].source_id}
        entity = {
            "messageContent": {"contentType": "Normal", **content},
            "recipient": recipient,
            "user": {"id": write.references["sender_id"].source_id},
            "isDirectionToVehicle": True,
            "device": {"id": HELD_VEHICLE["id"]},
        }
        return [
            call("Get", "DeviceStatusInfo", search={"userSearch": recipient}),
            call("Add", "TextMessage", entity=entity),
        ]

    return sent


def device(group: str, notes: str = "", **fields: Any) -> Entity:
    return lambda write: {
        **fields,
        "groups": [{"id": "GroupCompanyId"}, {"id": group}],
        "comment": _marked(notes, write),
    }


def user(clearance: str, notes: str = "", **fields: Any) -> Entity:
    return lambda write: {
        **fields,
        "userAuthenticationType": "BasicAuthentication",
        "companyGroups": [{"id": "GroupCompanyId"}],
        "securityGroups": [{"id": clearance}],
        "comment": _marked(notes, write),
        "password": "***",
    }


def inspection(of: str, **fields: Any) -> Entity:
    return lambda write: {
        "device": {"id": write.references[of].source_id},
        "driver": {"id": write.references["driver_id"].source_id},
        "defectList": {"id": "GroupDefectsId"},
        **fields,
    }


def purchase(**fields: Any) -> Entity:
    return lambda write: {
        "device": {"id": write.references["vehicle_id"].source_id},
        "driver": {"id": write.references["driver_id"].source_id},
        "externalReference": _reference(write),
        "sourceData": f'{{"operation":"fleetwrite:{write.operation_id.hex}"}}',
        **fields,
    }


def _marked(notes: str, write: Write) -> str:
    return f"{notes}\nfleetwrite:{write.operation_id.hex}".strip()


def _reference(write: Write) -> str:
    """Made up from the purchase, so that the same purchase has the same one."""
    return str((CONNECTOR.translate(write).call.body or {})["params"]["entity"]["externalReference"])


HELD_DEVICE: dict[str, Any] = {
    "activeFrom": "2024-01-01T00:00:00.000Z",
    "activeTo": "2050-01-01T00:00:00.000Z",
    "comment": "",
    "licenseState": "",
    "timeZoneId": "America/New_York",
    "workTime": "WorkTimeStandardHoursId",
    "customProperties": [],
    "ignoreDownloadsUntil": "1986-01-01T00:00:00.000Z",
    "maxSecondsBetweenLogs": 200,
    "odometerOffset": 0.0,
    "engineHourOffset": 0.0,
    "engineVehicleIdentificationNumber": "?",
}
HELD_VEHICLE: dict[str, Any] = {
    **HELD_DEVICE,
    "id": "b1",
    "version": "0000000000000001",
    "name": "Unit 101",
    "groups": [{"id": "GroupCompanyId"}, {"id": "GroupVehicleId"}],
    "serialNumber": "G91000000001",
    "vehicleIdentificationNumber": "1XKYDP9X1MJ431001",
    "licensePlate": "NW1001",
    "licenseState": "TX",
    "deviceType": "GO9",
    "productId": 120,
}
HELD_TRAILER: dict[str, Any] = {
    **HELD_DEVICE,
    "id": "b7",
    "version": "0000000000000007",
    "name": "Trailer 101",
    "groups": [{"id": "GroupCompanyId"}, {"id": "GroupTrailerId"}],
    "serialNumber": "",
    "vehicleIdentificationNumber": "",
    "licensePlate": "TR1001",
    "deviceType": "None",
    "productId": -1,
    "tmpTrailerId": "northwind_haulage-b7",
}
HELD_DRIVER: dict[str, Any] = {
    "id": "b4",
    "version": "0000000000000004",
    "name": "ana.ruiz@northwind-haulage.example",
    "firstName": "Ana",
    "lastName": "Ruiz",
    "activeFrom": "2024-01-01T00:00:00.000Z",
    "activeTo": "2050-01-01T00:00:00.000Z",
    "comment": "",
    "designation": "",
    "employeeNo": "",
    "phoneNumber": "",
    "countryCode": "",
    "carrierNumber": "",
    "authorityName": "",
    "authorityAddress": "",
    "timeZoneId": "America/New_York",
    "userAuthenticationType": "BasicAuthentication",
    "isDriver": True,
    "isYardMoveEnabled": False,
    "isPersonalConveyanceEnabled": False,
    "isAdverseDrivingEnabled": False,
    "isMetric": True,
    "changePassword": False,
    "companyGroups": [{"id": "GroupCompanyId"}],
    "securityGroups": [{"id": "GroupDriveUserSecurityId"}],
    "driverGroups": [{"id": "GroupCompanyId"}],
    "licenseNumber": "D4410001",
    "licenseProvince": "TX",
}
"""What the simulator starts with, in full: `Set` resets whatever is left out."""

DRIVER_GROUPS: dict[str, Any] = {"isDriver": True, "driverGroups": [{"id": "GroupCompanyId"}]}

SENT: dict[str, Callable[[Write], Sequence[Sent]]] = {
    "vehicle.create.minimal": adding("Device", device("GroupVehicleId", name="Unit 412")),
    "vehicle.create.full": adding(
        "Device",
        device(
            "GroupVehicleId",
            "Lift gate on the left",
            name="Unit 413",
            vehicleIdentificationNumber="1FUJGLDR5CLBP8834",
            licensePlate="7XYZ889",
            licenseState="CA",
            activeTo="2050-01-01T00:00:00.000Z",
            serialNumber="G9ABCDEFGH13",
        ),
    ),
    "vehicle.update.minimal": setting("Device", HELD_VEHICLE, licensePlate="7XYZ890"),
    "vehicle.update.full": setting(
        "Device",
        HELD_VEHICLE,
        name="Unit 414",
        vehicleIdentificationNumber="1FUJGLDR5CLBP8835",
        licensePlate="7XYZ891",
        licenseState="NV",
        comment="Repainted",
    ),
    "trailer.create.minimal": adding("Device", device("GroupTrailerId", name="TR-77")),
    "trailer.create.full": adding(
        "Device",
        device(
            "GroupTrailerId",
            "Reefer",
            name="TR-78",
            vehicleIdentificationNumber="1JJV532D7KL190078",
            licensePlate="4GZ978",
            licenseState="CA",
            activeTo="2050-01-01T00:00:00.000Z",
            serialNumber="G9ABCDEFGH78",
        ),
    ),
    "trailer.update.minimal": setting("Device", HELD_TRAILER, comment="New tyres"),
    "trailer.update.full": setting(
        "Device", HELD_TRAILER, name="TR-79", licensePlate="4GZ979", licenseState="NV", comment="Empty"
    ),
    "user.create.minimal": adding(
        "User",
        user(
            "GroupDriveUserSecurityId",
            name="gus.hall@fleet.example",
            firstName="Gus",
            lastName="Hall",
            **DRIVER_GROUPS,
        ),
    ),
    "user.create.full": adding(
        "User",
        user(
            "GroupDriveUserSecurityId",
            "Nights only",
            name="hana.sato@fleet.example",
            firstName="Hana",
            lastName="Sato",
            activeTo="2050-01-01T00:00:00.000Z",
            designation="Lead driver",
            phoneNumber="+1 5551234567",
            countryCode="US",
            licenseProvince="TX",
            licenseNumber="D4410987",
            employeeNo="E-1044",
            carrierNumber="1234567",
            isYardMoveEnabled=True,
            isPersonalConveyanceEnabled=True,
            isAdverseDrivingEnabled=False,
            timeZoneId="America/Chicago",
            **DRIVER_GROUPS,
        ),
    ),
    "user.create.full of the office": adding(
        "User",
        user(
            "GroupNothingSecurityId",
            name="ivo.blum@fleet.example",
            firstName="Ivo",
            lastName="Blum",
            isDriver=False,
            designation="Dispatcher",
        ),
    ),
    "user.update.minimal": setting("User", HELD_DRIVER, phoneNumber="+1 5550000000"),
    "user.update.full": setting(
        "User",
        HELD_DRIVER,
        firstName="Anna",
        lastName="Reed",
        designation="Trainer",
        phoneNumber="+1 5550000001",
        countryCode="CA",
        licenseProvince="ON",
        licenseNumber="R4410001",
        employeeNo="E-1045",
        comment="Days only",
        isYardMoveEnabled=True,
        isPersonalConveyanceEnabled=True,
        isAdverseDrivingEnabled=True,
        timeZoneId="America/Toronto",
    ),
    "message.create.minimal": sending(message="Load 4711 moved to dock 7."),
    "message.create.full": sending(message="Bridge closed on I-35. Take exit 42.", urgent=True),
    "dvir_log.create.minimal": adding(
        "DVIRLog", inspection("vehicle_id", dateTime="2026-11-02T08:15:00.000Z", logType="PreTrip")
    ),
    "dvir_log.create.full": adding(
        "DVIRLog",
        inspection(
            "trailer_id",
            dateTime="2026-11-02T23:40:00.000Z",
            logType="Unknown",
            isInspectedByDriver=False,
            isSafeToOperate=False,
            odometer=254300000,
            driverRemark="Left mirror cracked\nCertification: Replaced\nInspected by: Jo Pratt",
        ),
    ),
    "fuel_transaction.create.minimal": adding(
        "FuelTransaction", purchase(dateTime="2026-11-02T09:21:00.000Z", volume=412.6)
    ),
    "fuel_transaction.create.full": adding(
        "FuelTransaction",
        purchase(
            dateTime="2026-11-02T21:21:00.000Z",
            location={"x": -96.797, "y": 32.7767},
            comments="4200 Main St, Dallas, TX",
            odometer=254295.664,
            productType="Diesel",
            volume=414.502590348,
            siteName="Pilot 123",
            cost=371.34,
            currencyCode="USD",
        ),
    ),
}


def told(code: str | int) -> ErrorAnswer:
    """How Geotab tells an error: in status 200."""
    return ErrorAnswer(200, {"error": {"message": "Told.", "code": -32000, "data": {"type": code}}, "jsonrpc": "2.0"})


def large(folder: Path) -> SIMULATOR:
    return SIMULATOR(folder, [LARGE])


class TestGeotab(ConnectorSuite):
    exhibit = Exhibit(
        connector=CONNECTOR,
        simulator=SIMULATOR,
        examples=EXAMPLES,
        sent=SENT,
        outcomes=OUTCOMES,
        error_answer=told,
        collections={
            ResourceEnum.VEHICLE: ("Device",),
            ResourceEnum.TRAILER: ("Device",),
            ResourceEnum.USER: ("User",),
            ResourceEnum.MESSAGE: ("TextMessage",),
            ResourceEnum.DVIR_LOG: ("DVIRLog",),
            ResourceEnum.FUEL_TRANSACTION: ("FuelTransaction",),
        },
        paged=(ResourceEnum.VEHICLE, ResourceEnum.TRAILER, ResourceEnum.USER),
        large=large,
    )
