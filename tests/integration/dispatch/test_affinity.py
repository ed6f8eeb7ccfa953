"""A lane with a backlog stays with the process that has it, and nobody waits for one that does not come."""

from datetime import timedelta
from itertools import pairwise
from uuid import uuid4

import pytest

from fleetwrite.dispatch.lane_store import GRACE, STAYS_FOR, seconds_until_due
from fleetwrite.dispatch.models import BudgetLimit
from integration.dispatch.world import World

LIMIT = BudgetLimit(scope="token", requests=50, per_seconds=1.0)


@pytest.fixture(autouse=True)
async def stopped_clock(world: World) -> None:
    await world.stop_clock()


async def test_a_due_lane_is_left_to_who_had_it_last_for_a_moment(world: World) -> None:
    ours, theirs = uuid4(), uuid4()
    await world.enqueue(await world.owner(LIMIT), 3)
    assert len(await world.claim(1, ours)) == 1
    assert await world.claim(1, theirs) == []
    assert len(await world.claim(1, ours)) == 1
    await world.shift_clock(GRACE)
    assert len(await world.claim(1, theirs)) == 1


async def test_a_lane_of_which_nothing_was_taken_lately_is_anybody_s_at_once(world: World) -> None:
    ours, theirs = uuid4(), uuid4()
    owner = await world.owner(LIMIT)
    await world.enqueue(owner, 1)
    assert len(await world.claim(1, ours)) == 1
    await world.shift_clock(STAYS_FOR)
    await world.enqueue(owner, 1)
    assert len(await world.claim(1, theirs)) == 1


async def test_others_look_again_when_they_would_have_to_step_in(world: World) -> None:
    ours, theirs = uuid4(), uuid4()
    await world.enqueue(await world.owner(LIMIT), 3)
    await world.claim(1, ours)
    async with world.database.acquire() as connection:
        mine = await seconds_until_due(connection, "test", ours)
        other = await seconds_until_due(connection, "test", theirs)
    assert (mine, other) == (0.0, GRACE.total_seconds())


async def test_who_has_a_budget_for_itself_makes_up_for_a_late_claim(world: World) -> None:
    ours = uuid4()
    await world.enqueue(await world.owner(LIMIT), 20)
    await world.claim(1, ours)
    # More than a window alone with it, and then a claim that comes 100 ms after the next slot was due.
    for _ in range(6):
        await world.shift_clock(timedelta(milliseconds=200))
        await world.claim(1, ours)
    await world.shift_clock(timedelta(milliseconds=100))
    jobs = await world.claim(3, ours)
    apart_s = [later.start_at - earlier.start_at for earlier, later in pairwise(jobs)]
    assert apart_s == pytest.approx([0.0203, 0.0203])
    assert jobs[0].start_in_s == 0
    assert all(job.spacings for job in jobs)


async def test_who_shares_a_budget_gets_slots_from_now_on(world: World) -> None:
    ours, theirs = uuid4(), uuid4()
    await world.enqueue(await world.owner(LIMIT), 4)
    await world.claim(1, ours)
    await world.shift_clock(timedelta(milliseconds=100))
    await world.claim(1, theirs)
    await world.shift_clock(timedelta(milliseconds=100))
    (job,) = await world.claim(1, theirs)
    now = await world.now()
    assert job.claimed_at <= now
    assert job.start_in_s == 0
    # The next slot is an interval from this claim, not from the slot that was missed.
    (following,) = await world.claim(1, theirs)
    assert following.start_in_s > 0
