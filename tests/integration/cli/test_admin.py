"""What an operator does to partners, fleets and agreements from the command line."""

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from fleetwrite.bootstrap import Services, open_services
from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.orgs.models import READ_ALL
from fleetwrite.settings import Settings
from fleetwrite.vault.keyfile import KeyFile

SECRET = "samsara_api_very_secret"


@dataclass(frozen=True)
class Shell:
    """A terminal on an installation, and its services beside it."""

    services: Services
    environment: dict[str, str]

    async def run(self, *words: str, fails: bool = False) -> str:
        """What `fleetwrite admin` and these words print."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "fleetwrite", "admin", *words),
            env=self.environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        printed, _ = await process.communicate()
        assert (process.returncode != 0) == fails, printed.decode()
        assert "Traceback" not in printed.decode()
        return printed.decode()


@pytest.fixture
async def shell(database_url: str, tmp_path: Path) -> AsyncIterator[Shell]:
    key_file = str(tmp_path / "vault.key")
    KeyFile.create(tmp_path / "vault.key")
    environment = {**os.environ, "DATABASE_URL": database_url, "FLEETWRITE_VAULT_KEY_FILE": key_file}
    async with open_services(Settings(database_url=database_url, vault_key_file=key_file), name="tests") as services:
        yield Shell(services, environment)


async def test_partners_and_clients_are_made_and_shown(shell: Shell) -> None:
    made = await shell.run("partner", "create", "Example TMS")
    (client_id,) = re.findall(r"^client (\S+)$", made, re.MULTILINE)
    (secret,) = re.findall(r"^secret (\S+)$", made, re.MULTILINE)
    token = await shell.services.tokens.issue(
        client_id=client_id, client_secret=secret, grant_type="client_credentials", scope=None
    )
    assert "telematics:write" in (token.scope or "")
    assert "admin" not in (token.scope or "").split()

    await shell.run("client", "create", "--partner", "example-tms", "--client-id", "reader", "--scope", "fleet:read")
    listed, shown = await shell.run("partner", "list"), await shell.run("partner", "show", "example-tms")
    assert re.search(r"^example-tms  Example TMS  id \S+$", listed, re.MULTILINE)
    assert "client reader  fleet:read" in shown
    assert client_id in shown
    assert secret not in shown
    operators = await shell.run("client", "create", "--operator", "--client-id", "root")
    assert "client root" in operators
    assert "operator" not in await shell.run("partner", "list")


async def test_what_can_not_be_is_one_line_with_the_remedy(shell: Shell) -> None:
    await shell.run("partner", "create", "Acme")
    wrong = {
        ("partner", "create", "Acme"): "choose another slug",
        ("partner", "show", "nobody"): "partner list",
        ("client", "create"): "--operator",
        ("client", "create", "--partner", "acme", "--scope", "admin"): "No partner can have",
        ("client", "create", "--partner", "acme", "--client-id", "a b"): "visible ASCII",
        ("agreement", "set", "018f3c5e-7a51-7c3e-9d59-0a1b2c3d4e5f", "--status", "paused"): "no share agreement",
    }
    printed = await asyncio.gather(*(shell.run(*words, fails=True) for words in wrong))
    for text, remedy in zip(printed, wrong.values(), strict=True):
        assert remedy in text
        assert text.count("\n") == 1


async def test_fleets_and_agreements_are_listed_and_set(shell: Shell) -> None:
    partner = await shell.services.orgs.ensure_partner("Acme", "acme")
    agreement = await shell.services.orgs.ensure_shared_fleet(partner.id, "f-1", "North")

    fleets = await shell.run("fleet", "list", "--partner", "acme")
    assert f"North  id {agreement.fleet_id}" in fleets
    assert f"shared as f-1  active  agreement {agreement.id}" in fleets
    await shell.run(
        *("agreement", "set", str(agreement.id), "--status", "paused", "--expires", "2099-01-01"),
        *("--share", "all=read", "--share", "message=read_write"),
    )
    changed = await shell.services.orgs.agreement_of(partner.id, "f-1")
    assert changed is not None
    assert changed.scopes == {**READ_ALL, ResourceEnum.MESSAGE: "read_write"}
    assert (changed.status, changed.expires_at and changed.expires_at.isoformat()) == (
        "paused",
        "2099-01-01T00:00:00+00:00",
    )
    listed = await shell.run("agreement", "list", "--partner", "acme", "--status", "paused")
    assert f"{agreement.id}  f-1  paused  until 2099-01-01T00:00:00+00:00" in listed
    assert "reads 30, writes message" in listed
    refused = await shell.run("agreement", "set", str(agreement.id), "--share", "vehicle=write", fails=True)
    assert "=read or =read_write" in refused


async def test_connections_are_imported_from_a_file(shell: Shell, tmp_path: Path) -> None:
    partner = await shell.services.orgs.ensure_partner("Acme", "acme")
    file = tmp_path / "fleets.csv"
    header = "fleet_ref,fleet_name,tsp,credentials.token"
    file.write_text(f"{header}\nf-1,North,samsara,{SECRET}\nf-2,South,samsarra,{SECRET}\n")
    wrong = await shell.run("connections", "import", str(file), "--partner", "acme", fails=True)
    assert "line 3.tsp: No connector that is installed serves it" in wrong
    assert SECRET not in wrong

    file.write_text(header + "".join(f"\nf-{number},North,samsara,{SECRET}" for number in range(101)))
    checked = await shell.run("connections", "import", str(file), "--partner", "acme", "--check")
    assert "101 would be created, 0 were there, 0 failed." in checked
    assert await shell.services.orgs.agreement_of(partner.id, "f-1") is None
    done = await shell.run("connections", "import", str(file), "--partner", "acme")
    assert "101 created, 0 were there, 0 failed." in done
    assert "100 of 101" in done
    assert re.search(r"^line 2  acme  f-0  samsara  created  connection \S+$", done, re.MULTILINE)
    assert "0 created, 101 were there, 0 failed." in await shell.run(
        "connections", "import", str(file), "--partner", "acme"
    )
    assert SECRET not in checked + done
