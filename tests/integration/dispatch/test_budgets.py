"""Budgets that are shared, capped or learnt."""

import asyncio
from datetime import timedelta
from itertools import pairwise
from uuid import UUID, uuid4

import pytest

from fleetwrite.dispatch.closing import STRIKES
from fleetwrite.dispatch.errors import SlotTimeoutError
from fleetwrite.dispatch.models import Again, BudgetLimit, Closing, Finish, Job
from integration.dispatch.world import World

SHARED = BudgetLimit(scope="organization", requests=50, per_seconds=1.0, shared=True)
SLOW = BudgetLimit(scope="token", requests=1, per_seconds=10.0)
ONE_AT_A_TIME = BudgetLimit(scope="token", in_flight=1)
SCOPES = ("token", "organization")


async def members(world: World, count: int, *budgets: BudgetLimit) -> list[UUID]:
    """Owners that share an account."""
    account_id, owners = uuid4(), [uuid4() for _ in range(count)]
    async with world.database.transaction() as connection:
        for owner in owners:
            await world.dispatch.register_owner(connection, owner, "test", budgets, account_id=account_id)
    return owners


async def limits(world: World, owner: UUID) -> dict[str, BudgetLimit]:
    async with world.database.acquire() as connection:
        return {limit.scope: limit for limit in await world.dispatch.budgets(connection, owner)}


async def spacing_s(world: World) -> float:
    """How far apart the calls of the only owner are paced now."""
    first, second = [job.start_at for job in await world.claim()][:2]
    return second - first


async def refuse(world: World, job: Job, close_s: float = 1.0) -> None:
    await world.settle((job, Again(delay_s=close_s, notice=Closing(for_s=close_s, call=job.scopes))))
    await world.shift_clock(timedelta(seconds=close_s))


async def test_owners_of_one_account_share_the_slots_of_its_budgets(world: World) -> None:
    for owner in await members(world, 3, SHARED):
        await world.enqueue(owner, 5, scopes=SCOPES)
    starts_s = sorted(job.start_in_s for job in await world.claim())
    assert len(starts_s) > 2
    assert all(later - earlier > 0.02 for earlier, later in pairwise(starts_s))


async def test_a_budget_of_ones_own_is_not_shared_with_the_account(world: World) -> None:
    for owner in await members(world, 3, SLOW):
        await world.enqueue(owner, 2, scopes=SCOPES)
    assert len(await world.claim()) == 3


async def test_closing_a_shared_budget_stops_everybody_who_shares_it(world: World) -> None:
    first, second = await members(world, 2, SHARED)
    await world.dispatch.close(first, Closing(for_s=60, call=("organization",)))
    await world.enqueue(second, scopes=SCOPES)
    assert await world.claim() == []


async def test_two_logins_of_an_account_that_are_refused_at_a_time_close_what_it_shares(world: World) -> None:
    """Each meets the limit of the account, of which the provider does not say that it is meant."""
    own = BudgetLimit(scope="token", requests=30, per_seconds=1.0)
    first, second, third = await members(world, 3, SHARED, own)
    for refused in (first, second):
        await world.enqueue(refused, scopes=SCOPES)
        (job,) = await world.claim()
        await world.settle((job, Again(delay_s=0, notice=Closing(for_s=30, call=job.scopes))))
        await world.shift_clock(timedelta(seconds=1))
        await world.enqueue(third, scopes=SCOPES)
        assert {one.owner_id for one in await world.claim()} == ({third} if refused is first else set())
    await world.shift_clock(timedelta(seconds=29))
    assert {one.owner_id for one in await world.claim()} == {first, second, third}


async def test_closings_that_are_settled_together_count_as_if_one_after_the_other(world: World) -> None:
    own = BudgetLimit(scope="token", requests=30, per_seconds=1.0)
    first, second, third = await members(world, 3, SHARED, own)
    for owner in (first, second):
        await world.enqueue(owner, scopes=SCOPES)
    jobs = await world.claim()
    await world.settle(*((job, Again(delay_s=30, notice=Closing(for_s=30, call=job.scopes))) for job in jobs))
    await world.enqueue(third, scopes=SCOPES)
    assert await world.claim() == []


async def test_a_new_limit_of_the_account_holds_for_everybody_who_shares_it(world: World) -> None:
    first, second = await members(world, 2, SHARED, SLOW)
    async with world.database.transaction() as connection:
        wanted = [BudgetLimit(scope="organization", requests=7, per_seconds=3.0)]
        await world.dispatch.replace_budgets(connection, first, wanted, usual=[])
    assert (await limits(world, second))["organization"].requests == 7
    assert "token" not in await limits(world, first)
    assert "token" in await limits(world, second)


async def test_a_new_member_of_an_account_takes_its_limits_as_they_are(world: World) -> None:
    account_id = uuid4()
    first, second = uuid4(), uuid4()
    async with world.database.transaction() as connection:
        await world.dispatch.register_owner(connection, first, "test", [SHARED], account_id=account_id)
        wanted = [BudgetLimit(scope="organization", requests=7, per_seconds=3.0)]
        await world.dispatch.replace_budgets(connection, first, wanted, usual=[])
        await world.dispatch.register_owner(connection, second, "test", [SHARED], account_id=account_id)
    assert (await limits(world, second))["organization"].requests == 7


async def test_a_slot_taken_by_one_is_taken_from_the_others_of_its_account(world: World) -> None:
    slow = BudgetLimit(scope="organization", requests=1, per_seconds=60.0, shared=True)
    first, second = await members(world, 2, slow)
    await world.dispatch.take_slot(first, SCOPES, within_s=1)
    with pytest.raises(SlotTimeoutError):
        await world.dispatch.take_slot(second, SCOPES, within_s=1)


async def test_no_more_calls_are_in_flight_than_may_be_and_the_end_of_one_lets_the_next_start(world: World) -> None:
    owner = await world.owner(BudgetLimit(scope="token", in_flight=2))
    await world.enqueue(owner, 5)
    first, second = await world.claim()
    assert await world.claim() == []
    await world.settle((first, Finish()))
    (third,) = await world.claim()
    await world.settle((second, Finish()), (third, Finish()))
    assert len(await world.claim()) == 2


async def test_a_cap_of_the_account_counts_the_calls_of_all_who_share_it(world: World) -> None:
    cap = BudgetLimit(scope="organization", in_flight=1, shared=True)
    first, second = await members(world, 2, cap)
    await world.enqueue(first, scopes=SCOPES)
    (job,) = await world.claim()
    await world.enqueue(second, scopes=SCOPES)
    assert await world.claim() == []
    await world.settle((job, Finish()))
    assert len(await world.claim()) == 1


async def test_a_job_whose_worker_died_is_not_in_flight_any_more(world: World) -> None:
    await world.enqueue(await world.owner(ONE_AT_A_TIME))
    (lost,) = await world.claim()
    await world.shift_clock(timedelta(seconds=61))
    (again,) = await world.claim()
    assert again.id == lost.id


async def test_a_slot_for_a_job_at_once_waits_for_the_end_of_another_in_flight(world: World) -> None:
    owner = await world.owner(ONE_AT_A_TIME)
    await world.enqueue(owner)
    (job,) = await world.claim()
    await world.enqueue(owner, lease=uuid4())
    with pytest.raises(SlotTimeoutError, match="in flight"):
        await world.dispatch.take_slot(owner, ["token"], within_s=0.01)
    waiting = asyncio.create_task(world.dispatch.take_slot(owner, ["token"], within_s=20))
    await world.settle((job, Finish()))
    async with asyncio.timeout(10):
        await waiting


async def test_one_refusal_lowers_nothing(world: World) -> None:
    await world.enqueue(await world.owner(BudgetLimit(scope="token", requests=20, per_seconds=1.0)), 10)
    await refuse(world, (await world.claim(1))[0])
    assert await spacing_s(world) == pytest.approx(0.05075)


async def test_a_provider_that_refuses_again_and_again_is_taken_at_its_word_and_tried_anew_later(world: World) -> None:
    owner = await world.owner(BudgetLimit(scope="token", requests=20, per_seconds=1.0))
    await world.enqueue(owner, 30)
    for _ in range(STRIKES):
        await refuse(world, (await world.claim(1))[0])
    lowered_s = await spacing_s(world)
    assert lowered_s == pytest.approx(0.05075 / 0.8, rel=0.01)
    await world.shift_clock(timedelta(minutes=6))
    assert await spacing_s(world) == pytest.approx(0.05075 / 0.9, rel=0.01)
    await world.shift_clock(timedelta(minutes=30))
    assert await spacing_s(world) == pytest.approx(0.05075, rel=0.01)


async def test_refusals_of_calls_that_were_on_their_way_together_count_as_one(world: World) -> None:
    await world.enqueue(await world.owner(BudgetLimit(scope="token", requests=100, per_seconds=1.0)), 40)
    jobs = await world.claim()
    assert len(jobs) > 5
    for job in jobs[:5]:
        await world.settle((job, Again(delay_s=1, notice=Closing(for_s=1, call=job.scopes))))
    await world.shift_clock(timedelta(seconds=1))
    assert await spacing_s(world) == pytest.approx(0.01015, rel=0.01)


async def test_only_the_tightest_of_the_budgets_of_a_call_is_lowered(world: World) -> None:
    wide, tight = (
        BudgetLimit(scope=s, requests=r, per_seconds=1.0) for s, r in (("token", 1000), ("organization", 20))
    )
    owner = await world.owner(wide, tight)
    await world.enqueue(owner, 30, scopes=SCOPES)
    for _ in range(STRIKES):
        await refuse(world, (await world.claim(1))[0])
    shares = await world.database.pool.fetch("SELECT scope, share FROM budgets ORDER BY scope")
    assert [tuple(row) for row in shares] == [("organization", 0.8), ("token", 1.0)]


async def test_a_limit_that_an_operator_sets_forgets_what_was_learnt(world: World) -> None:
    owner = await world.owner(BudgetLimit(scope="token", requests=20, per_seconds=1.0))
    await world.enqueue(owner, 30)
    for _ in range(STRIKES):
        await refuse(world, (await world.claim(1))[0])
    async with world.database.transaction() as connection:
        wanted = [BudgetLimit(scope="token", requests=20, per_seconds=1.0)]
        await world.dispatch.replace_budgets(connection, owner, wanted, usual=[])
    assert await spacing_s(world) == pytest.approx(0.05075, rel=0.01)
