"""Budget use under a standing backlog, and the 429s that we caused ourselves.

Thirteen accounts at once, each with a limit of its own at the provider (5/s, 10/s, 50/s and 100/min; token bucket,
fixed window, sliding window) and a connection whose budget says the same; the thirteenth has two connections that share
the account's budget. More waits for each than can be sent. Workers run without a break for all windows of one worker
count. Of each window the calls that the provider accepted are counted, the last one by the share of its interval that
lies inside, and divided by rate * length of the window. (A token bucket starts full, and would let a caller who
forgives itself everything make that many more calls once. We do not use that, and it is not counted as allowed.) The
provider's log is the judge.
"""

import asyncio
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Final

import msgspec

from bench.cloning import clear, fill
from bench.measure import Aim, Figure, Plan
from bench.stack import LogEntry, Stack
from fleetwrite.dispatch.models import BudgetLimit

KINDS: Final = ("bucket", "fixed", "sliding")


class Cell(msgspec.Struct, frozen=True):
    """One account: its number, its limit, how the provider counts, and how many connections share it."""

    organization: int
    requests: int
    per_seconds: int
    kind: str
    connections: int = 1

    @property
    def name(self) -> str:
        return f"{self.requests}-in-{self.per_seconds}s-{self.kind}-{self.connections}"

    @property
    def budget(self) -> BudgetLimit:
        scope = "token" if self.connections == 1 else "organization"
        return BudgetLimit(scope=scope, requests=self.requests, per_seconds=self.per_seconds)

    @property
    def per_second(self) -> float:
        return self.requests / self.per_seconds

    @property
    def limit(self) -> dict[str, object]:
        return {"requests": self.requests, "per_seconds": self.per_seconds, "kind": self.kind}


RATES: Final = ((5, 1), (10, 1), (50, 1), (100, 60))

SHARED: Final = Cell(27, 10, 1, "sliding", connections=2)

CELLS: Final = (
    *(
        Cell(number, requests, per_seconds, kind)
        for number, ((requests, per_seconds), kind) in enumerate(((rate, kind) for rate in RATES for kind in KINDS), 1)
    ),
    SHARED,
)

LIMITS: Final = {cell.organization: cell.limit for cell in CELLS}

_AIM: Final = Aim(">=", 0.98)
_SPARE_S: Final = 8.0
"""The backlog lasts so much longer than the windows, so that it stands until the last one ends."""


async def measure(stack: Stack, plan: Plan) -> list[Figure]:
    """Budget use for each rate and number of workers (the worst kind of limit counts), and all 429s."""
    figures: list[Figure] = []
    refused: dict[str, int] = {}
    for workers in plan.worker_counts:
        logs = await _run(stack, plan, workers)
        for cell, log in logs.items():
            refused[f"{cell.name}, {workers} workers"] = sum(entry.status == 429 for entry in log)
        figures += [_figure(rate, workers, plan, logs) for rate in RATES]
        figures.append(_shared_figure(workers, plan, logs[SHARED]))
    figures.append(
        Figure(
            key="budgets.refused",
            title="429s we caused ourselves, in all of these",
            unit="",
            values=[sum(refused.values())],
            aim=Aim("<=", 0),
            detail=refused,
        )
    )
    return figures


async def _run(stack: Stack, plan: Plan, workers: int) -> dict[Cell, list[LogEntry]]:
    # Connections of their own for each: what was learnt of a provider under other workers must not count here.
    connections = {
        cell: [
            await stack.connect(cell.organization, [cell.budget], account_id=f"{cell.name} {workers}")
            for _ in range(cell.connections)
        ]
        for cell in CELLS
    }
    lasts_s = plan.runs * plan.window_s
    for cell, ids in connections.items():
        templates = await stack.accept_trailers(ids, f"{cell.name} {workers} 0")
        count = round((lasts_s + _SPARE_S) * cell.per_second)
        await fill(stack.dsn, templates, count, "trailer_name", f"{cell.name} {workers} ")
    since = await stack.last_sequence()
    await stack.run_workers(workers)
    await asyncio.sleep(lasts_s + 2.0)
    await stack.run_workers(0)
    log = await stack.log_since(since)
    await clear(stack.dsn, [one for ids in connections.values() for one in ids])
    by_name: dict[str, list[LogEntry]] = defaultdict(list)
    for entry in log:
        by_name[entry.name.partition(" ")[0]].append(entry)
    return {cell: by_name[cell.name] for cell in connections}


def _figure(rate: tuple[int, int], workers: int, plan: Plan, logs: Mapping[Cell, Sequence[LogEntry]]) -> Figure:
    requests, per_seconds = rate
    # A window shorter than the limit's own period would not tell anything: there it is all windows taken together.
    runs, window_s = (plan.runs, plan.window_s) if per_seconds == 1 else (1, plan.runs * plan.window_s)
    by_kind = {
        cell.kind: use(log, cell.per_second, runs, window_s)
        for cell, log in logs.items()
        if (cell.requests, cell.per_seconds) == rate and cell is not SHARED
    }
    per = "s" if per_seconds == 1 else "min"
    return Figure(
        key=f"budgets.use.{requests}-{per}.{workers}-workers",
        title=f"budget use at {requests}/{per}, {workers} worker{'s' if workers > 1 else ''}",
        unit="",
        values=[min(values) for values in zip(*by_kind.values(), strict=True)],
        aim=_AIM,
        detail=by_kind,
    )


def _shared_figure(workers: int, plan: Plan, log: Sequence[LogEntry]) -> Figure:
    return Figure(
        key=f"budgets.use.shared.{workers}-workers",
        title=f"budget use at 10/s, two connections of one account, {workers} worker{'s' if workers > 1 else ''}",
        unit="",
        values=use(log, SHARED.per_second, plan.runs, plan.window_s),
        aim=_AIM,
    )


def use(log: Sequence[LogEntry], per_second: float, windows: int, window_s: float) -> list[float]:
    """Of each window: calls accepted / calls allowed. The first window begins with the first accepted call."""
    accepted = sorted(entry.at for entry in log if entry.status < 300)
    if len(accepted) < 2:
        return [0.0] * windows

    def count_until(at: float) -> float:
        """Calls before `at`, the last one in part."""
        index = bisect_right(accepted, at)
        if index >= len(accepted):
            return float(index)
        before, after = accepted[index - 1], accepted[index]
        return index + (at - before) / (after - before)

    edges = [accepted[0] + window_s * number for number in range(windows + 1)]
    return [(count_until(end) - count_until(start)) / (per_second * window_s) for start, end in pairwise(edges)]
