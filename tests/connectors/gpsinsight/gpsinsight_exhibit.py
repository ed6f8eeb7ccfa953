"""GPS Insight's connector and simulator, and which calls each example must lead to."""

from collections.abc import Callable, Sequence
from typing import Any

from fleetwrite.connectors.gpsinsight.connector import CONNECTOR
from fleetwrite.connectors.gpsinsight.examples import EXAMPLES
from fleetwrite.connectors.gpsinsight.outcomes import OUTCOMES
from fleetwrite.connectors.gpsinsight.simulator import SIMULATOR, demo_accounts, driver_id, vehicle_id
from fleetwrite.connectors.sdk.suite import ErrorAnswer, Exhibit, Sent
from fleetwrite.connectors.sdk.write import Write
from fleetwrite.contract.enums import ResourceEnum

ACCOUNT = demo_accounts()[0]
FIRST_VEHICLE = vehicle_id(ACCOUNT, 0)
NEXT_DRIVER = driver_id(ACCOUNT, len(ACCOUNT.drivers))


def working_name(write: Write) -> str:
    return f"fw-{write.operation_id.hex}"


def target(write: Write) -> str:
    return write.require_target().source_id


def asked(method: str, *, is_read: bool = True, **parameters: Any) -> Callable[[Write], Sent]:
    """A call; values that are functions are asked for the write's own."""
    return lambda write: Sent(
        method="POST",
        path=f"/v2/{method}/json",
        body={
            "session_token": "***",
            **{name: value(write) if callable(value) else value for name, value in parameters.items()},
        },
        is_read=is_read,
    )


def written(method: str, **parameters: Any) -> Callable[[Write], Sent]:
    """A call that changes something; values as above."""
    return asked(method, is_read=False, **parameters)


def calls(*expected: Callable[[Write], Sent]) -> Callable[[Write], Sequence[Sent]]:
    return lambda write: [one(write) for one in expected]


def message(text: str) -> Callable[[Write], Sequence[Sent]]:
    return calls(asked("vehicle/location"), written("dispatch/message", message=text, vehicle=FIRST_VEHICLE))


def vehicle_update(**columns: str) -> Callable[[Write], Sequence[Sent]]:
    return calls(asked("vehicle/list", vehicle=target), written("vehicle/update", vehicle=target, **columns))


def driver_update(**columns: str) -> Callable[[Write], Sequence[Sent]]:
    return calls(asked("driver/list", driver=target), written("driver/update", driver=target, **columns))


SENT: dict[str, Callable[[Write], Sequence[Sent]]] = {
    "vehicle.create.minimal": calls(
        written("vehicle/create", label=working_name, vin="1FUJGLDR9CSBB0239", serial_number="4572250239"),
        asked("vehicle/list", vehicle=working_name),
        asked("vehicle/list", vehicle="CA4572250239"),
        written("vehicle/update", vehicle="CA4572250239", label="Truck 239"),
    ),
    "vehicle.create.full": calls(
        written(
            "vehicle/create",
            label=working_name,
            make="Freightliner",
            model="Cascadia",
            model_year="2024",
            vin="1FUJGLDR9CSBB0240",
            license_state="AZ",
            country="US",
            license_number="REA6BNA",
            serial_number="4572250240",
            fuel_type="D",
        ),
        asked("vehicle/list", vehicle=working_name),
        asked("vehicle/list", vehicle="CA4572250240"),
        written("vehicle/update", vehicle="CA4572250240", label="Truck 240", ref_id="veh_240"),
    ),
    "vehicle.update.minimal": vehicle_update(license_number="REA6BNB"),
    "vehicle.update.full": vehicle_update(
        label="Truck 101 North",
        make="Kenworth",
        model="T680",
        model_year="2023",
        vin="1XKYDP9X7PJ100101",
        license_state="ON",
        country="CA",
        license_number="AB 12345",
        ref_id="veh_101",
        fuel_type="U",
    ),
    "user.create.minimal": calls(
        written("driver/create", lastname=working_name, timezone="US/Arizona"),
        asked("driver/list", driver=NEXT_DRIVER),
        written("driver/update", driver=NEXT_DRIVER, lastname="Novak"),
    ),
    "user.create.full": calls(
        written(
            "driver/create",
            email="kira@fleet.example",
            firstname="Kira",
            lastname=working_name,
            phone="+1 480 555 0101",
            ref_id="E-901",
            timezone="US/Mountain",
        ),
        asked("driver/list", driver=NEXT_DRIVER),
        written("driver/update", driver=NEXT_DRIVER, lastname="Nováková"),
    ),
    "user.update.minimal": driver_update(phone="4805550102"),
    "user.update.full": driver_update(
        email="ana@fleet.example", firstname="Ana María", lastname="Ruiz-Lind", phone="4805550103"
    ),
    "user.update.hidden columns": driver_update(ref_id="E-301", timezone="US/Eastern"),
    "message.create.minimal": message("Dock 4"),
    "message.create.full": message("Dock 4 instead of dock 9. Call 555-0101 at the gate."),
}


EXHIBIT = Exhibit(
    connector=CONNECTOR,
    simulator=SIMULATOR,
    examples=EXAMPLES,
    sent=SENT,
    outcomes=OUTCOMES,
    error_answer=lambda code: ErrorAnswer(
        200, {"head": {"status": "ERROR"}, "errors": [{"code": code, "message": "Simulated fault."}], "data": None}
    ),
    collections={
        ResourceEnum.VEHICLE: ("vehicles",),
        ResourceEnum.USER: ("drivers",),
        ResourceEnum.MESSAGE: ("messages",),
    },
    unreadable={
        "employee_number": "the list of drivers does not show the reference id",
        "default_time_zone": "nor the time zone",
    },
)
