"""Complete writes a second: accepted, translated, sent, settled, and the webhook delivered.

A thousand connections without budgets, one API process and one worker process, 64 clients. The time runs from the first
write sent until the receiver heard of the last one (`resource_operation.succeeded`). Everything shares the cores:
clients, API, worker, PostgreSQL, the simulated provider and the receiver.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final
from uuid import UUID

from bench.load import closed_loop
from bench.measure import Aim, Figure, Plan
from bench.stack import Stack

CONNECTIONS: Final = 1000
WRITES: Final = 3000
CLIENTS: Final = 64

_WITHIN_S: Final = 120.0


async def measure(stack: Stack, plan: Plan) -> list[Figure]:
    """Writes a second."""
    connections = [await stack.connect(0) for _ in range(plan.count(CONNECTIONS))]
    await stack.run_workers(1)
    async with subscription(stack):
        await complete(stack, connections, plan.count(1000))
        values = [await complete(stack, connections, plan.count(WRITES)) for _ in range(plan.runs)]
    await stack.run_workers(0)
    return [
        Figure(
            key="complete.per_second",
            title=f"complete writes, webhook delivered, {len(connections)} connections",
            unit="/s",
            values=values,
            aim=Aim(">=", 600),
        )
    ]


@asynccontextmanager
async def subscription(stack: Stack) -> AsyncIterator[None]:
    """Let the receiver hear of every write that succeeded."""
    body = {"url": stack.receiver.url, "event_name": "resource_operation.succeeded"}
    made = await stack.call("POST", "/v2/notifications/webhooks", body)
    webhook = made[0] if isinstance(made, list) else made
    yield
    await stack.call("DELETE", f"/v2/notifications/webhooks/{webhook['id']}")


async def complete(stack: Stack, connections: Sequence[UUID], total: int) -> float:
    """Writes a second, of so many."""
    stack.receiver.expect(total)
    accepting = await closed_loop(
        stack.api_url,
        lambda number: stack.trailer(connections[number % len(connections)], f"complete {number}"),
        total=total,
        clients=CLIENTS,
        status=202,
    )
    await stack.receiver.wait(_WITHIN_S)
    return total / (stack.receiver.last_at - accepting.began_at)
