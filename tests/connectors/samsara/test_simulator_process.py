"""The simulator as a process of its own: killed without warning, it has lost nothing that it answered."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

PROGRAM = """
import asyncio, sys
from pathlib import Path
from fleetwrite.connectors.samsara.simulator import SamsaraSimulator
from fleetwrite.connectors.sdk.simulator import run_simulator
def ready(url):
    print(url, flush=True)
asyncio.run(run_simulator(SamsaraSimulator(Path(sys.argv[1])), on_ready=ready))
"""
HEADERS = {"Authorization": "Bearer samsara_api_demo_northwind"}


@asynccontextmanager
async def _simulator(data_dir: Path, end: Callable[[asyncio.subprocess.Process], None]) -> AsyncIterator[str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM, str(data_dir), stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        yield (await process.stdout.readline()).decode().strip()
    finally:
        end(process)
        code = await process.wait()
    assert code in (0, -signal.SIGKILL)


async def _get(session: aiohttp.ClientSession, url: str) -> Any:
    async with session.get(url, headers=HEADERS) as response:
        assert response.status == 200
        return await response.json()


async def test_kill_9_loses_no_answered_record_and_the_log_goes_on(tmp_path: Path) -> None:
    async with aiohttp.ClientSession() as session:
        answered: list[str] = []
        enough = asyncio.Event()

        async def write(url: str) -> None:
            limit = {"requests": 100_000, "per_seconds": 1, "kind": "bucket"}
            await session.put(f"{url}/_simulator/limits", json=limit)
            while True:
                async with session.post(f"{url}/fleet/trailers", json={"name": "T"}, headers=HEADERS) as response:
                    answered.append((await response.json())["data"]["id"])
                if len(answered) >= 300:
                    enough.set()

        async with _simulator(tmp_path, lambda process: process.kill()) as url:
            before = await _get(session, f"{url}/fleet/drivers")
            writers = [asyncio.create_task(write(url)) for _ in range(8)]
            await enough.wait()
        failures = await asyncio.gather(*writers, return_exceptions=True)
        assert all(isinstance(failure, (aiohttp.ClientError, OSError)) for failure in failures)

        async with _simulator(tmp_path, lambda process: process.terminate()) as url:
            records = await _get(session, f"{url}/_simulator/records/trailers?organization=5001")
            kept = [record["id"] for record in records["records"]]
            assert set(answered) <= set(kept)
            log = (await _get(session, f"{url}/_simulator/requests"))["requests"]
            assert [call["sequence"] for call in log] == list(range(1, len(log) + 1))
            # Four trailers were there from the start; every other one has its line in the log, and the reverse.
            assert len(kept) - 4 == sum(call["method"] == "POST" and call["status"] == 200 for call in log)
            assert await _get(session, f"{url}/fleet/drivers") == before
            last = (await _get(session, f"{url}/_simulator/requests?since={len(log)}"))["requests"]
            assert [call["sequence"] for call in last] == [len(log) + 1]
