"""The tables against the contract, and what goes with every call."""

from urllib.parse import parse_qsl

import pytest

from connectors.zonar.zonar_writes import message
from fleetwrite.connectors.sdk.mapping import NoPlace, Table
from fleetwrite.connectors.sdk.wire import Login
from fleetwrite.connectors.zonar import mapping
from fleetwrite.connectors.zonar.connector import CONNECTOR
from fleetwrite.connectors.zonar.documents import read_document, to_row
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
    "OPERATOR": (mapping.OPERATOR, (UserCreate, UserUpdate)),
    "MESSAGE": (mapping.MESSAGE, (MessageCreate,)),
}


@pytest.mark.parametrize(("table", "bodies"), TABLES.values(), ids=TABLES)
def test_every_field_of_the_contract_has_a_row(table: Table, bodies: tuple[type[WriteBody], ...]) -> None:
    for body in bodies:
        # The connection routes the write and is no part of it.
        assert set(table) == set(body.__struct_fields__) - {"connection_id"}


@pytest.mark.parametrize("table", [table for table, _ in TABLES.values()], ids=TABLES)
def test_every_loss_has_a_reason_in_a_sentence(table: Table) -> None:
    reasons = [rule.reason for rule in table.values() if isinstance(rule, NoPlace)]

    assert all(reason.endswith(".") and reason[0].isupper() for reason in reasons)


def test_a_group_message_is_sent_to_each_by_itself() -> None:
    (offer,) = [one for one in CONNECTOR.manifest.offers if one.resource is ResourceEnum.GROUP_MESSAGE]

    assert offer.is_fanned_out
    assert offer.table is mapping.MESSAGE


def test_credentials_travel_in_the_form() -> None:
    login = Login(
        base_url="https://omi.zonarsystems.net",
        credentials={"company_id": "abc1234", "username": "münchen", "password": "p&w=1"},
    )
    call = CONNECTOR.translate(message("Gate 3 & dock 4")).call

    request = CONNECTOR.render(call, login)

    assert (request.method, request.url, request.query) == ("POST", "https://omi.zonarsystems.net/interface.php", ())
    assert request.body is not None
    sent = dict(parse_qsl(request.body.decode()))
    assert (sent["customer"], sent["username"], sent["password"]) == ("abc1234", "münchen", "p&w=1")
    assert (sent["format"], sent["version"], sent["data"]) == ("xml", "2", "Gate 3 & dock 4")


@pytest.mark.parametrize(
    "body",
    [
        b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'.encode("utf-16"),
        b"<a>",
        b"",
        b"\xff",
    ],
    ids=["entities", "entities in UTF-16", "cut off", "nothing", "no text"],
)
def test_what_is_no_plain_document_is_none(body: bytes) -> None:
    assert read_document(body) is None


def test_a_row_has_the_texts_and_the_id_and_nothing_nested() -> None:
    body = b'<a><asset id="7"><fleet> 101 </fleet><vin/><yardstat><yard>in</yard></yardstat></asset></a>'
    root = read_document(body)
    assert root is not None

    assert to_row(root[0]) == {"id": "7", "fleet": "101", "vin": ""}
