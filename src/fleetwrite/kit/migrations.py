"""Brings a database to the schema of this package: numbered plain-SQL files, each applied once."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files
from pathlib import Path
from typing import Final

import asyncpg
from pogo_core.error import BadMigrationError
from pogo_core.util.migrate import apply
from pogo_core.util.sql import get_applied_migrations

from fleetwrite.kit.errors import FleetwriteError

MIGRATIONS: Final = Path(str(files("fleetwrite") / "migrations"))
"""The files that come with this package."""

_SCHEMA: Final = "public"
_LOCK_KEY: Final = 0x666C_6565_7477_7269  # "fleetwri": any number does, so long as nobody else takes it
_LOCK_TIMEOUT_S: Final = 600.0
"""How long to wait for another process that is migrating; its own statements are bounded by lock
time-outs."""

_log: Final = logging.getLogger(__name__)


def _as_information(record: logging.LogRecord) -> bool:
    """The runner announces each migration as a warning, though nothing is wrong."""
    record.levelno, record.levelname = logging.INFO, logging.getLevelName(logging.INFO)
    return _log.isEnabledFor(record.levelno)


_log.addFilter(_as_information)


class MigrationError(FleetwriteError):
    """A migration could not be read or applied; it was rolled back, the ones before it stay."""


async def migrate(dsn: str, directory: Path = MIGRATIONS) -> list[str]:
    """Apply what is pending, each file in a transaction of its own; return the ids applied, in order.

    Only one process migrates at a time; another waits, and then finds nothing left to do.

    Raises:
        MigrationError: a file is malformed or its SQL failed; the message names it.
        TimeoutError: another process has been migrating for ten minutes.
    """
    async with _connect(dsn) as connection:
        await connection.execute("SELECT pg_advisory_lock($1)", _LOCK_KEY, timeout=_LOCK_TIMEOUT_S)
        missing = await _pending(connection, directory)
        if missing:
            try:
                await apply(connection, directory, schema_name=_SCHEMA, logger=_log)
            except BadMigrationError as error:
                reason = f"{error}: {error.__cause__}" if error.__cause__ else str(error)
                raise MigrationError(f"The database could not be migrated. {reason}") from error
        return missing


async def pending(dsn: str, directory: Path = MIGRATIONS) -> list[str]:
    """Return the ids of the migrations that this database lacks, in order; changes nothing."""
    async with _connect(dsn) as connection:
        return await _pending(connection, directory)


@asynccontextmanager
async def _connect(dsn: str) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
    connection = await asyncpg.connect(dsn, server_settings={"application_name": "fleetwrite migrate"})
    try:
        yield connection
    finally:
        # The session's end releases the advisory lock, however we get here.
        await connection.close()


async def _pending(connection: "asyncpg.Connection[asyncpg.Record]", directory: Path) -> list[str]:
    known = _known(directory)
    has_history = await connection.fetchval("SELECT to_regclass('public._pogo_migration') IS NOT NULL")
    applied = await get_applied_migrations(connection, schema_name=_SCHEMA) if has_history else set()
    return [migration for migration in known if migration not in applied]


def _known(directory: Path) -> list[str]:
    known = sorted(path.stem for path in directory.glob("*.sql"))
    if not known:
        raise MigrationError(f"There are no migrations in {directory}: the installation is incomplete.")
    return known
