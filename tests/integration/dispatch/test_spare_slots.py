"""Work that leaves its slots to other work, and counts as in flight by its calls; and jobs that are withdrawn."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from fleetwrite.dispatch.claims import claim
from fleetwrite.dispatch.errors import SlotTimeoutError
from fleetwrite.dispatch.models import Again, BudgetLimit, Finish, Job, Lane, NewJob
from integration.dispatch.world import LEASE, World

PACED = BudgetLimit(scope="token", requests=10, per_seconds=1.0)
LOW = "low"


async def low_job(world: World, owner: UUID) -> Job:
    """A claimed job of a kind that goes last, in a lane without a budget."""
    async with world.database.transaction() as connection:
        job = NewJob(id=uuid4(), lane=Lane(owner, LOW, (LOW,)), lasts=timedelta(hours=1))
        await world.dispatch.enqueue(connection, [job])
    async with world.database.transaction() as connection:
        (claimed,) = await claim(connection, LOW, 1, LEASE)
    return claimed


async def spare(world: World, job: Job, scope: str = "token") -> None:
    await world.dispatch.take_spare_slot(job, (scope,), 0.5)


async def test_a_spare_slot_is_taken_when_nobody_waits_for_it(world: World) -> None:
    owner = await world.owner(PACED)
    job = await low_job(world, owner)
    before = await world.now()
    await spare(world, job)
    # The slot counts: the next one begins a tenth of a second later.
    next_at = await world.database.pool.fetchval("SELECT next_at FROM budgets WHERE owner_id = $1", owner)
    assert next_at > before + timedelta(seconds=0.1)


async def test_a_slot_that_other_work_waits_for_is_left_to_it(world: World) -> None:
    owner = await world.owner(PACED)
    job = await low_job(world, owner)
    await world.enqueue(owner)
    with pytest.raises(SlotTimeoutError, match="left to more urgent work") as refused:
        await spare(world, job)
    assert refused.value.wait_s >= 1
    (claimed,) = await world.claim()
    assert claimed.start_in_s == 0
    await world.settle((claimed, Finish()))
    await spare(world, job)


async def test_work_that_waits_for_another_budget_is_no_reason(world: World) -> None:
    owner = await world.owner(PACED, BudgetLimit(scope="slow", requests=1, per_seconds=60.0))
    job = await low_job(world, owner)
    await world.enqueue(owner, 2, scopes=("token", "slow"))
    (first,) = await world.claim()
    # The second one waits for `slow`, and does not want the next slot of `token`.
    await spare(world, job)
    await world.settle((first, Finish()))


async def test_work_that_is_held_or_not_due_is_no_reason(world: World) -> None:
    owner = await world.owner(PACED)
    job = await low_job(world, owner)
    await world.enqueue(owner, not_before=await world.now() + timedelta(minutes=1))
    await spare(world, job)
    await world.shift_clock(timedelta(minutes=2))
    with pytest.raises(SlotTimeoutError):
        await spare(world, job)
    async with world.database.transaction() as connection:
        await world.dispatch.hold(connection, owner)
    await spare(world, job)


async def test_work_of_another_owner_of_the_account_goes_first_too(world: World) -> None:
    account = uuid4()
    owners = [uuid4(), uuid4()]
    for owner in owners:
        async with world.database.transaction() as connection:
            shared = BudgetLimit(scope="token", requests=10, per_seconds=1.0, shared=True)
            await world.dispatch.register_owner(connection, owner, "test", [shared], account_id=account)
    job = await low_job(world, owners[0])
    await world.enqueue(owners[1])
    with pytest.raises(SlotTimeoutError):
        await spare(world, job)


async def test_without_a_limit_nobody_is_in_the_way(world: World) -> None:
    owner = await world.owner()
    job = await low_job(world, owner)
    await world.enqueue(owner)
    await spare(world, job)


async def test_a_call_of_such_work_counts_as_in_flight_until_its_job_is_settled(world: World) -> None:
    owner = await world.owner(BudgetLimit(scope="token", in_flight=1))
    job = await low_job(world, owner)
    await spare(world, job)
    await spare(world, job)  # its own call before does not count: that is over
    other = await low_job(world, owner)
    with pytest.raises(SlotTimeoutError, match="in flight"):
        await world.dispatch.take_spare_slot(other, ("token",), 0.0)
    await world.enqueue(owner)
    assert await world.claim() == []
    await world.settle((job, Again(delay_s=60.0)), (other, Finish()))
    await world.shift_clock(timedelta(seconds=1))
    assert len(await world.claim()) == 1


async def test_a_job_that_nobody_works_on_is_withdrawn(world: World) -> None:
    owner = await world.owner()
    waiting, leased, lost = await world.enqueue(owner), await world.enqueue(owner), await world.enqueue(owner)
    jobs = {job.id: job for job in await world.claim()}
    await world.settle((jobs[waiting[0]], Again(delay_s=60.0)))
    async with world.database.transaction() as connection:
        busy = await world.dispatch.withdraw(connection, owner, [*waiting, *leased, uuid4()])
    assert busy == set(leased)
    await world.shift_clock(LEASE + timedelta(seconds=1))
    async with world.database.transaction() as connection:
        assert await world.dispatch.withdraw(connection, owner, lost) == set()
    assert await world.settle((jobs[lost[0]], Finish())) == {jobs[lost[0]].lease}
    assert await world.waiting() == 1
