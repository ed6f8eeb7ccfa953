import json
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from openapi_spec_validator import OpenAPIV30SpecValidator

from fleetwrite.api.endpoint import ApiRequest
from fleetwrite.api.error_answers import EventSchemaNotFoundError
from fleetwrite.api.event_schemas import get_schema, get_schema_version
from fleetwrite.connectors.sdk.registry import Registry
from fleetwrite.webhooks.catalogue import FIRED

SERVICES: Any = SimpleNamespace(registry=Registry.load())


async def schema_of(event_name: str) -> dict[str, Any]:
    answer = await get_schema(SERVICES, ApiRequest(headers={}, texts={"event_name": event_name}))
    shown: dict[str, Any] = msgspec.to_builtins(answer.content)
    return shown


@pytest.mark.parametrize("event_name", FIRED)
async def test_the_schema_of_a_fired_event_is_a_valid_openapi_3_0_document(event_name: str) -> None:
    shown = await schema_of(event_name)
    assert (shown["event_name"], shown["version"], shown["changelog"]) == (event_name, "1.0", "Initial schema version")
    document = json.loads(shown["openapi_schema"])
    OpenAPIV30SpecValidator(document).validate()
    text = shown["openapi_schema"]
    assert '"null"' not in text
    assert '"const"' not in text


async def test_a_schema_names_the_fields_of_envelope_and_data() -> None:
    schemas = json.loads((await schema_of("webhook.updated"))["openapi_schema"])["components"]["schemas"]
    envelope = schemas["EventEnvelope_BaseWebhookEvent_"]
    assert envelope["properties"]["data"]["items"] == {"$ref": "#/components/schemas/BaseWebhookEvent"}
    assert envelope["properties"]["timestamp"] == {"type": "string", "format": "date-time", "nullable": True}
    data = schemas["BaseWebhookEvent"]["properties"]
    assert data.keys() == {"id", "url", "event_name", "filters", "status"}
    assert data["filters"] == {
        "allOf": [{"$ref": "#/components/schemas/WebhookFilters"}],
        "nullable": True,
        "default": None,
    }


@pytest.mark.parametrize("event_name", ["workflow.added", "resource_operation.*", "no.such"])
async def test_names_that_are_never_fired_have_no_schema(event_name: str) -> None:
    with pytest.raises(EventSchemaNotFoundError, match=r"resource_operation\.failed"):
        await schema_of(event_name)


async def test_a_version_is_told_apart() -> None:
    texts = {"event_name": "webhook.created", "version": "1.0"}
    answer = await get_schema_version(SERVICES, ApiRequest(headers={}, texts=texts))
    assert answer.content.version == "1.0"
    with pytest.raises(EventSchemaNotFoundError, match=r"only 1\.0"):
        await get_schema_version(SERVICES, ApiRequest(headers={}, texts={**texts, "version": "2.0"}))
