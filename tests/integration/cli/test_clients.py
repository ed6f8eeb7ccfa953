"""`fleetwrite admin client` and `request-limit`, as an operator runs them."""

import json
from collections.abc import AsyncIterator

import pytest

from fleetwrite.access.errors import OAuthError
from fleetwrite.bootstrap import Services, open_services
from fleetwrite.settings import Settings
from fleetwrite.vault.keyfile import KeyFile
from integration.cli.commands import Operator


@pytest.fixture
async def services(database_url: str, operator: Operator) -> AsyncIterator[Services]:
    KeyFile.create(operator.key_file)
    settings = Settings(database_url=database_url, vault_key_file=str(operator.key_file))
    async with open_services(settings, name="tests") as services:
        yield services


async def gets_a_token(services: Services, client_id: str, secret: str) -> bool:
    try:
        await services.tokens.issue(
            client_id=client_id, client_secret=secret, grant_type="client_credentials", scope=None
        )
    except OAuthError:
        return False
    return True


async def test_a_secret_is_rotated_with_an_overlap_and_shown_alone(services: Services, operator: Operator) -> None:
    partner = await services.orgs.ensure_partner("Acme", "acme")
    client = await services.clients.create(partner.id, client_id="acme-tms")
    rotated = await operator.run("admin", "client", "rotate-secret", "acme-tms", "--overlap-hours", "2")
    assert rotated.returncode == 0, rotated.stderr
    (secret,) = rotated.stdout.split()
    assert "another 2 h" in rotated.stderr
    for good in (secret, client.client_secret):
        assert await gets_a_token(services, "acme-tms", good)
    listed = await operator.run("admin", "client", "list")
    assert "acme-tms  of acme" in listed.stdout
    assert "old secret good until" in listed.stdout
    assert secret not in listed.stdout


async def test_a_client_is_disabled_enabled_and_deleted(services: Services, operator: Operator) -> None:
    partner = await services.orgs.ensure_partner("Acme", "acme")
    client = await services.clients.create(partner.id, client_id="acme-tms")
    for command, good in (("disable", False), ("enable", True), ("delete", False)):
        assert (await operator.run("admin", "client", command, "acme-tms")).returncode == 0
        assert await gets_a_token(services, "acme-tms", client.client_secret) is good
    assert json.loads((await operator.run("admin", "client", "list", "--json")).stdout) == []
    again = await operator.run("admin", "client", "enable", "acme-tms")
    assert again.returncode == 1
    assert "There is no client 'acme-tms'" in again.stderr


async def test_a_partner_gets_a_limit_of_its_own(services: Services, operator: Operator) -> None:
    partner = await services.orgs.ensure_partner("Acme", "acme")
    assert (
        "acme may make 50 requests a second"
        in (await operator.run("admin", "request-limit", "acme", "--per-second", "50")).stdout
    )
    stored = "SELECT per_second FROM request_limits WHERE partner_id = $1"
    assert await services.database.pool.fetchval(stored, partner.id) == 50
    assert (await operator.run("admin", "request-limit", "acme")).returncode == 0
    assert await services.database.pool.fetchval(stored, partner.id) is None
    unknown = await operator.run("admin", "request-limit", "nobody")
    assert unknown.returncode == 1
    assert "no partner 'nobody'" in unknown.stderr
