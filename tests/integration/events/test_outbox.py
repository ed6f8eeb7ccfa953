import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from uuid import UUID

import asyncpg
import pytest

from administrating import administrate
from fleetwrite.events.fan_out import FanOut
from fleetwrite.events.models import Event, NewEvent
from fleetwrite.events.store import append, last_position, mark_fanned_out, position_of, take_waiting
from fleetwrite.kit.database import Connection, Database, Listener
from fleetwrite.kit.ids import new_id


@pytest.fixture
async def partner_id(database: Database) -> UUID:
    one = new_id()
    await administrate(database, "CREATE TABLE consumed (id uuid PRIMARY KEY)")
    await database.pool.execute(
        "INSERT INTO partners VALUES ($1, 'Partner', 'partner', fleetwrite_now(), fleetwrite_now())", one
    )
    return one


def new_events(partner_id: UUID, count: int) -> list[NewEvent]:
    return [
        NewEvent(id=new_id(), event_name="vehicle.added", partner_id=partner_id, data={"number": number})
        for number in range(count)
    ]


class Consumer:
    """Notes what it gets, in a list and in the transaction."""

    def __init__(self, expected: int) -> None:
        self.seen: list[Event] = []
        self.batches: list[int] = []
        self.complete = asyncio.Event()
        self._expected = expected

    async def consume(self, connection: Connection, events: Sequence[Event]) -> None:
        self.seen.extend(events)
        self.batches.append(len(events))
        await connection.execute("INSERT INTO consumed (id) SELECT unnest($1::uuid[])", [event.id for event in events])
        if len(self.seen) >= self._expected:
            self.complete.set()


@asynccontextmanager
async def running(fan_out: FanOut) -> AsyncIterator[None]:
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(fan_out.run(stop))
        yield
        stop.set()


async def test_events_go_to_the_consumer_in_order_and_once(database: Database, partner_id: UUID) -> None:
    events = new_events(partner_id, 7)
    async with database.transaction() as connection:
        await append(connection, events)
    consumer = Consumer(7)
    fan_out = FanOut(database, consumer.consume, batch=3)
    assert [await fan_out.fan_out_once() for _ in range(4)] == [3, 3, 1, 0]
    assert [event.id for event in consumer.seen] == [event.id for event in events]
    assert {event.event_name for event in consumer.seen} == {"vehicle.added"}
    assert all(event.occurred_at.tzinfo is not None for event in consumer.seen)


async def test_an_event_of_a_transaction_that_failed_never_was(database: Database, partner_id: UUID) -> None:
    async def fail_after_append() -> None:
        async with database.transaction() as connection:
            await append(connection, new_events(partner_id, 1))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail_after_append()
    assert await database.pool.fetchval("SELECT count(*) FROM events") == 0


async def test_appending_nothing_is_fine(database: Database) -> None:
    async with database.transaction() as connection:
        await append(connection, [])
    assert await database.pool.fetchval("SELECT count(*) FROM events") == 0


async def test_a_consumer_that_fails_leaves_the_events_waiting(database: Database, partner_id: UUID) -> None:
    async with database.transaction() as connection:
        await append(connection, new_events(partner_id, 2))

    async def fail(_connection: Connection, _events: Sequence[Event]) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await FanOut(database, fail).run(asyncio.Event())
    async with database.transaction() as connection:
        assert len(await take_waiting(connection, 10)) == 2


async def test_two_takers_never_get_the_same_event(database: Database, partner_id: UUID) -> None:
    async with database.transaction() as connection:
        await append(connection, new_events(partner_id, 4))
    async with database.transaction() as first, database.transaction() as second:
        taken = await take_waiting(first, 3)
        left = await take_waiting(second, 3)
    assert [len(taken), len(left)] == [3, 1]
    assert not {event.id for event in taken} & {event.id for event in left}


async def test_who_takes_places_in_the_streams_waits_for_who_took_some_and_has_not_committed(
    database: Database, partner_id: UUID
) -> None:
    """Else a reader could see the later place first, go on behind it, and never see the earlier one."""
    early, late = new_events(partner_id, 2)
    async with database.transaction() as connection:
        await append(connection, [early, late])

    async def hand_on_late() -> None:
        async with database.transaction() as connection:
            await mark_fanned_out(connection, [late.id])

    async with database.transaction() as connection:
        await mark_fanned_out(connection, [early.id])
        waiting = asyncio.create_task(hand_on_late())
        async with asyncio.timeout(20):
            while not await database.pool.fetchval(
                "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
                " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
            ):
                assert not waiting.done()
        async with database.acquire() as other:
            assert await last_position(other, partner_id) == 0
    await waiting
    async with database.acquire() as connection:
        places = [await position_of(connection, partner_id, one.id) for one in (early, late)]
        assert places == sorted(places, key=lambda place: place or 0)
        assert await last_position(connection, partner_id) == places[1]


async def test_a_commit_wakes_the_loop(
    database: Database, database_url: str, partner_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Without the notification it would take until the test times out.
    monkeypatch.setattr("fleetwrite.events.fan_out.POLL_S", 3600.0)
    consumer = Consumer(3)
    fan_out = FanOut(database, consumer.consume)
    async with Listener(database_url, fan_out.channels, application_name="test"), running(fan_out):
        for event in new_events(partner_id, 3):
            async with database.transaction() as connection:
                await append(connection, [event])
        async with asyncio.timeout(20):
            await consumer.complete.wait()


async def test_polling_finds_what_no_notification_told_of(
    database: Database, partner_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fleetwrite.events.fan_out.POLL_S", 0.01)
    consumer = Consumer(1)
    async with running(FanOut(database, consumer.consume)):
        async with database.transaction() as connection:
            await append(connection, new_events(partner_id, 1))
        async with asyncio.timeout(20):
            await consumer.complete.wait()


async def test_many_loops_share_the_work_and_repeat_nothing(database: Database, partner_id: UUID) -> None:
    consumer = Consumer(200)
    fan_outs = [FanOut(database, consumer.consume, batch=5) for _ in range(3)]
    async with database.transaction() as connection:
        await append(connection, new_events(partner_id, 200))
    async with running(fan_outs[0]), running(fan_outs[1]), running(fan_outs[2]), asyncio.timeout(20):
        await consumer.complete.wait()
    assert len({event.id for event in consumer.seen}) == 200
    assert await database.pool.fetchval("SELECT count(*) FROM consumed") == 200


async def test_the_loop_outlives_the_loss_of_its_connections(
    database: Database, database_url: str, partner_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fleetwrite.events.fan_out.DATABASE_RETRY_S", 0.01)
    consumer = Consumer(1)
    failed_once = asyncio.Event()

    async def consume(connection: Connection, events: Sequence[Event]) -> None:
        if not failed_once.is_set():
            failed_once.set()
            admin = await asyncpg.connect(database_url)
            await admin.execute("SELECT pg_terminate_backend($1)", connection.get_server_pid())
            await admin.close()
        await consumer.consume(connection, events)

    async with running(FanOut(database, consume)):
        async with database.transaction() as connection:
            await append(connection, new_events(partner_id, 1))
        async with asyncio.timeout(20):
            await consumer.complete.wait()
    assert failed_once.is_set()
    assert await database.pool.fetchval("SELECT count(*) FROM events WHERE fanned_out_at IS NOT NULL") == 1


@pytest.mark.parametrize(
    "failure",
    [
        asyncpg.InternalClientError("cannot switch to state 15; another operation (2) is in progress"),
        asyncpg.InterfaceError("connection is closed"),
        asyncpg.AdminShutdownError("terminating connection due to administrator command"),
        ConnectionResetError("reset by peer"),
        TimeoutError(),
    ],
    ids=lambda failure: type(failure).__name__,
)
async def test_the_loop_outlives_whatever_a_dying_connection_raises(
    database: Database, partner_id: UUID, failure: Exception
) -> None:
    async with database.transaction() as connection:
        await append(connection, new_events(partner_id, 2))
    consumer, failures = Consumer(2), [failure]

    async def consume(connection: Connection, events: Sequence[Event]) -> None:
        if failures:
            raise failures.pop()
        await consumer.consume(connection, events)

    async with running(FanOut(database, consume)), asyncio.timeout(20):
        await consumer.complete.wait()
    assert consumer.batches == [2]
