"""Drivers: Webfleet tells no id when it takes a new one, so that it is read back by its number."""

from typing import Final

from fleetwrite.connectors.sdk.connector import WriteSession
from fleetwrite.connectors.sdk.mapping import Draft
from fleetwrite.connectors.sdk.outcome import Applied, Outcome, Transient
from fleetwrite.connectors.sdk.write import Call, Translation, Write
from fleetwrite.connectors.webfleet import actions
from fleetwrite.connectors.webfleet.mapping import DRIVER, PROVIDER
from fleetwrite.connectors.webfleet.outcomes import read_outcome
from fleetwrite.connectors.webfleet.reading import find_driver
from fleetwrite.contract.enums import ResourceOperationErrorTypeEnum, UserStatusEnum
from fleetwrite.contract.errors import ErrorType

_INACTIVE: Final = "A driver of Webfleet is active until it is deleted there, which is not offered."


def translate_driver(write: Write) -> Translation:
    """A new driver carries the operation's id in its description: by that it is known as ours."""
    draft = Draft(write, DRIVER, provider=PROVIDER)
    draft.fill()
    _check_role(draft)
    _check_activity(draft)
    expiration = draft.given("license_expiration")
    if expiration is not None:
        draft.put("license_expiry_date", expiration.isoformat())
    if draft.is_update:
        draft.require_change()
    else:
        draft.put("description", " ".join(filter(None, (draft.body.get("description"), mark(write)))))
    losses = draft.settle()
    if draft.is_update:
        call = actions.UPDATE_DRIVER.write({"driveruid": write.require_target().source_id, **draft.body})
    else:
        call = actions.INSERT_DRIVER.write(draft.body)
    return Translation(call=call, losses=losses)


def mark(write: Write) -> str:
    """What tells a driver that `write` created from a stranger."""
    return f"[fleetwrite {write.operation_id.hex}]"


async def create_driver(write: Write, call: Call, session: WriteSession) -> Outcome:
    """Make a driver, unless an earlier attempt did, and find out its id."""
    number = write.made
    if number is None:
        outcome = read_outcome(write, call, await session.call(call))
        if not isinstance(outcome, Applied):
            return outcome
        number = outcome.source_id
        session.made(number)
    row = await find_driver(session, driverno=number)
    if row is None:
        details = f"Webfleet took driver {number} and does not list it yet"
        return Transient(details=details, error_type=ResourceOperationErrorTypeEnum.TSP)
    return Applied(source_id=str(row["driveruid"]), source_data=row)


def _check_role(draft: Draft) -> None:
    if draft.given("is_driver") is False:
        draft.fault(
            "is_driver",
            ErrorType.RANGE,
            "Only drivers are offered: logins for the office are made in Webfleet. Leave it out, or send true.",
        )


def _check_activity(draft: Draft) -> None:
    if draft.given("is_active") is False:
        draft.lose("is_active", _INACTIVE, essential=True)
    if draft.given("status") is UserStatusEnum.INACTIVE:
        draft.lose("status", _INACTIVE, essential=True)
