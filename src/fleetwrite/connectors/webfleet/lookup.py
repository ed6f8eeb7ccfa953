"""Whether a write whose answer was lost is at Webfleet."""

from collections.abc import Mapping
from typing import Any, Final

from fleetwrite.connectors.sdk.connector import Session
from fleetwrite.connectors.sdk.outcome import Absent, Conflict, Finding, Found, Lookalike, Unknowable
from fleetwrite.connectors.sdk.write import Call, Write
from fleetwrite.connectors.webfleet.drivers import mark
from fleetwrite.connectors.webfleet.reading import Row, as_written, find_driver, find_vehicle, without_mark
from fleetwrite.contract.enums import ResourceEnum

_MESSAGES: Final = "Webfleet gives messages no id, and does not document how those that were sent are listed."

_ADDRESS: Final = frozenset({"action", "objectuid", "driveruid"})
"""Parameters that say what is meant, not what it becomes."""


async def look_up(write: Write, call: Call, session: Session) -> Finding:
    """Whether `write` is at Webfleet; see `Connector.look_up`.

    Raises:
        ProviderAnswerError: Webfleet did not answer the question.
    """
    sent = {name: value for name, value in (call.body or {}).items() if name not in _ADDRESS}
    if write.resource is ResourceEnum.MESSAGE:
        return Unknowable(reason=_MESSAGES)
    if write.target is None:
        return await _find_created(write, sent, session)
    source_id = write.target.source_id
    is_vehicle = write.resource is ResourceEnum.VEHICLE
    row = await (find_vehicle(session, source_id) if is_vehicle else find_driver(session, driveruid=source_id))
    return Found(source_id=source_id, source_data=row) if row is not None and _holds(row, sent) else Absent()


async def _find_created(write: Write, sent: Mapping[str, Any], session: Session) -> Finding:
    """The driver with our number: ours if it has our mark. Somebody may have taken that off; then nothing tells."""
    row = await find_driver(session, driverno=sent["driverno"])
    if row is None:
        return Absent()
    source_id, key = str(row["driveruid"]), f"employee_number {sent['driverno']}"
    if mark(write) in str(row.get("description")):
        return Found(source_id=source_id, source_data=row)
    unmarked = {**sent, "description": without_mark(sent["description"])}
    return (Lookalike if _holds(row, unmarked) else Conflict)(source_id=source_id, key=key)


def _holds(row: Row, sent: Mapping[str, Any]) -> bool:
    """Whether everything `sent` is in a row. Webfleet leaves out what is empty, and writes some numbers as texts."""
    held = as_written(row)
    return all(str(held.get(name) or "") == str(value) for name, value in sent.items())
