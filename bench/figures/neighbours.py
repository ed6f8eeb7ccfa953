"""What a lone write loses to others that wait.

First: another connection has 100,000 writes waiting, which leave at 50 a second. Second: the connection itself has
100,000 vehicle updates waiting, which leave at the provider's published 100 a minute, and a message is written. Both
within one worker process. The added delay is p99 with the backlog minus the median without it, measured as in
`first_byte` just before.
"""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from bench.cloning import clear, fill
from bench.figures.first_byte import PROBES, probe
from bench.load import percentile, request_bytes
from bench.measure import Aim, Figure, Plan
from bench.stack import Stack
from fleetwrite.dispatch.models import BudgetLimit

Request = Callable[[str], bytes]


async def measure(stack: Stack, plan: Plan) -> list[Figure]:
    """Both delays."""
    return [await _behind_a_neighbour(stack, plan), await _behind_its_own(stack, plan)]


async def _behind_a_neighbour(stack: Stack, plan: Plan) -> Figure:
    lone = await stack.connect(0)
    neighbour = await stack.connect(0, [BudgetLimit(scope="token", requests=50, per_seconds=1)])

    def request(text: str) -> bytes:
        return stack.trailer(lone, text)

    await stack.run_workers(1)
    before = await _series(stack, plan, request, "calm")
    await stack.run_workers(0)
    templates = await stack.accept_trailers([neighbour], "neighbour 0")
    await fill(stack.dsn, templates, plan.neighbours, "trailer_name", "neighbour ")
    await stack.run_workers(1)
    behind = await _series(stack, plan, request, "crowded")
    await stack.run_workers(0)
    await clear(stack.dsn, [neighbour])
    title = f"lone write while a neighbour has {plan.neighbours:,} waiting: added, p99"
    return _figure("neighbours.other_connection_ms", title, before, behind)


async def _behind_its_own(stack: Stack, plan: Plan) -> Figure:
    published = [
        BudgetLimit(scope="token", requests=150, per_seconds=1),
        BudgetLimit(scope="organization", requests=200, per_seconds=1),
        BudgetLimit(scope="endpoint:PATCH /fleet/vehicles/{id}", requests=100, per_seconds=60),
    ]
    connection_id = await stack.connect(0, published, records=True)
    users = await _records(stack, "users", connection_id)
    vehicles = await _records(stack, "vehicles", connection_id)
    people = {
        "sender_id": next(user["id"] for user in users if not user["is_driver"]),
        "recipient_id": next(user["id"] for user in users if user["is_driver"]),
    }

    def request(text: str) -> bytes:
        body = {"connection_id": str(connection_id), **people, "message_text": text}
        return request_bytes("POST", f"{stack.api_url}/v2/telematics/messages", body, stack.authorization)

    await stack.run_workers(1)
    before = await _series(stack, plan, request, "calm message")
    await stack.run_workers(0)
    update = {"connection_id": str(connection_id), "vehicle_name": "behind 0"}
    template = await stack.accept(f"/v2/telematics/vehicles/{vehicles[0]['id']}", update, "PATCH")
    await fill(stack.dsn, [template], plan.neighbours, "vehicle_name", "behind ")
    await stack.run_workers(1)
    behind = await _series(stack, plan, request, "crowded message")
    await stack.run_workers(0)
    await clear(stack.dsn, [connection_id])
    title = f"message behind {plan.neighbours:,} vehicle updates of its connection: added, p99"
    return _figure("neighbours.own_connection_ms", title, before, behind)


async def _series(stack: Stack, plan: Plan, request: Request, name: str) -> list[list[float]]:
    await probe(stack, request, 10, f"warm {name}")
    return [await probe(stack, request, plan.count(PROBES), f"{name} {run}") for run in range(plan.runs)]


async def _records(stack: Stack, resource: str, connection_id: UUID) -> list[dict[str, Any]]:
    page = await stack.call("GET", f"/v2/telematics/{resource}", connection_id=str(connection_id))
    items: list[dict[str, Any]] = page["items"]
    return items


def _figure(key: str, title: str, before: list[list[float]], behind: list[list[float]]) -> Figure:
    calm_ms = [percentile(delays, 0.5) * 1000 for delays in before]
    p99_ms = [percentile(delays, 0.99) * 1000 for delays in behind]
    return Figure(
        key=key,
        title=title,
        unit="ms",
        values=[crowded - calm for crowded, calm in zip(p99_ms, calm_ms, strict=True)],
        aim=Aim("<=", 50),
        detail={
            "calm_p50_ms": calm_ms,
            "calm_p99_ms": [percentile(delays, 0.99) * 1000 for delays in before],
            "crowded_p50_ms": [percentile(delays, 0.5) * 1000 for delays in behind],
            "crowded_p99_ms": p99_ms,
        },
    )
