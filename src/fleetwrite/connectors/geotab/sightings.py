"""Messages and inspections after a lost answer: Geotab gives them no mark of ours, but lists what they say and when.

Whatever says the same counts as sighted, and is counted against other writes of ours that may have said it.
"""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Final

from fleetwrite.connectors.geotab import endpoints, rpc
from fleetwrite.connectors.geotab.comparing import comparable, holds
from fleetwrite.connectors.geotab.instants import read_instant, write_instant
from fleetwrite.connectors.geotab.manifest import MANIFEST
from fleetwrite.connectors.geotab.rpc import Entity
from fleetwrite.connectors.sdk.connector import Session
from fleetwrite.connectors.sdk.outcome import Absent, Finding, Found, Unknowable
from fleetwrite.kit.retry_after import answered_at

CLOCK_ERROR: Final = timedelta(hours=1)
"""Messages are asked for from an instant on, which only our own clock can name; what is older is sorted out afterwards.
By more no clock is off that renews a TLS certificate in time."""

MAX_MESSAGES: Final = 5000
"""Geotab cuts longer lists off at so many without a word; at half a kilobyte each they fit into an answer."""


async def find_message(sent: Entity, session: Session, begun_ago: timedelta) -> Finding:
    """Whether the recipient was sent the text since the attempt began, in whatever vehicle.

    Raises:
        ProviderAnswerError: Geotab did not answer the question.
    """
    asked_at = asyncio.get_running_loop().time()
    from_date = write_instant(datetime.now(UTC) - begun_ago - CLOCK_ERROR)
    question = endpoints.GET_MESSAGE.call(
        search={"fromDate": from_date, "isDirectionToVehicle": True}, resultsLimit=MAX_MESSAGES
    )
    answer = await session.call(question)
    messages = rpc.entities(question, answer)
    waited = timedelta(seconds=asyncio.get_running_loop().time() - asked_at)
    allowance = timedelta(seconds=MANIFEST.reconciliation.clock_allowance_s)
    since = answered_at(answer.headers) - begun_ago - waited - allowance
    alike = [message for message in messages if _says(message, sent) and _is_since(message, since)]
    if alike:
        return Found(source_id=str(alike[-1]["id"]), source_data=alike[-1], sightings=len(alike))
    if len(messages) >= MAX_MESSAGES:
        return Unknowable(reason=f"Geotab has more than {MAX_MESSAGES} messages of that time, and lists no more.")
    return Absent()


async def find_inspection(sent: Entity, session: Session) -> Finding:
    """Whether there is an inspection of this device, at this very instant, that is equal in all that was sent.

    Raises:
        ProviderAnswerError: Geotab did not answer the question.
    """
    instant = sent["dateTime"]
    question = endpoints.GET_DVIR.call(
        search={"deviceSearch": sent["device"], "fromDate": instant, "toDate": instant, "includeRejected": True}
    )
    logs = rpc.entities(question, await session.call(question))
    alike = [log for log in logs if holds(sent, log)]
    if not alike:
        return Absent()
    # Which of several is ours nobody can tell: they count as one, so that any other write of ours that says the same
    # leaves it open.
    return Found(source_id=str(alike[0]["id"]), source_data=alike[0], sightings=1)


def _says(message: Entity, sent: Entity) -> bool:
    """Whether a message is what was sent. The vehicle may have changed since."""
    recipient, content = message.get("recipient"), message.get("messageContent")
    return (
        isinstance(recipient, dict)
        and recipient.get("id") == sent["recipient"]["id"]
        and isinstance(content, dict)
        and comparable(content.get("message")) == comparable(sent["messageContent"]["message"])
    )


def _is_since(message: Entity, since: datetime) -> bool:
    """Whether a message was sent then or later; one that does not say may have been."""
    sent_at = read_instant(message.get("sent"))
    return sent_at is None or sent_at >= since
