"""What a sync write costs over the same call made directly to the provider.

One at a time: a trailer created at the simulator directly, then one through Fleetwrite with is_sync=true, in turn. The
overhead at a percentile is the difference between the two percentiles.
"""

import time
from typing import Final
from uuid import UUID

from bench.load import Client, LoadError, Outcome, request_bytes
from bench.measure import Aim, Figure, Plan
from bench.simulator import token
from bench.stack import Stack

CALLS: Final = 300


async def measure(stack: Stack, plan: Plan) -> list[Figure]:
    """Overhead at p50 and p99."""
    connection_id = await stack.connect(0)
    await pairs(stack, connection_id, 20)
    runs = [await pairs(stack, connection_id, plan.count(CALLS)) for _ in range(plan.runs)]
    figures = []
    for share, aim_ms in ((0.50, 5), (0.99, 20)):
        direct = [outcome.percentile_ms(share) for outcome, _ in runs]
        through = [outcome.percentile_ms(share) for _, outcome in runs]
        figures.append(
            Figure(
                key=f"sync.overhead_p{share * 100:.0f}_ms",
                title=f"sync write: overhead over the direct call, p{share * 100:.0f}",
                unit="ms",
                values=[ours - theirs for ours, theirs in zip(through, direct, strict=True)],
                aim=Aim("<=", aim_ms),
                detail={"direct_ms": direct, "through_ms": through},
            )
        )
    return figures


async def pairs(stack: Stack, connection_id: UUID, count: int) -> tuple[Outcome, Outcome]:
    """So many calls directly and as many through Fleetwrite, in turn."""
    direct_url = f"{stack.simulator_url}/fleet/trailers"
    headers = {"Authorization": f"Bearer {token(0)}"}
    provider, api = await Client.open(stack.simulator_url), await Client.open(stack.api_url)
    direct, through = Outcome(), Outcome()
    for number in range(count):
        name = f"sync {number}"
        await timed(provider, request_bytes("POST", direct_url, {"name": name}, headers), direct)
        await timed(api, stack.trailer(connection_id, name, is_sync=True), through)
    provider.close()
    api.close()
    return direct, through


async def timed(client: Client, request: bytes, outcome: Outcome) -> None:
    """Send a request that must succeed, and note how long it took."""
    began = time.perf_counter()
    answer = await client.send(request)
    outcome.latencies_s.append(time.perf_counter() - began)
    if answer.status != 200:
        raise LoadError(f"expected 200, got {answer.status}: {answer.body[:300].decode(errors='replace')}")
