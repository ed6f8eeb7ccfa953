"""Does a piece of work again and again, whatever goes wrong with one turn of it."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from fleetwrite.kit.database import DATABASE_FAILURES

log = structlog.get_logger(__name__)


async def poll(work: Callable[[], Awaitable[object]], stop: asyncio.Event, every_s: float, name: str) -> None:
    """Do `work`, and again so many seconds after its end, until `stop` is set; a turn under way is finished.

    What goes wrong is logged with the `name` of the work, and left to the next turn.
    """
    while not stop.is_set():
        await safely(work(), name)
        try:
            async with asyncio.timeout(every_s):
                await stop.wait()
        except TimeoutError:
            continue


async def safely(work: Awaitable[object], name: str) -> None:
    """Do `work`; what goes wrong is logged with its `name`."""
    try:
        await work
    except DATABASE_FAILURES as error:
        log.warning("polling.database_unavailable", work=name, error=str(error))
    except Exception:
        log.exception("polling.crashed", work=name)
