"""Places for tests of the connect page."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from fleetwrite.kit.postgres import EmbeddedPostgres
from integration.api.conftest import address_in
from integration.connect.place import Place, opened_place
from integration.connect.visitor import Visitor


@pytest.fixture(scope="session")
async def place(
    postgres_server: EmbeddedPostgres, database_clones: Any, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Place]:
    """One place for all tests: each invites fleets of its own."""
    name = await database_clones.take()
    async with opened_place(address_in(postgres_server, name), tmp_path_factory.mktemp("place")) as place:
        yield place
    database_clones.discard(name)


@pytest.fixture
async def visitor(place: Place) -> AsyncIterator[Visitor]:
    async with place.visitor() as visitor:
        yield visitor
