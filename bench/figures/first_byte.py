"""How long after a write is sent to us its call arrives at the provider, on an idle lane.

One write at a time, with a pause in between, so that everything is idle. The time runs from the moment the client sends
its request, so it holds the accept too, until the provider has read the call's headers.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Final

from bench.load import Client, LoadError, percentile
from bench.measure import Aim, Figure, Plan
from bench.stack import Stack

PROBES: Final = 60

_PAUSE_S: Final = 0.04
_WITHIN_S: Final = 30.0


async def measure(stack: Stack, plan: Plan) -> list[Figure]:
    """p50, with p99 as a detail."""
    connection_id = await stack.connect(0)
    await stack.run_workers(1)
    await probe(stack, lambda name: stack.trailer(connection_id, name), 20, "warm")
    runs = [
        await probe(stack, lambda name: stack.trailer(connection_id, name), plan.count(PROBES), f"first {run}")
        for run in range(plan.runs)
    ]
    await stack.run_workers(0)
    return [
        Figure(
            key="first_byte.p50_ms",
            title="write sent to first byte at the provider, idle lane, p50",
            unit="ms",
            values=[percentile(delays, 0.5) * 1000 for delays in runs],
            aim=Aim("<=", 15),
            detail={"p99_ms": [percentile(delays, 0.99) * 1000 for delays in runs]},
        )
    ]


async def probe(stack: Stack, request: Callable[[str], bytes], count: int, prefix: str) -> list[float]:
    """Seconds from each of `count` requests, made one after the other, to its call at the provider.

    Args:
        stack: where.
        request: makes the request for a write that bears the given text.
        count: how many.
        prefix: begins that text, and tells this series from all others.
    """
    since = await stack.last_sequence()
    client = await Client.open(stack.api_url)
    sent: dict[str, float] = {}
    for number in range(count):
        text = f"{prefix} {number}"
        prepared = request(text)
        sent[text] = time.time()
        answer = await client.send(prepared)
        if answer.status != 202:
            raise LoadError(f"expected 202, got {answer.status}: {answer.body[:300].decode(errors='replace')}")
        await asyncio.sleep(_PAUSE_S)
    client.close()
    arrived: dict[str, float] = {}
    async with asyncio.timeout(_WITHIN_S):
        while len(arrived) < count:
            for entry in await stack.log_since(since):
                if entry.text in sent:
                    arrived.setdefault(entry.text, entry.at)
            await asyncio.sleep(0.05)
    return [arrived[text] - at for text, at in sent.items()]
