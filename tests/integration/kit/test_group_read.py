"""Questions that come up together share a query, and nobody gets an answer from before they asked."""

import asyncio
from collections.abc import Mapping, Sequence
from uuid import UUID

import pytest

from fleetwrite.kit.database import Connection, Database
from fleetwrite.kit.group_read import GroupRead
from fleetwrite.kit.tenancy import Nameless, Whom, acting_for, acts_for


class Table:
    """Squares of numbers below ten, read through the database; counts the queries."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []
        self.begun = asyncio.Event()
        self.go = asyncio.Event()
        self.go.set()

    async def read(self, connection: Connection, keys: Sequence[int]) -> Mapping[int, int]:
        self.asked.append(sorted(keys))
        self.begun.set()
        await self.go.wait()
        rows = await connection.fetch("SELECT n, n * n AS square FROM unnest($1::int[]) AS n WHERE n < 10", list(keys))
        return {row["n"]: row["square"] for row in rows}


async def test_each_gets_its_own_answer_and_none_where_there_is_none(database: Database) -> None:
    group = GroupRead(database, Table().read)
    assert await asyncio.gather(*(group.get(number) for number in (3, 4, 12))) == [9, 16, None]


async def test_those_who_ask_while_queries_are_under_way_share_the_next(database: Database) -> None:
    table = Table()
    table.go.clear()
    group = GroupRead(database, table.read)
    first = [asyncio.create_task(group.get(number)) for number in (1, 2)]
    await table.begun.wait()
    later = [asyncio.create_task(group.get(number)) for number in (3, 4, 5, 5)]
    await asyncio.sleep(0.01)
    table.go.set()
    assert await asyncio.gather(*first, *later) == [1, 4, 9, 16, 25, 25]
    assert sorted(number for keys in table.asked for number in keys) == [1, 2, 3, 4, 5]
    assert len(table.asked) < 5


async def test_a_question_that_is_being_asked_is_asked_again_for_who_comes_later(database: Database) -> None:
    table = Table()
    table.go.clear()
    group = GroupRead(database, table.read)
    first = asyncio.create_task(group.get(1))
    await table.begun.wait()
    second = asyncio.create_task(group.get(1))
    await asyncio.sleep(0.01)
    table.go.set()
    assert [await first, await second] == [1, 1]
    assert table.asked == [[1], [1]]


async def test_a_query_that_fails_fails_for_those_who_shared_it_and_for_nobody_else(database: Database) -> None:
    async def read(connection: Connection, keys: Sequence[int]) -> Mapping[int, int]:
        row = await connection.fetchrow("SELECT 1 / $1::int AS n", keys[0])
        return {keys[0]: row["n"]} if row is not None else {}

    group = GroupRead(database, read)
    with pytest.raises(Exception, match="division by zero"):
        await group.get(0)
    assert await group.get(1) == 1


async def test_who_gives_up_takes_the_answer_from_nobody(database: Database) -> None:
    table = Table()
    table.go.clear()
    group = GroupRead(database, table.read)
    gone, patient = asyncio.create_task(group.get(2)), asyncio.create_task(group.get(2))
    await table.begun.wait()
    gone.cancel()
    table.go.set()
    assert await patient == 4


async def test_those_who_act_for_different_partners_share_no_query(database: Database) -> None:
    asked: list[tuple[Whom, list[int]]] = []
    begun, go = asyncio.Event(), asyncio.Event()

    async def read(connection: Connection, keys: Sequence[int]) -> Mapping[int, str]:
        asked.append((acts_for(), sorted(keys)))
        begun.set()
        await go.wait()
        named = await connection.fetchval("SELECT current_setting('fleetwrite.partner', true)")
        return dict.fromkeys(keys, named)

    async def get(group: GroupRead[int, str], whom: Whom, key: int) -> str | None:
        with acting_for(whom):
            return await group.get(key)

    group = GroupRead(database, read)
    one, other = UUID(int=1), UUID(int=2)
    first = [asyncio.create_task(get(group, one, number)) for number in range(2)]
    await begun.wait()
    later = [asyncio.create_task(get(group, whom, 7)) for whom in (other, one, Nameless.NOBODY, other)]
    await asyncio.sleep(0)
    go.set()
    assert await asyncio.gather(*first, *later) == [str(one), str(one), str(other), str(one), "", str(other)]
    shared = {(whom, key) for whom, keys in asked for key in keys}
    assert shared == {(one, 0), (one, 1), (one, 7), (other, 7), (Nameless.NOBODY, 7)}
