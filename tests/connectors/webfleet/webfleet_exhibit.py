"""Webfleet's connector and simulator, and which calls each example must lead to."""

from collections.abc import Callable, Sequence
from typing import Any

from fleetwrite.connectors.sdk.suite import ErrorAnswer, Exhibit, Sent
from fleetwrite.connectors.sdk.write import Write
from fleetwrite.connectors.webfleet.connector import CONNECTOR
from fleetwrite.connectors.webfleet.examples import EXAMPLES
from fleetwrite.connectors.webfleet.outcomes import OUTCOMES
from fleetwrite.connectors.webfleet.simulator import SIMULATOR, demo_accounts, vehicle_uid
from fleetwrite.contract.enums import ResourceEnum

COMMON = {
    "account": "northwind",
    "apikey": "***",
    "lang": "en",
    "outputformat": "json",
    "useUTF8": "true",
    "useISO8601": "true",
}
FIRST_VEHICLE = vehicle_uid(demo_accounts()[0], 0)


def ours(write: Write) -> str:
    return f"[fleetwrite {write.operation_id.hex}]"


def target(write: Write) -> str:
    return write.require_target().source_id


def recipient(write: Write) -> str:
    return write.references["recipient_id"].source_id


def asked(action: str, **parameters: Any) -> Callable[[Write], Sent]:
    """A report, filtered; values that are functions are asked for the write's own."""
    return lambda write: Sent(
        method="GET",
        path="/extern",
        operation=action,
        query={**COMMON, "action": action, **_of(parameters, write)},
        is_read=True,
    )


def written(action: str, **parameters: Any) -> Callable[[Write], Sent]:
    """A call that changes something; values as above."""
    return lambda write: Sent(
        method="POST",
        path="/extern",
        operation=action,
        body={**COMMON, "action": action, **_of(parameters, write)},
    )


def _of(parameters: dict[str, Any], write: Write) -> dict[str, Any]:
    return {name: value(write) if callable(value) else value for name, value in parameters.items()}


def calls(*expected: Callable[[Write], Sent]) -> Callable[[Write], Sequence[Sent]]:
    return lambda write: [one(write) for one in expected]


def message(text: str) -> Callable[[Write], Sequence[Sent]]:
    return calls(
        asked("showDriverReportExtern", driveruid=recipient),
        written("sendTextMessageExtern", messagetext=text, objectuid=FIRST_VEHICLE),
    )


SENT: dict[str, Callable[[Write], Sequence[Sent]]] = {
    "vehicle.update.minimal": calls(written("updateVehicle", objectuid=target, licenseplatenumber="L-NW 4711")),
    "vehicle.update.full": calls(
        written(
            "updateVehicle",
            objectuid=target,
            denotation="Actros 101",
            manufacturedyear="2024",
            identnumber="WDB9634031L123456",
            licenseplatenumber="L-NW 4712",
            description="Lift gate on the left",
            numaxles="3",
            externalid="veh_101",
            fueltype="8",
        )
    ),
    "user.create.minimal": calls(
        written("insertDriverExtern", driverno="D-901", name="Kira", description=ours),
        asked("showDriverReportExtern", driverno="D-901"),
    ),
    "user.create.full": calls(
        written(
            "insertDriverExtern",
            driverno="D-902",
            name="Kira",
            name2="Nováková",
            email="kira@fleet.example",
            telmobile="+49 151 555 0101",
            license_country="CZ",
            license_state="Praha",
            license_number="EJ123456",
            license_expiry_date="2031-03-31",
            description=lambda write: f"Nights only {ours(write)}",
        ),
        asked("showDriverReportExtern", driverno="D-902"),
    ),
    "user.update.minimal": calls(written("updateDriverExtern", driveruid=target, telmobile="+49 151 555 0102")),
    "user.update.full": calls(
        written(
            "updateDriverExtern",
            driveruid=target,
            driverno="D-903",
            name2="Ruiz-Lind",
            email="ana@fleet.example",
            telmobile="+49 151 555 0103",
            license_number="B072RRE2I55",
            license_expiry_date="2033-01-18",
            description="ADR class 3",
        )
    ),
    "message.create.minimal": message("Dock 4"),
    "message.create.full": message("Dock 4 instead of dock 9. Call 555-0101 at the gate."),
}


EXHIBIT = Exhibit(
    connector=CONNECTOR,
    simulator=SIMULATOR,
    examples=EXAMPLES,
    sent=SENT,
    outcomes=OUTCOMES,
    error_answer=lambda code: ErrorAnswer(200, {"errorCode": code, "errorMsg": "Simulated fault."}),
    collections={
        ResourceEnum.VEHICLE: ("vehicles",),
        ResourceEnum.USER: ("drivers",),
        ResourceEnum.MESSAGE: ("messages",),
    },
)
