"""What a unit was sent, and what was registered for it: Wialon keeps both among its messages."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from fleetwrite.connectors.sdk.connector import ProviderAnswerError, Session
from fleetwrite.connectors.wialon.outcomes import NO_MESSAGES, describe
from fleetwrite.connectors.wialon.reading import Item, ask
from fleetwrite.connectors.wialon.services import LOAD_INTERVAL


class Kind(msgspec.Struct, frozen=True):
    """A kind of messages by its flags, and which of them count: help.wialon.com, "Messages"."""

    flags: int
    mask: int


# The upper byte is the type; fillings are events (0x0600) that have this bit.
COMMAND: Final = Kind(flags=0x0200, mask=0xFF00)
FILLING: Final = Kind(flags=0x0620, mask=0xFF20)

_ALL: Final = 0xFFFFFFFF


async def load(session: Session, kind: Kind, unit_id: int, since: datetime, until: datetime) -> Sequence[Item]:
    """The messages of a unit that are dated from `since` to `until`, oldest first.

    Raises:
        ProviderAnswerError: Wialon did not answer the question.
    """
    call = LOAD_INTERVAL.call(
        {
            "itemId": unit_id,
            "timeFrom": int(since.timestamp()),
            "timeTo": int(until.timestamp()),
            "flags": kind.flags,
            "flagsMask": kind.mask,
            "loadCount": _ALL,
        }
    )
    document, answer = await ask(session, call, nothing=NO_MESSAGES)
    match document:
        case None:
            return []
        case {"messages": list(messages)}:
            return messages
    raise ProviderAnswerError(f"{describe(call, answer)} - this is no list of messages.", answer)
