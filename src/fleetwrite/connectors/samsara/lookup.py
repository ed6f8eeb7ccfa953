"""Whether a write whose answer was lost is at Samsara.

Creates are found by our external id, else by what they say (`sightings.py`); updates by reading the record back.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from fleetwrite.connectors.samsara import endpoints
from fleetwrite.connectors.samsara.endpoints import Endpoint
from fleetwrite.connectors.samsara.manifest import MANIFEST
from fleetwrite.connectors.samsara.mapping import EMPLOYEE_KEY, OPERATION_KEY, TRAILER_KEY, VEHICLE_KEY
from fleetwrite.connectors.samsara.outcomes import describe
from fleetwrite.connectors.samsara.reading import DRIVER_STATES, PAGE_SIZE, Item, read_pages
from fleetwrite.connectors.samsara.sightings import find_inspection, find_messages
from fleetwrite.connectors.sdk.connector import ProviderAnswerError, Session
from fleetwrite.connectors.sdk.outcome import Absent, Conflict, Finding, Found, Lookalike, Unknowable
from fleetwrite.connectors.sdk.outcome_table import read_json
from fleetwrite.connectors.sdk.write import Call, Write
from fleetwrite.contract.enums import ResourceEnum

# Where a call wrote -> where that is read; /assets has no endpoint for a single one.
READ_BACK: Final[Mapping[str, Endpoint]] = {
    "/fleet/vehicles": endpoints.GET_VEHICLE,
    "/fleet/trailers": endpoints.GET_TRAILER,
    "/fleet/drivers": endpoints.GET_DRIVER,
    "/users": endpoints.GET_USER,
}
NOTHING_KEPT: Final = "Samsara gives no way to read what was written here."

# The partner's own ids and the VIN, which Samsara makes an external id of: our field for each, by the key there.
UNIQUE_KEYS: Final[Mapping[str, str]] = {
    VEHICLE_KEY: "external_id",
    TRAILER_KEY: "external_id",
    EMPLOYEE_KEY: "employee_number",
    "samsara.vin": "vin",
}


async def look_up(write: Write, call: Call, session: Session, begun_ago: timedelta) -> Finding:
    """Whether `write` is at Samsara; see `Connector.look_up`.

    Raises:
        ProviderAnswerError: Samsara did not answer the question.
    """
    if not MANIFEST.can_be_looked_up(write.resource, write.operation_type):
        return Unknowable(reason=NOTHING_KEPT)
    sent = call.body or {}
    if write.target is not None:
        held = await _read_target(write.target.source_id, call, session)
        is_there = held is not None and holds(sent, held)
        return Found(source_id=write.target.source_id, source_data=held) if held and is_there else Absent()
    try:
        if write.resource in {ResourceEnum.MESSAGE, ResourceEnum.GROUP_MESSAGE}:
            return await find_messages(write, sent, session, begun_ago)
        if write.resource is ResourceEnum.DVIR_LOG:
            return await find_inspection(sent, session, begun_ago)
        if call.path == endpoints.CREATE_USER.path:
            return await _find_office_user(sent, session)
    except ProviderAnswerError as error:
        if error.answer.status != 403:
            raise
        # Writing needs no right to read. Whoever gave none is asked no second time.
        return Unknowable(reason=f"The token may not read what it wrote: {error}")
    return await _find_marked(write.operation_id.hex, call, session)


def holds(sent: Any, held: Any) -> bool:
    """Whether everything `sent` is in `held`. Samsara leaves out what is empty, and writes some numbers as texts."""
    if isinstance(sent, Mapping):
        return isinstance(held, Mapping) and all(holds(value, held.get(key)) for key, value in sent.items())
    if sent in (None, ""):
        return held in (None, "")
    return bool(sent == held) or (held is not None and str(sent) == str(held))


async def _find_marked(mark: str, call: Call, session: Session) -> Finding:
    """What carries our operation's id; else who holds a key that our write needs."""
    sent = call.body or {}
    keys = {**sent["externalIds"], **({"samsara.vin": sent["vin"]} if sent.get("vin") else {})}
    if call.path == endpoints.CREATE_ASSET.path:
        return _judge([item async for item in _read_assets(keys, session)], keys, mark)
    held = await _read_one(call, session, f"{OPERATION_KEY}:{mark}")
    if held is not None:
        if not _carries(held, OPERATION_KEY, mark):
            return Unknowable(
                reason=f"Samsara answered with {held.get('id')}, which does not carry this operation's id."
            )
        return Found(source_id=str(held["id"]), source_data=held)
    holders = [await _read_one(call, session, f"{key}:{keys[key]}") for key in UNIQUE_KEYS if key in keys]
    finding = _judge([item for item in holders if item is not None], keys, mark)
    if isinstance(finding, Absent) and call.path == endpoints.CREATE_DRIVER.path:
        return await _find_namesake(sent, mark, session)
    return finding


async def _find_namesake(sent: Mapping[str, Any], mark: str, session: Session) -> Finding:
    """A driver who has the login name or the licence of ours; deactivated ones keep theirs."""
    licence = (sent.get("licenseNumber"), sent.get("licenseState"))
    for state in DRIVER_STATES:
        query = (("driverActivationStatus", state), PAGE_SIZE)
        async for items in read_pages(session, endpoints.LIST_DRIVERS, query):
            for item in items:
                if item.get("username") == sent["username"]:
                    return _holder(item, f"username {sent['username']}", mark)
                if all(licence) and (item.get("licenseNumber"), item.get("licenseState")) == licence:
                    return _holder(item, f"license_number {licence[0]} of {licence[1]}", mark)
    return Absent()


def _judge(items: Sequence[Item], keys: Mapping[str, str], mark: str) -> Finding:
    """Ours among what was found by external ids, else the first that holds a key of ours."""
    for item in items:
        if _carries(item, OPERATION_KEY, mark):
            return Found(source_id=str(item["id"]), source_data=item)
    for item in items:
        for key, field in UNIQUE_KEYS.items():
            if key in keys and _carries(item, key, keys[key]):
                return _holder(item, f"{field} {keys[key]}", mark)
    return Absent()


def _holder(item: Item, key: str, mark: str) -> Finding:
    """Ours, should it have arrived while we looked; else a stranger."""
    if _carries(item, OPERATION_KEY, mark):
        return Found(source_id=str(item["id"]), source_data=item)
    return Conflict(source_id=str(item["id"]), key=key)


async def _find_office_user(sent: Mapping[str, Any], session: Session) -> Finding:
    """Samsara keeps neither an id of ours nor a time of creation with its users: an equal one may be anybody's."""
    email = str(sent["email"])
    async for items in read_pages(session, endpoints.LIST_USERS, (PAGE_SIZE,)):
        for item in items:
            if str(item.get("email", "")).casefold() != email.casefold():
                continue
            source_id, key = str(item["id"]), f"user_email {email}"
            roles = {role["roleId"] for role in sent["roles"]}
            # Written as `roleId`, shown as an object. Where it can not be read it may be ours.
            held_roles = {(role.get("role") or {}).get("id") for role in item.get("roles") or ()} - {None}
            is_equal = item.get("name") == sent["name"] and held_roles in (set(), roles)
            return (Lookalike if is_equal else Conflict)(source_id=source_id, key=key)
    return Absent()


async def _read_target(source_id: str, call: Call, session: Session) -> Item | None:
    """The record that `call` updated; None if there is none."""
    if call.path != endpoints.UPDATE_ASSET.path:
        return await _read_one(call, session, source_id)
    query = (("ids", source_id), ("includeExternalIds", "true"))
    async for items in read_pages(session, endpoints.LIST_ASSETS, query):
        if items:
            return items[0]
    return None


async def _read_assets(keys: Mapping[str, str], session: Session) -> AsyncIterator[Item]:
    """The assets that carry any of these external ids."""
    # A comma parts the ids in this parameter, so that one with a comma in it can not be asked for.
    names = [name for name in (OPERATION_KEY, *UNIQUE_KEYS) if name in keys and "," not in keys[name]]
    wanted = ",".join(f"{name}:{keys[name]}" for name in names)
    async for items in read_pages(
        session, endpoints.LIST_ASSETS, (("externalIds", wanted), ("includeExternalIds", "true"))
    ):
        for item in items:
            yield item


async def _read_one(call: Call, session: Session, key: str) -> Item | None:
    """The record with this id, or external id, of the kind that `call` wrote; None if there is none."""
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


def _carries(item: Item, key: str, value: str) -> bool:
    return (item.get("externalIds") or {}).get(key) == value
