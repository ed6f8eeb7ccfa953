"""Messages in Wialon's terms: a command to the unit that the driver is assigned to.

Wialon sends no message to a driver as such. A unit has commands that its fleet defined; one of the type `driver_msg`
takes a text and shows it on the unit's display.
"""

import asyncio
import unicodedata
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from fleetwrite.connectors.sdk.connector import Session, WriteSession
from fleetwrite.connectors.sdk.mapping import Draft
from fleetwrite.connectors.sdk.outcome import Absent, Finding, Found, Outcome, Rejected, Unknowable
from fleetwrite.connectors.sdk.write import Call, SourceReference, Translation, Write
from fleetwrite.connectors.wialon.items import DRIVER_KIND, find_member, split_id
from fleetwrite.connectors.wialon.manifest import MANIFEST
from fleetwrite.connectors.wialon.mapping import MESSAGE, PROVIDER
from fleetwrite.connectors.wialon.outcomes import gone, read_outcome, unlisted_source_id
from fleetwrite.connectors.wialon.reading import BASE, COMMANDS, DRIVERS, Item, read_item, read_item_and_answer
from fleetwrite.connectors.wialon.sent_messages import COMMAND, load
from fleetwrite.connectors.wialon.services import EXEC_CMD, SEARCH_ITEM, params_of
from fleetwrite.contract.errors import ErrorType
from fleetwrite.kit.retry_after import answered_at

COMMAND_TYPE: Final = "driver_msg"

QUEUE_S: Final = 3600
"""So long Wialon keeps a command for a unit that is not connected: as long as a message is usually worth delivering."""


class Driver(msgspec.Struct, frozen=True):
    """What a resource says of a driver.

    Attributes:
        item: as Wialon shows it; None: it shows none.
        unit_id: the unit that the driver is assigned to; None: to none.
        mates: how many other drivers of the resource are assigned to it.
        asked_at: when that was, by Wialon's clock.
    """

    item: Item | None
    unit_id: int | None
    mates: int
    asked_at: datetime


def translate_message(write: Write) -> Translation:
    """A message to one driver. Which unit and which of its commands it goes to is left open: `carry_out` finds them."""
    draft = Draft(write, MESSAGE, provider=PROVIDER)
    draft.fill()
    recipient = write.references["recipient_id"]
    if recipient.attributes.get("is_driver") is not True:
        draft.fault(
            "recipient_id",
            ErrorType.WRONG_KIND,
            "Wialon shows messages in the vehicles of drivers, and this user is not known as a driver.",
        )
    losses = draft.settle()
    return Translation(
        call=EXEC_CMD.call({"linkType": "", "timeout": QUEUE_S, "flags": 0, **draft.body}), losses=losses
    )


async def carry_out(write: Write, call: Call, session: WriteSession) -> Outcome:
    """Find the driver's unit and its command for messages, and execute that; see `Connector.carry_out`."""
    recipient = write.references["recipient_id"]
    driver = await _read_driver(session, recipient)
    if driver.item is None:
        return gone(call, f"driver {recipient.source_id}")
    if driver.unit_id is None:
        return Rejected(
            details=f"driver_has_no_vehicle: driver {recipient.source_id} ({driver.item.get('n')}) is assigned to no "
            "unit in Wialon, which shows messages in vehicles only. Assign the driver to a unit there, and retry."
        )
    unit = await read_item(session, driver.unit_id, BASE | COMMANDS)
    if unit is None:
        return gone(call, f"unit {driver.unit_id}, which driver {recipient.source_id} is assigned to,")
    command = _find_command(unit)
    if command is None:
        return Rejected(
            details=f"vehicle_takes_no_messages: unit {driver.unit_id} ({unit.get('nm')}) has no command of type "
            f"{COMMAND_TYPE} without parameters. Add one to the unit in Wialon, and retry."
        )
    complete = EXEC_CMD.call({"itemId": driver.unit_id, "commandName": command, **params_of(call)})
    return read_outcome(write, complete, await session.call(complete))


async def look_up(write: Write, call: Call, session: Session, begun_ago: timedelta) -> Finding:
    """Whether the driver's unit was sent the text since the attempt began.

    Raises:
        ProviderAnswerError: Wialon did not answer the question.
    """
    started_at = asyncio.get_running_loop().time()
    driver = await _read_driver(session, write.references["recipient_id"])
    if driver.item is None:
        return Unknowable(reason="Wialon does not show the driver any more, and so not the unit it was sent to.")
    waited = timedelta(seconds=asyncio.get_running_loop().time() - started_at)
    allowance = timedelta(seconds=MANIFEST.reconciliation.clock_allowance_s)
    since = driver.asked_at - begun_ago - waited - allowance
    if datetime.fromtimestamp(driver.item.get("bt") or 0, UTC) >= since:
        return Unknowable(reason="The driver changed vehicles since it was sent, and it is not known which one got it.")
    if driver.unit_id is None:
        return Absent()
    if driver.mates:
        return Unknowable(reason="Other drivers share the vehicle: whose message it got, Wialon does not say.")
    text = _comparable(params_of(call)["param"])
    alike = [
        message
        for message in await load(session, COMMAND, driver.unit_id, since, driver.asked_at + timedelta(days=1))
        if message.get("cn") == COMMAND_TYPE and _comparable(message.get("cp")) == text
    ]
    if not alike:
        return Absent()
    return Found(source_id=unlisted_source_id(write), source_data=alike[-1], sightings=len(alike))


async def _read_driver(session: Session, recipient: SourceReference) -> Driver:
    resource_id, item_id = split_id(recipient.source_id)
    call = SEARCH_ITEM.call({"id": resource_id, "flags": BASE | DRIVERS})
    resource, answer = await read_item_and_answer(session, call)
    item = find_member(resource, DRIVER_KIND, item_id)
    unit_id = (item or {}).get("bu") or None
    others = ((resource or {}).get(DRIVER_KIND.key) or {}).values()
    mates = sum(one["id"] != item_id and one.get("bu") == unit_id for one in others) if unit_id else 0
    return Driver(item, unit_id, mates, answered_at(answer.headers))


def _find_command(unit: Item) -> str | None:
    """The name of a unit's command for messages. One that has parameters of its own would show those, not ours."""
    for command in (unit.get("cml") or {}).values():
        if command.get("c") == COMMAND_TYPE and not command.get("p"):
            return str(command["n"])
    return None


def _comparable(text: Any) -> str:
    """A text such that differences which do not count are gone: white space, and forms of accents."""
    return unicodedata.normalize("NFC", " ".join(str(text or "").split()))
