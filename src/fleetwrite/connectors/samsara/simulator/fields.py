"""How a body is checked, field by field, against the documented types, lengths and choices."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from fleetwrite.connectors.sdk.simulator import Call, RefusalError

Check = Callable[[Any], str | None]
"""Returns what a value must be, where it is not."""

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_DECIMAL = re.compile(r"\d+(\.\d+)?")

# The page on external ids has a limit on keys and values, whose number we could not read. The strictest
# plausible one, so that what passes here passes there.
EXTERNAL_ID_LENGTH = 32


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields of one body. One that is not listed is refused, as is a required one that is absent or null.

    ``kept`` fields may be absent, but never null: an object cannot do without them.
    """

    checks: Mapping[str, Check]
    required: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()

    def read(self, call: Call) -> dict[str, Any]:
        """Return the call's body, checked.

        Raises:
            RefusalError: 400, for the first fault.
        """
        try:
            body = call.json()
        except msgspec.DecodeError as error:
            raise RefusalError(400, f"Invalid JSON: {error}.") from error
        return self.check(body)

    def check(self, body: Any) -> dict[str, Any]:
        """Return the body, or raise the RefusalError (400) for its first fault."""
        fault = self.fault(body)
        if fault is not None:
            raise RefusalError(400, fault)
        checked: dict[str, Any] = body
        return checked

    def fault(self, body: Any) -> str | None:
        """Return what is wrong with a body, or None."""
        if not isinstance(body, dict):
            return "Request body must be a JSON object."
        for name in self.required:
            if body.get(name) is None:
                return f"Required field '{name}' is missing."
        for name, value in body.items():
            if name not in self.checks:
                return f"Unknown field '{name}'."
            if value is None:
                if name in self.kept:
                    return f"Field '{name}' must not be null."
                continue
            wish = self.checks[name](value)
            if wish is not None:
                return f"Invalid value for field '{name}': must be {wish}."
        return None

    def for_update(self, *without: str, **more: Check) -> "Fields":
        """Return the fields of the update call: none required, those that were so kept, some left out, some
        more.
        """
        checks = {name: check for name, check in self.checks.items() if name not in without}
        return Fields({**checks, **more}, kept=(*self.kept, *self.required))


def text(minimum: int = 0, maximum: int | None = None, pattern: str | None = None) -> Check:
    """Check for a string of so many characters."""
    compiled = None if pattern is None else re.compile(pattern)

    def check(value: Any) -> str | None:
        if not isinstance(value, str):
            return "a string"
        if len(value) < minimum or (maximum is not None and len(value) > maximum):
            return f"{minimum} to {'any number of' if maximum is None else maximum} characters long"
        if compiled is not None and not compiled.fullmatch(value):
            return f"of the form {compiled.pattern}"
        return None

    return check


def choice(*choices: str | int) -> Check:
    """Check for one of a few values; True and False are no numbers."""

    def check(value: Any) -> str | None:
        if isinstance(value, bool) or value not in choices:
            return "one of " + ", ".join(str(item) for item in choices)
        return None

    return check


def integer(minimum: int | None = None) -> Check:
    """Check for a whole number."""

    def check(value: Any) -> str | None:
        if not isinstance(value, int) or isinstance(value, bool):
            return "an integer"
        return None if minimum is None or value >= minimum else f"at least {minimum}"

    return check


def boolean(value: Any) -> str | None:
    """Check for true or false."""
    return None if isinstance(value, bool) else "a boolean"


def decimal(value: Any) -> str | None:
    """Check for a decimal number in a string."""
    return None if isinstance(value, str) and _DECIMAL.fullmatch(value) else "a decimal number in a string"


def instant(value: Any) -> str | None:
    """Check for a date-time with offset."""
    return None if isinstance(value, str) and _is_instant(value) else "an RFC 3339 date-time with a time zone"


def _is_instant(value: str) -> bool:
    if not _RFC3339.fullmatch(value):
        return False
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


def date(value: Any) -> str | None:
    """Check for a date."""
    return None if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value) else "a date as YYYY-MM-DD"


def time_zone(value: Any) -> str | None:
    """Check for a name of the IANA data base."""
    try:
        ZoneInfo(value if isinstance(value, str) else "")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return "an IANA time zone"
    return None


def list_of(item: Check, minimum: int = 0) -> Check:
    """Check for a list of so many values that each pass ``item``."""

    def check(value: Any) -> str | None:
        if not isinstance(value, list):
            return "a list"
        if len(value) < minimum:
            return f"a list of at least {minimum}"
        wish = next(filter(None, map(item, value)), None)
        return None if wish is None else f"a list whose items are each {wish}"

    return check


def shape(fields: Fields) -> Check:
    """Check for an object of such fields."""

    def check(value: Any) -> str | None:
        fault = fields.fault(value)
        return None if fault is None else f"an object that is valid in itself ({fault.rstrip('.')})"

    return check


def external_ids(value: Any) -> str | None:
    """Check for a map of external ids. Values of other simple types are taken and made strings."""
    if not isinstance(value, dict):
        return "an object"
    for key, item in value.items():
        if not 1 <= len(key) <= EXTERNAL_ID_LENGTH or ":" in key or key.startswith("samsara."):
            return f"an object whose keys have 1 to {EXTERNAL_ID_LENGTH} characters, no colon, no prefix 'samsara.'"
        if isinstance(item, (dict, list)) or len(external_value(item) or "") > EXTERNAL_ID_LENGTH:
            return f"an object whose values have at most {EXTERNAL_ID_LENGTH} characters"
    return None


def external_value(item: Any) -> str | None:
    """Return an external id's value as the string the provider makes of it; None takes the id away."""
    if item is None or isinstance(item, str):
        return item or None
    return msgspec.json.encode(item).decode()


ATTRIBUTES = list_of(
    shape(
        Fields(
            {
                "id": text(1),
                "name": text(1),
                "stringValues": list_of(text()),
                "numberValues": list_of(lambda value: None if isinstance(value, (int, float)) else "a number"),
                "dateValues": list_of(text()),
            }
        )
    )
)

TAG_IDS = list_of(text(1))
