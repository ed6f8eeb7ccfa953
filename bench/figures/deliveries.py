"""How long after its commit an event is at its receiver: on an idle machine, and beside a webhook with a backlog.

One event at a time, with a pause in between. The time runs from the return of the commit that wrote the event until the
receiver has read the delivery: fan-out, claim, signature and call lie in between. The backlog belongs to another
subscription of the same partner, is delivered all the while within the limits that every subscription has, and goes to
the same receiver's machine, so the figure beside it holds that load as well.
"""

import asyncio
from typing import Final

from bench.load import percentile
from bench.measure import Figure, Plan
from bench.receiver import open_receiver
from bench.stack import Stack
from fleetwrite.events.models import NewEvent
from fleetwrite.events.store import append
from fleetwrite.kit.ids import new_id
from fleetwrite.webhooks.models import BUDGETS, KIND

EVENTS: Final = 100

_PROBED: Final = "resource_operation.failed"
_BUSY: Final = "resource_operation.created"
_WRITTEN_AT_A_TIME: Final = 5000
_PAUSE_S: Final = 0.04
_WITHIN_S: Final = 60.0


async def measure(stack: Stack, plan: Plan) -> list[Figure]:
    """p50 and p99, each without and with the backlog."""
    wish = {"url": stack.receiver.url, "event_name": _PROBED}
    webhook = await stack.call("POST", "/v2/notifications/webhooks", wish)
    await stack.run_workers(1)
    await _probe(stack, 20)
    idle = [await _probe(stack, plan.count(EVENTS)) for _ in range(plan.runs)]
    async with open_receiver() as busy_receiver:
        wish = {"url": busy_receiver.url, "event_name": _BUSY}
        busy = await stack.call("POST", "/v2/notifications/webhooks", wish)
        async with stack.services.database.transaction() as connection:
            await stack.services.dispatch.replace_budgets(connection, busy["id"], BUDGETS, usual=BUDGETS)
        await stack.call("POST", f"/v2/notifications/webhooks/{busy['id']}/pause")
        await _fill(stack, plan.neighbours)
        await stack.call("POST", f"/v2/notifications/webhooks/{busy['id']}/activate")
        beside = [await _probe(stack, plan.count(EVENTS)) for _ in range(plan.runs)]
        left = await stack.services.dispatch.count_waiting(busy["id"], KIND)
        await stack.run_workers(0)
        for one in (busy, webhook):
            await stack.call("DELETE", f"/v2/notifications/webhooks/{one['id']}")
    return [
        Figure(
            key=f"deliveries.{when}_p{round(share * 100)}_ms",
            title=f"event committed to its receiver, {title}, p{round(share * 100)}",
            unit="ms",
            values=[percentile(delays, share) * 1000 for delays in runs],
            detail=detail,
        )
        for when, title, runs, detail in (
            ("idle", "idle machine", idle, {}),
            ("beside", f"beside a webhook with {plan.neighbours:,} waiting", beside, {"still_waiting_after": left}),
        )
        for share in (0.5, 0.99)
    ]


async def _probe(stack: Stack, count: int) -> list[float]:
    """Seconds from the commit of each of so many events, one after the other, to its receiver."""
    loop = asyncio.get_running_loop()
    delays: list[float] = []
    for _ in range(count):
        stack.receiver.expect(1)
        await _write(stack, _PROBED, 1)
        committed_at = loop.time()
        await stack.receiver.wait(_WITHIN_S)
        delays.append(stack.receiver.last_at - committed_at)
        await asyncio.sleep(_PAUSE_S)
    return delays


async def _fill(stack: Stack, count: int) -> None:
    """Let so many deliveries wait for the busy one, and return when they do."""
    for begin in range(0, count, _WRITTEN_AT_A_TIME):
        await _write(stack, _BUSY, min(_WRITTEN_AT_A_TIME, count - begin))
    async with asyncio.timeout(_WITHIN_S):
        while await stack.services.database.pool.fetchval(
            "SELECT EXISTS (SELECT FROM events WHERE fanned_out_at IS NULL)"
        ):
            await asyncio.sleep(0.1)


async def _write(stack: Stack, event_name: str, count: int) -> None:
    events = [
        NewEvent(id=new_id(), event_name=event_name, partner_id=stack.partner_id, data={"id": str(number)})
        for number in range(count)
    ]
    async with stack.services.database.transaction() as connection:
        await append(connection, events)
