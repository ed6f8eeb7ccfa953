"""What Wialon must be sent for each example, and what else the tests of its connector share."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from fleetwrite.connectors.sdk.suite import ErrorAnswer, Exhibit, Sent
from fleetwrite.connectors.sdk.write import Write
from fleetwrite.connectors.wialon.connector import CONNECTOR
from fleetwrite.connectors.wialon.examples import EXAMPLES
from fleetwrite.connectors.wialon.outcomes import OUTCOMES
from fleetwrite.connectors.wialon.simulator import SIMULATOR
from fleetwrite.connectors.wialon.simulator.accounts import Account, make_token
from fleetwrite.contract.enums import ResourceEnum

ACCOUNT_ID, USER_ID = 25500100, 25500099
ANAS_UNIT, BENS_UNIT = 25600001, 25600002

LARGE = Account(
    id=25500500,
    name="Test Haulage",
    token=make_token("large"),
    units=tuple({"nm": f"Unit {number}"} for number in range(205)),
    drivers=tuple((f"Ana {number}", None) for number in range(15)),
    resources=(3,) * 24,
)

Sender = Callable[[Write], Sequence[Sent]]


def call(svc: str, params: dict[str, Any], *, is_read: bool = False) -> Sent:
    body = {"sid": "***", "svc": svc, "params": params}
    return Sent(method="POST", path="/wialon/ajax.html", operation=svc, body=body, is_read=is_read)


def read(item_id: int, flags: int) -> Sent:
    return call("core/search_item", {"id": item_id, "flags": flags}, is_read=True)


def batch(unit_id: int, *parts: tuple[str, dict[str, Any]]) -> Sent:
    entries = [{"svc": svc, "params": {"itemId": unit_id, **params}} for svc, params in parts]
    return call("core/batch", {"params": entries, "flags": 1})


def field(name: str, value: str) -> tuple[str, dict[str, Any]]:
    return ("item/update_custom_field", {"id": 0, "callMode": "create", "n": name, "v": value})


def profile(name: str, value: str) -> tuple[str, dict[str, Any]]:
    return ("item/update_profile_field", {"n": name, "v": value})


def rename(name: str) -> tuple[str, dict[str, Any]]:
    return ("item/update_name", {"name": name})


def making(type_id: int, *before: Sent, parts: Sequence[tuple[str, dict[str, Any]]]) -> Sender:
    """A unit made under its working name, and then completed."""

    def sent(write: Write) -> Sequence[Sent]:
        mark = write.operation_id.hex
        unit = {"name": f"fleetwrite {mark}", "dataFlags": 1, "hwTypeId": type_id, "creatorId": USER_ID}
        # The first unit after the twelve of the two demonstration fleets.
        completing = batch(25600013, *[(svc, _marked(params, mark)) for svc, params in parts])
        return [*before, call("core/create_unit", unit), completing]

    return sent


def _marked(params: dict[str, Any], mark: str) -> dict[str, Any]:
    return {**params, "v": mark} if params.get("n") == "fleetwrite" else params


def member(svc: str, fields: dict[str, Any]) -> Sender:
    """A driver or trailer made in the account's own resource."""

    def sent(write: Write) -> Sequence[Sent]:
        jp = {**fields.get("jp", {}), "fleetwrite": write.operation_id.hex}
        params = {"itemId": ACCOUNT_ID, "id": 0, "callMode": "create", "c": "", "ds": "", "f": 0, **fields, "jp": jp}
        return [read(ACCOUNT_ID, 1), call(svc, params)]

    return sent


def rewritten(svc: str, flags: int, whole: dict[str, Any]) -> Sender:
    """A driver or trailer read and written whole."""
    params = {"itemId": ACCOUNT_ID, "id": 1, "callMode": "update", "c": "", "ds": "", "f": 0, "ej": {}, **whole}
    return lambda _: [read(ACCOUNT_ID, flags), call(svc, params)]


def message(unit_id: int, text: str) -> Sender:
    command = {"itemId": unit_id, "commandName": "Message", "linkType": "", "timeout": 3600, "flags": 0, "param": text}
    return lambda _: [read(ACCOUNT_ID, 257), read(unit_id, 524289), call("unit/exec_cmd", command)]


def filling(unit_id: int, description: str, **params: Any) -> Sender:
    def sent(write: Write) -> Sequence[Sent]:
        text = f"{description}; Fleetwrite {write.operation_id.hex}"
        event = {"itemId": unit_id, "location": "", "deviation": 0, "description": text, **params}
        return [read(unit_id, 1), call("unit/registry_fuel_filling_event", event)]

    return sent


ANA = {"n": "Ana Ruiz", "p": "+155501000", "pwd": "***", "r": 1.0, "ck": 0, "jp": {}}
FIRST_TRAILER = {"n": "TR-101", "jp": {"license_plate_number": "4GZ101"}}

SENT: dict[str, Sender] = {
    "vehicle.create.minimal": making(9, parts=(field("fleetwrite", ""), rename("Unit 412"))),
    "vehicle.create.full": making(
        9,
        call("core/get_hw_types", {"filterType": "name", "filterValue": ["Wialon IPS"]}, is_read=True),
        parts=(
            field("engine_vin", "471912S0123456"),
            field("license_plate_region", "TX"),
            field("license_plate_country", "USA"),
            field("notes", "Lift gate on the left"),
            field("external_id", "veh_413"),
            field("fuel_capacity", "120 US gallons"),
            field("fleetwrite", ""),
            profile("brand", "Freightliner"),
            profile("model", "Cascadia"),
            profile("year", "2024"),
            profile("vin", "1FUJGLDR5CLBP8834"),
            profile("registration_plate", "7XYZ889"),
            profile("axles", "3"),
            profile("primary_fuel_type", "DIESEL"),
            rename("Unit 413"),
        ),
    ),
    "vehicle.update.minimal": lambda _: [batch(ANAS_UNIT, rename("Unit 101 (spare)"))],
    "vehicle.update.full": lambda _: [
        read(ANAS_UNIT, 9),
        batch(
            ANAS_UNIT,
            field("notes", "In the workshop"),
            field("external_id", "veh_101"),
            profile("registration_plate", "8ABC123"),
            ("unit/set_active", {"active": 0}),
            rename("Unit 101 B"),
        ),
    ],
    "trailer.create.minimal": member("resource/update_trailer", {"n": "Reefer 12"}),
    "trailer.create.full": member(
        "resource/update_trailer",
        {
            "n": "Reefer 13",
            "ds": "Set to minus 18",
            "jp": {
                "oem": "Utility",
                "model_type": "3000R",
                "model_year": "2022",
                "vin": "1UYVS25368U413907",
                "license_plate_region": "CA",
                "license_plate_country": "USA",
                "license_plate_number": "4GZ991",
                "total_axles": "2",
                "external_id": "tr_13",
                "trailer_length": "16.15",
                "trailer_type": "reefer",
            },
        },
    ),
    "trailer.update.minimal": rewritten("resource/update_trailer", 65537, {**FIRST_TRAILER, "n": "TR-101 B"}),
    "trailer.update.full": rewritten(
        "resource/update_trailer",
        65537,
        {"n": "TR-101 C", "ds": "New tyres", "jp": {"license_plate_number": "9ZZ001", "model_year": "2020"}},
    ),
    "user.create.minimal": member("resource/update_driver", {"n": "Kira Novak", "p": "", "pwd": "***"}),
    "user.create.full": member(
        "resource/update_driver",
        {
            "n": "Leo Marsh",
            "p": "+15550142",
            "pwd": "***",
            "ds": "Tanker endorsement",
            "jp": {
                "user_designation": "Long haul",
                "user_email": "leo@fleet.example",
                "country_code": "USA",
                "license_country": "USA",
                "license_region": "TX",
                "license_number": "D4410987",
                "license_expiration": "2030-01-31",
                "employee_number": "E-1044",
                "carrier_number": "USDOT 1234567",
            },
        },
    ),
    "user.update.minimal": rewritten("resource/update_driver", 257, {**ANA, "p": "+15550177"}),
    "user.update.full": rewritten(
        "resource/update_driver",
        257,
        {
            **ANA,
            "n": "Ana Ruiz Vega",
            "p": "+15550178",
            "ds": "Hazmat endorsement",
            "jp": {"license_number": "D4410988"},
        },
    ),
    "message.create.minimal": message(ANAS_UNIT, "Load 4711 moved to dock 7."),
    "message.create.full": message(BENS_UNIT, "Call dispatch before the border."),
    # Litres: 120.5 times 3.785411784.
    "fuel_transaction.create.minimal": filling(
        ANAS_UNIT, "driver Ana Ruiz", date=1793607300, volume=456.142119972, cost=0, x=0, y=0
    ),
    "fuel_transaction.create.full": filling(
        BENS_UNIT,
        "vendor Loves; fuel DIESEL; driver Ana Ruiz; co-driver Ben Carter; currency USD; odometer 120345.5 miles; "
        "jurisdiction TX",
        date=1793612430,
        volume=98.755,
        cost=371.22,
        x=-96.797,
        y=32.7767,
        location="Loves 412, Dallas",
    ),
}


def large(folder: Path) -> SIMULATOR:
    return SIMULATOR(folder, [LARGE])


EXHIBIT = Exhibit(
    connector=CONNECTOR,
    simulator=SIMULATOR,
    examples=EXAMPLES,
    sent=SENT,
    outcomes=OUTCOMES,
    error_answer=lambda code: ErrorAnswer(200, {"error": code, "reason": "SIMULATED"}),
    collections={
        ResourceEnum.VEHICLE: ("units",),
        ResourceEnum.TRAILER: ("trailers",),
        ResourceEnum.USER: ("drivers",),
        ResourceEnum.MESSAGE: ("commands",),
        ResourceEnum.FUEL_TRANSACTION: ("fillings",),
    },
    paged=(ResourceEnum.VEHICLE, ResourceEnum.TRAILER, ResourceEnum.USER),
    large=large,
    unreadable={"eld_device_type": "a unit shows the number of its device type, not the name"},
)
