import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from conftest import address_of
from fleetwrite.kit.clock import database_now
from fleetwrite.kit.database import Database
from fleetwrite.kit.migrations import MIGRATIONS, MigrationError, migrate, pending
from fleetwrite.kit.postgres import EmbeddedPostgres

FIRST = """-- A table and a function whose body holds semicolons
-- depends:

-- migrate: apply

SET LOCAL lock_timeout = '5s';
CREATE TABLE thing (n int);
CREATE FUNCTION twice(n int) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
    -- a comment; with a semicolon
    RETURN n * 2;
END $$;

-- migrate: rollback
"""
SECOND = """-- More
-- depends: 0001_first

-- migrate: apply

SET LOCAL lock_timeout = '5s';
INSERT INTO thing VALUES (twice(21));

-- migrate: rollback
"""


@pytest.fixture
async def empty_url(postgres_server: EmbeddedPostgres) -> AsyncIterator[str]:
    admin = await asyncpg.connect(address_of(postgres_server.dsn, "postgres"))
    await admin.execute("CREATE DATABASE test_migrations")
    yield address_of(postgres_server.dsn, "test_migrations")
    await admin.execute("DROP DATABASE test_migrations WITH (FORCE)")
    await admin.close()


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "0001_first.sql").write_text(FIRST)
    (tmp_path / "0002_second.sql").write_text(SECOND)
    return tmp_path


async def things(dsn: str) -> list[int]:
    connection = await asyncpg.connect(dsn)
    try:
        return [row["n"] for row in await connection.fetch("SELECT n FROM thing")]
    finally:
        await connection.close()


async def test_what_is_pending_is_applied_once_and_in_order(empty_url: str, directory: Path) -> None:
    assert await pending(empty_url, directory) == ["0001_first", "0002_second"]
    assert await migrate(empty_url, directory) == ["0001_first", "0002_second"]
    assert await pending(empty_url, directory) == []
    assert await migrate(empty_url, directory) == []
    assert await things(empty_url) == [42]


async def test_of_several_at_once_one_migrates_and_the_others_find_nothing(empty_url: str, directory: Path) -> None:
    applied = await asyncio.gather(*(migrate(empty_url, directory) for _ in range(4)))
    assert sorted(applied) == [[], [], [], ["0001_first", "0002_second"]]
    assert await things(empty_url) == [42]


async def test_a_failing_migration_is_named_and_rolled_back_alone(empty_url: str, directory: Path) -> None:
    (directory / "0002_second.sql").write_text(SECOND.replace("twice(21));", "1); SELECT 1 / 0;"))
    with pytest.raises(MigrationError, match=r"0002_second.*division by zero"):
        await migrate(empty_url, directory)
    assert await pending(empty_url, directory) == ["0002_second"]
    assert await things(empty_url) == []
    (directory / "0002_second.sql").write_text(SECOND)
    assert await migrate(empty_url, directory) == ["0002_second"]


async def test_a_malformed_file_is_named(empty_url: str, directory: Path) -> None:
    (directory / "0003_broken.sql").write_text("CREATE TABLE oops ();")
    with pytest.raises(MigrationError, match="0003_broken"):
        await migrate(empty_url, directory)


async def test_a_folder_without_migrations_is_an_incomplete_installation(empty_url: str, tmp_path: Path) -> None:
    with pytest.raises(MigrationError, match="incomplete"):
        await pending(empty_url, tmp_path)


async def test_the_packaged_migrations_leave_nothing_pending(database_url: str) -> None:
    assert await pending(database_url) == []


def test_every_packaged_migration_bounds_its_wait_for_locks() -> None:
    files = sorted(MIGRATIONS.glob("*.sql"))
    assert [int(path.name[:4]) for path in files] == list(range(1, len(files) + 1))
    for path in files:
        applied = path.read_text().split("-- migrate: apply")[1]
        assert applied.lstrip().startswith("SET LOCAL lock_timeout = "), path.name


async def test_the_clock_is_the_databases_and_can_be_shifted(database: Database) -> None:
    async with database.acquire() as connection:
        before = await database_now(connection)
        await connection.execute("UPDATE clock_shift SET shift = '1 day'")
        assert (await database_now(connection) - before).days == 1
        assert before.utcoffset() is not None
