"""The tables against the contract: nothing may be dropped because nobody thought of it."""

import pytest

from fleetwrite.connectors.samsara import mapping
from fleetwrite.connectors.samsara.connector import CONNECTOR
from fleetwrite.connectors.samsara.endpoints import ENDPOINTS, GET_ORGANIZATION
from fleetwrite.connectors.sdk.mapping import Coded, NoPlace, Table
from fleetwrite.connectors.sdk.wire import Login
from fleetwrite.contract.enums import EngineType, HosComplianceTypeEnum, ResourceEnum
from fleetwrite.contract.telematics import (
    WRITE_BODIES,
    DvirLogCreate,
    FuelTransactionCreate,
    GroupMessageCreate,
    MessageCreate,
    TrailerCreate,
    TrailerUpdate,
    UserCreate,
    UserUpdate,
    VehicleCreate,
    VehicleUpdate,
    WriteBody,
)

TABLES = {
    "VEHICLE": (mapping.VEHICLE, (VehicleCreate, VehicleUpdate)),
    "TRAILER": (mapping.TRAILER, (TrailerCreate, TrailerUpdate)),
    "DRIVER": (mapping.DRIVER, (UserCreate, UserUpdate)),
    "OFFICE_USER": (mapping.OFFICE_USER, (UserCreate, UserUpdate)),
    "MESSAGE": (mapping.MESSAGE, (MessageCreate,)),
    "GROUP_MESSAGE": (mapping.GROUP_MESSAGE, (GroupMessageCreate,)),
    "DVIR_LOG": (mapping.DVIR_LOG, (DvirLogCreate,)),
    "FUEL_TRANSACTION": (mapping.FUEL_TRANSACTION, (FuelTransactionCreate,)),
}


@pytest.mark.parametrize(("table", "bodies"), TABLES.values(), ids=TABLES)
def test_every_field_of_the_contract_has_a_row(table: Table, bodies: tuple[type[WriteBody], ...]) -> None:
    for body in bodies:
        # The connection routes the write and is no part of it.
        assert set(table) == set(body.__struct_fields__) - {"connection_id"}


@pytest.mark.parametrize(("table", "bodies"), TABLES.values(), ids=TABLES)
def test_every_loss_has_a_reason_in_a_sentence(table: Table, bodies: tuple[type[WriteBody], ...]) -> None:
    del bodies
    reasons = [rule.reason for rule in table.values() if isinstance(rule, NoPlace)]
    reasons += [rule.otherwise for rule in table.values() if isinstance(rule, Coded) and rule.otherwise]

    assert all(reason.endswith(".") and reason[0].isupper() for reason in reasons)


def test_every_engine_type_but_hybrid_is_a_fuel() -> None:
    assert set(EngineType) - set(mapping.FUEL_TYPES) == {EngineType.HYBRID}


def test_every_compliance_type_has_a_code() -> None:
    rule = mapping.DRIVER["hos_compliance_type"]

    assert isinstance(rule, Coded)
    assert set(rule.codes) == set(HosComplianceTypeEnum)


def test_the_manifest_offers_every_write_of_the_contract() -> None:
    offered = {(offer.resource, offer.operation_type) for offer in CONNECTOR.manifest.offers}

    assert offered == set(WRITE_BODIES)
    assert ResourceEnum.WORKFLOW not in {resource for resource, _ in offered}


def test_budgets_are_declared_for_the_token_the_organization_and_each_endpoint() -> None:
    scopes = [budget.scope for budget in CONNECTOR.manifest.budgets]

    assert len(scopes) == len(set(scopes)) == 2 + len(ENDPOINTS)
    for endpoint in ENDPOINTS:
        assert set(endpoint.call("1").scopes) == {
            "token",
            "organization",
            f"endpoint:{endpoint.method} {endpoint.path}",
        }


def test_only_the_token_is_a_credential_and_it_is_sensitive() -> None:
    assert [(field.name, field.sensitive, field.required) for field in CONNECTOR.manifest.credentials] == [
        ("token", True, True)
    ]
    login = Login(base_url="https://api.samsara.com", credentials={"token": "samsara_api_x"})
    request = CONNECTOR.render(GET_ORGANIZATION.call(), login)
    assert request.headers["Authorization"] == "Bearer samsara_api_x"
    assert request.url == "https://api.samsara.com/me"


def test_ids_are_escaped_in_paths_and_external_ids_keep_their_colon() -> None:
    endpoint = next(endpoint for endpoint in ENDPOINTS if endpoint.path == "/fleet/drivers/{id}")

    assert endpoint.call("a/b?c").path == "/fleet/drivers/a%2Fb%3Fc"
    assert endpoint.call("key:value").path == "/fleet/drivers/key:value"
