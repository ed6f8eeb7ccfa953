"""Drives the fast and the slow validator with random and with slightly broken bodies; they must agree."""

import datetime as dt
import json
import string
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Struct

from fleetwrite.api import decoding
from fleetwrite.api.decoding import InvalidBodyError, MalformedJsonError, decode_body, decode_query
from fleetwrite.api.faults import find_faults, validator_for
from fleetwrite.api.json_schemas import validation_schema
from fleetwrite.api.json_text import parse_json
from fleetwrite.contract.notifications import WebhookCreate
from fleetwrite.contract.telematics import WRITE_BODIES, Instant
from fleetwrite.contract.tsps import TspEnum

SOURCE_NAMES = frozenset(TspEnum)

BODIES: list[type[Struct]] = [*WRITE_BODIES.values(), WebhookCreate]
SCHEMAS = {body: validation_schema(body, SOURCE_NAMES) for body in BODIES}
VALIDATORS = {body: validator_for(schema) for body, schema in SCHEMAS.items()}

DRIVEN = settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))

# JSON texts of scalars that validators are known to disagree on.
AWKWARD = st.sampled_from(
    [
        *("null", "true", "false", "0", "-0", "-0.0", "1.0", "2021.0", "2.021e3", "1e400", "1e-400", "0e99", "1E15"),
        *("1e999999999", "1e99999999999999999999", "2147483648", "-2147483649", "9007199254740993", "1" * 30),
        *("90.0000000000000001", "-180", "NaN", "Infinity", "-Infinity", "01", "+1", ".5", "5."),
        *('""', '"NaN"', '"Infinity"', '"1.5"', '"1e5"', '" 1"', '"1_0"', '"1\\n"', '"+.5"', '"-"', '"٣"', '"1."'),
        *('"\\u0000"', '"\\ud800"', '"\\ud83d\\ude00"', '"\\\\u0000"', '"a\\":b"', '"US\\n"', '"USA\\n"', '"ÄÖÜ"'),
        *('"2026-05-04T10:00:00Z"', '"2026-05-04 10:00:00z"', '"2026-05-04T10:00:00+0100"', '"2026-05-04T10:00:00"'),
        *('"2026-05-04T23:59:60Z"', '"0001-01-01T00:00:00+23:00"', '"9999-12-31T23:59:59.9999999Z"', '"2026-05-04"'),
        *('"0000-01-01"', '"2026-02-29"', '"20260504"', '"018f3c5e7a517c3e9d590a1b2c3d4e5f"'),
        *('"{018f3c5e-7a51-7c3e-9d59-0a1b2c3d4e5f}"', '"018F3C5E-7A51-7C3E-9D59-0A1B2C3D4E5F"', "[]", "{}", "[null]"),
        *("[[]]", '["a", "a"]', '{"a": 1}', '{"a": 1, "a": 1}', "[1,]", "tru"),
    ]
)
TEXTS = st.text(max_size=8).map(json.dumps)
RANDOM_JSON = st.recursive(
    st.one_of(AWKWARD, TEXTS, st.integers().map(str), st.floats().map(json.dumps)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
        st.dictionaries(TEXTS, inner, max_size=3).map(
            lambda members: "{" + ", ".join(f"{name}: {value}" for name, value in members.items()) + "}"
        ),
    ),
    max_leaves=6,
)


NEWEST = dt.datetime(2270, 1, 1, tzinfo=dt.UTC)
Members = list[tuple[str, str]]


def render(members: Members) -> str:
    return "{" + ",".join(f"{name}:{value}" for name, value in members) + "}"


def valid_text(schema: dict[str, Any]) -> st.SearchStrategy[str]:  # one return for each kind of schema
    """JSON texts that satisfy a validation schema."""
    types = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
    if "null" in types:
        return st.one_of(valid_text(schema | {"type": [name for name in types if name != "null"]}), st.just("null"))
    if "enum" in schema:
        return st.sampled_from([value for value in schema["enum"] if value is not None]).map(json.dumps)
    if "format" in schema:
        return FORMATTED[schema["format"]].map(json.dumps)
    if "number" in types:
        return st.decimals(schema.get("minimum", -(10**15)), schema.get("maximum", 10**15), places=4).map(str)
    if "pattern" in schema:
        return st.text(string.ascii_letters, min_size=3, max_size=3).map(json.dumps)
    if types == ["array"]:
        items = st.lists(valid_text(schema["items"]), max_size=3)
        return items.map(lambda texts: f"[{','.join(texts)}]")
    if types == ["object"]:
        return valid_members(schema).map(render)
    return SCALARS[types[0]]


def valid_members(schema: dict[str, Any]) -> st.SearchStrategy[Members]:
    """Members of objects that satisfy a validation schema, in any order, the optional ones now and then."""
    members = {
        name: st.tuples(st.just(json.dumps(name)), valid_text(value)) for name, value in schema["properties"].items()
    }
    required = st.tuples(*(members[name] for name in schema["required"]))
    optional = [members[name] for name in members if name not in schema["required"]]
    some = st.lists(st.one_of(optional), max_size=5, unique_by=lambda member: member[0]) if optional else st.just([])
    return st.tuples(required, some).flatmap(lambda both: st.permutations([*both[0], *both[1]]))


FORMATTED: dict[str, st.SearchStrategy[str]] = {
    "uuid": st.uuids().map(str),
    "date": st.dates().map(str),
    "date-time": st.timedeltas(dt.timedelta(0), dt.timedelta(90_000)).map(lambda age: (NEWEST - age).isoformat()),
    "uri": st.sampled_from(["https://example.com/a", "http://10.0.0.1:8080/?b=c"]),
}
SCALARS: dict[str, st.SearchStrategy[str]] = {
    "string": st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")).map(json.dumps),
    "integer": st.integers(-(2**31), 2**31 - 1).map(str),
    "boolean": st.sampled_from(["true", "false"]),
}


@st.composite
def broken_body(draw: st.DrawFn, schema: dict[str, Any]) -> bytes:
    """A valid body after a few changes, in its members and then, rarely, in its bytes."""
    members = list(draw(valid_members(schema)))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(members) - 1))
        name, _value = members[at]
        change = draw(st.sampled_from(["value", "drop", "again", "rename", "add"]))
        if change == "value":
            members[at] = (name, draw(RANDOM_JSON))
        elif change == "drop" and len(members) > 1:
            del members[at]
        elif change == "again":
            members.append((draw(st.sampled_from([name, f"{name} "])), draw(RANDOM_JSON)))
        elif change == "rename":
            members[at] = (draw(TEXTS), members[at][1])
        else:
            names = st.sampled_from(list(schema["properties"])).map(json.dumps)
            members.append((draw(names), draw(RANDOM_JSON)))
    raw = render(members).encode()
    if draw(st.integers(0, 4)) == 0:
        at = draw(st.integers(0, len(raw)))
        raw = raw[:at] + draw(st.binary(max_size=2)) + raw[at + draw(st.integers(0, 2)) :]
    return raw


def assert_well_told(error: InvalidBodyError, root: str) -> None:
    assert error.details
    assert all(detail.path.split(".")[0] == root and detail.message for detail in error.details)
    msgspec.json.encode(error.details)


def is_decoded(body: type[Struct], raw: bytes, *, lenient: bool) -> bool:
    """Decode; say whether that worked. Any exception but the two that are meant lets the test fail."""
    try:
        decoded = decode_body(body, raw, lenient=lenient, source_names=SOURCE_NAMES)
    except MalformedJsonError as error:
        str(error).encode()
        return False
    except InvalidBodyError as error:
        assert_well_told(error, "body")
        return False
    assert isinstance(decoded.body, body)
    for name in decoded.ignored_fields:
        assert name.isascii()
        assert name.isprintable()
    assert lenient or not decoded.ignored_fields
    msgspec.json.encode(decoded.body, order="deterministic")
    return True


def judged_by_msgspec(body: type[Struct], raw: bytes) -> bool:
    plan = decoding._plan(body, SOURCE_NAMES)
    try:
        decoded = plan.decoder.decode(raw)
        return plan.checks is not None and decoding._is_surely_valid(decoded, raw, plan.checks)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False


def judged_by_jsonschema(body: type[Struct], raw: bytes) -> bool:
    try:
        document = parse_json(raw)
    except MalformedJsonError:
        return False
    return not list(find_faults(VALIDATORS[body], document))


def assert_agreement(body: type[Struct], raw: bytes) -> None:
    strict = is_decoded(body, raw, lenient=False)
    slow = judged_by_jsonschema(body, raw)

    assert strict == slow
    if judged_by_msgspec(body, raw):
        assert slow
        assert decode_body(body, raw, lenient=False, source_names=SOURCE_NAMES).body == msgspec.convert(
            parse_json(raw), body
        )
    if slow:
        msgspec.json.decode(raw, type=body)
    if strict:
        assert is_decoded(body, raw, lenient=True)
    else:
        is_decoded(body, raw, lenient=True)


@pytest.mark.parametrize("body", BODIES, ids=lambda body: body.__name__)
def test_valid_bodies_are_decoded(body: type[Struct]) -> None:
    @DRIVEN
    @given(valid_members(SCHEMAS[body]).map(render))
    def check(text: str) -> None:
        assert is_decoded(body, text.encode(), lenient=False)
        assert judged_by_jsonschema(body, text.encode())

    check()


@pytest.mark.parametrize("body", BODIES, ids=lambda body: body.__name__)
def test_validators_agree_on_broken_bodies(body: type[Struct]) -> None:
    @DRIVEN
    @given(broken_body(SCHEMAS[body]))
    def check(raw: bytes) -> None:
        assert_agreement(body, raw)

    check()


@pytest.mark.parametrize("body", BODIES, ids=lambda body: body.__name__)
def test_validators_agree_on_any_json_and_any_bytes(body: type[Struct]) -> None:
    @DRIVEN
    @given(st.one_of(RANDOM_JSON.map(str.encode), st.binary(max_size=40)))
    def check(raw: bytes) -> None:
        assert_agreement(body, raw)

    check()


class Query(Struct, frozen=True):
    size: int = 300
    is_driver: bool | None = None
    fleet_ids: list[UUID] | None = None
    from_datetime: Instant | None = None
    cursor: str | None = None


@DRIVEN
@given(
    st.lists(
        st.tuples(st.sampled_from([*Query.__struct_fields__, "colour"]), st.one_of(st.text(max_size=5), AWKWARD)),
        max_size=4,
    )
)
def test_any_query_is_decoded_or_refused_with_details(items: list[tuple[str, str]]) -> None:
    try:
        query = decode_query(Query, items, source_names=SOURCE_NAMES)
    except InvalidBodyError as error:
        assert_well_told(error, "query")
    else:
        assert isinstance(query, Query)
        assert "colour" not in dict(items)
