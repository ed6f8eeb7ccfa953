"""The tables and the manifest against the contract: nothing may be dropped because nobody thought of it."""

import msgspec
import pytest

from fleetwrite.connectors.sdk.mapping import NoPlace, Table, Text, Value
from fleetwrite.connectors.sdk.wire import Login
from fleetwrite.connectors.wialon import mapping
from fleetwrite.connectors.wialon.connector import CONNECTOR
from fleetwrite.connectors.wialon.services import CREATE_UNIT, LOG_IN, OWN_USER, SEARCH_ITEM, SERVICES
from fleetwrite.contract.telematics import (
    FuelTransactionCreate,
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
    "FUEL_TRANSACTION": (mapping.FUEL_TRANSACTION, (FuelTransactionCreate,)),
}
LOGIN = Login(
    base_url="https://wialon.example", credentials={"token": "T0"}, session={"sid": "S1", OWN_USER: "99", "x": "1"}
)


@pytest.mark.parametrize(("table", "bodies"), TABLES.values(), ids=TABLES)
def test_every_field_of_the_contract_has_a_row(table: Table, bodies: tuple[type[WriteBody], ...]) -> None:
    for body in bodies:
        fields = {field.name for field in msgspec.structs.fields(body)} - {"connection_id"}
        assert set(table) == fields


@pytest.mark.parametrize("table", [table for table, _ in TABLES.values()], ids=TABLES)
def test_whatever_has_no_place_says_why(table: Table) -> None:
    for rule in table.values():
        assert not isinstance(rule, NoPlace) or rule.reason.endswith(".")


@pytest.mark.parametrize("table", [table for table, _ in TABLES.values()], ids=TABLES)
def test_no_two_fields_have_the_same_place(table: Table) -> None:
    places = [rule.to for rule in table.values() if isinstance(rule, Text | Value)]
    assert len(places) == len(set(places))


def test_every_service_has_a_budget_of_its_own_and_names_it_last() -> None:
    """The last scope is what is barred when the login has no right to a call."""
    declared = {budget.scope for budget in CONNECTOR.manifest.budgets}
    for service in SERVICES:
        scopes = service.call({}).scopes
        assert scopes[-1] == service.budget.scope
        assert set(scopes) <= declared


def test_a_call_is_rendered_as_a_form_with_the_session() -> None:
    request = CONNECTOR.render(SEARCH_ITEM.call({"id": 5, "flags": 1}), LOGIN)
    assert (request.method, request.url) == ("POST", "https://wialon.example/wialon/ajax.html")
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert request.body == b"sid=S1&svc=core%2Fsearch_item&params=%7B%22id%22%3A5%2C%22flags%22%3A1%7D"


def test_what_only_the_login_knows_is_filled_in_when_a_call_is_rendered() -> None:
    call = CREATE_UNIT.call({"name": "Unit 1"}, own={"creatorId": OWN_USER})
    assert b"%22creatorId%22%3A99" in (CONNECTOR.render(call, LOGIN).body or b"")
    # A preview is rendered without a session.
    bare = msgspec.structs.replace(LOGIN, session={})
    assert CONNECTOR.render(call, bare).body == b"svc=core%2Fcreate_unit&params=%7B%22name%22%3A%22Unit+1%22%7D"


def test_the_token_goes_with_the_login_alone() -> None:
    bare = msgspec.structs.replace(LOGIN, session={})
    assert CONNECTOR.render(LOG_IN.call({"fl": 3}), bare).body == (
        b"svc=token%2Flogin&params=%7B%22fl%22%3A3%2C%22token%22%3A%22T0%22%7D"
    )
    assert b"T0" not in (CONNECTOR.render(SEARCH_ITEM.call({"id": 5}), LOGIN).body or b"")
