"""For whom connections act, and that nothing of it stays behind on them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from uuid import UUID

import asyncpg
import pytest

from administrating import administrate
from conftest import address_of
from fleetwrite.kit.database import DATABASE_FAILURES, Connection, Database, Listener, MissingRoleError, as_system
from fleetwrite.kit.ids import new_id
from fleetwrite.kit.migrations import MigrationError, migrate
from fleetwrite.kit.postgres import EmbeddedPostgres
from fleetwrite.kit.tenancy import (
    PARTNER_ROLE,
    SYSTEM_ROLE,
    Nameless,
    NotTheSystemError,
    Whom,
    acting_as_system,
    acting_for,
    acts_for,
)

Lend = Callable[[Database], AbstractAsyncContextManager[Connection]]

ACTING = "SELECT current_user::text, current_setting('fleetwrite.partner', true)"


async def acting(connection: "Connection | asyncpg.Pool[asyncpg.Record]") -> tuple[str, str | None]:
    row = await connection.fetchrow(ACTING)
    assert row is not None
    return row[0], row[1] or None


@pytest.fixture
async def lone(database_url: str) -> AsyncIterator[Database]:
    """A pool of a single connection: what one leaves behind, the next one finds."""
    database = await Database.connect(database_url, min_size=1, max_size=1, application_name="lone")
    yield database
    await database.close()


async def backend(database: Database) -> int:
    pid: int = await database.pool.fetchval("SELECT pg_backend_pid()")
    return pid


async def test_by_default_a_session_acts_for_the_system_whoever_logged_in(database: Database) -> None:
    assert await database.pool.fetchval("SELECT usesuper FROM pg_user WHERE usename = session_user")
    async with database.acquire() as connection:
        assert await acting(connection) == (SYSTEM_ROLE, None)
        await connection.execute("RESET ALL")
        assert await acting(connection) == (SYSTEM_ROLE, None)


async def test_a_session_whose_role_got_lost_on_the_way_is_refused(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As poolers do that are told to ignore start-up settings."""
    monkeypatch.setattr("fleetwrite.kit.database._SESSION_SETTINGS", {"jit": "off"})
    with pytest.raises(MissingRoleError, match="pooler"):
        await Database.connect(database_url, application_name="pooled")


async def test_a_listener_acts_for_the_system(database_url: str) -> None:
    told: list[tuple[str, str | None]] = []

    async def note(connection: Connection) -> None:
        told.append(await acting(connection))

    with acting_for(new_id()):
        async with Listener(database_url, {}, application_name="ear", on_connect=note):
            pass
    assert told == [(SYSTEM_ROLE, None)]


@pytest.mark.parametrize("lend", [Database.acquire, Database.transaction])
async def test_what_is_lent_acts_for_whom_the_task_does(lone: Database, lend: Lend) -> None:
    one, other = new_id(), new_id()
    cases: list[tuple[Whom, str | None]] = [(one, str(one)), (other, str(other)), (Nameless.NOBODY, None)]
    for whom, named in cases:
        with acting_for(whom):
            async with lend(lone) as connection:
                assert await acting(connection) == (PARTNER_ROLE, named)
        assert await acting(lone.pool) == (SYSTEM_ROLE, None)


async def test_the_pool_itself_is_the_system_s_alone(database: Database) -> None:
    for whom in (new_id(), Nameless.NOBODY):
        with acting_for(whom), pytest.raises(NotTheSystemError):
            await database.pool.fetchval("SELECT 1")


async def test_a_task_acts_for_whom_the_one_does_that_made_it_and_changes_nothing_there(database: Database) -> None:
    partner = new_id()

    async def in_a_task() -> object:
        before = acts_for()
        with acting_as_system():
            async with database.acquire() as connection:
                assert await acting(connection) == (SYSTEM_ROLE, None)
        return before

    with acting_for(partner):
        assert await asyncio.create_task(in_a_task()) == partner
        assert acts_for() == partner
    assert acts_for() is Nameless.SYSTEM


async def test_a_part_of_a_transaction_acts_for_the_system(lone: Database) -> None:
    partner = new_id()
    with acting_for(partner):
        async with lone.transaction() as connection:
            async with as_system(connection):
                assert await acting(connection) == (SYSTEM_ROLE, str(partner))
                assert acts_for() is Nameless.SYSTEM
            assert await acting(connection) == (PARTNER_ROLE, str(partner))
            with pytest.raises(LookupError):
                async with as_system(connection):
                    raise LookupError
            assert await acting(connection) == (PARTNER_ROLE, str(partner))
            assert acts_for() == partner


async def test_what_the_database_refused_the_system_ends_the_transaction(lone: Database) -> None:
    with acting_for(new_id()):
        with pytest.raises(asyncpg.DivisionByZeroError):
            async with lone.transaction() as connection, as_system(connection):
                await connection.execute("SELECT 1 / 0")
        async with lone.acquire() as connection:
            assert (await acting(connection))[0] == PARTNER_ROLE
    assert await acting(lone.pool) == (SYSTEM_ROLE, None)


async def test_an_error_and_a_cancellation_leave_no_name_behind(lone: Database) -> None:
    before = await backend(lone)
    with acting_for(new_id()):
        with pytest.raises(LookupError):
            async with lone.transaction() as connection:
                raise LookupError
        with pytest.raises(asyncpg.UndefinedTableError):
            async with lone.acquire() as connection:
                await connection.execute("SELECT FROM nowhere")
        begun = asyncio.Event()

        async def wait_for_ever() -> None:
            async with lone.transaction() as connection:
                begun.set()
                await connection.execute("SELECT pg_sleep(60)")

        task = asyncio.create_task(wait_for_ever())
        await begun.wait()
        task.cancel()
        await asyncio.wait({task})
        assert task.cancelled()
    assert await acting(lone.pool) == (SYSTEM_ROLE, None)
    assert await backend(lone) == before


async def test_a_cancellation_at_any_step_leaves_no_name_behind(lone: Database) -> None:
    """However far it came: before BEGIN, in it, between the statements, in COMMIT."""

    async def act() -> None:
        with acting_for(new_id()):
            async with lone.transaction() as connection:
                await connection.execute("SELECT 1")
                await connection.execute("SELECT 2")

    for steps in range(12):
        task = asyncio.create_task(act())
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait({task})
        assert await acting(lone.pool) == (SYSTEM_ROLE, None)


async def test_a_session_that_was_ended_is_followed_by_one_of_the_system(lone: Database, database: Database) -> None:
    before = await backend(lone)

    async def act() -> None:
        async with lone.transaction() as connection:
            with acting_as_system():
                await administrate(database, f"SELECT pg_terminate_backend({before}, 5000)")
            await connection.execute("SELECT 1")

    with acting_for(new_id()), pytest.raises(DATABASE_FAILURES):
        await act()
    assert await acting(lone.pool) == (SYSTEM_ROLE, None)
    assert await backend(lone) != before


async def test_only_an_id_gets_into_the_statement(database: Database) -> None:
    class Odd(UUID):
        def __str__(self) -> str:
            return "'; RESET ROLE; --"

    with acting_for(Odd(int=7)):
        async with database.acquire() as connection:
            assert await acting(connection) == (PARTNER_ROLE, str(UUID(int=7)))


@pytest.fixture
async def owned_url(postgres_server: EmbeddedPostgres) -> AsyncIterator[str]:
    """Address of an empty database for its owner, who is no superuser and may make no roles."""
    admin = await asyncpg.connect(address_of(postgres_server.dsn, "postgres"))
    await admin.execute("CREATE ROLE owning LOGIN PASSWORD 'owning'")
    await admin.execute("CREATE DATABASE owned OWNER owning")
    scheme, _, rest = address_of(postgres_server.dsn, "owned").partition("://")
    yield f"{scheme}://owning:owning@{rest.partition('@')[2]}"
    await admin.execute("DROP DATABASE owned WITH (FORCE)")
    await admin.execute("DROP ROLE owning")
    await admin.close()


async def test_an_owner_without_power_is_told_what_an_administrator_has_to_do_and_that_is_enough(
    owned_url: str, database: Database
) -> None:
    with pytest.raises(MigrationError) as error:
        await migrate(owned_url)
    remedy = "GRANT fleetwrite_system, fleetwrite_partner TO owning"
    assert remedy in str(error.value)
    await administrate(database, remedy)
    assert "0029_row_level_security" in await migrate(owned_url)

    owner = await Database.connect(owned_url, application_name="the owner")
    login = await asyncpg.connect(
        owned_url
    )  # with the owner's own rights: FORCE holds it, and the system's role lets it
    try:
        partner, other = new_id(), new_id()
        async with owner.transaction() as connection:
            await connection.executemany(
                "INSERT INTO partners (id, name, slug, created_at, updated_at) VALUES ($1, $2, $2, now(), now())",
                [(partner, "one"), (other, "other")],
            )
            await connection.execute(
                "INSERT INTO partner_properties VALUES ($1, $2, 'notes', 'x', now())", new_id(), partner
            )
        with acting_for(partner):
            async with owner.acquire() as connection:
                assert [row["id"] for row in await connection.fetch("SELECT id FROM partners")] == [partner]
                # A foreign key is checked by the owner, past row level security: the parent need not be seen.
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await connection.execute(
                        "INSERT INTO partner_properties VALUES ($1, $2, 'notes', 'x', now())", new_id(), other
                    )
        with pytest.raises(asyncpg.ForeignKeyViolationError):
            await login.execute("DELETE FROM partners WHERE id = $1", partner)
        assert await login.fetchval("SELECT count(*) FROM partners") == 2
    finally:
        await login.close()
        await owner.close()
