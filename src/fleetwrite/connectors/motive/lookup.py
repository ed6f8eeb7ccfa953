"""Whether a write whose answer was lost is at Motive.

Creates are found by our operation's id, messages by what they say (`sightings.py`); updates by reading the record back.
"""

from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from fleetwrite.connectors.motive import external_ids
from fleetwrite.connectors.motive.endpoints import KINDS, LIST_FUEL_PURCHASES, USERS, VEHICLES, Kind
from fleetwrite.connectors.motive.external_ids import Item
from fleetwrite.connectors.motive.outcomes import ENVELOPES
from fleetwrite.connectors.motive.reading import read_one, read_pages
from fleetwrite.connectors.motive.sightings import find_messages
from fleetwrite.connectors.sdk.connector import ProviderAnswerError, Session
from fleetwrite.connectors.sdk.outcome import Absent, Conflict, Finding, Found, Unknowable
from fleetwrite.connectors.sdk.write import Call, Write
from fleetwrite.contract.enums import ResourceEnum

NATURAL_KEYS: Final[Mapping[Kind, Mapping[str, str]]] = {
    VEHICLES: {"number": "vehicle_name"},
    USERS: {"username": "username", "email": "user_email", "driver_company_id": "employee_number"},
}
"""What a single record can be looked up by: Motive's name -> ours. Assets have nothing of the kind."""


async def look_up(write: Write, call: Call, session: Session, begun_ago: timedelta) -> Finding:
    """Whether `write` is at Motive; see `Connector.look_up`.

    Raises:
        ProviderAnswerError: Motive did not answer the question.
    """
    sent = call.body or {}
    try:
        if write.target is not None:
            return await _find_update(write, sent, session)
        if write.resource in {ResourceEnum.MESSAGE, ResourceEnum.GROUP_MESSAGE}:
            return await find_messages(sent, session, begun_ago)
        if write.resource is ResourceEnum.FUEL_TRANSACTION:
            return await _find_purchase(sent, session)
        return await _find_marked(write, sent, session)
    except ProviderAnswerError as error:
        if error.answer.status != 403:
            raise
        # Managing and reading are rights of their own. Whoever gave none to read is asked no second time.
        return Unknowable(reason=f"The app may not read what it wrote: {error}")


async def complete_external_ids(write: Write, call: Call, session: Session) -> Call | None:
    """The call of an update with the ids of Motive's own records of external ids; None: the record is gone.

    Raises:
        ProviderAnswerError: the record could not be read.
    """
    body = call.body or {}
    if external_ids.WRITTEN not in body:
        return call
    kind, source_id = KINDS[write.resource], write.require_target().source_id
    item = await read_one(session, kind.get.call(source_id), kind.name)
    return None if item is None else kind.update.call(source_id, body=external_ids.with_record_ids(body, item))


def holds(sent: Any, held: Any) -> bool:
    """Whether everything `sent` is in `held`; what is empty may be left out, and numbers may be texts."""
    if isinstance(sent, Mapping):
        return isinstance(held, Mapping) and all(
            all(external_ids.carries(held, one) for one in value)
            if key == external_ids.WRITTEN
            else holds(value, held.get(key))
            for key, value in sent.items()
        )
    if sent in (None, ""):
        return held in (None, "")
    return bool(sent == held) or (held is not None and not isinstance(sent, bool) and str(sent) == str(held))


async def _find_update(write: Write, sent: Mapping[str, Any], session: Session) -> Finding:
    kind, source_id = KINDS[write.resource], write.require_target().source_id
    held = await read_one(session, kind.get.call(source_id), kind.name)
    return Absent() if held is None or not holds(sent, held) else Found(source_id=source_id, source_data=held)


async def _find_marked(write: Write, sent: Mapping[str, Any], session: Session) -> Finding:
    """What carries our operation's id; else who holds a key that our write needs."""
    kind = KINDS[write.resource]
    marked, *partners = sent[external_ids.WRITTEN]
    item = await _find_by_external_id(kind, marked, session)
    if item is not None:
        if not external_ids.carries(item, marked):
            return Unknowable(reason=f"Motive answered with {item.get('id')}, which lacks this operation's id.")
        return Found(source_id=str(item["id"]), source_data=item)
    async for key, holder in _holders(kind, sent, partners, session):
        # Should ours have arrived while we looked, it is found here.
        if external_ids.carries(holder, marked):
            return Found(source_id=str(holder["id"]), source_data=holder)
        return Conflict(source_id=str(holder["id"]), key=key)
    return Absent()


async def _holders(
    kind: Kind, sent: Mapping[str, Any], partners: list[Item], session: Session
) -> AsyncIterator[tuple[str, Item]]:
    """Records that hold a key of ours, with that key in our words."""
    for wanted in partners:
        item = await _find_by_external_id(kind, wanted, session)
        if item is not None and external_ids.carries(item, wanted):
            yield f"external_id {wanted['external_id']}", item
    for name, field in NATURAL_KEYS.get(kind, {}).items():
        if name in sent:
            item = await read_one(session, kind.find.call(query=((name, sent[name]),)), kind.name)
            if item is not None and str(item.get(name)).casefold() == sent[name].casefold():
                yield f"{field} {sent[name]}", item


async def _find_by_external_id(kind: Kind, wanted: Item, session: Session) -> Item | None:
    query = (("external_id", wanted["external_id"]), ("integration_name", wanted["integration_name"]))
    return await read_one(session, kind.find_by_external_id.call(query=query), kind.name)


async def _find_purchase(sent: Mapping[str, Any], session: Session) -> Finding:
    """The purchase with our reference number, among those of the vehicle on that day, by any clock on Earth."""
    day = datetime.fromisoformat(sent["purchased_at"]).date()
    query = (
        ("vehicle_ids", str(sent["vehicle_id"])),
        ("start_date", (day - timedelta(days=1)).isoformat()),
        ("end_date", (day + timedelta(days=1)).isoformat()),
    )
    name = ENVELOPES[ResourceEnum.FUEL_TRANSACTION]
    async for page in read_pages(session, LIST_FUEL_PURCHASES, name, f"{name}s", query):
        for item in page.items:
            if item.get("ref_no") == sent["ref_no"]:
                return Found(source_id=str(item["id"]), source_data=item)
    return Absent()
