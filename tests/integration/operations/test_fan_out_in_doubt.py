"""Group messages that are sent one by one, of which nobody here knows who got them: asked for, or not repeated."""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from uuid import UUID

import pytest

from fleetwrite.connectors.geotab.simulator import GeotabSimulator
from fleetwrite.connectors.sdk.simulator import Fault
from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.kit.postgres import EmbeddedPostgres
from fleetwrite.operations.errors import InvalidWriteError
from fleetwrite.operations.models import PartState
from integration.operations.groups import message, reached, states, traccar
from integration.operations.test_restore import Backups
from integration.operations.world import FAILED, PENDING, SUCCESS, World, opened_world


@pytest.fixture
async def geotab(database_url: str, tmp_path: Path) -> AsyncIterator[World]:
    """A provider that lists the messages it was sent."""
    simulator = GeotabSimulator(tmp_path, host="localhost")
    async with opened_world(database_url, tmp_path, simulator, slug="geotab") as world:
        yield world


def received(world: World) -> Counter[str]:
    """How many messages each of Geotab's drivers got."""
    return Counter(sent["recipient"]["id"] for sent in world.simulator.records("northwind_haulage", "TextMessage"))


async def test_a_recipient_whom_the_provider_does_not_take_is_named_by_the_place_in_the_list(geotab: World) -> None:
    recipients = [geotab.drivers[0], geotab.office_users[0]]

    with pytest.raises(InvalidWriteError) as refused:
        await geotab.write(ResourceEnum.GROUP_MESSAGE, message(geotab, recipients))

    assert [fault.path for fault in refused.value.details] == ["body.recipient_ids.1"]


async def test_what_a_dead_process_sent_is_found_where_the_provider_can_be_asked(geotab: World) -> None:
    operation = await geotab.write(ResourceEnum.GROUP_MESSAGE, message(geotab, geotab.drivers[:3]))

    await geotab.run_and_die(await geotab.claim())
    await geotab.work_off()

    ended = await geotab.operation(operation.id)
    assert ended.status is SUCCESS, ended.logs
    assert list(received(geotab).values()) == [1, 1, 1]


async def test_a_part_whose_answer_was_lost_is_looked_up(geotab: World) -> None:
    geotab.simulator.faults.add(Fault(path="/", operation="Add TextMessage", kind="commit_then_drop"))

    ended = await geotab.deliver(ResourceEnum.GROUP_MESSAGE, message(geotab, geotab.drivers[:3]))

    assert ended.status is SUCCESS, ended.logs
    assert [log.status for log in ended.logs] == ["failed", "success"]
    assert list(received(geotab).values()) == [1, 1, 1]


async def restored(world: World, dsn: str, stack: AsyncExitStack, *, message_to: Sequence[UUID]) -> tuple[World, UUID]:
    """The world after a restore that knows nothing of a group message that was sent, with its fence up."""
    backups = Backups(world, dsn, stack)
    operation = await world.write(ResourceEnum.GROUP_MESSAGE, message(world, message_to))
    backup = await backups.take()
    await world.work_off()
    assert (await world.operation(operation.id)).status is SUCCESS
    after = await backups.restore(backup)
    await after.services.restore_fence.raise_()
    return after, operation.id


async def test_after_a_restore_each_recipient_is_looked_up(geotab: World, postgres_server: EmbeddedPostgres) -> None:
    async with AsyncExitStack() as stack:
        drivers = geotab.drivers[:3]
        world, operation_id = await restored(geotab, postgres_server.dsn, stack, message_to=drivers)
        await world.work_off()

        assert (await world.operation(operation_id)).status is SUCCESS
        assert list(received(world).values()) == [1, 1, 1]


async def test_after_a_restore_the_operator_decides_where_nobody_can_be_asked(
    database_url: str, tmp_path: Path, postgres_server: EmbeddedPostgres
) -> None:
    async with AsyncExitStack() as stack:
        world = await stack.enter_async_context(
            opened_world(database_url, tmp_path, traccar(tmp_path, 12), slug="traccar")
        )
        drivers = world.drivers
        after, operation_id = await restored(world, postgres_server.dsn, stack, message_to=drivers)
        while await after.run_due():
            pass
        assert (await after.operation(operation_id)).status is PENDING
        assert set(reached(after).values()) == {1}
        assert await states(after, operation_id) == {PartState.WAITING: 12}

        assert await after.services.restore_fence.fail([operation_id]) == 1
        assert await states(after, operation_id) == {PartState.UNKNOWN: 12}


async def test_a_missing_right_holds_back_those_who_were_not_reached(geotab: World) -> None:
    body = {"error": {"name": "JSONRPCError", "message": "Access", "errors": [{"name": "InvalidPermissionsException"}]}}
    drivers = geotab.drivers[:3]
    operation = await geotab.write(ResourceEnum.GROUP_MESSAGE, message(geotab, drivers))
    geotab.simulator.faults.add(Fault(path="/", operation="Add TextMessage", kind="status", status=200, body=body))

    await geotab.run_due()

    assert received(geotab) == {}
    assert await states(geotab, operation.id) == {PartState.WAITING: 3}
    await geotab.work_off()
    assert (await geotab.operation(operation.id)).status is SUCCESS
    assert list(received(geotab).values()) == [1, 1, 1]


async def test_what_a_failed_group_brought_to_a_driver_is_not_taken_for_a_later_message(geotab: World) -> None:
    body = {"error": {"name": "JSONRPCError", "message": "no", "errors": [{"name": "ArgumentException"}]}}
    drivers = geotab.drivers[:2]
    geotab.simulator.faults.add(Fault(path="/", operation="Add TextMessage", kind="status", status=200, body=body))
    failed = await geotab.deliver(ResourceEnum.GROUP_MESSAGE, message(geotab, drivers))
    assert failed.status is FAILED
    assert list(received(geotab).values()) == [1]
    geotab.simulator.faults.add(Fault(path="/", operation="Add TextMessage", kind="drop_before"))

    later = {"sender_id": drivers[0], "recipient_id": drivers[1], "message_text": "Dock 4"}
    ended = await geotab.deliver(ResourceEnum.MESSAGE, later)

    assert ended.status is FAILED
    assert (ended.logs[-1].error_details or "").startswith("outcome_unknown:")
