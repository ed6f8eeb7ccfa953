import asyncio
from datetime import UTC
from decimal import Decimal
from uuid import UUID

import asyncpg
import msgspec
import pytest

from administrating import administrate, administrator
from fleetwrite.kit.database import Database, Listener
from fleetwrite.kit.ids import new_id


class Volume(msgspec.Struct):
    litres: Decimal


async def test_numbers_in_jsonb_keep_every_digit(database: Database) -> None:
    exact = Decimal("12345678901234567890.123456789")
    text = await database.pool.fetchval("SELECT ($1::jsonb)::text", Volume(litres=exact))
    assert text == '{"litres": 12345678901234567890.123456789}'
    assert msgspec.json.decode(text, type=Volume).litres == exact


async def test_jsonb_comes_back_as_plain_python(database: Database) -> None:
    value = {"text": "ünïcode", "list": [1, 2.5, None, True]}
    assert await database.pool.fetchval("SELECT $1::jsonb", value) == value


async def test_json_text_is_stored_as_it_is(database: Database) -> None:
    raw = msgspec.Raw(b'{"a": 1.50}')
    assert await database.pool.fetchval("SELECT ($1::jsonb)::text", raw) == '{"a": 1.50}'


async def test_arrays_of_jsonb_use_the_same_codec(database: Database) -> None:
    assert await database.pool.fetchval("SELECT $1::jsonb[]", [{"a": 1}, None]) == [{"a": 1}, None]


async def test_uuids_are_those_of_the_standard_library(database: Database) -> None:
    sent = new_id()
    received = await database.pool.fetchval("SELECT $1::uuid", sent)
    assert isinstance(received, UUID)
    assert received == sent
    assert {received: 1}[sent] == 1
    assert msgspec.json.encode(received) == msgspec.json.encode(sent)


async def test_times_are_aware_and_utc(database: Database) -> None:
    now = await database.pool.fetchval("SELECT now()")
    assert now.tzinfo == UTC


async def test_a_block_that_raises_is_rolled_back(database: Database) -> None:
    await administrate(database, "CREATE TABLE note (body text)")

    async def insert_and_fail() -> None:
        async with database.transaction() as connection:
            await connection.execute("INSERT INTO note VALUES ('lost')")
            raise LookupError

    with pytest.raises(LookupError):
        await insert_and_fail()
    assert await database.pool.fetchval("SELECT count(*) FROM note") == 0


async def test_commits_are_durable_even_if_the_database_defaults_to_less(database_url: str, database: Database) -> None:
    name = await database.pool.fetchval("SELECT current_database()")
    await administrate(database, f"ALTER DATABASE {name} SET synchronous_commit = off")
    other = await Database.connect(database_url, application_name="durable")
    try:
        assert await other.pool.fetchval("SHOW synchronous_commit") == "on"
        await other.pool.execute("RESET ALL")
        assert await other.pool.fetchval("SHOW synchronous_commit") == "on"
    finally:
        await other.close()


async def test_the_application_name_is_visible_to_operators(database_url: str) -> None:
    database = await Database.connect(database_url, application_name="fleetwrite worker")
    try:
        assert await database.pool.fetchval("SHOW application_name") == "fleetwrite worker"
    finally:
        await database.close()


async def test_connections_that_the_server_ended_are_not_lent_again(database_url: str, database: Database) -> None:
    pool = await Database.connect(database_url, min_size=2, max_size=2, application_name="victim")
    try:
        async with pool.acquire(), pool.acquire():
            pass
        async with administrator(database) as connection:
            ended = await connection.fetch(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                "WHERE application_name = 'victim' AND datname = current_database()"
            )
        assert len(ended) == 2
        async with pool.acquire() as one, pool.acquire() as two:
            assert await one.fetchval("SELECT 1") == await two.fetchval("SELECT 1") == 1
    finally:
        await pool.close()


async def test_a_listener_hears_its_channels(database_url: str, database: Database) -> None:
    work, other = asyncio.Event(), asyncio.Event()
    async with Listener(database_url, {"work": work.set, "other": other.set}, application_name="ear"):
        assert work.is_set()  # something may have been notified before we listened
        assert other.is_set()
        work.clear()
        other.clear()
        await database.pool.execute("NOTIFY work")
        await asyncio.wait_for(work.wait(), 10)
        assert not other.is_set()


async def test_a_listener_comes_back_after_its_connection_was_ended(database_url: str, database: Database) -> None:
    work = asyncio.Event()
    async with Listener(database_url, {"work": work.set}, application_name="ear"):
        work.clear()
        await administrate(
            database,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name = 'ear' AND datname = current_database()",
        )
        await asyncio.wait_for(work.wait(), 10)  # once after the reconnect, without a notification
        work.clear()
        await database.pool.execute("NOTIFY work")
        await asyncio.wait_for(work.wait(), 10)


async def test_a_listener_says_at_once_when_nobody_answers(database_url: str) -> None:
    wrong = database_url.replace("fleetwrite:", "nobody_we_know:")
    with pytest.raises(asyncpg.InvalidPasswordError):
        async with Listener(wrong, {}, application_name="ear"):
            pass


async def test_closing_a_listener_ends_even_when_a_failing_connect_swallows_the_cancellation(
    database_url: str, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before Python 3.12 asyncio.wait_for loses a cancellation that meets a failure within; asyncpg is built on it."""
    connecting = asyncio.Event()

    async def connect(*_arguments: object, **_options: object) -> None:
        connecting.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise ConnectionRefusedError from None

    listener = Listener(database_url, {"news": lambda: None}, application_name="listener to be closed")
    async with asyncio.timeout(20), listener:
        monkeypatch.setattr(asyncpg, "connect", connect)
        await administrate(
            database,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'listener to be closed'",
        )
        await connecting.wait()
