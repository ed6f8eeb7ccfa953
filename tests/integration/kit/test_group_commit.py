import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from administrating import administrate, become_administrator
from fleetwrite.kit.database import Connection, Database
from fleetwrite.kit.group_commit import (
    CommitOutcomeUnknownError,
    GroupCommit,
    GroupCommitClosedError,
    NotCommittedError,
)
from fleetwrite.kit.tenancy import Nameless, Whom, acting_for, acts_for


class Notes:
    """Writes numbers into a table; a test can hold it inside a transaction and see the batches."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.entered = asyncio.Event()
        self.may_pass = asyncio.Event()
        self.may_pass.set()

    async def write(self, connection: Connection, items: Sequence[int]) -> list[int | Exception]:
        self.batches.append(list(items))
        self.entered.set()
        await self.may_pass.wait()
        await connection.executemany("INSERT INTO note VALUES ($1)", [(item,) for item in items])
        return [KeyError(item) if item == 666 else item * 2 for item in items]


@pytest.fixture
async def notes(database: Database) -> Notes:
    await administrate(database, "CREATE TABLE note (n int PRIMARY KEY CHECK (n >= 0))")
    return Notes()


@pytest.fixture
async def group(database: Database, notes: Notes) -> AsyncIterator[GroupCommit[int, int]]:
    group = GroupCommit(database, notes.write)
    yield group
    notes.may_pass.set()
    await group.close()


async def stored(database: Database) -> list[int]:
    return [row["n"] for row in await database.pool.fetch("SELECT n FROM note ORDER BY n")]


async def hold_a_first_batch(group: GroupCommit[int, int], notes: Notes) -> "asyncio.Task[int]":
    notes.may_pass.clear()
    first = asyncio.create_task(group.submit(0))
    await notes.entered.wait()
    return first


async def test_requests_during_a_commit_share_the_next(
    database: Database, group: GroupCommit[int, int], notes: Notes
) -> None:
    first = await hold_a_first_batch(group, notes)
    others = [asyncio.create_task(group.submit(n)) for n in range(1, 6)]
    await asyncio.sleep(0)  # let each of them submit
    notes.may_pass.set()
    assert await asyncio.gather(first, *others) == [0, 2, 4, 6, 8, 10]
    assert notes.batches == [[0], [1, 2, 3, 4, 5]]
    assert await stored(database) == [0, 1, 2, 3, 4, 5]


async def test_one_after_the_other_is_never_forgotten(group: GroupCommit[int, int]) -> None:
    assert [await group.submit(n) for n in range(200)] == [n * 2 for n in range(200)]


async def test_batches_are_bounded(database: Database, notes: Notes) -> None:
    group = GroupCommit(database, notes.write, max_batch=2)
    first = await hold_a_first_batch(group, notes)
    others = [asyncio.create_task(group.submit(n)) for n in range(1, 6)]
    await asyncio.sleep(0)
    notes.may_pass.set()
    await asyncio.gather(first, *others)
    assert notes.batches == [[0], [1, 2], [3, 4], [5]]
    await group.close()


async def test_only_the_bad_one_fails_and_with_its_own_error(database: Database, group: GroupCommit[int, int]) -> None:
    answers = await asyncio.gather(*(group.submit(n) for n in (1, -1, 2, 1)), return_exceptions=True)
    assert answers[0] == 2
    assert isinstance(answers[1], asyncpg.CheckViolationError)
    assert answers[2] == 4
    assert isinstance(answers[3], asyncpg.UniqueViolationError)
    assert await stored(database) == [1, 2]


async def test_a_refusal_at_commit_fails_only_its_item(database: Database) -> None:
    await administrate(database, "CREATE TABLE target (n int PRIMARY KEY); INSERT INTO target VALUES (1)")
    await administrate(database, "CREATE TABLE source (n int REFERENCES target DEFERRABLE INITIALLY DEFERRED)")

    async def write(connection: Connection, items: Sequence[int]) -> list[int | Exception]:
        await connection.executemany("INSERT INTO source VALUES ($1)", [(item,) for item in items])
        return list(items)

    group = GroupCommit(database, write)
    good, bad = await asyncio.gather(group.submit(1), group.submit(2), return_exceptions=True)
    assert good == 1
    assert isinstance(bad, asyncpg.ForeignKeyViolationError)
    await group.close()


async def test_an_error_as_result_goes_to_its_caller_and_rolls_nothing_back(
    database: Database, group: GroupCommit[int, int]
) -> None:
    good, bad = await asyncio.gather(group.submit(1), group.submit(666), return_exceptions=True)
    assert good == 2
    assert isinstance(bad, KeyError)
    assert await stored(database) == [1, 666]


async def test_a_cancelled_caller_does_not_disturb_the_others(
    database: Database, group: GroupCommit[int, int], notes: Notes
) -> None:
    first = await hold_a_first_batch(group, notes)
    queued, other = asyncio.create_task(group.submit(1)), asyncio.create_task(group.submit(2))
    await asyncio.sleep(0)
    first.cancel()  # inside the transaction: it is committed all the same
    queued.cancel()  # not begun: never written
    notes.may_pass.set()
    assert await other == 4
    assert first.cancelled()
    assert await stored(database) == [0, 2]


async def test_a_connection_lost_before_the_commit_wrote_nothing(
    database: Database, group: GroupCommit[int, int], notes: Notes
) -> None:
    first = await hold_a_first_batch(group, notes)
    await terminate_others(database)
    notes.may_pass.set()
    with pytest.raises(NotCommittedError):
        await first
    assert await stored(database) == []
    assert await group.submit(7) == 14  # and the next one works again


async def test_a_connection_lost_during_the_commit_is_an_unknown_outcome(database: Database) -> None:
    """A deferred trigger holds the COMMIT open while the test ends the session."""
    await administrate(
        database,
        """
        CREATE TABLE slow (n int);
        CREATE FUNCTION wait_for_the_test() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM pg_advisory_xact_lock(4711);
            RETURN NULL;
        END $$;
        CREATE CONSTRAINT TRIGGER slow_commit AFTER INSERT ON slow
            DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION wait_for_the_test();
    """,
    )
    calls = 0

    async def write(connection: Connection, items: Sequence[int]) -> list[int | Exception]:
        nonlocal calls
        calls += 1
        await connection.executemany("INSERT INTO slow VALUES ($1)", [(item,) for item in items])
        return list(items)

    group = GroupCommit(database, write)
    async with database.transaction() as blocker:
        await blocker.execute("SELECT pg_advisory_xact_lock(4711)")
        callers = [asyncio.create_task(group.submit(n)) for n in range(3)]
        waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        async with asyncio.timeout(10):
            while not await blocker.fetchval(waiting):
                await asyncio.sleep(0.005)
        await terminate_others(database, blocker)
        answers = await asyncio.gather(*callers, return_exceptions=True)
    assert [type(answer) for answer in answers] == [CommitOutcomeUnknownError] * 3
    assert len({id(answer) for answer in answers}) == 3
    assert calls == 1  # nothing was silently tried again
    await group.close()


async def test_close_settles_what_was_taken_and_takes_no_more(
    database: Database, group: GroupCommit[int, int], notes: Notes
) -> None:
    first = await hold_a_first_batch(group, notes)
    second = asyncio.create_task(group.submit(1))
    await asyncio.sleep(0)
    closing = asyncio.create_task(group.close())
    await asyncio.sleep(0)
    with pytest.raises(GroupCommitClosedError):
        await group.submit(2)
    notes.may_pass.set()
    await closing
    assert (await first, await second) == (0, 2)
    assert await stored(database) == [0, 1]


async def test_an_unreachable_database_is_said_to_each_caller(database_url: str) -> None:
    database = await Database.connect(database_url, application_name="gone")
    await database.close()

    async def write(_connection: Connection, items: Sequence[int]) -> list[int | Exception]:
        return list(items)

    group = GroupCommit(database, write)
    answers = await asyncio.gather(group.submit(1), group.submit(2), return_exceptions=True)
    assert [type(answer) for answer in answers] == [NotCommittedError] * 2


async def terminate_others(database: Database, connection: Connection | None = None) -> None:
    """End every other client of this test's database."""
    query = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
    )
    if connection is None:
        await administrate(database, query)
    else:
        await become_administrator(connection)
        await connection.execute(query)


class Names:
    """Writes what is a partner's into a table under row level security, and notes for whom."""

    def __init__(self) -> None:
        self.writes: list[tuple[Whom, list[int]]] = []
        self.concluded: list[tuple[Whom, list[int]]] = []
        self.entered = asyncio.Event()
        self.may_pass = asyncio.Event()

    async def write(self, connection: Connection, items: Sequence[tuple[UUID, int]]) -> list[int | Exception]:
        self.writes.append((acts_for(), [number for _, number in items]))
        self.entered.set()
        await self.may_pass.wait()
        await connection.executemany("INSERT INTO named VALUES ($1, $2)", items)
        seen = await connection.fetch("SELECT n FROM named")
        return [KeyError(n) if n == 666 else len(seen) for _, n in items]

    async def conclude(self, connection: Connection, items: Sequence[tuple[UUID, int]]) -> None:
        self.concluded.append((acts_for(), [number for _, number in items]))
        seen = await connection.fetch("SELECT n FROM named")
        assert {number for _, number in items} <= {row["n"] for row in seen}


ONE, OTHER = UUID(int=1), UUID(int=2)


async def submitted(group: "GroupCommit[tuple[UUID, int], int]", names: Names, *items: tuple[Whom, UUID, int]) -> Any:
    """What becomes of items that share a batch: (who submits it, whose row it is, number)."""

    async def submit(whom: Whom, partner_id: UUID, number: int) -> int:
        with acting_for(whom):
            return await group.submit((partner_id, number))

    first = asyncio.create_task(submit(Nameless.SYSTEM, ONE, 0))
    await names.entered.wait()
    tasks = [asyncio.create_task(submit(*item)) for item in items]
    await asyncio.sleep(0)
    names.may_pass.set()
    await first
    return await asyncio.gather(*tasks, return_exceptions=True)


@pytest.fixture
async def names(database: Database) -> Names:
    await administrate(
        database,
        """
        CREATE TABLE named (partner_id uuid NOT NULL, n int PRIMARY KEY CHECK (n >= 0));
        SELECT fleetwrite_guard('named', 'SELECT, INSERT', 'partner_id = fleetwrite_partner()');
        """,
    )
    return Names()


@pytest.fixture
async def named_group(database: Database, names: Names) -> "AsyncIterator[GroupCommit[tuple[UUID, int], int]]":
    group: GroupCommit[tuple[UUID, int], int] = GroupCommit(database, names.write, conclude=names.conclude)
    yield group
    names.may_pass.set()
    await group.close()


async def numbers(database: Database) -> list[tuple[UUID, int]]:
    return [(row["partner_id"], row["n"]) for row in await database.pool.fetch("SELECT * FROM named ORDER BY n")]


async def test_each_partner_s_rows_are_written_in_its_name_in_one_transaction(
    database: Database, names: Names, named_group: "GroupCommit[tuple[UUID, int], int]"
) -> None:
    batch: list[tuple[Whom, UUID, int]] = [
        (OTHER, OTHER, 1),
        (ONE, ONE, 2),
        (OTHER, OTHER, 3),
        (Nameless.SYSTEM, OTHER, 4),
        (ONE, ONE, 5),
    ]
    answers = await submitted(named_group, names, *batch)
    # Of each one its own rows were there, those of the first batch and of this transaction; of the system's all.
    assert answers == [2, 3, 2, 6, 3]
    assert names.writes[1:] == [(ONE, [2, 5]), (OTHER, [1, 3]), (Nameless.SYSTEM, [4])]
    assert names.concluded[1:] == [(Nameless.SYSTEM, [1, 2, 3, 4, 5])]
    assert await numbers(database) == [(ONE, 0), (OTHER, 1), (ONE, 2), (OTHER, 3), (OTHER, 4), (ONE, 5)]
    versions = await database.pool.fetchval("SELECT count(DISTINCT xmin::text) FROM named WHERE n > 0")
    assert versions == 1


async def test_of_two_partners_in_a_batch_only_the_one_that_fails_does(
    database: Database, names: Names, named_group: "GroupCommit[tuple[UUID, int], int]"
) -> None:
    batch = [(ONE, ONE, 1), (OTHER, OTHER, -1), (OTHER, OTHER, 2), (ONE, ONE, 666)]
    answers = await submitted(named_group, names, *batch)
    assert [type(answer) for answer in answers] == [int, asyncpg.CheckViolationError, int, KeyError]
    assert await numbers(database) == [(ONE, 0), (ONE, 1), (OTHER, 2), (ONE, 666)]
    # Singly, each in its own name; what was answered with an error is not carried on with.
    assert names.writes[3:] == [(ONE, [1]), (OTHER, [-1]), (OTHER, [2]), (ONE, [666])]
    assert [items for _, items in names.concluded[1:]] == [[1], [2]]


async def test_a_row_in_another_s_name_fails_alone(
    database: Database, names: Names, named_group: "GroupCommit[tuple[UUID, int], int]"
) -> None:
    answers = await submitted(named_group, names, (ONE, ONE, 1), (OTHER, ONE, 2), (OTHER, OTHER, 3))
    assert [type(answer) for answer in answers] == [int, asyncpg.InsufficientPrivilegeError, int]
    assert await numbers(database) == [(ONE, 0), (ONE, 1), (OTHER, 3)]


async def test_the_runner_is_nobody_s_whoever_s_call_began_it(
    names: Names, named_group: "GroupCommit[tuple[UUID, int], int]"
) -> None:
    names.may_pass.set()
    with acting_for(ONE):
        await named_group.submit((ONE, 1))
        await named_group.submit((ONE, 2))
    with acting_for(OTHER):
        await named_group.submit((OTHER, 3))
    assert [whom for whom, _ in names.writes] == [ONE, ONE, OTHER]
