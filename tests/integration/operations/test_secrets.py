"""What is made up for the partner: sealed, collected once, shown nowhere else."""

import asyncio
import io
import logging
from collections.abc import Iterator
from uuid import uuid4

import msgspec
import pytest

from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.operations.errors import OperationNotFoundError, SecretNotFoundError, SecretNotReadyError
from integration.operations import writes
from integration.operations.world import FAILED, SUCCESS, World

TEXTS = """
    SELECT format('SELECT %L AS place, t::text AS row FROM %I AS t', table_name, table_name)
    FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'
"""


@pytest.fixture
def log_text() -> Iterator[io.StringIO]:
    """Everything that is logged while the test runs, down to debug."""
    text = io.StringIO()
    handler = logging.StreamHandler(text)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield text
    root.removeHandler(handler)
    root.setLevel(level)


async def test_a_password_is_collected_once(world: World) -> None:
    operation = await world.deliver(ResourceEnum.USER, writes.DRIVER.body(world, writes.new_mark()))
    secrets = await world.services.operations.collect_secrets(world.partner_id, operation.id)
    assert secrets.keys() == {"password"}
    assert len(secrets["password"]) >= 16
    with pytest.raises(SecretNotFoundError):
        await world.services.operations.collect_secrets(world.partner_id, operation.id)


async def test_the_password_is_the_one_that_the_provider_got(world: World) -> None:
    bodies: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        bodies.append(await reader.readexactly(length))
        writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 21\r\nConnection: close\r\n\r\n{"data":{"id":"777"}}')
        await writer.drain()
        writer.close()

    settings = dict(world.connection.settings)
    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        await world.services.connections.replace_settings(
            world.connection.id, {**settings, "base_url": f"http://127.0.0.1:{port}"}
        )
        operation = await world.deliver(ResourceEnum.USER, writes.DRIVER.body(world, writes.new_mark()))
    await world.services.connections.replace_settings(world.connection.id, settings)
    assert operation.status is SUCCESS
    secrets = await world.services.operations.collect_secrets(world.partner_id, operation.id)
    assert [msgspec.json.decode(body)["password"] for body in bodies] == [secrets["password"]]


async def test_each_operation_gets_a_password_of_its_own_and_keeps_it_over_attempts(world: World) -> None:
    world.fault("POST", "/fleet/drivers", "status", status=429, count=2)
    operations = [
        await world.deliver(ResourceEnum.USER, writes.DRIVER.body(world, writes.new_mark())) for _ in range(2)
    ]
    passwords = [
        (await world.services.operations.collect_secrets(world.partner_id, operation.id))["password"]
        for operation in operations
    ]
    assert len(set(passwords)) == 2


async def test_a_password_is_of_no_use_before_the_driver_is_there(world: World) -> None:
    operation = await world.write(ResourceEnum.USER, writes.DRIVER.body(world, writes.new_mark()))
    with pytest.raises(SecretNotReadyError):
        await world.services.operations.collect_secrets(world.partner_id, operation.id)
    await world.work_off()
    assert await world.services.operations.collect_secrets(world.partner_id, operation.id)


async def test_the_password_of_a_driver_that_was_refused_is_destroyed(world: World) -> None:
    world.fault("POST", "/fleet/drivers", "status", status=400)
    operation = await world.deliver(ResourceEnum.USER, writes.DRIVER.body(world, writes.new_mark()))
    assert operation.status is FAILED
    with pytest.raises(SecretNotFoundError):
        await world.services.operations.collect_secrets(world.partner_id, operation.id)
    count = "SELECT count(*) FROM operation_secrets WHERE operation_id = $1"
    assert await world.services.database.pool.fetchval(count, operation.id) == 0


async def test_a_write_without_a_secret_has_none_to_collect(world: World) -> None:
    operation = await world.deliver(ResourceEnum.TRAILER, {"trailer_name": writes.new_mark()})
    with pytest.raises(SecretNotFoundError):
        await world.services.operations.collect_secrets(world.partner_id, operation.id)


async def test_another_partners_secret_does_not_exist(world: World) -> None:
    operation = await world.deliver(ResourceEnum.USER, writes.DRIVER.body(world, writes.new_mark()))
    with pytest.raises(OperationNotFoundError):
        await world.services.operations.collect_secrets(uuid4(), operation.id)
    assert await world.services.operations.collect_secrets(world.partner_id, operation.id)


async def test_a_password_stands_in_the_clear_in_no_table_and_no_log(world: World, log_text: io.StringIO) -> None:
    mark = writes.new_mark()
    world.fault("POST", "/fleet/drivers", "status", status=429)
    world.fault("POST", "/fleet/drivers", "commit_then_drop")
    operation = await world.deliver(ResourceEnum.USER, writes.DRIVER.body(world, mark))
    assert operation.status is SUCCESS
    before = await whole_database(world)
    password = (await world.services.operations.collect_secrets(world.partner_id, operation.id))["password"]
    text = before + await whole_database(world)
    assert mark in text
    assert password not in text
    assert password.encode().hex() not in text
    assert password not in log_text.getvalue()
    assert all(password not in str(entry) for entry in world.simulator.storage.log_pages(0))


async def whole_database(world: World) -> str:
    """Every column of every row of every table, as text."""
    pool = world.services.database.pool
    rows = [row for (query,) in await pool.fetch(TEXTS) for row in await pool.fetch(query)]
    assert len({row["place"] for row in rows}) > 8
    return "\n".join(row["row"] for row in rows)
