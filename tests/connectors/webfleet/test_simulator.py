"""The simulator of Webfleet by itself: its limits, its login, what it says of bad calls."""

from collections.abc import AsyncIterator, Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import msgspec
import pytest

from fleetwrite.connectors.sdk.wire import basic
from fleetwrite.connectors.webfleet.simulator import WebfleetSimulator, demo_accounts, driver_uid, vehicle_uid
from fleetwrite.kit.egress import Egress, HttpAnswer
from fleetwrite.kit.url_policy import UrlPolicy

NORTHWIND, BLUEBIRD = demo_accounts()
TRUCK = vehicle_uid(NORTHWIND, 0)
NEW_DRIVER = {"driverno": "D-901", "name": "Kira"}


class Client:
    """Calls the simulator as Webfleet's documentation says, as Northwind if nobody else is named."""

    def __init__(self, simulator: WebfleetSimulator, egress: Egress, url: str) -> None:
        self.simulator = simulator
        self._egress = egress
        self._url = url

    async def ask(self, action: str, **parameters: str) -> HttpAnswer:
        """The answer to a call; parameters of the login may be replaced."""
        login = {"account": NORTHWIND.name, "apikey": NORTHWIND.api_key}
        return await self._egress.request(
            "GET",
            f"{self._url}/extern",
            params={**login, "action": action, **parameters},
            headers=basic(NORTHWIND.user, NORTHWIND.password),
            timeout_s=5,
        )

    def rows(self, collection: str) -> list[dict[str, Any]]:
        return self.simulator.records(NORTHWIND.name, collection)


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    simulator = WebfleetSimulator(tmp_path)
    url = await simulator.start()
    try:
        async with Egress(UrlPolicy(allow_http=True, allowed_networks=(ip_network("127.0.0.0/8"),))) as egress:
            yield Client(simulator, egress, url)
    finally:
        await simulator.stop()


def code_of(answer: HttpAnswer) -> int | None:
    """The error that an answer tells, which all three shapes must agree on; None: it was done."""
    assert answer.status == 200
    if not answer.body:
        return None
    if answer.body.startswith(b"63,"):
        return 63
    document = msgspec.json.decode(answer.body)
    if isinstance(document, list):
        return None
    assert answer.headers["X-Webfleet-Errorcode"] == str(document["errorCode"])
    assert answer.headers["X-Webfleet-Errormessage"] == document["errorMsg"]
    code: int = document["errorCode"]
    return code


async def test_each_action_has_a_limit_of_its_own(client: Client) -> None:
    codes = [code_of(await client.ask("showDriverReportExtern")) for _ in range(11)]

    assert codes == [None] * 10 + [8011]
    assert code_of(await client.ask("showVehicleReportExtern")) is None


async def test_three_hundred_texts_fit_in_half_an_hour(client: Client) -> None:
    texts = [await client.ask("sendTextMessageExtern", objectuid=TRUCK, messagetext=f"{n}") for n in range(301)]

    assert [code_of(answer) for answer in texts] == [None] * 300 + [8011]
    assert [row["msgtext"] for row in client.rows("messages")] == [str(number) for number in range(300)]


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"account": "southwind"}, 1101),
        ({"account": BLUEBIRD.name, "apikey": BLUEBIRD.api_key}, 1101),
        ({"apikey": BLUEBIRD.api_key}, 1143),
        ({"username": NORTHWIND.user, "password": NORTHWIND.password}, 1180),
    ],
    ids=["unknown account", "another account", "another key", "login among the parameters"],
)
async def test_a_wrong_login_is_refused(client: Client, wrong: Mapping[str, str], code: int) -> None:
    assert code_of(await client.ask("showDriverReportExtern", **wrong)) == code


@pytest.mark.parametrize(
    ("action", "parameters", "code"),
    [
        ("showUsers", {}, 55),
        ("showDriverReportExtern", {"driverno": "d-301"}, 63),
        ("showVehicleReportExtern", {"objectuid": vehicle_uid(BLUEBIRD, 0)}, 63),
        ("showDriverGroups", {}, 63),
        ("insertDriverExtern", {"name": "Kira"}, 9001),
        ("insertDriverExtern", {"driverno": "D-901"}, 9001),
        ("insertDriverExtern", {**NEW_DRIVER, "driverno": "D" * 21}, 9001),
        ("insertDriverExtern", {**NEW_DRIVER, "license_expiry_date": "31/12/2030"}, 9001),
        ("insertDriverExtern", {**NEW_DRIVER, "driverno": "D-301"}, 9003),
        ("updateDriverExtern", {"driverno": "D-302"}, 9002),
        ("updateDriverExtern", {"driveruid": driver_uid(NORTHWIND, 0), "driverno": "D-302"}, 9003),
        ("updateVehicle", {"objectuid": vehicle_uid(BLUEBIRD, 0), "denotation": "mine"}, 9002),
        ("updateVehicle", {"objectuid": TRUCK, "description": "n" * 501}, 9001),
        ("updateVehicle", {"objectuid": TRUCK, "manufacturedyear": "new"}, 9001),
        ("sendTextMessageExtern", {"messagetext": "Dock 4"}, 9002),
        ("sendTextMessageExtern", {"objectuid": TRUCK}, 9001),
        ("sendTextMessageExtern", {"objectuid": TRUCK, "messagetext": "n" * 1001}, 9001),
    ],
)
async def test_a_bad_call_is_refused_and_changes_nothing(
    client: Client, action: str, parameters: Mapping[str, str], code: int
) -> None:
    before = {name: client.rows(name) for name in client.simulator.collections}

    assert code_of(await client.ask(action, **parameters)) == code

    assert {name: client.rows(name) for name in client.simulator.collections} == before


async def test_records_are_found_by_number_as_well(client: Client) -> None:
    assert code_of(await client.ask("updateVehicle", objectno="301", licenseplatenumber="L-NW 1")) is None
    assert code_of(await client.ask("updateDriverExtern", driverno_old="D-301", driverno="D-399")) is None

    assert client.rows("vehicles")[0]["licenseplatenumber"] == "L-NW 1"
    assert client.rows("drivers")[0]["driverno"] == "D-399"


async def test_an_empty_parameter_changes_nothing(client: Client) -> None:
    before = client.rows("drivers")

    assert code_of(await client.ask("updateDriverExtern", driverno_old="D-301", telmobile="")) is None

    assert client.rows("drivers") == before


async def test_an_account_sees_its_own_records_only(client: Client) -> None:
    answer = await client.ask("showVehicleReportExtern")

    assert [row["objectuid"] for row in msgspec.json.decode(answer.body)] == [
        vehicle_uid(NORTHWIND, position) for position in range(4)
    ]


async def test_no_secret_is_in_the_log(client: Client) -> None:
    await client.ask("showDriverGroups", password=NORTHWIND.password)

    log = repr(list(client.simulator.storage.log_pages(0)))
    assert "***" in log
    assert NORTHWIND.api_key not in log
    assert NORTHWIND.password not in log
