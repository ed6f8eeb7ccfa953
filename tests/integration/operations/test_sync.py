"""Writes that are delivered while the partner waits: one attempt, and its outcome at once."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import msgspec
import pytest

from fleetwrite.connectors.samsara.connector import SamsaraConnector
from fleetwrite.connectors.sdk.manifest import Reconciliation
from fleetwrite.contract.enums import ConnectionStatusEnum, ResourceEnum
from fleetwrite.contract.enums import ResourceOperationErrorTypeEnum as ErrorCategory
from fleetwrite.dispatch.models import BudgetLimit
from integration.operations import writes
from integration.operations.endings import (
    AUTH,
    DELIVERED,
    FAILING,
    NOT_SENT,
    REJECTED,
    THROTTLED,
    UNKNOWN,
    UNREACHABLE,
    Ending,
    endings,
)
from integration.operations.world import FAILED, PENDING, SUCCESS, World, opened_world

SYNC_LEASE = timedelta(seconds=41)  # the deadline of 30 s and the margin, with a second to spare


@asynccontextmanager
async def limited(world: World, *limits: BudgetLimit) -> AsyncIterator[None]:
    """Let the connection have limits for a while, none of them used yet."""
    await world.services.connection_budgets.replace(world.partner_id, world.connection.id, limits)
    try:
        yield
    finally:
        await world.services.connection_budgets.replace(world.partner_id, world.connection.id, [])
        await world.services.database.pool.execute("UPDATE budgets SET closed_until = 'epoch'")


@pytest.mark.parametrize("kind", writes.ALL, ids=lambda kind: kind.name)
async def test_a_sync_write_is_answered_with_what_became_of_it(world: World, kind: writes.Kind) -> None:
    mark = writes.new_mark()
    answer = await world.write(kind.resource, kind.body(world, mark), is_sync=True)
    assert (answer.status, endings(answer)) == (SUCCESS, [DELIVERED])
    assert len(kind.held(world, mark)) == 1
    stored = await world.operation(answer.id)
    assert (stored.source_id, stored.resource_id, stored.logs[0].id) == (
        answer.source_id,
        answer.resource_id,
        answer.logs[0].id,
    )
    assert stored.updated_at == answer.updated_at
    assert await world.waiting() == []
    names = [name for name, _ in await world.events(answer.id)]
    assert names == ["resource_operation.created", "resource_operation.succeeded"]


@pytest.mark.parametrize(
    ("status", "ending"), [(400, REJECTED), (401, AUTH), (429, THROTTLED), (500, FAILING)], ids=str
)
async def test_a_sync_write_that_fails_is_not_tried_again(world: World, status: int, ending: Ending) -> None:
    world.fault("PATCH", "/fleet/trailers", "status", status=status)
    since = len(world.calls())
    async with limited(world):
        answer = await world.write(ResourceEnum.TRAILER, {"notes": "x"}, world.trailers[0], is_sync=True)
        assert (answer.status, endings(answer)) == (FAILED, [ending])
        assert await world.waiting() == []
    assert len(world.calls(since)) == 1
    names = [name for name, _ in await world.events(answer.id)]
    assert names == ["resource_operation.created", "resource_operation.failed"]


async def test_a_throttled_sync_write_holds_back_the_others_under_the_same_limits(world: World) -> None:
    async with limited(world):
        world.fault("POST", "/fleet/trailers", "status", status=429, headers={"Retry-After": "30"})
        answer = await world.write(ResourceEnum.TRAILER, {"trailer_name": writes.new_mark()}, is_sync=True)
        assert endings(answer) == [THROTTLED]
        await world.write(ResourceEnum.TRAILER, {"trailer_name": writes.new_mark()})
        assert await world.run_due() == 0
        await world.shift(timedelta(seconds=30))
        assert await world.run_due() == 1


async def test_a_provider_that_is_not_there_is_reported(world: World) -> None:
    await world.simulator.stop()
    try:
        answer = await world.write(ResourceEnum.TRAILER, {"trailer_name": writes.new_mark()}, is_sync=True)
    finally:
        await world.restart_simulator()
    assert (answer.status, endings(answer)) == (FAILED, [UNREACHABLE])
    assert await world.waiting() == []


@pytest.fixture
def swift_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    """A provider that commits at once what it commits at all, so that nobody need wait to be sure."""
    settled = Reconciliation(settle_s=0.01, clock_allowance_s=30)
    manifest = msgspec.structs.replace(SamsaraConnector.manifest, reconciliation=settled)
    monkeypatch.setattr(SamsaraConnector, "manifest", manifest)


@pytest.mark.usefixtures("swift_provider")
@pytest.mark.parametrize("kind", writes.FINDABLE, ids=lambda kind: kind.name)
async def test_a_lost_answer_is_looked_up_at_once(world: World, kind: writes.Kind) -> None:
    arrived, lost = writes.new_mark(), writes.new_mark()
    world.fault("POST", kind.path, "commit_then_drop")
    found = await world.write(kind.resource, kind.body(world, arrived), is_sync=True)
    assert (found.status, endings(found), len(kind.held(world, arrived))) == (SUCCESS, [DELIVERED], 1)
    world.fault("POST", kind.path, "drop_before")
    absent = await world.write(kind.resource, kind.body(world, lost), is_sync=True)
    assert (absent.status, endings(absent), kind.held(world, lost)) == (FAILED, [UNREACHABLE], [])
    assert await world.waiting() == []


async def test_a_lost_answer_may_be_found_late_but_not_missed(world: World) -> None:
    """The first look comes too early: what is not there yet is looked for again after the provider's time."""
    mark, since = writes.new_mark(), len(world.calls())
    world.fault("POST", "/v1/fleet/messages", "commit_then_drop")
    world.fault("GET", "/v1/fleet/messages", "status", status=200, body={"data": []})
    answer = await world.write(ResourceEnum.MESSAGE, writes.MESSAGE.body(world, mark), is_sync=True)
    assert (answer.status, endings(answer)) == (SUCCESS, [DELIVERED])
    assert [method for method, _, _ in world.calls(since)] == ["POST", "GET", "GET"]


async def test_without_time_for_a_second_look_nobody_says_that_it_is_not_there(
    database_url: str, tmp_path: Path
) -> None:
    async with opened_world(database_url, tmp_path, sync_deadline_s=3.0) as world:
        world.fault("POST", "/fleet/trailers", "drop_before")
        answer = await world.write(ResourceEnum.TRAILER, {"trailer_name": writes.new_mark()}, is_sync=True)
        assert (answer.status, endings(answer)) == (FAILED, [UNKNOWN])
        assert "not at the provider yet" in (answer.logs[0].error_details or "")


@pytest.mark.parametrize("kind", writes.NOT_FINDABLE, ids=lambda kind: kind.name)
async def test_a_lost_answer_that_can_not_be_looked_up_is_said_to_be_unknown(world: World, kind: writes.Kind) -> None:
    mark = writes.new_mark()
    world.fault("POST", kind.path, "commit_then_drop")
    answer = await world.write(kind.resource, kind.body(world, mark), is_sync=True)
    assert (answer.status, endings(answer), len(kind.held(world, mark))) == (FAILED, [UNKNOWN], 1)


async def test_a_lost_answer_whose_look_up_fails_is_said_to_be_unknown(world: World) -> None:
    world.fault("POST", "/fleet/trailers", "commit_then_drop")
    world.fault("GET", "/fleet/trailers", "status", status=500)
    answer = await world.write(ResourceEnum.TRAILER, {"trailer_name": writes.new_mark()}, is_sync=True)
    assert (answer.status, endings(answer)) == (FAILED, [UNKNOWN])


async def test_a_lost_answer_that_can_not_be_looked_up_in_time_is_never_called_not_sent(world: World) -> None:
    mark = writes.new_mark()
    world.fault("POST", "/fleet/trailers", "commit_then_drop")
    async with limited(world, BudgetLimit(scope="token", requests=1, per_seconds=1000.0)):
        answer = await world.write(ResourceEnum.TRAILER, {"trailer_name": mark}, is_sync=True)
    assert len(world.held("trailers", name=mark)) == 1
    assert (answer.status, endings(answer)) == (FAILED, [UNKNOWN])


@pytest.mark.parametrize(
    ("status", "ending"),
    [(ConnectionStatusEnum.PAUSED, NOT_SENT), (ConnectionStatusEnum.STALE, (ErrorCategory.AUTH, "not_sent"))],
    ids=["paused", "stale"],
)
async def test_a_connection_that_is_not_active_sends_nothing(
    world: World, status: ConnectionStatusEnum, ending: Ending
) -> None:
    since = len(world.calls())
    await world.set_status(status)
    answer = await world.write(ResourceEnum.TRAILER, {"trailer_name": writes.new_mark()}, is_sync=True)
    await world.set_status(ConnectionStatusEnum.ACTIVE)
    assert (answer.status, endings(answer)) == (FAILED, [ending])
    assert status.value in (answer.logs[0].error_details or "")
    assert (world.calls(since), await world.waiting()) == ([], [])


async def test_limits_that_leave_no_room_in_time_are_told_with_the_wait(world: World) -> None:
    since = len(world.calls())
    async with limited(world, BudgetLimit(scope="token", requests=1, per_seconds=500.0)):
        first = await world.write(ResourceEnum.TRAILER, {"trailer_name": writes.new_mark()}, is_sync=True)
        second = await world.write(ResourceEnum.TRAILER, {"trailer_name": writes.new_mark()}, is_sync=True)
    assert first.status is SUCCESS
    assert (second.status, endings(second)) == (FAILED, [NOT_SENT])
    details = second.logs[0].error_details or ""
    assert 495 < float(details.rpartition(" in ")[2].removesuffix(" s")) < 520
    assert (len(world.calls(since)), await world.waiting()) == (1, [])


async def test_a_slot_that_leaves_no_time_for_an_answer_is_not_waited_for(world: World) -> None:
    """A message begun in the last second would end as one of which nobody knows."""
    since = len(world.calls())
    async with limited(world, BudgetLimit(scope="token", requests=1, per_seconds=29.0)):
        for _ in range(2):
            answer = await world.write(
                ResourceEnum.MESSAGE, writes.MESSAGE.body(world, writes.new_mark()), is_sync=True
            )
    assert (answer.status, endings(answer)) == (FAILED, [NOT_SENT])
    assert len(world.calls(since)) == 1


async def test_a_client_that_hangs_up_leaves_no_write_half_settled(world: World) -> None:
    mark = writes.new_mark()
    world.fault("POST", "/fleet/trailers", "delay", delay_s=0.2)
    writing = asyncio.create_task(world.write(ResourceEnum.TRAILER, {"trailer_name": mark}, is_sync=True))
    async with asyncio.timeout(10):
        while not await world.waiting():
            await asyncio.sleep(0.01)
        writing.cancel()
        while await world.waiting():
            await asyncio.sleep(0.01)
    (operation_id,) = await ids_of(world, mark)
    assert (await world.operation(operation_id)).status is SUCCESS


async def test_a_sync_write_whose_process_died_is_looked_up_and_never_sent(world: World) -> None:
    arrived, unsent = writes.new_mark(), writes.new_mark()
    operations = [await leave_in_flight(world, mark) for mark in (arrived, unsent)]
    session = await world.services.egress.request(
        "POST",
        f"http://127.0.0.1:{world.port}/fleet/trailers",
        headers={"Authorization": "Bearer samsara_api_demo_northwind", "Content-Type": "application/json"},
        body=b'{"name":"%s","externalIds":{"fleetwriteOperation":"%s"}}'
        % (arrived.encode(), operations[0].hex.encode()),
        timeout_s=10,
    )
    assert session.status == 200
    await world.shift(SYNC_LEASE)
    since = len(world.calls())
    await world.work_off()
    found, absent = [await world.operation(operation_id) for operation_id in operations]
    assert (found.status, endings(found)) == (SUCCESS, [UNKNOWN, DELIVERED])
    assert (absent.status, endings(absent)) == (FAILED, [UNKNOWN, UNREACHABLE])
    assert {method for method, _, _ in world.calls(since)} == {"GET"}


async def test_a_sync_write_whose_process_died_waits_for_a_slot_to_be_looked_up(world: World) -> None:
    operation_id = await leave_in_flight(world, writes.new_mark())
    async with limited(world, BudgetLimit(scope="token", requests=1, per_seconds=1000.0)):
        await world.services.dispatch.take_slot(world.connection.id, ["token"], within_s=0.0)
        await world.shift(SYNC_LEASE)
        await world.run_due()
        waiting = await world.operation(operation_id)
        assert (waiting.status, endings(waiting)) == (PENDING, [UNKNOWN])
        await world.work_off()
    ended = await world.operation(operation_id)
    assert (ended.status, endings(ended)) == (FAILED, [UNKNOWN, UNREACHABLE])


async def test_events_of_sync_writes_can_be_turned_off(database_url: str, tmp_path: Path) -> None:
    async with opened_world(database_url, tmp_path, sync_events=False) as world:
        sync = await world.write(ResourceEnum.TRAILER, {"trailer_name": "a"}, is_sync=True)
        other = await world.deliver(ResourceEnum.TRAILER, {"trailer_name": "b"})
        assert sync.status is other.status is SUCCESS
        assert await world.events(sync.id) == []
        assert len(await world.events(other.id)) == 2


async def test_a_sync_write_ends_by_its_deadline(database_url: str, tmp_path: Path) -> None:
    async with opened_world(database_url, tmp_path, sync_deadline_s=0.5) as world:
        world.fault("POST", "/v1/fleet/messages", "delay", delay_s=20.0)
        async with asyncio.timeout(15):
            answer = await world.write(
                ResourceEnum.MESSAGE, writes.MESSAGE.body(world, writes.new_mark()), is_sync=True
            )
        assert (answer.status, endings(answer)) == (FAILED, [UNKNOWN])


async def ids_of(world: World, mark: str) -> Sequence[UUID]:
    query = "SELECT id FROM operations WHERE payload::text LIKE '%' || $1 || '%'"
    return [row["id"] for row in await world.services.database.pool.fetch(query, mark)]


async def leave_in_flight(world: World, mark: str) -> UUID:
    """Accept a sync write as a process does that dies before it sends it."""
    request = world.request(ResourceEnum.TRAILER, {"trailer_name": mark}, is_sync=True)
    acceptance = await world.services.operations._acceptor.accept(request)
    return acceptance.answer.id
