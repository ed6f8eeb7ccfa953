"""Rows whose time is over are removed, in batches, and no others."""

import asyncio
from datetime import timedelta

import pytest

from administrating import administrate
from fleetwrite.kit.database import Database
from fleetwrite.kit.ids import new_id
from fleetwrite.kit.retention import BATCH, Rule, Sweeper

RULE = Rule(
    name="things",
    keeps=timedelta(days=10),
    remove="""
    DELETE FROM things WHERE id IN (
        SELECT id FROM things WHERE id < $2 AND ended_at < $1 ORDER BY id LIMIT $3 FOR UPDATE SKIP LOCKED)
    """,
)


@pytest.fixture
async def things(database: Database) -> Database:
    await administrate(database, "CREATE TABLE things (id uuid PRIMARY KEY, ended_at timestamptz)")
    return database


async def add(database: Database, count: int, *, ended: bool = True) -> None:
    await database.pool.executemany(
        "INSERT INTO things VALUES ($1, CASE WHEN $2 THEN fleetwrite_now() END)",
        [(new_id(), ended) for _ in range(count)],
    )


async def shift(database: Database, days: int) -> None:
    await database.pool.execute("UPDATE clock_shift SET shift = $1", timedelta(days=days))


async def left(database: Database) -> int:
    count: int = await database.pool.fetchval("SELECT count(*) FROM things")
    return count


async def test_only_what_ended_long_enough_ago_is_removed(things: Database) -> None:
    await add(things, 3)
    await add(things, 2, ended=False)
    sweeper = Sweeper(things, [RULE])
    await shift(things, 9)
    await add(things, 4)
    assert await sweeper.sweep() == {"things": 0}
    await shift(things, 11)
    assert await sweeper.sweep() == {"things": 3}
    assert await left(things) == 6
    await shift(things, 20)
    assert await sweeper.sweep() == {"things": 4}
    assert await left(things) == 2


async def test_more_than_a_batch_is_removed_in_one_sweep(things: Database) -> None:
    await add(things, BATCH * 2 + 1)
    await shift(things, 11)
    assert await Sweeper(things, [RULE]).sweep() == {"things": BATCH * 2 + 1}


async def test_sweeps_side_by_side_remove_each_row_once(things: Database) -> None:
    await add(things, BATCH * 3)
    await shift(things, 11)
    removed = await asyncio.gather(*(Sweeper(things, [RULE]).sweep() for _ in range(3)))
    assert sum(one["things"] for one in removed) == BATCH * 3
    assert await left(things) == 0


async def test_a_locked_row_is_passed_over_and_removed_the_next_time(things: Database) -> None:
    await add(things, 2)
    await shift(things, 11)
    sweeper = Sweeper(things, [RULE])
    async with things.transaction() as busy:
        await busy.execute("SELECT FROM things ORDER BY id LIMIT 1 FOR UPDATE")
        assert await sweeper.sweep() == {"things": 1}
    assert await sweeper.sweep() == {"things": 1}


async def test_a_sweep_that_is_to_stop_leaves_the_rest(things: Database) -> None:
    await add(things, 1)
    await shift(things, 11)
    stop = asyncio.Event()
    stop.set()
    assert await Sweeper(things, [RULE]).sweep(stop) == {"things": 0}
