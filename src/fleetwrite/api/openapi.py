"""The OpenAPI 3.1 document, generated from the endpoint table and the Structs it names."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from fleetwrite import __version__
from fleetwrite.api import headers
from fleetwrite.api.authentication import TOKEN_PATH
from fleetwrite.api.endpoint import JSON, SLUG, AnswerShape, Endpoint, Tag
from fleetwrite.api.error_answers import BODIES
from fleetwrite.api.json_schemas import Schema, schema_components
from fleetwrite.contract.enums import MessagePriorityEnum
from fleetwrite.contract.notifications import BaseResourceOperationEvent, EventEnvelope

_PARAMETER: Final = re.compile(r"\{(\w+)\}")
_UUID: Final[Mapping[str, Any]] = {"type": "string", "format": "uuid"}

EVENTS: Final = {
    "resource_operation.created": "A write was accepted.",
    "resource_operation.succeeded": "A write reached its TSP; `resource_id` and `source_id` are set.",
    "resource_operation.failed": "A write ended without being done, or nobody can know; `logs` say why.",
}

_DELIVERY_HEADERS: Final = {
    "X-Catena-Signature": "Base64 of HMAC-SHA256, under the webhook's secret, of timestamp, dot and unpacked body.",
    "X-Catena-Timestamp": "When this attempt was signed.",
    "X-Event-Type": "The event's name.",
    "X-Webhook-ID": "The webhook that this is for.",
    "X-Request-ID": "Identifies this attempt.",
    "X-Delivery-Attempt": "Counts the attempts from 1.",
    "X-Schema-Version": "Version of the envelope.",
    "Content-Encoding": "`gzip`.",
}

_ERROR_WORDS: Final[Mapping[int, str]] = {
    400: "The body is no JSON.",
    401: "There is no valid token.",
    403: "The token lacks the scope, or the fleet does not share this, or not now.",
    404: "It is unknown, or somebody else's.",
    405: "The path does not take this method.",
    409: "It contradicts the present state.",
    413: "The body is too large: above 256 KiB, where nothing else is said.",
    415: "The body is not declared as what is read here, in UTF-8.",
    422: "The request is not valid; all faults at once.",
    429: "Too much is waiting.",
    500: "Our fault.",
    501: "The TSP does not offer this write.",
    502: "The TSP can not be asked now.",
}
_ERROR_HEADERS: Final[Mapping[int, tuple[str, ...]]] = {
    401: ("WWW-Authenticate",),
    405: ("Allow",),
    429: ("Retry-After",),
}

_HEADER_WORDS: Final[Mapping[str, str]] = {
    headers.REQUEST_ID: "Identifies this request in logs: the caller's own, else a new one.",
    headers.LOSSES: "Fields of the body that the TSP has no place for, separated by commas.",
    headers.IGNORED_FIELDS: "Unknown fields of the body that were ignored, separated by commas.",
    headers.IDEMPOTENCY_REPLAYED: "`true` where this is the first answer to the same write, again.",
    headers.PREFERENCE_APPLIED: "`handling=lenient` where that was asked for.",
    "Retry-After": "Seconds to wait.",
    "WWW-Authenticate": "How to authenticate.",
    "Allow": "The methods that this path takes.",
    headers.CONNECT_TOKEN: "Lets the fleet that has accepted connect an account: once, within an hour.",
    "Cache-Control": "`no-store`.",
    "Content-Disposition": "A name for the file.",
}

_DIRECTIVES: Final[Sequence[tuple[str, str, Schema]]] = (
    (headers.NULL, "`clear`: a null empties its field. Without it a null means unchanged.", {"const": "clear"}),
    (
        headers.LOSSES,
        (
            "`allow`: write even if the TSP has no place for fields that matter. `refuse`: do not write if it has none "
            "for any. Without it only those that matter are refused. The answer lists what is lost."
        ),
        {"type": "string", "enum": [headers.ALLOW, headers.REFUSE]},
    ),
    (
        headers.IDEMPOTENCY_KEY,
        "Your own name for this write. The same write under the same name is carried out once, and answered the same.",
        {"type": "string", "minLength": 1, "maxLength": headers.LONGEST_IDEMPOTENCY_KEY},
    ),
    (
        headers.EXPIRES_AT,
        "Until when the write is worth delivering, instead of the deadline of its kind; at most 30 days ahead.",
        {"type": "string", "format": "date-time"},
    ),
    (
        headers.NOT_BEFORE,
        "The write is not sent earlier; at most 30 days ahead. Not for sync writes.",
        {"type": "string", "format": "date-time"},
    ),
    (
        headers.PRIORITY,
        "What goes first where a TSP's limits make writes wait. Wins over the `priority` in a message's body.",
        {"type": "string", "enum": [priority.value for priority in MessagePriorityEnum]},
    ),
)
_PREFER: Final = (
    headers.PREFER,
    "`handling=lenient`: unknown body fields are ignored and named in the answer, instead of refused.",
    {"type": "string", "examples": ["handling=lenient"]},
)


def build_document(endpoints: Sequence[Endpoint]) -> Schema:
    """Describe `endpoints`, and the webhook deliveries we send."""
    schemas = _Schemas(endpoints)
    paths: dict[str, Schema] = {}
    for endpoint in endpoints:
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Fleetwrite",
            "version": __version__,
            "summary": "A self-hosted write gateway to telematics providers",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": tag.value} for tag in Tag],
        "paths": paths,
        "webhooks": {name: {"post": _delivery(name, words, schemas)} for name, words in EVENTS.items()},
        "components": {
            "schemas": schemas.components,
            "headers": {
                name: {"description": words, "schema": {"type": "string"}} for name, words in _HEADER_WORDS.items()
            },
            "responses": {f"Error{status}": _error(status, schemas) for status in BODIES},
            "securitySchemes": {"Bearer": _security_scheme(endpoints)},
        },
    }


class _Schemas:
    """The JSON Schemas of all types that the endpoints name."""

    def __init__(self, endpoints: Iterable[Endpoint]) -> None:
        self._types: list[Any] = [EventEnvelope[BaseResourceOperationEvent], *BODIES.values()]
        for endpoint in endpoints:
            self._types += [_body_type(endpoint)] if endpoint.body is not None else []
            for shape in endpoint.answers.values():
                self._types += [body for body in (shape.content, shape.otherwise) if body is not None]
        self._references, self.components = schema_components(self._types)

    def of(self, wanted: Any) -> Schema:
        return self._references[self._types.index(wanted)]


def _operation(endpoint: Endpoint, schemas: _Schemas) -> Schema:
    operation: Schema = {
        "operationId": endpoint.operation_id,
        "summary": endpoint.summary,
        "tags": [endpoint.tag.value],
        "parameters": _parameters(endpoint),
        "responses": {
            **{str(status): _response(shape, schemas) for status, shape in sorted(endpoint.answers.items())},
            **{str(status): {"$ref": f"#/components/responses/Error{status}"} for status in _errors(endpoint)},
        },
        "security": _security(endpoint),
    }
    if endpoint.description:
        operation["description"] = endpoint.description
    if endpoint.body is not None:
        operation["requestBody"] = {
            "required": True,
            "content": {endpoint.media_type: {"schema": schemas.of(_body_type(endpoint))}},
        }
    return operation


def _body_type(endpoint: Endpoint) -> Any:
    return list[endpoint.body] if endpoint.is_list else endpoint.body  # type: ignore[name-defined] # a value


def _security(endpoint: Endpoint) -> list[Schema]:
    if endpoint.scope is not None:
        return [{"Bearer": [endpoint.scope.value]}]
    return [] if endpoint.scope_if_shown is None else [{}, {"Bearer": [endpoint.scope_if_shown.value]}]


def _errors(endpoint: Endpoint) -> list[int]:
    """The errors that an endpoint can give beside its own answers. The contract declares its own on every operation."""
    possible = {405, 500}
    if endpoint.scope is not None:
        possible |= {401, 403, 404, 409, 422, 429}
    elif endpoint.query is not None or "{" in endpoint.path:
        possible |= {404, 422} if endpoint.scope_if_shown is None else {401, 403, 404, 409, 422}
    if endpoint.body is not None:
        possible |= {413, 415, 400}
    if endpoint.has_directives:
        possible.add(501)
    return sorted(possible - endpoint.answers.keys())


def _parameters(endpoint: Endpoint) -> list[Schema]:
    parameters = [
        _parameter("path", name, {"type": "string"} if name == SLUG else _UUID, required=True)
        for name in _PARAMETER.findall(endpoint.path)
    ]
    if endpoint.query is not None:
        _, components = schema_components([endpoint.query])
        parameters += [
            _parameter("query", name, _inlined(schema, components))
            for name, schema in components[endpoint.query.__name__]["properties"].items()
        ]
    if endpoint.body is not None and endpoint.media_type == JSON:
        described = (_PREFER, *_DIRECTIVES) if endpoint.has_directives else (_PREFER,)
        parameters += [_parameter("header", name, schema, words) for name, words, schema in described]
    parameters.append(
        _parameter(
            "header",
            headers.REQUEST_ID,
            {"type": "string", "maxLength": headers.LONGEST_REQUEST_ID},
            "Yours, for logs.",
        )
    )
    return parameters


def _parameter(place: str, name: str, schema: Mapping[str, Any], words: str = "", *, required: bool = False) -> Schema:
    parameter: Schema = {"in": place, "name": name, "required": required, "schema": schema}
    return parameter | {"description": words} if words else parameter


def _inlined(schema: Any, components: Mapping[str, Schema]) -> Any:
    """`schema` without references: a query parameter stands alone."""
    if isinstance(schema, list):
        return [_inlined(item, components) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        named = _inlined(components[schema["$ref"].rsplit("/", 1)[1]], components)
        # Beside a reference stands what is said of this use of it: a default.
        return {**named, **{key: value for key, value in schema.items() if key != "$ref"}}
    return {key: _inlined(value, components) for key, value in schema.items()}


def _response(shape: AnswerShape, schemas: _Schemas) -> Schema:
    response: Schema = {
        "description": shape.description,
        "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in (headers.REQUEST_ID, *shape.headers)},
    }
    if shape.content is not None:
        schema = schemas.of(shape.content)
        if shape.otherwise is not None:
            schema = {"anyOf": [schema, schemas.of(shape.otherwise)]}
        response["content"] = {shape.media_type: {"schema": schema}}
    return response


def _error(status: int, schemas: _Schemas) -> Schema:
    body = BODIES[status]
    shape = AnswerShape(description=_ERROR_WORDS[status], content=body, headers=_ERROR_HEADERS.get(status, ()))
    response = _response(shape, schemas)
    # What the answer looks like when nobody fills in the details.
    response["content"][JSON]["example"] = msgspec.to_builtins(body())
    return response


def _delivery(name: str, words: str, schemas: _Schemas) -> Schema:
    return {
        "operationId": f"on_{name.replace('.', '_')}",
        "summary": words,
        "tags": [Tag.WEBHOOKS.value],
        "parameters": [
            _parameter("header", header, {"type": "string"}, meaning, required=True)
            for header, meaning in _DELIVERY_HEADERS.items()
        ],
        "requestBody": {
            "required": True,
            "content": {JSON: {"schema": schemas.of(EventEnvelope[BaseResourceOperationEvent])}},
        },
        "responses": {"2XX": {"description": "Taken. Any other answer, or none within 3 s, is tried again."}},
        "security": [],
    }


def _security_scheme(endpoints: Iterable[Endpoint]) -> Schema:
    scopes = sorted({endpoint.scope.value for endpoint in endpoints if endpoint.scope is not None})
    return {
        "type": "oauth2",
        "flows": {
            "clientCredentials": {"tokenUrl": TOKEN_PATH, "scopes": {scope: f"Allows {scope}." for scope in scopes}}
        },
    }
