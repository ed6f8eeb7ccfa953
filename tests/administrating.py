"""What only whoever administers the database may do, and no process of ours."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fleetwrite.kit.database import Connection, Database


@asynccontextmanager
async def administrator(database: Database) -> AsyncIterator[Connection]:
    """A transaction with all the rights of the login, which is a superuser's in tests."""
    async with database.transaction() as connection:
        await become_administrator(connection)
        yield connection


async def become_administrator(connection: Connection) -> None:
    """Give a transaction all the rights of the login."""
    await connection.execute("SET LOCAL ROLE NONE")


async def administrate(database: Database, statements: str) -> None:
    """Run statements with all the rights of the login; the tables that they make are there for all."""
    async with administrator(database) as connection:
        await connection.execute(statements)
        await connection.execute("GRANT ALL ON ALL TABLES IN SCHEMA public TO fleetwrite_system")
