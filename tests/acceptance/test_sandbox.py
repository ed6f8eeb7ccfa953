"""`fleetwrite up --sandbox`: described when ready, the same after a restart, gone when it is stopped or killed."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

START_S = 90
"""A first start takes some 4 s on an idle machine; a busy one gets time."""


class Sandbox:
    """A running `fleetwrite up --sandbox`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> dict[str, Any]:
        """Start it and return what sandbox.json says."""
        command = [
            sys.executable,
            "-m",
            "fleetwrite",
            "up",
            "--sandbox",
            "--tsp",
            "samsara",
            "--port",
            "0",
            "--data-dir",
            str(self.folder),
        ]
        path = self.folder / "sandbox.json"
        path.unlink(missing_ok=True)  # one that was killed could not
        self._process = subprocess.Popen(command, stderr=subprocess.DEVNULL)  # noqa: ASYNC220 - takes a millisecond
        async with asyncio.timeout(START_S):
            while not path.exists():
                assert self._process.poll() is None, "it ended before it was ready"
                await asyncio.sleep(0.05)
        described: dict[str, Any] = json.loads(path.read_text())
        return described

    def end(self, by: signal.Signals) -> int:
        """Send it a signal and return its exit code."""
        assert self._process is not None
        self._process.send_signal(by)
        return self._process.wait(60)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    running = Sandbox(tmp_path / "data")
    yield running
    if running.is_running():
        running.end(signal.SIGKILL)


def processes_of(folder: Path) -> dict[int, tuple[int, str]]:
    """Number -> (parent, command line) of every process that works on this folder."""
    found = {}
    for process in Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        try:
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            environment = (process / "environ").read_bytes().decode(errors="replace")
            where = str((process / "cwd").readlink())
            parent = int((process / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue  # it ended while we looked
        if str(folder) in command or str(folder) in environment or where.startswith(str(folder)):
            found[int(process.name)] = (parent, command)
    return found


async def until_gone(folder: Path) -> None:
    async with asyncio.timeout(20):
        while processes_of(folder):
            await asyncio.sleep(0.05)


async def call(described: dict[str, Any], method: str, path: str, **more: Any) -> tuple[int, Any]:
    """Call the API as the sandbox's partner."""
    form = {
        "grant_type": "client_credentials",
        "client_id": described["client_id"],
        "client_secret": described["client_secret"],
    }
    async with aiohttp.ClientSession() as http:
        async with http.post(described["token_url"], data=form) as answer:
            token = (await answer.json())["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        async with http.request(method, described["api_url"] + path, headers=headers, **more) as answer:
            return answer.status, await answer.json()


async def records(described: dict[str, Any]) -> dict[str, list[str]]:
    """Ids of all records, by resource."""
    found = {}
    for resource in ("users", "vehicles", "trailers"):
        status, page = await call(described, "GET", f"/v2/telematics/{resource}")
        assert status == 200
        found[resource] = sorted(item["id"] for item in page["items"])
    return found


async def write_trailer(described: dict[str, Any], name: str) -> dict[str, Any]:
    body = {"connection_id": described["connections"][0]["connection_id"], "trailer_name": name}
    status, operation = await call(described, "POST", "/v2/telematics/trailers", json=body, params={"is_sync": "true"})
    assert status == 200, operation
    answered: dict[str, Any] = operation
    return answered


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL], ids=["stopped", "killed"])
async def test_a_sandbox_leaves_nothing_running_and_is_the_same_after_a_restart(
    end: signal.Signals, sandbox: Sandbox
) -> None:
    before = await sandbox.start()
    assert len(before["connections"]) == 2
    assert {connection["source_name"] for connection in before["connections"]} == {"samsara"}
    assert {connection["fleet_ref"] for connection in before["connections"]} == {"fleet-1", "fleet-2"}
    written = await write_trailer(before, "Written before the restart")
    held = await records(before)
    assert all(held.values())

    code = sandbox.end(end)
    assert code == (0 if end is signal.SIGTERM else -signal.SIGKILL)
    if sys.platform == "linux":
        await until_gone(sandbox.folder)

    after = await sandbox.start()
    assert after["connections"] == before["connections"]
    assert after["client_secret"] == before["client_secret"]
    assert await records(after) == held
    assert written["resource_id"] in held["trailers"]
    again = await write_trailer(after, "Written after the restart")
    assert again["source_id"] != written["source_id"]


async def test_a_second_sandbox_on_the_same_folder_is_refused_and_harms_nothing(sandbox: Sandbox) -> None:
    described = await sandbox.start()
    command = [
        sys.executable,
        "-m",
        "fleetwrite",
        "up",
        "--sandbox",
        "--tsp",
        "samsara",
        "--port",
        "0",
        "--data-dir",
        str(sandbox.folder),
    ]
    second = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
    _, errors = await second.communicate()
    assert second.returncode == 1
    assert b"Another process" in errors
    assert b"Traceback" not in errors
    assert json.loads((sandbox.folder / "sandbox.json").read_text()) == described
    await write_trailer(described, "Written while another tried")


@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
async def test_children_that_are_killed_come_back(sandbox: Sandbox) -> None:
    described = await sandbox.start()
    for word in ("fleetwrite worker", "fleetwrite api", "fleetwrite simulator", "postgres"):
        (victim,) = [
            number
            for number, (parent, command) in processes_of(sandbox.folder).items()
            if word in command and parent == sandbox.pid
        ]
        os.kill(victim, signal.SIGKILL)
        async with asyncio.timeout(30):
            while not await is_working(described):
                await asyncio.sleep(0.1)
    body = {"connection_id": described["connections"][0]["connection_id"], "trailer_name": "After the kills"}
    status, operation = await call(described, "POST", "/v2/telematics/trailers", json=body)
    assert status == 202
    path = f"/v2/integrations/connections/{operation['connection_id']}/resource-operations/{operation['id']}"
    async with asyncio.timeout(60):
        while (await call(described, "GET", path))[1]["status"] != "success":
            await asyncio.sleep(0.1)


async def is_working(described: dict[str, Any]) -> bool:
    try:
        status, _ = await call(described, "GET", "/v2/telematics/trailers")
    except (aiohttp.ClientError, KeyError):
        return False
    return status == 200
