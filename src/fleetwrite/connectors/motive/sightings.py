"""Messages after a lost answer: Motive keeps no id of ours with them, but lists them with their time.

Whatever is equal and not older than our attempt counts as sighted. When in doubt two texts are equal: a message taken
for missing would be sent a second time.
"""

import asyncio
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from fleetwrite.connectors.motive.endpoints import LIST_MESSAGES
from fleetwrite.connectors.motive.external_ids import Item
from fleetwrite.connectors.motive.manifest import MANIFEST
from fleetwrite.connectors.motive.outcomes import recipients_of
from fleetwrite.connectors.motive.reading import read_pages
from fleetwrite.connectors.sdk.connector import Session
from fleetwrite.connectors.sdk.outcome import Absent, Finding, Found, Unknowable
from fleetwrite.kit.egress import HttpAnswer
from fleetwrite.kit.retry_after import answered_at

FURTHEST_BACK: Final = timedelta(days=6)
"""Motive lists messages from the beginning of last week on: surely seven days, and one is for clocks that disagree."""

CLOCK_ERROR: Final = timedelta(days=1)
"""Messages are asked for by day, which only our own clock can name. By more than a day no clock is off."""


async def find_messages(sent: Mapping[str, Any], session: Session, begun_ago: timedelta) -> Finding:
    """Whether each recipient has the text since the attempt began.

    Raises:
        ProviderAnswerError: Motive did not answer the question.
    """
    asked_at = asyncio.get_running_loop().time()
    reach = min(begun_ago, FURTHEST_BACK - CLOCK_ERROR)
    started_on = (datetime.now(UTC) - reach - CLOCK_ERROR).date()
    query = (("sender_id", str(sent["sender_id"])), ("start_date", started_on.isoformat()))
    text = _comparable(sent["body"])
    alike: list[Item] = []
    async for page in read_pages(session, LIST_MESSAGES, "message", "messages", query):
        since = _earliest(page.answer, begun_ago, asked_at)
        alike += (
            item
            for item in page.items
            if item.get("sender_id") == sent["sender_id"]
            and _comparable(item.get("body")) == text
            and _sent_at(item, page.answer) >= since
        )
    ours = [item for item in alike if recipients_of(item) & set(sent["receiver_ids"])]
    counts = {one: sum(one in recipients_of(item) for item in ours) for one in sent["receiver_ids"]}
    missing = [one for one, count in counts.items() if count == 0]
    if not ours:
        if begun_ago > reach:
            return Unknowable(reason="Motive does not list messages from so long ago.")
        return Absent()
    if missing:
        reached = [one for one in counts if one not in missing]
        return Unknowable(reason=f"Motive lists the message for the recipients {reached}, but not for {missing}.")
    return Found(source_id=str(ours[0]["id"]), source_data=ours[0], sightings=min(counts.values()))


def _earliest(answer: HttpAnswer, begun_ago: timedelta, asked_at: float) -> datetime:
    """The provider's time before which nothing of our attempt can be: the answer's, less all that passed since."""
    waited = timedelta(seconds=asyncio.get_running_loop().time() - asked_at)
    allowance = timedelta(seconds=MANIFEST.reconciliation.clock_allowance_s)
    return answered_at(answer.headers) - begun_ago - waited - allowance


def _sent_at(item: Item, answer: HttpAnswer) -> datetime:
    """When a message was sent; now, where it does not say."""
    sent_at = item.get("sent_at")
    if not isinstance(sent_at, str):
        return answered_at(answer.headers)
    at = datetime.fromisoformat(sent_at)
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)


def _comparable(text: Any) -> str:
    """A text without what a provider may do to it on the way: white space and the forms of accents."""
    return " ".join(unicodedata.normalize("NFC", str(text or "")).split())
