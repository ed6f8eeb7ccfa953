"""A login that the provider refuses parks its connection: nothing fails, nothing is sent, and it ends by itself."""

import asyncio
from datetime import timedelta

from fleetwrite.contract.enums import ConnectionStatusEnum, ResourceEnum
from fleetwrite.contract.enums import ResourceOperationErrorTypeEnum as ErrorCategory
from fleetwrite.contract.event_names import WebhookSubscribableEvent
from fleetwrite.contract.notifications import BaseConnectionEvent, WebhookCreate
from fleetwrite.events.fan_out import FanOut
from fleetwrite.webhooks.fan_out import DeliveryPlanner
from integration.operations import writes
from integration.operations.endings import AUTH, DELIVERED, UNKNOWN, endings
from integration.operations.outages import probe_next, staled_events, status_of, until_probe, write_trailers
from integration.operations.workers import until_over, worker
from integration.operations.world import FAILED, NORTHWIND, PENDING, SUCCESS, World

ACTIVE, STALE = ConnectionStatusEnum.ACTIVE, ConnectionStatusEnum.STALE
A_LITTLE = timedelta(seconds=5)  # the clock runs on while a test does its work


def refuse_logins(world: World, path: str = "/", count: int = 1000) -> None:
    world.fault("*", path, "status", status=401, count=count)


async def test_a_refused_login_holds_all_writes_of_its_connection(world: World) -> None:
    refuse_logins(world)
    (first,) = await write_trailers(world)
    await world.run_due()
    later = await write_trailers(world, 3)
    since = len(world.calls())
    await world.shift(timedelta(seconds=50))
    assert await world.run_due() == 0
    assert await status_of(world) is STALE
    assert world.calls(since) == []
    waiting = await world.operation(first.id)
    assert (waiting.status, endings(waiting)) == (PENDING, [AUTH])
    assert [endings(await world.operation(one.id)) for one in later] == [[]] * 3


async def test_a_parked_connection_resumes_by_itself_when_its_login_works(world: World) -> None:
    refuse_logins(world, count=2)  # the write and the first probe
    operations = await write_trailers(world)
    await world.run_due()
    operations += await write_trailers(world, 2)
    since = len(world.calls())
    await probe_next(world)
    assert await status_of(world) is STALE
    await probe_next(world)
    assert await status_of(world) is ACTIVE
    assert [(method, path) for method, path, _ in world.calls(since)] == [("GET", "/me")] * 2
    assert await world.run_due() == 3
    assert [(await world.operation(one.id)).status for one in operations] == [SUCCESS] * 3


async def test_writes_to_one_record_keep_their_order_over_the_parking(world: World) -> None:
    refuse_logins(world, count=1)
    for notes in ("first", "second", "third"):
        await world.write(ResourceEnum.TRAILER, {"notes": notes}, world.trailers[0])
    await world.run_due()
    await probe_next(world)
    taken = []
    for _ in range(3):
        assert await world.run_due() == 1
        taken += [
            record["notes"] for record in world.held("trailers") if record.get("notes") in {"first", "second", "third"}
        ]
    assert taken == ["first", "second", "third"]


async def test_probes_come_at_growing_intervals_up_to_an_hour(world: World) -> None:
    refuse_logins(world)
    await write_trailers(world)
    await world.run_due()
    intervals = []
    for _ in range(9):
        intervals.append(await until_probe(world))
        await probe_next(world)
    minutes = [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert [
        timedelta(minutes=m) - A_LITTLE < wait <= timedelta(minutes=m)
        for m, wait in zip(minutes, intervals, strict=True)
    ] == [True] * 9


async def test_a_login_that_reads_but_does_not_write_is_left_alone_longer_each_time(world: World) -> None:
    refuse_logins(world, "/fleet/trailers")
    await write_trailers(world)
    intervals = []
    for _ in range(3):
        await world.run_due()
        intervals.append(await until_probe(world))
        await probe_next(world)
    assert intervals[0] < timedelta(minutes=1) < intervals[1] < timedelta(minutes=2) < intervals[2]
    world.simulator.faults.clear()
    await world.run_due()
    refuse_logins(world, count=1)
    await write_trailers(world)
    await world.run_due()
    assert await until_probe(world) <= timedelta(minutes=1)


async def test_every_partner_that_shares_the_fleet_is_told_once(world: World) -> None:
    other = await world.services.orgs.ensure_partner("Other", "other")
    await world.services.database.pool.execute(
        """
        INSERT INTO share_agreements SELECT gen_random_uuid(), $1, fleet_id, 'their-name', status, scopes, effective_at,
            expires_at, created_at, updated_at FROM share_agreements WHERE partner_id = $2 AND fleet_id = $3
        """,
        other.id,
        world.partner_id,
        world.connection.fleet_id,
    )
    before = len(await staled_events(world, world.connection.id))
    refuse_logins(world, count=3)
    await write_trailers(world, 3)
    await world.run_due()
    told = (await staled_events(world, world.connection.id))[before:]
    assert {(one["partner_id"], one["fleet_ref"]) for one in told} == {
        (world.partner_id, "fleet-1"),
        (other.id, "their-name"),
    }
    assert len(told) == 2
    assert set(told[0]["data"]) == set(BaseConnectionEvent.__struct_fields__)
    assert told[0]["data"]["status"] == "stale"
    assert told[0]["data"]["fleet_id"] == str(world.connection.fleet_id)
    await world.services.database.pool.execute("DELETE FROM share_agreements WHERE partner_id = $1", other.id)


async def test_a_subscription_to_all_events_of_connections_is_served(fresh_world: World) -> None:
    world = fresh_world
    body = WebhookCreate(url="http://127.0.0.1:9/hooks", event_name=WebhookSubscribableEvent.CONNECTION_ALL)
    await world.services.subscriptions.create(world.partner_id, body)
    refuse_logins(world, count=1)
    await write_trailers(world)
    await world.run_due()
    fan_out = FanOut(world.services.database, DeliveryPlanner(world.services.dispatch, timedelta(days=3)).plan)
    await fan_out.fan_out_once()
    names = await world.services.database.pool.fetch(
        "SELECT events.event_name FROM deliveries JOIN events ON events.id = event_id"
    )
    assert [row["event_name"] for row in names] == ["connection.created", "connection.staled"]


async def test_past_its_deadline_a_write_says_since_when_the_login_was_refused(world: World) -> None:
    refuse_logins(world)
    message = await world.write(ResourceEnum.MESSAGE, writes.MESSAGE.body(world, writes.new_mark()))
    await world.run_due()
    behind = await world.write(ResourceEnum.MESSAGE, writes.MESSAGE.body(world, writes.new_mark()))
    await world.shift(timedelta(hours=1, seconds=1))
    await world.run_due()
    await world.run_due()
    first, second = await world.operation(message.id), await world.operation(behind.id)
    assert (first.status, endings(first)) == (FAILED, [AUTH, AUTH])
    assert (second.status, endings(second)) == (FAILED, [AUTH])
    since = first.logs[0].created_at.isoformat(timespec="minutes")[:16]
    assert f"refused the connection's login since {since}" in (second.logs[0].error_details or "")


async def test_a_sync_write_parks_too_and_those_after_it_are_not_sent(world: World) -> None:
    refuse_logins(world)
    refused = await world.write(ResourceEnum.TRAILER, {"trailer_name": writes.new_mark()}, is_sync=True)
    assert (refused.status, endings(refused)) == (FAILED, [AUTH])
    since = len(world.calls())
    answer = await world.write(ResourceEnum.TRAILER, {"trailer_name": writes.new_mark()}, is_sync=True)
    assert (answer.status, endings(answer)) == (FAILED, [(ErrorCategory.AUTH, "not_sent")])
    assert "refuses its login since" in (answer.logs[0].error_details or "")
    assert world.calls(since) == []


async def test_a_look_up_whose_login_is_refused_parks_and_stays_uncertain(world: World) -> None:
    mark = writes.new_mark()
    world.fault("POST", "/fleet/trailers", "commit_then_drop")
    operation = await world.write(ResourceEnum.TRAILER, {"trailer_name": mark})
    await world.run_due()
    refuse_logins(world, count=1)
    await world.run_next()
    assert await status_of(world) is STALE
    await probe_next(world)
    await world.work_off()
    ended = await world.operation(operation.id)
    assert (ended.status, endings(ended), len(world.held("trailers", name=mark))) == (
        SUCCESS,
        [UNKNOWN, UNKNOWN, DELIVERED],
        1,
    )


async def test_new_credentials_need_no_probe(world: World) -> None:
    refuse_logins(world, count=1)
    (operation,) = await write_trailers(world)
    await world.run_due()
    since = len(world.calls())
    await world.set_status(ACTIVE)
    assert await world.run_due() == 1
    assert (await world.operation(operation.id)).status is SUCCESS
    assert [method for method, _, _ in world.calls(since)] == ["POST"]
    assert await world.probe() == 0


async def test_a_connection_that_is_paused_while_it_is_parked_stays_paused(world: World) -> None:
    refuse_logins(world, count=1)
    await write_trailers(world)
    await world.run_due()
    await world.set_status(ConnectionStatusEnum.PAUSED)
    await world.shift(timedelta(hours=2))
    assert await world.probe() == 0
    assert await status_of(world) is ConnectionStatusEnum.PAUSED
    await world.set_status(ACTIVE)
    assert await world.run_due() == 1


async def test_of_many_processes_one_probes_and_a_lost_probe_is_made_again(world: World) -> None:
    refuse_logins(world, count=1)
    await write_trailers(world)
    await world.run_due()
    await world.shift(timedelta(minutes=1))
    assert sorted(await asyncio.gather(*(world.probe() for _ in range(5)))) == [0, 0, 0, 0, 1]
    await world.run_due()
    refuse_logins(world, count=1)
    await write_trailers(world)
    await world.run_due()
    await world.shift(timedelta(minutes=1))
    lost = await world.services.outages.claim_probes(timedelta(seconds=60))
    assert (len(lost.connection_ids), await world.probe()) == (1, 0)
    await world.shift(timedelta(seconds=61))
    assert await world.probe() == 1
    assert await status_of(world) is ACTIVE


async def test_a_probe_that_gets_no_answer_says_nothing_about_the_login(world: World) -> None:
    refuse_logins(world, count=1)
    await write_trailers(world)
    await world.run_due()
    world.fault("GET", "/me", "status", status=500)
    await probe_next(world)
    assert await status_of(world) is STALE
    assert await until_probe(world) > timedelta(minutes=1)
    await probe_next(world)
    assert await status_of(world) is ACTIVE


async def test_the_probe_of_a_login_pins_the_account_of_a_connection_that_had_none(world: World) -> None:
    pool = world.services.database.pool
    await pool.execute("UPDATE connections SET account_id = NULL WHERE id = $1", world.connection.id)
    refuse_logins(world, count=1)
    await write_trailers(world)
    await world.run_due()
    await probe_next(world)
    assert await status_of(world) is ACTIVE
    pinned = await pool.fetchval("SELECT account_id FROM connections WHERE id = $1", world.connection.id)
    assert pinned == NORTHWIND


async def test_a_login_that_leads_to_another_account_by_now_stays_parked(world: World) -> None:
    pool = world.services.database.pool
    await pool.execute("UPDATE connections SET account_id = 'another' WHERE id = $1", world.connection.id)
    refuse_logins(world, count=1)
    await write_trailers(world)
    await world.run_due()
    await probe_next(world)
    assert await status_of(world) is STALE
    await pool.execute("UPDATE connections SET account_id = NULL WHERE id = $1", world.connection.id)


async def test_two_workers_park_probe_and_resume(world: World) -> None:
    refuse_logins(world, count=50)
    operations = await write_trailers(world, 10)
    async with worker(world), worker(world):
        async with asyncio.timeout(20):
            while await status_of(world) is not STALE:
                await asyncio.sleep(0.01)
        world.simulator.faults.clear()
        await world.shift(timedelta(minutes=1))
        ended = [await until_over(world, one) for one in operations]
    assert [one.status for one in ended] == [SUCCESS] * 10
    assert all(endings(one)[-1] == DELIVERED and set(endings(one)[:-1]) <= {AUTH} for one in ended)
    assert await status_of(world) is ACTIVE
