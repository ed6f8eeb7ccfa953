"""Calls that the other side denies an owner: they wait, one is tried now and then, and nothing else is held up."""

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from fleetwrite.dispatch.errors import SlotTimeoutError
from fleetwrite.dispatch.insight import waiting
from fleetwrite.dispatch.models import Again, Bar, BudgetLimit, Finish, Job, Lift
from integration.dispatch.world import Recorder, Running, World

TRAILERS, VEHICLES = ("token", "trailers"), ("token", "vehicles")
A_LITTLE = timedelta(milliseconds=200)  # the clock runs on while a test does its work


async def deny(world: World, job: Job) -> None:
    bar = Bar(scope=job.scopes[-1], is_again=job.scopes[-1] in job.trials)
    await world.settle((job, Again(delay_s=0, notice=bar)))


async def barred(world: World, owner: UUID, count: int = 3) -> list[UUID]:
    """Let the first of some jobs be denied; returns their ids."""
    ids = await world.enqueue(owner, count, scopes=TRAILERS)
    (job,) = await world.claim(1)
    await deny(world, job)
    return ids


async def trial(world: World, after: timedelta) -> Job:
    """The one job that is claimed after that time, and none a little earlier."""
    await world.shift_clock(after - A_LITTLE)
    assert await world.claim() == []
    await world.shift_clock(A_LITTLE)
    (job,) = await world.claim()
    return job


async def test_denied_calls_wait_and_all_others_of_the_owner_go_on(world: World) -> None:
    owner = await world.owner(BudgetLimit(scope="token", requests=100, per_seconds=1.0))
    await barred(world, owner)
    (vehicle,) = await world.enqueue(owner, scopes=VEHICLES)
    assert [job.id for job in await world.claim()] == [vehicle]


async def test_another_owner_of_the_account_may_make_the_calls_that_one_is_denied(world: World) -> None:
    shared = BudgetLimit(scope="trailers", requests=100, per_seconds=1.0, shared=True)
    account_id, first, second = uuid4(), uuid4(), uuid4()
    async with world.database.transaction() as connection:
        for owner in (first, second):
            await world.dispatch.register_owner(connection, owner, "test", [shared], account_id=account_id)
    await barred(world, first)
    await world.enqueue(second, 2, scopes=TRAILERS)
    assert {job.owner_id for job in await world.claim()} == {second}


async def test_one_call_at_a_time_finds_out_at_growing_intervals_up_to_an_hour(world: World) -> None:
    await barred(world, await world.owner())
    tried = []
    for minutes in (1, 2, 4, 8, 16, 32, 60, 60):
        job = await trial(world, timedelta(minutes=minutes))
        assert job.trials == ("trailers",)
        tried.append(job.id)
        await deny(world, job)
        await world.database.pool.execute("UPDATE jobs SET expires_at = fleetwrite_now() + interval '1 day'")
    assert len(set(tried)) == 3, "every job has its turn"


async def test_a_call_that_is_let_through_lets_all_others_go_and_the_intervals_begin_anew(world: World) -> None:
    await barred(world, await world.owner())
    await deny(world, await trial(world, timedelta(minutes=1)))
    job = await trial(world, timedelta(minutes=2))
    await world.settle((job, Finish(notice=Lift(scopes=job.trials))))
    first, second = await world.claim()
    assert first.trials == second.trials == ()
    await deny(world, first)
    await world.settle((second, Finish()))
    await trial(world, timedelta(minutes=1))


async def test_calls_that_were_on_their_way_when_a_bar_was_raised_do_not_lengthen_it(world: World) -> None:
    await world.enqueue(await world.owner(), 5, scopes=TRAILERS)
    jobs = await world.claim()
    assert len(jobs) == 5
    await world.settle(*((job, Again(delay_s=0, notice=Bar(scope="trailers", is_again=False))) for job in jobs))
    await trial(world, timedelta(minutes=1))


async def test_a_trial_that_never_reports_is_made_again_after_as_long(world: World) -> None:
    await barred(world, await world.owner())
    lost = await trial(world, timedelta(minutes=1))
    again = await trial(world, timedelta(minutes=1))
    assert again.id != lost.id


async def test_another_login_lets_all_calls_through_at_once(world: World) -> None:
    owner = await world.owner()
    await barred(world, owner)
    assert await world.claim() == []
    async with world.database.transaction() as connection:
        await world.dispatch.lift_bars(connection, owner)
    assert len(await world.claim()) == 3


async def test_a_slot_for_a_denied_call_is_refused_with_the_reason_until_it_may_be_tried(world: World) -> None:
    owner = await world.owner()
    before = await world.now()
    await barred(world, owner)
    with pytest.raises(SlotTimeoutError) as refused:
        await world.dispatch.take_slot(owner, TRAILERS, within_s=1)
    assert refused.value.barred_since is not None
    assert before <= refused.value.barred_since <= await world.now()
    assert 55 < refused.value.wait_s <= 60
    assert await world.dispatch.take_slot(owner, VEHICLES, within_s=1) == ()
    await world.shift_clock(timedelta(minutes=1))
    taken = await asyncio.gather(
        *(world.dispatch.take_slot(owner, TRAILERS, within_s=1) for _ in range(3)), return_exceptions=True
    )
    assert [one for one in taken if not isinstance(one, SlotTimeoutError)] == [("trailers",)]


async def test_a_budget_whose_calls_are_denied_shows_as_closed(world: World) -> None:
    owner = await world.owner(BudgetLimit(scope="trailers", requests=100, per_seconds=1.0))
    _, waits, _ = await barred(world, owner)
    assert 55 < await world.dispatch.closed_for_s(owner, TRAILERS) <= 60
    assert await world.dispatch.closed_for_s(owner, VEHICLES) == 0
    async with world.database.acquire() as connection:
        shown = await waiting(connection, waits)
    assert shown is not None
    assert shown.waits_for_scope == "trailers"
    (budget,) = shown.budgets
    assert budget.closed_until is not None


async def test_a_worker_makes_the_trial_and_is_not_kept_from_it_by_its_own_bar(world: World, database_url: str) -> None:
    owner = await world.owner(BudgetLimit(scope="token", requests=12, per_seconds=1.0))
    await barred(world, owner)
    await world.shift_clock(timedelta(minutes=1))
    await world.dispatch.take_slot(owner, ("token",), within_s=1)
    handler = Recorder(world)
    async with Running(world, database_url, handler), asyncio.timeout(10):
        (job,) = await handler.until(1)
    assert job.trials == ("trailers",)
