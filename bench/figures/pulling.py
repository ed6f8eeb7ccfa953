"""How fast a worker pulls a large fleet, and in how much memory: when all of it is new, then when nothing changed.

The fleet is account 26 of the simulated provider: as many vehicles as the plan says, listed 512 at a time, without a
limit. The worker does nothing else. Memory is the worker's resident memory, looked at ten times a second.
"""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from bench.measure import Figure, Plan
from bench.stack import Stack
from fleetwrite.kit.keyset import Window

ACCOUNT: Final = 26
"""Number of the simulated account."""

_LATER: Final = datetime(2999, 1, 1, tzinfo=UTC)
"""Nothing is pulled before it is measured."""

_LOOK_S: Final = 0.1
_WITHIN_S: Final = 600.0


async def measure(stack: Stack, plan: Plan) -> list[Figure]:
    """Records a second of both, and what the worker's memory grew by."""
    connection_id = await stack.connect(ACCOUNT, pulled_by_workers=True)
    for schedule in (await stack.services.schedules.page(connection_id, Window())).items:
        later = {"next_execution_at": _LATER}
        await stack.services.schedules.change(connection_id, schedule.id, later)
    await stack.run_workers(1)
    (worker,) = stack.workers
    before = worker.resident_mib()
    figures: list[Figure] = []
    peak = before
    for name, when in (("new", "that are new"), ("known", "of which none has changed")):
        async for resident in _pull(stack, connection_id):
            peak = max(peak, resident)
        seconds, pages = await _took(stack, connection_id)
        await stack.check_records(connection_id, plan.pulled)
        figures.append(
            Figure(
                key=f"pull.{name}_per_s",
                title=f"vehicles pulled, {plan.pulled:,} {when}",
                unit="/s",
                values=[plan.pulled / seconds],
                detail={"seconds": seconds, "pages": pages},
            )
        )
    await stack.run_workers(0)
    return [
        *figures,
        Figure(
            key="pull.memory_mib",
            title="memory of the worker meanwhile, at most",
            unit="MiB",
            values=[peak],
            detail={"before_mib": before},
        ),
    ]


async def _pull(stack: Stack, connection_id: UUID) -> AsyncIterator[float]:
    """Let the worker pull; yields its memory, again and again, until it has."""
    ended = await _ended(stack, connection_id)
    await stack.services.schedules.pull_soon([connection_id])
    async with asyncio.timeout(_WITHIN_S):
        while await _ended(stack, connection_id) == ended:
            yield stack.workers[0].resident_mib()
            await asyncio.sleep(_LOOK_S)


async def _ended(stack: Stack, connection_id: UUID) -> int:
    """How many executions of the vehicles' schedule have succeeded."""
    count: int = await stack.services.database.pool.fetchval(
        """
        SELECT count(*) FROM executions e JOIN schedules s ON s.id = e.schedule_id
        WHERE s.connection_id = $1 AND s.resource = 'vehicle' AND e.status = 'success'
        """,
        connection_id,
    )
    return count


async def _took(stack: Stack, connection_id: UUID) -> tuple[float, int]:
    """How many seconds the last execution of the vehicles' schedule took, and how many pages it read."""
    row = await stack.services.database.pool.fetchrow(
        """
        SELECT extract(epoch FROM e.updated_at - e.created_at)::float8 AS seconds, pages
        FROM executions e JOIN schedules s ON s.id = e.schedule_id
        WHERE s.connection_id = $1 AND s.resource = 'vehicle' ORDER BY e.created_at DESC LIMIT 1
        """,
        connection_id,
    )
    assert row is not None  # noqa: S101 - there is one: it has just ended
    return row["seconds"], row["pages"]
