"""Refreshing a login that works once, by real processes: never twice, and never lost without a word."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from fleetwrite.connections.logins import CLAIM_LASTS
from fleetwrite.connectors.motive.simulator import MotiveSimulator
from fleetwrite.contract.enums import ConnectionStatusEnum
from integration.operations.outages import staled_events, status_of
from integration.operations.world import World, opened_world

PROGRAM = Path(__file__).with_name("refreshing.py")
DUE = timedelta(hours=2) * 0.86


@pytest.fixture
async def world(database_url: str, tmp_path: Path) -> AsyncIterator[World]:
    async with opened_world(database_url, tmp_path, MotiveSimulator(tmp_path), slug="motive") as world:
        yield world


@pytest.fixture
def environment(database_url: str, tmp_path: Path) -> Mapping[str, str]:
    return {
        **os.environ,
        "DATABASE_URL": database_url,
        "FLEETWRITE_VAULT_KEY_FILE": str(tmp_path / "vault.key"),
        "FLEETWRITE_OUTBOUND_ALLOW_HTTP": "true",
        "FLEETWRITE_OUTBOUND_ALLOWED_NETWORKS": "127.0.0.0/8",
    }


async def start(environment: Mapping[str, str], *arguments: str) -> Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, str(PROGRAM), *arguments, env=dict(environment), stdin=PIPE, stdout=PIPE
    )


async def line(process: Process) -> str:
    assert process.stdout is not None
    async with asyncio.timeout(60):
        return (await process.stdout.readline()).decode().strip()


def exchanges(world: World) -> list[tuple[str, int]]:
    """What the provider was asked for tokens by, and how it answered."""
    entries = [msgspec.json.decode(entry) for page in world.simulator.storage.log_pages(0) for entry in page]
    return [(entry["body"]["grant_type"], entry["status"]) for entry in entries if entry["path"] == "/oauth/token"]


async def test_a_hundred_refreshes_in_three_processes_are_one_at_the_provider(
    world: World, environment: Mapping[str, str]
) -> None:
    counts = ("34", "33", "33")
    processes = [await start(environment, "race", str(world.connection.id), count) for count in counts]
    assert [await line(process) for process in processes] == ["ready"] * 3
    before = exchanges(world)
    for process in processes:
        assert process.stdin is not None
        process.stdin.write(b"go\n")
    told = [await line(process) for process in processes]
    assert [await process.wait() for process in processes] == [0, 0, 0]
    assert exchanges(world)[len(before) :] == [("refresh_token", 200)]
    # And all of them have what it gave.
    assert (len(set(told)), told[0].count(" "), bool(told[0])) == (1, 0, True)


async def test_a_process_killed_between_the_answer_and_the_commit_leaves_a_connection_that_is_stale(
    world: World, environment: Mapping[str, str]
) -> None:
    await world.shift(DUE)
    process = await start(environment, "die")
    assert await line(process) == "answered"
    process.send_signal(signal.SIGKILL)
    await process.wait()
    assert exchanges(world)[-1] == ("refresh_token", 200)
    # The refresh token that we have works no more, and nobody knows yet.
    assert await world.services.renewer.renew_due() == 0
    await world.shift(CLAIM_LASTS + timedelta(seconds=1))
    assert await world.services.renewer.renew_due() == 1
    assert exchanges(world)[-1] == ("refresh_token", 400)
    assert await status_of(world) is ConnectionStatusEnum.STALE
    assert len(await staled_events(world, world.connection.id)) == 1
