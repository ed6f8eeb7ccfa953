import asyncio
from datetime import timedelta
from itertools import pairwise
from uuid import uuid4

import pytest

from fleetwrite.dispatch.claims import claim_expired
from fleetwrite.dispatch.errors import OrderConflictError, SlotTimeoutError, UnknownScopeError
from fleetwrite.dispatch.models import Again, BudgetLimit, Closing, Finish
from fleetwrite.dispatch.pacing import HORIZON
from integration.dispatch.world import World

TOKEN = BudgetLimit(scope="token", requests=20, per_seconds=1.0)
LEASE = timedelta(seconds=60)


async def test_jobs_of_a_lane_are_claimed_in_the_order_in_which_they_came(world: World) -> None:
    owner = await world.owner()
    ids = [(await world.enqueue(owner))[0] for _ in range(5)]
    assert [job.id for job in await world.claim()] == ids


async def test_a_claimed_job_is_not_claimed_again_while_its_lease_holds(world: World) -> None:
    await world.enqueue(await world.owner())
    assert len(await world.claim()) == 1
    assert await world.claim() == []


async def test_claims_made_at_once_share_the_jobs_without_overlap(world: World) -> None:
    owners = [await world.owner() for _ in range(8)]
    for owner in owners:
        await world.enqueue(owner, 20)
    claims = await asyncio.gather(*(world.claim(40) for _ in range(4)))
    ids = [job.id for jobs in claims for job in jobs]
    assert len(ids) == len(set(ids)) > 0


async def test_a_claim_reserves_evenly_spaced_slots_within_the_horizon_and_no_more(world: World) -> None:
    await world.enqueue(await world.owner(TOKEN), 50)
    starts_s = [job.start_in_s for job in await world.claim()]
    assert starts_s[0] == 0.0
    assert all(later - earlier > 0.05 for earlier, later in pairwise(starts_s))
    assert starts_s[-1] <= HORIZON.total_seconds()
    assert await world.claim() == []


async def test_lanes_with_a_common_budget_share_its_slots(world: World) -> None:
    owner = await world.owner(TOKEN)
    await world.enqueue(owner, 10, scopes=("token", "vehicles"))
    await world.enqueue(owner, 10, scopes=("token", "drivers"))
    starts_s = sorted(job.start_in_s for job in await world.claim())
    assert all(later - earlier > 0.05 for earlier, later in pairwise(starts_s))


async def test_an_endpoint_budget_that_is_closed_does_not_hold_up_the_other_lanes(world: World) -> None:
    owner = await world.owner(TOKEN, BudgetLimit(scope="vehicles", requests=10, per_seconds=1.0))
    await world.dispatch.close(owner, Closing(for_s=60, call=("vehicles",)))
    await world.enqueue(owner, 5, scopes=("token", "vehicles"))
    (driver,) = await world.enqueue(owner, scopes=("token", "drivers"))
    assert [job.id for job in await world.claim()] == [driver]


async def test_a_throttled_job_closes_its_budgets_until_the_instant_named(world: World) -> None:
    owner = await world.owner(TOKEN)
    await world.enqueue(owner, 2)
    first = (await world.claim(1))[0]
    await world.settle((first, Again(delay_s=30, notice=Closing(for_s=30, call=("token",)))))
    await world.shift_clock(timedelta(seconds=29))
    assert await world.claim() == []
    await world.shift_clock(timedelta(seconds=1))
    assert len(await world.claim()) == 2


async def test_an_attempt_is_counted_when_it_is_claimed_and_given_back_when_nothing_was_tried(world: World) -> None:
    await world.enqueue(await world.owner())
    (job,) = await world.claim()
    assert job.attempts == 1
    await world.settle((job, Again(delay_s=0, attempted=False)))
    (job,) = await world.claim()
    assert job.attempts == 1
    await world.settle((job, Again(delay_s=0)))
    assert (await world.claim())[0].attempts == 2


async def test_a_job_whose_lease_ended_comes_back_as_interrupted_and_uncertain(world: World) -> None:
    await world.enqueue(await world.owner())
    (lost,) = await world.claim()
    await world.shift_clock(LEASE + timedelta(seconds=1))
    (job,) = await world.claim()
    assert (job.id, job.interrupted, job.uncertain, job.has_slot) == (lost.id, True, True, False)
    assert await world.settle((lost, Finish()), (job, Finish())) == {lost.lease}
    assert await world.waiting() == 0


async def test_an_uncertain_job_stays_uncertain_over_further_attempts(world: World) -> None:
    await world.enqueue(await world.owner())
    (job,) = await world.claim()
    await world.settle((job, Again(delay_s=0, uncertain=True)))
    (job,) = await world.claim()
    assert job.uncertain
    assert not job.interrupted


async def test_a_job_is_uncertain_since_the_first_attempt_that_nobody_knows_the_outcome_of(world: World) -> None:
    await world.enqueue(await world.owner())
    (known,) = await world.claim()
    assert known.uncertain_since == known.claimed_at
    await world.settle((known, Again(delay_s=0)))
    (first,) = await world.claim()
    await world.settle((first, Again(delay_s=0, uncertain=True)))
    (second,) = await world.claim()
    await world.shift_clock(LEASE + timedelta(seconds=1))
    (third,) = await world.claim()
    assert known.claimed_at < first.claimed_at < second.claimed_at < third.claimed_at
    assert {job.uncertain_since for job in (first, second, third)} == {first.claimed_at}


async def test_a_job_that_ends_unreported_is_uncertain_since_it_was_claimed(world: World) -> None:
    await world.enqueue(await world.owner())
    (lost,) = await world.claim()
    await world.shift_clock(LEASE + timedelta(seconds=1))
    (job,) = await world.claim()
    assert job.uncertain_since == lost.claimed_at


@pytest.mark.parametrize("held", [False, True])
async def test_a_job_rests_as_told_even_when_its_time_is_over(world: World, held: bool) -> None:
    owner = await world.owner()
    await world.enqueue(owner, lasts=timedelta(seconds=2))
    (job,) = await world.claim()
    await world.settle((job, Again(delay_s=5, uncertain=True, rest_s=5)))
    if held:
        async with world.database.transaction() as connection:
            await world.dispatch.hold(connection, owner)
    for wait_s, expected in ((4, 0), (1.5, 1)):
        await world.shift_clock(timedelta(seconds=wait_s))
        async with world.database.transaction() as connection:
            expired = await claim_expired(connection, "test", 10, LEASE)
        assert len(expired) == expected
    assert expired[0].uncertain_since == job.claimed_at


async def test_jobs_with_one_order_key_run_one_after_the_other(world: World) -> None:
    owner = await world.owner()
    first = (await world.enqueue(owner, order_key="record:1", scopes=("a",)))[0]
    second = (await world.enqueue(owner, order_key="record:1", scopes=("b",)))[0]
    other = (await world.enqueue(owner, order_key="record:2", scopes=("b",)))[0]
    claimed = {job.id: job for job in await world.claim()}
    assert claimed.keys() == {first, other}
    await world.settle((claimed[first], Again(delay_s=0)))
    (again,) = await world.claim()
    assert again.id == first
    await world.settle((again, Finish()))
    assert [job.id for job in await world.claim()] == [second]


async def test_order_holds_within_one_batch_too(world: World) -> None:
    owner = await world.owner()
    ids = await world.enqueue(owner, 3, order_key="record:1")
    for wanted in ids:
        (job,) = await world.claim()
        assert job.id == wanted
        await world.settle((job, Finish()))


async def test_enqueuing_and_finishing_at_once_never_parks_a_job_for_good(world: World) -> None:
    owner = await world.owner()
    await world.enqueue(owner, order_key="record:1")
    done = 0
    for _ in range(20):
        (job,) = await world.claim()
        await asyncio.gather(world.settle((job, Finish())), world.enqueue(owner, order_key="record:1"))
        done += 1
    assert done == 20
    assert len(await world.claim()) == 1


async def test_a_job_that_runs_at_once_is_refused_behind_another_with_its_order_key(world: World) -> None:
    owner = await world.owner()
    await world.enqueue(owner, order_key="record:1")
    with pytest.raises(OrderConflictError):
        await world.enqueue(owner, order_key="record:1", lease=uuid4())


async def test_a_job_leased_at_birth_is_taken_over_only_when_its_lease_ended(world: World) -> None:
    await world.enqueue(await world.owner(), lease=uuid4())
    assert await world.claim() == []
    await world.shift_clock(LEASE + timedelta(seconds=1))
    (job,) = await world.claim()
    assert job.interrupted
    assert job.single_attempt


async def test_a_held_owner_accepts_work_and_sends_none_until_released(world: World) -> None:
    owner = await world.owner(held=True)
    await world.enqueue(owner)
    assert await world.claim() == []
    async with world.database.transaction() as connection:
        await world.dispatch.release(connection, owner)
    assert len(await world.claim()) == 1


async def test_a_job_whose_time_is_over_is_handed_out_as_expired_even_while_held(world: World) -> None:
    owner = await world.owner(held=True)
    (job_id,) = await world.enqueue(owner, lasts=timedelta(seconds=10))
    await world.shift_clock(timedelta(seconds=11))
    async with world.database.transaction() as connection:
        (job,) = await claim_expired(connection, "test", 10, LEASE)
    assert (job.id, job.expired, job.attempts) == (job_id, True, 0)


async def test_a_slot_is_waited_for_and_refused_when_it_comes_too_late(world: World) -> None:
    owner = await world.owner(BudgetLimit(scope="token", requests=1, per_seconds=60.0))
    await world.dispatch.take_slot(owner, ["token"], within_s=1)
    with pytest.raises(SlotTimeoutError) as refused:
        await world.dispatch.take_slot(owner, ["token"], within_s=1)
    assert 59 < refused.value.wait_s < 61


async def test_new_budgets_replace_the_whole_set_and_hold_at_once(world: World) -> None:
    owner = await world.owner(
        BudgetLimit(scope="token", requests=1, per_seconds=600.0), BudgetLimit(scope="b", requests=1, per_seconds=600.0)
    )
    await world.enqueue(owner, 3, scopes=("token", "b"))
    assert len(await world.claim()) == 1
    async with world.database.transaction() as connection:
        await world.dispatch.replace_budgets(
            connection, owner, [BudgetLimit(scope="token", requests=1000, per_seconds=1.0)], usual=[]
        )
    assert len(await world.claim()) == 2
    async with world.database.acquire() as connection:
        assert await world.dispatch.budgets(connection, owner) == [
            BudgetLimit(scope="token", requests=1000, per_seconds=1.0)
        ]


async def test_a_budget_of_an_unknown_scope_is_refused_and_names_the_known_ones(world: World) -> None:
    owner = await world.owner(TOKEN)
    with pytest.raises(UnknownScopeError, match="token"):
        async with world.database.transaction() as connection:
            await world.dispatch.replace_budgets(
                connection, owner, [BudgetLimit(scope="tokens", requests=1, per_seconds=1.0)], usual=[]
            )
