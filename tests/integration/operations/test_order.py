"""Writes to one record, and messages to one recipient, arrive in the order in which they were accepted."""

import asyncio

import msgspec

from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.contract.telematics import ResourceOperation
from integration.operations import writes
from integration.operations.endings import DELIVERED, FAILING, endings
from integration.operations.world import FAILED, PENDING, SUCCESS, World

TRAILER = ResourceEnum.TRAILER


def sent_notes(world: World, since: int) -> list[str]:
    """The notes in the simulator's log, in the order in which they arrived, taken or not."""
    entries = [msgspec.json.decode(entry) for page in world.simulator.storage.log_pages(since) for entry in page]
    return [entry["body"]["notes"] for entry in entries if entry["method"] == "PATCH"]


async def statuses(world: World, operations: list[ResourceOperation]) -> list[object]:
    return [(await world.operation(operation.id)).status for operation in operations]


async def test_updates_of_one_record_are_sent_in_order_even_when_one_fails_at_first(world: World) -> None:
    since = len(world.calls())
    notes = [writes.new_mark() for _ in range(3)]
    world.fault("PATCH", "/fleet/trailers", "status", status=500)
    operations = [await world.write(TRAILER, {"notes": note}, world.trailers[0]) for note in notes]
    await world.run_due()
    assert await statuses(world, operations) == [PENDING] * 3
    await world.work_off()
    assert await statuses(world, operations) == [SUCCESS] * 3
    assert sent_notes(world, since) == [notes[0], *notes]
    assert endings(await world.operation(operations[0].id)) == [FAILING, DELIVERED]
    assert len(world.held("trailers", notes=notes[-1])) == 1


async def test_an_update_that_ends_in_failure_lets_the_next_one_go(world: World) -> None:
    notes = [writes.new_mark() for _ in range(2)]
    world.fault("PATCH", "/fleet/trailers", "status", status=400)
    operations = [await world.write(TRAILER, {"notes": note}, world.trailers[0]) for note in notes]
    await world.work_off()
    assert await statuses(world, operations) == [FAILED, SUCCESS]


async def test_updates_of_different_records_do_not_wait_for_each_other(world: World) -> None:
    world.fault("PATCH", "/fleet/trailers", "status", status=500)
    operations = [await world.write(TRAILER, {"notes": writes.new_mark()}, one) for one in world.trailers[:3]]
    await world.run_due()
    assert sorted(await statuses(world, operations), key=str) == sorted([PENDING, SUCCESS, SUCCESS], key=str)


async def test_updates_accepted_at_once_arrive_in_the_order_of_their_acceptance(world: World) -> None:
    since = len(world.calls())
    notes = [writes.new_mark() for _ in range(8)]
    requests = [world.request(TRAILER, {"notes": note}, world.trailers[0]) for note in notes]
    results = await asyncio.gather(*map(world.services.operations.write, requests))
    accepted = {result.operation.id: result.operation.payload["notes"] for result in results}
    in_order = [accepted[job["id"]] for job in await world.waiting()]
    await world.work_off()
    assert sent_notes(world, since) == in_order
    assert sorted(in_order) == sorted(notes)


async def test_updates_through_different_endpoints_keep_their_order(world: World) -> None:
    """They are paced apart, so they wait in different lanes."""
    since = len(world.calls())
    await world.write(TRAILER, {"notes": "a"}, world.trailers[0])
    await world.write(TRAILER, {"notes": "b", "model_year": 2020}, world.trailers[0])
    await world.write(TRAILER, {"notes": "c"}, world.trailers[0])
    await world.work_off()
    assert sent_notes(world, since) == ["a", "b", "c"]


async def test_messages_to_one_recipient_are_sent_in_order_even_when_one_is_throttled(world: World) -> None:
    marks = [writes.new_mark() for _ in range(3)]
    world.fault("POST", "/v1/fleet/messages", "status", status=429, headers={"Retry-After": "0.5"})
    for mark in marks:
        await world.write(ResourceEnum.MESSAGE, writes.MESSAGE.body(world, mark))
    await world.work_off()
    texts = [message["text"] for message in world.held("messages")]
    assert [text for text in texts if text.split()[-1] in marks] == [f"Gate {mark}" for mark in marks]


async def test_messages_to_different_recipients_do_not_wait_for_each_other(world: World) -> None:
    bodies = [writes.MESSAGE.body(world, writes.new_mark()) | {"recipient_id": one} for one in world.drivers[:3]]
    for body in bodies:
        await world.write(ResourceEnum.MESSAGE, body)
    assert await world.run_due() == 3


async def test_a_parked_update_expires_though_the_one_before_it_is_still_tried(world: World) -> None:
    first = await world.write(TRAILER, {"notes": "first"}, world.trailers[0])
    second = await world.write(TRAILER, {"notes": "second"}, world.trailers[0])
    third = await world.write(TRAILER, {"notes": "third"}, world.trailers[0])
    await world.services.database.pool.execute(
        "UPDATE jobs SET expires_at = fleetwrite_now() - interval '1 s' WHERE id = $1", second.id
    )
    world.fault("PATCH", "/fleet/trailers", "status", status=500)
    await world.run_due()
    assert await statuses(world, [first, second, third]) == [PENDING, FAILED, PENDING]
    await world.work_off()
    assert await statuses(world, [first, second, third]) == [SUCCESS, FAILED, SUCCESS]


async def test_an_update_accepted_while_a_sync_one_is_in_flight_waits_for_its_end(world: World) -> None:
    since = len(world.calls())
    world.fault("PATCH", "/fleet/trailers", "delay", delay_s=0.3)
    sync = asyncio.create_task(world.write(TRAILER, {"notes": "sync"}, world.trailers[0], is_sync=True))
    async with asyncio.timeout(10):
        while not await world.waiting():
            await asyncio.sleep(0.01)
    later = await world.write(TRAILER, {"notes": "later"}, world.trailers[0])
    assert await world.run_due() == 0
    assert (await sync).status is SUCCESS
    await world.work_off()
    assert await statuses(world, [later]) == [SUCCESS]
    assert sent_notes(world, since) == ["sync", "later"]
