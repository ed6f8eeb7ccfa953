"""A list that, once it was read, is asked for what changed since."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from fleetwrite.connectors.motive.simulator import SIMULATOR
from integration.operations.world import SUCCESS, World, opened_world
from integration.pulls.looking import A_MINUTE, VEHICLE, executions, id_of, listen, read, schedule, told


@pytest.fixture
async def world(database_url: str, tmp_path: Path) -> AsyncIterator[World]:
    async with opened_world(database_url, tmp_path, SIMULATOR(tmp_path), slug="motive") as world:
        yield world


def asked_for(world: World) -> list[dict[str, Any]]:
    """The queries by which vehicles were listed."""
    entries = [msgspec.json.decode(entry) for page in world.simulator.storage.log_pages(0) for entry in page]
    return [entry["query"] for entry in entries if (entry["method"], entry["path"]) == ("GET", "/v1/vehicles")]


async def test_the_second_execution_asks_for_changes_and_takes_nothing_for_gone(world: World) -> None:
    await listen(world, "vehicle.*")
    (first,) = asked_for(world)
    assert "updated_after" not in first
    since = (await schedule(world, VEHICLE)).cursor
    assert since is not None

    await world.shift(A_MINUTE)
    updated = await world.deliver(VEHICLE, {"vehicle_name": "Renamed"}, world.vehicles[0])
    assert updated.status is SUCCESS
    await world.shift(A_MINUTE)
    await told(world)
    await world.pull()

    second = asked_for(world)[-1]
    assert second["updated_after"] in since
    assert [row["is_whole"] for row in await executions(world, VEHICLE)] == [True, False]
    assert await told(world) == []
    gone = await world.services.database.pool.fetchval("SELECT count(*) FROM records WHERE deleted_at IS NOT NULL")
    assert gone == 0
    shown = await read(world, VEHICLE, updated.source_id or "")
    assert (shown.id, shown.deleted_at) == (id_of(world, VEHICLE, updated.source_id or ""), None)


async def test_a_cursor_that_is_taken_away_lets_the_whole_list_be_read(world: World) -> None:
    one = await schedule(world, VEHICLE)
    await world.services.schedules.change(world.connection.id, one.id, {"cursor": None})
    await world.pull()
    assert "updated_after" not in asked_for(world)[-1]
    assert [row["is_whole"] for row in await executions(world, VEHICLE)] == [True, True]
