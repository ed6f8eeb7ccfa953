"""Every malformed request gets the contract's error body and leaves nothing behind: no operation, job or event."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import pytest
from msgspec import inspect

from integration.api.error_bodies import details_of, error_body
from integration.api.world import World
from integration.api.write_bodies import ENDPOINTS, UPDATE, WriteEndpoint

HUGE = 256 * 1024 + 1
NOBODYS = "018f3c5e-7a51-7c3e-9d59-0a1b2c3d4e5f"

Content = Callable[[World, dict[str, Any]], bytes]
Setting = Callable[[World], Any]


def as_json(_world: World, body: dict[str, Any]) -> bytes:
    return json.dumps(body).encode()


def exactly(raw: bytes) -> Content:
    return lambda _world, _body: raw


def with_member(member: bytes) -> Content:
    """The body with one more member, written by hand."""
    return lambda world, body: as_json(world, body)[:-1] + b", " + member + b"}"


def with_fields(**fields: Any) -> Content:
    """The body with other values; callables are asked for theirs."""

    def changed(world: World, body: dict[str, Any]) -> bytes:
        values = {name: value(world) if callable(value) else value for name, value in fields.items()}
        return as_json(world, {**body, **values})

    return changed


def new_id(_world: World) -> str:
    return str(uuid4())


def record(connection: str, kind: str) -> Setting:
    return lambda world: getattr(world, connection).records[kind]


def in_a_list(pick: Setting) -> Setting:
    return lambda world: [pick(world)]


def huge(world: World, body: dict[str, Any]) -> bytes:
    return as_json(world, body) + b" " * HUGE


@dataclass(frozen=True)
class Case:
    """How one request is malformed, and what it gets.

    Attributes:
        faults: path -> error type, of which the 422 must name every one.
        record_id: what stands in the path of a PATCH instead of the right record.
    """

    name: str
    status: int
    content: Content = as_json
    faults: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str | None] = field(default_factory=dict)
    query: str = ""
    token: Setting = lambda world: world.token
    method: str | None = None
    record_id: Setting | None = None


ANY_ENDPOINT = (
    Case("cut off JSON", 400, exactly(b'{"connection_id":')),
    Case("no JSON at all", 400, exactly(b"connection_id=1")),
    Case("two documents", 400, lambda world, body: as_json(world, body) * 2),
    Case("empty body", 400, exactly(b"")),
    Case("blank body", 400, exactly(b" \r\n")),
    Case("not UTF-8", 400, with_member(b'"notes": "\xff"')),
    Case("bare NaN", 400, with_member(b'"odometer": NaN')),
    Case("bare Infinity", 400, with_member(b'"odometer": -Infinity')),
    Case("a field twice", 400, with_member(b'"connection_id": "%s"' % NOBODYS.encode())),
    Case("deep nesting", 400, with_member(b'"notes": ' + b"[" * 5000 + b"]" * 5000)),
    Case("array body", 422, exactly(b"[]"), {"body": "type"}),
    Case("array of a body", 422, lambda world, body: b"[" + as_json(world, body) + b"]", {"body": "type"}),
    Case("string body", 422, exactly(b'"vehicle"'), {"body": "type"}),
    Case("null body", 422, exactly(b"null"), {"body": "type"}),
    Case("number body", 422, exactly(b"17"), {"body": "type"}),
    Case("unpaired surrogate", 422, with_member(b'"note": "\\ud800"'), {"body.note": "unknown_field"}),
    Case("huge body", 413, huge),
    Case("no content type", 415, headers={"Content-Type": None}),
    Case("form", 415, headers={"Content-Type": "application/x-www-form-urlencoded"}),
    Case("plain text", 415, headers={"Content-Type": "text/plain"}),
    Case("other charset", 415, headers={"Content-Type": "application/json; charset=utf-16"}),
    Case("compressed", 415, headers={"Content-Encoding": "gzip"}),
    Case("no token", 401, headers={"Authorization": None}),
    Case("no bearer token", 401, headers={"Authorization": "Basic YTpi"}),
    Case("made-up token", 401, token=lambda _world: "a.b.c"),
    Case("altered token", 401, token=lambda world: world.token[:-6] + "AAAAAA"),
    Case("token without the scope", 403, token=lambda world: world.reading_token),
    Case("other method", 405, method="PUT"),
    Case("connection no UUID", 422, with_fields(connection_id="17"), {"body.connection_id": "format"}),
    Case("connection unknown", 404, with_fields(connection_id=new_id)),
    Case("connection of another partner", 404, with_fields(connection_id=lambda world: world.foreign.id)),
    Case("connection deleted", 404, with_fields(connection_id=lambda world: world.deleted_id)),
    Case("unknown field", 422, with_fields(vehicle_nmae="x"), {"body.vehicle_nmae": "unknown_field"}),
    Case("two unknown fields", 422, with_fields(a=1, b=2), {"body.a": "unknown_field", "body.b": "unknown_field"}),
    Case("is_sync maybe", 422, query="?is_sync=maybe", faults={"query.is_sync": "type"}),
    Case("is_sync empty", 422, query="?is_sync=", faults={"query.is_sync": "type"}),
    Case("is_sync twice", 422, query="?is_sync=1&is_sync=1", faults={"query.is_sync": "type"}),
    Case("misspelt query", 422, query="?is_snyc=true", faults={"query.is_snyc": "unknown_field"}),
    Case("nulls kept", 422, headers={"Fleetwrite-Null": "keep"}, faults={"header.Fleetwrite-Null": "enum"}),
    Case("losses maybe", 422, headers={"Fleetwrite-Losses": "maybe"}, faults={"header.Fleetwrite-Losses": "enum"}),
    Case(
        "expiry without an offset",
        422,
        headers={"Fleetwrite-Expires-At": "2099-01-01T00:00:00"},
        faults={"header.Fleetwrite-Expires-At": "format"},
    ),
    Case(
        "expiry in the past",
        422,
        headers={"Fleetwrite-Expires-At": "2020-01-01T00:00:00Z"},
        faults={"header.Fleetwrite-Expires-At": "range"},
    ),
    Case(
        "times too far ahead",
        422,
        headers={"Fleetwrite-Not-Before": "2098-01-01T00:00:00Z", "Fleetwrite-Expires-At": "2099-01-01T00:00:00Z"},
        faults={"header.Fleetwrite-Not-Before": "range", "header.Fleetwrite-Expires-At": "range"},
    ),
    Case(
        "sync but later",
        422,
        headers={"Fleetwrite-Not-Before": "2098-01-01T00:00:00Z"},
        query="?is_sync=true",
        faults={"header.Fleetwrite-Not-Before": "range"},
    ),
    Case(
        "no such priority",
        422,
        headers={"Fleetwrite-Priority": "urgent"},
        faults={"header.Fleetwrite-Priority": "enum"},
    ),
    Case(
        "endless idempotency key",
        422,
        headers={"Idempotency-Key": "k" * 256},
        faults={"header.Idempotency-Key": "format"},
    ),
    Case(
        "faults in every place",
        422,
        with_fields(connection_id=1, mistake=2),
        headers={"Fleetwrite-Null": "keep"},
        query="?is_sync=2",
        faults={
            "query.is_sync": "type",
            "header.Fleetwrite-Null": "enum",
            "body.connection_id": "type",
            "body.mistake": "unknown_field",
        },
    ),
)

PATCHES = (
    Case("path id no UUID", 422, record_id=lambda _world: "17", faults={"path.id": "format"}),
    Case("path id unknown", 404, record_id=new_id),
    Case("path id of another connection", 404, record_id=lambda world: world.second.records["driver"]),
    Case("path id of another partner", 404, record_id=lambda world: world.foreign.records["driver"]),
    Case("path id of another kind", 404, record_id=lambda world: world.first.records["message"]),
    Case(
        "faults in path and body",
        422,
        with_fields(connection_id=1),
        record_id=lambda _world: "17",
        faults={"path.id": "format", "body.connection_id": "type"},
    ),
)


def field_cases(endpoint: WriteEndpoint) -> Iterator[Case]:
    """Every field of a body at once with a value that it cannot hold, read off its type: all must be named."""
    body_type = inspect.type_info(endpoint.body_type)
    assert isinstance(body_type, inspect.StructType)
    unfit = {one.encode_name: unfit_values(one.type) for one in body_type.fields}
    for turn in range(max(map(len, unfit.values()))):
        of_turn = {name: values[turn] for name, values in unfit.items() if turn < len(values)}
        yield Case(
            f"every field unfit, {turn + 1}",
            422,
            with_fields(**{name: value for name, (value, _) in of_turn.items()}),
            {f"body.{name}": error_type for name, (_, error_type) in of_turn.items()},
        )
    required = [one.encode_name for one in body_type.fields if one.required]
    yield Case("nothing given", 422, exactly(b"{}"), {f"body.{name}": "missing" for name in required})
    never_null = [*required, *(["log_type"] if "log_type" in unfit else [])]
    yield Case(
        "everything null",
        422,
        with_fields(**dict.fromkeys(never_null)),
        {f"body.{name}": "type" for name in never_null},
    )


def unfit_values(wanted: inspect.Type) -> tuple[tuple[Any, str], ...]:
    """Values that look right and are not, with the error type of each; the first is wrong for any field."""
    is_money = False
    if isinstance(wanted, inspect.UnionType):
        (wanted,) = (kind for kind in wanted.types if not isinstance(kind, inspect.NoneType))
    if isinstance(wanted, inspect.Metadata):
        is_money = "string" in (wanted.extra_json_schema or {}).get("x-json-type", ())
        wanted = wanted.type
    return (({"a": 1}, "type"), *(UNFIT_MONEY if is_money else UNFIT[type(wanted)]))


UNFIT: Mapping[type[inspect.Type], tuple[tuple[Any, str], ...]] = {
    inspect.EnumType: (("no such value", "enum"), (1, "type"), (True, "type")),
    inspect.UUIDType: (("17", "format"), (17, "type"), ("", "format")),
    inspect.DateTimeType: (("2026-05-04T10:00:00", "format"), (1777888800, "type"), ("yesterday", "format")),
    inspect.DateType: (("2026-13-01", "format"), (20260101, "type"), ("05/04/2026", "format")),
    inspect.BoolType: (("true", "type"), (1, "type"), ("", "type")),
    inspect.IntType: ((2021.0, "type"), ("2021", "type"), (2**40, "range"), (True, "type")),
    inspect.DecimalType: (("NaN", "type"), (True, "type"), ("1.5", "type"), (1e300, "range")),
    inspect.StrType: ((17, "type"), ("a\x00b", "format"), (["text"], "type")),
    inspect.ListType: (("text", "type"), (17, "type")),
}
UNFIT_MONEY = (("NaN", "format"), (True, "type"), ("1e5", "format"), (1e300, "range"))


def reference_cases(endpoint: WriteEndpoint) -> Iterator[Case]:
    """Each field of our ids with ids that are not there, not here, or not of that kind."""
    for name, (right_kind, wrong_kind) in endpoint.references.items():
        is_list = name.endswith("_ids")
        path = f"body.{name}.0" if is_list else f"body.{name}"
        wrong: dict[str, tuple[Setting, str]] = {
            "unknown": (new_id, "unknown_id"),
            "of another connection": (record("second", right_kind), "unknown_id"),
            "of another partner": (record("foreign", right_kind), "unknown_id"),
            "of another kind": (record("first", wrong_kind), "wrong_kind"),
        }
        for how, (pick, error_type) in wrong.items():
            value = in_a_list(pick) if is_list else pick
            yield Case(f"{name} {how}", 422, with_fields(**{name: value}), {path: error_type})
    if len(endpoint.references) > 1:
        singles = [name for name in endpoint.references if not name.endswith("_ids")]
        yield Case(
            "every reference unknown",
            422,
            with_fields(**dict.fromkeys(singles, new_id)),
            {f"body.{name}": "unknown_id" for name in singles},
        )


def all_cases() -> Iterator[Any]:
    for endpoint in ENDPOINTS:
        cases = [*ANY_ENDPOINT, *field_cases(endpoint), *reference_cases(endpoint)]
        cases += PATCHES if endpoint.operation_type is UPDATE else []
        for case in cases:
            yield pytest.param(endpoint, case, id=f"{endpoint.name}: {case.name}")


@pytest.mark.parametrize(("endpoint", "case"), list(all_cases()))
async def test_it_gets_an_error_body_and_leaves_nothing_behind(
    world: World, endpoint: WriteEndpoint, case: Case
) -> None:
    record_id = case.record_id(world) if case.record_id else endpoint.target(world.first)
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {case.token(world)}", **case.headers}

    answer = await world.send(
        case.method or endpoint.method,
        endpoint.path(record_id) + case.query,
        content=case.content(world, endpoint.body(world)),
        headers={name: value for name, value in headers.items() if value is not None},
    )

    assert answer.status == case.status, answer.text
    error_body(answer)
    if case.status == 422:
        found = details_of(answer)
        assert {path: found.get(path) for path in case.faults} == dict(case.faults)
    assert await world.row_counts() == world.seeded_rows


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.name)
async def test_the_same_request_without_the_mistake_is_accepted(busy_world: World, endpoint: WriteEndpoint) -> None:
    answer = await busy_world.send_json(
        endpoint.method, endpoint.path(endpoint.target(busy_world.first)), endpoint.body(busy_world)
    )

    assert answer.status == 202, answer.text


def test_each_endpoint_is_tried_with_more_than_twenty_malformed_requests() -> None:
    for endpoint in ENDPOINTS:
        assert len([*ANY_ENDPOINT, *field_cases(endpoint), *reference_cases(endpoint)]) > 20
