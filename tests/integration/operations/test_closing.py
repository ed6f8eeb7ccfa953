"""What the provider wants no more of for now is not sent; everything else is. The simulator's log is the judge."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fleetwrite.connectors.samsara.endpoints import CREATE_TRAILER, LIST_VEHICLES
from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.contract.telematics import ResourceOperation
from integration.operations import writes
from integration.operations.endings import DELIVERED, THROTTLED, UNKNOWN, endings
from integration.operations.world import PENDING, SUCCESS, World

IN_30_S: dict[str, Any] = {
    "delta seconds": lambda: {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "30"},
    "epoch seconds": lambda: {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": f"{in_30_s().timestamp():.0f}"},
    "epoch milliseconds": lambda: {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": f"{in_30_s().timestamp()}000"},
    "an instant": lambda: {"X-Rate-Limit-Remaining": "0", "X-Rate-Limit-Reset": in_30_s().isoformat()},
    "the standard in the making": lambda: {"RateLimit": '"default";r=0;t=30', "RateLimit-Policy": '"default";q=9;w=60'},
    "an older draft of it": lambda: {"RateLimit-Limit": "9", "RateLimit-Remaining": "0", "RateLimit-Reset": "30"},
    "by a clock that is wrong": lambda: {
        "Date": "Sun, 01 Mar 2026 12:00:00 GMT",
        "X-Rate-Limit-Remaining": "0",
        "X-Rate-Limit-Reset": "2026-03-01T12:00:30Z",
    },
}
"""Ways to say that nothing is left for half a minute."""


def in_30_s() -> datetime:
    return datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=31)


@pytest.fixture(autouse=True)
async def nothing_closed(world: World) -> None:
    await world.services.database.pool.execute("UPDATE budgets SET closed_until = 'epoch', blamed_until = 'epoch'")


async def trailer(world: World) -> ResourceOperation:
    return await world.write(ResourceEnum.TRAILER, {"trailer_name": writes.new_mark()})


async def vehicle(world: World) -> ResourceOperation:
    return await world.write(ResourceEnum.VEHICLE, {"vehicle_name": writes.new_mark()})


async def message(world: World) -> ResourceOperation:
    return await world.write(ResourceEnum.MESSAGE, writes.MESSAGE.body(world, writes.new_mark()))


async def calls_of(world: World, rounds: int = 3) -> list[str]:
    """The paths called while everything that may be sent now is."""
    since = len(world.calls())
    for _ in range(rounds):
        await world.run_due()
    return [path for _, path, _ in world.calls(since)]


async def test_a_refused_endpoint_does_not_hold_up_the_other_writes_of_its_connection(world: World) -> None:
    world.fault("POST", "/fleet/trailers", "status", status=429, headers={"Retry-After": "30"})
    refused = await trailer(world)
    assert await calls_of(world) == ["/fleet/trailers"]
    behind = await trailer(world)
    others = [await vehicle(world), await message(world), await vehicle(world)]
    assert sorted(await calls_of(world)) == ["/assets", "/assets", "/v1/fleet/messages"]
    assert [(await world.operation(one.id)).status for one in others] == [SUCCESS] * 3
    assert [endings(await world.operation(one.id)) for one in (refused, behind)] == [[THROTTLED], []]
    await world.shift(timedelta(seconds=30))
    assert await calls_of(world) == ["/fleet/trailers"] * 2


async def test_two_endpoints_refused_at_a_time_close_what_they_share(world: World) -> None:
    """The provider counts all calls of the login together: two refusals, and it is left alone until the end named."""
    world.simulator.faults.clear()
    world.fault("*", "/", "status", status=429, headers={"Retry-After": "30"}, count=100)
    operations = [await trailer(world), await vehicle(world)]
    assert sorted(await calls_of(world)) == ["/assets", "/fleet/trailers"]
    operations += [await message(world), await trailer(world)]
    await world.shift(timedelta(seconds=29))
    assert await calls_of(world) == []
    world.simulator.faults.clear()
    await world.shift(timedelta(seconds=1))
    assert len(await calls_of(world)) == 4
    assert [(await world.operation(one.id)).status for one in operations] == [SUCCESS] * 4


async def test_calls_refused_together_at_one_endpoint_close_that_alone(world: World) -> None:
    world.fault("POST", "/fleet/trailers", "status", status=429, headers={"Retry-After": "30"}, count=8)
    for _ in range(8):
        await trailer(world)
    assert await calls_of(world) == ["/fleet/trailers"] * 8
    await vehicle(world)
    assert await calls_of(world) == ["/assets"]


@pytest.mark.parametrize("way", IN_30_S)
@pytest.mark.parametrize("status", [200, 429])
async def test_what_is_used_up_is_not_called_before_it_is_reset(world: World, way: str, status: int) -> None:
    """Whether the call was let through as the last one, or refused as one too many."""
    told: Mapping[str, str] = IN_30_S[way]()
    body = {"data": {"id": "1"}} if status == 200 else None
    world.fault("POST", "/fleet/trailers", "status", status=status, headers=told, body=body)
    await trailer(world)
    await world.run_due()
    await trailer(world)
    other = await vehicle(world)
    await world.shift(timedelta(seconds=28))
    assert await calls_of(world) == ["/assets"]
    assert (await world.operation(other.id)).status is SUCCESS
    await world.shift(timedelta(seconds=4))
    assert set(await calls_of(world)) == {"/fleet/trailers"}


async def test_an_answer_that_leaves_something_closes_nothing(world: World) -> None:
    told = {"X-RateLimit-Remaining": "1", "X-RateLimit-Reset": "30"}
    world.fault("POST", "/fleet/trailers", "status", status=200, headers=told, body={"data": {"id": "1"}})
    await trailer(world)
    await world.run_due()
    await trailer(world)
    assert await calls_of(world) == ["/fleet/trailers"]


@pytest.mark.parametrize("told", [{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "30"}, {"RateLimit-Reset": "30"}])
async def test_a_broken_server_that_says_when_more_may_be_sent_is_believed_in_that(
    world: World, told: dict[str, str]
) -> None:
    """It may have written all the same: that is looked up, by another endpoint."""
    world.fault("POST", "/fleet/trailers", "status", status=503, headers=told)
    operation = await trailer(world)
    await world.run_due()
    assert endings(await world.operation(operation.id)) == [UNKNOWN]
    assert 25 < await closed_s(world, CREATE_TRAILER.budget.scope) <= 30


async def test_a_refused_look_up_closes_its_own_endpoint_and_not_that_of_the_write(world: World) -> None:
    world.fault("POST", "/fleet/trailers", "drop_before")
    lost = await trailer(world)
    await world.run_due()
    world.fault("GET", "/fleet/trailers", "status", status=429, headers={"Retry-After": "60"})
    await world.shift(timedelta(seconds=6))
    (look,) = await calls_of(world, 1)
    assert look.startswith("/fleet/trailers/fleetwriteOperation")
    await trailer(world)
    await world.shift(timedelta(seconds=50))
    assert await calls_of(world) == ["/fleet/trailers"]
    assert (await world.operation(lost.id)).status is PENDING
    await world.work_off()
    assert endings(await world.operation(lost.id)) == [UNKNOWN, UNKNOWN, DELIVERED]


async def test_a_look_up_that_used_up_its_limit_keeps_the_next_one_from_meeting_it(world: World) -> None:
    told = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "60"}
    operations = []
    for headers in (told, {}):
        world.fault("POST", "/fleet/trailers", "drop_before")
        operations.append(await trailer(world))
        await world.run_due()
        world.fault("GET", "/fleet/trailers", "status", status=404, headers=headers)
        await world.shift(timedelta(seconds=6))
        looks = [path for path in await calls_of(world) if path != "/fleet/trailers"]
        assert len(looks) == (1 if headers else 0)
    await world.work_off()
    assert [(await world.operation(one.id)).status for one in operations] == [SUCCESS] * 2


async def test_a_refused_list_is_not_asked_for_again_before_its_time(world: World) -> None:
    world.fault("GET", "/fleet/vehicles", "status", status=429, headers={"Retry-After": "90"})
    await world.services.schedules.pull_soon([world.connection.id])
    await world.run_pulls(await world.claim_pulls())
    assert 85 < await closed_s(world, LIST_VEHICLES.budget.scope) <= 90
    await vehicle(world)
    assert await calls_of(world) == ["/assets"]


async def closed_s(world: World, scope: str) -> float:
    return await world.services.dispatch.closed_for_s(world.connection.id, [scope])
