"""What must not stop the others, and must not get lost: defects, broken answers, a database that goes away."""

import asyncio
from datetime import timedelta

import pytest

from administrating import become_administrator
from fleetwrite.contract.enums import ConnectionStatusEnum, ResourceEnum
from fleetwrite.dispatch.models import BudgetLimit
from integration.operations import writes
from integration.operations.endings import AUTH, DELIVERED, NOT_SENT, REJECTED, UNKNOWN, endings
from integration.operations.workers import until_over, worker
from integration.operations.world import FAILED, PENDING, SUCCESS, World

BROKEN_ANSWER = (
    b"HTTP/1.1 400 Bad Request\r\nX-Request-Id: \xff\xfe\r\nContent-Type: text/plain\r\n"
    b"Content-Length: 9\r\nConnection: close\r\n\r\nbad\x00\xff\xed\xa0\x80!"
)


async def test_a_worker_delivers_what_is_accepted_while_it_runs(world: World) -> None:
    async with worker(world):
        marked = [(kind, writes.new_mark()) for kind in writes.ALL * 3]
        accepted = await asyncio.gather(*(world.write(kind.resource, kind.body(world, mark)) for kind, mark in marked))
        ended = [await until_over(world, operation) for operation in accepted]
    assert [operation.status for operation in ended] == [SUCCESS] * len(marked)
    assert all(len(kind.held(world, mark)) == 1 for kind, mark in marked)
    assert await world.waiting() == []


async def test_a_worker_learns_at_once_that_a_connection_is_active_again(world: World) -> None:
    async with worker(world):
        await world.set_status(ConnectionStatusEnum.PAUSED)
        operation = await world.write(ResourceEnum.TRAILER, {"trailer_name": writes.new_mark()})
        await world.set_status(ConnectionStatusEnum.ACTIVE)
        assert (await until_over(world, operation)).status is SUCCESS


async def test_an_operation_that_can_not_be_prepared_does_not_stop_the_others(world: World) -> None:
    lost_driver = await world.deliver(ResourceEnum.USER, writes.DRIVER.body(world, writes.new_mark()))
    broken = await world.write(
        ResourceEnum.MESSAGE, writes.MESSAGE.body(world, writes.new_mark()) | {"recipient_id": lost_driver.resource_id}
    )
    pool = world.services.database.pool
    record = await pool.fetchrow("DELETE FROM records WHERE id = $1 RETURNING *", lost_driver.resource_id)
    assert record is not None
    sound = await world.write(ResourceEnum.TRAILER, {"trailer_name": writes.new_mark()})
    async with worker(world):
        assert (await until_over(world, sound)).status is SUCCESS
        async with asyncio.timeout(20):
            while not (held := await world.operation(broken.id)).logs:
                await asyncio.sleep(0.01)
    assert held.status is PENDING
    assert set(endings(held)) == {NOT_SENT}
    await pool.execute(
        "INSERT INTO records SELECT * FROM jsonb_populate_record(NULL::records, $1)",
        {**dict(record), "id": str(record["id"])},
    )
    await world.work_off()
    assert (await world.operation(broken.id)).status is SUCCESS


async def test_an_operation_that_can_never_be_prepared_ends_with_its_time(world: World) -> None:
    lost_driver = await world.deliver(ResourceEnum.USER, writes.DRIVER.body(world, writes.new_mark()))
    broken = await world.write(ResourceEnum.USER, {"notes": "x"}, lost_driver.resource_id)
    await world.services.database.pool.execute("DELETE FROM records WHERE id = $1", lost_driver.resource_id)
    await world.run_due()
    await world.shift(timedelta(days=8))
    await world.run_due()
    ended = await world.operation(broken.id)
    assert (ended.status, endings(ended)[0], endings(ended)[-1][1]) == (FAILED, NOT_SENT, "expired")


async def test_a_connection_whose_login_can_not_be_opened_waits_for_its_repair(world: World) -> None:
    pool = world.services.database.pool
    sealed = await pool.fetchval("SELECT credentials_sealed FROM connections WHERE id = $1", world.connection.id)
    operation = await world.write(ResourceEnum.MESSAGE, writes.MESSAGE.body(world, writes.new_mark()))
    update = "UPDATE connections SET credentials_sealed = $2 WHERE id = $1"
    await pool.execute(update, world.connection.id, sealed[:-1] + bytes([sealed[-1] ^ 1]))
    await world.run_due()
    await pool.execute(update, world.connection.id, sealed)
    await world.work_off()
    ended = await world.operation(operation.id)
    assert (ended.status, endings(ended)) == (SUCCESS, [AUTH, DELIVERED])


async def test_a_connection_whose_region_is_gone_waits_for_its_repair(world: World) -> None:
    pool = world.services.database.pool
    settings = await pool.fetchval("SELECT settings FROM connections WHERE id = $1", world.connection.id)
    operation = await world.write(ResourceEnum.MESSAGE, writes.MESSAGE.body(world, writes.new_mark()))
    update = "UPDATE connections SET settings = $2 WHERE id = $1"
    await pool.execute(update, world.connection.id, {"region": "atlantis"})
    await world.run_due()
    await pool.execute(update, world.connection.id, settings)
    await world.work_off()
    ended = await world.operation(operation.id)
    assert (ended.status, endings(ended)) == (SUCCESS, [AUTH, DELIVERED])


async def test_a_login_that_can_not_be_opened_tells_nothing_of_an_earlier_attempt(world: World) -> None:
    pool = world.services.database.pool
    sealed = await pool.fetchval("SELECT credentials_sealed FROM connections WHERE id = $1", world.connection.id)
    operation = await world.write(ResourceEnum.TRAILER, {"trailer_name": writes.new_mark()})
    world.fault("POST", "/fleet/trailers", "commit_then_drop")
    await world.run_due()
    update = "UPDATE connections SET credentials_sealed = $2 WHERE id = $1"
    await pool.execute(update, world.connection.id, sealed[:-1] + bytes([sealed[-1] ^ 1]))
    await world.shift(timedelta(days=8))
    await world.run_due()
    await pool.execute(update, world.connection.id, sealed)
    ended = await world.operation(operation.id)
    assert (ended.status, endings(ended)) == (FAILED, [UNKNOWN, UNKNOWN])


async def test_an_answer_of_broken_text_is_stored_as_far_as_it_can_be(world: World) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(BROKEN_ANSWER)
        await writer.drain()
        writer.close()

    settings = dict(world.connection.settings)
    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        broken = {**settings, "base_url": f"http://127.0.0.1:{port}"}
        await world.services.connections.replace_settings(world.connection.id, broken)
        operation = await world.deliver(ResourceEnum.MESSAGE, writes.MESSAGE.body(world, writes.new_mark()))
    await world.services.connections.replace_settings(world.connection.id, settings)
    assert (operation.status, endings(operation)) == (FAILED, [REJECTED])
    assert "bad" in (operation.logs[0].error_details or "")


async def test_an_outcome_is_kept_while_the_database_is_away(world: World) -> None:
    mark = writes.new_mark()
    operation = await world.write(ResourceEnum.MESSAGE, writes.MESSAGE.body(world, mark))
    jobs = await world.claim()
    database = world.services.database
    async with database.transaction() as blocking:
        await become_administrator(blocking)
        await blocking.execute("SELECT FROM jobs WHERE id = $1 FOR UPDATE", operation.id)
        running = asyncio.create_task(world.run(jobs))
        async with asyncio.timeout(10):
            while not await blocking.fetchval(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                " WHERE datname = current_database() AND wait_event_type = 'Lock'"
            ):
                await asyncio.sleep(0.01)
    await running
    ended = await world.operation(operation.id)
    assert (ended.status, endings(ended)) == (SUCCESS, [DELIVERED])
    assert len(world.held("messages", text=f"Gate {mark}")) == 1


async def test_a_refusal_of_a_second_sending_is_noted_though_the_look_up_must_wait(world: World) -> None:
    """The first sending arrived but was looked up too early; the second is refused, and no slot is left to look."""
    mark = writes.new_mark()
    operation = await world.write(ResourceEnum.TRAILER, writes.TRAILER.body(world, mark))
    world.fault("POST", "/fleet/trailers", "commit_then_drop")
    await world.run_due()
    world.fault("GET", "/fleet/trailers", "status", status=404)
    limits = [BudgetLimit(scope="endpoint:GET /fleet/trailers/{id}", requests=1, per_seconds=1000.0)]
    await world.services.connection_budgets.replace(world.partner_id, world.connection.id, limits)
    await world.run_next()
    await world.services.connection_budgets.replace(world.partner_id, world.connection.id, [])
    assert endings(await world.operation(operation.id)) == [UNKNOWN, UNKNOWN]
    await world.work_off()
    ended = await world.operation(operation.id)
    assert (ended.status, endings(ended)) == (SUCCESS, [UNKNOWN, UNKNOWN, DELIVERED])
    assert len(world.held("trailers", name=mark)) == 1


@pytest.mark.parametrize("batch", [1, 40])
async def test_operations_of_a_batch_end_each_by_itself(world: World, batch: int) -> None:
    world.fault("POST", "/fleet/trailers", "status", status=400, count=batch)
    operations = [
        await world.write(ResourceEnum.TRAILER, {"trailer_name": writes.new_mark()}) for _ in range(2 * batch)
    ]
    await world.work_off()
    statuses = [(await world.operation(operation.id)).status for operation in operations]
    assert (statuses.count(SUCCESS), statuses.count(FAILED)) == (batch, batch)
