"""Messages that were written, and then delivered and read at the provider: their records follow."""

import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest

from fleetwrite.connectors.geotab.simulator.server import GeotabSimulator
from fleetwrite.contract.telematics_reads import MessageRead
from integration.operations.world import SUCCESS, World, as_json, opened_world
from integration.pulls.looking import A_MINUTE, MESSAGE, executions, listen, read, row, schedule, told

DATABASE = "northwind_haulage"


@pytest.fixture
async def world(database_url: str, tmp_path: Path) -> AsyncIterator[World]:
    async with opened_world(database_url, tmp_path, GeotabSimulator(tmp_path), slug="geotab") as world:
        yield world


async def sent(world: World, text: str) -> str:
    """Send a message to a driver who sits in a vehicle; returns Geotab's id of it."""
    for driver in world.drivers:
        fields = {"sender_id": world.office_users[0], "recipient_id": driver, "message_text": text}
        operation = await world.deliver(MESSAGE, fields)
        if operation.status is SUCCESS:
            return operation.source_id or ""
    raise AssertionError("No driver sits in a vehicle.")


def receive(world: World, message_id: str, *, is_read: bool) -> None:
    cast("GeotabSimulator", world.simulator).receive(DATABASE, message_id, time.time(), is_read=is_read)


async def shown(world: World, message_id: str) -> MessageRead:
    message = await read(world, MESSAGE, message_id)
    assert isinstance(message, MessageRead)
    return message


async def test_the_status_of_a_message_follows_what_the_provider_reports(world: World) -> None:
    await listen(world, "message.*")
    message_id = await sent(world, "Load 4711 moved to dock 7.")
    written = await shown(world, message_id)
    assert (written.status, written.delivered_at, written.read_at) == ("sent", None, None)
    assert [name for name, _ in await told(world)] == ["message.added"]

    receive(world, message_id, is_read=False)
    await world.shift(A_MINUTE)
    await world.pull()
    delivered = await shown(world, message_id)
    assert (delivered.id, delivered.status, delivered.read_at) == (written.id, "delivered", None)
    assert delivered.delivered_at is not None
    ((name, data),) = await told(world)
    assert name == "message.modified"
    assert data == as_json(delivered)

    receive(world, message_id, is_read=True)
    await world.pull()
    read_now = await shown(world, message_id)
    assert read_now.status == "read"
    assert read_now.read_at is not None
    assert {read_now.sender_id, read_now.recipient_id} == {world.office_users[0], written.recipient_id}
    assert read_now.message_text == "Load 4711 moved to dock 7."
    assert [name for name, _ in await told(world)] == ["message.modified"]


async def test_messages_are_asked_for_from_the_last_version_on_and_none_is_taken_for_gone(world: World) -> None:
    first, second = await sent(world, "One"), await sent(world, "Two")
    await world.shift(A_MINUTE)
    await world.pull()
    one = await schedule(world, MESSAGE)
    assert one.cursor == (await row(world, MESSAGE, second))["source_data"]["version"]
    receive(world, second, is_read=True)
    since = max(
        msgspec.json.decode(entry)["sequence"] for page in world.simulator.storage.log_pages(0) for entry in page
    )
    await world.pull()
    feeds = [
        entry["body"]["params"]
        for page in world.simulator.storage.log_pages(since)
        for entry in map(msgspec.json.decode, page)
        if entry["operation"] == "GetFeed TextMessage"
    ]
    assert [feed["fromVersion"] for feed in feeds] == [one.cursor]
    assert [bool(each["is_whole"]) for each in await executions(world, MESSAGE)] == [True, False, False]
    assert (await row(world, MESSAGE, first))["deleted_at"] is None
    assert (await shown(world, second)).status == "read"


async def test_a_cursor_that_the_provider_does_not_take_is_given_up(world: World) -> None:
    message_id = await sent(world, "One")
    await world.pull()
    error: dict[str, Any] = {"error": {"message": "no such version", "data": {"type": "ArgumentException"}}}
    world.fault("POST", "/apiv1", "status", status=200, body=error, operation="GetFeed TextMessage")
    await world.pull()
    assert [each["status"] for each in await executions(world, MESSAGE)][-1] == "failed"
    assert (await schedule(world, MESSAGE)).cursor is None
    await world.pull()
    (*_, last) = await executions(world, MESSAGE)
    assert (last["status"], last["is_whole"]) == ("success", True)
    assert (await row(world, MESSAGE, message_id))["deleted_at"] is None


async def test_a_change_that_came_too_soon_after_a_write_is_not_lost(world: World) -> None:
    message_id = await sent(world, "One")
    receive(world, message_id, is_read=True)
    await world.pull()
    # It may have been listed before the write was stored, for all we know: it is asked for once more.
    assert (await shown(world, message_id)).status == "sent"
    await world.shift(A_MINUTE)
    await world.pull()
    assert (await shown(world, message_id)).status == "read"
