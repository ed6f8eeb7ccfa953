"""What Wialon holds, in our terms, page by page."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final

from fleetwrite.connectors.sdk.connector import ProviderAnswerError, RecordPage, Session, SourceRecord
from fleetwrite.connectors.sdk.mapping import Table
from fleetwrite.connectors.sdk.outcome_table import read_json
from fleetwrite.connectors.sdk.write import Call
from fleetwrite.connectors.wialon.mapping import DRIVER, TRAILER, VEHICLE, kept_under
from fleetwrite.connectors.wialon.outcomes import (
    ACCESS_DENIED,
    describe,
    error_code,
    item_source_id,
    without_secrets,
)
from fleetwrite.connectors.wialon.services import OWN_ACCOUNT, SEARCH_ITEM, SEARCH_ITEMS
from fleetwrite.contract.enums import ResourceEnum, UserStatusEnum
from fleetwrite.kit.egress import HttpAnswer

Item = Mapping[str, Any]

# Flags of what an item is to be shown with: help.wialon.com, "Data format".
BASE: Final = 0x1
CUSTOM_FIELDS: Final = 0x8
ADVANCED: Final = 0x100
COMMANDS: Final = 0x80000
PROFILE: Final = 0x800000
DRIVERS: Final = 0x100
TRAILERS: Final = 0x10000

UNIT: Final = "avl_unit"
RESOURCE: Final = "avl_resource"
USER: Final = "user"
"""Wialon's types of items."""

WHOLE_UNIT: Final = BASE | CUSTOM_FIELDS | ADVANCED | PROFILE

# Units take about a kilobyte each; a resource brings all its drivers with it, and may have thousands.
PAGE_SIZES: Final = {UNIT: 100, USER: 100, RESOURCE: 10}

_NUMBERS: Final = frozenset({"model_year", "total_axles"})


async def ask(session: Session, call: Call, *, nothing: int | None = None) -> tuple[Any, HttpAnswer]:
    """The JSON that Wialon answers a read with, and the answer it came in.

    Args:
        session: the way there.
        call: the read.
        nothing: the error code by which Wialon says that there is nothing; the JSON is then None.

    Raises:
        ProviderAnswerError: it answered with another error, or with no JSON.
    """
    answer = await session.call(call)
    document = read_json(answer.body)
    code = error_code(document)
    if code is not None and code == nothing:
        return None, answer
    if answer.status != 200 or document is None or code is not None:
        raise ProviderAnswerError(describe(call, answer), answer)
    return document, answer


async def read_item(session: Session, item_id: int, flags: int) -> Item | None:
    """A unit or a resource; None if Wialon shows none with this id.

    Raises:
        ProviderAnswerError: Wialon did not answer the question.
    """
    return (await read_item_and_answer(session, SEARCH_ITEM.call({"id": item_id, "flags": flags})))[0]


async def read_own_account(session: Session) -> Item | None:
    """The account of the login, which is a resource; None if the login may not see it.

    Raises:
        ProviderAnswerError: Wialon did not answer the question.
    """
    call = SEARCH_ITEM.call({"flags": BASE}, own={"id": OWN_ACCOUNT})
    return (await read_item_and_answer(session, call))[0]


async def read_item_and_answer(session: Session, call: Call) -> tuple[Item | None, HttpAnswer]:
    """The same for any call of `SEARCH_ITEM`, with the answer that it came in.

    Raises:
        ProviderAnswerError: Wialon did not answer the question.
    """
    document, answer = await ask(session, call, nothing=ACCESS_DENIED)
    match document:
        case None | {"item": None}:
            return None, answer
        case {"item": dict(item)}:
            return item, answer
    raise ProviderAnswerError(f"{describe(call, answer)} - this is no item.", answer)


async def read_pages(
    session: Session, items_type: str, flags: int, after: int = 0
) -> AsyncIterator[tuple[Sequence[Item], bool]]:
    """The items of a type in the order of their ids, from the one behind `after`: each page, and whether it is the
    last.

    Asked for by id, not by position: what is made or deleted meanwhile moves nothing.

    Raises:
        ProviderAnswerError: a page could not be read.
    """
    is_last = False
    while not is_last:
        call = SEARCH_ITEMS.call(search(items_type, "sys_id", f">{after}", flags, PAGE_SIZES[items_type]))
        document, answer = await ask(session, call)
        match document:
            case {"items": list(items), "totalItemsCount": int(total)} if items or total == 0:
                is_last = total <= len(items)
            case _:
                raise ProviderAnswerError(f"{describe(call, answer)} - this is no page of a list.", answer)
        yield items, is_last
        after = after if is_last else int(items[-1]["id"])


def search(items_type: str, name: str, mask: str, flags: int, count: int) -> dict[str, Any]:
    """The parameters of a search for the first items whose property `name` is like `mask`."""
    return {
        "spec": {"itemsType": items_type, "propName": name, "propValueMask": mask, "sortType": "sys_id"},
        "force": 1,
        "flags": flags,
        "from": 0,
        "to": count - 1,
    }


async def list_vehicles(session: Session, cursor: str | None) -> AsyncIterator[RecordPage]:
    """Every unit, deactivated ones too."""
    async for items, is_last in read_pages(session, UNIT, WHOLE_UNIT, int(cursor or 0)):
        records = [_record(ResourceEnum.VEHICLE, str(item["id"]), read_unit(item), item) for item in items]
        yield RecordPage(records=records, cursor=None if is_last else str(items[-1]["id"]), is_last=is_last)


async def list_trailers(session: Session, cursor: str | None) -> AsyncIterator[RecordPage]:
    """Every trailer, a few resources at a time."""
    async for items, is_last in read_pages(session, RESOURCE, BASE | TRAILERS, int(cursor or 0)):
        records = [
            _record(ResourceEnum.TRAILER, source_id, read_trailer(trailer), trailer)
            for item in items
            for source_id, trailer in members(item, "trlrs")
        ]
        yield RecordPage(records=records, cursor=None if is_last else str(items[-1]["id"]), is_last=is_last)


async def list_users(session: Session, cursor: str | None) -> AsyncIterator[RecordPage]:
    """Every office user, then every driver. A cursor is the list's name, a blank, and the last id."""
    name, _, after = (cursor or f"{USER} 0").partition(" ")
    if name == USER:
        async for items, is_last in read_pages(session, USER, BASE, int(after)):
            records = [_record(ResourceEnum.USER, str(item["id"]), read_office_user(item), item) for item in items]
            following = f"{RESOURCE} 0" if is_last else f"{USER} {items[-1]['id']}"
            yield RecordPage(records=records, cursor=following, is_last=False)
        after = "0"
    async for items, is_last in read_pages(session, RESOURCE, BASE | DRIVERS, int(after)):
        records = [
            _record(ResourceEnum.USER, source_id, read_driver(driver), driver)
            for item in items
            for source_id, driver in members(item, "drvrs")
        ]
        behind = None if is_last else f"{RESOURCE} {items[-1]['id']}"
        yield RecordPage(records=records, cursor=behind, is_last=is_last)


def members(resource: Item, kind: str) -> list[tuple[str, Item]]:
    """The drivers (`drvrs`) or trailers (`trlrs`) of a resource with our ids of them."""
    return [(item_source_id(resource["id"], one["id"]), one) for one in (resource.get(kind) or {}).values()]


def fields_of(unit: Item, kind: str) -> dict[str, str]:
    """The custom fields (`flds`) or profile fields (`pflds`) of a unit by name; of equal names the first."""
    found: dict[str, str] = {}
    for field in (unit.get(kind) or {}).values():
        found.setdefault(field["n"], field["v"])
    return found


def read_unit(unit: Item) -> dict[str, Any]:
    """A unit's attributes by the contract's names."""
    return {
        "vehicle_name": unit.get("nm"),
        **_read(VEHICLE, "profile", fields_of(unit, "pflds")),
        **_read(VEHICLE, "custom", fields_of(unit, "flds")),
        "is_active": None if unit.get("act") is None else bool(unit["act"]),
        "eld_serial_number": unit.get("uid"),
    }


def read_trailer(trailer: Item) -> dict[str, Any]:
    """A trailer's attributes by the contract's names."""
    return {
        "trailer_name": trailer.get("n"),
        "notes": trailer.get("ds"),
        **_read(TRAILER, "jp", trailer.get("jp") or {}),
    }


def read_driver(driver: Item) -> dict[str, Any]:
    """A driver's attributes by the contract's names. The name's first word is the first name, the rest the last."""
    first, _, last = str(driver.get("n", "")).partition(" ")
    return {
        "first_name": first,
        "last_name": last,
        "is_driver": True,
        "is_active": True,
        "status": UserStatusEnum.ACTIVE.value,
        "phone_number": driver.get("p"),
        "notes": driver.get("ds"),
        **_read(DRIVER, "jp", driver.get("jp") or {}),
    }


def read_office_user(user: Item) -> dict[str, Any]:
    """An office user's attributes by the contract's names."""
    return {"username": user.get("nm"), "is_driver": False}


def _read(table: Table, group: str, held: Mapping[str, str]) -> dict[str, Any]:
    return {field: _value(field, held.get(name, "")) for field, name in kept_under(table, group).items()}


def _value(field: str, text: str) -> str | int | None:
    """What a text says of a field; a number that people wrote in words is none."""
    if field not in _NUMBERS:
        return text
    return int(text) if text.isdecimal() else None


def _record(resource: ResourceEnum, source_id: str, read: Mapping[str, Any], item: Item) -> SourceRecord:
    attributes = {name: value for name, value in read.items() if value not in (None, "")}
    return SourceRecord(
        resource=resource, source_id=source_id, attributes=attributes, source_data=without_secrets(item)
    )
