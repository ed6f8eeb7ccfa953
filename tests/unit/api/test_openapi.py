import json
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from fleetwrite.api.app import ENDPOINTS, openapi_json
from fleetwrite.api.endpoint import Endpoint
from fleetwrite.connectors.sdk.registry import Registry
from fleetwrite.contract.telematics import WRITE_BODIES
from fleetwrite.webhooks.catalogue import FIRED

DOCUMENT: dict[str, Any] = json.loads(openapi_json(Registry.load().source_names))

# Method, path and operation id of the ten writes, as the contract has them.
CONTRACT_WRITES = {
    ("POST", "/v2/telematics/vehicles", "create_vehicle"),
    ("PATCH", "/v2/telematics/vehicles/{id}", "update_vehicle"),
    ("POST", "/v2/telematics/trailers", "create_trailer"),
    ("PATCH", "/v2/telematics/trailers/{id}", "update_trailer"),
    ("POST", "/v2/telematics/users", "create_user"),
    ("PATCH", "/v2/telematics/users/{id}", "update_user"),
    ("POST", "/v2/telematics/messages", "create_message"),
    ("POST", "/v2/telematics/group-messages", "create_group_message"),
    ("POST", "/v2/telematics/dvir-logs", "create_dvir_log"),
    ("POST", "/v2/telematics/fuel-transactions", "create_fuel_transaction"),
}
CONTRACT_WRITE_STATUSES = {"200", "202", "502", "400", "401", "403", "404", "405", "409", "422", "429", "500", "501"}


def operation(endpoint: Endpoint) -> dict[str, Any]:
    found: dict[str, Any] = DOCUMENT["paths"][endpoint.path][endpoint.method.lower()]
    return found


def test_the_document_is_valid_openapi_3_1() -> None:
    assert DOCUMENT["openapi"] == "3.1.0"
    OpenAPIV31SpecValidator(DOCUMENT).validate()


def test_the_document_holds_exactly_the_endpoints_of_the_table() -> None:
    documented = {
        (method.upper(), path, one["operationId"])
        for path, methods in DOCUMENT["paths"].items()
        for method, one in methods.items()
    }

    assert documented == {(endpoint.method, endpoint.path, endpoint.operation_id) for endpoint in ENDPOINTS}
    assert len(documented) == len(ENDPOINTS)


def test_the_writes_are_where_the_contract_has_them() -> None:
    writes = [endpoint for endpoint in ENDPOINTS if endpoint.has_directives]

    assert {(endpoint.method, endpoint.path, endpoint.operation_id) for endpoint in writes} == CONTRACT_WRITES
    assert {endpoint.body for endpoint in writes} == set(WRITE_BODIES.values())


@pytest.mark.parametrize(
    "endpoint", [one for one in ENDPOINTS if one.has_directives], ids=lambda one: str(one.operation_id)
)
def test_a_write_documents_body_answers_scope_and_directives(endpoint: Endpoint) -> None:
    documented = operation(endpoint)
    assert endpoint.body is not None

    assert documented["requestBody"]["content"]["application/json"]["schema"] == {
        "$ref": f"#/components/schemas/{endpoint.body.__name__}"
    }
    assert documented["responses"].keys() == CONTRACT_WRITE_STATUSES | {"413", "415"}
    assert documented["security"] == [{"Bearer": ["telematics:write"]}]
    parameters = {parameter["name"] for parameter in documented["parameters"]}
    assert parameters >= {"is_sync", "Prefer", "Fleetwrite-Null", "Fleetwrite-Losses", "Idempotency-Key"}


def test_every_scope_that_is_asked_for_is_offered_by_the_token_flow() -> None:
    flow = DOCUMENT["components"]["securitySchemes"]["Bearer"]["flows"]["clientCredentials"]

    assert flow["tokenUrl"] == "/realms/catena/protocol/openid-connect/token"
    assert flow["scopes"].keys() == {endpoint.scope.value for endpoint in ENDPOINTS if endpoint.scope is not None}


def test_the_events_that_are_sent_are_documented() -> None:
    assert DOCUMENT["webhooks"].keys() == set(FIRED)
    delivery = DOCUMENT["webhooks"]["resource_operation.failed"]["post"]
    assert {parameter["name"] for parameter in delivery["parameters"]} >= {"X-Catena-Signature", "X-Request-ID"}
    envelope = DOCUMENT["components"]["schemas"]["EventEnvelope_BaseResourceOperationEvent_"]
    assert envelope["properties"]["data"]["items"] == {"$ref": "#/components/schemas/BaseResourceOperationEvent"}


def test_request_bodies_say_that_they_take_no_other_fields() -> None:
    for body in WRITE_BODIES.values():
        assert DOCUMENT["components"]["schemas"][body.__name__]["additionalProperties"] is False


def test_money_is_documented_as_it_is_on_the_wire() -> None:
    schema = DOCUMENT["components"]["schemas"]["FuelTransactionCreate"]["properties"]["total_cost"]

    assert schema["anyOf"][0]["type"] == ["number", "string"]
