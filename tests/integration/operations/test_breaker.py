"""A host that fails is left alone: nothing is sent there and nothing counted until a read gets through."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from fleetwrite.contract.enums import ConnectionStatusEnum, ResourceEnum
from integration.operations import writes
from integration.operations.endings import AUTH, DELIVERED, FAILING, NOT_SENT, REJECTED, UNREACHABLE, endings
from integration.operations.outages import (
    Breaker,
    breaker,
    fleets,
    probe_next,
    staled_events,
    status_of,
    until_probe,
    write_trailers,
)
from integration.operations.workers import until_over, worker
from integration.operations.world import FAILED, PENDING, SUCCESS, World, opened_world

SHUT = Breaker("failures", 0, is_open=True)


@asynccontextmanager
async def stopped(world: World) -> AsyncIterator[None]:
    """Let nobody answer at the provider's address."""
    await world.simulator.stop()
    try:
        yield
    finally:
        await world.restart_simulator()


async def test_nothing_is_sent_and_nothing_counted_while_a_host_is_down(world: World) -> None:
    async with stopped(world):
        failed = await write_trailers(world, 5)
        await world.run_due()
        assert await breaker(world) == SHUT
        later = await write_trailers(world, 5)
        for _ in range(4):
            await world.shift(timedelta(hours=1))
            assert await world.run_due() == 0
            assert await world.probe() == 1
    operations = [await world.operation(one.id) for one in (*failed, *later)]
    assert [endings(one) for one in operations] == [[UNREACHABLE]] * 5 + [[]] * 5
    since = len(world.calls())
    await probe_next(world)
    assert [(method, path) for method, path, _ in world.calls(since)] == [("GET", "/me")]
    await world.work_off()
    ended = [await world.operation(one.id) for one in (*failed, *later)]
    assert [endings(one) for one in ended] == [[UNREACHABLE, DELIVERED]] * 5 + [[DELIVERED]] * 5
    assert not (await breaker(world)).is_open


async def test_a_host_is_shut_for_all_its_connections_and_for_no_other_host(world: World) -> None:
    near = await fleets(world, 2)
    elsewhere = await world.services.connections.create(
        fleet_id=world.connection.fleet_id,
        tsp_slug="samsara",
        credentials={"token": "t"},
        settings={"base_url": "http://127.0.0.1:9"},
    )
    world.fault("*", "/", "status", status=502, count=100)
    for one in (world, *near):
        await write_trailers(one, 2)
    await world.run_due()
    rows = await world.services.database.pool.fetch(
        "SELECT id, shut_by FROM lane_owners WHERE id = ANY($1)",
        [*(one.connection.id for one in (world, *near)), elsewhere.id],
    )
    host = f"127.0.0.1:{world.port}"
    assert {row["id"]: row["shut_by"] for row in rows} == {
        **dict.fromkeys([one.connection.id for one in (world, *near)], host),
        elsewhere.id: None,
    }
    world.simulator.faults.clear()
    await world.work_off()
    await world.services.database.pool.execute("UPDATE connections SET status = 'deleted' WHERE id = $1", elsewhere.id)


async def test_probes_of_a_host_come_at_growing_intervals_up_to_a_minute(world: World) -> None:
    world.fault("*", "/", "status", status=500, count=1000)
    await write_trailers(world, 5)
    await world.run_due()
    intervals = []
    for _ in range(7):
        intervals.append((await until_probe(world)).total_seconds())
        await probe_next(world)
    expected = [2, 4, 8, 16, 32, 60, 60]
    assert [most - 1.5 < wait <= most for most, wait in zip(expected, intervals, strict=True)] == [True] * 7


async def test_a_host_that_reads_but_does_not_write_is_left_alone_longer_each_time(world: World) -> None:
    world.fault("PATCH", "/", "status", status=500, count=1000)
    operations = [await world.write(ResourceEnum.TRAILER, {"notes": "x"}, one) for one in world.trailers[:2]]
    operations += [await world.write(ResourceEnum.VEHICLE, {"notes": "x"}, one) for one in world.vehicles[:2]]
    operations.append(await world.write(ResourceEnum.USER, {"notes": "x"}, world.drivers[0]))
    assert len(operations) == 5
    intervals = []
    for _ in range(3):
        while not (await breaker(world)).is_open:
            await world.run_next()
        intervals.append(await until_probe(world))
        await probe_next(world)
    assert intervals[0] < timedelta(seconds=2) < intervals[1] < timedelta(seconds=4) < intervals[2]
    world.simulator.faults.clear()
    await world.work_off()
    assert [(await world.operation(one.id)).status for one in operations] == [SUCCESS] * 5


async def test_one_success_in_between_keeps_a_host_open(world: World) -> None:
    for _ in range(3):
        world.fault("POST", "/fleet/trailers", "drop_before", count=4)
        await write_trailers(world, 4)
        await world.run_due()
        world.simulator.faults.clear()
        await world.write(ResourceEnum.USER, writes.DRIVER.body(world, writes.new_mark()))
        await world.run_due()
    assert not (await breaker(world)).is_open
    await world.work_off()


async def test_a_refusal_is_a_sign_of_life(world: World) -> None:
    world.fault("POST", "/fleet/trailers", "status", status=400, count=20)
    operations = await write_trailers(world, 10)
    await world.run_due()
    assert await breaker(world) == Breaker(None, 0, is_open=False)
    assert [endings(await world.operation(one.id)) for one in operations] == [[REJECTED]] * 10


async def test_one_write_that_the_host_chokes_on_does_not_stop_the_others(world: World) -> None:
    world.fault("PATCH", "/fleet/trailers", "status", status=500, count=8)
    poison = await world.write(ResourceEnum.TRAILER, {"notes": "poison"}, world.trailers[0])
    for _ in range(8):
        await world.run_next()
    assert await breaker(world) == Breaker(None, 1, is_open=False)
    await world.work_off()
    assert endings(await world.operation(poison.id)) == [FAILING] * 8 + [DELIVERED]


async def test_a_sync_write_is_told_that_the_host_is_left_alone(world: World) -> None:
    world.fault("*", "/", "status", status=500, count=1000)
    await write_trailers(world, 5)
    await world.run_due()
    since = len(world.calls())
    answer = await world.write(ResourceEnum.TRAILER, {"trailer_name": writes.new_mark()}, is_sync=True)
    assert (answer.status, endings(answer)) == (FAILED, [NOT_SENT])
    assert "host fails since" in (answer.logs[0].error_details or "")
    assert world.calls(since) == []


async def test_sync_writes_open_a_breaker_too(world: World) -> None:
    async with stopped(world):
        for _ in range(5):
            await world.write(ResourceEnum.TRAILER, {"trailer_name": writes.new_mark()}, is_sync=True)
        assert await breaker(world) == SHUT
    await probe_next(world)
    answer = await world.write(ResourceEnum.TRAILER, {"trailer_name": writes.new_mark()}, is_sync=True)
    assert answer.status is SUCCESS


async def test_a_connection_made_while_its_host_is_shut_is_shut_with_its_first_failure(world: World) -> None:
    world.fault("*", "/", "status", status=500, count=1000)
    await write_trailers(world, 5)
    await world.run_due()
    (new,) = await fleets(world, 1)
    operations = await write_trailers(new, 3)
    await world.run_due()
    assert await world.run_due() == 0
    world.simulator.faults.clear()
    await world.work_off()
    assert [(await new.operation(one.id)).status for one in operations] == [SUCCESS] * 3


async def test_a_connection_that_moves_to_another_host_is_shut_no_more(world: World) -> None:
    world.fault("*", "/", "status", status=500, count=1000)
    (moving,) = await fleets(world, 1)
    await write_trailers(world, 5)
    await world.run_due()
    settings = {**moving.connection.settings, "base_url": f"http://localhost:{world.port}"}
    await world.services.connections.replace_settings(moving.connection.id, settings)
    world.simulator.faults.clear()
    (operation,) = await write_trailers(moving)
    assert await world.run_due() == 1
    assert (await moving.operation(operation.id)).status is SUCCESS


async def test_a_paused_connection_stays_so_when_its_host_is_back(world: World) -> None:
    await write_trailers(world, 5)
    async with stopped(world):
        await world.run_due()
        await world.set_status(ConnectionStatusEnum.PAUSED)
    await probe_next(world)
    assert not (await breaker(world)).is_open
    await world.shift(timedelta(minutes=20))
    assert await world.run_due() == 0
    await world.set_status(ConnectionStatusEnum.ACTIVE)
    assert await world.run_due() == 5


async def test_two_workers_leave_a_dead_host_alone_and_lose_nothing(database_url: str, tmp_path: Path) -> None:
    # Short waits, so that what failed is due again as soon as the host is back.
    async with opened_world(database_url, tmp_path, retry_cap_s=0.05) as world, worker(world), worker(world):
        await write_trailers(world)
        async with stopped(world):
            operations = await write_trailers(world, 40)
            async with asyncio.timeout(20):
                while not (await breaker(world)).is_open:
                    await asyncio.sleep(0.01)
            operations += await write_trailers(world, 20)
        assert {(await world.operation(one.id)).status for one in operations} == {PENDING}
        await world.shift(timedelta(minutes=5))
        ended = [await until_over(world, one) for one in operations]
        assert [one.status for one in ended] == [SUCCESS] * 60
        assert [endings(one) for one in ended[-20:]] == [[DELIVERED]] * 20
        assert len(world.held("trailers")) == len(world.trailers) + 61


class TestManyLoginsRefusedAtOnce:
    async def test_it_is_the_providers_incident_and_parks_nobody(self, fresh_world: World) -> None:
        world, *others = fresh_world, *await fleets(fresh_world, 3)
        world.fault("*", "/", "status", status=401, count=1000)
        operations = [(one, (await write_trailers(one))[0]) for one in (world, *others)]
        await world.run_due()
        assert await breaker(world) == Breaker("logins", 0, is_open=True)
        assert [await status_of(one) for one in (world, *others)] == [ConnectionStatusEnum.ACTIVE] * 4
        assert await world.run_due() == 0
        await probe_next(world)
        assert (await breaker(world)).is_open
        world.simulator.faults.clear()
        await probe_next(world)
        await world.work_off()
        ended = [await one.operation(operation.id) for one, operation in operations]
        assert [(one.status, endings(one)) for one in ended] == [(SUCCESS, [AUTH, DELIVERED])] * 4

    async def test_those_that_came_first_are_parked_no_more(self, fresh_world: World) -> None:
        world, *others = fresh_world, *await fleets(fresh_world, 2)
        world.fault("*", "/", "status", status=401, count=1000)
        seen = []
        for one in (world, *others):
            await write_trailers(one)
            await world.run_due()
            seen.append(await status_of(world))
        assert seen == [ConnectionStatusEnum.STALE, ConnectionStatusEnum.STALE, ConnectionStatusEnum.ACTIVE]
        assert [len(await staled_events(world, one.connection.id)) for one in (world, *others)] == [1, 1, 0]

    async def test_refusals_that_are_far_apart_are_no_incident(self, fresh_world: World) -> None:
        world, *others = fresh_world, *await fleets(fresh_world, 3)
        world.fault("*", "/", "status", status=401, count=1000)
        for one in (world, *others):
            await write_trailers(one)
            await world.run_due()
            assert await status_of(one) is ConnectionStatusEnum.STALE
            await world.shift(timedelta(minutes=3))

    async def test_a_minority_of_refusals_is_no_incident(self, fresh_world: World) -> None:
        others = await fleets(fresh_world, 6)
        refused, accepted = [fresh_world, *others[:2]], others[2:]
        for one in accepted:
            await write_trailers(one)
        await fresh_world.run_due()
        fresh_world.fault("*", "/", "status", status=401, count=1000)
        for one in refused:
            await write_trailers(one)
        await fresh_world.run_due()
        assert {await status_of(one) for one in refused} == {ConnectionStatusEnum.STALE}

    async def test_whose_login_is_refused_after_the_incident_is_parked(self, fresh_world: World) -> None:
        world, *others = fresh_world, *await fleets(fresh_world, 2)
        world.fault("*", "/", "status", status=401, count=3)
        for one in (world, *others):
            await write_trailers(one)
        await world.run_due()
        await probe_next(world)
        world.fault("POST", "/fleet/trailers", "status", status=401, count=3)
        await world.shift(timedelta(seconds=2))
        await world.run_due()
        assert {await status_of(one) for one in (world, *others)} == {ConnectionStatusEnum.STALE}


@pytest.mark.parametrize("status", [401, 404, 429])
async def test_any_answer_but_a_failure_shows_that_a_host_is_back(world: World, status: int) -> None:
    world.fault("*", "/", "status", status=500, count=5)
    await write_trailers(world, 5)
    await world.run_due()
    world.simulator.faults.clear()
    world.fault("GET", "/me", "status", status=status)
    await probe_next(world)
    assert not (await breaker(world)).is_open


async def test_a_shut_host_with_nobody_left_to_send_for_is_opened_by_itself(world: World) -> None:
    world.fault("*", "/", "status", status=500, count=1000)
    await write_trailers(world, 5)
    await world.run_due()
    pool = world.services.database.pool
    await pool.execute("UPDATE connections SET status = 'paused' WHERE status = 'active'")
    await probe_next(world)
    assert not (await breaker(world)).is_open
    await pool.execute("UPDATE connections SET status = 'active' WHERE status = 'paused'")
