"""A partner's requests a second, counted in each process and shared out between them."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetwrite.access.errors import RequestLimitError, UnknownPartnerError
from fleetwrite.access.request_limits import RequestLimits, share
from fleetwrite.kit.database import Database
from fleetwrite.orgs.service import OrgService


class Machine:
    """Some processes, one clock, and how many requests each of them let through."""

    def __init__(self, database: Database, limit: float, processes: int) -> None:
        self.now = 0.0
        self.processes = [RequestLimits(database, limit, clock=lambda: self.now) for _ in range(processes)]

    async def second(self, partner: UUID, *demands: int, steps: int = 20) -> list[int]:
        """Ask each process for so many requests, spread over a second, and let them tell each other at its end."""
        admitted = [0] * len(demands)
        for step in range(steps):
            self.now += 1 / steps
            for place, demand in enumerate(demands):
                for _ in range(demand * (step + 1) // steps - demand * step // steps):
                    admitted[place] += await self.asks(place, partner)
        for process in self.processes:
            await process.exchange()
        return admitted

    async def asks(self, place: int, partner: UUID) -> bool:
        # Held fresh: here exchanges are the test's.
        self.processes[place]._freshness._read_at = float("inf")
        try:
            await self.processes[place].admit(partner)
        except RequestLimitError:
            return False
        return True


@pytest.fixture
async def partner(database: Database) -> UUID:
    return (await OrgService(database).ensure_partner("Acme", "acme")).id


async def test_a_process_alone_lets_through_what_the_limit_says(database: Database, partner: UUID) -> None:
    machine = Machine(database, 100, 1)
    assert await machine.second(partner, 80) == [80]
    burst = (await machine.second(partner, 500))[0]
    assert 100 <= burst <= 200
    for _ in range(3):
        (admitted,) = await machine.second(partner, 500)
        assert 95 <= admitted <= 105


async def test_processes_share_the_limit_by_what_they_are_asked_for(database: Database, partner: UUID) -> None:
    machine = Machine(database, 100, 3)
    first = await machine.second(partner, 600, 300, 100)
    # Nobody knew of the others: each had a full bucket, and a second of all there is.
    assert sum(first) <= 3 * 2 * 100
    await machine.second(partner, 600, 300, 100)
    for _ in range(3):
        admitted = await machine.second(partner, 600, 300, 100)
        assert 90 <= sum(admitted) <= 110
        assert admitted[0] > admitted[1] > admitted[2]


async def test_a_process_that_is_asked_for_little_gets_its_part_and_all_of_it_where_there_is_enough(
    database: Database, partner: UUID
) -> None:
    machine = Machine(database, 100, 2)
    for _ in range(3):
        await machine.second(partner, 200, 10)
    admitted = await machine.second(partner, 200, 10)
    assert 4 <= admitted[1] <= 10
    assert 85 <= sum(admitted) <= 110
    await machine.second(partner, 50, 0)
    assert await machine.second(partner, 50, 40) == [50, 40]


async def test_a_process_that_is_gone_has_no_share(database: Database, partner: UUID) -> None:
    machine = Machine(database, 100, 2)
    for _ in range(3):
        await machine.second(partner, 300, 300)
    machine.processes.pop()
    await database.pool.execute("UPDATE clock_shift SET shift = '4 seconds'")
    await machine.second(partner, 300)
    (admitted,) = await machine.second(partner, 300)
    assert 95 <= admitted <= 105


async def test_partners_have_limits_of_their_own_and_hold_nobody_else_up(database: Database, partner: UUID) -> None:
    other = (await OrgService(database).ensure_partner("Umbrella", "umbrella")).id
    machine = Machine(database, 100, 1)
    await machine.processes[0].choose("umbrella", 10)
    for _ in range(2):
        await machine.processes[0].exchange()
        admitted = [0, 0]
        for _ in range(300):
            for place, one in enumerate((partner, other)):
                admitted[place] += await machine.asks(0, one)
        assert admitted == [100, 10]
        machine.now += 60
    await machine.processes[0].choose("umbrella", None)
    await machine.processes[0].exchange()
    machine.now += 1
    assert sum([await machine.asks(0, other) for _ in range(300)]) == 100
    with pytest.raises(UnknownPartnerError, match="'nobody'"):
        await machine.processes[0].choose("nobody", 1)


async def test_a_refusal_says_how_long_to_wait_and_that_is_enough(database: Database, partner: UUID) -> None:
    machine = Machine(database, 0.2, 1)
    assert await machine.asks(0, partner)
    machine.now += 1
    with pytest.raises(RequestLimitError) as caught:
        await machine.processes[0].admit(partner)
    assert caught.value.retry_after_s == 4
    assert caught.value.per_second == 0.2
    machine.now += 4
    assert await machine.asks(0, partner)


async def test_the_database_is_not_asked_for_each_request(database_url: str, partner: UUID) -> None:
    database = await Database.connect(database_url, max_size=1, application_name="fleetwrite tests")
    machine = Machine(database, 100, 1)
    async with database.acquire():
        # Who asked now would wait for ever.
        assert sum([await machine.asks(0, partner) for _ in range(300)]) == 100
    await database.close()


@given(
    limit=st.floats(0.01, 1e5),
    demands=st.lists(st.floats(0.001, 1e6), min_size=1, max_size=20),
)
def test_shares_add_up_to_the_limit_where_more_is_asked_for_and_suffice_where_less_is(
    limit: float, demands: list[float]
) -> None:
    total = sum(demands)
    shares = [share(limit, own, total - own) for own in demands]
    if total > limit:
        assert sum(shares) <= limit * (1 + 1e-6)
    else:
        assert all(part >= own * (1 - 1e-6) for part, own in zip(shares, demands, strict=True))
