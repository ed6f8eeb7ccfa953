"""Messages and inspections after a lost answer: Samsara gives them no id of ours, but lists them with their time.

Whatever is equal and not older than our attempt counts as sighted. When in doubt two things are equal: a message taken
for missing would be sent a second time.
"""

import asyncio
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from fleetwrite.connectors.samsara import endpoints
from fleetwrite.connectors.samsara.instants import write_instant
from fleetwrite.connectors.samsara.manifest import MANIFEST
from fleetwrite.connectors.samsara.outcomes import describe, message_source_id
from fleetwrite.connectors.samsara.reading import Item, read_pages
from fleetwrite.connectors.sdk.connector import ProviderAnswerError, Session
from fleetwrite.connectors.sdk.outcome import Absent, Finding, Found, Unknowable
from fleetwrite.connectors.sdk.outcome_table import read_json
from fleetwrite.connectors.sdk.write import Call, Write
from fleetwrite.kit.egress import HttpAnswer
from fleetwrite.kit.retry_after import answered_at

# Asked for beyond the age of the attempt, as its question may wait for a slot; what is older is sorted out afterwards.
WAITING_TIME: Final = timedelta(minutes=5)
# An inspection is asked for by an instant, which only our own clock can name. By more than a day no clock is off.
CLOCK_ERROR: Final = timedelta(days=1)

# The documented maximum.
DVIRS_PAGE: Final = ("limit", "200")


async def find_messages(write: Write, sent: Mapping[str, Any], session: Session, begun_ago: timedelta) -> Finding:
    """Whether each recipient has the text since the attempt began.

    Raises:
        ProviderAnswerError: Samsara did not answer the question.
    """
    asked_at = asyncio.get_running_loop().time()
    duration_ms = int((begun_ago + WAITING_TIME) / timedelta(milliseconds=1))
    call = endpoints.LIST_MESSAGES.call(query=(("durationMs", str(duration_ms)),))
    answer = await session.call(call)
    document = read_json(answer.body)
    messages = document.get("data") if isinstance(document, dict) else None
    if answer.status != 200 or not isinstance(messages, list):
        raise ProviderAnswerError(describe(call, answer), answer)
    since = _earliest(answer, begun_ago, asked_at)
    text = _comparable(sent["text"])
    alike = [
        str(message.get("driverId"))
        for message in messages
        if _comparable(message.get("text")) == text and _sent_at(message, answer) >= since
    ]
    counts = {driver_id: alike.count(str(driver_id)) for driver_id in sent["driverIds"]}
    missing = [driver_id for driver_id, count in counts.items() if count == 0]
    if len(missing) == len(counts):
        return Absent()
    if missing:
        reached = [driver_id for driver_id in counts if driver_id not in missing]
        return Unknowable(reason=f"Samsara lists the message for the drivers {reached}, but not for {missing}.")
    return Found(
        source_id=message_source_id(write),
        source_data={"data": [{"driverId": driver_id, "text": sent["text"]} for driver_id in counts]},
        sightings=min(counts.values()),
    )


async def find_inspection(sent: Mapping[str, Any], session: Session, begun_ago: timedelta) -> Finding:
    """Whether an inspection that says the same was signed since the attempt began.

    Raises:
        ProviderAnswerError: Samsara did not answer the question.
    """
    started_at = datetime.now(UTC) - begun_ago - CLOCK_ERROR
    query = (("startTime", write_instant(started_at)), DVIRS_PAGE)
    clock = _Clock(session)
    asked_at = asyncio.get_running_loop().time()
    alike = [
        item
        async for items in read_pages(clock, endpoints.STREAM_DVIRS, query)
        for item in items
        if _says(item, sent) and _signed_at(item, clock.answer) >= _earliest(clock.answer, begun_ago, asked_at)
    ]
    if not alike:
        return Absent()
    # Which of several is ours nobody can tell: they count as one, so that any other write of ours that says the same
    # leaves it open.
    return Found(source_id=str(alike[0]["id"]), source_data=alike[0], sightings=1)


class _Clock:
    """A session that remembers its last answer, by whose date the provider's clock is read."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._answer: HttpAnswer | None = None

    @property
    def answer(self) -> HttpAnswer:
        if self._answer is None:
            raise RuntimeError("Nothing was asked yet.")
        return self._answer

    async def call(self, call: Call) -> HttpAnswer:
        self._answer = await self._session.call(call)
        return self._answer


def _earliest(answer: HttpAnswer, begun_ago: timedelta, asked_at: float) -> datetime:
    """The provider's time before which nothing of our attempt can be: the answer's, less all that passed since."""
    waited = timedelta(seconds=asyncio.get_running_loop().time() - asked_at)
    allowance = timedelta(seconds=MANIFEST.reconciliation.clock_allowance_s)
    return answered_at(answer.headers) - begun_ago - waited - allowance


def _says(item: Item, sent: Mapping[str, Any]) -> bool:
    """Whether an inspection of the stream is what was sent."""
    author = ((item.get("authorSignature") or {}).get("signatoryUser") or {}).get("id")
    return (
        str(author) == sent["authorId"]
        and item.get("type") == sent["type"]
        and item.get("safetyStatus") == sent["safetyStatus"]
        and all((item.get(kind) or {}).get("id") == sent.get(f"{kind}Id") for kind in ("vehicle", "trailer"))
        and item.get("odometerMeters") == sent.get("odometerMeters")
        and _comparable(item.get("mechanicNotes")) == _comparable(sent.get("mechanicNotes"))
    )


def _sent_at(message: Item, answer: HttpAnswer) -> datetime:
    """When a message was sent; now, where it does not say."""
    sent_at_ms = message.get("sentAtMs")
    return answered_at(answer.headers) if sent_at_ms is None else datetime.fromtimestamp(int(sent_at_ms) / 1000, UTC)


def _signed_at(item: Item, answer: HttpAnswer) -> datetime:
    """When an inspection was signed; now, where it does not say."""
    signed_at = (item.get("authorSignature") or {}).get("signedAtTime")
    return answered_at(answer.headers) if signed_at is None else datetime.fromisoformat(signed_at)


def _comparable(text: Any) -> str:
    """A text without what a provider may do to it on the way: white space and the forms of accents."""
    return " ".join(unicodedata.normalize("NFC", str(text or "")).split())
