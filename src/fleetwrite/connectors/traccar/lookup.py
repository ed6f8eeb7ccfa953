"""Whether a write whose answer was lost is at Traccar.

A create is told by our operation's id among its attributes, an update by reading the record back.
"""

from collections.abc import Mapping
from typing import Any

from fleetwrite.connectors.sdk.connector import Session
from fleetwrite.connectors.sdk.outcome import Absent, Conflict, Finding, Found, Unknowable
from fleetwrite.connectors.sdk.write import Call, Write
from fleetwrite.connectors.traccar.endpoints import DEVICES, KINDS, Kind
from fleetwrite.connectors.traccar.mapping import OPERATION_KEY
from fleetwrite.connectors.traccar.reading import Item, fetch_list, read_one, read_pages


async def look_up(write: Write, call: Call, session: Session) -> Finding:
    """Whether `write` is at Traccar; see `Connector.look_up`.

    Raises:
        ProviderAnswerError: Traccar did not answer the question.
    """
    kind = KINDS.get(write.resource)
    if kind is None:
        return Unknowable(reason="Traccar gives no way to read what was sent to a device.")
    sent = call.body or {}
    if write.target is None:
        return await find_holder(write, session, kind, sent["uniqueId"])
    held = await read_one(session, kind, write.target.source_id)
    if held is None or not _holds(sent, held):
        return Absent()
    return Found(source_id=write.target.source_id, source_data=held)


async def find_holder(write: Write, session: Session, kind: Kind, unique_id: str) -> Finding:
    """Who has the identifier of `write`: itself, a stranger, or nobody that this user sees."""
    item = await _find(session, kind, unique_id)
    if item is None:
        return Absent()
    source_id = str(item["id"])
    is_target = write.target is not None and write.target.source_id == source_id
    if is_target or (item.get("attributes") or {}).get(OPERATION_KEY) == write.operation_id.hex:
        return Found(source_id=source_id, source_data=item)
    return Conflict(source_id=source_id, key=f"{kind.key_field} {unique_id}")


async def _find(session: Session, kind: Kind, unique_id: str) -> Item | None:
    if kind is DEVICES:
        return next(iter(await fetch_list(session, kind.list.call(query=(("uniqueId", unique_id),)))), None)
    # Drivers can not be asked for by it.
    async for page in read_pages(session, kind):
        for item in page.items:
            if item.get("uniqueId") == unique_id:
                return item
    return None


def _holds(sent: Any, held: Any) -> bool:
    """Whether everything `sent` is in `held`. Numbers and dates may come back in another form."""
    if isinstance(sent, Mapping):
        return isinstance(held, Mapping) and all(_holds(value, held.get(key)) for key, value in sent.items())
    return bool(sent == held) or (held is not None and str(sent) == str(held))
