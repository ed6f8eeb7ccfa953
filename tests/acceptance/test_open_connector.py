"""A provider that the contract does not name, by a connector that is another package: everything works with it."""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from connectors.own_package import SLUG, OwnPackage, install

START_S = 90
"""A first start takes some 4 s on an idle machine; a busy one gets time."""

SETTINGS = f"""
[tsp.{SLUG}]
retry_first_s = 2.0
[tsp.{SLUG}.budgets.account]
requests = 5
per_seconds = 1.0
"""


class Partner:
    """Calls the API of a sandbox, and looks at its simulator."""

    def __init__(self, described: Mapping[str, Any], http: aiohttp.ClientSession) -> None:
        self.connection_id = described["connections"][0]["connection_id"]
        self.source_names = {one["source_name"] for one in described["connections"]}
        self._described = described
        self._http = http
        self._headers: dict[str, str] = {}

    async def log_in(self) -> None:
        form = {
            "grant_type": "client_credentials",
            "client_id": self._described["client_id"],
            "client_secret": self._described["client_secret"],
        }
        async with self._http.post(self._described["token_url"], data=form) as answer:
            self._headers = {"Authorization": f"Bearer {(await answer.json())['access_token']}"}

    async def call(self, method: str, path: str, *, expect: int = 200, **more: Any) -> Any:
        url = self._described["api_url"] + path
        async with self._http.request(method, url, headers=self._headers, **more) as answer:
            document = await answer.json()
            assert answer.status == expect, document
            return document

    async def held(self) -> list[dict[str, Any]]:
        """What the provider has."""
        url = self._described["simulators"][SLUG]["url"]
        async with self._http.get(f"{url}/_simulator/records/vehicles") as answer:
            records: list[dict[str, Any]] = (await answer.json())["records"]
            return records


@pytest.fixture
def package(tmp_path: Path) -> OwnPackage:
    return install(tmp_path)


@pytest.fixture
async def partner(package: OwnPackage, database_url: str, tmp_path: Path) -> AsyncIterator[Partner]:
    """Of a sandbox that runs: API, worker and the provider's simulator, each a process of its own."""
    data = tmp_path / "data"
    process = subprocess.Popen(  # noqa: ASYNC220 - takes a millisecond
        [sys.executable, "-m", "fleetwrite", "up", "--sandbox", "--tsp", SLUG, "--port", "0", "--data-dir", str(data)],
        env={**package.environment, "DATABASE_URL": database_url},
        stderr=subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(START_S):
            while not (data / "sandbox.json").exists():
                assert process.poll() is None, "it ended before it was ready"
                await asyncio.sleep(0.05)
        async with aiohttp.ClientSession() as http:
            found = Partner(json.loads((data / "sandbox.json").read_text()), http)
            await found.log_in()
            yield found
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0


async def test_a_write_goes_its_whole_way_and_the_name_is_known_everywhere(
    partner: Partner, package: OwnPackage, database_url: str, tmp_path: Path
) -> None:
    assert partner.source_names == {SLUG}
    base = f"/v2/integrations/connections/{partner.connection_id}"
    body = {"connection_id": partner.connection_id, "vehicle_name": "Unit 9", "vin": "1FUJGLDR5CLBP8834"}

    accepted = await partner.call("POST", "/v2/telematics/vehicles", expect=202, json=body)
    async with asyncio.timeout(60):
        while (operation := await partner.call("GET", f"{base}/resource-operations/{accepted['id']}"))[
            "status"
        ] == "pending":
            await asyncio.sleep(0.05)

    assert (operation["status"], operation["source_name"]) == ("success", SLUG)
    (held,) = [one for one in await partner.held() if one["name"] == "Unit 9"]
    assert (held["id"], held["externalId"]) == (operation["source_id"], accepted["id"].replace("-", ""))
    record = await partner.call("GET", f"/v2/telematics/vehicles/{operation['resource_id']}")
    assert (record["source_name"], record["tsp_slug"], record["vin"]) == (SLUG, SLUG, body["vin"])
    changed = {"connection_id": partner.connection_id, "vehicle_name": "Unit 9b"}
    path = f"/v2/telematics/vehicles/{operation['resource_id']}"
    await partner.call("PATCH", path, json=changed, params={"is_sync": "true"})
    assert [one["name"] for one in await partner.held() if one["id"] == held["id"]] == ["Unit 9b"]

    assert (await partner.call("GET", base))["source_name"] == SLUG
    (tsp,) = [
        one
        for one in (await partner.call("GET", "/v2/integrations/tsps"))["items"]
        if one["source_name"] not in known_to_the_contract()
    ]
    assert (tsp["source_name"], tsp["slug"]) == (SLUG, SLUG)
    capabilities = await partner.call("GET", f"/v2/fleetwrite/tsps/{SLUG}/capabilities")
    assert (capabilities["source_name"], len(capabilities["writes"])) == (SLUG, 2)

    await check_filters(partner, accepted["id"])
    await check_document(partner)
    check_commands(package, database_url, tmp_path)


def known_to_the_contract() -> set[str]:
    facts = json.loads((Path(__file__).parents[1] / "fixtures" / "contract" / "platform.json").read_text())
    return set(facts["enums"]["TspEnum"])


async def check_filters(partner: Partner, operation_id: str) -> None:
    """A filter takes the name, finds by it, and takes no other that is not known."""
    path = "/v2/integrations/connections/resource-operations"
    found = await partner.call("GET", path, params={"source_name": SLUG, "resource": "vehicle"})
    assert operation_id in {one["id"] for one in found["items"]}
    assert (await partner.call("GET", path, params={"source_name": "samsara"}))["items"] == []
    refused = await partner.call("GET", path, params={"source_name": "acme_flet"}, expect=422)
    (detail,) = refused["detail"]
    assert detail["path"] == "query.source_name"
    assert detail["message"].endswith(f"Did you mean {SLUG}?")


async def check_document(partner: Partner) -> None:
    """The OpenAPI document says which names there are, in answers and in filters."""
    document = await partner.call("GET", "/openapi.json")
    names = document["components"]["schemas"]["TspEnum"]["enum"]
    assert set(names) - known_to_the_contract() == {SLUG}
    operations = document["paths"]["/v2/integrations/connections/resource-operations"]["get"]["parameters"]
    (filter_,) = [one for one in operations if one["name"] == "source_name"]
    assert filter_["schema"]["anyOf"][0]["enum"] == names
    vehicle = document["components"]["schemas"]["VehicleRead"]["properties"]["source_name"]
    assert vehicle == {"$ref": "#/components/schemas/TspEnum"}


def check_commands(package: OwnPackage, database_url: str, tmp_path: Path) -> None:
    """The operator's commands and settings know it too."""
    config = tmp_path / "fleetwrite.toml"
    config.write_text(SETTINGS)
    more = {"DATABASE_URL": database_url, "FLEETWRITE_VAULT_KEY_FILE": str(tmp_path / "data" / "vault.key")}
    paused = package.run("fleetwrite", "admin", "tsp", "pause", SLUG, "--config", str(config), more=more)
    assert f"Nothing is sent to {SLUG} any more; connections: 1." in paused.stdout, paused.stderr
    assert SLUG in package.run("fleetwrite", "status", "--json", more=more).stdout
    assert "Acme Fleet" in package.run("fleetwrite", "connectors").stdout


def test_the_package_passes_the_suite(package: OwnPackage) -> None:
    suite = package.run("pytest", "-q", "-p", "no:cacheprovider")
    assert suite.returncode == 0, suite.stdout + suite.stderr
    assert "failed" not in suite.stdout
