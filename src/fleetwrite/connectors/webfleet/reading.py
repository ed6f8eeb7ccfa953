"""What Webfleet holds, in our terms. Its reports have no pages: each is one answer with all rows."""

import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, Final

from fleetwrite.connectors.sdk.connector import (
    LoginRefusedError,
    ProviderAnswerError,
    RecordPage,
    Session,
    SourceRecord,
)
from fleetwrite.connectors.sdk.outcome_table import read_json
from fleetwrite.connectors.sdk.write import Call
from fleetwrite.connectors.webfleet import actions
from fleetwrite.connectors.webfleet.countries import ALPHA_3
from fleetwrite.connectors.webfleet.mapping import FUEL_TYPES
from fleetwrite.connectors.webfleet.outcomes import NOTHING_THERE, describe, is_login_refused, read_error
from fleetwrite.contract.enums import EngineType, ResourceEnum, UserStatusEnum

Row = Mapping[str, Any]

_ENGINES: Final[Mapping[int, EngineType]] = {
    # 4 and 5 are hybrids, with petrol and with Diesel. Of two engines with one code the last would win: Autogas is LPG.
    **{code: engine for engine, code in FUEL_TYPES.items() if engine is not EngineType.PROPANE},
    4: EngineType.HYBRID,
    5: EngineType.HYBRID,
}

_LICENSE_KEYS: Final = {
    "license_number": "number",
    "license_country": "country",
    "license_state": "state",
    "license_expiry_date": "expiry_date",
}
"""Parameter of a licence -> its key in the object that reports show."""

_MARK: Final = re.compile(r"\s*\[fleetwrite [0-9a-f]{32}\]\s*\Z")


async def read_rows(session: Session, call: Call) -> Sequence[Row]:
    """The rows of a report; none where Webfleet says that there is nothing.

    Raises:
        LoginRefusedError: Webfleet does not accept the login.
        ProviderAnswerError: any other answer that is no report.
    """
    answer = await session.call(call)
    error = read_error(answer)
    if error is not None and error.code == NOTHING_THERE:
        return []
    if is_login_refused(answer):
        raise LoginRefusedError(describe(call, answer), answer)
    match read_json(answer.body):
        case list(rows) if error is None and answer.status == 200 and all(isinstance(row, dict) for row in rows):
            return rows
        case _:
            raise ProviderAnswerError(describe(call, answer), answer)


async def find_driver(session: Session, **key: str) -> Row | None:
    """The driver with this `driverno` or `driveruid`; None: there is none."""
    return await _find(session, actions.SHOW_DRIVERS, key)


async def find_vehicle(session: Session, objectuid: str) -> Row | None:
    """The vehicle with this id; None: there is none."""
    return await _find(session, actions.SHOW_VEHICLES, {"objectuid": objectuid})


async def list_vehicles(session: Session) -> AsyncIterator[RecordPage]:
    """Every vehicle, on one page."""
    rows = await read_rows(session, actions.SHOW_VEHICLES.read())
    yield _page(ResourceEnum.VEHICLE, rows, "objectuid", read_vehicle)


async def list_drivers(session: Session) -> AsyncIterator[RecordPage]:
    """Every driver, on one page."""
    rows = await read_rows(session, actions.SHOW_DRIVERS.read())
    yield _page(ResourceEnum.USER, rows, "driveruid", read_driver)


def read_vehicle(row: Row) -> dict[str, Any]:
    """A vehicle's attributes by the contract's names."""
    fuel = _number(row.get("vh_fueltype"))
    return {
        "vehicle_name": row.get("objectname"),
        "model_year": _number(row.get("manufacturedyear")) or None,
        "vin": row.get("identnumber"),
        "license_plate_number": row.get("licenseplatenumber"),
        "notes": row.get("description"),
        "total_axles": _number(row.get("numaxes")) or None,
        "external_id": row.get("externalid"),
        "engine_type": None if fuel is None else _ENGINES.get(fuel),
    }


def read_driver(row: Row) -> dict[str, Any]:
    """A driver's attributes by the contract's names."""
    shown = as_written(row)
    return {
        "is_driver": True,
        "is_active": True,
        "status": UserStatusEnum.ACTIVE.value,
        "first_name": row.get("name1"),
        "last_name": " ".join(filter(None, (row.get("name2"), row.get("name3")))),
        "user_email": row.get("email"),
        "phone_number": row.get("telmobile"),
        "employee_number": row.get("driverno"),
        "license_country": ALPHA_3.get(str(shown["license_country"])),
        "license_region": shown["license_state"],
        "license_number": shown["license_number"],
        "license_expiration": shown["license_expiry_date"],
        "notes": without_mark(row.get("description")),
    }


def as_written(row: Row) -> dict[str, Any]:
    """A row by the names of the parameters that write it, where these differ."""
    told = row.get("driving_license")
    # A JSON object in a text. Nobody shows one as it comes, so the object itself will do as well.
    shown = read_json(told.encode()) if isinstance(told, str) else told
    licence = {name: shown.get(key) if isinstance(shown, dict) else None for name, key in _LICENSE_KEYS.items()}
    # Webfleet may put a time zone behind a date.
    licence["license_expiry_date"] = str(licence["license_expiry_date"] or "")[: len("2030-01-31")]
    return {
        **row,
        **licence,
        "name": row.get("name1"),
        "denotation": row.get("objectname"),
        "fueltype": row.get("vh_fueltype"),
        "numaxles": row.get("numaxes"),
    }


def without_mark(description: str | None) -> str | None:
    """A driver's description without the mark of the operation that created it."""
    return None if description is None else _MARK.sub("", description)


async def _find(session: Session, report: actions.Action, key: Mapping[str, str]) -> Row | None:
    rows = await read_rows(session, report.read(**key))
    return next((row for row in rows if all(str(row.get(name)) == value for name, value in key.items())), None)


def _page(
    resource: ResourceEnum, rows: Sequence[Row], id_key: str, read: Callable[[Row], dict[str, Any]]
) -> RecordPage:
    records = [
        SourceRecord(
            resource=resource,
            source_id=str(row[id_key]),
            # Webfleet leaves out what is empty, or shows an empty text.
            attributes={name: value for name, value in read(row).items() if value not in (None, "")},
            source_data=row,
        )
        for row in rows
    ]
    return RecordPage(records=records, cursor=None, is_last=True)


def _number(value: Any) -> int | None:
    """Numbers come as such and as texts; None where there is none."""
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() else None
