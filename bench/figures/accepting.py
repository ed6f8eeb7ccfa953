"""Accepting: how many writes a second get their 202, beside the floor, and how long one takes at half of that load.

One API process, 64 keep-alive clients that send the next write when the last one is answered, all for one connection;
no worker runs. The floor (bench/floor.py) is driven by the same clients, alternately. The latency at half load is
measured with writes at a steady rate, from the moment each was due.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final
from uuid import UUID

from bench.cloning import clear
from bench.load import Outcome, closed_loop, open_loop, request_bytes
from bench.measure import Aim, Figure, Plan
from bench.stack import Stack, free_port

CLIENTS: Final = 64
WRITES: Final = 2500
FLOOR_WRITES: Final = 6000
STEADY: Final = 1500


async def measure(stack: Stack, plan: Plan) -> list[Figure]:
    """Throughput with its ratio to the floor, and p99 at half load."""
    connection_id = await stack.connect(0)
    rates, floors, p99s, p50s = [], [], [], []
    # Held: its job stays where it is, to be copied.
    template_connection = await stack.connect(0)
    (template,) = await stack.accept_trailers([template_connection], "floor")
    async with _floor(stack, template) as floor_url:
        await accepted(stack, connection_id, plan.count(500))
        await _floor_rate(floor_url, connection_id, plan.count(500))
        for _ in range(plan.runs):
            floors.append((await _floor_rate(floor_url, connection_id, plan.count(FLOOR_WRITES))).per_second)
            rates.append((await accepted(stack, connection_id, plan.count(WRITES))).per_second)
            steady = await at_rate(stack, connection_id, plan.count(STEADY), rates[-1] / 2)
            p99s.append(steady.percentile_ms(0.99))
            p50s.append(steady.percentile_ms(0.50))
            await clear(stack.dsn, [connection_id])
    await clear(stack.dsn, [template_connection])
    return [
        Figure(
            key="accept.per_second",
            title="writes accepted (202)",
            unit="/s",
            values=rates,
            aim=Aim(">=", 0.5, of_ratio=True),
            floor=floors,
            floor_name="bare ASGI + group commit",
            detail={"floor_per_second": floors},
        ),
        Figure(
            key="accept.p99_ms",
            title="accept at half of that load, p99",
            unit="ms",
            values=p99s,
            aim=Aim("<=", 15),
            detail={"p50_ms": p50s, "per_second": [rate / 2 for rate in rates]},
        ),
    ]


async def accepted(stack: Stack, connection_id: UUID, total: int) -> Outcome:
    """Accept so many as fast as possible."""
    return await closed_loop(
        stack.api_url,
        lambda number: stack.trailer(connection_id, f"accept {number}"),
        total=total,
        clients=CLIENTS,
        status=202,
    )


async def at_rate(stack: Stack, connection_id: UUID, total: int, per_second: float) -> Outcome:
    """Accept so many at a steady rate."""
    return await open_loop(
        stack.api_url,
        lambda number: stack.trailer(connection_id, f"steady {number}"),
        total=total,
        per_second=per_second,
        status=202,
    )


async def _floor_rate(url: str, connection_id: UUID, total: int) -> Outcome:
    return await closed_loop(
        url,
        lambda number: request_bytes(
            "POST", url, {"connection_id": str(connection_id), "trailer_name": f"floor {number}"}
        ),
        total=total,
        clients=CLIENTS,
        status=202,
    )


@asynccontextmanager
async def _floor(stack: Stack, template: UUID) -> AsyncIterator[str]:
    process = stack.process("bench.floor", "--port", str(free_port()), "--template", str(template))
    try:
        yield await process.start() + "/"
    finally:
        await process.stop()
