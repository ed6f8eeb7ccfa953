"""What Traccar holds, in our terms, page by page."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, Final

import msgspec

from fleetwrite.connectors.sdk.connector import ProviderAnswerError, RecordPage, Session, SourceRecord
from fleetwrite.connectors.sdk.mapping import Coded, Table, Text, Value
from fleetwrite.connectors.sdk.outcome_table import read_json
from fleetwrite.connectors.sdk.write import Call
from fleetwrite.connectors.traccar.endpoints import DEVICES, DRIVERS, Kind
from fleetwrite.connectors.traccar.mapping import DRIVER, TRAILER, TRAILER_CATEGORY, VEHICLE
from fleetwrite.connectors.traccar.outcomes import describe
from fleetwrite.contract.enums import ResourceEnum, UserStatusEnum

Item = Mapping[str, Any]

# With all 4000 characters of attributes in each, a page stays well within what an answer may have.
PAGE_SIZE: Final = 500
# Pages are counted, not marked: where one record goes, the next moves up, and those of one name stand in any order. So
# each page begins so many records before the end of the last, and those of twice as many are known again.
OVERLAP: Final = 20

_GONE: Final = frozenset({400, 404})
"""What Traccar answers to the id of a record that is not there, or is not this user's."""


async def fetch_list(session: Session, call: Call) -> Sequence[Item]:
    """The list that Traccar answers a read with.

    Raises:
        ProviderAnswerError: any other answer.
    """
    answer = await session.call(call)
    document = read_json(answer.body)
    if answer.status != 200 or not isinstance(document, list):
        raise ProviderAnswerError(describe(call, answer), answer)
    return document


async def read_one(session: Session, kind: Kind, source_id: str) -> Item | None:
    """The record with this id; None if there is none that this user may see.

    Raises:
        ProviderAnswerError: Traccar did not answer the question.
    """
    call = kind.get.call(source_id)
    answer = await session.call(call)
    if answer.status in _GONE:
        return None
    document = read_json(answer.body)
    if answer.status != 200 or not isinstance(document, dict):
        raise ProviderAnswerError(describe(call, answer), answer)
    return document


class Page(msgspec.Struct, frozen=True):
    """Records, and the cursor to those behind them; None: there are none."""

    items: Sequence[Item]
    cursor: str | None


async def read_pages(session: Session, kind: Kind, cursor: str | None = None) -> AsyncIterator[Page]:
    """Every record of a kind that this user sees, page by page, from the beginning or from a cursor.

    Raises:
        ProviderAnswerError: a page could not be read.
    """
    while True:
        page = await _read_page(session, kind, cursor)
        yield page
        cursor = page.cursor
        if cursor is None:
            return


async def _read_page(session: Session, kind: Kind, cursor: str | None) -> Page:
    """The page at a cursor: where it begins, a blank, and the ids of the records thereabouts that were read already."""
    start, _, ids = (cursor or "0 ").partition(" ")
    known = set(ids.split(",")) if ids else set()
    call = kind.list.call(query=(("limit", str(PAGE_SIZE)), ("offset", start)))
    items = await fetch_list(session, call)
    read_ids = [str(item["id"]) for item in items]
    new = [item for item, read_id in zip(items, read_ids, strict=True) if read_id not in known]
    # Servers of older versions know no pages and answer with everything, whatever the limit and the offset.
    if len(items) != PAGE_SIZE:
        return Page(new, None)
    if read_ids[-1] in known and read_ids[0] not in known:
        return Page([], None)
    following = ",".join(read_ids[-2 * OVERLAP :])
    return Page(new, f"{int(start) + PAGE_SIZE - OVERLAP} {following}")


def is_trailer(item: Item) -> bool:
    """Whether a device is a trailer; any other is a vehicle."""
    return item.get("category") == TRAILER_CATEGORY


class _List(msgspec.Struct, frozen=True):
    """Where the records of a resource are, which of them they are, and how they are read."""

    kind: Kind
    takes: Callable[[Item], bool]
    read: Callable[[Item], dict[str, Any]]


async def list_records(session: Session, resource: ResourceEnum, cursor: str | None) -> AsyncIterator[RecordPage]:
    """See `Connector.list_records`."""
    wanted = _LISTS[resource]
    async for page in read_pages(session, wanted.kind, cursor):
        records = [_to_record(resource, item, wanted) for item in page.items if wanted.takes(item)]
        yield RecordPage(records=records, cursor=page.cursor, is_last=page.cursor is None)


def _to_record(resource: ResourceEnum, item: Item, wanted: _List) -> SourceRecord:
    attributes = {name: value for name, value in wanted.read(item).items() if value is not None}
    return SourceRecord(resource=resource, source_id=str(item["id"]), attributes=attributes, source_data=item)


def read_vehicle(item: Item) -> dict[str, Any]:
    """A vehicle's attributes by the contract's names."""
    return _read_back(item, VEHICLE)


def read_trailer(item: Item) -> dict[str, Any]:
    """A trailer's attributes by the contract's names."""
    return _read_back(item, TRAILER)


def read_driver(item: Item) -> dict[str, Any]:
    """A driver's attributes by the contract's names.

    The one name that Traccar keeps is parted at its first blank; joined again it is the same.
    """
    first, _, last = str(item.get("name", "")).partition(" ")
    return {
        **_read_back(item, DRIVER),
        "first_name": first or None,
        "last_name": last or None,
        "is_driver": True,
        "is_active": True,
        "status": UserStatusEnum.ACTIVE.value,
    }


def _read_back(item: Item, table: Table) -> dict[str, Any]:
    """The fields of a table from where it puts them."""
    found: dict[str, Any] = {}
    for field, rule in table.items():
        match rule:
            case Text() | Value():
                found[field] = _at(item, rule.to)
            case Coded():
                held = _at(item, rule.to)
                found[field] = next((ours for ours, theirs in rule.codes.items() if theirs == held), None)
    return found


def _at(item: Item, path: str) -> Any:
    value: Any = item
    for key in path.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


_LISTS: Final[Mapping[ResourceEnum, _List]] = {
    ResourceEnum.VEHICLE: _List(DEVICES, lambda item: not is_trailer(item), read_vehicle),
    ResourceEnum.TRAILER: _List(DEVICES, is_trailer, read_trailer),
    ResourceEnum.USER: _List(DRIVERS, lambda _: True, read_driver),
}
