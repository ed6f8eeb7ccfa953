"""Workers at work on a world."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fleetwrite.bootstrap import run_worker
from fleetwrite.contract.integrations import ResourceOperationRead
from fleetwrite.contract.telematics import ResourceOperation
from integration.operations.world import PENDING, World


@asynccontextmanager
async def worker(world: World) -> AsyncIterator[None]:
    """A worker at work; at the end it finishes what is in flight."""
    stop = asyncio.Event()
    running = asyncio.create_task(run_worker(world.services, stop))
    try:
        yield
    finally:
        stop.set()
        await running


async def until_over(world: World, operation: ResourceOperation) -> ResourceOperationRead:
    """Return the operation when it is not pending any more."""
    async with asyncio.timeout(20):
        while (found := await world.operation(operation.id)).status is PENDING:
            await asyncio.sleep(0.01)
    return found
