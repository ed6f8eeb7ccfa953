"""A worker that is killed in the middle of a pull: the next one goes on at the page. The simulator's log tells."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from acceptance.stack import Stack
from fleetwrite.bootstrap import open_services
from fleetwrite.contract.enums import ResourceEnum, ScheduleStatusEnum
from fleetwrite.kit.keyset import Window
from fleetwrite.settings import Settings

VEHICLES = "/fleet/vehicles"
MADE = 1600  # four pages of 512, with those that are there already
LEASE_S = 60


@pytest.fixture
async def stack(tmp_path: Path) -> AsyncIterator[Stack]:
    async with Stack(tmp_path) as stack:
        yield stack


async def test_a_pull_resumes_at_the_page_where_its_worker_was_killed(stack: Stack) -> None:
    await make_vehicles(stack)
    since = (await stack.control("GET", "requests"))["requests"][-1]["sequence"]
    for delay_s in (0.001, 0.001, 120):
        await stack.control("POST", "faults", {"method": "GET", "path": VEHICLES, "kind": "delay", "delay_s": delay_s})
    await pull_vehicles_soon(stack)
    # The third page is asked for, and hangs.
    async with asyncio.timeout(30):
        while (await stack.control("GET", "faults"))["faults"]:
            await asyncio.sleep(0.02)
    stack.worker.kill()
    before = await pages_asked_for(stack, since)
    assert len(before) == 2
    cursor = await committed_cursor(stack)

    stack.worker.start()
    await stack.shift_clock(LEASE_S + 1)
    async with asyncio.timeout(60):
        while await execution(stack) != ("success", 4):
            await asyncio.sleep(0.05)

    after = (await pages_asked_for(stack, since))[len(before) :]
    # The page that was in flight is asked for again, and none before it.
    assert after[0] == cursor
    assert len(set(after)) == 2
    assert not set(after) & set(before)
    known = await fetch(
        stack,
        """
        SELECT count(*) AS known, count(deleted_at) AS gone FROM records
        WHERE connection_id = $1 AND resource = 'vehicle'
        """,
        UUID(stack.connection_id),
    )
    assert (known["known"], known["gone"]) == (MADE + 6, 0)


async def make_vehicles(stack: Stack) -> None:
    """Let the provider have more vehicles than fit on a page."""
    token = (await stack.control("GET", "accounts"))["accounts"][0]["credentials"]["token"]
    headers = {"Authorization": f"Bearer {token}"}
    for number in range(MADE):
        body = {"type": "vehicle", "name": f"Unit {number}"}
        async with stack.http.post(f"{stack.simulator.url}/assets", json=body, headers=headers) as answer:
            assert answer.status == 200, await answer.text()


async def pull_vehicles_soon(stack: Stack) -> None:
    """Let the pull of vehicles be due, and no other one."""
    connection_id = UUID(stack.connection_id)
    async with open_services(Settings.load(stack.environment), name="test") as services:
        page = await services.schedules.page(connection_id, Window())
        for schedule in page.items:
            if schedule.resource is not ResourceEnum.VEHICLE:
                paused: dict[str, Any] = {"status": ScheduleStatusEnum.PAUSED}
                await services.schedules.change(connection_id, schedule.id, paused)
        await services.schedules.pull_soon([connection_id])


async def pages_asked_for(stack: Stack, since: int) -> list[str]:
    """The cursors of the pages of vehicles that were answered since then."""
    requests = (await stack.control("GET", f"requests?since={since}"))["requests"]
    return [one["query"].get("after", "") for one in requests if one["path"] == VEHICLES and one["status"] == 200]


async def committed_cursor(stack: Stack) -> str:
    """Samsara's part of the cursor behind the last page that was stored."""
    row = await fetch(stack, "SELECT cursor FROM executions WHERE status = $1", "pending")
    return str(row["cursor"]).partition(" ")[2]


async def execution(stack: Stack) -> tuple[str, int]:
    """How the latest execution of the vehicles' schedule stands: its status, and how many pages it stored."""
    row = await fetch(
        stack,
        """
        SELECT e.status, pages FROM executions e JOIN schedules s ON s.id = e.schedule_id
        WHERE s.connection_id = $1 AND s.resource = 'vehicle' ORDER BY e.created_at DESC LIMIT 1
        """,
        UUID(stack.connection_id),
    )
    return row["status"], row["pages"]


async def fetch(stack: Stack, sql: str, *values: object) -> asyncpg.Record:
    connection = await asyncpg.connect(stack.postgres.dsn)
    try:
        row = await connection.fetchrow(sql, *values)
    finally:
        await connection.close()
    assert row is not None
    return row
