"""Vehicles, trailers and drivers in Zonar's terms, and the calls that their writes take."""

import hashlib
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from fleetwrite.connectors.sdk.connector import WriteSession
from fleetwrite.connectors.sdk.mapping import Draft, Table
from fleetwrite.connectors.sdk.outcome import Applied, Conflict, Found, Lookalike, Outcome, Rejected
from fleetwrite.connectors.sdk.write import Call, Translation, Write
from fleetwrite.connectors.zonar import lookup, outcomes
from fleetwrite.connectors.zonar.documents import Row
from fleetwrite.connectors.zonar.manifest import LOCATION
from fleetwrite.connectors.zonar.mapping import OPERATOR, PROVIDER, TRAILER, VEHICLE
from fleetwrite.connectors.zonar.operations import (
    ADD_ASSET,
    ADD_OPERATOR,
    ADDRESSING,
    EDIT_ASSET,
    EDIT_OPERATOR,
    EDIT_OPERATOR_STATUS,
    Operation,
)
from fleetwrite.connectors.zonar.reading import INACTIVE, TRAILER_TYPE, VEHICLE_TYPE, find_asset, find_operator_by_id
from fleetwrite.contract.enums import ResourceEnum, UserStatusEnum
from fleetwrite.contract.errors import ErrorType

PIN: Final = "pin"

_ASSET_KEPT: Final[Mapping[str, str]] = {
    "fleet": "fleet",
    "newtype": "type",
    "location": "location",
    "name": "name",
    "vin": "vin",
    "exsid": "exsid",
    "inservice": "inservice",
    "tagid": "tag",
    "mfg": "mfg",
    "mileoffset": "mileoffset",
    "radioaddress": "radioaddress",
    "subtype": "subtype",
    "homeloi": "homeloi",
    "status": "status",
    "engine_hour_offset": "enginehouroffset",
}
"""Parameter of an edit -> the element of the list that shows what it has to repeat."""

_OPERATOR_KEPT: Final[Mapping[str, str]] = {
    name: name for name in ("fname", "lname", "location", PIN, "empnum", "cdl", "exsid", "tag")
}

_COMMENT: Final = "Revoked by fleetwrite."
"""Zonar wants to know why an operator is revoked."""


def translate_vehicle(write: Write) -> Translation:
    """An asset of the standard type."""
    return _translate_asset(write, VEHICLE, VEHICLE_TYPE)


def translate_trailer(write: Write) -> Translation:
    """An asset of the type of trailers."""
    return _translate_asset(write, TRAILER, TRAILER_TYPE)


def translate_user(write: Write) -> Translation:
    """An operator. A new one gets a PIN that we make up, since Zonar takes none without."""
    draft = Draft(write, OPERATOR, provider=PROVIDER)
    draft.fill()
    if draft.given("is_driver") is False:
        draft.fault(
            "is_driver",
            ErrorType.RANGE,
            "Only drivers are offered: users of Zonar's web site are made there. Leave it out, or send true.",
        )
    _check_activity(draft)
    if draft.is_update:
        draft.require_change()
        losses = draft.settle()
        operation = EDIT_OPERATOR_STATUS if set(draft.body) == {"status"} else EDIT_OPERATOR
        return Translation(call=operation.write(draft.body), losses=losses)
    _complete(draft)
    losses = draft.settle()
    call = ADD_OPERATOR.write({"logvers": "2", **draft.body})
    return Translation(call=call, losses=losses, wanted_secrets=(PIN,))


async def create(write: Write, call: Call, session: WriteSession) -> Outcome:
    """Make an asset or an operator. Where Zonar says that something is in use, an earlier attempt may have arrived."""
    body = call.body or {}
    if PIN in body:
        call = msgspec.structs.replace(call, body={**body, PIN: _four_digits(body[PIN])})
    answer = await session.call(call)
    error = outcomes.read_error(answer)
    if error is None or error.code != outcomes.NOT_UNIQUE:
        return outcomes.read_outcome(write, call, answer)
    match await lookup.find_created(write, call, session):
        case Found(source_id=source_id, source_data=held):
            return Applied(source_id=source_id, source_data=held)
        case Conflict(source_id=source_id, key=key) | Lookalike(source_id=source_id, key=key):
            return Rejected(details=f"{outcomes.describe(call, answer)} - {source_id} has the same {key}.")
        case _:
            return Rejected(details=outcomes.describe(call, answer))


async def update(write: Write, call: Call, session: WriteSession) -> Outcome:
    """Change an asset or an operator; all calls of it may be made twice."""
    update_one = _update_operator if write.resource is ResourceEnum.USER else _update_asset
    return await update_one(write, _changes(call), session)


async def _update_asset(write: Write, changes: Mapping[str, Any], session: WriteSession) -> Outcome:
    """Read an asset, and send all of it back with the changes."""
    source_id = write.require_target().source_id
    what = f"asset {source_id}"
    row = await find_asset(session, "dbid", source_id)
    if row is None:
        return _gone(what)
    kept = _kept(row, _ASSET_KEPT, what)
    if isinstance(kept, Rejected):
        return kept
    return await _send(write, session, EDIT_ASSET, {"reqtype": "dbid", "target": source_id, **kept, **changes})


async def _update_operator(write: Write, changes: Mapping[str, Any], session: WriteSession) -> Outcome:
    """The same with an operator, whose status is no part of it and is changed afterwards."""
    source_id = write.require_target().source_id
    what = f"operator {source_id}"
    row = await find_operator_by_id(session, source_id)
    if row is None:
        return _gone(what)
    kept = _kept(row, _OPERATOR_KEPT, what)
    if isinstance(kept, Rejected):
        return kept
    # Every operator has an external id or a tag; editing by the id is not documented.
    reqtype = "exsid" if row["exsid"] else "tag"
    address = {"reqtype": reqtype, "target": row[reqtype]}
    edited = {name: value for name, value in changes.items() if name != "status"}
    if edited:
        outcome = await _send(write, session, EDIT_OPERATOR, {**address, **kept, **edited})
        if not isinstance(outcome, Applied) or "status" not in changes:
            return outcome
    comment = _COMMENT if changes["status"] == INACTIVE else ""
    return await _send(
        write, session, EDIT_OPERATOR_STATUS, {**address, "status": changes["status"], "comment": comment}
    )


async def _send(write: Write, session: WriteSession, operation: Operation, parameters: Mapping[str, Any]) -> Outcome:
    """Make a call without what is empty: leaving out is how Zonar documents that something is emptied."""
    call = operation.write({name: value for name, value in parameters.items() if value != ""})
    return outcomes.read_outcome(write, call, await session.call(call))


def _kept(row: Row, elements: Mapping[str, str], what: str) -> dict[str, str] | Rejected:
    """What an edit has to repeat, as it empties whatever it leaves out; a refusal where Zonar does not show it all."""
    hidden = [element for element in elements.values() if element not in row]
    if hidden:
        return Rejected(
            details=f"Zonar does not show {', '.join(hidden)} of {what} and would empty it: nothing was sent. Make the "
            "change in Zonar, or give the connection's user the right to see it."
        )
    return {name: row[element] for name, element in elements.items()}


def _gone(what: str) -> Rejected:
    return Rejected(details=f"Zonar has no {what} that this user may see: it was removed, or is not shared.")


def _changes(call: Call) -> dict[str, Any]:
    return {name: value for name, value in (call.body or {}).items() if name not in ADDRESSING}


def _translate_asset(write: Write, table: Table, asset_type: str) -> Translation:
    draft = Draft(write, table, provider=PROVIDER)
    draft.fill()
    if draft.is_update:
        draft.require_change()
        losses = draft.settle()
        return Translation(call=EDIT_ASSET.write(draft.body), losses=losses)
    _complete(draft)
    losses = draft.settle()
    return Translation(call=ADD_ASSET.write({"logvers": "2", "type": asset_type, **draft.body}), losses=losses)


def _complete(draft: Draft) -> None:
    """What every new record needs: a location, and an id of ours where the partner sends none of its own."""
    draft.body.setdefault("exsid", lookup.mark(draft.write))
    location = draft.write.settings.get(LOCATION)
    if location:
        draft.put("location", location)
    else:
        draft.fault(
            "connection_id",
            ErrorType.REQUIRED_BY_TSP,
            f"Zonar keeps everything at a location: give this connection the setting {LOCATION}, the name of one.",
        )


def _check_activity(draft: Draft) -> None:
    """Both fields mean the same, and a new operator is always active."""
    is_active, status = draft.given("is_active"), draft.given("status")
    if is_active is not None and status is not None and is_active is not (status is UserStatusEnum.ACTIVE):
        draft.fault("status", ErrorType.RANGE, "is_active says the opposite. Send one of both, or what agrees.")
    elif not draft.is_update and draft.body.pop("status", None) == INACTIVE:
        draft.lose(
            "status" if is_active is None else "is_active",
            "A new operator of Zonar is active: create it so, and send an update that makes it inactive.",
            essential=True,
        )


def _four_digits(secret: Any) -> str:
    """A PIN from a secret: the same in every attempt."""
    digest = hashlib.sha256(str(secret).encode()).digest()
    return f"{int.from_bytes(digest) % 10_000:04}"
