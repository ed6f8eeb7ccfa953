"""What Samsara's answer to a write means: a table by status, apart for creates (POST) and updates (PATCH).

Texts of errors are shown and never decided on: Samsara says that they may change at any time
(developers.samsara.com/docs/response-codes).
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum, auto
from typing import Any, Final

import msgspec

from fleetwrite.connectors.samsara import endpoints
from fleetwrite.connectors.sdk.outcome import (
    Applied,
    AuthFailed,
    Outcome,
    Rejected,
    Throttled,
    Transient,
    Uncertain,
)
from fleetwrite.connectors.sdk.write import Call, Write
from fleetwrite.contract.enums import ResourceEnum, ResourceOperationErrorTypeEnum, ResourceOperationTypeEnum
from fleetwrite.kit.egress import HttpAnswer
from fleetwrite.kit.retry_after import retry_after_s

# Enough for any message of Samsara's seen; a proxy's page of HTML ends here.
MAX_MESSAGE_LENGTH: Final = 500


class Verdict(Enum):
    """A cell of the table."""

    TAKEN = auto()
    REJECTED = auto()
    FORBIDDEN = auto()
    NO_LOGIN = auto()
    THROTTLED = auto()
    # Throttled where the answer says for how long, else as the status class says.
    THROTTLED_IF_TOLD = auto()
    TRANSIENT = auto()
    UNCERTAIN = auto()


BY_STATUS: Final[Mapping[int, tuple[Verdict, Verdict]]] = {
    400: (Verdict.REJECTED, Verdict.REJECTED),
    401: (Verdict.NO_LOGIN, Verdict.NO_LOGIN),
    403: (Verdict.FORBIDDEN, Verdict.FORBIDDEN),
    404: (Verdict.REJECTED, Verdict.REJECTED),
    405: (Verdict.REJECTED, Verdict.REJECTED),
    # By the standard nothing was done; but proxies say it also when it was the server that was slow.
    408: (Verdict.UNCERTAIN, Verdict.TRANSIENT),
    # Not documented; Samsara's own client repeats it, so it is no plain refusal.
    409: (Verdict.UNCERTAIN, Verdict.UNCERTAIN),
    413: (Verdict.REJECTED, Verdict.REJECTED),
    429: (Verdict.THROTTLED, Verdict.THROTTLED),
    501: (Verdict.REJECTED, Verdict.REJECTED),
    503: (Verdict.THROTTLED_IF_TOLD, Verdict.THROTTLED_IF_TOLD),
}
"""Status -> what it means for a create, and for an update (which may be repeated without harm)."""

BY_STATUS_CLASS: Final[Mapping[int, tuple[Verdict, Verdict]]] = {
    2: (Verdict.TAKEN, Verdict.TAKEN),
    # Samsara documents no redirects and we follow none: something in between answered, and may stop doing so.
    3: (Verdict.TRANSIENT, Verdict.TRANSIENT),
    4: (Verdict.REJECTED, Verdict.REJECTED),
    5: (Verdict.UNCERTAIN, Verdict.TRANSIENT),
}

_NO_VEHICLE_CREATION = (
    "Vehicle creation is not enabled for this organisation: its Samsara account team has to enable the assets API, and "
    "the token needs the scope Write Assets."
)
HINTS: Final[Mapping[tuple[str, str, int], str]] = {
    ("POST", endpoints.CREATE_ASSET.path, status): _NO_VEHICLE_CREATION for status in (403, 404, 405)
}
"""What a refusal at one endpoint means beyond what Samsara says."""


def read_outcome(write: Write, call: Call, answer: HttpAnswer) -> Outcome:
    """What `answer` to the writing `call` means."""
    is_update = write.operation_type is ResourceOperationTypeEnum.UPDATE
    by_class = BY_STATUS_CLASS.get(answer.status // 100, (Verdict.UNCERTAIN, Verdict.TRANSIENT))
    verdict = BY_STATUS.get(answer.status, by_class)[is_update]
    wait_s = _read_wait(answer)
    if verdict is Verdict.THROTTLED_IF_TOLD:
        verdict = by_class[is_update] if wait_s is None else Verdict.THROTTLED
    if verdict is Verdict.TAKEN:
        return _read_success(write, call, answer)
    details = describe(call, answer)
    outcomes: Mapping[Verdict, Outcome] = {
        Verdict.REJECTED: Rejected(details=details),
        Verdict.FORBIDDEN: Rejected(details=details, error_type=ResourceOperationErrorTypeEnum.AUTH),
        Verdict.NO_LOGIN: AuthFailed(details=details),
        Verdict.THROTTLED: Throttled(details=details, retry_after_s=wait_s),
        Verdict.TRANSIENT: Transient(details=details, error_type=ResourceOperationErrorTypeEnum.TSP),
        Verdict.UNCERTAIN: Uncertain(details=details),
    }
    return outcomes[verdict]


def describe(call: Call, answer: HttpAnswer) -> str:
    """Status and Samsara's own words, shortened, with the request's id to quote to its support."""
    body = _without_secrets(call, answer.body)
    request_id = None
    match document := read_json(body):
        case {"message": str(message)}:
            request_id = document.get("requestId")
        case str(message):
            pass
        case _:
            message = body.decode("utf-8", errors="replace")
    message = " ".join(message.split())
    if len(message) > MAX_MESSAGE_LENGTH:
        message = message[:MAX_MESSAGE_LENGTH] + "..."
    parts = [f"HTTP {answer.status} from Samsara to {call.method} {call.path}"]
    if message:
        parts.append(f": {message}")
    if request_id:
        parts.append(f" (requestId {request_id})")
    hint = HINTS.get((call.method, call.path, answer.status))
    if hint:
        parts.append(f" - {hint}")
    return "".join(parts)


def read_json(body: bytes) -> Any:
    """The JSON of an answer's body; None where it has none."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _read_success(write: Write, call: Call, answer: HttpAnswer) -> Outcome:
    """A 2xx counts only if it says what was written: some proxies answer 200 to everything."""
    document = read_json(_without_secrets(call, answer.body))
    if not isinstance(document, dict):
        return Uncertain(details=f"{describe(call, answer)} - the answer is not an object of JSON.")
    if write.resource in {ResourceEnum.MESSAGE, ResourceEnum.GROUP_MESSAGE}:
        return _read_messages(write, call, document)
    data = document.get("data", document)
    if write.target is not None:
        return Applied(source_id=write.target.source_id, source_data=data if isinstance(data, dict) else document)
    source_id = None
    if isinstance(data, dict):
        # Ids of fuel purchases are UUIDs under their own key; an asset comes with or without the envelope `data`.
        source_id = data.get("uuid" if write.resource is ResourceEnum.FUEL_TRANSACTION else "id")
    if not source_id:
        return Uncertain(details=f"HTTP {answer.status} from Samsara to {call.method} {call.path} names no id.")
    return Applied(source_id=str(source_id), source_data=data)


def _read_messages(write: Write, call: Call, document: Mapping[str, Any]) -> Outcome:
    """Samsara gives messages no id, so they get one of ours. It lists each driver that it took one for."""
    sent = document.get("data")
    reached = {item.get("driverId") for item in sent if isinstance(item, dict)} if isinstance(sent, list) else set()
    missing = [driver_id for driver_id in (call.body or {})["driverIds"] if driver_id not in reached]
    if missing:
        return Uncertain(details=f"Samsara took the message, but did not name it for these drivers: {missing}.")
    return Applied(source_id=message_source_id(write), source_data=document)


def message_source_id(write: Write) -> str:
    """The id that a message gets from us, as Samsara gives it none."""
    return f"fleetwrite:{write.operation_id.hex}"


def _read_wait(answer: HttpAnswer) -> float | None:
    """Seconds to wait, by `Retry-After`; a date there is taken relative to the provider's own clock."""
    header = answer.headers.get("Retry-After")
    return None if header is None else retry_after_s(header, read_clock(answer))


def read_clock(answer: HttpAnswer) -> datetime:
    """The time at which the provider answered, by its own clock; by ours where it does not say."""
    try:
        date = parsedate_to_datetime(answer.headers["Date"])
    except (KeyError, ValueError):
        return datetime.now(UTC)
    # A zone written as -0000 is no zone to the parser; HTTP dates are GMT.
    return date if date.tzinfo is not None else date.replace(tzinfo=UTC)


def _without_secrets(call: Call, body: bytes) -> bytes:
    """`body` with the password that was sent made unreadable, should Samsara ever repeat it."""
    password: str | None = (call.body or {}).get("password")
    return body.replace(password.encode(), b"***") if password else body
