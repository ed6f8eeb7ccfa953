"""Whether a write whose answer was lost is at Wialon.

Units, drivers and trailers carry the operation's id in a custom field, fillings in their description; updates are read
back. Messages are told by what they say.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from fleetwrite.connectors.sdk.connector import Session
from fleetwrite.connectors.sdk.outcome import Absent, Conflict, Finding, Found
from fleetwrite.connectors.sdk.write import Call, Write
from fleetwrite.connectors.wialon import fuel, items, messages, units
from fleetwrite.connectors.wialon.items import Kind
from fleetwrite.connectors.wialon.mapping import MARK
from fleetwrite.connectors.wialon.outcomes import without_secrets
from fleetwrite.connectors.wialon.reading import (
    BASE,
    CUSTOM_FIELDS,
    PAGE_SIZES,
    RESOURCE,
    UNIT,
    WHOLE_UNIT,
    ask,
    fields_of,
    members,
    read_item,
    read_pages,
    search,
)
from fleetwrite.connectors.wialon.services import SEARCH_ITEMS, params_of
from fleetwrite.contract.enums import ResourceEnum


async def look_up(write: Write, call: Call, session: Session, begun_ago: timedelta) -> Finding:
    """Whether `write` is at Wialon; see `Connector.look_up`.

    Raises:
        ProviderAnswerError: Wialon did not answer the question.
    """
    match write.resource:
        case ResourceEnum.VEHICLE:
            return await (_find_unit(write, session) if write.target is None else _read_unit_back(write, session))
        case ResourceEnum.MESSAGE:
            return await messages.look_up(write, call, session, begun_ago)
        case ResourceEnum.FUEL_TRANSACTION:
            return await fuel.look_up(write, call, session)
    kind = items.KINDS[write.resource]
    if write.target is None:
        return await _find_member(write, kind, params_of(call), session)
    return await _read_member_back(write.target.source_id, kind, params_of(call), session)


async def _find_unit(write: Write, session: Session) -> Finding:
    """The unit that has our mark, or still the name that it was made with."""
    mark, name = write.operation_id.hex, units.working_name(write)
    for prop in ("rel_customfield_value", "sys_name"):
        params = search(UNIT, prop, f"*{mark}*", BASE | CUSTOM_FIELDS, PAGE_SIZES[UNIT])
        document, _ = await ask(session, SEARCH_ITEMS.call(params))
        for unit in document.get("items") or ():
            if unit.get("nm") == name or fields_of(unit, "flds").get(MARK) == mark:
                is_complete = unit.get("nm") != name
                return Found(source_id=str(unit["id"]), source_data=unit, is_complete=is_complete)
    return Absent()


async def _read_unit_back(write: Write, session: Session) -> Finding:
    source_id = write.require_target().source_id
    unit = await read_item(session, int(source_id), WHOLE_UNIT)
    if unit is None or not units.holds(write, unit, fields_of(unit, "pflds"), fields_of(unit, "flds")):
        return Absent()
    return Found(source_id=source_id, source_data=without_secrets(unit))


async def _find_member(write: Write, kind: Kind, sent: Mapping[str, Any], session: Session) -> Finding:
    """The driver or trailer that has our mark; else who has the phone number, which Wialon takes once only."""
    holder: str | None = None
    async for resources, _ in read_pages(session, RESOURCE, BASE | kind.flag):
        for resource in resources:
            for source_id, member in members(resource, kind.key):
                if (member.get("jp") or {}).get(MARK) == write.operation_id.hex:
                    return Found(source_id=source_id, source_data=without_secrets(member))
                if sent.get("p") and member.get("p") == sent["p"]:
                    holder = source_id
    return Absent() if holder is None else Conflict(source_id=holder, key=f"phone_number {sent['p']}")


async def _read_member_back(source_id: str, kind: Kind, sent: Mapping[str, Any], session: Session) -> Finding:
    held = await items.read_member(session, kind, source_id)
    if held is None or not _holds(sent, held):
        return Absent()
    return Found(source_id=source_id, source_data=without_secrets(held))


def _holds(sent: Mapping[str, Any], held: Mapping[str, Any]) -> bool:
    """Whether a driver or trailer has everything that an update sets."""
    fields = held.get("jp") or {}
    own = (name for name in sent if name not in {"itemId", "id", "callMode", "jp"})
    return all((held.get(name) or "") == sent[name] for name in own) and all(
        (fields.get(name) or "") == value for name, value in sent["jp"].items()
    )
