import asyncio
from collections.abc import AsyncIterator, Sequence

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
