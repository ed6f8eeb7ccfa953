"""Processes whose login owns nothing: it was granted the two roles, and that is enough."""

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from conftest import address_of
from fleetwrite.kit.database import Database, MissingRoleError
from fleetwrite.kit.migrations import migrate
from fleetwrite.kit.postgres import EmbeddedPostgres
from integration.api.world import opened_world


@pytest.fixture
async def served_url(postgres_server: EmbeddedPostgres) -> AsyncIterator[str]:
    """Address of a database, migrated by its owner, for a login that has no rights there yet."""
    admin = await asyncpg.connect(address_of(postgres_server.dsn, "postgres"))
    await admin.execute("CREATE ROLE serving LOGIN PASSWORD 'serving'")
    await admin.execute("CREATE DATABASE served")
    url = address_of(postgres_server.dsn, "served")
    await migrate(url)
    scheme, _, rest = url.partition("://")
    yield f"{scheme}://serving:serving@{rest.partition('@')[2]}"
    await admin.execute("DROP DATABASE served WITH (FORCE)")
    await admin.execute("DROP ROLE serving")
    await admin.close()


async def test_a_login_that_was_granted_both_roles_can_serve_and_no_more(
    served_url: str, postgres_server: EmbeddedPostgres, tmp_path: Path
) -> None:
    with pytest.raises(MissingRoleError, match="GRANT fleetwrite_system, fleetwrite_partner TO"):
        await Database.connect(served_url, application_name="too early")
    admin = await asyncpg.connect(address_of(postgres_server.dsn, "postgres"))
    await admin.execute("GRANT fleetwrite_system, fleetwrite_partner TO serving")
    await admin.close()
    async with opened_world(served_url, tmp_path) as world:
        body = {"connection_id": world.first.id, "trailer_name": "Reefer 12"}
        accepted = await world.send_json("POST", "/v2/telematics/trailers", body)
        assert accepted.status == 202
        polled = await world.get(f"/v2/fleetwrite/operations/{accepted.json()['id']}")
        assert polled.json()["waiting"]["state"] == "ready"
        assert (await world.get("/readyz")).status == 200
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await world.services.database.pool.execute("ALTER TABLE operations DISABLE ROW LEVEL SECURITY")


async def test_a_server_without_the_roles_says_so(tmp_path: Path) -> None:
    async with EmbeddedPostgres(tmp_path / "data") as fresh:
        with pytest.raises(MissingRoleError, match="fleetwrite migrate"):
            await Database.connect(fresh.dsn, application_name="too early")
