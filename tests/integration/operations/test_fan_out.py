"""Group messages where the provider takes a message for one driver only. The simulator's log is the judge."""

from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from fleetwrite.connectors.sdk.simulator import Fault
from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.operations.errors import InvalidWriteError, MayBeWrittenError
from fleetwrite.operations.fan_out import CHUNK
from fleetwrite.operations.models import PartState
from integration.operations.groups import message, people, reached, states, traccar
from integration.operations.workers import until_over, worker
from integration.operations.world import FAILED, LEASE, PENDING, SUCCESS, World, opened_world

SEND = "/api/commands/send"


@pytest.fixture
async def world(database_url: str, tmp_path: Path) -> AsyncIterator[World]:
    """Thirteen drivers, of whom the last can not be reached."""
    async with opened_world(database_url, tmp_path, traccar(tmp_path, 13, without_device=1), slug="traccar") as world:
        yield world


async def test_every_recipient_gets_the_message_once_however_often_named(world: World) -> None:
    drivers, _ = await people(world)

    ended = await world.deliver(ResourceEnum.GROUP_MESSAGE, message(world, [*drivers, *reversed(drivers)]))

    assert ended.status is SUCCESS
    assert ended.source_id == f"fleetwrite:{ended.id.hex}"
    assert [log.status for log in ended.logs] == ["success"]
    assert reached(world) == Counter(dict.fromkeys(range(1, 13), 1))
    assert await states(world, ended.id) == {PartState.DONE: 12}
    (record,) = await world.services.database.pool.fetch(
        "SELECT attributes FROM records WHERE id = $1", ended.resource_id
    )
    assert record["attributes"]["message_text"] == "Dock 4"
    assert len(set(record["attributes"]["source_recipient_ids"])) == 12


async def test_a_retry_sends_only_to_those_who_were_not_reached(world: World) -> None:
    drivers, unreachable = await people(world)
    ended = await world.deliver(ResourceEnum.GROUP_MESSAGE, message(world, [drivers[0], unreachable, drivers[1]]))

    assert ended.status is FAILED
    (log,) = ended.logs
    assert log.error_type == "validation"
    assert log.error_details is not None
    assert log.error_details.startswith("rejected: 2 of 3 recipients were reached, 1 not. ")
    assert f"{unreachable}: rejected: driver_has_no_vehicle" in log.error_details
    assert reached(world) == {1: 1, 2: 1}

    await world.services.control.retry(world.partner_id, ended.id, force=False)
    await world.work_off()

    assert (await world.operation(ended.id)).status is FAILED
    assert reached(world) == {1: 1, 2: 1}
    assert await states(world, ended.id) == {PartState.DONE: 2, PartState.FAILED: 1}


async def test_a_retry_succeeds_when_the_last_one_is_reached(world: World) -> None:
    drivers, _ = await people(world)
    world.fault("POST", SEND, "status", status=400, body="no")
    ended = await world.deliver(ResourceEnum.GROUP_MESSAGE, message(world, drivers[:3]))
    assert ended.status is FAILED
    assert reached(world) == {2: 1, 3: 1}

    await world.services.control.retry(world.partner_id, ended.id, force=False)
    await world.work_off()

    assert (await world.operation(ended.id)).status is SUCCESS
    assert reached(world) == {1: 1, 2: 1, 3: 1}


async def test_a_process_that_dies_before_it_stored_what_it_sent_repeats_nothing(world: World) -> None:
    drivers, _ = await people(world)
    operation = await world.write(ResourceEnum.GROUP_MESSAGE, message(world, drivers))

    await world.run_and_die(await world.claim())
    assert reached(world) == Counter(dict.fromkeys(range(1, CHUNK + 1), 1))
    await world.work_off()

    ended = await world.operation(operation.id)
    assert ended.status is FAILED
    details = ended.logs[-1].error_details
    assert details is not None
    assert details.startswith("outcome_unknown: 2 of 12 recipients were reached, 0 not; of 10 nobody knows. ")
    assert reached(world) == Counter(dict.fromkeys(range(1, 13), 1))
    assert await states(world, ended.id) == {PartState.DONE: 2, PartState.UNKNOWN: CHUNK}
    with pytest.raises(MayBeWrittenError):
        await world.services.control.retry(world.partner_id, ended.id, force=False)


async def test_a_lost_answer_leaves_one_recipient_in_doubt_and_the_others_are_reached(world: World) -> None:
    drivers, unreachable = await people(world)
    world.fault("POST", SEND, "commit_then_drop")
    ended = await world.deliver(ResourceEnum.GROUP_MESSAGE, message(world, [*drivers[:3], unreachable]))

    assert ended.status is FAILED
    assert [log.error_details.partition(":")[0] for log in ended.logs if log.error_details] == ["outcome_unknown"] * 2
    assert reached(world) == {1: 1, 2: 1, 3: 1}
    assert await states(world, ended.id) == {PartState.DONE: 2, PartState.UNKNOWN: 1, PartState.FAILED: 1}

    await world.services.control.retry(world.partner_id, ended.id, force=False)
    await world.work_off()
    assert reached(world) == {1: 1, 2: 1, 3: 1}
    assert await states(world, ended.id) == {PartState.DONE: 2, PartState.UNKNOWN: 1, PartState.FAILED: 1}

    await world.services.control.retry(world.partner_id, ended.id, force=True)
    await world.work_off()
    assert reached(world) == {1: 2, 2: 1, 3: 1}
    assert await states(world, ended.id) == {PartState.DONE: 3, PartState.FAILED: 1}


async def test_a_throttled_part_is_sent_later_and_none_before_it_again(world: World) -> None:
    drivers, _ = await people(world)
    world.simulator.faults.add(_throttled())

    ended = await world.deliver(ResourceEnum.GROUP_MESSAGE, message(world, drivers[:4]))

    assert ended.status is SUCCESS
    assert ended.logs[0].error_details is not None
    assert ended.logs[0].error_details.startswith(f"throttled: to recipient {drivers[0]}:")
    assert reached(world) == {1: 1, 2: 1, 3: 1, 4: 1}


async def test_what_was_begun_can_be_called_off_for_the_rest(world: World) -> None:
    drivers, _ = await people(world)
    operation = await world.write(ResourceEnum.GROUP_MESSAGE, message(world, drivers))
    await world.run_due()

    ended = await world.services.control.cancel(world.partner_id, operation.id)

    assert ended.logs[-1].error_details == (
        "cancelled: it was called off before it was sent to all: 10 recipients were reached before"
    )
    assert await states(world, operation.id) == {PartState.DONE: CHUNK, PartState.FAILED: 2}
    await world.services.control.retry(world.partner_id, operation.id, force=False)
    await world.work_off()
    assert (await world.operation(operation.id)).status is SUCCESS
    assert reached(world) == Counter(dict.fromkeys(range(1, 13), 1))


async def test_what_expires_midway_tells_who_was_reached(world: World) -> None:
    drivers, _ = await people(world)
    operation = await world.write(ResourceEnum.GROUP_MESSAGE, message(world, drivers))
    await world.run_due()
    await world.services.database.pool.execute("UPDATE jobs SET expires_at = fleetwrite_now()")
    await world.run_due()

    details = (await world.operation(operation.id)).logs[-1].error_details
    assert details is not None
    assert details.startswith("expired: 10 of 12 recipients were reached, 2 not. ")
    assert sum(reached(world).values()) == CHUNK


async def test_a_sync_group_message_reaches_all_before_it_is_answered(world: World) -> None:
    drivers, _ = await people(world)

    answer = await world.write(ResourceEnum.GROUP_MESSAGE, message(world, drivers), is_sync=True)

    assert answer.status is SUCCESS
    assert reached(world) == Counter(dict.fromkeys(range(1, 13), 1))
    assert await world.waiting() == []


async def test_a_sync_group_message_that_meets_an_obstacle_sends_no_more(world: World) -> None:
    drivers, _ = await people(world)
    world.simulator.faults.add(_throttled())

    answer = await world.write(ResourceEnum.GROUP_MESSAGE, message(world, drivers[:3]), is_sync=True)

    assert answer.status is FAILED
    detail = await world.services.control.detail(world.partner_id, answer.id)
    codes = [(part.details or "").partition(":")[0] for part in detail.recipients]
    assert codes == ["throttled", "not_sent", "not_sent"]
    assert reached(world) == {}


async def test_a_worker_sends_all_parts_by_itself(world: World) -> None:
    drivers, _ = await people(world)
    async with worker(world):
        operation = await world.write(ResourceEnum.GROUP_MESSAGE, message(world, drivers))
        assert (await until_over(world, operation)).status is SUCCESS
    assert reached(world) == Counter(dict.fromkeys(range(1, 13), 1))


async def of_a_dead_process(world: World) -> UUID:
    """A sync group message to twelve whose process died before it began."""
    drivers, _ = await people(world)
    operation = await world.write(ResourceEnum.GROUP_MESSAGE, message(world, drivers))
    await world.services.database.pool.execute("UPDATE jobs SET single_attempt = true")
    return operation.id


async def test_what_a_sync_one_sent_is_stored_as_it_goes_on(world: World) -> None:
    operation_id = await of_a_dead_process(world)

    await world.run_and_die(await world.claim())
    assert await states(world, operation_id) == {PartState.DONE: CHUNK, PartState.SENDING: 2}
    await world.work_off()

    assert await states(world, operation_id) == {PartState.DONE: CHUNK, PartState.UNKNOWN: 2}
    assert reached(world) == Counter(dict.fromkeys(range(1, 13), 1))


async def test_what_a_dead_process_did_not_get_to_is_not_sent_later_where_it_was_sync(world: World) -> None:
    operation_id = await of_a_dead_process(world)

    await world.claim()
    await world.shift(LEASE + timedelta(seconds=1))
    await world.work_off()

    ended = await world.operation(operation_id)
    assert (ended.logs[-1].error_details or "").startswith("not_sent: 0 of 12 recipients were reached, 12 not. ")
    assert reached(world) == {}


async def test_250_recipients_are_reached_in_chunks(database_url: str, tmp_path: Path) -> None:
    async with opened_world(database_url, tmp_path, traccar(tmp_path, 250), slug="traccar") as world:
        drivers = list(world.drivers)
        operation = await world.write(ResourceEnum.GROUP_MESSAGE, message(world, drivers))
        rounds = 0
        while (await world.operation(operation.id)).status is PENDING:
            assert await world.run_due() == 1
            rounds += 1
            assert sum(reached(world).values()) == CHUNK * rounds
        assert rounds == 250 // CHUNK
        ended = await world.operation(operation.id)
        assert ended.status is SUCCESS
        assert len(ended.logs) == 1
        assert set(reached(world).values()) == {1}


async def test_what_is_wrong_with_all_is_told_once_and_nobody_is_no_group(world: World) -> None:
    drivers, _ = await people(world)

    with pytest.raises(InvalidWriteError) as refused:
        await world.write(ResourceEnum.GROUP_MESSAGE, message(world, drivers, text=""))
    assert [fault.path for fault in refused.value.details] == ["body.message_text"]

    with pytest.raises(InvalidWriteError) as refused:
        await world.write(ResourceEnum.GROUP_MESSAGE, message(world, []))
    assert [fault.path for fault in refused.value.details] == ["body.recipient_ids"]


async def test_what_no_part_can_hold_is_told_once(world: World) -> None:
    drivers, _ = await people(world)
    request = world.request(ResourceEnum.GROUP_MESSAGE, message(world, drivers))

    assert (await world.services.operations.write(request)).losses == ("sender_id",)


def _throttled() -> Fault:
    return Fault(method="POST", path=SEND, kind="status", status=429, headers={"Retry-After": "3"})
