"""`fleetwrite admin client` and `request-limit`, as an operator runs them."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from fleetwrite.access.errors import OAuthError
from fleetwrite.bootstrap import Services, open_services
from fleetwrite.settings import Settings
from fleetwrite.vault.keyfile import KeyFile

Command = Callable[..., "asyncio.Future[subprocess.CompletedProcess[str]]"]


@pytest.fixture
async def services(database_url: str, tmp_path: Path) -> AsyncIterator[Services]:
    KeyFile.create(tmp_path / "vault.key")
    settings = Settings(database_url=database_url, vault_key_file=str(tmp_path / "vault.key"))
    async with open_services(settings, name="tests") as services:
        yield services


@pytest.fixture
def admin(database_url: str, tmp_path: Path) -> Command:
    """Runs `fleetwrite admin` with these words."""
    environment = {
        **os.environ,
        "DATABASE_URL": database_url,
        "FLEETWRITE_VAULT_KEY_FILE": str(tmp_path / "vault.key"),
    }

    def run(*words: str) -> "asyncio.Future[subprocess.CompletedProcess[str]]":
        return asyncio.get_running_loop().run_in_executor(
            None,
            lambda: subprocess.run(
                [sys.executable, "-m", "fleetwrite", "admin", *words],
                env=environment,
                capture_output=True,
                text=True,
                check=False,
                timeout=60,
            ),
        )

    return run


async def gets_a_token(services: Services, client_id: str, secret: str) -> bool:
    try:
        await services.tokens.issue(
            client_id=client_id, client_secret=secret, grant_type="client_credentials", scope=None
        )
    except OAuthError:
        return False
    return True


async def test_a_secret_is_rotated_with_an_overlap_and_shown_alone(services: Services, admin: Command) -> None:
    partner = await services.orgs.ensure_partner("Acme", "acme")
    client = await services.clients.create(partner.id, client_id="acme-tms")
    rotated = await admin("client", "rotate-secret", "acme-tms", "--overlap-hours", "2")
    assert rotated.returncode == 0, rotated.stderr
    (secret,) = rotated.stdout.split()
    assert "another 2 h" in rotated.stderr
    for good in (secret, client.client_secret):
        assert await gets_a_token(services, "acme-tms", good)
    listed = await admin("client", "list")
    assert "acme-tms  of acme" in listed.stdout
    assert "old secret good until" in listed.stdout
    assert secret not in listed.stdout


async def test_a_client_is_disabled_enabled_and_deleted(services: Services, admin: Command) -> None:
    partner = await services.orgs.ensure_partner("Acme", "acme")
    client = await services.clients.create(partner.id, client_id="acme-tms")
    for command, good in (("disable", False), ("enable", True), ("delete", False)):
        assert (await admin("client", command, "acme-tms")).returncode == 0
        assert await gets_a_token(services, "acme-tms", client.client_secret) is good
    assert json.loads((await admin("client", "list", "--json")).stdout) == []
    again = await admin("client", "enable", "acme-tms")
    assert again.returncode == 1
    assert "There is no client 'acme-tms'" in again.stderr


async def test_a_partner_gets_a_limit_of_its_own(services: Services, admin: Command) -> None:
    partner = await services.orgs.ensure_partner("Acme", "acme")
    assert "acme may make 50 requests a second" in (await admin("request-limit", "acme", "--per-second", "50")).stdout
    stored = "SELECT per_second FROM request_limits WHERE partner_id = $1"
    assert await services.database.pool.fetchval(stored, partner.id) == 50
    assert (await admin("request-limit", "acme")).returncode == 0
    assert await services.database.pool.fetchval(stored, partner.id) is None
    unknown = await admin("request-limit", "nobody")
    assert unknown.returncode == 1
    assert "no partner 'nobody'" in unknown.stderr
