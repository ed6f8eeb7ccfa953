"""Where requests name things by ids, derived from the endpoint table; and requests with certain ids in these places.

A place is found by its type (a UUID) or by its name (`..._id`, `..._refs`, `token`...). What it names is derived from
its name, or from the path where it is but `id`. What can not be derived fails, and says what to add here.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

import msgspec
from msgspec import inspect

from fleetwrite.api.endpoint import CSV, EVENT_STREAM, FORM, TEXTS, Endpoint
from integration.api.tenant import written_csv

PARAMETER: Final = re.compile(r"\{(\w+)\}")
NAMES_SOMETHING: Final = re.compile(r"(^|_)(id|ref|key|token|secret)s?$")

ALIASES: Final = {
    "user": "driver",
    "recipient": "driver",
    "co_driver": "driver",
    "sender": "office_user",
    "reply_to_message": "message",
    "resource_operation": "operation",
    "parent_partner": "partner",
}
"""What things are called where they play a part -> the kind of thing."""

KINDS: Final[Mapping[tuple[str, str], str]] = {
    ("cancel_operation", "id"): "pending operation",
    ("retry_operation", "id"): "failed operation",
    ("collect_operation_secrets", "id"): "secretive operation",
    # Inspections are those of mechanics, who are no drivers.
    ("create_dvir_log", "driver_id"): "office_user",
    ("list_dvir_logs", "driver_ids"): "office_user",
    ("import_records", "id"): "vehicle",
    ("import_records", "source_id"): "vehicle source_id",
    ("look_up_records", "source_ids"): "vehicle source_id",
    ("look_up_records", "external_ids"): "external_id",
    ("list_resource_operations", "source_id"): "vehicle source_id",
    ("admin_import_connections", "partner"): "partner_slug",
    ("admin_create_client", "client_id"): "new_client",
    ("get_token", "client_secret"): "secret",
    ("revoke_token", "client_secret"): "secret",
}
"""By operation and place: the kind, where the name does not say it."""

NO_IDS: Final = frozenset(
    {
        # What the caller tells of a thing of its own.
        "body.external_id",
        "body.eld_id",
        "body.eld_product_id",
        "body.fleet_regulatory_id",
        "body.partner_provided_fleet_regulatory_id",
        "body.secret",
        # Names of what is the same for everybody.
        "query.slug",
        "query.source_name",
        "query.sort_by",
        "query.resource",
        "query.settings",
        # Tried by a test of its own.
        "query.cursor",
    }
)
"""Texts that name nothing of anybody's."""

COLUMNS: Final[Mapping[str, Mapping[str, bool]]] = {
    "import_records": {"connection_id": True, "source_id": True, "id": False, "record_ref": False},
    "admin_import_connections": {"partner": True, "fleet_ref": True},
}
"""Of files: the columns that name something, and whether a line needs them."""

HEADERS: Final[Mapping[str, Mapping[str, str]]] = {"stream_events": {"Last-Event-ID": "event"}}
"""Of headers that name something: the kind, by operation. `Idempotency-Key` has a test of its own."""

NEEDED: Final = frozenset(
    {
        ("create_dvir_log", "vehicle_id"),
        ("get_token", "client_id"),
        ("get_token", "client_secret"),
        ("revoke_token", "client_id"),
        ("revoke_token", "client_secret"),
    }
)
"""By operation and place: what is needed though its type does not say so."""

NOT_ALONE: Final = {("look_up_records", "connection_id"): "ids", ("look_up_records", "fleet_refs"): "ids"}
"""By operation and place: what only narrows down what another place names -> that one."""

TEXT_VALUES: Final = {"slug": "samsara", "event_name": "resource_operation.created", "version": "1.0"}
"""For the texts of paths."""


class UnknownPlaceError(Exception):
    """An endpoint takes an id, and nothing here says of what."""


@dataclass(frozen=True)
class Place:
    """Where a request names something.

    Attributes:
        where: path, query, body, column or header.
        name: there; within another object of the body after its name and a dot.
        kind: of what is named, as `Tenant.ids` has it.
        is_needed: the request is not valid without it.
    """

    where: str
    name: str
    kind: str
    is_list: bool = False
    is_needed: bool = True


@dataclass(frozen=True)
class Variant:
    """A way to call an endpoint: these places hold ids of somebody else, and all that are needed some id."""

    endpoint: Endpoint
    foreign: frozenset[Place]
    places: frozenset[Place]

    def __str__(self) -> str:
        return f"{self.endpoint.operation_id} with {', '.join(sorted(place.name for place in self.foreign)) or 'no id'}"


@dataclass(frozen=True)
class Request:
    """What is sent, but for the token."""

    method: str
    path: str
    content: bytes | None
    headers: Mapping[str, str]
    is_stream: bool


def places_of(endpoint: Endpoint) -> list[Place]:
    """All places of an endpoint that name something.

    Raises:
        UnknownPlaceError: what one of them names is not known.
    """
    places = [
        Place("path", name, _kind(endpoint, "path", name))
        for name in PARAMETER.findall(endpoint.path)
        if name not in TEXTS
    ]
    if endpoint.query is not None:
        places += _of_struct(endpoint, "query", endpoint.query)
    if endpoint.body is not None and issubclass(endpoint.body, msgspec.Struct):
        places += _of_struct(endpoint, "body", endpoint.body)
    elif endpoint.body is not None:
        if endpoint.operation_id not in COLUMNS:
            raise UnknownPlaceError(
                f"{endpoint.operation_id} takes a file: say in COLUMNS which columns name something."
            )
        columns = COLUMNS[endpoint.operation_id].items()
        places += [
            Place("column", name, _kind(endpoint, "column", name), is_needed=is_needed) for name, is_needed in columns
        ]
    headers = HEADERS.get(endpoint.operation_id, {})
    return places + [Place("header", name, kind, is_needed=False) for name, kind in headers.items()]


def _of_struct(endpoint: Endpoint, where: str, struct: type[msgspec.Struct], prefix: str = "") -> Iterator[Place]:
    described = inspect.type_info(struct)
    assert isinstance(described, inspect.StructType)
    for field in described.fields:
        name = prefix + field.encode_name
        alternatives = _alternatives(field.type)
        items = [_alternatives(one.item_type) for one in alternatives if isinstance(one, inspect.ListType)]
        flat = [*alternatives, *(one for item in items for one in item)]
        for one in flat:
            if isinstance(one, inspect.StructType):
                yield from _of_struct(endpoint, where, one.cls, f"{name}.")
        is_id = any(isinstance(one, inspect.UUIDType) for one in flat)
        is_text = any(isinstance(one, inspect.StrType) for one in flat)
        # A text in a query is there to find something by.
        names_something = is_id or (is_text and (where == "query" or NAMES_SOMETHING.search(name) is not None))
        if names_something and f"{where}.{name}" not in NO_IDS:
            is_needed = field.required or (endpoint.operation_id, name) in NEEDED
            yield Place(where, name, _kind(endpoint, where, name), bool(items), is_needed)


def choices_of(endpoint: Endpoint) -> Iterator[dict[str, str]]:
    """Queries with each value of each parameter that has a few: nothing, enums, booleans, orders in both directions."""
    yield {}
    if endpoint.query is None:
        return
    described = inspect.type_info(endpoint.query)
    assert isinstance(described, inspect.StructType)
    for field in described.fields:
        for value in _values_of(field.type):
            yield {field.encode_name: value}
            if field.encode_name == "sort_by":
                yield {field.encode_name: value, "sort_order": "desc"}


def _values_of(described: inspect.Type) -> Iterator[str]:
    match described:
        case inspect.UnionType():
            for part in described.types:
                yield from _values_of(part)
        case inspect.Metadata():
            yield from (described.extra_json_schema or {}).get("enum", ())
            yield from _values_of(described.type)
        case inspect.ListType():
            yield from _values_of(described.item_type)
        case inspect.EnumType():
            yield from (str(one.value) for one in described.cls)
        case inspect.BoolType():
            yield from ("true", "false")


def _alternatives(described: inspect.Type) -> list[inspect.Type]:
    if isinstance(described, inspect.Metadata):
        return _alternatives(described.type)
    if isinstance(described, inspect.UnionType):
        return [one for part in described.types for one in _alternatives(part)]
    return [described]


def _kind(endpoint: Endpoint, where: str, name: str) -> str:
    """Of what a place is to name a thing."""
    given = KINDS.get((endpoint.operation_id, name))
    if given is not None:
        return given
    single = name.rpartition(".")[2].removesuffix("s")
    if single == "id":
        return _thing_of(endpoint)
    if single == "source_id":
        return f"{_thing_of(endpoint)} source_id"
    if single.startswith("source_") and single.endswith("_id"):
        thing = single.removeprefix("source_").removesuffix("_id")
        return f"{ALIASES.get(thing, thing)} source_id"
    thing = single.removesuffix("_id")
    return ALIASES.get(thing, thing) if thing != single else single


def _thing_of(endpoint: Endpoint) -> str:
    """What the endpoint is about: the last word of its path, or the one before the id."""
    word = endpoint.path.partition("/{id}")[0].rpartition("/")[2].removesuffix("s").replace("-", "_")
    return ALIASES.get(word, word)


def require_known(endpoint: Endpoint, kinds: Mapping[str, str]) -> None:
    """See to it that there is a thing of each kind that the endpoint takes.

    Raises:
        UnknownPlaceError: there is none.
    """
    for place in places_of(endpoint):
        if place.kind not in kinds:
            raise UnknownPlaceError(
                f"{endpoint.operation_id} takes `{place.name}` in its {place.where}, and no tenant has a "
                f"{place.kind!r}. If that is the kind, let `tenant.py` make one; if the name misleads, say in ALIASES "
                "or KINDS of `id_places.py` what is meant, or in NO_IDS that it names nothing."
            )


def variants_of(endpoint: Endpoint, kinds: Collection[str]) -> list[Variant]:
    """Calls with ids of somebody else in each place for one of these kinds alone, and in all of them together."""
    foreign = [place for place in places_of(endpoint) if place.kind in kinds]
    chosen = {frozenset({place}) for place in foreign} | ({frozenset(foreign)} if foreign else set())
    variants = []
    for one in sorted(chosen, key=lambda one: sorted(place.name for place in one)):
        beside = {NOT_ALONE.get((endpoint.operation_id, place.name)) for place in one}
        needed = {place for place in places_of(endpoint) if place.is_needed or place.name in beside}
        variants.append(Variant(endpoint, one, one | needed))
    return variants


def plain(endpoint: Endpoint) -> Variant:
    """The call with ids of one's own alone, where it needs any."""
    leading = {place for (operation_id, _), place in NOT_ALONE.items() if operation_id == endpoint.operation_id}
    places = (place for place in places_of(endpoint) if place.is_needed or place.name in leading)
    return Variant(endpoint, frozenset(), frozenset(places))


def request(variant: Variant, body: Any, query: Mapping[str, Any], values: Mapping[Place, list[str]]) -> Request:
    """The request with these values in its places.

    Args:
        variant: what is called.
        body: what the body holds besides ids: an object; for a file, its other columns.
        query: likewise.
        values: of each place.
    """
    endpoint = variant.endpoint
    texts = dict(TEXT_VALUES)
    asked, headers = dict(query), {}
    filled = deepcopy(body) if body is not None else {}
    for place, given in values.items():
        match place.where:
            case "path":
                texts[place.name] = given[0]
            case "query":
                asked[place.name] = given
            case "header":
                headers[place.name] = given[0]
            case "column":
                filled[place.name] = given[0]
            case _:
                *outer, name = place.name.split(".")
                holder = filled
                for step in outer:
                    holder = holder.setdefault(step, {})
                holder[name] = given if place.is_list else given[0]
    path = PARAMETER.sub(lambda found: texts[found[1]], endpoint.path)
    content = None
    if endpoint.body is not None:
        headers["Content-Type"] = endpoint.media_type
        content = _written(endpoint, filled)
    return Request(
        method=endpoint.method,
        path=f"{path}?{urlencode(asked, doseq=True)}" if asked else path,
        content=content,
        headers=headers,
        is_stream=any(shape.media_type == EVENT_STREAM for shape in endpoint.answers.values()),
    )


def _written(endpoint: Endpoint, body: Any) -> bytes:
    if endpoint.media_type == CSV:
        return written_csv(body)
    if endpoint.media_type == FORM:
        return urlencode(body).encode()
    return msgspec.json.encode([body] if endpoint.is_list else body)
