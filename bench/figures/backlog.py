"""The main figures once more with a million operations waiting, and what memory they take.

The backlog is spread over a hundred connections whose budget lets one call go in ten seconds each, so that their lanes
come due all the time (a held connection would be the easy case). Each figure is measured in this same session without
the backlog and with it; the ratio is with / without, and above 0.8 or below 1.25 is within 20 %.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final
from uuid import UUID

from bench.cloning import clear, fill
from bench.figures.accepting import WRITES, accepted, at_rate
from bench.figures.completing import CONNECTIONS, complete, subscription
from bench.figures.completing import WRITES as COMPLETE_WRITES
from bench.figures.first_byte import PROBES, probe
from bench.figures.syncing import pairs
from bench.load import percentile
from bench.measure import Aim, Figure, Plan
from bench.stack import Stack
from fleetwrite.dispatch.models import BudgetLimit

BUSY: Final = 100

_SLOWER: Final = Aim(">=", 0.8, of_ratio=True)
_LONGER: Final = Aim("<=", 1.25, of_ratio=True)
_TITLES: Final = {
    "accept.per_second": ("writes accepted (202)", "/s", _SLOWER),
    "accept.p99_ms": ("accept at 300/s, p99", "ms", _LONGER),
    "sync.p50_ms": ("sync write, p50", "ms", _LONGER),
    "complete.per_second": ("complete writes", "/s", _SLOWER),
    "first_byte.p50_ms": ("write sent to first byte, p50", "ms", _LONGER),
}


async def measure(stack: Stack, plan: Plan) -> list[Figure]:
    """Each figure with the backlog beside itself without, and memory."""
    connections = [await stack.connect(0) for _ in range(plan.count(CONNECTIONS))]
    budget = BudgetLimit(scope="token", requests=1, per_seconds=10)
    busy = [await stack.connect(0, [budget]) for _ in range(BUSY)]
    await stack.run_workers(1)
    memory_before = _memory(stack)
    await stack.run_workers(0)
    before, _ = await _everything(stack, plan, connections)
    templates = await stack.accept_trailers(busy, "backlog 0")
    await fill(stack.dsn, templates, plan.backlog // BUSY, "trailer_name", "backlog ")
    behind, memory_behind = await _everything(stack, plan, connections)
    await clear(stack.dsn, busy)
    return [
        *(
            Figure(
                key=f"backlog.{key}",
                title=f"{title}, {plan.backlog:,} waiting",
                unit=unit,
                values=behind[key],
                aim=aim,
                floor=before[key],
                floor_name="without",
                detail={"without": before[key]},
            )
            for key, (title, unit, aim) in _TITLES.items()
        ),
        *(
            Figure(
                key=f"memory.{name}_mib",
                title=f"memory of API + worker, {when}",
                unit="MiB",
                values=[sum(memory.values())],
                aim=Aim("<=", 250),
                detail=memory,
            )
            for name, when, memory in (
                ("idle", "worker just started, nothing waiting", memory_before),
                ("backlog", f"having done all that, {plan.backlog:,} waiting", memory_behind),
            )
        ),
    ]


def _memory(stack: Stack) -> dict[str, float]:
    """Resident MiB of the API and of the one worker."""
    return {"api": stack.api.resident_mib(), "worker": stack.workers[0].resident_mib()}


async def _everything(
    stack: Stack, plan: Plan, connections: Sequence[UUID]
) -> tuple[dict[str, list[float]], dict[str, float]]:
    """All values of each figure, and the memory at the end of them."""
    one = connections[0]

    async def rate() -> float:
        return (await accepted(stack, one, plan.count(WRITES))).per_second

    async def steady() -> float:
        return (await at_rate(stack, one, plan.count(900), 300.0)).percentile_ms(0.99)

    async def sync() -> float:
        _, through = await pairs(stack, one, plan.count(100))
        return through.percentile_ms(0.5)

    async def writes() -> float:
        return await complete(stack, connections, plan.count(COMPLETE_WRITES))

    runs = iter(range(plan.runs * 2 + 2))

    async def first() -> float:
        delays = await probe(stack, lambda name: stack.trailer(one, name), plan.count(PROBES), f"again {next(runs)}")
        return percentile(delays, 0.5) * 1000

    values: dict[str, list[float]] = {}
    for key, measure_one in (("accept.per_second", rate), ("accept.p99_ms", steady), ("sync.p50_ms", sync)):
        values[key] = await _repeated(measure_one, plan.runs)
        await clear(stack.dsn, [one])
    await stack.run_workers(1)
    values["first_byte.p50_ms"] = await _repeated(first, plan.runs)
    async with subscription(stack):
        await complete(stack, connections, plan.count(1000))
        values["complete.per_second"] = await _repeated(writes, plan.runs)
    memory = _memory(stack)
    await stack.run_workers(0)
    return values, memory


async def _repeated(measure_one: Callable[[], Awaitable[float]], runs: int) -> list[float]:
    return [await measure_one() for _ in range(runs)]
