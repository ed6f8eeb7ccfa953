"""Shared fixtures: one real PostgreSQL for the whole run, and a fresh migrated database for each test."""

import asyncio
import itertools
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import hypothesis
import pytest

from fleetwrite.kit.database import Database
from fleetwrite.kit.migrations import migrate
from fleetwrite.kit.postgres import EmbeddedPostgres

TEMPLATE = "fleetwrite_template"

# A test must not fail because the machine is busy.
hypothesis.settings.register_profile("patient", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("patient")


def address_of(dsn: str, database: str) -> str:
    """The same server and login as ``dsn``, another database."""
    return urlsplit(dsn)._replace(path=f"/{database}").geturl()


class DatabaseClones:
    """Hands out copies of the template; the next is made while a test runs, as one takes about 0.13 s."""

    def __init__(self, admin: "asyncpg.Connection[asyncpg.Record]") -> None:
        self._admin = admin
        self._one_at_a_time = asyncio.Lock()
        self._numbers = itertools.count(1)
        self._next = asyncio.create_task(self._clone())
        self._drops: set[asyncio.Task[None]] = set()

    async def take(self) -> str:
        name = await self._next
        self._next = asyncio.create_task(self._clone())
        return name

    def discard(self, name: str) -> None:
        drop = asyncio.create_task(self._drop(name))
        self._drops.add(drop)
        drop.add_done_callback(self._drops.discard)

    async def close(self) -> None:
        await asyncio.gather(self._next, *self._drops)

    async def _clone(self) -> str:
        name = f"test_{next(self._numbers)}"
        async with self._one_at_a_time:
            await self._admin.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
        return name

    async def _drop(self, name: str) -> None:
        async with self._one_at_a_time:
            await self._admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
async def postgres_server() -> AsyncIterator[EmbeddedPostgres]:
    """One server for the run, reachable by TCP, so that processes started by tests can use it too."""
    with tempfile.TemporaryDirectory(prefix="fleetwrite-test-postgres-") as folder:
        async with EmbeddedPostgres(Path(folder) / "data") as server:
            yield server


@pytest.fixture(scope="session")
async def database_clones(postgres_server: EmbeddedPostgres) -> AsyncIterator[DatabaseClones]:
    admin = await asyncpg.connect(address_of(postgres_server.dsn, "postgres"))
    await admin.execute(f"CREATE DATABASE {TEMPLATE}")
    await migrate(address_of(postgres_server.dsn, TEMPLATE))
    clones = DatabaseClones(admin)
    yield clones
    await clones.close()
    await admin.close()


@pytest.fixture
async def database_url(postgres_server: EmbeddedPostgres, database_clones: DatabaseClones) -> AsyncIterator[str]:
    """Address of a fresh database with the current schema, dropped after the test."""
    name = await database_clones.take()
    yield address_of(postgres_server.dsn, name)
    database_clones.discard(name)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A pool on this test's own database."""
    database = await Database.connect(database_url, max_size=10, application_name="fleetwrite tests")
    yield database
    await database.close()
