"""The simulator of Zonar by itself: its login, its limit, what it says of bad calls."""

from collections.abc import AsyncIterator, Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from fleetwrite.connectors.zonar.documents import read_document, text_of, to_row
from fleetwrite.connectors.zonar.simulator import ZonarSimulator, demo_accounts
from fleetwrite.kit.egress import Egress, HttpAnswer
from fleetwrite.kit.url_policy import UrlPolicy

NORTHWIND, BLUEBIRD = demo_accounts()
TRUCK = {"fleet": "900", "location": "Seattle", "type": "Standard"}
KIRA = {"fname": "Kira", "lname": "Novak", "location": "Seattle", "pin": "1234", "exsid": "hr-900"}
EDIT = {"reqtype": "dbid", "target": "1", "fleet": "101", "newtype": "Standard", "location": "Seattle"}
TEXT = {"reqtype": "dbid", "target": "1", "form": "0", "data": "Dock 4", "provider": "x", "messageid": "m-1"}


class Client:
    """Calls the simulator as Zonar's documentation says, as Northwind if nobody else is named."""

    def __init__(self, simulator: ZonarSimulator, egress: Egress, url: str) -> None:
        self.simulator = simulator
        self._egress = egress
        self._url = url

    async def ask(self, operation: str, **parameters: str) -> HttpAnswer:
        """The answer to a call; parameters of the login may be replaced."""
        action, _, name = operation.partition(" ")
        login = {"customer": NORTHWIND.customer, "username": NORTHWIND.user, "password": NORTHWIND.password}
        return await self._egress.request(
            "GET",
            f"{self._url}/interface.php",
            params={**login, "action": action, "operation": name, "format": "xml", **parameters},
            timeout_s=5,
        )

    def rows(self, collection: str) -> list[dict[str, Any]]:
        return self.simulator.records(NORTHWIND.customer, collection)


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    simulator = ZonarSimulator(tmp_path)
    url = await simulator.start()
    try:
        async with Egress(UrlPolicy(allow_http=True, allowed_networks=(ip_network("127.0.0.0/8"),))) as egress:
            yield Client(simulator, egress, url)
    finally:
        await simulator.stop()


def code_of(answer: HttpAnswer) -> int | None:
    """The error that an answer tells; None: it was done."""
    assert answer.status == 200
    root = read_document(answer.body)
    assert root is not None
    return int(text_of(root, "code")) if root.tag == "error" else None


def fleets_in(answer: HttpAnswer) -> list[str]:
    root = read_document(answer.body)
    assert root is not None
    return [to_row(element)["fleet"] for element in root]


@pytest.mark.parametrize(
    "wrong",
    [{"customer": "nobody"}, {"customer": BLUEBIRD.customer}, {"username": "x"}, {"password": BLUEBIRD.password}],
    ids=["unknown customer", "another customer", "unknown user", "another password"],
)
async def test_a_wrong_login_is_refused(client: Client, wrong: Mapping[str, str]) -> None:
    assert code_of(await client.ask("showopen assettype", **wrong)) == 109


async def test_the_sixty_first_call_of_a_minute_is_refused(client: Client) -> None:
    answers = [await client.ask("showopen assettype") for _ in range(61)]

    assert [answer.status for answer in answers] == [200] * 60 + [429]
    assert float(answers[-1].headers["Retry-After"]) > 0


@pytest.mark.parametrize(
    ("operation", "parameters", "code"),
    [
        ("showopen drivers", {}, 111),
        ("showopen showassets", {"reqtype": "dbid", "target": "99"}, 201),
        ("showopen showassets", {"reqtype": "fleet", "target": "101"}, 107),
        ("showopen showassets", {"reqtype": "colour", "target": "red"}, 110),
        ("showopen showoperators", {"reqtype": "dbid", "target": "1"}, 110),
        ("adminassets add", {**TRUCK, "fleet": ""}, 107),
        ("adminassets add", {**TRUCK, "location": "Portland"}, 110),
        ("adminassets add", {**TRUCK, "type": "Boat"}, 110),
        ("adminassets add", {**TRUCK, "fleet": "9" * 21}, 110),
        ("adminassets add", {**TRUCK, "status": "3"}, 110),
        ("adminassets add", {**TRUCK, "fleet": "101"}, 202),
        ("adminassets add", {**TRUCK, "vin": "1XKYDP9X1MJ431001"}, 202),
        ("adminassets edit", {**EDIT, "target": ""}, 107),
        ("adminassets edit", {**EDIT, "target": "99"}, 201),
        ("adminassets edit", {**EDIT, "fleet": "102"}, 202),
        ("adminoperators add", {**KIRA, "pin": ""}, 107),
        ("adminoperators add", {**KIRA, "pin": "12a4"}, 110),
        ("adminoperators add", {**KIRA, "exsid": ""}, 107),
        ("adminoperators add", {**KIRA, "empnum": "E-101"}, 202),
        ("adminoperators edit", {**KIRA, "reqtype": "dbid", "target": "1"}, 110),
        ("adminoperators edit", {**KIRA, "reqtype": "exsid", "target": "nobody"}, 201),
        ("adminoperators editstatus", {"reqtype": "tag", "target": "1880001", "status": "2"}, 107),
        ("adminoperators editstatus", {"reqtype": "tag", "target": "1880001", "status": "3"}, 110),
        ("twentytwenty sendmessage", {**TEXT, "messageid": ""}, 107),
        ("twentytwenty sendmessage", {**TEXT, "target": "99"}, 201),
    ],
)
async def test_a_bad_call_is_refused_and_changes_nothing(
    client: Client, operation: str, parameters: Mapping[str, str], code: int
) -> None:
    before = {name: client.rows(name) for name in client.simulator.collections}

    assert code_of(await client.ask(operation, **parameters)) == code

    assert {name: client.rows(name) for name in client.simulator.collections} == before


async def test_inactive_assets_are_shown_to_those_who_ask_for_them(client: Client) -> None:
    assert fleets_in(await client.ask("showopen showassets")) == ["101", "102", "103", "TR-101", "TR-102", "TR-103"]
    assert fleets_in(await client.ask("showopen showassets", status="2")) == ["104"]


async def test_an_edit_empties_what_it_leaves_out(client: Client) -> None:
    assert code_of(await client.ask("adminassets edit", **EDIT)) is None

    row = client.rows("assets")[0]
    assert (row["vin"], row["name"], row["subtype"], row["mileoffset"]) == ("", "", "", "")
    assert (row["fleet"], row["mileage"], row["status"]) == ("101", "184233", "1")


async def test_the_new_id_is_told_in_the_second_version_only(client: Client) -> None:
    first = await client.ask("adminassets add", **TRUCK)
    second = await client.ask("adminassets add", **TRUCK | {"fleet": "901", "logvers": "2"})

    assert b"asset_id" not in first.body
    assert b"<asset_id>9</asset_id>" in second.body


async def test_ids_and_pins_of_operators_are_shown_in_later_versions_only(client: Client) -> None:
    shown = [(await client.ask("showopen showoperators", logvers=version)).body for version in "134"]

    assert [b"<pin>" in body for body in shown] == [False, True, True]
    assert [b'<operator id="1">' in body for body in shown] == [False, False, True]


async def test_a_message_sent_twice_is_two_messages(client: Client) -> None:
    for _ in range(2):
        assert code_of(await client.ask("twentytwenty sendmessage", **TEXT)) is None

    assert [row["messageid"] for row in client.rows("messages")] == ["m-1", "m-1"]


async def test_no_secret_is_in_the_log(client: Client) -> None:
    await client.ask("adminoperators add", **KIRA)

    log = repr(list(client.simulator.storage.log_pages(0)))
    assert "***" in log
    assert NORTHWIND.password not in log
    assert KIRA["pin"] not in log
