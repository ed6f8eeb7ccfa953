"""What a provider's answers mean, as a table: by the code in the body where it has one, else by the HTTP status.

A connector never decides by the text of an error: texts change. It decides by status and code, and where these leave it
open whether something was written, they say so (`Meaning.UNCERTAIN`).
"""

from collections.abc import Mapping
from enum import Enum, auto
from types import MappingProxyType
from typing import Any, Final

import msgspec

from fleetwrite.connectors.sdk.outcome import (
    AuthFailed,
    Forbidden,
    Outcome,
    Rejected,
    Throttled,
    Transient,
    Uncertain,
)
from fleetwrite.connectors.sdk.write import Call, Write
from fleetwrite.contract.enums import ResourceOperationErrorTypeEnum, ResourceOperationTypeEnum
from fleetwrite.kit.egress import HttpAnswer
from fleetwrite.kit.rate_limit_headers import refused_s
from fleetwrite.kit.retry_after import asked_wait_s

MAX_MESSAGE_LENGTH: Final = 500
"""Enough for any message of a provider's; a proxy's page of HTML ends here."""


class Meaning(Enum):
    """A cell of the table."""

    TAKEN = auto()
    REJECTED = auto()
    FORBIDDEN = auto()
    NO_LOGIN = auto()
    THROTTLED = auto()
    # Throttled where the answer has a Retry-After, else as the status class says. What it tells of limits may stand on
    # every answer, also on that of a server that broke down at work.
    THROTTLED_IF_TOLD = auto()
    # Nothing was written.
    TRANSIENT = auto()
    UNCERTAIN = auto()


class Row(msgspec.Struct, frozen=True):
    """What an answer means for a create, and for an update, which may be repeated without harm."""

    create: Meaning
    update: Meaning


def both(meaning: Meaning) -> Row:
    """The same for creates and updates."""
    return Row(meaning, meaning)


USUAL_STATUSES: Final[Mapping[int, Row]] = MappingProxyType(
    {
        400: both(Meaning.REJECTED),
        401: both(Meaning.NO_LOGIN),
        403: both(Meaning.FORBIDDEN),
        404: both(Meaning.REJECTED),
        405: both(Meaning.REJECTED),
        # By the standard nothing was done; but proxies say it also when it was the server that was slow.
        408: Row(Meaning.UNCERTAIN, Meaning.TRANSIENT),
        413: both(Meaning.REJECTED),
        429: both(Meaning.THROTTLED),
        501: both(Meaning.REJECTED),
        503: both(Meaning.THROTTLED_IF_TOLD),
    }
)
"""What the standard (RFC 9110, RFC 6585) says of statuses; a provider that says otherwise has rows of its own."""

USUAL_CLASSES: Final[Mapping[int, Row]] = MappingProxyType(
    {
        2: both(Meaning.TAKEN),
        # We follow no redirects: something in between answered, and may stop doing so.
        3: both(Meaning.TRANSIENT),
        4: both(Meaning.REJECTED),
        5: Row(Meaning.UNCERTAIN, Meaning.TRANSIENT),
    }
)
"""What the first digit of any other status says. A 5xx to a create may have been written, unless the provider documents
that it rolls back."""

_NOTHING_KNOWN: Final = Row(Meaning.UNCERTAIN, Meaning.TRANSIENT)


class OutcomeTable(msgspec.Struct, frozen=True, kw_only=True):
    """The answers of one provider.

    Attributes:
        provider: what people call it.
        by_code: the provider's own error code, as its bodies have it -> what it means; wins over the status.
        other_codes: what any other code means; None: the status says it.
        by_status: HTTP status -> what it means.
        by_class: first digit of any other status -> what it means.
    """

    provider: str
    by_code: Mapping[str | int, Row] = {}
    other_codes: Row | None = None
    by_status: Mapping[int, Row] = USUAL_STATUSES
    by_class: Mapping[int, Row] = USUAL_CLASSES

    def meaning(self, write: Write, answer: HttpAnswer, code: str | int | None = None) -> Meaning:
        """What `answer` to a call of `write` means. `code`: the error code in its body; None: it has none."""
        by_class = self.by_class.get(answer.status // 100, _NOTHING_KNOWN)
        row = None if code is None else self.by_code.get(code, self.other_codes)
        if row is None:
            row = self.by_status.get(answer.status, by_class)
        meaning = _cell(row, write)
        if meaning is not Meaning.THROTTLED_IF_TOLD:
            return meaning
        return _cell(by_class, write) if asked_wait_s(answer.headers) is None else Meaning.THROTTLED


def refusal(meaning: Meaning, details: str, answer: HttpAnswer) -> Outcome:
    """The outcome of an answer that means anything but `Meaning.TAKEN`.

    Raises:
        ValueError: it means that.
    """
    match meaning:
        case Meaning.REJECTED:
            return Rejected(details=details)
        case Meaning.FORBIDDEN:
            return Forbidden(details=details)
        case Meaning.NO_LOGIN:
            return AuthFailed(details=details)
        case Meaning.THROTTLED | Meaning.THROTTLED_IF_TOLD:
            return Throttled(details=details, retry_after_s=refused_s(answer.headers))
        case Meaning.TRANSIENT:
            return Transient(details=details, error_type=ResourceOperationErrorTypeEnum.TSP)
        case Meaning.UNCERTAIN:
            return Uncertain(details=details)
        case Meaning.TAKEN:
            raise ValueError("What was taken is no refusal.")


def describe(provider: str, call: Call, answer: HttpAnswer, message: str | None, *, name: str | None = None) -> str:
    """Who answered what to which call: the status and the provider's own words, shortened.

    Args:
        provider: what people call it.
        call: what was sent.
        answer: what came back.
        message: the provider's words, as far as its error body could be read; None: the body as it is.
        name: what the call is called, where its path does not tell.
    """
    text = answer.body.decode("utf-8", errors="replace") if message is None else message
    text = " ".join(text.split())
    if len(text) > MAX_MESSAGE_LENGTH:
        text = text[:MAX_MESSAGE_LENGTH] + "..."
    return f"HTTP {answer.status} from {provider} to {name or f'{call.method} {call.path}'}" + (text and f": {text}")


def read_json(body: bytes) -> Any:
    """The JSON of an answer's body; None where it has none."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _cell(row: Row, write: Write) -> Meaning:
    return row.update if write.operation_type is ResourceOperationTypeEnum.UPDATE else row.create
