"""Endpoints that tell what events look like, as OpenAPI 3.0 documents made of the contract's Structs."""

from functools import cache
from typing import Any, Final

import msgspec

from fleetwrite.api.endpoint import Answer, AnswerShape, ApiRequest, Endpoint, Tag
from fleetwrite.api.error_answers import EventSchemaNotFoundError
from fleetwrite.api.json_schemas import Schema, schema_components
from fleetwrite.bootstrap import Services
from fleetwrite.contract.event_names import WebhookEventNameEnum
from fleetwrite.contract.notifications import EventEnvelope, EventSchema
from fleetwrite.webhooks.catalogue import FIRED, SCHEMA_VERSION

_PATH: Final = "/v2/notifications/schemas/{event_name}"
_NULL: Final = {"type": "null"}


async def get_schema(services: Services, request: ApiRequest) -> Answer:
    """The newest version of an event's schema."""
    return Answer(content=_schema_of(services, request.texts["event_name"], SCHEMA_VERSION))


async def get_schema_version(services: Services, request: ApiRequest) -> Answer:
    """One version of an event's schema."""
    return Answer(content=_schema_of(services, request.texts["event_name"], request.texts["version"]))


def _schema_of(services: Services, name: str, version: str) -> EventSchema:
    if name not in FIRED:
        raise EventSchemaNotFoundError(
            "No event of this name is fired here, hence there is no schema. Those fired are: " + ", ".join(FIRED) + "."
        )
    if version != SCHEMA_VERSION:
        raise EventSchemaNotFoundError(f"The schema of {name} has no such version, only {SCHEMA_VERSION}.")
    return EventSchema(
        event_name=name,
        version=version,
        openapi_schema=_document(WebhookEventNameEnum(name), services.registry.source_names),
    )


@cache
def _document(name: WebhookEventNameEnum, source_names: frozenset[str]) -> str:
    fired = FIRED[name]
    envelope: Any = EventEnvelope[fired.data]  # type: ignore[name-defined] # known when it runs
    (reference,), components = schema_components([envelope], source_names)
    document = {
        "openapi": "3.0.3",
        "info": {"title": name, "version": SCHEMA_VERSION, "description": fired.words},
        "paths": {
            "/": {
                "post": {
                    "summary": "What your receiver gets.",
                    "requestBody": {"required": True, "content": {"application/json": {"schema": reference}}},
                    "responses": {"202": {"description": "Taken."}},
                }
            }
        },
        "components": {"schemas": {key: _as_openapi_3_0(schema) for key, schema in components.items()}},
    }
    return msgspec.json.encode(document).decode()


def _as_openapi_3_0(schema: Any) -> Any:
    """A JSON Schema in the dialect of OpenAPI 3.0, which has no null type, no several types at once, no empty list of
    required fields, and nothing beside a reference.
    """
    if isinstance(schema, list):
        return [_as_openapi_3_0(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    rest: Schema = {key: _as_openapi_3_0(value) for key, value in schema.items() if (key, value) != ("required", [])}
    options = [option for option in rest.pop("anyOf", []) if option != _NULL]
    if "$ref" in rest and len(rest) > 1:
        options = [{"$ref": rest.pop("$ref")}]
    if isinstance(rest.get("type"), list):
        options = [{"type": one} for one in rest.pop("type")]
    if _NULL in schema.get("anyOf", []):
        rest["nullable"] = True
    if len(options) > 1:
        return rest | {"anyOf": options}
    if not options:
        return rest
    # Beside a reference nothing else counts, unless the reference stands in a list.
    return rest | ({"allOf": options} if "$ref" in options[0] else options[0])


EVENT_SCHEMAS: Final = (
    Endpoint(
        method="GET",
        path=_PATH,
        operation_id="get_event_schema",
        summary="Get an event's schema",
        description="`openapi_schema` is an OpenAPI 3.0 document as text. Names that are never fired have none.",
        tag=Tag.WEBHOOKS,
        handler=get_schema,
        needs_token=True,
        answers={200: AnswerShape(description="Its newest version.", content=EventSchema)},
    ),
    Endpoint(
        method="GET",
        path=f"{_PATH}/versions/{{version}}",
        operation_id="get_event_schema_version",
        summary="Get a version of an event's schema",
        tag=Tag.WEBHOOKS,
        handler=get_schema_version,
        needs_token=True,
        answers={200: AnswerShape(description="That version.", content=EventSchema)},
    ),
)
