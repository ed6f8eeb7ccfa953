"""What GPS Insight holds, in our terms. Its lists have no pages: each is one answer with all rows."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final

from fleetwrite.connectors.gpsinsight.mapping import COUNTRIES, FUEL_TYPES
from fleetwrite.connectors.gpsinsight.methods import LIST_DRIVERS, LIST_VEHICLES
from fleetwrite.connectors.gpsinsight.outcomes import NO_LOGIN, NOT_FOUND, describe, read_error
from fleetwrite.connectors.sdk.connector import (
    LoginRefusedError,
    ProviderAnswerError,
    RecordPage,
    Session,
    SourceRecord,
)
from fleetwrite.connectors.sdk.outcome_table import read_json
from fleetwrite.connectors.sdk.write import Call
from fleetwrite.contract.enums import ResourceEnum, UserStatusEnum

Row = Mapping[str, Any]

ALL_VEHICLES: Final = LIST_VEHICLES.call({"details": "1"})
ALL_DRIVERS: Final = LIST_DRIVERS.call()

_COUNTRIES: Final = {code: country for country, code in COUNTRIES.items()}
_ENGINES: Final = {code: engine for engine, code in FUEL_TYPES.items()}


async def find(session: Session, call: Call, column: str, value: str) -> Row | None:
    """The row of a search that really has what was searched for; None: there is none.

    Raises:
        ProviderAnswerError: GPS Insight did not answer the question.
    """
    try:
        rows = await read_rows(session, call)
    except ProviderAnswerError as error:
        told = read_error(error.answer)
        if told is None or told.code != NOT_FOUND:
            raise
        return None
    return next((row for row in rows if str(row.get(column)) == value), None)


async def read_rows(session: Session, call: Call) -> Sequence[Row]:
    """The rows of a list.

    Raises:
        LoginRefusedError: GPS Insight does not accept the login.
        ProviderAnswerError: any other answer that is no list.
    """
    answer = await session.call(call)
    error = read_error(answer)
    if (answer.status if error is None else error.code) == NO_LOGIN:
        raise LoginRefusedError(describe(call, answer), answer)
    match read_json(answer.body):
        case {"head": {"status": "OK"}, "data": None}:
            return []
        case {"head": {"status": "OK"}, "data": list(rows)} if all(isinstance(row, dict) for row in rows):
            return rows
    raise ProviderAnswerError(describe(call, answer), answer)


async def list_records(resource: ResourceEnum, session: Session) -> AsyncIterator[RecordPage]:
    """Every vehicle or every driver, on one page."""
    is_vehicle = resource is ResourceEnum.VEHICLE
    rows = await read_rows(session, ALL_VEHICLES if is_vehicle else ALL_DRIVERS)
    read = read_vehicle if is_vehicle else read_driver
    records = [
        SourceRecord(
            resource=resource,
            source_id=str(row["id"]),
            attributes={name: value for name, value in read(row).items() if value not in (None, "")},
            source_data=row,
        )
        for row in rows
    ]
    yield RecordPage(records=records, cursor=None, is_last=True)


def read_vehicle(row: Row) -> dict[str, Any]:
    """A vehicle's attributes by the contract's names."""
    serial_number = row.get("serial_number")
    return {
        "vehicle_name": row.get("label"),
        "oem": row.get("make"),
        "model_type": row.get("model"),
        "model_year": _number(row.get("model_year")),
        "vin": row.get("vin"),
        "license_plate_region": row.get("license_state"),
        "license_plate_country": _COUNTRIES.get(str(row.get("country"))),
        "license_plate_number": row.get("license_number"),
        "eld_serial_number": None if serial_number is None else str(serial_number),
        "external_id": row.get("ref_id"),
        "engine_type": _ENGINES.get(str(row.get("fuel_type"))),
    }


def read_driver(row: Row) -> dict[str, Any]:
    """A driver's attributes by the contract's names."""
    return {
        "is_driver": True,
        "is_active": True,
        "status": UserStatusEnum.ACTIVE.value,
        "first_name": row.get("firstname"),
        "last_name": row.get("lastname"),
        "user_email": row.get("email"),
        "phone_number": row.get("phone"),
    }


def holds(row: Row, sent: Mapping[str, Any]) -> bool:
    """Whether a row has everything that was `sent`. What GPS Insight does not show is never taken for being there."""
    return all(_comparable(name, row.get(name)) == _comparable(name, value) for name, value in sent.items())


def _comparable(name: str, value: Any) -> str:
    """A column such that differences which do not count are gone: numbers as texts, the writing of phone numbers, and
    the zeros that a serial number loses where it is listed as a number.
    """
    text = "" if value is None else str(value)
    if name == "phone":
        return "".join(one for one in text if one.isdecimal())
    return text.lstrip("0") if name == "serial_number" else text


def _number(value: Any) -> int | None:
    """Numbers come as such and as texts; None where there is none."""
    text = str(value)
    return int(text) or None if text.isascii() and text.isdigit() else None
