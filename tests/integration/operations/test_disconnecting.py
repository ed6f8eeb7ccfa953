"""A connection that is deleted: whatever was to be written through it ends, and ends truthfully."""

from datetime import timedelta

from fleetwrite.contract.enums import ResourceOperationErrorTypeEnum as ErrorCategory
from fleetwrite.contract.event_names import WebhookSubscribableEvent
from fleetwrite.contract.notifications import WebhookCreate
from fleetwrite.events.fan_out import FanOut
from fleetwrite.operations.disconnecting import BATCH
from fleetwrite.webhooks.fan_out import DeliveryPlanner
from integration.operations import writes
from integration.operations.endings import DELIVERED, THROTTLED, UNKNOWN, endings
from integration.operations.outages import write_trailers
from integration.operations.workers import until_over, worker
from integration.operations.world import FAILED, LEASE, PENDING, SUCCESS, World

CANCELLED = (ErrorCategory.VALIDATION, "cancelled")


async def disconnect(world: World) -> None:
    await world.services.disconnector.disconnect(world.partner_id, world.connection.id)


async def test_what_waits_ends_at_once_however_much_it_is(fresh_world: World) -> None:
    world = fresh_world
    body = WebhookCreate(url="http://127.0.0.1:9/hooks", event_name=WebhookSubscribableEvent.RESOURCE_OPERATION_FAILED)
    await world.services.subscriptions.create(world.partner_id, body)
    operations = await write_trailers(world, BATCH + 1)
    since = len(world.calls())
    await disconnect(world)
    assert {(await world.operation(one.id)).status for one in operations} == {FAILED}
    assert [endings(await world.operation(one.id)) for one in operations[::50]] == [[CANCELLED]] * 5
    assert await world.waiting() == []
    assert world.calls(since) == []
    # Each is told once.
    fan_out = FanOut(world.services.database, DeliveryPlanner(world.services.dispatch, timedelta(days=3)).plan)
    while await fan_out.fan_out_once():
        pass
    assert await world.services.database.pool.fetchval("SELECT count(*) FROM deliveries") == len(operations)


async def test_what_is_being_sent_is_finished_truthfully(fresh_world: World) -> None:
    world = fresh_world
    delivered, refused = await write_trailers(world, 2)
    jobs = await world.claim()
    handler = world.services.operation_handler
    async with world.services.database.acquire() as connection:
        work = await handler.load(connection, jobs)
    await disconnect(world)
    assert {(await world.operation(one.id)).status for one in (delivered, refused)} == {PENDING}
    by_id = {job.id: job for job in jobs}
    await handler.run(by_id[delivered.id], work[delivered.id])
    world.fault("POST", "/fleet/trailers", "status", status=429)
    await handler.run(by_id[refused.id], work[refused.id])
    ended = await world.operation(delivered.id)
    assert (ended.status, endings(ended)) == (SUCCESS, [DELIVERED])
    # The other one would be tried again.
    assert await world.services.disconnector.sweep() == 1
    ended = await world.operation(refused.id)
    assert (ended.status, endings(ended)) == (FAILED, [THROTTLED, CANCELLED])


async def test_what_may_have_arrived_is_not_said_to_be_cancelled(fresh_world: World) -> None:
    world = fresh_world
    kind = writes.TRAILER
    mark = writes.new_mark()
    operation = await world.write(kind.resource, kind.body(world, mark))
    world.fault("POST", "/fleet/trailers", "commit_then_drop")
    world.fault("GET", "/", "status", status=500, count=9)
    await world.run_due()
    assert (await world.operation(operation.id)).status is PENDING
    await disconnect(world)
    ended = await world.operation(operation.id)
    assert (ended.status, endings(ended)[-1]) == (FAILED, UNKNOWN)
    assert "the connection was deleted" in (ended.logs[-1].error_details or "")
    assert len(kind.held(world, mark)) == 1


async def test_what_a_process_took_to_its_grave_may_have_arrived(fresh_world: World) -> None:
    world = fresh_world
    (operation,) = await write_trailers(world)
    assert len(await world.claim()) == 1
    await disconnect(world)
    assert await world.services.disconnector.sweep() == 0
    await world.shift(LEASE + timedelta(seconds=1))
    assert await world.services.disconnector.sweep() == 1
    ended = await world.operation(operation.id)
    assert (ended.status, endings(ended)) == (FAILED, [UNKNOWN, UNKNOWN])


async def test_a_worker_ends_what_was_accepted_in_the_very_moment(fresh_world: World) -> None:
    world = fresh_world
    (operation,) = await write_trailers(world)
    # As though the API had died between the deletion and what follows it.
    await world.services.connections.delete(world.partner_id, world.connection.id)
    assert (await world.operation(operation.id)).status is PENDING
    async with worker(world):
        ended = await until_over(world, operation)
    assert endings(ended) == [CANCELLED]


async def test_a_deleted_connection_keeps_its_lanes_until_nothing_can_come_any_more(fresh_world: World) -> None:
    world = fresh_world
    await write_trailers(world)
    await disconnect(world)
    await world.services.disconnector.sweep()
    owners = "SELECT count(*) FROM lane_owners WHERE id = $1"
    pool = world.services.database.pool
    assert await pool.fetchval(owners, world.connection.id) == 1
    await world.shift(timedelta(minutes=11))
    await world.services.disconnector.sweep()
    assert await pool.fetchval(owners, world.connection.id) == 0
    assert await world.services.disconnector.sweep() == 0


async def test_what_is_looked_up_without_credentials_says_that_nobody_knows(fresh_world: World) -> None:
    """Its time is over, and a worker takes it before anybody else does."""
    world = fresh_world
    (operation,) = await write_trailers(world)
    world.fault("POST", "/fleet/trailers", "commit_then_drop")
    world.fault("GET", "/", "status", status=500, count=9)
    await world.run_due()
    await world.services.connections.delete(world.partner_id, world.connection.id)
    await world.shift(timedelta(days=8))
    await world.run_due()
    ended = await world.operation(operation.id)
    assert (ended.status, endings(ended)[-1]) == (FAILED, UNKNOWN)
    assert "it can not be looked up now: the connection was deleted" in (ended.logs[-1].error_details or "")
