"""Whatever happens, in whatever order: each operation comes to one end, and nothing is written twice."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fleetwrite.dispatch.errors import OrderConflictError
from fleetwrite.dispatch.models import Job
from fleetwrite.operations.errors import OperationStateError
from integration.operations import writes
from integration.operations.endings import DELIVERED, endings
from integration.operations.world import LEASE, PENDING, SUCCESS, World

KINDS: Final = (writes.TRAILER, writes.TRAILER_ASSET, writes.DRIVER, writes.MESSAGE, writes.FUEL)

FAULTS: Final[tuple[dict[str, Any], ...]] = (
    {"method": "POST", "kind": "commit_then_drop"},
    {"method": "POST", "kind": "drop_before"},
    {"method": "POST", "kind": "status", "status": 400},
    {"method": "POST", "kind": "status", "status": 401},
    {"method": "POST", "kind": "status", "status": 429, "headers": {"Retry-After": "0.5"}},
    {"method": "POST", "kind": "status", "status": 500},
    {"method": "GET", "kind": "drop_before"},
    {"method": "GET", "kind": "status", "status": 429, "headers": {"Retry-After": "20"}},
    {"method": "GET", "kind": "status", "status": 503},
)

ACCEPT: Final = st.tuples(st.just("accept"), st.sampled_from(KINDS), st.booleans())
STEPS: Final = st.one_of(
    ACCEPT,
    st.tuples(st.just("fault"), st.sampled_from(FAULTS)),
    st.tuples(st.just("claim")),
    st.tuples(st.sampled_from(["run", "die before sending", "die after sending", "stall"])),
    st.tuples(st.just("cancel"), st.integers(0, 9)),
    st.tuples(st.just("wait"), st.sampled_from([0.1, 2.0, 61.0, 3700.0])),
)


@dataclass
class Model:
    """What was done to a world, for the judgement at the end.

    Attributes:
        accepted: operation -> its kind and its mark.
        claimed: jobs of workers that have not done anything with them yet.
        stalled: jobs of workers that hang, and come back at the end.
    """

    world: World
    accepted: dict[UUID, tuple[writes.Kind, str]] = field(default_factory=dict)
    claimed: list[Job] = field(default_factory=list)
    stalled: list[Job] = field(default_factory=list)

    async def step(self, name: str, *arguments: Any) -> None:
        world = self.world
        if name == "accept":
            kind, is_sync = arguments
            mark = writes.new_mark()
            # A sync write behind an older message to the same recipient is refused.
            with suppress(OrderConflictError):
                operation = await world.write(kind.resource, kind.body(world, mark), is_sync=is_sync)
                self.accepted[operation.id] = (kind, mark)
        elif name == "fault":
            world.fault(path="/", **arguments[0])
        elif name == "wait":
            await world.shift(timedelta(seconds=arguments[0]))
        elif name == "cancel":
            operation_id = list(self.accepted)[arguments[0] % len(self.accepted)]
            with suppress(OperationStateError):
                await world.services.control.cancel(world.partner_id, operation_id)
        elif name == "claim":
            self.claimed += await world.claim()
        else:
            await self._use(name)

    async def _use(self, name: str) -> None:
        jobs, self.claimed = self.claimed, []
        if name == "run":
            await self.world.run(jobs)
        elif name == "stall":
            self.stalled += jobs
        else:
            await self.world.run_and_die(jobs if name == "die after sending" else [])

    async def finish(self) -> None:
        """Let everything come to its end, and only then the workers that hung come back."""
        self.world.simulator.faults.clear()
        await self.world.shift(LEASE + timedelta(seconds=1))
        await self.world.work_off()
        ends = await self.ends()
        await self.world.run(self.stalled)
        assert await self.ends() == ends
        assert await self.world.waiting() == []

    async def ends(self) -> list[Any]:
        return [
            (await self.world.operation(operation_id), await self.world.events(operation_id))
            for operation_id in self.accepted
        ]

    async def judge(self) -> None:
        came_late = {job.id for job in self.stalled}
        for operation_id, (kind, mark) in self.accepted.items():
            operation = await self.world.operation(operation_id)
            codes = endings(operation)
            assert operation.status is not PENDING
            names = [name for name, _ in await self.world.events(operation_id)]
            verb = "succeeded" if operation.status is SUCCESS else "failed"
            assert names == ["resource_operation.created", f"resource_operation.{verb}"]
            assert codes.count(DELIVERED) == (operation.status is SUCCESS)
            assert codes.index(DELIVERED) == len(codes) - 1 if DELIVERED in codes else codes
            held = kind.held(self.world, mark)
            # A worker that hangs between its last look at the time and its first byte can not be stopped, and a
            # provider that keeps no id of ours takes both.
            most = 2 if kind is writes.MESSAGE and operation_id in came_late else 1
            assert len(held) <= most
            if operation.status is SUCCESS:
                assert len(held) >= 1
            elif codes[-1][1] != "outcome_unknown" and operation_id not in came_late:
                assert held == []


@given(begin=st.lists(ACCEPT, min_size=1, max_size=4), steps=st.lists(STEPS, min_size=5, max_size=30))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_every_operation_comes_to_one_end_and_is_written_at_most_once(
    world: World, begin: Sequence[tuple[Any, ...]], steps: Sequence[tuple[Any, ...]]
) -> None:
    await world.services.database.pool.execute("DELETE FROM jobs")  # of an example that failed
    model = Model(world)
    for step in (*begin, *steps):
        await model.step(*step)
    await model.finish()
    await model.judge()
