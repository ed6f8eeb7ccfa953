"""Places for tests of the connect page."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from integration.connect.place import Place, opened_place
from integration.connect.visitor import Visitor


@pytest.fixture
async def place(database_url: str, tmp_path: Path) -> AsyncIterator[Place]:
    async with opened_place(database_url, tmp_path) as place:
        yield place


@pytest.fixture
async def named(database_url: str, tmp_path: Path) -> AsyncIterator[Place]:
    """A place whose partner has a name that is markup."""
    async with opened_place(
        database_url, tmp_path, name='<script>alert(1)</script>"><img src=x onerror=alert(2)>'
    ) as place:
        yield place


@pytest.fixture
async def visitor(place: Place) -> AsyncIterator[Visitor]:
    async with place.visitor() as visitor:
        yield visitor
