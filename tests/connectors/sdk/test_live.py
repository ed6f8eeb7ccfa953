"""The suite with `--live`, at an account that is not its own: a simulator in a process of its own plays it, and is the
judge of what was done there.
"""

import asyncio
import os
import sys
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import msgspec
import pytest

from connectors.own_package import ROOT, SLUG, install
from fleetwrite.connectors.sdk.finding import examples_of, simulator_class
from fleetwrite.connectors.sdk.suite.session import Control
from fleetwrite.kit.egress import Egress
from fleetwrite.kit.url_policy import UrlPolicy
from fleetwrite.sandbox.simulators import demo_accounts, start_simulator

LOOPBACK = UrlPolicy(allow_http=True, allowed_networks=(ip_network("127.0.0.0/8"),))
USAGE_ERROR = 4
"""pytest's exit code for what it was told wrongly."""


@dataclass(frozen=True)
class Provider:
    """An account that `--live` can be told of.

    Attributes:
        variables: how it is told.
        secrets: what must not be printed.
    """

    egress: Egress
    url: str
    control: Control
    variables: Mapping[str, str]
    secrets: frozenset[str]

    async def records(self, *collections: str) -> dict[str, list[dict[str, Any]]]:
        """What the provider holds."""
        held = {}
        for name in collections:
            answer = await self.egress.request("GET", f"{self.url}/_simulator/records/{name}", timeout_s=10)
            held[name] = msgspec.json.decode(answer.body)["records"]
        return held


@asynccontextmanager
async def provider(slug: str, folder: Path, environment: Mapping[str, str] = os.environ) -> AsyncIterator[Provider]:
    running = await start_simulator(slug, folder / "simulators", None, environment)
    try:
        async with Egress(LOOPBACK) as egress:
            account = (await demo_accounts(running, egress))[0]
            entered = {**account.credentials, **account.settings, "base_url": running.url}
            yield Provider(
                egress=egress,
                url=running.url,
                control=Control(egress, running.url),
                variables={f"FLEETWRITE_LIVE_{slug}_{name}".upper(): value for name, value in entered.items()},
                secrets=frozenset(account.credentials.values()),
            )
    finally:
        await running.child.stop()


async def run(
    path: str,
    *options: str,
    variables: Mapping[str, str],
    environment: Mapping[str, str] = os.environ,
    cwd: Path = ROOT,
) -> tuple[int, str]:
    """Run pytest as somebody would; returns its exit code and all that it printed."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "pytest", path, "-q", "-p", "no:cacheprovider", *options),
        env={**environment, **variables},
        cwd=cwd,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    printed, _ = await process.communicate()
    return process.returncode or 0, printed.decode()


def suite_of(slug: str) -> str:
    return f"tests/connectors/{slug}/test_contract.py"


@pytest.mark.parametrize("slug", ["samsara", "wialon"])
async def test_without_writes_nothing_is_changed_and_limits_are_kept(slug: str, tmp_path: Path) -> None:
    collections = simulator_class(slug).collections
    async with provider(slug, tmp_path) as account:
        before = await account.records(*collections)
        code, printed = await run(suite_of(slug), "--live", variables=account.variables)
        log = await account.control.requests()
        assert code == 0, printed
        assert await account.records(*collections) == before
    assert log
    assert {entry["status"] for entry in log} == {200}
    if slug == "samsara":
        assert {entry["method"] for entry in log} == {"GET"}
    else:
        # What logging in gave is shared by all checks.
        assert Counter(entry["operation"] for entry in log)["token/login"] == 1
    assert "writes to a real account: only with --live and --live-writes" in printed
    assert not [secret for secret in account.secrets if secret in printed]


async def test_with_writes_each_example_is_written_once_and_nothing_older_is_changed(tmp_path: Path) -> None:
    examples = examples_of("traccar")
    async with provider("traccar", tmp_path) as account:
        collections = simulator_class("traccar").collections
        before = await account.records(*collections)
        code, printed = await run(suite_of("traccar"), "--live", "--live-writes", variables=account.variables)
        assert code == 0, printed
        after = await account.records(*collections)
        made = Counter(entry["method"] for entry in await account.control.requests())
    creates = [example for example in examples if example.operation_type == "create"]
    assert (made["POST"], made["PUT"]) == (len(creates), len(examples) - len(creates))
    for name, records in before.items():
        assert [record for record in after[name] if record in records] == records
    assert "not at this account: more than one page of vehicles" in printed


async def test_a_package_of_its_own_can_do_the_same(tmp_path: Path) -> None:
    package = install(tmp_path)
    async with provider(SLUG, tmp_path, package.environment) as account:
        assert "FLEETWRITE_LIVE_ACME_FLEET_TOKEN" in account.variables
        where: dict[str, Any] = {"environment": package.environment, "cwd": package.folder}
        (before,) = (await account.records("vehicles")).values()
        code, printed = await run("tests", "--live", variables=account.variables, **where)
        assert code == 0, printed
        assert await account.records("vehicles") == {"vehicles": before}
        code, printed = await run("tests", "--live", "--live-writes", variables=account.variables, **where)
        assert code == 0, printed
        (after,) = (await account.records("vehicles")).values()
    assert after[: len(before)] == before
    # Two are created; then the first of them is updated twice.
    assert [vehicle["name"] for vehicle in after[len(before) :]] == ["Unit 101a", "Unit 413"]


async def test_all_variables_that_are_missing_are_told_at_once_and_nobody_is_called(tmp_path: Path) -> None:
    async with provider("geotab", tmp_path) as account:
        left = {name: value for name, value in account.variables.items() if name.endswith(("_USERNAME", "_BASE_URL"))}
        code, printed = await run(suite_of("geotab"), "--live", variables=left)
        assert await account.control.requests() == []
    assert code == USAGE_ERROR
    (error,) = [line for line in printed.splitlines() if line.startswith("ERROR")]
    assert error == (
        "ERROR: --live needs these variables, which are not set:"
        " FLEETWRITE_LIVE_GEOTAB_PASSWORD, FLEETWRITE_LIVE_GEOTAB_DATABASE."
    )


async def test_a_region_that_the_provider_does_not_have_is_told_before_anybody_is_called() -> None:
    left = {"FLEETWRITE_LIVE_SAMSARA_TOKEN": "t", "FLEETWRITE_LIVE_SAMSARA_REGION": "mars"}
    code, printed = await run(suite_of("samsara"), "--live", variables=left)
    assert code == USAGE_ERROR
    assert "FLEETWRITE_LIVE_SAMSARA_REGION is none of: us, " in printed


async def test_writes_alone_are_refused() -> None:
    code, printed = await run(suite_of("samsara"), "--live-writes", variables={})
    assert code == USAGE_ERROR
    assert "--live-writes needs --live" in printed


async def test_what_fails_shows_no_secret(tmp_path: Path) -> None:
    async with provider("samsara", tmp_path) as account:
        (secret,) = account.secrets & {account.variables["FLEETWRITE_LIVE_SAMSARA_TOKEN"]}
        body = {"message": f"Something is wrong with {secret}."}
        fault = {"method": "GET", "path": "/fleet/drivers", "kind": "status", "status": 500, "body": body, "count": 100}
        await account.control.add_fault(fault)
        options = ("--live", "-l", "--tb=long", "-k", "lists_name")
        code, printed = await run(suite_of("samsara"), *options, variables=account.variables)
    assert code == 1
    assert "Something is wrong with *****." in printed
    assert secret not in printed
