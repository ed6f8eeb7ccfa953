"""Vehicles, trailers and drivers in Traccar's terms, and the calls that their writes take."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from fleetwrite.connectors.sdk.connector import WriteSession
from fleetwrite.connectors.sdk.mapping import Draft
from fleetwrite.connectors.sdk.outcome import Applied, Conflict, Found, Outcome, Rejected
from fleetwrite.connectors.sdk.write import Call, Translation, Write
from fleetwrite.connectors.traccar import lookup, outcomes
from fleetwrite.connectors.traccar.endpoints import DEVICES, DRIVERS, KINDS, Kind
from fleetwrite.connectors.traccar.mapping import (
    DRIVER,
    MAX_LENGTH,
    OPERATION_KEY,
    PROVIDER,
    TRAILER,
    TRAILER_CATEGORY,
    VEHICLE,
)
from fleetwrite.connectors.traccar.reading import Item, read_one
from fleetwrite.contract.enums import UserStatusEnum
from fleetwrite.contract.errors import ErrorType
from fleetwrite.kit.egress import HttpAnswer

_REFUSED: Final = 400


def translate_vehicle(write: Write) -> Translation:
    """A device."""
    draft = Draft(write, VEHICLE, provider=PROVIDER)
    draft.fill()
    return _finish(draft, DEVICES)


def translate_trailer(write: Write) -> Translation:
    """A device of the category of trailers."""
    draft = Draft(write, TRAILER, provider=PROVIDER)
    draft.fill()
    if not draft.is_update:
        draft.put("category", TRAILER_CATEGORY)
    return _finish(draft, DEVICES)


def translate_user(write: Write) -> Translation:
    """A driver."""
    draft = Draft(write, DRIVER, provider=PROVIDER)
    draft.fill()
    _check_role(draft)
    _put_name(draft)
    _check_activity(draft)
    return _finish(draft, DRIVERS)


async def carry_out(write: Write, call: Call, session: WriteSession) -> Outcome:
    """Create or update a record.

    An update replaces all of it at Traccar, so that it is read first, and sent back with what is to change.
    """
    kind = KINDS[write.resource]
    if write.target is not None:
        held = await read_one(session, kind, write.target.source_id)
        if held is None:
            return Rejected(
                details=f"Traccar has no {kind.name} {write.target.source_id} that this token's user may see: it was "
                "deleted, or is not shared with that user any more."
            )
        call = msgspec.structs.replace(call, body=_merged(held, call.body or {}))
    answer = await session.call(call)
    if answer.status == _REFUSED:
        return await _read_refusal(write, call, session, answer)
    return outcomes.read_outcome(write, call, answer)


def _finish(draft: Draft, kind: Kind) -> Translation:
    if draft.is_update:
        draft.require_change()
        losses = draft.settle()
        return Translation(
            call=kind.update.call(draft.write.require_target().source_id, body=draft.body), losses=losses
        )
    draft.put(f"attributes.{OPERATION_KEY}", draft.write.operation_id.hex)
    losses = draft.settle()
    return Translation(call=kind.create.call(body=draft.body), losses=losses)


def _merged(held: Item, changes: Mapping[str, Any]) -> dict[str, Any]:
    """The record with `changes`; attributes that become null are taken away."""
    changed = changes.get("attributes", {})
    attributes = {**(held.get("attributes") or {}), **changed}
    emptied = {key for key, value in changed.items() if value is None}
    return {
        **held,
        **changes,
        "attributes": {key: value for key, value in attributes.items() if key not in emptied},
    }


async def _read_refusal(write: Write, call: Call, session: WriteSession, answer: HttpAnswer) -> Outcome:
    """What a 400 means: Traccar may have stumbled after the record was made, or met another one with our identifier."""
    kind = KINDS[write.resource]
    match await lookup.find_holder(write, session, kind, (call.body or {})["uniqueId"]):
        case Found(source_id=source_id, source_data=held) if write.target is None:
            return Applied(source_id=source_id, source_data=held)
        case Conflict(source_id=source_id, key=key):
            return Rejected(details=f"Traccar has {kind.name} {source_id} with the same {key}.")
        case _:
            return Rejected(
                details=f"{outcomes.describe(call, answer)} The usual reasons: a {kind.name} with this "
                f"{kind.key_field} that the token's user can not see; a user who may not write, or has reached the "
                "limit of devices; more than 4000 characters of attributes."
            )


def _check_role(draft: Draft) -> None:
    if draft.given("is_driver") is False:
        draft.fault(
            "is_driver",
            ErrorType.RANGE,
            "Only drivers are written to Traccar; users who sign in there are made in its settings.",
        )


def _check_activity(draft: Draft) -> None:
    status = draft.given("status")
    if draft.given("is_active") is False:
        field = "is_active"
    elif status is not None and status is not UserStatusEnum.ACTIVE:
        field = "status"
    else:
        return
    draft.lose(field, "Traccar keeps no inactive drivers; who is not to drive has to be deleted there.", essential=True)


def _put_name(draft: Draft) -> None:
    """Join the two names. An update must bring both: which word of the name at Traccar was whose is not known."""
    fields = ("first_name", "last_name")
    parts = {
        field: "" if draft.is_cleared(field) else draft.given(field)
        for field in fields
        if draft.is_cleared(field) or draft.given(field) is not None
    }
    if not parts:
        return
    if draft.is_update and len(parts) == 1:
        missing = next(field for field in fields if field not in parts)
        draft.fault(
            missing,
            ErrorType.REQUIRED_BY_TSP,
            "Traccar keeps one name for both: send first_name and last_name together, an empty text for a name that is "
            "not there.",
        )
        return
    name = " ".join(part for part in (parts.get(field) for field in fields) if part)
    if not name:
        draft.fault("first_name", ErrorType.REQUIRED_BY_TSP, "Traccar takes no driver without a name.")
    elif len(name) > MAX_LENGTH:
        draft.fault(
            "last_name",
            ErrorType.RANGE,
            f"First and last name together may have {MAX_LENGTH} characters; these have {len(name)}.",
        )
    draft.put("name", name)
