"""Messages at Geotab in our terms: by its feed, which tells what was sent, and what was delivered and read since."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any, Final

from fleetwrite.connectors.geotab import endpoints, rpc
from fleetwrite.connectors.geotab.instants import read_instant
from fleetwrite.connectors.geotab.rpc import Entity
from fleetwrite.connectors.sdk.connector import ProviderAnswerError, RecordPage, Session, SourceRecord
from fleetwrite.contract.enums import MessageStatusEnum, ResourceEnum
from fleetwrite.kit.retry_after import answered_at

PAGE: Final = 1000
"""A message has less than a kilobyte, so that a page stays well below what an answer may have."""

_TEXT: Final = "Normal"
"""Other contents are commands to the device."""

_AHEAD: Final = timedelta(days=1)
"""What is not delivered yet, is so far in the future; by less a device's clock may be ahead."""


async def list_messages(session: Session, cursor: str | None) -> AsyncIterator[RecordPage]:
    """Every text message, and from the last page's cursor on those that are new or changed. A cursor is a version.

    Raises:
        ProviderAnswerError: a page could not be read, or the feed does not go on behind it.
    """
    version, is_last = cursor, False
    while not is_last:
        start = {} if version is None else {"fromVersion": version}
        call = endpoints.FEED_MESSAGE.call(**start, resultsLimit=PAGE)
        answer = await session.call(call)
        items, following = rpc.feed(call, answer)
        is_last = len(items) < PAGE
        if following == version and not is_last:
            raise ProviderAnswerError(f"Geotab's feed of messages does not go on behind {version}.", answer)
        version, at = following, answered_at(answer.headers)
        yield RecordPage(
            records=[_to_record(item, at) for item in items if _content(item).get("contentType") == _TEXT],
            cursor=version,
            is_last=is_last,
        )


def read_message(item: Entity, at: datetime) -> dict[str, Any]:
    """A message's attributes by the contract's names; `at` is now by Geotab's clock."""
    delivered_at, read_at = (_past(item.get(name), at) for name in ("delivered", "read"))
    return {
        "source_sender_id": _id_of(item.get("user")),
        "source_recipient_id": _id_of(item.get("recipient")),
        "source_reply_to_message_id": _id_of(item.get("parentMessage")),
        "message_text": _content(item).get("message"),
        "sent_by_driver": item.get("isDirectionToVehicle") is False,
        "status": _status(delivered_at, read_at).value,
        "delivered_at": None if delivered_at is None else delivered_at.isoformat(),
        "read_at": None if read_at is None else read_at.isoformat(),
    }


def _to_record(item: Entity, at: datetime) -> SourceRecord:
    return SourceRecord(
        resource=ResourceEnum.MESSAGE,
        source_id=str(item["id"]),
        attributes={name: value for name, value in read_message(item, at).items() if value is not None},
        source_data=item,
        occurred_at=read_instant(item.get("sent")),
    )


def _status(delivered_at: datetime | None, read_at: datetime | None) -> MessageStatusEnum:
    if read_at is not None:
        return MessageStatusEnum.READ
    return MessageStatusEnum.SENT if delivered_at is None else MessageStatusEnum.DELIVERED


def _past(told: Any, at: datetime) -> datetime | None:
    """An instant that was; None where it is still to come, which Geotab says by one far ahead."""
    instant = read_instant(told)
    return None if instant is None or instant > at + _AHEAD else instant


def _content(item: Entity) -> dict[str, Any]:
    content = item.get("messageContent")
    return content if isinstance(content, dict) else {}


def _id_of(reference: Any) -> str | None:
    found = reference.get("id") if isinstance(reference, dict) else None
    return found if isinstance(found, str) else None
