"""Whether a write whose answer was lost is at Geotab.

What we make carries the mark of its operation: vehicles, trailers and users in their comment, fuel transactions in
their source data. Messages and inspections have no place for it: they are found by what they say and when
(`sightings.py`).
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from fleetwrite.connectors.geotab import comments, endpoints, rpc, updates
from fleetwrite.connectors.geotab.comparing import holds
from fleetwrite.connectors.geotab.fuel import SOURCE_KEY
from fleetwrite.connectors.geotab.rpc import Entity
from fleetwrite.connectors.geotab.sightings import find_inspection, find_message
from fleetwrite.connectors.sdk.connector import ProviderAnswerError, Session
from fleetwrite.connectors.sdk.outcome import Absent, Conflict, Finding, Found, Unknowable
from fleetwrite.connectors.sdk.outcome_table import read_json
from fleetwrite.connectors.sdk.write import Call, Write
from fleetwrite.contract.enums import ResourceEnum

MARKED: Final = frozenset(
    {ResourceEnum.VEHICLE, ResourceEnum.TRAILER, ResourceEnum.USER, ResourceEnum.FUEL_TRANSACTION}
)
"""What carries the mark of its operation."""

FORBIDDEN: Final = "InvalidPermissionsException"


async def look_up(write: Write, call: Call, session: Session, begun_ago: timedelta) -> Finding:
    """See `Connector.look_up`."""
    if write.target is not None:
        held = await updates.read(call, session)
        is_there = held is not None and holds(rpc.entity_of(call), held)
        return Found(source_id=write.target.source_id, source_data=held) if held and is_there else Absent()
    try:
        match write.resource:
            case ResourceEnum.MESSAGE:
                return await find_message(rpc.entity_of(call), session, begun_ago)
            case ResourceEnum.DVIR_LOG:
                return await find_inspection(rpc.entity_of(call), session)
            case _:
                return await find_made(write, call, session)
    except ProviderAnswerError as error:
        if rpc.error_code(error.answer) != FORBIDDEN:
            raise
        # Writing needs no right to read. Whoever gave none is asked no second time.
        return Unknowable(reason=f"The login may not read what it wrote: {error}")


async def find_made(write: Write, call: Call, session: Session) -> Finding:
    """What this create made, by its mark; else who holds a key that it needs.

    Raises:
        ProviderAnswerError: Geotab did not answer the question.
    """
    mark, sent = comments.mark_of(write.operation_id), rpc.entity_of(call)
    match write.resource:
        case ResourceEnum.USER:
            question = endpoints.GET_USER.call(search={"name": sent["name"]})
            key, carries = f"username {sent['name']}", _carries_in_comment
        case ResourceEnum.FUEL_TRANSACTION:
            reference = sent["externalReference"]
            question = endpoints.GET_FUEL.call(search={"externalReference": reference, "includeSourceData": True})
            key, carries = f"reference {reference}", _carries_in_source_data
        case _:
            return await _find_device(mark, sent, session)
    found = rpc.entities(question, await session.call(question))
    return _judge(found, key, [item for item in found if carries(item, mark)])


async def _find_device(mark: str, sent: Entity, session: Session) -> Finding:
    """A device by its mark. Names need not be unique, serial numbers are."""
    question = endpoints.GET_DEVICE.call(search={"comment": f"%{mark}%"})
    ours = rpc.entities(question, await session.call(question))
    serial = sent.get("serialNumber")
    if ours or not serial:
        return _judge(ours, "mark", [item for item in ours if _carries_in_comment(item, mark)])
    question = endpoints.GET_DEVICE.call(search={"serialNumber": serial})
    holders = rpc.entities(question, await session.call(question))
    return _judge(holders, f"eld_serial_number {serial}", [item for item in holders if _carries_in_comment(item, mark)])


def _judge(found: Any, key: str, ours: list[Entity]) -> Finding:
    if ours:
        return Found(source_id=str(ours[0]["id"]), source_data=ours[0])
    return Conflict(source_id=str(found[0]["id"]), key=key) if found else Absent()


def _carries_in_comment(item: Entity, mark: str) -> bool:
    return mark in str(item.get("comment") or "")


def _carries_in_source_data(item: Entity, mark: str) -> bool:
    source_data = read_json(str(item.get("sourceData") or "").encode())
    return isinstance(source_data, Mapping) and source_data.get(SOURCE_KEY) == mark
