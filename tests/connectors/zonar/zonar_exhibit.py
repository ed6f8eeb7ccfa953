"""Zonar's connector and simulator, and which calls each example must lead to."""

from collections.abc import Callable, Sequence
from typing import Any

from fleetwrite.connectors.sdk.suite import ErrorAnswer, Exhibit, Sent
from fleetwrite.connectors.sdk.write import Write
from fleetwrite.connectors.zonar.connector import CONNECTOR
from fleetwrite.connectors.zonar.examples import EXAMPLES
from fleetwrite.connectors.zonar.outcomes import OUTCOMES
from fleetwrite.connectors.zonar.simulator import SIMULATOR
from fleetwrite.contract.enums import ResourceEnum

LOGIN = {"customer": "nwh1001", "username": "zonar", "password": "***", "format": "xml"}


def ours(write: Write) -> str:
    return f"fw-{write.operation_id.hex}"


def target(write: Write) -> str:
    return write.require_target().source_id


def called(operation: str, *, is_read: bool = False, **parameters: Any) -> Callable[[Write], Sent]:
    """A call; values that are functions are asked for the write's own."""
    action, _, name = operation.partition(" ")

    def sent(write: Write) -> Sent:
        given = {key: value(write) if callable(value) else value for key, value in parameters.items()}
        return Sent(
            method="POST",
            path="/interface.php",
            operation=operation,
            body={**LOGIN, "action": action, "operation": name, "version": "2", **given},
            is_read=is_read,
        )

    return sent


def calls(*expected: Callable[[Write], Sent]) -> Callable[[Write], Sequence[Sent]]:
    return lambda write: [one(write) for one in expected]


def added_asset(**parameters: Any) -> Callable[[Write], Sequence[Sent]]:
    return calls(called("adminassets add", logvers="2", location="Seattle", **parameters))


def added_operator(**parameters: Any) -> Callable[[Write], Sequence[Sent]]:
    return calls(called("adminoperators add", logvers="2", location="Seattle", pin="***", exsid=ours, **parameters))


def edited_asset(held: dict[str, str], **parameters: Any) -> Callable[[Write], Sequence[Sent]]:
    """Read, and sent back as a whole with what changes."""
    return calls(
        called("showopen showassets", is_read=True, status="1", logvers="4", reqtype="dbid", target=target),
        called("adminassets edit", reqtype="dbid", target=target, **{**held, **parameters}),
    )


def edited_operator(**parameters: Any) -> Callable[[Write], Sequence[Sent]]:
    return calls(
        called("showopen showoperators", is_read=True, status="all", logvers="4"),
        called("adminoperators edit", **{**OPERATOR, **parameters}),
    )


def message(text: str) -> Callable[[Write], Sequence[Sent]]:
    return calls(
        called(
            "twentytwenty sendmessage",
            reqtype="dbid",
            target=lambda write: write.references["recipient_id"].source_id,
            form="0",
            provider="fleetwrite",
            messageid=lambda write: write.operation_id.hex,
            data=text,
        )
    )


# What the first vehicle, trailer and driver of the first demonstration fleet have, by the names of an edit.
VEHICLE = {
    "fleet": "101",
    "newtype": "Standard",
    "location": "Seattle",
    "name": "7XYZ101",
    "vin": "1XKYDP9X1MJ431001",
    "inservice": "1614556800",
    "tagid": "1770001",
    "mfg": "Kenworth",
    "mileoffset": "120",
    "subtype": "Tractor",
    "homeloi": "Yard",
    "status": "1",
    "engine_hour_offset": "35",
}
TRAILER = {
    "fleet": "TR-101",
    "newtype": "Trailer",
    "location": "Tacoma",
    "name": "4GZ101",
    "mfg": "Wabash",
    "status": "1",
}
OPERATOR = {
    "reqtype": "tag",
    "target": "1880001",
    "fname": "Ana",
    "lname": "Ruiz",
    "location": "Seattle",
    "pin": "***",
    "empnum": "E-101",
    "tag": "1880001",
}

SENT: dict[str, Callable[[Write], Sequence[Sent]]] = {
    "vehicle.create.minimal": added_asset(type="Standard", fleet="412", exsid=ours),
    "vehicle.create.full": added_asset(
        type="Standard",
        fleet="413",
        mfg="Freightliner",
        vin="1FUJGLDR5CLBP8834",
        name="7XYZ889",
        status="2",
        exsid="veh_413",
    ),
    "vehicle.update.minimal": edited_asset(VEHICLE, name="7XYZ890"),
    "vehicle.update.full": edited_asset(
        VEHICLE,
        fleet="101a",
        mfg="Kenworth",
        vin="1XKYDP9X1MJ431009",
        name="7XYZ891",
        status="2",
        exsid="veh_101",
    ),
    "trailer.create.minimal": added_asset(type="Trailer", fleet="TR-77", exsid=ours),
    "trailer.create.full": added_asset(
        type="Trailer",
        fleet="TR-78",
        mfg="Wabash",
        vin="1JJV532D7KL190078",
        name="4GZ978",
        status="1",
        exsid="trl_78",
    ),
    "trailer.update.minimal": edited_asset(TRAILER, name="4GZ979"),
    "trailer.update.full": edited_asset(TRAILER, fleet="TR-109", mfg="Utility", exsid="trl_109"),
    "user.create.minimal": added_operator(fname="Kira", lname="Novak"),
    "user.create.full": added_operator(fname="Kira", lname="Nováková", cdl="D4471234", empnum="E-902"),
    "user.update.minimal": edited_operator(cdl="D4471235"),
    "user.update.full": edited_operator(fname="Anna", lname="Ruiz-Lind", cdl="D4471236", empnum="E-109"),
    "user.update.inactive": calls(
        called("showopen showoperators", is_read=True, status="all", logvers="4"),
        called(
            "adminoperators editstatus", reqtype="tag", target="1880001", status="2", comment="Revoked by fleetwrite."
        ),
    ),
    "message.create.minimal": message("Dock 4"),
    "message.create.full": message("Dock 4 instead of dock 9 & call 555-0101 <at the gate>."),
}

EXHIBIT = Exhibit(
    connector=CONNECTOR,
    simulator=SIMULATOR,
    examples=EXAMPLES,
    sent=SENT,
    outcomes=OUTCOMES,
    error_answer=lambda code: ErrorAnswer(
        200, f'<?xml version="1.0"?><error ver="1"><code>{code}</code><message>Simulated fault.</message></error>'
    ),
    collections={
        ResourceEnum.VEHICLE: ("assets",),
        ResourceEnum.TRAILER: ("assets",),
        ResourceEnum.USER: ("operators",),
        ResourceEnum.MESSAGE: ("messages",),
    },
    # Two halves, however few there are.
    paged=(ResourceEnum.VEHICLE, ResourceEnum.TRAILER),
)
