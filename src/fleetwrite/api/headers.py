"""The request headers that steer a write, and the answer headers that tell what became of them."""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Final

import msgspec

from fleetwrite.api.faults import is_storable_instant
from fleetwrite.api.json_text import excerpt
from fleetwrite.contract.enums import MessagePriorityEnum
from fleetwrite.contract.errors import ErrorType, ValidationErrorDetail
from fleetwrite.contract.telematics import Instant
from fleetwrite.kit.ids import new_id
from fleetwrite.operations.models import Directives

PREFER: Final = "Prefer"
NULL: Final = "Fleetwrite-Null"
LOSSES: Final = "Fleetwrite-Losses"
IDEMPOTENCY_KEY: Final = "Idempotency-Key"
EXPIRES_AT: Final = "Fleetwrite-Expires-At"
NOT_BEFORE: Final = "Fleetwrite-Not-Before"
PRIORITY: Final = "Fleetwrite-Priority"
IDEMPOTENCY_REPLAYED: Final = "Idempotency-Replayed"
REQUEST_ID: Final = "X-Request-ID"
CONNECT_TOKEN: Final = "Fleetwrite-Connect-Token"  # noqa: S105 - the name of a header
IGNORED_FIELDS: Final = "Fleetwrite-Ignored-Fields"
PREFERENCE_APPLIED: Final = "Preference-Applied"

LENIENT: Final = "lenient"

ALLOW: Final = "allow"
REFUSE: Final = "refuse"
_LOSS_WORDS: Final = frozenset({ALLOW, REFUSE})

LONGEST_IDEMPOTENCY_KEY: Final = 255
LONGEST_REQUEST_ID: Final = 128
"""Long enough for any tracing scheme, short enough for every log line."""

LONGEST_NAME_LIST: Final = 4096
"""Characters. Common clients refuse header lines of 8 KiB, and unknown names in other scripts add up to far more."""

_VISIBLE: Final = re.compile(r"[\x21-\x7e]+")
# One member of a list: everything up to a comma that is not inside a quoted string.
_MEMBER: Final = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*"?)+')


def read_directives(headers: Mapping[str, str]) -> tuple[Directives, list[ValidationErrorDetail]]:
    """Read the headers that steer a write (their names in lower case); beside them every fault found."""
    faults: list[ValidationErrorDetail] = []
    clear = headers.get(NULL.lower())
    if clear is not None and clear.strip().lower() != "clear":
        faults.append(_fault(NULL, clear, ErrorType.ENUM, "Must be `clear`, or leave the header out."))
    losses = headers.get(LOSSES.lower())
    wish = None if losses is None else losses.strip().lower()
    if losses is not None and wish not in _LOSS_WORDS:
        message = "Must be `allow` or `refuse`, or leave the header out."
        faults.append(_fault(LOSSES, losses, ErrorType.ENUM, message))
    key = headers.get(IDEMPOTENCY_KEY.lower())
    if key is not None and not (len(key) <= LONGEST_IDEMPOTENCY_KEY and _VISIBLE.fullmatch(key)):
        message = f"Must be 1 to {LONGEST_IDEMPOTENCY_KEY} visible ASCII characters without blanks."
        faults.append(_fault(IDEMPOTENCY_KEY, key, ErrorType.FORMAT, message))
    directives = Directives(
        clear_nulls=clear is not None,
        allow_losses=wish == ALLOW,
        refuse_losses=wish == REFUSE,
        idempotency_key=key,
        expires_at=_instant(EXPIRES_AT, headers, faults),
        not_before=_instant(NOT_BEFORE, headers, faults),
        priority=_priority(headers, faults),
    )
    return directives, faults


def is_lenient(headers: Mapping[str, str]) -> bool:
    """Say whether the request carries `Prefer: handling=lenient`: ignore unknown body fields, but name them."""
    wishes = headers.get(PREFER.lower())
    return wishes is not None and preferences(wishes).get("handling") == LENIENT


def preferences(value: str) -> dict[str, str]:
    """Parse a Prefer header (RFC 7240): name -> value, both in lower case, empty where a name stands alone.

    The first of several preferences of one name counts; their parameters mean nothing here and are skipped.
    """
    found: dict[str, str] = {}
    for member in _MEMBER.findall(value):
        preference = member.split(";", 1)[0]
        name, _, wish = preference.partition("=")
        name = name.strip().lower()
        if name:
            found.setdefault(name, wish.strip().strip('"').strip().lower())
    return found


def request_id(headers: Mapping[str, str]) -> str:
    """The caller's `X-Request-ID` where it is fit for a log line, else a new one."""
    given = headers.get(REQUEST_ID.lower(), "")
    if len(given) <= LONGEST_REQUEST_ID and _VISIBLE.fullmatch(given):
        return given
    return str(new_id())


def name_list(names: Iterable[str]) -> str:
    """Join names for a header; those beyond `LONGEST_NAME_LIST` characters are left off, which `...` at the end tells.

    The names must be ASCII, as those of the contract are and `Decoded.ignored_fields` are made to be.
    """
    joined = ""
    for name in names:
        if len(joined) + len(name) + len(", ...") > LONGEST_NAME_LIST:
            return f"{joined}, ..." if joined else "..."
        joined = f"{joined}, {name}" if joined else name
    return joined


def _instant(header: str, headers: Mapping[str, str], faults: list[ValidationErrorDetail]) -> datetime | None:
    text = headers.get(header.lower())
    if text is None:
        return None
    try:
        at: datetime = msgspec.convert(text.strip(), type=Instant)
    except msgspec.ValidationError:
        at = datetime.max.replace(tzinfo=UTC)
    if not is_storable_instant(at):
        message = "Must be a date-time with an offset, such as 2026-05-04T10:00:00Z."
        faults.append(_fault(header, text, ErrorType.FORMAT, message))
        return None
    return at


def _priority(headers: Mapping[str, str], faults: list[ValidationErrorDetail]) -> MessagePriorityEnum | None:
    text = headers.get(PRIORITY.lower())
    if text is None:
        return None
    try:
        return MessagePriorityEnum(text.strip().lower())
    except ValueError:
        words = ", ".join(f"`{one}`" for one in MessagePriorityEnum)
        faults.append(_fault(PRIORITY, text, ErrorType.ENUM, f"Must be one of {words}, or leave the header out."))
        return None


def _fault(header: str, given: str, error_type: ErrorType, message: str) -> ValidationErrorDetail:
    return ValidationErrorDetail(path=f"header.{header}", input=excerpt(given), message=message, error_type=error_type)
