"""Worlds for tests of the API."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from fleetwrite.kit.postgres import EmbeddedPostgres
from integration.api.world import World, opened_world


@pytest.fixture(scope="session")
async def world(
    postgres_server: EmbeddedPostgres, database_clones: Any, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    """One world for all tests that leave nothing behind."""
    name = await database_clones.take()
    async with opened_world(address_in(postgres_server, name), tmp_path_factory.mktemp("world")) as world:
        yield world
    database_clones.discard(name)


@pytest.fixture(scope="session")
async def lasting_busy_world(
    postgres_server: EmbeddedPostgres, database_clones: Any, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    """The world of `busy_world`."""
    name = await database_clones.take()
    async with opened_world(address_in(postgres_server, name), tmp_path_factory.mktemp("busy-world")) as world:
        yield world
    database_clones.discard(name)


@pytest.fixture
async def busy_world(lasting_busy_world: World) -> World:
    """One world for all tests that leave things behind and do not mind those of others."""
    # Calls that fail, of several tests, would add up to an outage of the provider.
    services = lasting_busy_world.services
    async with services.database.transaction() as connection:
        await connection.execute("DELETE FROM breakers")
        await services.dispatch.reopen_owners(connection, [UUID(lasting_busy_world.first.id)])
    return lasting_busy_world


@pytest.fixture
async def fresh_world(database_url: str, tmp_path: Path) -> AsyncIterator[World]:
    """A world for one test alone."""
    async with opened_world(database_url, tmp_path) as world:
        yield world


def address_in(server: EmbeddedPostgres, name: str) -> str:
    return server.dsn.rpartition("/")[0] + f"/{name}"
