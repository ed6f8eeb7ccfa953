"""Work that a process does again and again beside its main one."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from fleetwrite.kit.database import DATABASE_FAILURES

log = structlog.get_logger(__name__)


async def repeat(work: Callable[[], Awaitable[object]], every_s: float, stop: asyncio.Event, *, name: str) -> None:
    """Do `work`, and again `every_s` seconds after it ended, until `stop` is set; what is under way is finished.

    As by `safely`.
    """
    while not stop.is_set():
        await safely(work(), name=name)
        try:
            async with asyncio.timeout(every_s):
                await stop.wait()
        except TimeoutError:
            continue


async def safely(work: Awaitable[object], *, name: str) -> None:
    """Do `work`, which will be done again anyway: whatever goes wrong is logged under `name`, and disturbs nobody."""
    try:
        await work
    except DATABASE_FAILURES as error:
        log.warning("repeating.database_unavailable", work=name, error=str(error))
    except Exception:
        log.exception("repeating.crashed", work=name)
