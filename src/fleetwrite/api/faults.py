"""Finds every fault of a document at once and says of each what would be right.

The judge is jsonschema (Draft 2020-12) on the schemas of `fleetwrite.api.json_schemas`. It has to agree with
msgspec, which decides on the fast path: formats are therefore checked by msgspec itself, 2021.0 is no integer and
patterns match up to the very end of the text.
"""

import datetime as dt
import difflib
import functools
import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from jsonschema import Draft202012Validator, FormatChecker, TypeChecker, ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import extend
from msgspec import Meta, Struct

from fleetwrite.api.json_schemas import MAX_FRACTION_DIGITS, MAX_MAGNITUDE, Schema, is_storable_number
from fleetwrite.api.json_text import UNSENDABLE, HugeNumber, excerpt, printable
from fleetwrite.contract.errors import ErrorType, ValidationErrorDetail

LONGEST_PATTERNED: Final = 100
"""Characters of a text that a pattern can match. The contract's describe codes and amounts, and the one of decimals
takes time that grows with the cube of the length."""

_FEW: Final = 12  # allowed values are listed up to this number, else counted
_COMPARED_LENGTH: Final = 64  # of a text when a similar one is sought: the cost grows with the square
_STEP_LENGTH: Final = 100  # of a field name in a path

_ERROR_TYPES: Final[Mapping[str, ErrorType]] = {
    "type": ErrorType.TYPE,
    "enum": ErrorType.ENUM,
    "required": ErrorType.MISSING,
    "additionalProperties": ErrorType.UNKNOWN_FIELD,
    "format": ErrorType.FORMAT,
    "pattern": ErrorType.FORMAT,
    "storableText": ErrorType.FORMAT,
    "storableNumber": ErrorType.RANGE,
    "minimum": ErrorType.RANGE,
    "maximum": ErrorType.RANGE,
    "minLength": ErrorType.RANGE,
    "maxLength": ErrorType.RANGE,
    "minItems": ErrorType.RANGE,
    "maxItems": ErrorType.RANGE,
}

_FORMAT_WORDS: Final[Mapping[str, str]] = {
    "uuid": "a UUID such as 018f3c5e-7a51-7c3e-9d59-0a1b2c3d4e5f",
    "date": "a date such as 2026-05-04",
    "date-time": "a date-time with an offset such as 2026-05-04T10:00:00Z",
    "uri": "an absolute URI such as https://example.com/hooks",
}

_TYPE_WORDS: Final[Mapping[str, str]] = {
    "string": "a string",
    "integer": "an integer",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}


class Fault(Struct, frozen=True):
    """One fault: the field names and positions that lead to it, the value there, and what is wrong with it.

    The message is made when it is asked for: a fault that is merely counted or ignored costs nothing more.
    """

    steps: tuple[str | int, ...]
    value: Any
    explain: Callable[[], str]
    error_type: ErrorType
    is_secret: bool = False

    def detail(self, root: str) -> ValidationErrorDetail:
        """Render for the wire, with a path that begins with `root` (`body` or `query`)."""
        shown = "*****" if self.is_secret else excerpt(self.value)
        return ValidationErrorDetail(
            path=".".join([root, *(printable(str(step)[:_STEP_LENGTH]) for step in self.steps)]),
            input="" if self.error_type is ErrorType.MISSING else shown,
            message=self.explain(),
            error_type=self.error_type,
        )


def validator_for(schema: Schema) -> Validator:
    """Return a validator for a schema made by `validation_schema`."""
    validator: Validator = _StrictValidator(schema, format_checker=_FORMATS)
    return validator


def find_faults(validator: Validator, document: Any) -> Iterator[Fault]:
    """Yield the faults of `document`, one for each place, lazily: a hostile body may have thousands of them."""
    seen: set[tuple[str | int, ...]] = set()
    for error in validator.iter_errors(document):
        steps = tuple(error.absolute_path)
        if steps in seen:  # what has a wrong type is wrong in other ways too; the first fault says enough
            continue
        seen.add(steps)
        keyword = str(error.validator)
        schema = error.schema if isinstance(error.schema, Mapping) else {}
        yield Fault(
            steps,
            error.instance,
            functools.partial(_MESSAGES.get(keyword, _own_message), error, schema),
            _ERROR_TYPES[keyword],
            is_secret=_holds_secret(schema),
        )


def _holds_secret(schema: Mapping[str, Any]) -> bool:
    """Say whether a value must not be repeated: a secret, or what may be one under a misspelt name."""
    return bool(schema.get("writeOnly")) or any(map(_holds_secret, schema.get("properties", {}).values()))


def describe(schema: Mapping[str, Any]) -> str:
    """Say in words what `schema` wants, null apart."""
    types = schema.get("type", [])
    names = [types] if isinstance(types, str) else list(types)
    if "enum" in schema:
        values = [value for value in schema["enum"] if value is not None]
        words = [f"one of {', '.join(values)}" if len(values) <= _FEW else f"one of {len(values)} values"]
    elif "format" in schema:
        words = [_FORMAT_WORDS[schema["format"]]]
    elif "number" in names and "string" in names:
        words = ["a number", "a decimal number in quotes without an exponent"]
    elif "pattern" in schema:
        examples = ", ".join(schema.get("examples", []))
        words = [f"text that matches {schema['pattern']}" + (f", such as {examples}" if examples else "")]
    else:
        words = [_TYPE_WORDS[name] for name in names if name != "null"]
    return " or ".join(words)


def _did_you_mean(text: object, candidates: list[str]) -> str:
    """Return a sentence that names the candidate that `text` was probably meant to be, or nothing."""
    by_folded = {candidate.casefold(): candidate for candidate in candidates}
    word = text[:_COMPARED_LENGTH].casefold() if isinstance(text, str) else ""
    found = difflib.get_close_matches(word, by_folded, n=1)
    return f" Did you mean {by_folded[found[0]]}?" if found else ""


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if _is_integer(None, value):
        return "an integer"
    if isinstance(value, Decimal):
        return "a number with a fraction or an exponent"
    words = {str: "string", list: "array", dict: "object", type(None): "null"}
    return _TYPE_WORDS[words[type(value)]]


def _own_message(error: ValidationError, _schema: Mapping[str, Any]) -> str:
    return error.message


def _unknown_message(error: ValidationError, schema: Mapping[str, Any]) -> str:
    known = list(schema["properties"])
    guess = _did_you_mean(error.path[-1], known)
    if not guess and len(known) <= _FEW:
        guess = f" Known fields: {', '.join(known)}."
    return f"There is no such field.{guess}"


def _type_message(error: ValidationError, schema: Mapping[str, Any]) -> str:
    return f"Must be {describe(schema)}, not {_kind(error.instance)}."


def _enum_message(error: ValidationError, schema: Mapping[str, Any]) -> str:
    candidates = [value for value in schema["enum"] if value is not None]
    return f"Must be {describe(schema)}.{_did_you_mean(error.instance, candidates)}"


def _form_message(_error: ValidationError, schema: Mapping[str, Any]) -> str:
    return f"Must be {describe(schema)}."


def _limit_message(words: str) -> Callable[[ValidationError, Mapping[str, Any]], str]:
    return lambda error, _schema: f"Must {words.format(error.validator_value)}."


_MESSAGES: Final[Mapping[str, Callable[[ValidationError, Mapping[str, Any]], str]]] = {
    "type": _type_message,
    "enum": _enum_message,
    "additionalProperties": _unknown_message,
    "format": _form_message,
    "pattern": _form_message,
    "minimum": _limit_message("be at least {}"),
    "maximum": _limit_message("be at most {}"),
    "minLength": _limit_message("have at least {} characters"),
    "maxLength": _limit_message("have at most {} characters"),
    "minItems": _limit_message("have at least {} items"),
    "maxItems": _limit_message("have at most {} items"),
}
"""How to put a fault of each keyword; the others bring a message of their own."""


def _required(_validator: Validator, names: list[str], instance: object, schema: Schema) -> Iterator[ValidationError]:
    if isinstance(instance, dict):
        for name in names:
            if name not in instance:
                wanted = describe(schema["properties"][name])
                yield ValidationError(f"Is required: send {wanted}.", path=[name])


def _closed(_validator: Validator, _closed: bool, instance: object, schema: Schema) -> Iterator[ValidationError]:
    for name, value in instance.items() if isinstance(instance, dict) else ():
        if name not in schema["properties"]:
            yield ValidationError("unknown", path=[name], instance=value)


def _pattern(_validator: Validator, pattern: str, instance: object, _schema: Schema) -> Iterator[ValidationError]:
    # `$` of Python also matches before a final line feed; the contract's means the end.
    if isinstance(instance, str) and not (
        len(instance) <= LONGEST_PATTERNED and not instance.endswith("\n") and re.search(pattern, instance)
    ):
        yield ValidationError("does not match")


def _storable_text(_validator: Validator, _on: bool, instance: object, _schema: Schema) -> Iterator[ValidationError]:
    if any(isinstance(leaf, str) and UNSENDABLE.search(leaf) for leaf in _leaves(instance)):
        yield ValidationError("Must not contain \\u0000 or an unpaired surrogate; remove that character.")


def _storable_number(_validator: Validator, _on: bool, instance: object, schema: Schema) -> Iterator[ValidationError]:
    number = _decimal_in_quotes(instance) if "number" in schema.get("type", ()) else None
    for leaf in _leaves(instance if number is None else number):
        if _is_number(None, leaf) and not is_storable_number(Decimal(leaf)):
            yield ValidationError(
                f"Must lie between -{MAX_MAGNITUDE} and {MAX_MAGNITUDE}, with at most {MAX_FRACTION_DIGITS}"
                " digits after the point."
            )
            return


def _decimal_in_quotes(value: object) -> Decimal | None:
    try:
        return Decimal(value) if isinstance(value, str) else None
    except InvalidOperation:  # no number at all, which the pattern tells
        return None


def _leaves(value: object) -> Iterator[Any]:
    """Yield the scalars of a value of any shape, names of fields included."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield name
            yield from _leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item)
    else:
        yield value


def _is_integer(_checker: TypeChecker | None, value: object) -> bool:
    if isinstance(value, HugeNumber):
        return value.is_integer_token
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(_checker: TypeChecker | None, value: object) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def _is_format(wanted: Any) -> Callable[[object], bool]:
    def conforms(value: object) -> bool:
        if not isinstance(value, str):
            return True
        try:
            found = msgspec.convert(value, wanted)
        except (msgspec.ValidationError, UnicodeEncodeError):  # the latter: unpaired surrogates
            return False
        return not isinstance(found, dt.datetime) or is_storable_instant(found)

    return conforms


def is_storable_instant(value: dt.datetime) -> bool:
    """Say whether `value` can be written in UTC; the first and the last day of the calendar may not."""
    return dt.MINYEAR < value.year < dt.MAXYEAR


def _is_uri(value: object) -> bool:
    return not isinstance(value, str) or Draft202012Validator.FORMAT_CHECKER.conforms(value, "uri")


_FORMATS: Final = FormatChecker(formats=())
_FORMATS.checks("uuid")(_is_format(UUID))
_FORMATS.checks("date")(_is_format(dt.date))
_FORMATS.checks("date-time")(_is_format(Annotated[dt.datetime, Meta(tz=True)]))
_FORMATS.checks("uri")(_is_uri)

_StrictValidator = extend(  # type: ignore[no-untyped-call] # its stub is only partly typed
    Draft202012Validator,
    validators={
        "required": _required,
        "additionalProperties": _closed,
        "pattern": _pattern,
        "storableText": _storable_text,
        "storableNumber": _storable_number,
    },
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine_many({"integer": _is_integer, "number": _is_number}),
)
