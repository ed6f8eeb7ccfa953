"""Whether a write whose answer was lost is at Samsara.

Creates are found by our external id, updates by reading the record back.
"""

from collections.abc import Mapping
from typing import Any, Final

from fleetwrite.connectors.samsara import endpoints
from fleetwrite.connectors.samsara.endpoints import Endpoint
from fleetwrite.connectors.samsara.mapping import OPERATION_KEY
from fleetwrite.connectors.samsara.outcomes import describe, read_json
from fleetwrite.connectors.samsara.reading import Item, read_pages
from fleetwrite.connectors.sdk.connector import ProviderAnswerError, Session
from fleetwrite.connectors.sdk.outcome import Absent, Finding, Found, Unknowable
from fleetwrite.connectors.sdk.write import Call, Write
from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.contract.telematics import UserCreate

# Where a call wrote -> where that is read; /assets has no endpoint for a single one.
READ_BACK: Final[Mapping[str, Endpoint]] = {
    "/fleet/vehicles": endpoints.GET_VEHICLE,
    "/fleet/trailers": endpoints.GET_TRAILER,
    "/fleet/drivers": endpoints.GET_DRIVER,
    "/users": endpoints.GET_USER,
}
NOTHING_KEPT: Final = "Samsara keeps nothing of this write by which it could be told."


def can_look_up(write: Write) -> bool:
    """Samsara keeps external ids of vehicles, trailers and drivers; what is updated can be read back."""
    if write.target is not None:
        return True
    if isinstance(write.body, UserCreate):
        return write.body.is_driver is True
    return write.resource in {ResourceEnum.VEHICLE, ResourceEnum.TRAILER}


async def look_up(write: Write, call: Call, session: Session) -> Finding:
    """Whether `write` is at Samsara.

    Raises:
        ProviderAnswerError: Samsara did not answer the question.
    """
    if not can_look_up(write):
        return Unknowable(reason=NOTHING_KEPT)
    held = await _read_back(write, call, session)
    if held is None:
        return Absent()
    if write.target is not None:
        is_there = holds(call.body or {}, held)
        return Found(source_id=write.target.source_id, source_data=held) if is_there else Absent()
    if (held.get("externalIds") or {}).get(OPERATION_KEY) != write.operation_id.hex:
        return Unknowable(reason=f"Samsara answered with {held.get('id')}, which does not carry this operation's id.")
    return Found(source_id=str(held["id"]), source_data=held)


def holds(sent: Any, held: Any) -> bool:
    """Whether everything `sent` is in `held`. Samsara leaves out what is empty, and writes some numbers as texts."""
    if isinstance(sent, Mapping):
        return isinstance(held, Mapping) and all(holds(value, held.get(key)) for key, value in sent.items())
    if sent in (None, ""):
        return held in (None, "")
    return bool(sent == held) or (held is not None and str(sent) == str(held))


async def _read_back(write: Write, call: Call, session: Session) -> Item | None:
    """The updated record, or what carries the operation's id, from where `call` wrote; None if there is none."""
    key = write.target.source_id if write.target is not None else f"{OPERATION_KEY}:{write.operation_id.hex}"
    if call.path == endpoints.CREATE_ASSET.path:
        name = "ids" if write.target is not None else "externalIds"
        query = ((name, key), ("includeExternalIds", "true"))
        async for items in read_pages(session, endpoints.LIST_ASSETS, query):
            if items:
                return items[0]
        return None
    endpoint = next(endpoint for prefix, endpoint in READ_BACK.items() if call.path.startswith(prefix))
    reading = endpoint.call(key)
    answer = await session.call(reading)
    match read_json(answer.body):
        case {"data": dict(item)} if answer.status == 200:
            return item
        case _ if answer.status == 404:
            return None
        case _:
            raise ProviderAnswerError(describe(reading, answer), answer)
