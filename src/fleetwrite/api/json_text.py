"""Strict reading of JSON text, with the exact text of numbers, and writing of short excerpts of it.

This is the slow reader, used where a body has faults: msgspec reads all others.
"""

import json
import re
from collections import Counter
from decimal import Decimal, InvalidOperation
from itertools import islice
from typing import Any, Final, Never

from fleetwrite.kit.errors import FleetwriteError

MAX_DEPTH: Final = 64
"""How deep arrays and objects may nest. The contract's deepest body has three levels; a limit keeps everything
that walks a document far from Python's recursion limit."""

_MAX_INT_DIGITS: Final = 400  # Python refuses to convert more than 4300 digits; nobody means more than 19
_EXCERPT_LENGTH: Final = 200  # enough to recognise a value, short enough to repeat it for each fault

# The closing quote is optional so that the search never fails and starts anew: it stays linear on any text.
_STRING: Final = re.compile(r'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_BRACKET: Final = re.compile(r"[\[\]{}]")
UNSENDABLE: Final = re.compile("[\x00\ud800-\udfff]")
"""What no text may contain: neither UTF-8 nor jsonb can hold it."""


class MalformedJsonError(FleetwriteError):
    """The body is no JSON text that can be read unambiguously; the API answers 400."""


class HugeNumber(Decimal):
    """A number beyond what `int` or `Decimal` can be asked to hold: infinite in comparisons, `text` as it came."""

    text: str
    is_integer_token: bool

    @classmethod
    def of(cls, text: str, *, is_integer_token: bool) -> "HugeNumber":
        number = cls("-Infinity" if text.startswith("-") else "Infinity")
        number.text = text
        number.is_integer_token = is_integer_token
        return number


def parse_json(raw: bytes) -> Any:
    """Read `raw`, an RFC 8259 text in UTF-8 with distinct names in each object.

    Numbers with a fraction or an exponent become `Decimal`, so that 2021.0 stays apart from 2021 and no digit is
    lost. Escaped lone surrogates are kept; whoever checks strings has to refuse them.

    Raises:
        MalformedJsonError: says what is wrong and where.
    """
    if not raw.strip():
        raise MalformedJsonError("The body is empty; send a JSON object.")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedJsonError(f"The body is not UTF-8 (byte {error.start}); send JSON encoded as UTF-8.") from error
    if text.startswith("\ufeff"):
        raise MalformedJsonError("The body begins with a byte order mark; send plain UTF-8.")
    _check_depth(text)
    try:
        return json.loads(
            text,
            parse_float=_parse_float,
            parse_int=parse_integer,
            parse_constant=_refuse_constant,
            object_pairs_hook=_object_of_distinct_names,
        )
    except json.JSONDecodeError as error:
        raise MalformedJsonError(
            f"The body is not JSON: {error.msg} (line {error.lineno}, column {error.colno})."
        ) from error


def parse_integer(text: str) -> int | HugeNumber:
    """Read decimal digits of any number, in time linear to it."""
    if len(text) > _MAX_INT_DIGITS:
        return HugeNumber.of(text, is_integer_token=True)
    return int(text)


def excerpt(value: object) -> str:
    """Show `value` in at most about 200 characters: a string as it is, anything else as JSON text."""
    text = value if isinstance(value, str) else _json_text(value)
    return printable(text if len(text) <= _EXCERPT_LENGTH else text[: _EXCERPT_LENGTH - 1] + "…")


def printable(text: str) -> str:
    r"""Replace what cannot be sent as UTF-8 or stored (lone surrogates, NUL) by its escape, such as ``\u0000``."""
    return UNSENDABLE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def _check_depth(text: str) -> None:
    depth = 0
    for bracket in _BRACKET.findall(_STRING.sub("", text)):
        depth += 1 if bracket in "[{" else -1
        if depth > MAX_DEPTH:
            raise MalformedJsonError(f"The body nests deeper than {MAX_DEPTH} levels; send a flatter one.")


def _parse_float(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:  # the exponent itself is beyond what Decimal can hold
        return HugeNumber.of(text, is_integer_token=False)


def _refuse_constant(name: str) -> Never:
    raise MalformedJsonError(f"The body is not JSON: {name} is no JSON value; send a number or null.")


def _object_of_distinct_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        counts = Counter(name for name, _ in pairs)
        twice = next(name for name, count in counts.items() if count > 1)
        raise MalformedJsonError(f"The field {excerpt(twice)} appears twice in one object; send it once.")
    return members


def _json_text(value: object) -> str:
    """Write `value` as JSON; of long lists and objects, at least as much as an excerpt shows."""
    if isinstance(value, HugeNumber):
        return value.text
    if isinstance(value, dict):
        members = islice(value.items(), _EXCERPT_LENGTH)
        return "{" + ", ".join(f"{json.dumps(name)}: {_json_text(item)}" for name, item in members) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_json_text, islice(value, _EXCERPT_LENGTH))) + "]"
    if isinstance(value, Decimal):
        return str(value)
    return json.dumps(value)
