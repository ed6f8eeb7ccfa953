"""Calling operations off, trying them anew, and seeing where they stand."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from fleetwrite.contract.enums import ConnectionStatusEnum, MessagePriorityEnum, ResourceEnum
from fleetwrite.contract.enums import ResourceOperationErrorTypeEnum as ErrorCategory
from fleetwrite.contract.telematics import ResourceOperation
from fleetwrite.dispatch.insight import WaitState
from fleetwrite.dispatch.models import BudgetLimit
from fleetwrite.kit.clock import database_now
from fleetwrite.operations.control import Batch
from fleetwrite.operations.errors import (
    MayBeWrittenError,
    NewerWriteError,
    OperationNotFoundError,
    OperationStateError,
    ReferenceUsedError,
    SecretNotFoundError,
)
from fleetwrite.operations.listing import FilterQuery, OutcomeCode
from integration.operations import writes
from integration.operations.endings import DELIVERED, REJECTED, UNKNOWN, endings
from integration.operations.world import FAILED, PENDING, SUCCESS, World

TRAILER = ResourceEnum.TRAILER
MESSAGE = ResourceEnum.MESSAGE
CANCELLED = (ErrorCategory.VALIDATION, "cancelled")


def trailer() -> dict[str, Any]:
    return {"trailer_name": writes.new_mark()}


async def failed(world: World) -> ResourceOperation:
    """An operation that the provider refused once."""
    world.fault("POST", "/fleet/trailers", "status", status=400)
    operation = await world.write(TRAILER, trailer())
    await world.work_off()
    return operation


@pytest.fixture
async def paused(world: World) -> AsyncIterator[World]:
    """The world while its connection is paused."""
    await world.set_status(ConnectionStatusEnum.PAUSED)
    yield world
    await world.set_status(ConnectionStatusEnum.ACTIVE)


async def test_a_waiting_operation_is_called_off_and_never_sent(world: World) -> None:
    body = trailer()
    operation = await world.write(TRAILER, body)
    cancelled = await world.services.control.cancel(world.partner_id, operation.id)
    assert (cancelled.status, endings(cancelled), cancelled.outcome) == (FAILED, [CANCELLED], OutcomeCode.CANCELLED)
    assert (cancelled.logs[0].response_status_code, cancelled.logs[0].response_headers) == (None, None)
    assert cancelled.waiting is None
    assert await world.waiting() == []
    await world.work_off()
    assert world.held("trailers", name=body["trailer_name"]) == []
    names = [name for name, _ in await world.events(operation.id)]
    assert names == ["resource_operation.created", "resource_operation.failed"]


async def test_what_belongs_to_a_cancelled_write_goes_with_it(world: World) -> None:
    before = await world.rows()
    driver = await world.write(ResourceEnum.USER, writes.DRIVER.body(world, writes.new_mark()))
    purchase = writes.FUEL.body(world, writes.new_mark())
    fuel = await world.write(ResourceEnum.FUEL_TRANSACTION, purchase)
    for operation in (driver, fuel):
        await world.services.control.cancel(world.partner_id, operation.id)
    after = await world.rows()
    assert [after[name] - before[name] for name in ("operation_secrets", "reference_ledger", "jobs")] == [0, 0, 0]
    assert (await world.deliver(ResourceEnum.FUEL_TRANSACTION, purchase)).status is SUCCESS


async def test_cancelling_lets_the_next_write_to_the_record_go(world: World) -> None:
    later = await in_an_hour(world)
    first = await world.write(TRAILER, {"notes": "1"}, world.trailers[0], not_before=later)
    second = await world.write(TRAILER, {"notes": "2"}, world.trailers[0])
    third = await world.write(TRAILER, {"notes": "3"}, world.trailers[0])
    assert await world.run_due() == 0
    await world.services.control.cancel(world.partner_id, second.id)
    assert await world.run_due() == 0
    await world.services.control.cancel(world.partner_id, first.id)
    assert await world.run_due() == 1
    assert (await world.operation(third.id)).status is SUCCESS


async def in_an_hour(world: World) -> Any:
    async with world.services.database.acquire() as connection:
        return await database_now(connection) + timedelta(hours=1)


async def test_what_is_being_sent_or_has_ended_can_not_be_called_off(world: World) -> None:
    operation = await world.write(TRAILER, trailer())
    jobs = await world.claim()
    with pytest.raises(OperationStateError, match="too late"):
        await world.services.control.cancel(world.partner_id, operation.id)
    await world.run(jobs)
    with pytest.raises(OperationStateError, match="success"):
        await world.services.control.cancel(world.partner_id, operation.id)
    assert endings(await world.operation(operation.id)) == [DELIVERED]


async def test_what_may_have_been_sent_can_not_be_called_off(world: World) -> None:
    operation = await world.write(TRAILER, trailer())
    world.fault("POST", "/fleet/trailers", "commit_then_drop")
    world.fault("GET", "/", "status", status=500)
    await world.run_due()
    assert (await world.operation(operation.id)).status is PENDING
    with pytest.raises(OperationStateError, match="may have reached"):
        await world.services.control.cancel(world.partner_id, operation.id)
    world.simulator.faults.clear()
    await world.work_off()
    assert (await world.operation(operation.id)).status is SUCCESS


async def test_what_failed_once_and_waits_to_be_tried_again_can_be_called_off(world: World) -> None:
    operation = await world.write(TRAILER, trailer())
    world.fault("POST", "/fleet/trailers", "status", status=429, headers={"Retry-After": "30"})
    await world.run_due()
    cancelled = await world.services.control.cancel(world.partner_id, operation.id)
    assert [code for _, code in endings(cancelled)] == ["throttled", "cancelled"]
    await world.shift(timedelta(seconds=31))


async def test_a_failed_operation_is_tried_anew_as_the_same_operation(world: World) -> None:
    operation = await failed(world)
    again = await world.services.control.retry(world.partner_id, operation.id, force=False)
    assert (again.id, again.status, again.outcome, again.settled_at) == (operation.id, PENDING, None, None)
    await world.work_off()
    ended = await world.operation(operation.id)
    assert (ended.status, endings(ended)) == (SUCCESS, [REJECTED, DELIVERED])
    names = [name.removeprefix("resource_operation.") for name, _ in await world.events(operation.id)]
    assert names == ["created", "failed", "succeeded"]


async def test_a_retry_has_a_new_deadline_and_its_old_priority(world: World) -> None:
    world.fault("POST", "/fleet/trailers", "status", status=400)
    operation = await world.write(TRAILER, trailer(), priority=MessagePriorityEnum.HIGH)
    await world.work_off()
    await world.shift(timedelta(days=6))
    again = await world.services.control.retry(world.partner_id, operation.id, force=False)
    assert again.expires_at - operation.created_at > timedelta(days=12)
    assert again.waiting is not None
    assert again.waiting.priority == 0
    await world.work_off()


async def test_only_what_failed_can_be_tried_anew(world: World) -> None:
    operation = await world.write(TRAILER, trailer())
    for status in ("pending", "success"):
        with pytest.raises(OperationStateError, match=status):
            await world.services.control.retry(world.partner_id, operation.id, force=True)
        await world.work_off()


async def test_old_data_does_not_win_over_a_later_write_unless_forced(world: World) -> None:
    retry = world.services.control.retry
    world.fault("PATCH", "/fleet/trailers", "status", status=400)
    old = await world.deliver(TRAILER, {"notes": writes.new_mark()}, world.trailers[1])
    new = await world.write(TRAILER, {"notes": writes.new_mark()}, world.trailers[1])
    with pytest.raises(NewerWriteError, match=str(new.id)):
        await retry(world.partner_id, old.id, force=False)
    await world.work_off()
    with pytest.raises(NewerWriteError, match=str(new.id)):
        await retry(world.partner_id, old.id, force=False)
    await retry(world.partner_id, old.id, force=True)
    await world.work_off()
    assert len(world.held("trailers", notes=old.payload["notes"])) == 1


async def test_a_later_write_that_failed_as_well_does_not_stand_in_the_way(world: World) -> None:
    world.fault("PATCH", "/fleet/trailers", "status", status=400, count=2)
    old = await world.deliver(TRAILER, {"notes": writes.new_mark()}, world.trailers[2])
    await world.deliver(TRAILER, {"notes": writes.new_mark()}, world.trailers[2])
    await world.services.control.retry(world.partner_id, old.id, force=False)
    await world.work_off()
    assert (await world.operation(old.id)).status is SUCCESS


async def test_a_retry_waits_for_writes_to_the_record_that_were_accepted_before_it(world: World) -> None:
    world.fault("PATCH", "/fleet/trailers", "status", status=400)
    old = await world.deliver(TRAILER, {"notes": "old"}, world.trailers[0])
    new = await world.write(TRAILER, {"notes": "new"}, world.trailers[0])
    again = await world.services.control.retry(world.partner_id, old.id, force=True)
    assert again.waiting is not None
    assert (again.waiting.state, again.waiting.behind_operation_id) == (WaitState.BEHIND, new.id)
    await world.work_off()
    assert len(world.held("trailers", notes="old")) >= 1


async def test_what_may_be_written_is_not_repeated_unless_forced(fresh_world: World) -> None:
    world, fuel = fresh_world, ResourceEnum.FUEL_TRANSACTION
    world.fault("POST", "/fuel-purchase", "commit_then_drop")
    operation = await world.deliver(fuel, writes.FUEL.body(world, writes.new_mark()))
    assert (operation.status, endings(operation)) == (FAILED, [UNKNOWN])
    with pytest.raises(MayBeWrittenError):
        await world.services.control.retry(world.partner_id, operation.id, force=False)
    assert (await world.operation(operation.id)).status is FAILED
    again = await world.services.control.retry(world.partner_id, operation.id, force=True)
    assert again.status is PENDING


async def test_a_forced_retry_looks_first_where_that_can_tell(fresh_world: World) -> None:
    world, mark = fresh_world, writes.new_mark()
    world.fault("POST", "/fleet/drivers", "commit_then_drop")
    world.fault("GET", "/fleet/drivers", "status", status=500, count=1000)
    body = writes.DRIVER.body(world, mark)
    operation = await world.write(ResourceEnum.USER, body)
    await world.run_due()
    await world.shift(timedelta(days=8))
    await world.run_due()
    assert endings(await world.operation(operation.id))[-1] == UNKNOWN
    with pytest.raises(SecretNotFoundError):
        await world.services.operations.collect_secrets(world.partner_id, operation.id)
    world.simulator.faults.clear()
    since = len(world.calls())
    await world.services.control.retry(world.partner_id, operation.id, force=True)
    await world.work_off()
    assert (await world.operation(operation.id)).status is SUCCESS
    assert all(method == "GET" for method, _, _ in world.calls(since))
    # The password that it was created with, not one made up since.
    assert "password" in await world.services.operations.collect_secrets(world.partner_id, operation.id)


async def test_a_retry_makes_secrets_anew(world: World) -> None:
    world.fault("POST", "/fleet/drivers", "status", status=400)
    operation = await world.deliver(ResourceEnum.USER, writes.DRIVER.body(world, writes.new_mark()))
    await world.services.control.retry(world.partner_id, operation.id, force=False)
    await world.work_off()
    assert "password" in await world.services.operations.collect_secrets(world.partner_id, operation.id)


async def test_a_retry_claims_its_reference_again(world: World) -> None:
    fuel = ResourceEnum.FUEL_TRANSACTION
    body = writes.FUEL.body(world, writes.new_mark())
    world.fault("POST", "/fuel-purchase", "status", status=400)
    first = await world.deliver(fuel, body)
    await world.services.control.retry(world.partner_id, first.id, force=False)
    with pytest.raises(ReferenceUsedError):
        await world.write(fuel, body)
    await world.work_off()
    assert (await world.operation(first.id)).status is SUCCESS


async def test_a_reference_that_went_to_another_operation_can_not_be_claimed_again(world: World) -> None:
    fuel = ResourceEnum.FUEL_TRANSACTION
    body = writes.FUEL.body(world, writes.new_mark())
    world.fault("POST", "/fuel-purchase", "status", status=400)
    first = await world.deliver(fuel, body)
    second = await world.deliver(fuel, body)
    with pytest.raises(ReferenceUsedError, match=str(second.id)):
        await world.services.control.retry(world.partner_id, first.id, force=True)
    assert (await world.operation(first.id)).status is FAILED


async def test_a_failed_sync_write_is_retried_in_the_background(world: World) -> None:
    world.fault("POST", "/fleet/trailers", "status", status=400)
    operation = await world.write(TRAILER, trailer(), is_sync=True)
    assert operation.status is FAILED
    await world.services.control.retry(world.partner_id, operation.id, force=False)
    world.fault("POST", "/fleet/trailers", "status", status=429, headers={"Retry-After": "1"})
    await world.work_off()
    assert (await world.operation(operation.id)).status is SUCCESS


async def test_an_operation_tells_its_place_and_what_it_waits_for(fresh_world: World) -> None:
    world = fresh_world
    limit = BudgetLimit(scope="token", requests=1, per_seconds=100.0)
    await world.services.connection_budgets.replace(world.partner_id, world.connection.id, [limit])
    operations = [await world.write(TRAILER, trailer()) for _ in range(3)]
    assert len(await world.claim()) == 1
    waits = [(await world.services.control.detail(world.partner_id, one.id)).waiting for one in operations]
    assert [wait and wait.state for wait in waits] == [WaitState.IN_FLIGHT, WaitState.READY, WaitState.READY]
    assert [wait and wait.position for wait in waits] == [None, 1, 2]
    assert [wait and wait.waits_for_scope for wait in waits] == [None, "token", "token"]
    _, second, third = waits
    assert second is not None
    assert third is not None
    assert second.estimated_start_at is not None
    assert third.estimated_start_at is not None
    assert timedelta(seconds=95) < third.estimated_start_at - second.estimated_start_at < timedelta(seconds=105)
    assert [(b.scope, b.requests) for b in second.budgets if b.scope == "token"] == [("token", 1)]


async def test_an_operation_tells_why_it_can_not_be_sent_now(paused: World) -> None:
    held = await paused.write(TRAILER, trailer())
    detail = await paused.services.control.detail(paused.partner_id, held.id)
    assert detail.waiting is not None
    assert (detail.waiting.state, detail.waiting.estimated_start_at) == (WaitState.HELD, None)
    cancelled = await paused.services.control.cancel(paused.partner_id, held.id)
    assert cancelled.status is FAILED


async def test_an_operation_tells_when_it_is_scheduled_or_backs_off(world: World) -> None:
    later = await in_an_hour(world)
    scheduled = await world.write(TRAILER, trailer(), not_before=later)
    world.fault("POST", "/fleet/trailers", "status", status=429, headers={"Retry-After": "30"})
    backing_off = await world.write(TRAILER, trailer())
    await world.run_due()
    found = [(await world.services.control.detail(world.partner_id, o.id)).waiting for o in (scheduled, backing_off)]
    assert [wait and wait.state for wait in found] == [WaitState.SCHEDULED, WaitState.BACKING_OFF]
    assert found[0] is not None
    assert (found[0].estimated_start_at, found[0].not_before) == (later, later)
    await world.work_off()


async def test_operations_are_found_by_what_went_wrong(fresh_world: World) -> None:
    world = fresh_world
    key = writes.new_mark()
    rejected = await failed(world)
    cancelled = await world.write(TRAILER, trailer(), idempotency_key=key)
    await world.services.control.cancel(world.partner_id, cancelled.id)
    update = await world.deliver(TRAILER, {"notes": "x"}, world.trailers[0])
    pending = await world.write(MESSAGE, writes.MESSAGE.body(world, writes.new_mark()))

    async def found(**wanted: Any) -> list[Any]:
        page = await world.services.control.page(world.partner_id, FilterQuery(**wanted))
        return [entry.id for entry in page.items]

    assert await found() == [rejected.id, cancelled.id, update.id, pending.id]
    assert await found(status=FAILED) == [rejected.id, cancelled.id]
    assert await found(outcome=OutcomeCode.CANCELLED) == [cancelled.id]
    assert await found(resource=MESSAGE) == [pending.id]
    assert await found(record_id=world.trailers[0]) == [update.id]
    assert await found(idempotency_key=key) == [cancelled.id]
    assert await found(connection_id=uuid4()) == []
    assert await found(created_from=update.created_at) == [update.id, pending.id]
    assert await found(created_to=update.created_at) == [rejected.id, cancelled.id]
    (entry,) = (await world.services.control.page(world.partner_id, FilterQuery(idempotency_key=key))).items
    assert (entry.idempotency_key, entry.outcome) == (key, OutcomeCode.CANCELLED)
    first = await world.services.control.page(world.partner_id, FilterQuery(size=3))
    rest = await world.services.control.page(world.partner_id, FilterQuery(size=3, cursor=first.next_page))
    assert [entry.id for entry in (*first.items, *rest.items)] == await found()


async def test_many_are_called_off_and_tried_anew_by_filter_a_page_at_a_time(fresh_world: World) -> None:
    world, control = fresh_world, fresh_world.services.control
    operations = [await world.write(TRAILER, trailer()) for _ in range(5)]
    message = await world.write(MESSAGE, writes.MESSAGE.body(world, writes.new_mark()))
    taken = next(job for job in await world.claim() if job.id == operations[1].id)
    others = [job for job in await world.waiting() if job["id"] != taken.id]
    await world.services.database.pool.execute(
        "UPDATE jobs SET lease = NULL, attempts = 0, due_at = fleetwrite_now() WHERE id = ANY($1::uuid[])",
        [job["id"] for job in others],
    )

    first = await control.cancel_many(world.partner_id, Batch(resource=TRAILER, size=3))
    rest = await control.cancel_many(world.partner_id, Batch(resource=TRAILER, size=3, cursor=first.next_page))
    assert (first.count, [one.operation_id for one in first.refused]) == (2, [operations[1].id])
    assert (rest.count, rest.refused, rest.next_page) == (2, [], None)
    assert (await world.operation(message.id)).status is PENDING

    again = await control.retry_many(world.partner_id, Batch(outcome=OutcomeCode.CANCELLED), force=False)
    assert again.operation_ids == [operations[0].id, *(operation.id for operation in operations[2:])]
    assert (again.count, again.refused, again.next_page) == (4, [], None)


async def test_a_retry_by_filter_names_what_it_refused_and_why(fresh_world: World) -> None:
    world = fresh_world
    world.fault("PATCH", "/fleet/trailers", "status", status=400)
    old = await world.deliver(TRAILER, {"notes": "old"}, world.trailers[0])
    await world.deliver(TRAILER, {"notes": "new"}, world.trailers[0])
    other = await failed(world)
    result = await world.services.control.retry_many(world.partner_id, Batch(status=FAILED), force=False)
    assert result.operation_ids == [other.id]
    ((refused),) = result.refused
    assert refused.operation_id == old.id
    assert "force=true" in refused.reason


async def test_operations_of_others_are_out_of_reach(world: World) -> None:
    operation = await failed(world)
    stranger = (await world.services.orgs.ensure_partner("Stranger", "stranger")).id
    control = world.services.control
    for attempt in (
        control.detail(stranger, operation.id),
        control.cancel(stranger, operation.id),
        control.retry(stranger, operation.id, force=True),
    ):
        with pytest.raises(OperationNotFoundError):
            await attempt
    assert (await control.page(stranger, FilterQuery())).items == []
    assert (await control.retry_many(stranger, Batch(status=FAILED), force=True)).count == 0
    assert (await control.cancel_many(stranger, Batch(status=PENDING))).count == 0
    assert (await world.operation(operation.id)).status is FAILED
