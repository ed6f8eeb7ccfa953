"""The world of two partners."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from fleetwrite.kit.postgres import EmbeddedPostgres
from integration.api.conftest import address_in
from integration.api.world import opened_world
from integration.tenancy.tables import Table, all_tables
from integration.tenancy.two_partners import TwoPartners, filled


@pytest.fixture(scope="module")
async def two(
    postgres_server: EmbeddedPostgres, database_clones: Any, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[TwoPartners]:
    """One world for all tests of a module, which leave nothing behind."""
    name = await database_clones.take()
    async with opened_world(address_in(postgres_server, name), tmp_path_factory.mktemp("two-partners")) as world:
        yield await filled(world)
    database_clones.discard(name)


@pytest.fixture(scope="module")
async def tables(two: TwoPartners) -> list[Table]:
    return await all_tables(two.services.database)
