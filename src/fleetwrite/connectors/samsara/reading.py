"""What Samsara holds, in our terms, page by page."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, Final

import msgspec

from fleetwrite.connectors.samsara import endpoints
from fleetwrite.connectors.samsara.endpoints import Endpoint
from fleetwrite.connectors.samsara.mapping import EMPLOYEE_KEY, TRAILER_KEY, VEHICLE_KEY
from fleetwrite.connectors.samsara.outcomes import describe
from fleetwrite.connectors.sdk.connector import ProviderAnswerError, RecordPage, Session, SourceRecord
from fleetwrite.connectors.sdk.outcome_table import read_json
from fleetwrite.connectors.sdk.write import Call
from fleetwrite.contract.enums import ResourceEnum, UserStatusEnum
from fleetwrite.kit.errors import FleetwriteError

Item = Mapping[str, Any]
Query = tuple[tuple[str, str], ...]

# The documented maximum; /assets takes no limit and chooses its own.
PAGE_SIZE: Final = ("limit", "512")
# Without it Samsara lists the active ones alone.
DRIVER_STATES: Final = ("active", "deactivated")

_OFFICE: Final = "office"
"""The list of office users, in cursors; the lists of drivers are called by their state."""


class AmbiguousUserError(FleetwriteError):
    """One id is a driver's and an office user's: as one resource of ours they can not be told apart."""

    def __init__(self, source_id: str) -> None:
        super().__init__(
            f"Samsara has a driver and an office user with the same id {source_id}. Users can not be read until one of "
            "them is gone: our records hold drivers and office users in one list, by that id."
        )


async def fetch(session: Session, call: Call) -> Mapping[str, Any]:
    """The JSON object that Samsara answers a read with.

    Raises:
        ProviderAnswerError: any other answer.
    """
    answer = await session.call(call)
    document = read_json(answer.body)
    if answer.status != 200 or not isinstance(document, dict):
        raise ProviderAnswerError(describe(call, answer), answer)
    return document


async def read_pages(session: Session, endpoint: Endpoint, query: Query = ()) -> AsyncIterator[Sequence[Item]]:
    """Every page of a list. A page may be short or empty and not the last.

    Raises:
        ProviderAnswerError: a page could not be read, or the cursor does not move on.
    """
    after: str | None = ""
    while after is not None:
        items, after = await _read_page(session, endpoint, query, after)
        yield items


async def list_vehicles(session: Session, cursor: str | None) -> AsyncIterator[RecordPage]:
    """Every vehicle, page by page."""
    lists = {"": _List(endpoints.LIST_VEHICLES, (PAGE_SIZE,), _records(ResourceEnum.VEHICLE, read_vehicle))}
    async for page in _list(session, lists, cursor):
        yield page


async def list_trailers(session: Session, cursor: str | None) -> AsyncIterator[RecordPage]:
    """Every trailer, page by page."""
    lists = {"": _List(endpoints.LIST_TRAILERS, (PAGE_SIZE,), _records(ResourceEnum.TRAILER, read_trailer))}
    async for page in _list(session, lists, cursor):
        yield page


async def list_users(session: Session, cursor: str | None) -> AsyncIterator[RecordPage]:
    """Every office user, then every driver, deactivated ones too.

    Raises:
        AmbiguousUserError: an id is held by one of each.
    """
    office_user_ids: set[str] = set()
    if cursor is not None and not cursor.startswith(_OFFICE):
        async for items in read_pages(session, endpoints.LIST_USERS, (PAGE_SIZE,)):
            office_user_ids.update(str(item["id"]) for item in items)
    of_drivers = _records(ResourceEnum.USER, read_driver)
    lists = {
        _OFFICE: _List(endpoints.LIST_USERS, (PAGE_SIZE,), _records(ResourceEnum.USER, read_office_user)),
        **{
            state: _List(endpoints.LIST_DRIVERS, (("driverActivationStatus", state), PAGE_SIZE), of_drivers)
            for state in DRIVER_STATES
        },
    }
    async for page in _list(session, lists, cursor):
        for record in page.records:
            if record.attributes["is_driver"] is False:
                office_user_ids.add(record.source_id)
            elif record.source_id in office_user_ids:
                raise AmbiguousUserError(record.source_id)
        yield page


class _List(msgspec.Struct, frozen=True):
    """One of the lists that make up the records of a resource."""

    endpoint: Endpoint
    query: Query
    to_records: Callable[[Sequence[Item]], Sequence[SourceRecord]]


async def _list(session: Session, lists: Mapping[str, _List], cursor: str | None) -> AsyncIterator[RecordPage]:
    """All pages of `lists`, one list after the other. A cursor is a list's name, a blank, and Samsara's own cursor."""
    names = list(lists)
    first, _, after = (cursor or f"{names[0]} ").partition(" ")
    for name, next_name in zip(names, [*names[1:], None], strict=True):
        if names.index(name) < names.index(first):
            continue
        position: str | None = after
        while position is not None:
            items, position = await _read_page(session, lists[name].endpoint, lists[name].query, position)
            following = f"{name} {position}" if position is not None else next_name and f"{next_name} "
            yield RecordPage(records=lists[name].to_records(items), cursor=following, is_last=following is None)
        after = ""


async def _read_page(
    session: Session, endpoint: Endpoint, query: Query, after: str
) -> tuple[Sequence[Item], str | None]:
    """The page behind `after`, and the cursor to the next one; None: there is none."""
    call = endpoint.call(query=(*query, ("after", after)) if after else query)
    answer = await session.call(call)
    document = read_json(answer.body)
    if answer.status != 200 or not isinstance(document, dict) or not isinstance(document.get("data"), list):
        raise ProviderAnswerError(describe(call, answer), answer)
    pagination = document.get("pagination") or {}
    if not pagination.get("hasNextPage"):
        return document["data"], None
    following = pagination.get("endCursor", "")
    if following in {"", after}:
        raise ProviderAnswerError(f"Samsara announces a next page of {call.path} and gives no way to it.", answer)
    return document["data"], following


def read_vehicle(item: Item) -> dict[str, Any]:
    """A vehicle's attributes by the contract's names."""
    gateway = item.get("gateway") or {}
    return {
        "vehicle_name": item.get("name"),
        "oem": item.get("make"),
        "model_type": item.get("model"),
        "model_year": _read_year(item),
        "vin": item.get("vin"),
        "engine_vin": item.get("esn"),
        "license_plate_number": item.get("licensePlate"),
        "notes": item.get("notes"),
        "eld_serial_number": gateway.get("serial"),
        "eld_device_type": gateway.get("model"),
        "external_id": _external_id(item, VEHICLE_KEY),
    }


def read_trailer(item: Item) -> dict[str, Any]:
    """A trailer's attributes by the contract's names; make, model, year and VIN come with assets only."""
    gateway = item.get("installedGateway") or {}
    return {
        "trailer_name": item.get("name"),
        "oem": item.get("make"),
        "model_type": item.get("model"),
        "model_year": _read_year(item),
        "vin": item.get("vin"),
        "license_plate_number": item.get("licensePlate"),
        "notes": item.get("notes"),
        "eld_serial_number": gateway.get("serial"),
        "eld_device_type": gateway.get("model"),
        "external_id": _external_id(item, TRAILER_KEY),
    }


def read_driver(item: Item) -> dict[str, Any]:
    """A driver's attributes by the contract's names."""
    is_active = item.get("driverActivationStatus") != "deactivated"
    carrier_number = (item.get("carrierSettings") or {}).get("dotNumber")
    return {
        **_read_name(item),
        "is_driver": True,
        "is_active": is_active,
        "status": _status(is_active=is_active),
        "username": item.get("username"),
        "user_email": item.get("email"),
        "phone_number": item.get("phone"),
        "license_region": item.get("licenseState"),
        "license_number": item.get("licenseNumber"),
        "employee_number": _external_id(item, EMPLOYEE_KEY),
        "carrier_number": None if carrier_number is None else str(carrier_number),
        "notes": item.get("notes"),
        "allow_yard_move": item.get("eldYmEnabled"),
        "allow_personal_conveyance": item.get("eldPcEnabled"),
        "allow_adverse_driving": item.get("eldAdverseWeatherExemptionEnabled"),
        "default_time_zone": item.get("timezone"),
    }


def read_office_user(item: Item) -> dict[str, Any]:
    """An office user's attributes by the contract's names. Samsara lists only those whose access has not ended."""
    return {
        **_read_name(item),
        "is_driver": False,
        "is_active": True,
        "status": _status(is_active=True),
        "user_email": item.get("email"),
    }


def _records(
    resource: ResourceEnum, read: Callable[[Item], dict[str, Any]]
) -> Callable[[Sequence[Item]], list[SourceRecord]]:
    return lambda items: [_to_record(resource, item, read) for item in items]


def _to_record(resource: ResourceEnum, item: Item, read: Callable[[Item], dict[str, Any]]) -> SourceRecord:
    attributes = {name: value for name, value in read(item).items() if value is not None}
    return SourceRecord(resource=resource, source_id=str(item["id"]), attributes=attributes, source_data=item)


def _read_name(item: Item) -> dict[str, Any]:
    """First and last name of the one that Samsara keeps. Joined again they are the same, wherever they were parted."""
    first, _, last = str(item.get("name", "")).partition(" ")
    return {"first_name": first or None, "last_name": last or None}


def _read_year(item: Item) -> int | None:
    """Vehicles carry the year as a text, assets as a number; some have an empty text."""
    year = str(item.get("year", ""))
    return int(year) if year.isdecimal() else None


def _status(*, is_active: bool) -> str:
    return (UserStatusEnum.ACTIVE if is_active else UserStatusEnum.INACTIVE).value


def _external_id(item: Item, key: str) -> Any:
    return (item.get("externalIds") or {}).get(key)
