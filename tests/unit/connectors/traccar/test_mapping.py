"""The tables against the contract: nothing may be dropped because nobody thought of it."""

import pytest

from connectors.traccar.traccar_writes import DRIVER, VEHICLE, create
from fleetwrite.connections.errors import BadConnectionFieldsError
from fleetwrite.connections.fields import base_url, check_fields
from fleetwrite.connectors.sdk.mapping import NoPlace, Table, Text
from fleetwrite.connectors.sdk.wire import Login
from fleetwrite.connectors.traccar import mapping
from fleetwrite.connectors.traccar.connector import CONNECTOR
from fleetwrite.connectors.traccar.endpoints import DEVICES, ENDPOINTS, LIST_POSITIONS
from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.contract.telematics import (
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
    "MESSAGE": (mapping.MESSAGE, (MessageCreate,)),
}


@pytest.mark.parametrize(("table", "bodies"), TABLES.values(), ids=TABLES)
def test_every_field_of_the_contract_has_a_row(table: Table, bodies: tuple[type[WriteBody], ...]) -> None:
    for body in bodies:
        # The connection routes the write and is no part of it.
        assert set(table) == set(body.__struct_fields__) - {"connection_id"}


@pytest.mark.parametrize("table", [table for table, _ in TABLES.values()], ids=TABLES)
def test_no_two_fields_have_the_same_place(table: Table) -> None:
    places = [to for rule in table.values() if (to := getattr(rule, "to", None)) is not None]
    assert len(places) == len(set(places))


@pytest.mark.parametrize("table", [table for table, _ in TABLES.values()], ids=TABLES)
def test_every_loss_has_a_reason_in_a_sentence(table: Table) -> None:
    reasons = [rule.reason for rule in table.values() if isinstance(rule, NoPlace)]
    assert all(reason.endswith(".") and reason[0].isupper() for reason in reasons)


def test_the_longest_texts_of_a_record_fit_into_its_attributes_with_room_for_others() -> None:
    for resource, fields in ((ResourceEnum.VEHICLE, VEHICLE), (ResourceEnum.USER, DRIVER)):
        table = mapping.VEHICLE if resource is ResourceEnum.VEHICLE else mapping.DRIVER
        texts = {
            field: "x" * rule.max_length
            for field, rule in table.items()
            if isinstance(rule, Text) and rule.to.startswith("attributes.") and rule.max_length
            if not field.endswith("country") and field != "country_code"
        }
        body = CONNECTOR.translate(create(resource, {**fields, **texts})).call.body or {}
        assert sum(len(key) + len(value) + len('"":"",') for key, value in body["attributes"].items()) < 3500


def test_budgets_are_declared_for_the_server_and_each_endpoint() -> None:
    scopes = [budget.scope for budget in CONNECTOR.manifest.budgets]

    assert len(scopes) == len(set(scopes)) == 1 + len(ENDPOINTS)
    for endpoint in ENDPOINTS:
        assert endpoint.call("1").scopes == ("server", f"endpoint:{endpoint.method} {endpoint.path}")


def test_the_token_goes_with_every_call_and_is_no_part_of_it() -> None:
    assert [(field.name, field.sensitive, field.required) for field in CONNECTOR.manifest.credentials] == [
        ("token", True, True)
    ]
    login = Login(base_url="https://gps.fleet.example", credentials={"token": "RzBFAiEA"})
    request = CONNECTOR.render(LIST_POSITIONS.call(), login)
    assert request.headers["Authorization"] == "Bearer RzBFAiEA"
    assert request.url == "https://gps.fleet.example/api/positions"


def test_a_connection_needs_the_servers_address() -> None:
    with pytest.raises(BadConnectionFieldsError) as refused:
        check_fields(CONNECTOR.manifest, {"token": "RzBFAiEA"}, {})
    assert [fault.field for fault in refused.value.faults] == ["credentials.url"]

    settings = {"base_url": "https://gps.fleet.example/"}
    check_fields(CONNECTOR.manifest, {"token": "RzBFAiEA"}, settings)
    assert base_url(CONNECTOR.manifest, settings) == "https://gps.fleet.example"


def test_ids_are_escaped_in_paths() -> None:
    assert DEVICES.get.call("a/b?c").path == "/api/devices/a%2Fb%3Fc"
