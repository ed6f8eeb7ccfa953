import random
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from administrating import administrate
from fleetwrite.kit.database import Connection, Database
from fleetwrite.kit.keyset import BadCursorError, Cursor, Order, Page, PageQuery, Place, Window, decode_cursor

START = datetime(2026, 1, 1, tzinfo=UTC)


def query() -> PageQuery:
    return PageQuery("SELECT t.id, t.created_at, t.kind FROM things t", prefix="t")


async def add(connection: Connection, *numbers: int) -> None:
    """Thing n is the n-th; three at a time share their instant."""
    await connection.executemany(
        "INSERT INTO things VALUES ($1, $2, $3)",
        [(UUID(int=n), START + timedelta(microseconds=n // 3), "odd" if n % 2 else "even") for n in numbers],
    )


@pytest.fixture
async def things(database: Database) -> Database:
    await administrate(
        database, "CREATE TABLE things (id uuid PRIMARY KEY, created_at timestamptz NOT NULL, kind text NOT NULL)"
    )
    return database


async def read(
    things: Database, cursor: str | None = None, size: int = 4, *, descending: bool = False
) -> tuple[list[int], "Page[object]"]:
    window = Window(cursor=decode_cursor(cursor), size=size, descending=descending)
    async with things.acquire() as connection:
        page = await query().fetch(connection, window)
    return [row["id"].int for row in page.items], page.of(lambda row: row)


async def all_forwards(things: Database, size: int, *, descending: bool) -> tuple[list[int], str | None]:
    """All rows met, and the cursor of the last page."""
    met: list[int] = []
    cursor: str | None = None
    while True:
        items, page = await read(things, cursor, size, descending=descending)
        met += items
        if page.next_page is None:
            return met, cursor
        cursor = page.next_page


async def all_backwards(things: Database, last: str | None, size: int, *, descending: bool) -> list[int]:
    met, page = await read(things, last, size, descending=descending)
    while page.previous_page is not None:
        items, page = await read(things, page.previous_page, size, descending=descending)
        met = items + met
    return met


async def test_every_row_is_met_once_forwards_and_once_backwards(things: Database) -> None:
    numbers = list(range(10))
    random.Random(1).shuffle(numbers)
    async with things.acquire() as connection:
        await add(connection, *numbers)
    for size in (1, 2, 3, 5, 9, 10, 11):
        for descending in (False, True):
            expected = sorted(numbers, reverse=descending)
            forwards, last = await all_forwards(things, size, descending=descending)
            assert forwards == expected
            assert await all_backwards(things, last, size, descending=descending) == expected


async def test_the_first_page_has_none_before_it_and_the_last_none_after_it(things: Database) -> None:
    async with things.acquire() as connection:
        await add(connection, *range(6))
    _, first = await read(things, size=3)
    assert first.previous_page is None
    assert first.next_page is not None
    _, last = await read(things, first.next_page, size=3)
    assert last.previous_page is not None
    assert last.next_page is None
    _, only = await read(things, size=6)
    assert (only.previous_page, only.next_page) == (None, None)


async def test_an_empty_list_has_no_pages_around_it(things: Database) -> None:
    items, page = await read(things)
    assert items == []
    assert (page.previous_page, page.next_page) == (None, None)


async def test_a_page_can_be_read_again_by_its_own_cursors(things: Database) -> None:
    async with things.acquire() as connection:
        await add(connection, *range(10))
    _, first = await read(things, size=3)
    middle, page = await read(things, first.next_page, size=3)
    again, same = await read(things, page.current_page, size=3)
    backwards, back = await read(things, page.current_page_backwards, size=3)
    assert middle == again == backwards == [3, 4, 5]
    assert same == page
    assert back.next_page is not None
    assert (await read(things, back.next_page, size=3))[0] == [6, 7, 8]
    assert (await read(things, back.previous_page, size=3))[0] == [0, 1, 2]


async def test_rows_that_come_and_go_meanwhile_neither_repeat_nor_hide_others(things: Database) -> None:
    async with things.acquire() as connection:
        await add(connection, 2, 4, 6, 8, 10)
        first, page = await read(things, size=3)
        await add(connection, 1, 3, 7)
        await connection.execute("DELETE FROM things WHERE id = $1", UUID(int=6))
    second, _ = await read(things, page.next_page, size=3)
    assert first == [2, 4, 6]
    assert second == [7, 8, 10]


async def test_the_rows_before_an_end_that_vanished_are_still_reached(things: Database) -> None:
    async with things.acquire() as connection:
        await add(connection, *range(6))
        _, first = await read(things, size=4)
        await connection.execute("DELETE FROM things WHERE id >= $1", UUID(int=4))
    beyond, page = await read(things, first.next_page, size=4)
    assert beyond == []
    assert page.next_page is None
    assert (await read(things, page.previous_page, size=4))[0] == [0, 1, 2, 3]


async def test_conditions_narrow_the_page_and_the_count_alike(things: Database) -> None:
    async with things.acquire() as connection:
        await add(connection, *range(10))
        narrowed = query()
        narrowed.where("t.kind = {}", "odd")
        narrowed.where("(t.id > {} OR t.id = {})", UUID(int=4), UUID(int=1))
        narrowed.where_among("t.id", None)
        page, total = await narrowed.fetch_counted(connection, Window(size=2))
        assert [row["id"].int for row in page.items] == [1, 5]
        assert total == 4
        rest = await narrowed.fetch(connection, Window(cursor=decode_cursor(page.next_page), size=2))
        assert [row["id"].int for row in rest.items] == [7, 9]


async def test_among_no_values_nothing_is_found_and_a_nul_matches_nothing(things: Database) -> None:
    async with things.acquire() as connection:
        await add(connection, 1, 2)
        for values, found in (([], 0), (["\0"], 0), (["odd", "\0"], 1)):
            narrowed = query()
            narrowed.where_among("t.kind", values)
            assert (await narrowed.fetch_counted(connection, Window()))[1] == found


async def test_a_list_is_counted_with_its_first_page_and_anew_only_for_other_conditions(things: Database) -> None:
    async with things.acquire() as connection:
        await add(connection, *range(6))
        first, total = await query().fetch_counted(connection, Window(size=2))
        assert total == 6
        await add(connection, 6, 7)
        on = Window(cursor=decode_cursor(first.next_page), size=2)
        second, again = await query().fetch_counted(connection, on)
        assert ([row["id"].int for row in second.items], again) == ([2, 3], 6)
        back = Window(cursor=decode_cursor(second.previous_page), size=2)
        assert (await query().fetch_counted(connection, back))[1] == 6
        narrowed = query()
        narrowed.where("t.kind = {}", "odd")
        assert (await narrowed.fetch_counted(connection, on))[1] == 4
        assert (await query().fetch_counted(connection, Window()))[1] == 8


BY_KIND = Order(name="kind", key="t.kind", column="kind", is_time=False)


async def test_a_list_can_be_ordered_by_a_text(things: Database) -> None:
    async with things.acquire() as connection:
        await add(connection, *range(6))
        query = PageQuery("SELECT t.id, t.created_at, t.kind FROM things t", prefix="t", order=BY_KIND)
        met: list[int] = []
        cursor = None
        for _ in range(3):
            page = await query.fetch(connection, Window(cursor=decode_cursor(cursor), size=2, descending=True))
            met += [row["id"].int for row in page.items]
            cursor = page.next_page
    assert (met, cursor) == ([5, 3, 1, 4, 2, 0], None)


async def test_a_place_in_another_order_is_no_cursor_of_this_list(things: Database) -> None:
    ordered = PageQuery("SELECT t.id, t.created_at, t.kind FROM things t", prefix="t", order=BY_KIND)
    async with things.acquire() as connection:
        await add(connection, 1, 2)
        by_time = await query().fetch(connection, Window(size=1))
        by_kind = await ordered.fetch(connection, Window(size=1))
        for wrong, page in ((ordered, by_time), (query(), by_kind)):
            with pytest.raises(BadCursorError):
                await wrong.fetch(connection, Window(cursor=decode_cursor(page.next_page)))
        forged = Cursor(place=Place(None, UUID(int=1), "a\0b"), order="kind")
        with pytest.raises(BadCursorError):
            await ordered.fetch(connection, Window(cursor=forged))


OWNED = "SELECT t.id, t.created_at, t.kind FROM things t"
OWNERS = "SELECT t.*, o.name FROM (VALUES ('odd', 'Odette'), ('even', 'Eve')) AS o (kind, name)"


def owned_query(*names: str) -> PageQuery:
    owned = PageQuery(OWNED, prefix="t", owners=OWNERS)
    owned.where("t.kind = o.kind")
    owned.where_owner_among("o.name", names)
    return owned


@pytest.mark.parametrize("descending", [False, True])
async def test_rows_of_several_owners_are_one_list(things: Database, descending: bool) -> None:
    async with things.acquire() as connection:
        await add(connection, *range(10))
        met: list[tuple[int, str]] = []
        cursor = None
        while True:
            window = Window(cursor=decode_cursor(cursor), size=3, descending=descending)
            page, total = await owned_query("Odette", "Eve").fetch_counted(connection, window)
            met += [(row["id"].int, row["name"]) for row in page.items]
            assert total == 10
            cursor = page.next_page
            if cursor is None:
                break
        expected = [(number, "Odette" if number % 2 else "Eve") for number in range(10)]
        assert met == (expected[::-1] if descending else expected)
        page, total = await owned_query("Eve").fetch_counted(connection, Window())
        assert ([row["id"].int for row in page.items], total) == ([0, 2, 4, 6, 8], 5)
        assert (await owned_query().fetch_counted(connection, Window()))[1] == 0
