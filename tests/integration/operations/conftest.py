"""Worlds for tests of operations."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from fleetwrite.kit.postgres import EmbeddedPostgres
from integration.operations.world import NO_LIMIT, World, opened_world


@pytest.fixture(scope="session")
async def shared_world(
    postgres_server: EmbeddedPostgres, database_clones: Any, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    name = await database_clones.take()
    address = f"{postgres_server.dsn.rpartition('/')[0]}/{name}"
    async with opened_world(address, tmp_path_factory.mktemp("operations")) as world:
        yield world
    database_clones.discard(name)


@pytest.fixture
async def world(shared_world: World) -> AsyncIterator[World]:
    """The world of all tests that do not mind what others left behind. Nothing is waiting when one begins."""
    assert await shared_world.waiting() == []
    yield shared_world
    shared_world.simulator.faults.clear()
    shared_world.simulator.replace_limits(NO_LIMIT)
    await shared_world.services.database.pool.execute("DELETE FROM jobs")
    await shared_world.forget_outages()


@pytest.fixture
async def fresh_world(database_url: str, tmp_path: Path) -> AsyncIterator[World]:
    """A world for one test alone."""
    async with opened_world(database_url, tmp_path) as world:
        yield world
