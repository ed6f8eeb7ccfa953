"""The tables against the contract, and what goes with every call."""

from urllib.parse import parse_qsl

import pytest

from connectors.gpsinsight.gpsinsight_writes import message
from fleetwrite.connectors.gpsinsight import mapping
from fleetwrite.connectors.gpsinsight.connector import CONNECTOR
from fleetwrite.connectors.gpsinsight.methods import LIST_VEHICLES, LOG_IN, METHODS
from fleetwrite.connectors.sdk.mapping import Coded, NoPlace, Table
from fleetwrite.connectors.sdk.wire import Login
from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.contract.telematics import (
    MessageCreate,
    UserCreate,
    UserUpdate,
    VehicleCreate,
    VehicleUpdate,
    WriteBody,
)

TABLES = {
    "VEHICLE": (mapping.VEHICLE, (VehicleCreate,)),
    "VEHICLE_UPDATE": (mapping.VEHICLE_UPDATE, (VehicleUpdate,)),
    "DRIVER": (mapping.DRIVER, (UserCreate, UserUpdate)),
    "MESSAGE": (mapping.MESSAGE, (MessageCreate,)),
}
LOGIN = Login(
    base_url="https://api.gpsinsight.com",
    credentials={"username": "münchen", "password": "p&w"},
    session={"session_token": "a token"},
)


@pytest.mark.parametrize(("table", "bodies"), TABLES.values(), ids=TABLES)
def test_every_field_of_the_contract_has_a_row(table: Table, bodies: tuple[type[WriteBody], ...]) -> None:
    for body in bodies:
        # The connection routes the write and is no part of it.
        assert set(table) == set(body.__struct_fields__) - {"connection_id"}


@pytest.mark.parametrize("table", [table for table, _ in TABLES.values()], ids=TABLES)
def test_every_loss_has_a_reason_in_a_sentence(table: Table) -> None:
    reasons = [rule.reason for rule in table.values() if isinstance(rule, NoPlace)]
    reasons += [rule.otherwise for rule in table.values() if isinstance(rule, Coded)]

    assert all(reason.endswith(".") and reason[0].isupper() for reason in reasons)


def test_a_group_message_is_sent_to_each_by_itself() -> None:
    (offer,) = [one for one in CONNECTOR.manifest.offers if one.resource is ResourceEnum.GROUP_MESSAGE]

    assert offer.is_fanned_out
    assert offer.table is mapping.MESSAGE


def test_all_calls_but_those_that_log_in_share_the_limit_of_the_account() -> None:
    shared = {method.name: method.call().scopes[0] for method in METHODS}

    assert shared.pop("userauth/login") == "login"
    assert set(shared.values()) == {"account"}


def test_logging_in_takes_the_credentials_and_no_session() -> None:
    request = CONNECTOR.render(LOG_IN.call(), LOGIN)

    assert (request.method, request.url, request.query) == (
        "POST",
        "https://api.gpsinsight.com/v2/userauth/login/json",
        (),
    )
    assert parse_qsl((request.body or b"").decode()) == [("username", "münchen"), ("password", "p&w")]


def test_a_list_is_asked_for_by_a_form_and_is_a_read() -> None:
    call = LIST_VEHICLES.call({"details": "1"})
    request = CONNECTOR.render(call, LOGIN)

    assert call.is_read
    assert (request.url, request.query) == ("https://api.gpsinsight.com/v2/vehicle/list/json", ())
    assert request.body == b"session_token=a+token&details=1"


def test_a_text_is_in_the_form_and_not_in_the_address() -> None:
    call = CONNECTOR.translate(message("Tor 4 öffnen")).call
    request = CONNECTOR.render(call, LOGIN)

    assert not call.is_read
    assert (request.url, request.query) == ("https://api.gpsinsight.com/v2/dispatch/message/json", ())
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert request.body == b"session_token=a+token&message=Tor+4+%C3%B6ffnen"
