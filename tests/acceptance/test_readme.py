"""The README's walk through the API, run as it is printed: what it shows is what happens."""

import asyncio
import json
import os
import re
import shutil
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

README = Path(__file__).parents[2] / "README.md"
DATA_LINE = "DATA=.fleetwrite\n"
"""Where the reader's sandbox is; the one line that is replaced here."""

START_S = 90
"""A first start takes some 4 s on an idle machine; a busy one gets time."""

WALK_S = 60
"""The walk itself takes about 4 s, most of it the wait before a second attempt."""


def walk() -> list[str]:
    """The steps of the walk: its blocks of bash, in order."""
    (chapter,) = re.findall(r"^## A walk through the API\n(.*?)^## ", README.read_text(), re.MULTILINE | re.DOTALL)
    return re.findall(r"^```bash\n(.*?)^```", chapter, re.MULTILINE | re.DOTALL)


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[Path]:
    """The data directory of a running sandbox, as `make up` starts it but for port and place."""
    data_dir = tmp_path / "data"
    command = [sys.executable, "-m", "fleetwrite", "up", "--sandbox", "--port", "0", "--data-dir", str(data_dir)]
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.DEVNULL)
    try:
        async with asyncio.timeout(START_S):
            while not (data_dir / "sandbox.json").exists():
                assert process.returncode is None, "the sandbox ended before it was ready"
                await asyncio.sleep(0.05)
        yield data_dir
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()


async def run_in_one_bash(steps: list[str], folder: Path) -> list[str]:
    """Run `steps` one after the other in the same shell; returns what each printed."""
    script = folder / "walk.sh"
    script.write_text("set -euo pipefail\n" + "".join(f"{step}\nprintf '\\0'\n" for step in steps))
    process = await asyncio.create_subprocess_exec(
        "bash",
        str(script),
        cwd=folder,
        # Without the proxies that curl would ask for addresses on this machine too.
        env={name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(WALK_S):
        printed, _ = await process.communicate()
    assert process.returncode == 0, printed.decode()
    return printed.decode().split("\0")[:-1]


def faults(answer: str) -> dict[str, str]:
    """Path -> error type of a 422's body."""
    body: dict[str, Any] = json.loads(answer)
    assert body["code"] == 422
    return {fault["path"]: fault["error_type"] for fault in body["detail"]}


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed: the README's walk cannot be run")
async def test_the_walk_through_the_api_goes_as_the_readme_says(sandbox: Path) -> None:
    first, *others = walk()
    assert first.count(DATA_LINE) == 1
    first = first.replace(DATA_LINE, f"DATA={sandbox}\n")

    printed = await run_in_one_bash([first, *others], sandbox)

    token, people, accepted, ended, arrived, waited, mistakes, impossible, lost = printed
    assert token == ""
    assert people.strip()
    head, _, operation = accepted.replace("\r", "").strip().partition("\n\n")
    assert head.startswith("HTTP/1.1 202")
    assert "fleetwrite-losses: sender_id" in head.splitlines()
    assert json.loads(operation)["status"] == "pending"
    assert ended.strip() == "success"
    body = json.loads(arrived)
    assert body["text"] == "Load 4711 moved to dock 7."
    assert body["driverIds"]
    vehicle = json.loads(waited)
    assert (vehicle["status"], vehicle["logs"][0]["response_status_code"]) == ("success", 200)
    assert faults(mistakes) == {"body.vehicle_nmae": "unknown_field", "body.model_year": "type"}
    wanted = ("transaction_time", "location_string", "total_cost", "currency")
    assert faults(impossible) == {f"body.{field}": "required_by_tsp" for field in wanted}
    fault_set, attempts, *trailers = lost.strip().splitlines()
    assert fault_set
    assert [attempt["status"] for attempt in json.loads(attempts)] == ["failed", "success"]
    assert json.loads(attempts)[0]["error_details"].startswith("outcome_unknown:")
    assert trailers == ['"name":"Reefer 12"']
