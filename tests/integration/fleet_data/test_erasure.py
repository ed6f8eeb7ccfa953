"""A fleet that is erased: nothing of it is left, its partners hear of it, and nobody else notices."""

import asyncio
import json
from collections.abc import Sequence
from datetime import timedelta
from uuid import uuid4

import pytest

from fleetwrite.audit import trail
from fleetwrite.audit.models import Entry, Wanted
from fleetwrite.contract.enums import ConnectionStatusEnum, ResourceEnum
from fleetwrite.fleet_data.errors import NotErasedError, UnknownFleetIdError
from fleetwrite.fleet_data.models import Erasure
from fleetwrite.fleet_data.places import PLACES, Fate
from fleetwrite.kit.retention import BATCH
from fleetwrite.operations.errors import OperationNotFoundError
from fleetwrite.orgs.errors import InvitationNotFoundError
from integration.fleet_data.story import MARKS, Story
from integration.operations.workers import worker
from integration.operations.world import LEASE
from integration.webhooks.harness import Receiver

A_DAY = timedelta(days=1, minutes=1)

TOLD = [place.table for place in PLACES if place.fate is Fate.WHEN_TOLD]


def silent(_erasure: Erasure) -> None:
    pass


async def erase(story: Story) -> Erasure:
    """Erase the fleet, as the command does."""
    erasure = story.world.services.fleet_erasure
    await erasure.begin(story.fleet_id)
    return await erasure.finish(story.fleet_id, silent)


async def complete(story: Story) -> Erasure:
    """Let what is left go, when all are told and a day is over."""
    services = story.world.services
    await story.world.shift(A_DAY)
    await services.disconnector.sweep()
    return await services.fleet_erasure.go_on(story.fleet_id)


async def calm(story: Story) -> None:
    """Let nothing be pulled of anybody: a worker then has only what a test gives it."""
    await story.world.services.database.pool.execute("UPDATE schedules SET status = 'paused'")
    await story.world.services.database.pool.execute("DELETE FROM jobs WHERE kind = 'pull'")


async def deliver_all(story: Story) -> None:
    """Let a worker deliver all that is to be told."""
    pool = story.world.services.database.pool
    async with worker(story.world), asyncio.timeout(30):
        while await pool.fetchval(
            "SELECT EXISTS (SELECT FROM events WHERE fanned_out_at IS NULL)"
            " OR EXISTS (SELECT FROM deliveries WHERE status = 'pending')"
        ):
            await asyncio.sleep(0.02)


async def entries(story: Story, deed: str) -> Sequence[Entry]:
    return [one async for one in trail.entries(story.world.services.database, Wanted(deed=deed))]


def marks_in(text: str) -> list[str]:
    return [mark for mark in MARKS if mark in text]


async def test_nothing_is_left_of_a_fleet_and_all_is_left_of_others(story: Story, receiver: Receiver) -> None:
    services = story.world.services
    await calm(story)
    await deliver_all(story)
    others, tables = await story.others(), await story.counts()
    calls = len(story.world.calls())

    erased = await erase(story)
    assert erased.erased_at is not None
    assert erased.completed_at is None
    rest = [place.table for place in PLACES if place.table not in TOLD]
    assert marks_in(await story.text(*rest)) == []
    for place in PLACES:
        # Sessions go with the keys, before anything is counted.
        if place.fate in (Fate.DELETED, Fate.WITH_PARENT) and place.table != "login_sessions":
            assert erased.removed[place.table] >= tables[place.table], place.table

    await deliver_all(story)
    # Nothing was sent in the fleet's name any more, and what waited was not sent.
    assert [call for call in story.world.calls()[calls:] if call[0] == "POST"] == []
    told = [one["data"] for one in (received.envelope for received in receiver.requests)]
    (ended,) = [
        one for data in told for one in data if one.get("id") == str(story.pending_id) and one["status"] == "failed"
    ]
    assert "the connection was deleted" in ended["logs"][-1]["error_details"]
    assert any(
        one.get("status") == "deleted" and one.get("fleet_id") == str(story.fleet_id) for data in told for one in data
    )

    completed = await complete(story)
    assert completed.completed_at is not None
    text = await story.text(*(place.table for place in PLACES if place.table not in ("audit_log", "erasures")))
    assert marks_in(text) == []
    assert str(story.fleet_id) not in text
    assert str(story.own.connection.id) not in text
    for table, after in (await story.others()).items():
        # A delivery that was shared with the other fleet is the other fleet's alone now: see another test.
        if table == "batched_events":
            continue
        assert others[table] <= after if table in TOLD else others[table] == after, table
    with pytest.raises(OperationNotFoundError):
        await services.operations.get(story.world.partner_id, story.own.connection.id, story.pending_id)


async def test_the_log_says_who_erased_what_and_nothing_about_anybody(story: Story) -> None:
    await calm(story)
    erased = await erase(story)
    await story.fan_out()
    await story.world.services.database.pool.execute("UPDATE deliveries SET status = 'failed'")
    completed = await complete(story)
    services = story.world.services
    assert await trail.verify(services.database) is not None
    log = await story.text("audit_log")
    assert marks_in(log) == []
    assert str(story.invitation_id) not in log  # it is the secret of a link
    told = await entries(story, "fleet")
    assert [one.deed for one in told] == ["fleet.erasure_begun", "fleet.erased", "fleet.erasure_completed"]
    assert {one.object_id for one in told} == {str(story.fleet_id)}
    assert json.loads(told[1].details)["removed"] == erased.removed
    assert json.loads(told[2].details)["removed"] == completed.removed
    assert completed.removed["fleets"] == completed.removed["connections"] == 1


async def test_erasing_again_changes_nothing(story: Story) -> None:
    await calm(story)
    first = await erase(story)
    assert await erase(story) == first
    await story.world.services.database.pool.execute("DELETE FROM deliveries")
    await story.fan_out()
    await story.world.services.database.pool.execute("UPDATE deliveries SET status = 'failed'")
    completed = await complete(story)
    assert await erase(story) == completed
    assert len(await entries(story, "fleet")) == 3


async def test_a_fleet_that_is_not_there_is_not_erased(story: Story) -> None:
    erasure, unknown = story.world.services.fleet_erasure, uuid4()
    for asked in (erasure.begin(unknown), erasure.count(unknown)):
        with pytest.raises(UnknownFleetIdError, match=f"no fleet {unknown}"):
            await asked
    with pytest.raises(NotErasedError, match=str(unknown)):
        await erasure.get(unknown)
    assert await entries(story, "fleet") == []


async def test_what_is_with_a_provider_comes_to_its_end_first(story: Story) -> None:
    own, erasure = story.own, story.world.services.fleet_erasure
    await calm(story)
    sent = await own.write(ResourceEnum.TRAILER, {"trailer_name": "mk-sent"})
    jobs, handler = await own.claim(), own.services.operation_handler
    async with own.services.database.acquire() as connection:
        work = await handler.load(connection, jobs)
    await erasure.begin(story.fleet_id)
    waiting = await erasure.go_on(story.fleet_id)
    assert (waiting.under_way, waiting.erased_at, waiting.removed) == (1, None, {})
    await handler.run(jobs[0], work[jobs[0].id])
    assert (await erasure.go_on(story.fleet_id)).erased_at is not None
    events = await own.events(sent.id)
    assert [name for name, _ in events] == ["resource_operation.created", "resource_operation.succeeded"]


async def test_what_a_process_took_to_its_grave_does_not_hold_an_erasure_up_for_ever(story: Story) -> None:
    own, erasure = story.own, story.world.services.fleet_erasure
    await calm(story)
    await own.write(ResourceEnum.TRAILER, {"trailer_name": "mk-lost"})
    assert await own.claim()
    await erasure.begin(story.fleet_id)
    assert (await erasure.go_on(story.fleet_id)).under_way == 1
    await own.shift(LEASE + timedelta(seconds=1))
    assert (await erasure.go_on(story.fleet_id)).erased_at is not None


async def test_a_worker_at_work_ends_an_erasure_that_somebody_asked_for(story: Story) -> None:
    own, erasure = story.own, story.world.services.fleet_erasure
    for number in range(50):
        await own.write(ResourceEnum.TRAILER, {"trailer_name": f"mk-busy-{number}"})
    async with worker(story.world), asyncio.timeout(60):
        await erasure.begin(story.fleet_id)
        while (await erasure.get(story.fleet_id)).erased_at is None:
            await asyncio.sleep(0.05)
    rest = [place.table for place in PLACES if place.table not in TOLD]
    assert marks_in(await story.text(*rest)) == []


async def test_several_may_work_on_one_erasure(story: Story) -> None:
    await calm(story)
    counts = await story.counts()
    erasure = story.world.services.fleet_erasure
    await erasure.begin(story.fleet_id)
    await asyncio.gather(*(erasure.finish(story.fleet_id, silent) for _ in range(4)))
    removed = (await erasure.get(story.fleet_id)).removed
    assert removed["records"] == counts["records"]
    assert removed["operations"] == counts["operations"]
    assert len(await entries(story, "fleet.erased")) == 1


async def test_more_than_a_batch_is_erased(story: Story) -> None:
    await calm(story)
    await story.world.services.database.pool.execute(
        "INSERT INTO records (id, connection_id, resource, source_id, attributes, source_data_hash, occurred_at,"
        " created_at, updated_at) SELECT gen_random_uuid(), $1, 'vehicle', 'mk-many-' || n, '{}', '', now(), now(),"
        " now() FROM generate_series(1, $2) AS n",
        story.own.connection.id,
        2 * BATCH,
    )
    before = (await story.counts())["records"]
    assert (await erase(story)).removed["records"] == before


async def test_a_row_that_somebody_holds_is_removed_when_it_is_free(story: Story) -> None:
    database, erasure = story.world.services.database, story.world.services.fleet_erasure
    await calm(story)
    await erasure.begin(story.fleet_id)
    async with database.transaction() as connection:
        await connection.execute(
            "SELECT FROM records WHERE connection_id = $1 LIMIT 1 FOR UPDATE", story.own.connection.id
        )
        assert (await erasure.go_on(story.fleet_id)).erased_at is None
    assert (await erasure.go_on(story.fleet_id)).erased_at is not None


async def test_a_delivery_with_events_of_another_fleet_goes_on_without_ours(story: Story) -> None:
    pool = story.world.services.database.pool
    await calm(story)
    await deliver_all(story)
    mixed = await pool.fetch(
        "SELECT d.id, d.event_count FROM deliveries d JOIN events e ON e.id = d.event_id WHERE d.event_count > 1"
        " AND e.fleet_id = $1 AND EXISTS (SELECT FROM batched_events b JOIN events f ON f.id = b.event_id"
        " WHERE b.delivery_id = d.id AND f.fleet_id <> $1)",
        story.fleet_id,
    )
    assert mixed
    await erase(story)
    for delivery in mixed:
        left = await pool.fetchrow(
            "SELECT event_count, ARRAY(SELECT e.fleet_id FROM events e WHERE e.id = d.event_id OR e.id IN"
            " (SELECT event_id FROM batched_events WHERE delivery_id = d.id)) AS fleets FROM deliveries d"
            " WHERE id = $1",
            delivery["id"],
        )
        assert left is not None
        assert set(left["fleets"]) == {story.world.connection.fleet_id}
        assert left["event_count"] == len(left["fleets"]) < delivery["event_count"]


async def test_partners_that_are_away_are_told_when_they_are_back(story: Story, receiver: Receiver) -> None:
    await calm(story)
    await deliver_all(story)
    receiver.always = 500
    before = len(receiver.requests)
    await erase(story)
    await story.fan_out()
    waiting = "SELECT count(*) FROM deliveries WHERE status = 'pending'"
    pool = story.world.services.database.pool
    assert await pool.fetchval(waiting) > 0
    left = await complete(story)  # a day later
    assert left.completed_at is None
    assert left.untold > 0
    receiver.always = 202
    await deliver_all(story)
    told = [one for received in receiver.requests[before:] for one in received.envelope["data"]]
    assert any(one.get("status") == "deleted" for one in told)
    assert (await complete(story)).completed_at is not None


async def test_nobody_is_waited_for_longer_than_deliveries_are_kept(story: Story) -> None:
    services = story.world.services
    await calm(story)
    await deliver_all(story)
    for one in await services.database.pool.fetch("SELECT id FROM subscriptions"):
        await services.upkeep.pause(story.world.partner_id, one["id"])
    await erase(story)
    await story.fan_out()
    await story.world.shift(timedelta(days=14, hours=1))
    await deliver_all(story)
    assert (await complete(story)).completed_at is not None


async def test_a_connection_that_was_cancelled_goes_with_its_key(story: Story) -> None:
    services = story.world.services
    await calm(story)
    await story.own.set_status(ConnectionStatusEnum.CANCELLED)
    erased = await erase(story)
    assert erased.erased_at is not None
    row = await services.database.pool.fetchrow(
        "SELECT status, credentials_sealed FROM connections WHERE id = $1", story.own.connection.id
    )
    assert row is not None
    assert (row["status"], row["credentials_sealed"]) == ("deleted", None)


async def test_a_link_that_asked_the_fleet_again_leads_nowhere(story: Story) -> None:
    services = story.world.services
    await calm(story)
    await erase(story)
    with pytest.raises(InvitationNotFoundError):
        await services.invitations.view(story.invitation_id)


async def test_the_same_name_may_be_another_fleet_afterwards(story: Story) -> None:
    services, partner_id = story.world.services, story.world.partner_id
    await calm(story)
    await erase(story)
    agreement = await services.orgs.ensure_shared_fleet(partner_id, "mk-ref", "Another one")
    assert agreement.fleet_id != story.fleet_id
    await story.fan_out()
    await services.database.pool.execute("UPDATE deliveries SET status = 'failed'")
    await complete(story)
    assert await services.orgs.fleet(agreement.fleet_id) is not None


async def test_what_is_written_as_the_fleet_goes_goes_too(story: Story) -> None:
    """A write that was let in just before is stored just after."""
    pool = story.world.services.database.pool
    await calm(story)
    await erase(story)
    late = story.own.connection.id
    await pool.execute(
        "INSERT INTO operations (id, partner_id, connection_id, resource, operation_type, payload, directives, status,"
        " is_sync, created_at, updated_at, expires_at, settled_at) VALUES (gen_random_uuid(), $1, $2, 'trailer',"
        """ 'create', '{"trailer_name": "mk-too-late"}', '{}', 'failed', false, now(), now(), now(), now())""",
        story.world.partner_id,
        late,
    )
    await story.fan_out()
    await pool.execute("UPDATE deliveries SET status = 'failed'")
    completed = await complete(story)
    assert completed.completed_at is not None
    assert marks_in(await story.text("operations")) == []


async def test_a_worker_that_is_to_stop_leaves_the_rest_to_others(story: Story) -> None:
    erasure = story.world.services.fleet_erasure
    await calm(story)
    await erasure.begin(story.fleet_id)
    stop = asyncio.Event()
    stop.set()
    await erasure.sweep(stop)
    left = await erasure.get(story.fleet_id)
    assert (left.erased_at, left.removed) == (None, {})
    await erasure.sweep()
    assert (await erasure.get(story.fleet_id)).erased_at is not None
