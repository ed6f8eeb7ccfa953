"""What is urgent goes first, what is for later waits, and neither breaks the order of one key."""

from datetime import timedelta

from fleetwrite.dispatch.models import Again, BudgetLimit, Finish
from integration.dispatch.world import World

TOKEN = BudgetLimit(scope="token", requests=20, per_seconds=1.0)


async def test_urgent_jobs_go_first_however_long_others_have_waited(world: World) -> None:
    owner = await world.owner()
    await world.enqueue(owner, 500, priority=3)
    await world.shift_clock(timedelta(minutes=5))
    usual = await world.enqueue(owner, 2)
    (urgent,) = await world.enqueue(owner, priority=0)
    assert [job.id for job in await world.claim(4)][:3] == [urgent, *usual]


async def test_an_urgent_job_gets_the_first_slot_of_a_budget_that_its_lane_shares(world: World) -> None:
    owner = await world.owner(TOKEN)
    await world.enqueue(owner, 50, scopes=("token", "vehicles"))
    await world.shift_clock(timedelta(minutes=5))
    (message,) = await world.enqueue(owner, scopes=("token", "messages"), priority=1)
    first = min(await world.claim(), key=lambda job: job.start_in_s)
    assert first.id == message


async def test_what_is_urgent_to_one_owner_takes_no_turn_from_another(world: World) -> None:
    patient, urgent = await world.owner(), await world.owner()
    (waiting,) = await world.enqueue(patient, priority=3)
    await world.shift_clock(timedelta(seconds=1))
    await world.enqueue(urgent, priority=0)
    assert [job.id for job in await world.claim(1)] == [waiting]


async def test_a_job_is_not_due_before_its_time_and_wakes_its_lane_then(world: World) -> None:
    owner = await world.owner()
    at = await world.now() + timedelta(minutes=10)
    (later,) = await world.enqueue(owner, not_before=at)
    (now,) = await world.enqueue(owner)
    (job,) = await world.claim()
    assert job.id == now
    await world.settle((job, Finish()))
    await world.shift_clock(timedelta(minutes=9))
    assert await world.claim() == []
    await world.shift_clock(timedelta(minutes=1, seconds=1))
    assert [job.id for job in await world.claim()] == [later]


async def test_a_deadline_counts_from_the_time_before_which_a_job_is_not_due(world: World) -> None:
    owner = await world.owner()
    at = await world.now() + timedelta(hours=2)
    await world.enqueue(owner, not_before=at, lasts=timedelta(hours=1))
    await world.shift_clock(timedelta(hours=2, minutes=30))
    (job,) = await world.claim()
    assert not job.expired
    assert job.expires_at == at + timedelta(hours=1)


async def test_an_urgent_job_never_overtakes_an_earlier_one_with_its_order_key(world: World) -> None:
    owner = await world.owner()
    (first,) = await world.enqueue(owner, order_key="record:1", priority=3)
    (second,) = await world.enqueue(owner, order_key="record:1", priority=0)
    (job,) = await world.claim()
    assert job.id == first
    await world.settle((job, Again(delay_s=0)))
    (job,) = await world.claim()
    assert job.id == first
    await world.settle((job, Finish()))
    assert [job.id for job in await world.claim()] == [second]


async def test_a_parked_job_with_a_time_of_its_own_is_due_when_both_hold(world: World) -> None:
    owner = await world.owner()
    at = await world.now() + timedelta(minutes=10)
    await world.enqueue(owner, order_key="record:1")
    (second,) = await world.enqueue(owner, order_key="record:1", not_before=at)
    (third,) = await world.enqueue(owner, order_key="record:1")
    (first,) = await world.claim()
    await world.settle((first, Finish()))
    assert await world.claim() == []
    await world.shift_clock(timedelta(minutes=10, seconds=1))
    (job,) = await world.claim()
    assert job.id == second
    await world.settle((job, Finish()))
    assert [job.id for job in await world.claim()] == [third]


async def test_a_parked_job_whose_time_has_come_meanwhile_is_due_at_once(world: World) -> None:
    owner = await world.owner()
    at = await world.now() + timedelta(minutes=10)
    await world.enqueue(owner, order_key="record:1")
    (second,) = await world.enqueue(owner, order_key="record:1", not_before=at)
    (first,) = await world.claim()
    await world.shift_clock(timedelta(minutes=11))
    await world.settle((first, Finish()))
    assert second in {job.id for job in await world.claim()}
