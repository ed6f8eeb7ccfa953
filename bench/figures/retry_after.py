"""What happens when the provider says 429 with Retry-After.

Twelve connections of an account each send 20 calls a second out of a backlog, by three worker processes. Then twelve
calls are answered with 429 and `Retry-After: 1.3`, once in each run. From a 429 on, until its Retry-After ends, there
may be no call of that connection; after that, the next one should come at once. A call that arrived less than 10 ms
after the 429 was under way before anybody could know and does not count.
"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from bench.cloning import clear, fill
from bench.load import percentile
from bench.measure import Aim, Figure, Plan
from bench.stack import LogEntry, Stack
from fleetwrite.dispatch.models import BudgetLimit

ORGANIZATIONS: Final = range(13, 25)
RETRY_AFTER_S: Final = 1.3
PER_SECOND: Final = 20
WORKERS: Final = 3

_ROUND_S: Final = 3.0
_KNOWN_AFTER_S: Final = 0.01


async def measure(stack: Stack, plan: Plan) -> list[Figure]:
    """Calls before its end, and lateness after it."""
    budget = BudgetLimit(scope="token", requests=PER_SECOND, per_seconds=1)
    connections = {f"closing-{number}": await stack.connect(number, [budget]) for number in ORGANIZATIONS}
    for name, connection_id in connections.items():
        templates = await stack.accept_trailers([connection_id], f"{name} 0")
        count = round(PER_SECOND * (plan.runs * _ROUND_S + 5))
        await fill(stack.dsn, templates, count, "trailer_name", f"{name} ")
    await stack.run_workers(WORKERS)
    await asyncio.sleep(1.0)
    early: list[float] = []
    late_s: list[list[float]] = []
    for _ in range(plan.runs):
        since = await stack.last_sequence()
        await stack.add_fault(
            {
                "method": "POST",
                "path": "/fleet/trailers",
                "kind": "status",
                "status": 429,
                "headers": {"Retry-After": str(RETRY_AFTER_S)},
                "count": len(connections),
            }
        )
        await asyncio.sleep(_ROUND_S)
        calls, lateness = _judge(await stack.log_since(since))
        early.append(calls)
        late_s.append(lateness)
    await stack.run_workers(0)
    await clear(stack.dsn, list(connections.values()))
    return [
        Figure(
            key="retry_after.early",
            title=f"calls before Retry-After ends (of {len(connections)} closings)",
            unit="",
            values=early,
            aim=Aim("<=", 0),
        ),
        Figure(
            key="retry_after.late_p99",
            title="lateness on resuming, p99",
            unit="ms",
            values=[percentile(lateness, 0.99) * 1000 for lateness in late_s if lateness],
            aim=Aim("<=", 100),
            detail={"p50_ms": [percentile(lateness, 0.5) * 1000 for lateness in late_s if lateness]},
        ),
    ]


def _judge(log: Sequence[LogEntry]) -> tuple[int, list[float]]:
    """How many calls came too early, and how late in seconds each connection resumed."""
    by_connection: dict[str, list[LogEntry]] = defaultdict(list)
    for entry in sorted(log, key=lambda entry: entry.at):
        by_connection[entry.name.partition(" ")[0]].append(entry)
    early, lateness = 0, []
    for entries in by_connection.values():
        closed_at, closed_until = None, 0.0
        for entry in entries:
            if closed_at is not None:
                if entry.at < closed_until:
                    early += entry.at > closed_at + _KNOWN_AFTER_S
                else:
                    lateness.append(entry.at - closed_until)
                    closed_at = None
            if entry.status == 429:
                closed_at, closed_until = entry.at, max(closed_until, entry.at + RETRY_AFTER_S)
    return early, lateness
