"""Vehicles and drivers: how they are made and changed.

GPS Insight has no place for our operation's id when a thing is made. So it is made with a name that carries the id, and
gets its real name by a second call, which may be made twice. Whatever became of the first call can thus be seen.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from fleetwrite.connectors.gpsinsight.mapping import DRIVER, PROVIDER, TIME_ZONES, VEHICLE, VEHICLE_UPDATE
from fleetwrite.connectors.gpsinsight.methods import (
    CREATE_DRIVER,
    CREATE_VEHICLE,
    LIST_DRIVERS,
    LIST_VEHICLES,
    UPDATE_DRIVER,
    UPDATE_VEHICLE,
    Method,
)
from fleetwrite.connectors.gpsinsight.outcomes import read_outcome
from fleetwrite.connectors.gpsinsight.reading import Row, find
from fleetwrite.connectors.sdk.connector import Session, WriteSession
from fleetwrite.connectors.sdk.mapping import Draft, Table
from fleetwrite.connectors.sdk.outcome import Applied, Outcome, Rejected, Transient
from fleetwrite.connectors.sdk.write import Call, Translation, Write
from fleetwrite.contract.enums import (
    ResourceEnum,
    ResourceOperationErrorTypeEnum,
    ResourceOperationTypeEnum,
    UserStatusEnum,
)
from fleetwrite.contract.errors import ErrorType

_INACTIVE: Final = "A driver of GPS Insight is active until it is deleted there, which is not offered."


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """Vehicles or drivers.

    Attributes:
        key: the parameter that says which one is meant, and what people call it.
        name: the column with its name.
        create, update, read: the methods; `read` finds one by `key`.
        table: what becomes of the fields of a new one.
        update_table: and of one that is there.
        later: columns that only `update` takes.
    """

    key: str
    name: str
    create: Method
    update: Method
    read: Method
    table: Table
    update_table: Table
    later: frozenset[str] = frozenset()


VEHICLES: Final = Kind(
    key="vehicle",
    name="label",
    create=CREATE_VEHICLE,
    update=UPDATE_VEHICLE,
    read=LIST_VEHICLES,
    table=VEHICLE,
    update_table=VEHICLE_UPDATE,
    later=frozenset({"ref_id"}),
)
DRIVERS: Final = Kind(
    key="driver",
    name="lastname",
    create=CREATE_DRIVER,
    update=UPDATE_DRIVER,
    read=LIST_DRIVERS,
    table=DRIVER,
    update_table=DRIVER,
)
KINDS: Final[Mapping[ResourceEnum, Kind]] = {ResourceEnum.VEHICLE: VEHICLES, ResourceEnum.USER: DRIVERS}


def translate_record(write: Write) -> Translation:
    """A new record with its working name, or an update of the fields that are given."""
    kind = KINDS[write.resource]
    draft = _fill(write)
    if draft.is_update:
        draft.require_change()
    losses = draft.settle()
    if draft.is_update:
        return Translation(call=_update(kind, write.require_target().source_id, draft.body), losses=losses)
    body = {name: value for name, value in draft.body.items() if name not in kind.later}
    return Translation(call=kind.create.call({**body, kind.name: working_name(write)}), losses=losses)


def working_name(write: Write) -> str:
    """The name that `write` makes its record with: short, as nobody says how long one may be."""
    return f"fw-{write.operation_id.hex}"


def wanted(write: Write) -> dict[str, Any]:
    """The columns of `write` as they shall be in the end."""
    return _fill(write).body


async def create_record(write: Write, call: Call, session: WriteSession) -> Outcome:
    """Make a record, unless an earlier attempt did, and give it its name; see `Connector.carry_out`."""
    kind = KINDS[write.resource]
    source_id = write.made
    if source_id is None:
        outcome = read_outcome(write, call, await session.call(call))
        if not isinstance(outcome, Applied):
            return outcome
        source_id = outcome.source_id
        session.made(source_id)
    if source_id == working_name(write):
        row = await _find(session, kind, source_id, column=kind.name)
        if row is None:
            details = f"GPS Insight took the {kind.key} and does not list it as {source_id} yet"
            return Transient(details=details, error_type=ResourceOperationErrorTypeEnum.TSP)
        source_id = str(row["id"])
        session.made(source_id)
    return await _complete(write, kind, source_id, session)


async def _complete(write: Write, kind: Kind, source_id: str, session: Session) -> Outcome:
    """Give a record that was made its real name, and what only an update takes."""
    left = f"{kind.key} {source_id} was made, and is called {working_name(write)} until it is completed"
    refused = await _check_address(kind, source_id, session)
    if refused is not None:
        # It is surely there, and perhaps not listed yet.
        details = f"{refused.details} - {left}"
        return Transient(details=details, error_type=ResourceOperationErrorTypeEnum.TSP)
    body = wanted(write)
    call = _update(kind, source_id, {name: body[name] for name in (kind.name, *kind.later) if name in body})
    repeatable = msgspec.structs.replace(write, operation_type=ResourceOperationTypeEnum.UPDATE)
    outcome = read_outcome(repeatable, call, await session.call(call))
    if isinstance(outcome, Applied):
        return outcome
    return msgspec.structs.replace(outcome, details=f"{outcome.details} - {left}")


async def update_record(write: Write, call: Call, session: WriteSession) -> Outcome:
    """Change a record that GPS Insight still knows by its id; see `Connector.carry_out`."""
    kind, source_id = KINDS[write.resource], write.require_target().source_id
    refused = await _check_address(kind, source_id, session)
    return refused or read_outcome(write, call, await session.call(call))


async def _check_address(kind: Kind, source_id: str, session: Session) -> Rejected | None:
    """Why nothing may be written to this id; None: it leads where it should.

    GPS Insight tries other columns before or behind the id, in the end a part of a name: a change meant for one who is
    gone could hit somebody else.
    """
    if await _find(session, kind, source_id, column="id") is not None:
        return None
    return Rejected(
        details=f"GPS Insight finds no {kind.key} under the id {source_id}: it was deleted there, or a reference id of "
        f"another {kind.key} says the same, which is found first"
    )


async def _find(session: Session, kind: Kind, key: str, *, column: str) -> Row | None:
    return await find(session, kind.read.call({kind.key: key}), column, key)


def _update(kind: Kind, source_id: str, columns: Mapping[str, Any]) -> Call:
    return kind.update.call({kind.key: source_id, **columns})


def _fill(write: Write) -> Draft:
    kind = KINDS[write.resource]
    draft = Draft(write, kind.table if write.target is None else kind.update_table, provider=PROVIDER)
    draft.fill()
    if kind is DRIVERS:
        _put_time_zone(draft)
        _check_role(draft)
        _check_activity(draft)
    return draft


def _put_time_zone(draft: Draft) -> None:
    zone = draft.given("default_time_zone")
    if zone is None:
        return
    if zone in TIME_ZONES:
        draft.put("timezone", TIME_ZONES[zone])
    else:
        known = ", ".join(TIME_ZONES)
        draft.fault("default_time_zone", ErrorType.RANGE, f"GPS Insight names these zones only: {known}.")


def _check_role(draft: Draft) -> None:
    if draft.given("is_driver") is False:
        draft.fault(
            "is_driver",
            ErrorType.RANGE,
            "Only drivers are offered: users of the portal are made in GPS Insight. Leave it out, or send true.",
        )


def _check_activity(draft: Draft) -> None:
    if draft.given("is_active") is False:
        draft.lose("is_active", _INACTIVE, essential=True)
    if draft.given("status") is UserStatusEnum.INACTIVE:
        draft.lose("status", _INACTIVE, essential=True)
