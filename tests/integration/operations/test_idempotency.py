"""A write that comes again under its key is carried out once, and answered as the first time."""

import asyncio
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from fleetwrite.connectors.sdk.simulator import Fault
from fleetwrite.contract.enums import ConnectionStatusEnum, ResourceEnum
from fleetwrite.operations.errors import IdempotencyKeyBusyError, IdempotencyKeyReusedError
from fleetwrite.operations.models import WriteResult
from integration.operations import writes
from integration.operations.world import FAILED, SUCCESS, World, as_json


async def submit(
    world: World, fields: dict[str, Any], key: str | None, resource: ResourceEnum = ResourceEnum.TRAILER, **how: Any
) -> WriteResult:
    return await world.services.operations.write(world.request(resource, fields, idempotency_key=key, **how))


async def test_the_same_write_under_the_same_key_is_one_operation_and_gets_the_same_answer(world: World) -> None:
    fields, key = {"trailer_name": writes.new_mark()}, writes.new_mark()
    first = await submit(world, fields, key)
    before = await world.rows()
    again = await submit(world, fields, key)
    assert await world.rows() == before
    assert as_json(again.operation) == as_json(first.operation)
    assert (first.is_replayed, again.is_replayed) == (False, True)


async def test_the_first_answer_comes_again_even_when_the_operation_has_ended_since(world: World) -> None:
    fields, key = {"trailer_name": writes.new_mark()}, writes.new_mark()
    first = await submit(world, fields, key)
    await world.work_off()
    assert (await world.operation(first.operation.id)).status is SUCCESS
    again = await submit(world, fields, key)
    assert as_json(again.operation) == as_json(first.operation)


async def test_without_a_key_or_with_another_the_same_write_is_another_operation(world: World) -> None:
    fields = {"trailer_name": writes.new_mark()}
    results = [await submit(world, fields, key) for key in (None, None, writes.new_mark(), writes.new_mark())]
    assert len({result.operation.id for result in results}) == 4
    assert not any(result.is_replayed for result in results)


@pytest.mark.parametrize("change", ["body", "resource", "record"])
async def test_another_write_under_the_same_key_is_refused_and_leaves_no_trace(world: World, change: str) -> None:
    key, plate = writes.new_mark(), {"license_plate_number": "ABC 1"}
    if change == "record":
        await submit(world, plate, key, ResourceEnum.VEHICLE, record_id=world.vehicles[0])
    else:
        await submit(world, {"trailer_name": "One"}, key)
    before = await world.rows()
    others = {
        "body": submit(world, {"trailer_name": "Two"}, key),
        "resource": submit(world, {"vehicle_name": "One"}, key, ResourceEnum.VEHICLE),
        "record": submit(world, plate, key, ResourceEnum.VEHICLE, record_id=world.vehicles[1]),
    }
    other = others.pop(change)
    for unused in others.values():
        unused.close()
    with pytest.raises(IdempotencyKeyReusedError):
        await other
    assert await world.rows() == before


async def test_the_spelling_of_the_body_does_not_make_it_another_write(world: World) -> None:
    fields, key = {"trailer_name": writes.new_mark(), "notes": "Left door"}, writes.new_mark()
    first = await submit(world, fields, key)
    again = await submit(world, dict(reversed(fields.items())), key)
    assert again.operation.id == first.operation.id


async def test_requests_with_one_key_at_one_moment_become_one_operation(world: World) -> None:
    fields, key = {"trailer_name": writes.new_mark()}, writes.new_mark()
    results = await asyncio.gather(*(submit(world, fields, key) for _ in range(8)))
    assert len({result.operation.id for result in results}) == 1
    assert sum(not result.is_replayed for result in results) == 1


async def test_the_key_of_one_partner_means_nothing_to_another(world: World) -> None:
    fields, key = {"trailer_name": writes.new_mark()}, writes.new_mark()
    await submit(world, fields, key)
    other = await world.services.orgs.ensure_partner("Other", "other-partner")
    request = world.request(ResourceEnum.TRAILER, fields, idempotency_key=key)
    stranger = msgspec.structs.replace(request, partner_id=other.id)
    assert await world.services.operations._replays.find(stranger) is None


async def test_a_sync_write_is_answered_again_with_how_it_ended(world: World) -> None:
    fields, key = {"trailer_name": writes.new_mark()}, writes.new_mark()
    first = await submit(world, fields, key, is_sync=True)
    again = await submit(world, fields, key, is_sync=True)
    assert first.operation.status is SUCCESS
    assert as_json(again.operation) == as_json(first.operation)
    assert (again.is_sync, again.is_replayed) == (True, True)


async def test_a_sync_write_that_failed_at_the_provider_is_not_tried_again(world: World) -> None:
    world.simulator.faults.add(Fault(method="POST", path="/fleet/trailers", kind="status", status=400))
    fields, key = {"trailer_name": writes.new_mark()}, writes.new_mark()
    first = await submit(world, fields, key, is_sync=True)
    again = await submit(world, fields, key, is_sync=True)
    assert first.operation.status is FAILED
    assert as_json(again.operation) == as_json(first.operation)


async def test_a_sync_write_that_was_not_sent_may_run_again_under_its_key(world: World) -> None:
    fields, key = {"trailer_name": writes.new_mark()}, writes.new_mark()
    await world.set_status(ConnectionStatusEnum.PAUSED)
    first = await submit(world, fields, key, is_sync=True)
    await world.set_status(ConnectionStatusEnum.ACTIVE)
    second = await submit(world, fields, key, is_sync=True)
    third = await submit(world, fields, key, is_sync=True)
    assert (first.operation.status, second.operation.status) == (FAILED, SUCCESS)
    assert second.operation.id != first.operation.id
    assert as_json(third.operation) == as_json(second.operation)


async def test_a_sync_write_still_under_way_asks_the_repetition_to_wait(world: World) -> None:
    world.simulator.faults.add(Fault(method="POST", path="/fleet/trailers", kind="delay", delay_s=0.5))
    fields, key = {"trailer_name": writes.new_mark()}, writes.new_mark()
    first = asyncio.create_task(submit(world, fields, key, is_sync=True))
    async with asyncio.timeout(10):
        while not await world.waiting():
            await asyncio.sleep(0)
    with pytest.raises(IdempotencyKeyBusyError):
        await submit(world, fields, key, is_sync=True)
    again = await first
    assert again.operation.status is SUCCESS


async def test_a_key_is_free_again_thirty_days_after_its_operation_ended(fresh_world: World) -> None:
    world = fresh_world
    fields, key = {"trailer_name": writes.new_mark()}, writes.new_mark()
    first = await submit(world, fields, key)
    await world.work_off()
    await world.shift(timedelta(days=29))
    assert (await submit(world, fields, key)).is_replayed
    await world.shift(timedelta(days=2))
    again = await submit(world, fields, key)
    assert not again.is_replayed
    assert again.operation.id != first.operation.id
    assert (await submit(world, fields, key)).operation.id == again.operation.id


async def test_a_refused_write_does_not_use_up_its_key(world: World) -> None:
    key = writes.new_mark()
    request = world.request(ResourceEnum.TRAILER, {"notes": "No name"}, idempotency_key=key)
    with pytest.raises(Exception, match="trailer_name"):
        await world.services.operations.write(request)
    assert not (await submit(world, {"trailer_name": writes.new_mark()}, key)).is_replayed
