"""Vehicles in Wialon's terms: units.

A unit is made with a name and a device type alone; every property is set by a call of its own afterwards. A create
makes it under a working name that carries the operation's id, and sets the rest in one batch whose last part gives it
its own name. So a unit that was made is found whatever became of the answer, and one that still has its working name is
known to be incomplete.
"""

from collections.abc import Mapping
from typing import Any, Final

from fleetwrite.connectors.sdk.connector import WriteSession
from fleetwrite.connectors.sdk.mapping import Draft
from fleetwrite.connectors.sdk.outcome import Applied, Outcome, Rejected
from fleetwrite.connectors.sdk.write import Call, Translation, Write
from fleetwrite.connectors.wialon import settings
from fleetwrite.connectors.wialon.mapping import MARK, PROVIDER, VEHICLE, as_texts
from fleetwrite.connectors.wialon.outcomes import gone, read_outcome
from fleetwrite.connectors.wialon.reading import BASE, CUSTOM_FIELDS, Item, ask, read_item
from fleetwrite.connectors.wialon.services import BATCH, CREATE_UNIT, GET_HW_TYPES, OWN_USER, params_of
from fleetwrite.contract.errors import ErrorType

RENAME: Final = "item/update_name"
SET_PROFILE_FIELD: Final = "item/update_profile_field"
SET_CUSTOM_FIELD: Final = "item/update_custom_field"
SET_ACTIVE: Final = "unit/set_active"


def working_name(write: Write) -> str:
    """The name of a unit until it is complete."""
    return f"{MARK} {write.operation_id.hex}"


def translate_vehicle(write: Write) -> Translation:
    """An update is one batch; a create is the call that makes the unit, after which `carry_out` completes it."""
    draft = _draft(write)
    if draft.is_update:
        draft.require_change()
        losses = draft.settle()
        return Translation(call=_batch(draft.body, int(write.require_target().source_id), {}), losses=losses)
    params: dict[str, Any] = {"name": working_name(write), "dataFlags": BASE}
    if not draft.given("eld_device_type"):
        _put_usual_device_type(draft, params)
    losses = draft.settle()
    return Translation(call=CREATE_UNIT.call(params, own={"creatorId": OWN_USER}), losses=losses)


async def carry_out(write: Write, call: Call, session: WriteSession) -> Outcome:
    """Update a unit, or make and complete one; see `Connector.carry_out`."""
    body = _draft(write).body
    if write.target is not None:
        return await _set(write, body, int(write.target.source_id), session)
    if write.made is not None:
        return await _set(write, body, int(write.made), session)
    if "hwTypeId" not in params_of(call):
        device_type = Draft(write, VEHICLE, provider=PROVIDER).given("eld_device_type")
        type_id = await _find_device_type(session, device_type)
        if type_id is None:
            return Rejected(
                details=f"eld_device_type: Wialon knows no device type named {device_type!r}. Send the name as its "
                "list has it, or leave it out and set hw_type_id in the settings of the connection."
            )
        call = CREATE_UNIT.call({**params_of(call), "hwTypeId": type_id}, own={"creatorId": OWN_USER})
    outcome = read_outcome(write, call, await session.call(call))
    if not isinstance(outcome, Applied):
        return outcome
    session.made(outcome.source_id)
    completing = _batch(body, int(outcome.source_id), {})
    return read_outcome(write, completing, await session.call(completing))


def holds(write: Write, unit: Item, profile: Mapping[str, str], custom: Mapping[str, str]) -> bool:
    """Whether a unit has everything that an update sets."""
    body = _draft(write).body
    return (
        body.get("name", unit.get("nm")) == unit.get("nm")
        and body.get("active", bool(unit.get("act"))) == bool(unit.get("act"))
        and all(profile.get(name, "") == value for name, value in as_texts(body.get("profile", {})).items())
        and all(custom.get(name, "") == value for name, value in as_texts(body.get("custom", {})).items())
    )


def _draft(write: Write) -> Draft:
    """The properties to set: `name`, `active`, `profile` and `custom` fields."""
    draft = Draft(write, VEHICLE, provider=PROVIDER)
    draft.fill()
    if not draft.is_update:
        draft.put(f"custom.{MARK}", write.operation_id.hex)
        if draft.body.get("active") is True:
            # Every unit is made active. What Wialon says to activating it once more is not documented.
            del draft.body["active"]
    elif draft.given("eld_device_type") is not None:
        draft.lose(
            "eld_device_type", "Wialon changes the device type of a unit only where its hardware is paired anew."
        )
    return draft


def _put_usual_device_type(draft: Draft, params: dict[str, Any]) -> None:
    type_id = settings.read_number(draft, settings.DEVICE_TYPE)
    if type_id is not None:
        params["hwTypeId"] = type_id
        return
    draft.fault(
        "eld_device_type",
        ErrorType.REQUIRED_BY_TSP,
        "Wialon makes no unit without a device type. Send its name as Wialon's list has it, or set hw_type_id in the "
        "settings of this connection to the id of the usual one.",
    )


async def _find_device_type(session: WriteSession, name: str) -> int | None:
    call = GET_HW_TYPES.call({"filterType": "name", "filterValue": [name]})
    document, _ = await ask(session, call)
    match document:
        case [{"id": int(type_id)}, *_]:
            return type_id
    return None


async def _set(write: Write, body: Mapping[str, Any], unit_id: int, session: WriteSession) -> Outcome:
    """Set properties of a unit that is there. Custom fields are set by number, so that those it has are read first."""
    numbers: dict[str, int] = {}
    if body.get("custom"):
        unit = await read_item(session, unit_id, BASE | CUSTOM_FIELDS)
        if unit is None:
            return gone(BATCH.call({}), f"unit {unit_id}")
        for field in (unit.get("flds") or {}).values():
            numbers.setdefault(field["n"], field["id"])
    call = _batch(body, unit_id, numbers)
    return read_outcome(write, call, await session.call(call))


def _batch(body: Mapping[str, Any], unit_id: int, numbers: Mapping[str, int]) -> Call:
    """All properties in one call, which Wialon ends at the first that it refuses. The name comes last: see above."""
    parts: list[tuple[str, dict[str, Any]]] = [
        *(
            (SET_CUSTOM_FIELD, _custom_field(name, value, numbers))
            for name, value in as_texts(body.get("custom", {})).items()
        ),
        *((SET_PROFILE_FIELD, {"n": name, "v": value}) for name, value in as_texts(body.get("profile", {})).items()),
    ]
    if "active" in body:
        parts.append((SET_ACTIVE, {"active": int(body["active"])}))
    if "name" in body:
        parts.append((RENAME, {"name": body["name"]}))
    entries = [{"svc": svc, "params": {"itemId": unit_id, **params}} for svc, params in parts]
    return BATCH.call({"params": entries, "flags": 1})


def _custom_field(name: str, value: str, numbers: Mapping[str, int]) -> dict[str, Any]:
    mode = {"id": numbers[name], "callMode": "update"} if name in numbers else {"id": 0, "callMode": "create"}
    return {**mode, "n": name, "v": value}
