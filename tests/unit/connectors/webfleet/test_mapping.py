"""The tables against the contract, and what goes with every call."""

import pytest

from connectors.webfleet.webfleet_writes import message
from fleetwrite.connectors.sdk.manifest import Budget
from fleetwrite.connectors.sdk.mapping import Coded, NoPlace, Table
from fleetwrite.connectors.sdk.wire import Login, basic
from fleetwrite.connectors.webfleet import mapping
from fleetwrite.connectors.webfleet.actions import SHOW_DRIVERS
from fleetwrite.connectors.webfleet.connector import CONNECTOR
from fleetwrite.connectors.webfleet.countries import ALPHA_2, ALPHA_3
from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.contract.telematics import MessageCreate, UserCreate, UserUpdate, VehicleUpdate, WriteBody

TABLES = {
    "VEHICLE": (mapping.VEHICLE, (VehicleUpdate,)),
    "DRIVER": (mapping.DRIVER, (UserCreate, UserUpdate)),
    "MESSAGE": (mapping.MESSAGE, (MessageCreate,)),
}
LOGIN = Login(
    base_url="https://csv.webfleet.com",
    credentials={"username": "acme/münchen", "password": "p:w", "api_key": "a key"},
)


@pytest.mark.parametrize(("table", "bodies"), TABLES.values(), ids=TABLES)
def test_every_field_of_the_contract_has_a_row(table: Table, bodies: tuple[type[WriteBody], ...]) -> None:
    for body in bodies:
        # The connection routes the write and is no part of it.
        assert set(table) == set(body.__struct_fields__) - {"connection_id"}


@pytest.mark.parametrize("table", [table for table, _ in TABLES.values()], ids=TABLES)
def test_every_loss_has_a_reason_in_a_sentence(table: Table) -> None:
    reasons = [rule.reason for rule in table.values() if isinstance(rule, NoPlace)]
    reasons += [rule.otherwise for rule in table.values() if isinstance(rule, Coded) and rule.otherwise]

    assert all(reason.endswith(".") and reason[0].isupper() for reason in reasons)


def test_a_group_message_is_sent_to_each_by_itself() -> None:
    (offer,) = [one for one in CONNECTOR.manifest.offers if one.resource is ResourceEnum.GROUP_MESSAGE]

    assert offer.is_fanned_out
    assert offer.table is mapping.MESSAGE


def test_each_action_has_the_published_limit_of_the_account() -> None:
    budgets = {budget.scope: budget for budget in CONNECTOR.manifest.budgets}

    assert budgets.pop("action:sendTextMessageExtern") == Budget(
        scope="action:sendTextMessageExtern", requests=300, per_seconds=1800, shared=True
    )
    assert len(budgets) == 6
    assert {(one.requests, one.per_seconds, one.in_flight, one.shared) for one in budgets.values()} == {
        (10, 60, None, True)
    }


def test_a_report_is_asked_for_in_the_address() -> None:
    request = CONNECTOR.render(SHOW_DRIVERS.read(driverno="D 1"), LOGIN)

    assert (request.method, request.url, request.body) == ("GET", "https://csv.webfleet.com/extern", None)
    assert request.query == (
        ("account", "acme"),
        ("apikey", "a key"),
        ("lang", "en"),
        ("outputformat", "json"),
        ("useUTF8", "true"),
        ("useISO8601", "true"),
        ("action", "showDriverReportExtern"),
        ("driverno", "D 1"),
    )
    assert request.headers["Authorization"] == basic("münchen", "p:w")["Authorization"]


def test_a_write_is_a_form_and_its_address_has_no_secret() -> None:
    request = CONNECTOR.render(CONNECTOR.translate(message("Tor 4 öffnen")).call, LOGIN)

    assert (request.method, request.url, request.query) == ("POST", "https://csv.webfleet.com/extern", ())
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert request.body == (
        b"account=acme&apikey=a+key&lang=en&outputformat=json&useUTF8=true&useISO8601=true"
        b"&action=sendTextMessageExtern&messagetext=Tor+4+%C3%B6ffnen"
    )


def test_countries_are_told_apart_both_ways() -> None:
    assert len(ALPHA_2) == len(ALPHA_3) == 249
    assert [ALPHA_2[three] for three in ("DEU", "CHE", "SRB", "GBR", "IRL")] == ["DE", "CH", "RS", "GB", "IE"]
    assert all(ALPHA_2[ALPHA_3[two]] == two for two in ALPHA_3)
