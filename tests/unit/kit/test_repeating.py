import asyncio

import asyncpg
import pytest
from structlog.testing import capture_logs

from fleetwrite.kit.repeating import repeat, safely


async def test_work_is_done_again_whatever_goes_wrong_until_it_is_told_to_stop() -> None:
    stop = asyncio.Event()
    failures: list[Exception | None] = [OSError("away"), ValueError("a defect"), asyncpg.InterfaceError("closed"), None]
    done = 0

    async def work() -> None:
        nonlocal done
        done += 1
        failure = failures[done - 1]
        if failure is not None:
            raise failure
        stop.set()

    with capture_logs() as logs:
        await repeat(work, 0.0, stop, name="sweeping")
    assert done == 4
    assert [(entry["event"], entry["work"]) for entry in logs] == [
        ("repeating.database_unavailable", "sweeping"),
        ("repeating.crashed", "sweeping"),
        ("repeating.database_unavailable", "sweeping"),
    ]


async def test_being_stopped_ends_the_pause() -> None:
    stop = asyncio.Event()

    async def work() -> None:
        asyncio.get_running_loop().call_soon(stop.set)

    async with asyncio.timeout(10):
        await repeat(work, 3600.0, stop, name="sweeping")


async def test_a_cancellation_is_not_swallowed() -> None:
    async def work() -> None:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await safely(work(), name="sweeping")
