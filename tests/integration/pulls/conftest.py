"""A world of its own for each test: pulls see all of an account."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from integration.operations.world import World, opened_world


@pytest.fixture
async def world(database_url: str, tmp_path: Path) -> AsyncIterator[World]:
    async with opened_world(database_url, tmp_path) as world:
        yield world
