"""What Motive holds, in our terms, page by page."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

import msgspec

from fleetwrite.connectors.motive import external_ids
from fleetwrite.connectors.motive.endpoints import ASSETS, USERS, VEHICLES, Endpoint, Kind
from fleetwrite.connectors.motive.external_ids import Item
from fleetwrite.connectors.motive.instants import write_instant
from fleetwrite.connectors.motive.mapping import (
    AVAILABILITY,
    CUSTOM_TYPE,
    CYCLES,
    DRIVER_ROLE,
    FUEL_TYPES,
    ZONES,
)
from fleetwrite.connectors.motive.outcomes import describe, unwrap
from fleetwrite.connectors.sdk.connector import ProviderAnswerError, RecordPage, Session, SourceRecord
from fleetwrite.connectors.sdk.outcome_table import read_json
from fleetwrite.connectors.sdk.write import Call
from fleetwrite.contract.enums import EngineType, ResourceEnum, UserStatusEnum
from fleetwrite.kit.egress import HttpAnswer
from fleetwrite.kit.retry_after import answered_at

Query = tuple[tuple[str, str], ...]

PAGE_SIZE: Final = 100
"""The most that Motive gives."""

STATES: Final = ("active", "deactivated")
"""Assets and users are asked for by state, as nothing says which ones a list without it has."""

OVERLAP: Final = timedelta(minutes=2)
"""So much before the beginning of one reading the next one looks for changes: what is being committed then may be dated
earlier than it is seen."""

_NEVER: Final = "-"
"""In cursors: no instant."""

_STATUS_OF: Final = {availability: status for status, availability in AVAILABILITY.items()}
_RULESET_OF: Final = {cycle: ruleset.value for ruleset, cycle in CYCLES.items()}
# Two of ours are propane at Motive: read back it is what it says.
_ENGINE_OF: Final = {fuel: engine.value for engine, fuel in FUEL_TYPES.items() if engine is not EngineType.LPG}


class Page(msgspec.Struct, frozen=True):
    """One page of a list: its objects, whether there is a next one, and the answer it came in."""

    items: Sequence[Item]
    has_next: bool
    answer: HttpAnswer


async def read_one(session: Session, call: Call, envelope: str) -> Item | None:
    """The object that Motive answers a read with; None if there is none (404).

    Raises:
        ProviderAnswerError: any other answer.
    """
    answer = await session.call(call)
    if answer.status == 404:
        return None
    item = unwrap(read_json(answer.body), envelope)
    if answer.status != 200 or item is None:
        raise ProviderAnswerError(describe(call, answer), answer)
    return item


async def read_page(session: Session, endpoint: Endpoint, name: str, plural: str, query: Query, number: int) -> Page:
    """A page of a list, counted from 1.

    Raises:
        ProviderAnswerError: it could not be read.
    """
    call = endpoint.call(query=(*query, ("per_page", str(PAGE_SIZE)), ("page_no", str(number))))
    answer = await session.call(call)
    document = read_json(answer.body)
    listed = document.get(plural) if isinstance(document, dict) else None
    if answer.status != 200 or not isinstance(listed, list):
        raise ProviderAnswerError(describe(call, answer), answer)
    items = [item for one in listed if (item := unwrap(one, name)) is not None]
    pagination = document.get("pagination") or {}
    per_page = pagination.get("per_page") or PAGE_SIZE
    # A page without objects is the last one, whatever the total says.
    return Page(items, bool(items) and number * per_page < (pagination.get("total") or 0), answer)


async def read_pages(
    session: Session, endpoint: Endpoint, name: str, plural: str, query: Query = ()
) -> AsyncIterator[Page]:
    """Every page of a list.

    Raises:
        ProviderAnswerError: a page could not be read.
    """
    number = 1
    while True:
        page = await read_page(session, endpoint, name, plural, query, number)
        yield page
        if not page.has_next:
            return
        number += 1


async def list_vehicles(session: Session, cursor: str | None) -> AsyncIterator[RecordPage]:
    """Every vehicle, deactivated ones too; from the last page's cursor on those that changed since.

    A cursor is the next page's number, when this reading began, and since when changes are asked for.
    """
    page_no, began_at, since = (cursor or f"1 {_NEVER} {_NEVER}").split(" ")
    number = int(page_no)
    query = () if since == _NEVER else (("updated_after", since),)
    is_last = False
    while not is_last:
        page = await read_page(session, VEHICLES.list, VEHICLES.name, VEHICLES.plural, query, number)
        if began_at == _NEVER:
            began_at = write_instant(answered_at(page.answer.headers) - OVERLAP)
        is_last = not page.has_next
        number += 1
        following = f"1 {_NEVER} {began_at}" if is_last else f"{number} {began_at} {since}"
        yield RecordPage(records=_records(ResourceEnum.VEHICLE, page.items), cursor=following, is_last=is_last)


async def list_trailers(session: Session, cursor: str | None) -> AsyncIterator[RecordPage]:
    """Every trailer, page by page."""
    async for page in _list_by_state(session, ResourceEnum.TRAILER, ASSETS, cursor):
        yield page


async def list_users(session: Session, cursor: str | None) -> AsyncIterator[RecordPage]:
    """Every user, of all roles, page by page."""
    async for page in _list_by_state(session, ResourceEnum.USER, USERS, cursor):
        yield page


async def _list_by_state(
    session: Session, resource: ResourceEnum, kind: Kind, cursor: str | None
) -> AsyncIterator[RecordPage]:
    """Those that are active, then the others. A cursor is a state and the number of its next page."""
    state, _, page_no = (cursor or f"{STATES[0]} 1").partition(" ")
    number = int(page_no)
    for current, later in zip(STATES, [*STATES[1:], None], strict=True):
        if STATES.index(current) < STATES.index(state):
            continue
        has_next = True
        while has_next:
            page = await read_page(session, kind.list, kind.name, kind.plural, (("status", current),), number)
            has_next = page.has_next
            number += 1
            following = f"{current} {number}" if has_next else later and f"{later} 1"
            yield RecordPage(records=_records(resource, page.items), cursor=following, is_last=following is None)
        number = 1


def read_vehicle(item: Item) -> dict[str, Any]:
    """A vehicle's attributes by the contract's names."""
    gateway = item.get("eld_device") or {}
    gateway_id = gateway.get("id")
    return {
        "vehicle_name": item.get("number"),
        **_read_common(item, ResourceEnum.VEHICLE),
        "eld_id": None if gateway_id is None else str(gateway_id),
        "eld_serial_number": gateway.get("identifier"),
        "eld_device_type": gateway.get("model"),
        "engine_type": _ENGINE_OF.get(item.get("fuel_type", "")),
    }


def read_trailer(item: Item) -> dict[str, Any]:
    """A trailer's attributes by the contract's names."""
    kind = item.get("type")
    return {
        "trailer_name": item.get("name"),
        **_read_common(item, ResourceEnum.TRAILER),
        "total_axles": item.get("axle"),
        "trailer_length": item.get("length"),
        "trailer_type": (item.get("custom_type") or kind) if kind == CUSTOM_TYPE else kind,
    }


def read_user(item: Item) -> dict[str, Any]:
    """A user's attributes by the contract's names. What only drivers have is absent with others."""
    is_active = item.get("status") != "deactivated"
    zones = ZONES.get(item.get("time_zone", ""), ())
    return {
        "username": item.get("username"),
        "is_active": is_active,
        "status": (UserStatusEnum.ACTIVE if is_active else UserStatusEnum.INACTIVE).value,
        "is_driver": item.get("role") == DRIVER_ROLE,
        "user_email": item.get("email"),
        "first_name": item.get("first_name"),
        "last_name": item.get("last_name"),
        "phone_number": item.get("phone"),
        "license_region": item.get("drivers_license_state"),
        "license_number": item.get("drivers_license_number"),
        "employee_number": item.get("driver_company_id"),
        "carrier_number": item.get("dot_id"),
        "hos_ruleset_code": _RULESET_OF.get(item.get("cycle", "")),
        "allow_yard_move": item.get("yard_moves_enabled"),
        "allow_personal_conveyance": item.get("personal_conveyance_enabled"),
        "default_time_zone": zones[0].value if zones else None,
    }


_READERS: Final[Mapping[ResourceEnum, Callable[[Item], dict[str, Any]]]] = {
    ResourceEnum.VEHICLE: read_vehicle,
    ResourceEnum.TRAILER: read_trailer,
    ResourceEnum.USER: read_user,
}


def _records(resource: ResourceEnum, items: Sequence[Item]) -> list[SourceRecord]:
    read = _READERS[resource]
    return [
        SourceRecord(
            resource=resource,
            source_id=str(item["id"]),
            attributes={name: value for name, value in read(item).items() if value is not None},
            source_data=item,
        )
        for item in items
    ]


def _read_common(item: Item, resource: ResourceEnum) -> dict[str, Any]:
    year = str(item.get("year") or "")
    availability = (item.get("availability_details") or {}).get("availability_status", "")
    partners = external_ids.find(item, external_ids.PARTNER[resource])
    return {
        "oem": item.get("make"),
        "model_type": item.get("model"),
        "model_year": int(year) if year.isdecimal() else None,
        "vin": item.get("vin"),
        "license_plate_region": item.get("license_plate_state"),
        "license_plate_number": item.get("license_plate_number"),
        "is_active": item.get("status") != "deactivated",
        "status": _STATUS_OF.get(availability),
        "notes": item.get("notes"),
        "external_id": None if partners is None else partners.get("external_id"),
    }
