"""Pulls that are interrupted, put off or refused, and what becomes of their schedules."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from fleetwrite.contract.enums import ConnectionStatusEnum, ScheduleStatusEnum
from fleetwrite.contract.integrations import ExecutionRead
from fleetwrite.contract.notifications import BaseExecutionEvent, BaseScheduleEvent
from fleetwrite.dispatch.models import BudgetLimit
from fleetwrite.pulls import handler
from fleetwrite.pulls.models import STUMBLE_DELAYS_S
from integration.operations.world import LEASE, World
from integration.pulls.looking import (
    TRAILER,
    USER,
    VEHICLE,
    executions,
    listen,
    names_in,
    only,
    pull_once,
    schedule,
    share,
    told,
)

OFFICE, DRIVERS = "/users", "/fleet/drivers"


async def list_calls(world: World, since: int = 0) -> list[tuple[str, str]]:
    """Which lists were asked for, with their states: the users are three lists."""
    entries = [msgspec.json.decode(entry) for page in world.simulator.storage.log_pages(since) for entry in page]
    return [
        (entry["path"], entry["query"].get("driverActivationStatus", ""))
        for entry in entries
        if entry["method"] == "GET"
    ]


def logged(world: World) -> int:
    """Where the simulator's log ends."""
    return sum(len(page) for page in world.simulator.storage.log_pages(0))


async def until_faulty(world: World) -> None:
    """Wait until the last fault that was asked for has begun."""
    async with asyncio.timeout(30):
        while world.simulator.faults.left():
            await asyncio.sleep(0.01)


async def test_a_pull_that_died_goes_on_behind_the_last_page_that_was_stored(world: World) -> None:
    await only(world, USER)
    since = logged(world)
    await world.services.schedules.pull_soon([world.connection.id])
    # The third list of the three hangs, and the worker dies meanwhile.
    world.fault("GET", OFFICE, "delay", delay_s=0.001)
    world.fault("GET", DRIVERS, "delay", delay_s=0.001)
    world.fault("GET", DRIVERS, "delay", delay_s=60)
    dying = asyncio.create_task(world.run_pulls(await world.claim_pulls()))
    await until_faulty(world)
    dying.cancel()
    await asyncio.wait([dying])
    assert await list_calls(world, since) == [(OFFICE, ""), (DRIVERS, "active")]
    (*_, pending) = await executions(world, USER)
    assert (pending["status"], pending["pages"]) == ("pending", 2)
    assert pending["cursor"].startswith("deactivated")

    since = logged(world)
    await world.shift(LEASE + timedelta(seconds=1))
    jobs = await world.claim_pulls()
    assert [job.interrupted for job in jobs] == [True]
    await world.run_pulls(jobs)

    # The office users are read once more, to tell them from drivers; the drivers that were stored are not.
    assert await list_calls(world, since) == [(OFFICE, ""), (DRIVERS, "deactivated")]
    (*_, ended) = await executions(world, USER)
    assert (ended["id"], ended["status"], ended["pages"]) == (pending["id"], "success", 3)
    assert await world.services.database.pool.fetchval("SELECT count(*) FROM pulled_pages") == 0
    assert (
        await world.services.database.pool.fetchval("SELECT count(*) FROM records WHERE deleted_at > created_at") == 0
    )


async def test_who_lost_the_lease_stores_nothing(world: World) -> None:
    await only(world, USER)
    await world.services.schedules.pull_soon([world.connection.id])
    jobs = await world.claim_pulls()
    await world.shift(LEASE + timedelta(seconds=1))
    others = await world.claim_pulls()
    before = await executions(world, USER)
    await world.run_pulls(jobs)
    assert await executions(world, USER) == before
    await world.run_pulls(others)
    assert len(await executions(world, USER)) == len(before) + 1


async def test_a_claim_reads_so_many_pages_and_the_next_one_goes_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await only(world, USER)
    monkeypatch.setattr(handler, "PAGES_PER_CLAIM", 1)
    before = len(await executions(world, USER))
    assert await pull_once(world) == 1
    pages = [(await executions(world, USER))[-1]["pages"]]
    while jobs := await world.claim_pulls():
        await world.run_pulls(jobs)
        pages.append((await executions(world, USER))[-1]["pages"])
    assert pages == [1, 2, 3]
    assert len(await executions(world, USER)) == before + 1


async def test_calls_of_pulls_keep_to_the_budgets(world: World) -> None:
    await world.services.connection_budgets.replace(
        world.partner_id, world.connection.id, [BudgetLimit(scope="token", requests=20, per_seconds=1.0)]
    )
    since = logged(world)
    await world.pull()
    entries = [msgspec.json.decode(entry) for page in world.simulator.storage.log_pages(since) for entry in page]
    calls = [entry["at"] for entry in entries]
    assert len(calls) == 5
    # The first may have been late; the others are not nearer to it than the limit says, but for that.
    assert calls[-1] - calls[0] >= 3 / 20


async def test_a_write_that_waits_goes_first(world: World) -> None:
    await world.services.connection_budgets.replace(
        world.partner_id, world.connection.id, [BudgetLimit(scope="token", requests=50, per_seconds=1.0)]
    )
    await world.write(TRAILER, {"trailer_name": "Urgent"})
    since = logged(world)
    assert await pull_once(world) == 3
    assert world.calls(since) == []
    assert [len(await executions(world, one)) for one in (VEHICLE, TRAILER, USER)] == [1, 1, 1]
    assert (await schedule(world, VEHICLE)).consecutive_error_count == 0

    await world.work_off()
    assert [(method, path) for method, path, _ in world.calls(since)] == [("POST", "/fleet/trailers")]
    await world.pull()
    assert len(world.calls(since)) == 6


async def test_a_write_of_another_budget_keeps_no_pull_waiting(world: World) -> None:
    await world.services.connection_budgets.replace(
        world.partner_id,
        world.connection.id,
        [BudgetLimit(scope="endpoint:POST /fleet/trailers", requests=1, per_seconds=60.0)],
    )
    await world.write(TRAILER, {"trailer_name": "Slow"})
    since = logged(world)
    await world.pull()
    assert [method for method, _, _ in world.calls(since)] == ["GET"] * 5


async def test_a_pull_counts_against_the_calls_that_may_be_in_flight(world: World) -> None:
    await only(world, VEHICLE)
    await world.services.connection_budgets.replace(
        world.partner_id, world.connection.id, [BudgetLimit(scope="token", in_flight=1)]
    )
    world.fault("GET", "/fleet/vehicles", "delay", delay_s=0.3)
    await world.services.schedules.pull_soon([world.connection.id])
    pulling = asyncio.create_task(world.run_pulls(await world.claim_pulls()))
    await until_faulty(world)
    await world.write(TRAILER, {"trailer_name": "Next"})
    assert await world.claim() == []
    await pulling
    await world.work_off()
    assert [path for method, path, _ in world.calls() if method == "POST"] == ["/fleet/trailers"]


async def test_a_page_that_can_not_be_read_is_asked_for_again_and_counts_as_no_error(world: World) -> None:
    await only(world, USER)
    world.fault("GET", DRIVERS, "status", status=500)
    assert await pull_once(world) == 1
    (*_, pending) = await executions(world, USER)
    assert (pending["status"], pending["failures"], pending["pages"]) == ("pending", 1, 1)
    assert await world.claim_pulls() == []

    since = logged(world)
    await world.shift(timedelta(seconds=STUMBLE_DELAYS_S[0] + 1))
    world.fault("GET", DRIVERS, "drop_before")
    await world.run_pulls(await world.claim_pulls())
    await world.shift(timedelta(seconds=STUMBLE_DELAYS_S[1] + 1))
    await world.run_pulls(await world.claim_pulls())

    (*_, ended) = await executions(world, USER)
    assert (ended["id"], ended["status"], ended["failures"]) == (pending["id"], "success", 0)
    assert [state for path, state in await list_calls(world, since) if path == DRIVERS] == [
        "active",
        "active",
        "deactivated",
    ]
    assert (await schedule(world, USER)).consecutive_error_count == 0


async def test_an_execution_that_failed_is_told_with_what_the_provider_answered(world: World) -> None:
    await listen(world, "execution.failed", "schedule.deactivated", "user.*")
    await only(world, VEHICLE)
    secret = world.simulator.demo_accounts()[0].credentials["token"]
    body = {"message": f"no way for {secret}", "token": "abc", "requestId": "r-1", "more": "x" * 10_000}
    world.fault("GET", "/fleet/vehicles", "status", status=400, body=body, headers={"X-Request-ID": "r-1", "Via": "p"})
    await pull_once(world)

    (*_, failed) = await executions(world, VEHICLE)
    response = failed["response"]
    assert failed["status"] == "failed"
    assert response.keys() == {"error", "status_code", "headers", "body"}
    assert (response["status_code"], response["headers"]) == (400, {"X-Request-ID": "r-1"})
    assert "no way for *****" in response["body"]
    assert len(response["body"]) < 5000
    assert secret not in str(response)
    assert '"abc"' not in str(response)

    ((name, data),) = await told(world)
    assert name == "execution.failed"
    event = msgspec.convert(data, BaseExecutionEvent)
    assert data.keys() == set(BaseExecutionEvent.__struct_fields__)
    assert (event.id, event.status, event.resource) == (failed["id"], "failed", "vehicle")
    one = await schedule(world, VEHICLE)
    assert (one.status, one.consecutive_error_count) == ("active", 1)
    assert await world.claim_pulls() == []

    await world.pull()
    assert (await schedule(world, VEHICLE)).consecutive_error_count == 0


async def test_a_failure_is_told_to_those_alone_who_may_read_what_was_to_be_read(world: World) -> None:
    await only(world, VEHICLE)
    for shared, count in ((TRAILER, 0), (VEHICLE, 1)):
        await share(world, shared)
        world.fault("GET", "/fleet/vehicles", "status", status=400)
        await pull_once(world)
        assert names_in(await told(world)) == ["execution.failed"] * count


async def test_after_too_many_errors_a_schedule_is_inactive_until_it_is_activated(world: World) -> None:
    await listen(world, "execution.failed", "schedule.deactivated")
    await only(world, VEHICLE)
    one = await schedule(world, VEHICLE)
    await world.services.schedules.change(world.connection.id, one.id, {"consecutive_error_threshold": 2})
    world.fault("GET", "/fleet/vehicles", "status", status=403, count=2)
    await pull_once(world)
    await pull_once(world)

    one = await schedule(world, VEHICLE)
    assert (one.status, one.consecutive_error_count) == ("inactive", 2)
    events = await told(world)
    assert names_in(events) == ["execution.failed", "execution.failed", "schedule.deactivated"]
    data = dict(events)["schedule.deactivated"]
    assert data.keys() == set(BaseScheduleEvent.__struct_fields__)
    assert msgspec.convert(data, BaseScheduleEvent).status == "inactive"
    await world.shift(timedelta(days=1))
    assert await world.claim_pulls() == []

    active = await world.services.schedules.activate(world.connection.id, one.id)
    assert (active.status, active.consecutive_error_count) == ("active", 0)
    await world.run_pulls(await world.claim_pulls())
    assert (await executions(world, VEHICLE))[-1]["status"] == "success"


async def test_a_host_that_fails_all_the_time_is_an_error_after_three_tries(world: World) -> None:
    await only(world, VEHICLE)
    world.fault("GET", "/fleet/vehicles", "status", status=500, count=3)
    before = len(await executions(world, VEHICLE))
    await world.services.schedules.pull_soon([world.connection.id])
    for delay_s in (*STUMBLE_DELAYS_S, 0):
        assert (await schedule(world, VEHICLE)).consecutive_error_count == 0
        await world.run_pulls(await world.claim_pulls())
        await world.shift(timedelta(seconds=delay_s + 1))
    assert [one["status"] for one in await executions(world, VEHICLE)][before:] == ["failed"]
    assert (await schedule(world, VEHICLE)).consecutive_error_count == 1


async def test_being_throttled_is_no_error(world: World) -> None:
    await only(world, VEHICLE)
    world.fault("GET", "/fleet/vehicles", "status", status=429, headers={"Retry-After": "40"})
    since = logged(world)
    await pull_once(world)
    one = await schedule(world, VEHICLE)
    assert (one.status, one.consecutive_error_count) == ("active", 0)
    await world.shift(timedelta(seconds=30))
    assert await world.claim_pulls() == []
    await world.shift(timedelta(seconds=11))
    await world.run_pulls(await world.claim_pulls())
    assert [status for _, _, status in world.calls(since)] == [429, 200]
    assert (await executions(world, VEHICLE))[-1]["status"] == "success"


async def test_a_refused_login_parks_the_connection_and_is_no_error(world: World) -> None:
    await listen(world, "connection.staled", "execution.failed")
    world.fault("GET", "/fleet/vehicles", "status", status=401)
    await only(world, VEHICLE)
    await pull_once(world)
    connection = await world.services.connections.get(world.partner_id, world.connection.id)
    assert connection.status is ConnectionStatusEnum.STALE
    assert (await schedule(world, VEHICLE)).consecutive_error_count == 0
    assert names_in(await told(world)) == ["connection.staled"]
    await world.services.schedules.pull_soon([world.connection.id])
    assert await world.claim_pulls() == []

    await world.set_status(ConnectionStatusEnum.ACTIVE)
    await world.run_pulls(await world.claim_pulls())
    assert (await executions(world, VEHICLE))[-1]["status"] == "success"


async def test_a_paused_connection_does_not_pull(world: World) -> None:
    await world.set_status(ConnectionStatusEnum.PAUSED)
    await world.services.schedules.pull_soon([world.connection.id])
    await world.shift(timedelta(days=1))
    assert await world.claim_pulls() == []
    assert (await schedule(world, VEHICLE)).consecutive_error_count == 0
    await world.set_status(ConnectionStatusEnum.ACTIVE)
    assert len(await world.claim_pulls()) == 3


async def test_a_schedule_that_is_paused_under_way_stops_behind_its_page_and_goes_on_there(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await only(world, USER)
    one = await schedule(world, USER)
    store_page = world.services.pull_handler._storer.store_page

    async def paused_meanwhile(*page: Any, **how: Any) -> Any:
        monkeypatch.undo()
        await world.services.schedules.change(world.connection.id, one.id, {"status": ScheduleStatusEnum.PAUSED})
        return await store_page(*page, **how)

    monkeypatch.setattr(world.services.pull_handler._storer, "store_page", paused_meanwhile)
    await pull_once(world)
    await world.shift(timedelta(days=1))
    assert await world.claim_pulls() == []
    (*_, pending) = await executions(world, USER)
    assert (pending["status"], pending["pages"]) == ("pending", 1)

    await world.services.schedules.activate(world.connection.id, one.id)
    await world.run_pulls(await world.claim_pulls())
    (*_, ended) = await executions(world, USER)
    assert (ended["id"], ended["status"], ended["pages"]) == (pending["id"], "success", 3)


async def test_a_broken_connector_is_an_error_and_not_tried_for_ever(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await only(world, VEHICLE)

    async def broken(*_: Any) -> AsyncIterator[Any]:
        item: dict[str, Any] = {}
        yield item["id"]

    monkeypatch.setattr(world.services.registry.get("samsara"), "list_records", broken)
    await pull_once(world)
    (*_, failed) = await executions(world, VEHICLE)
    assert failed["response"] == {"error": "KeyError in the connector"}
    assert (await schedule(world, VEHICLE)).consecutive_error_count == 1


async def test_executions_are_shown_as_they_ended(world: World) -> None:
    one = await schedule(world, VEHICLE)
    rows = await executions(world, VEHICLE)
    assert [row["status"] for row in rows] == ["success"]
    assert {field.name for field in msgspec.structs.fields(ExecutionRead)} - set(rows[0].keys()) == {
        *("connection_id", "fleet_id", "source_name", "resource")
    }
    assert rows[0]["schedule_id"] == one.id
