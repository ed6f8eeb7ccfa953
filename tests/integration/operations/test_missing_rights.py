"""A login that may not make some calls: their writes wait until it may, and nothing else is held up."""

from datetime import timedelta
from itertools import pairwise
from uuid import UUID

from fleetwrite.connections.models import Entered
from fleetwrite.contract.enums import ConnectionStatusEnum, ResourceEnum
from fleetwrite.contract.enums import ResourceOperationErrorTypeEnum as ErrorCategory
from fleetwrite.contract.telematics import ResourceOperation
from integration.operations import writes
from integration.operations.endings import AUTH, DELIVERED, UNKNOWN, endings
from integration.operations.world import FAILED, LEASE, NORTHWIND, PENDING, SUCCESS, World

NOT_SENT = (ErrorCategory.AUTH, "not_sent")
A_MINUTE = timedelta(minutes=1)


def deny(world: World, count: int = 1000) -> None:
    world.fault("POST", "/fleet/trailers", "status", status=403, count=count)


async def trailer(world: World, *, is_sync: bool = False) -> ResourceOperation:
    return await world.write(ResourceEnum.TRAILER, {"trailer_name": writes.new_mark()}, is_sync=is_sync)


async def posts(world: World, rounds: int = 3) -> int:
    """How many trailers are sent when everything that may be sent now is."""
    since = len(world.calls())
    for _ in range(rounds):
        await world.run_due()
    return [path for _, path, _ in world.calls(since)].count("/fleet/trailers")


async def test_a_denied_write_waits_and_is_delivered_when_the_login_may(world: World) -> None:
    deny(world, 3)
    operation = await trailer(world)
    await world.run_due()
    waiting = await world.operation(operation.id)
    assert (waiting.status, endings(waiting)) == (PENDING, [AUTH])
    assert waiting.logs[0].response_status_code == 403
    await world.work_off()
    ended = await world.operation(operation.id)
    assert (ended.status, endings(ended)) == (SUCCESS, [AUTH] * 3 + [DELIVERED])
    waited = [later.created_at - earlier.created_at for earlier, later in pairwise(ended.logs)]
    for wait, minutes in zip(waited, (1, 2, 4), strict=True):
        # Claimed a moment before its slot, which nobody waits for here; and the clock runs on.
        assert timedelta(milliseconds=-50) < wait - timedelta(minutes=minutes) < timedelta(seconds=5)


async def test_other_writes_of_the_connection_go_on(world: World) -> None:
    deny(world)
    await trailer(world)
    await world.run_due()
    behind = await trailer(world)
    others = [
        await world.write(ResourceEnum.VEHICLE, {"vehicle_name": writes.new_mark()}),
        await world.write(ResourceEnum.TRAILER, {"notes": "x"}, world.trailers[0]),
        await world.write(ResourceEnum.MESSAGE, writes.MESSAGE.body(world, writes.new_mark())),
    ]
    assert await posts(world) == 0
    assert [(await world.operation(one.id)).status for one in others] == [SUCCESS] * 3
    assert endings(await world.operation(behind.id)) == []


async def test_however_many_wait_one_finds_out(world: World) -> None:
    deny(world, 2)
    operations = [await trailer(world)]
    await world.run_due()
    operations += [await trailer(world) for _ in range(9)]
    await world.shift(A_MINUTE)
    assert await posts(world) == 1
    await world.shift(2 * A_MINUTE)
    assert await posts(world) == 10
    assert [(await world.operation(one.id)).status for one in operations] == [SUCCESS] * 10


async def test_another_connection_of_the_account_is_not_held_up(fresh_world: World) -> None:
    world = fresh_world
    account = world.simulator.demo_accounts()[0]
    settings = {**account.settings, "base_url": f"http://127.0.0.1:{world.port}"}
    first, second = [
        await world.services.connections.create(
            fleet_id=world.connection.fleet_id,
            tsp_slug="samsara",
            credentials=account.credentials,
            settings=settings,
            account_id=NORTHWIND,
        )
        for _ in range(2)
    ]
    deny(world, 1)

    async def write(connection_id: UUID) -> None:
        fields = {"connection_id": connection_id, "trailer_name": writes.new_mark()}
        await world.write(ResourceEnum.TRAILER, fields)

    await write(first.id)
    assert await posts(world) == 1
    await write(first.id)
    await write(second.id)
    await world.shift(timedelta(seconds=5))
    assert await posts(world) == 1
    waiting = [job["owner_id"] for job in await world.waiting()]
    assert waiting == [first.id] * 2


async def test_past_its_deadline_a_write_says_since_when_the_right_was_missing(world: World) -> None:
    world.fault("POST", "/v1/fleet/messages", "status", status=403, count=1000)
    denied = await world.write(ResourceEnum.MESSAGE, writes.MESSAGE.body(world, writes.new_mark()))
    await world.run_due()
    behind = await world.write(ResourceEnum.MESSAGE, writes.MESSAGE.body(world, writes.new_mark()))
    await world.shift(timedelta(hours=1, seconds=1))
    await world.run_due()
    await world.run_due()
    first, second = await world.operation(denied.id), await world.operation(behind.id)
    assert (first.status, endings(first)) == (FAILED, [AUTH, AUTH])
    assert (second.status, endings(second)) == (FAILED, [AUTH])
    since = first.logs[0].created_at.isoformat(timespec="minutes")[:16]
    assert f"no right to such writes at the provider since {since}" in (second.logs[0].error_details or "")


async def test_a_sync_write_fails_at_once_and_those_after_it_are_not_sent(world: World) -> None:
    deny(world)
    denied = await trailer(world, is_sync=True)
    assert (denied.status, endings(denied)) == (FAILED, [AUTH])
    since = len(world.calls())
    second = await trailer(world, is_sync=True)
    assert (second.status, endings(second)) == (FAILED, [NOT_SENT])
    assert "no right to such writes" in (second.logs[0].error_details or "")
    assert world.calls(since) == []
    assert await world.waiting() == []


async def test_a_sync_write_may_be_the_one_that_finds_out(world: World) -> None:
    deny(world, 1)
    waiting = await trailer(world)
    await world.run_due()
    await world.shift(A_MINUTE)
    assert (await trailer(world, is_sync=True)).status is SUCCESS
    assert (await trailer(world, is_sync=True)).status is SUCCESS
    assert await posts(world) == 1
    assert (await world.operation(waiting.id)).status is SUCCESS


async def test_a_write_that_is_refused_for_what_it_says_shows_that_the_login_may(world: World) -> None:
    deny(world, 1)
    await trailer(world)
    await world.run_due()
    behind = await trailer(world)
    world.fault("POST", "/fleet/trailers", "status", status=400)
    await world.shift(A_MINUTE)
    assert await posts(world) == 2
    assert (await world.operation(behind.id)).status is not PENDING


async def test_a_trial_that_comes_to_nothing_proves_nothing(world: World) -> None:
    world.fault("PATCH", "/fleet/trailers", "status", status=403)
    operations = [await world.write(ResourceEnum.TRAILER, {"notes": "x"}, world.trailers[0])]
    await world.run_due()
    operations.append(await world.write(ResourceEnum.TRAILER, {"notes": "x"}, world.trailers[1]))
    world.fault("PATCH", "/fleet/trailers", "status", status=500)
    since = len(world.calls())
    for calls in (1, 3):
        await world.shift(A_MINUTE)
        for _ in range(3):
            await world.run_due()
        assert len(world.calls(since)) == calls
    assert [(await world.operation(one.id)).status for one in operations] == [SUCCESS] * 2


async def test_whoever_makes_the_connection_active_need_not_wait(world: World) -> None:
    deny(world, 1)
    operation = await trailer(world)
    await world.run_due()
    assert await posts(world) == 0
    await world.set_status(ConnectionStatusEnum.ACTIVE)
    assert await posts(world) == 1
    assert (await world.operation(operation.id)).status is SUCCESS


async def test_new_credentials_of_an_active_connection_are_tried_at_once(world: World) -> None:
    deny(world, 1)
    operation = await trailer(world)
    await world.run_due()
    connections = world.services.connections
    entered = Entered(world.simulator.demo_accounts()[0].credentials, {})
    login = await world.services.connecting.verify(world.connection, entered)
    await connections.change(world.partner_id, world.connection.id, login=login)
    assert await posts(world) == 1
    assert (await world.operation(operation.id)).status is SUCCESS


async def test_what_may_have_arrived_before_is_looked_up_before_each_sending(world: World) -> None:
    world.fault("POST", "/fleet/trailers", "drop_before")
    operation = await trailer(world)
    await world.run_due()
    deny(world, 1)
    await world.work_off()
    ended = await world.operation(operation.id)
    assert (ended.status, endings(ended)) == (SUCCESS, [UNKNOWN, AUTH, DELIVERED])
    sent = [(method, status) for method, path, status in world.calls() if path.startswith("/fleet/trailers")]
    # Looked up, denied; looked up as often as that may be told by then, sent.
    assert sent[-1] == ("POST", 200)
    assert ("POST", 403) in sent
    assert sent[-2][0] == "GET"


async def test_a_trial_whose_worker_died_is_looked_up_and_made_again(world: World) -> None:
    deny(world, 1)
    await trailer(world)
    await world.run_due()
    await world.shift(A_MINUTE)
    await world.run_and_die(await world.claim())
    await world.shift(LEASE)
    await world.work_off()
    assert await world.waiting() == []
