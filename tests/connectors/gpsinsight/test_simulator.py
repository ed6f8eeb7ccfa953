"""GPS Insight's simulator: envelopes, sessions, how it finds what is meant, its limit."""

from collections.abc import AsyncIterator
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest

from connectors.gpsinsight.gpsinsight_writes import ACCOUNT, DRIVER, OTHER_DRIVER, VEHICLE
from fleetwrite.connectors.gpsinsight.simulator import GpsInsightSimulator
from fleetwrite.connectors.sdk.suite.session import Control
from fleetwrite.kit.egress import Egress
from fleetwrite.kit.url_policy import UrlPolicy


class Client:
    """Calls the simulator as somebody without our connector would."""

    def __init__(self, egress: Egress, url: str) -> None:
        self.control = Control(egress, url)
        self.token = ""
        self._egress = egress
        self._url = url

    async def call(self, method: str, **parameters: str) -> dict[str, Any]:
        form = parameters if method == "userauth/login" else {"session_token": self.token, **parameters}
        answer = await self._egress.request(
            "POST",
            f"{self._url}/v2/{method}/json",
            headers={"Content-Type": "application/x-www-form-urlencoded"},
            body=urlencode(form).encode(),
            timeout_s=10,
        )
        assert answer.status == 200
        document: dict[str, Any] = msgspec.json.decode(answer.body)
        return document

    async def log_in(self) -> None:
        told = await self.call("userauth/login", username=ACCOUNT.username, password=ACCOUNT.password)
        self.token = told["data"]["token"]

    async def refused(self, method: str, **parameters: str) -> int:
        told = await self.call(method, **parameters)
        assert (told["head"]["status"], told["data"]) == ("ERROR", None)
        code: int = told["errors"][0]["code"]
        return code


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    simulator = GpsInsightSimulator(tmp_path)
    url = await simulator.start()
    try:
        async with Egress(UrlPolicy(allow_http=True, allowed_networks=(ip_network("127.0.0.0/8"),))) as egress:
            client = Client(egress, url)
            await client.log_in()
            yield client
    finally:
        await simulator.stop()


async def test_a_wrong_password_and_an_unknown_session_are_told_in_http_200(client: Client) -> None:
    assert await client.refused("userauth/login", username=ACCOUNT.username, password="wrong") == 403
    await client.control.end_sessions()
    assert await client.refused("driver/list") == 403


async def test_a_vehicle_is_listed_shortly_or_with_its_details(client: Client) -> None:
    (short,) = (await client.call("vehicle/list", vehicle=VEHICLE.source_id))["data"]
    assert short == {
        "id": "CA4572251101",
        "vin": "1FUJGLDR9CSBB1101",
        "label": "Truck 101",
        "serial_number": 4572251101,
    }
    (detailed,) = (await client.call("vehicle/list", vehicle=VEHICLE.source_id, details="1"))["data"]
    assert (detailed["make"], detailed["model_year"], "driver_id" in detailed) == ("Freightliner", 2021, False)


@pytest.mark.parametrize(
    ("key", "label"),
    [
        ("CA4572251102", "Truck 102"),
        ("1FUJGLDR9CSBB1103", "Truck 103"),
        ("4572251104", "Truck 104"),
        ("Truck 102", "Truck 102"),
        ("ruck", "Truck 101"),
    ],
)
async def test_a_vehicle_is_found_by_each_of_its_keys_and_by_a_part_of_its_name(
    client: Client, key: str, label: str
) -> None:
    (row,) = (await client.call("vehicle/list", vehicle=key))["data"]
    assert row["label"] == label


async def test_a_reference_id_is_found_before_the_id(client: Client) -> None:
    await client.call("driver/update", driver=OTHER_DRIVER.source_id, ref_id=DRIVER.source_id)
    (row,) = (await client.call("driver/list", driver=DRIVER.source_id))["data"]
    assert str(row["id"]) == OTHER_DRIVER.source_id


async def test_what_is_found_by_nothing_is_an_error(client: Client) -> None:
    assert await client.refused("vehicle/list", vehicle="nowhere") == 404
    assert await client.refused("dispatch/message", vehicle="nowhere", message="Dock 4") == 404


@pytest.mark.parametrize("missing", ["serial_number", "label", "vin"])
async def test_a_vehicle_needs_a_device_a_label_and_a_vin(client: Client, missing: str) -> None:
    columns = {"serial_number": "1", "label": "T", "vin": "V"}
    del columns[missing]
    assert await client.refused("vehicle/create", **columns) == 400


async def test_a_device_has_one_vehicle_only(client: Client) -> None:
    assert await client.refused("vehicle/create", serial_number="4572251101", label="T", vin="V") == 400


@pytest.mark.parametrize("missing", ["lastname", "timezone"])
async def test_a_driver_needs_a_last_name_and_a_time_zone(client: Client, missing: str) -> None:
    columns = {"lastname": "Novak", "timezone": "UTC"}
    del columns[missing]
    assert await client.refused("driver/create", **columns) == 400


@pytest.mark.parametrize(("column", "value"), [("fuel_type", "X"), ("model_year", "new")])
async def test_a_value_that_a_column_does_not_take_is_refused(client: Client, column: str, value: str) -> None:
    assert await client.refused("vehicle/update", vehicle=VEHICLE.source_id, **{column: value}) == 400


async def test_equal_messages_are_two(client: Client) -> None:
    for _ in range(2):
        told = await client.call("dispatch/message", vehicle=VEHICLE.source_id, message="Dock 4")
        assert told["data"] == "Message sent"
    logged = [entry["body"] for entry in await client.control.requests() if "message" in entry["path"]]
    assert logged == [{"session_token": "***", "vehicle": VEHICLE.source_id, "message": "Dock 4"}] * 2


async def test_the_calls_of_an_account_are_counted_and_its_logins_are_not(client: Client) -> None:
    for _ in range(60):
        assert (await client.call("drivergroup/list"))["head"]["status"] == "OK"
    assert await client.refused("drivergroup/list") == 429
    await client.log_in()
