"""`python -m bench`: measure, print one table, keep the figures."""

import argparse
import asyncio
import os
import signal
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
import uvicorn
from rich.console import Console

from bench import report
from bench.figures import (
    accepting,
    backlog,
    budgets,
    completing,
    deliveries,
    first_byte,
    neighbours,
    peers,
    pulling,
    retry_after,
    syncing,
)
from bench.measure import FULL, QUICK, Figure, Plan
from bench.stack import Stack
from fleetwrite.kit.telemetry import configure_logging

Measure = Callable[[Stack, Plan], Awaitable[list[Figure]]]

FIGURES: Final[Mapping[str, Measure]] = {
    "latency": first_byte.measure,
    "sync": syncing.measure,
    "accept": accepting.measure,
    "complete": completing.measure,
    "retry-after": retry_after.measure,
    "budgets": budgets.measure,
    "neighbours": neighbours.measure,
    "deliveries": deliveries.measure,
    "peers": peers.measure,
    "pull": pulling.measure,
    "backlog": backlog.measure,
}
"""By the name that --only takes, in the order in which they are measured: what leaves most behind comes last."""

RESULTS: Final = Path(__file__).parent / "results"

LONGEST_S: Final = 1800.0
"""A measurement that takes longer than this hangs."""


async def run(names: list[str], plan: Plan, results: Path | None, label: str) -> bool:
    """Measure; returns whether every aim was reached."""
    # Either way of being stopped leaves nothing running.
    main = asyncio.current_task()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, lambda: main is not None and main.cancel())
    console = Console(width=None if os.isatty(1) else 160)
    figures: list[Figure] = []
    took_s: dict[str, float] = {}
    facts: dict[str, Any] = {"plan": msgspec.to_builtins(plan), "load_average_before": os.getloadavg()}
    path: Path | None = None
    with tempfile.TemporaryDirectory(prefix="fleetwrite-bench-", ignore_cleanup_errors=True) as folder:
        limits = {**budgets.LIMITS, **peers.LIMITS}
        fleets = {pulling.ACCOUNT: plan.pulled} if "pull" in names else {}
        async with asyncio.timeout(LONGEST_S), Stack.open(Path(folder), limits, fleets) as stack:
            facts["machine"] = await report.machine(stack.dsn)
            for name in names:
                began = time.monotonic()
                console.print(f"measuring {name} ...", style="dim")
                figures += await FIGURES[name](stack, plan)
                took_s[name] = round(time.monotonic() - began, 1)
                facts |= {"load_average_after": os.getloadavg(), "took_s": took_s}
                # After each group: what was measured is not lost when a later one fails.
                path = None if results is None else report.write(results, label, figures, facts)
    report.show(console, figures)
    console.print(f"Load average before: {facts['load_average_before'][0]:.2f}; nobody else should need the cores.")
    if path is not None:
        console.print(f"Kept in {path}.")
    return all(figure.is_reached is not False for figure in figures)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measures Fleetwrite against its aims.")
    parser.add_argument("--only", default="", help=f"some of: {', '.join(FIGURES)} (with commas)")
    parser.add_argument("--runs", type=int, help="runs of each figure")
    parser.add_argument("--quick", action="store_true", help="small numbers, to see that it works; proves nothing")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where the figures are kept")
    options = parser.parse_args()
    names = [name for name in options.only.split(",") if name] or list(FIGURES)
    unknown = set(names) - FIGURES.keys()
    if unknown:
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are: {', '.join(FIGURES)}")
    plan = QUICK if options.quick else FULL
    if options.runs:
        plan = msgspec.structs.replace(plan, runs=options.runs)
    configure_logging("console", "error")
    label = "all" if len(names) == len(FIGURES) else "-".join(names)
    with asyncio.Runner(loop_factory=uvicorn.Config("", loop="auto", log_config=None).get_loop_factory()) as runner:
        # A quick run is not worth keeping.
        try:
            runner.run(run(names, plan, None if options.quick else options.results, label))
        except asyncio.CancelledError:
            sys.exit("stopped")


if __name__ == "__main__":
    main()
