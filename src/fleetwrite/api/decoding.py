"""Turns request bodies and query strings into Structs, or into all of their faults at once.

The fast path is msgspec plus checks of what msgspec cannot see: a decimal sent as a string, numbers and text that
could not be stored, a field sent twice. Whatever it does not surely accept is judged by the slow path
(`fleetwrite.api.json_text`, `fleetwrite.api.faults`), which has the last word.
"""

import datetime as dt
import functools
import re
import urllib.parse
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from itertools import islice
from typing import Any, Final, Generic, TypeVar

import msgspec
from jsonschema.protocols import Validator
from msgspec import UNSET, Struct

from fleetwrite.api.faults import LONGEST_PATTERNED, Fault, find_faults, is_storable_instant, validator_for
from fleetwrite.api.json_schemas import INT32, Schema, is_storable_number, validation_schema
from fleetwrite.api.json_text import MalformedJsonError, parse_integer, parse_json
from fleetwrite.contract.errors import ErrorType, ValidationErrorDetail
from fleetwrite.kit.errors import FleetwriteError

BodyT = TypeVar("BodyT")
StructT = TypeVar("StructT", bound=Struct)

MAX_FAULTS: Final = 100
"""How many faults one answer names; a hostile body may have a hundred thousand."""

_MAX_IGNORED: Final = 50  # names in `ignored_fields`: they travel in a header, and proxies cut those at 8 KiB
_IGNORED_NAME_LENGTH: Final = 100

_SHORT_NUMBER: Final = 15  # a number written in so few characters, without exponent, can only be storable

_WHITESPACE: Final = b" \t\r\n"
_INTEGER: Final = re.compile(r"-?[0-9]+")
_BOOLEANS: Final = {"true": True, "1": True, "false": False, "0": False}

_TOKENS: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])

Check = Callable[[Any, bytes], bool]


class InvalidBodyError(FleetwriteError):
    """The request can be read but is not valid; the API answers 422 with `details`, which are never empty."""

    def __init__(self, details: list[ValidationErrorDetail]) -> None:
        super().__init__("; ".join(f"{detail.path}: {detail.message}" for detail in details))
        self.details = details


class Decoded(Struct, Generic[BodyT], frozen=True):
    """A decoded body, and what the client allowed us to ignore.

    `ignored_fields` are paths within the body, percent-encoded, so that they can be put into a header as they
    are; "..." at the end says that there were more.
    """

    body: BodyT
    ignored_fields: tuple[str, ...] = ()


class _Plan(Struct, Generic[StructT], frozen=True):
    """All that is derived from a Struct once."""

    struct_type: type[StructT]
    decoder: msgspec.json.Decoder[StructT]
    schema: Schema
    validator: Validator
    checks: tuple[tuple[str, str, Check], ...] | None  # None: the fast path cannot vouch for this Struct


def decode_body(struct_type: type[StructT], raw: bytes, *, lenient: bool) -> Decoded[StructT]:
    """Decode a JSON body.

    Args:
        struct_type: must forbid unknown fields.
        raw: the body as it came; the caller limits its size.
        lenient: ignore unknown fields, at any level, and name them (`Prefer: handling=lenient`).

    Raises:
        MalformedJsonError: it is no JSON, or ambiguous JSON (a field sent twice); 400.
        InvalidBodyError: it is JSON but not a valid body; 422.
    """
    plan = _body_plan(struct_type)
    refusal: Exception | None = None
    try:
        body = plan.decoder.decode(raw)
        if plan.checks is not None and _is_surely_valid(body, raw, plan.checks):
            return Decoded(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        refusal = error
    document = parse_json(raw)
    ignored = list(_take_unknown(document, plan.schema)) if lenient else []
    details = _details(find_faults(plan.validator, document), "body")
    if details:
        raise InvalidBodyError(details)
    if ignored or refusal is None:
        return Decoded(_convert(document, struct_type, "body"), _ignored_names(ignored))
    if isinstance(refusal, msgspec.ValidationError):
        raise InvalidBodyError([_msgspec_detail(refusal, "body")]) from refusal
    raise MalformedJsonError(f"The body is not JSON: {refusal}.") from refusal


def convert_part(struct_type: type[StructT], document: Any, root: str) -> StructT:
    """Judge what a body has at `root`, once it is known what belongs there.

    Raises:
        InvalidBodyError: with paths that begin with `root`; 422.
    """
    details = _details(find_faults(_body_plan(struct_type).validator, document), root)
    if details:
        raise InvalidBodyError(details)
    return _convert(document, struct_type, root)


def decode_list(struct_type: type[StructT], raw: bytes, *, lenient: bool) -> Decoded[list[StructT]]:
    """Decode a JSON body that is an array of `struct_type`, always by the slow path: such bodies are rare and short.

    Raises: what `decode_body` raises.
    """
    document = parse_json(raw)
    schema: Schema = {"type": "array", "items": _body_plan(struct_type).schema}
    ignored = list(_take_unknown(document, schema)) if lenient else []
    details = _details(find_faults(validator_for(schema), document), "body")
    if details:
        raise InvalidBodyError(details)
    items = [_convert(item, struct_type, f"body.{place}") for place, item in enumerate(document)]
    return Decoded(items, _ignored_names(ignored))


def decode_query(struct_type: type[StructT], items: Iterable[tuple[str, str]]) -> StructT:
    """Decode the parameters of a query string, given as decoded pairs in their order.

    A list is sent by repeating its name; booleans are true, false, 1 or 0 in any case. A parameter that
    `struct_type` does not know is a fault: a misspelt filter would silently widen the result.

    Raises:
        InvalidBodyError: with paths such as `query.size`; 422.
    """
    plan = _plan(struct_type)
    properties = plan.schema["properties"]
    document: dict[str, Any] = {}
    repeated: dict[str, Fault] = {}
    for name, text in items:
        schema = properties.get(name, {})
        if "array" in _types(schema):
            document.setdefault(name, []).append(_scalar(text, schema["items"]))
        elif name in document and name in properties:
            repeated[name] = Fault((name,), text, lambda: "Is given more than once; give it once.", ErrorType.TYPE)
        else:
            document[name] = _scalar(text, schema)
    details = _details([*repeated.values(), *find_faults(plan.validator, document)], "query")
    if details:
        raise InvalidBodyError(details)
    return _convert(document, struct_type, "query")


@functools.cache
def _body_plan(struct_type: type[StructT]) -> _Plan[StructT]:
    if not struct_type.__struct_config__.forbid_unknown_fields:
        raise TypeError(f"{struct_type.__name__} must forbid unknown fields to be decoded from a body")
    return _plan(struct_type)


@functools.cache
def _plan(struct_type: type[StructT]) -> _Plan[StructT]:
    schema = validation_schema(struct_type)
    return _Plan(
        struct_type,
        msgspec.json.Decoder(struct_type),
        schema,
        validator_for(schema),
        _checks(struct_type, schema),
    )


def _checks(struct_type: type[Struct], schema: Schema) -> tuple[tuple[str, str, Check], ...] | None:
    """Return what remains to be checked after msgspec, as (attribute, field, check); None if that is too much."""
    checks: list[tuple[str, str, Check]] = []
    for field in msgspec.structs.fields(struct_type):
        leaf = schema["properties"][field.encode_name]
        types = set(_types(leaf)) - {"null"}
        if types == {"array"}:
            if _types(leaf["items"]) != ["string"] or not _is_msgspec_text(leaf["items"]):
                return None
        elif types == {"integer"}:
            checks.append((field.name, field.encode_name, _is_int32))
        elif "number" in types:
            checks.append((field.name, field.encode_name, _decimal_check(leaf)))
        elif leaf.get("format") == "date-time":
            checks.append((field.name, field.encode_name, _is_plain_instant))
        elif "pattern" in leaf:
            checks.append((field.name, field.encode_name, _ends_without_line_feed))
        elif not (types == {"boolean"} or (types == {"string"} and _is_msgspec_text(leaf))):
            return None
    return tuple(checks)


def _is_msgspec_text(leaf: Schema) -> bool:
    """Say whether msgspec judges this text as strictly as the slow path does, NUL apart."""
    return leaf.get("format") in (None, "uuid", "date") and "pattern" not in leaf


def _is_surely_valid(body: Struct, raw: bytes, checks: tuple[tuple[str, str, Check], ...]) -> bool:
    if b"\\u0000" in raw:
        return False
    tokens = _TOKENS.decode(raw)
    # Each name is followed by a colon, so that more of those than distinct names means that one came twice
    # (or that a text holds an escaped quote and a colon, which the slow path sorts out).
    if raw.translate(None, _WHITESPACE).count(b'":') != len(tokens):
        return False
    for attribute, name, check in checks:
        value = getattr(body, attribute)
        if value is not None and value is not UNSET and not check(value, tokens.get(name, b"")):
            return False
    return True


def _is_int32(value: int, _token: bytes) -> bool:
    return INT32[0] <= value <= INT32[1]


def _is_plain_instant(value: dt.datetime, _token: bytes) -> bool:
    return is_storable_instant(value)


def _ends_without_line_feed(value: str, _token: bytes) -> bool:
    return not value.endswith("\n")


def _decimal_check(leaf: Schema) -> Check:
    minimum, maximum = leaf.get("minimum"), leaf.get("maximum")
    pattern = re.compile(leaf["pattern"].encode()) if "string" in _types(leaf) else None

    def check(value: Decimal, token: bytes) -> bool:
        text = bytes(token)
        if text.startswith(b'"') and (
            pattern is None or len(text) > LONGEST_PATTERNED or not pattern.search(text[1:-1])
        ):
            return False
        is_short = len(text) <= _SHORT_NUMBER and b"e" not in text and b"E" not in text
        return (
            (is_short or is_storable_number(value))
            and (minimum is None or value >= minimum)
            and (maximum is None or value <= maximum)
        )

    return check


def _types(schema: Schema) -> list[str]:
    types = schema.get("type", [])
    return [types] if isinstance(types, str) else types


def _scalar(text: str, schema: Schema) -> Any:
    """Read `text` as what `schema` wants; text that cannot be that stays text, a fault of its type."""
    types = _types(schema)
    if "integer" in types and _INTEGER.fullmatch(text):
        return parse_integer(text)
    if "boolean" in types:
        return _BOOLEANS.get(text.lower(), text)
    return text


def _take_unknown(node: Any, schema: Schema, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Remove the fields that `schema` does not know, at any level, and yield their paths."""
    if isinstance(node, dict) and "properties" in schema:
        known = schema["properties"]
        for name in [name for name in node if name not in known]:
            del node[name]
            yield (*path, name)
        for name, value in node.items():
            yield from _take_unknown(value, known[name], (*path, name))
    elif isinstance(node, list) and "items" in schema:
        for position, item in enumerate(node):
            yield from _take_unknown(item, schema["items"], (*path, str(position)))


def _ignored_names(unknown: list[tuple[str, ...]]) -> tuple[str, ...]:
    names = [
        ".".join(urllib.parse.quote(step[:_IGNORED_NAME_LENGTH], safe="", errors="backslashreplace") for step in path)
        for path in unknown[:_MAX_IGNORED]
    ]
    return (*names, "...") if len(unknown) > _MAX_IGNORED else tuple(names)


def _details(faults: Iterable[Fault], root: str) -> list[ValidationErrorDetail]:
    details = [fault.detail(root) for fault in islice(faults, MAX_FAULTS + 1)]
    if len(details) > MAX_FAULTS:
        last = details[MAX_FAULTS - 1]
        message = f"{last.message} More faults follow that are not listed here."
        details[MAX_FAULTS - 1 :] = [msgspec.structs.replace(last, message=message)]
    return details


def _convert(document: Any, struct_type: type[StructT], root: str) -> StructT:
    try:
        return msgspec.convert(document, struct_type)
    except msgspec.ValidationError as error:
        raise InvalidBodyError([_msgspec_detail(error, root)]) from error


def _msgspec_detail(error: Exception, root: str) -> ValidationErrorDetail:
    """Say in our shape what msgspec alone has found."""
    message, _, place = str(error).partition(" - at `$")
    path = re.sub(r"\[(\w+|\.\.\.)\]", r".\1", place.removesuffix("`"))
    error_type = ErrorType.FORMAT if message.startswith("Invalid") else ErrorType.TYPE
    return ValidationErrorDetail(path=root + path, input="", message=message, error_type=error_type)


__all__ = [
    "Decoded",
    "InvalidBodyError",
    "MalformedJsonError",
    "convert_part",
    "decode_body",
    "decode_list",
    "decode_query",
]
