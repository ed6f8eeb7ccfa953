"""A fleet with everything, for tests of its export and its erasure."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from fleetwrite.kit.postgres import EmbeddedPostgres
from integration.fleet_data.story import Story, told
from integration.operations.world import opened_world
from integration.webhooks.harness import Receiver


@pytest.fixture(scope="session")
async def lasting_story(
    postgres_server: EmbeddedPostgres, database_clones: Any, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Story]:
    """One for all tests that erase nothing, and have nothing delivered."""
    name = await database_clones.take()
    address = f"{postgres_server.dsn.rpartition('/')[0]}/{name}"
    async with opened_world(address, tmp_path_factory.mktemp("fleet-data")) as world:
        yield await told(world, "http://127.0.0.1:9/hooks")
    database_clones.discard(name)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    one = Receiver()
    await one.start()
    yield one
    await one.stop()


@pytest.fixture
async def story(database_url: str, tmp_path: Path, receiver: Receiver) -> AsyncIterator[Story]:
    async with opened_world(database_url, tmp_path) as world:
        yield await told(world, receiver.url)
