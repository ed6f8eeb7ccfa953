"""Worlds for tests of the API."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

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
async def busy_world(
    postgres_server: EmbeddedPostgres, database_clones: Any, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    """One world for all tests that leave things behind and do not mind those of others."""
    name = await database_clones.take()
    async with opened_world(address_in(postgres_server, name), tmp_path_factory.mktemp("busy-world")) as world:
        yield world
    database_clones.discard(name)


@pytest.fixture
async def fresh_world(database_url: str, tmp_path: Path) -> AsyncIterator[World]:
    """A world for one test alone."""
    async with opened_world(database_url, tmp_path) as world:
        yield world


def address_in(server: EmbeddedPostgres, name: str) -> str:
    return server.dsn.rpartition("/")[0] + f"/{name}"
