"""The audit log: appended to in the transaction of the deed, chained, and never changed unnoticed."""

import asyncio
import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

import asyncpg
import pytest

from administrating import administrate
from fleetwrite.audit import trail
from fleetwrite.audit.errors import BadHeadError, TamperedLogError
from fleetwrite.audit.models import FLEETWRITE, Actor, ActorKind, Deed, Entry, Head, Wanted
from fleetwrite.kit.database import Database

PARTNER = UUID("018f0000-0000-7000-8000-000000000001")
CLIENT = Actor(kind=ActorKind.CLIENT, name="acme-tms", partner_id=PARTNER, address="192.0.2.1", request_id="r-1")


async def append(database: Database, count: int = 1, deed: Deed = Deed.CLIENT_CREATED) -> None:
    for number in range(count):
        async with database.transaction() as connection:
            await trail.append(connection, CLIENT, deed, f"object-{number}", {"number": number, "text": "ü"})


async def all_entries(database: Database, wanted: Wanted | None = None) -> list[Entry]:
    return [entry async for entry in trail.entries(database, wanted or Wanted())]


async def test_an_entry_says_who_did_what_to_what_when_and_from_where(database: Database) -> None:
    await append(database)
    (entry,) = await all_entries(database)
    assert (entry.actor_kind, entry.actor, entry.partner_id) == ("client", "acme-tms", PARTNER)
    assert (entry.address, entry.request_id) == ("192.0.2.1", "r-1")
    assert (entry.deed, entry.object_id, json.loads(entry.details)) == (
        "client.created",
        "object-0",
        {"number": 0, "text": "ü"},
    )
    assert abs((datetime.now(UTC) - entry.at).total_seconds()) < 60


async def test_what_is_rolled_back_leaves_no_entry_and_no_gap(database: Database) -> None:
    await append(database)
    async with database.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await trail.append(connection, CLIENT, Deed.CLIENT_DELETED, "x")
        await transaction.rollback()
    await append(database)
    assert [entry.deed for entry in await all_entries(database)] == ["client.created"] * 2
    head = await trail.verify(database)
    assert head is not None
    assert head.id == 2


async def test_entries_that_are_appended_at_once_make_one_chain(database: Database) -> None:
    await asyncio.gather(*(append(database, 10) for _ in range(8)))
    head = await trail.verify(database)
    assert head is not None
    assert head.id == 80


async def test_an_empty_log_is_as_it_was_written(database: Database) -> None:
    assert await trail.verify(database) is None


@pytest.mark.parametrize(
    "statement", ["UPDATE audit_log SET actor = 'x'", "DELETE FROM audit_log", "TRUNCATE audit_log"]
)
async def test_the_database_refuses_any_change(database: Database, statement: str) -> None:
    await append(database)
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied"):
        await database.pool.execute(statement)
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="only ever appended to"):
        await administrate(database, statement)
    assert len(await all_entries(database)) == 1


A_COPY = """
    CREATE TEMPORARY TABLE more AS SELECT * FROM audit_log WHERE id = 5;
    UPDATE more SET id = 6;
    INSERT INTO audit_log TABLE more
"""

TAMPERINGS = [
    ("UPDATE audit_log SET actor = 'somebody else' WHERE id = 3", "entry 3 is not as it was written"),
    ("UPDATE audit_log SET at = at + interval '1 microsecond' WHERE id = 3", "entry 3 is not as it was written"),
    ("UPDATE audit_log SET details = '{}' WHERE id = 3", "entry 3 is not as it was written"),
    ("UPDATE audit_log SET partner_id = NULL WHERE id = 3", "entry 3 is not as it was written"),
    ("UPDATE audit_log SET hash = previous_hash WHERE id = 3", "entry 3 is not as it was written"),
    ("DELETE FROM audit_log WHERE id = 3", "entry 3 is missing"),
    ("DELETE FROM audit_log WHERE id = 1", "entry 1 is missing"),
    (A_COPY, "entry 6 is not as it was written"),
]


@pytest.mark.parametrize(("statement", "told"), TAMPERINGS, ids=[text[:45] for text, _ in TAMPERINGS])
async def test_whoever_gets_past_that_is_found_out(database: Database, statement: str, told: str) -> None:
    await append(database, 5)
    await administrate(database, "ALTER TABLE audit_log DISABLE TRIGGER audit_log_append_only")
    await administrate(database, statement)
    with pytest.raises(TamperedLogError, match=told):
        await trail.verify(database)


async def test_a_noted_head_shows_that_the_end_was_cut_off_or_all_written_anew(database: Database) -> None:
    await append(database, 3)
    noted = await trail.verify(database)
    assert noted is not None
    assert trail.parse_head(str(noted)) == noted
    await append(database)
    await trail.verify(database, noted)
    await administrate(database, "ALTER TABLE audit_log DISABLE TRIGGER audit_log_append_only")
    await administrate(database, "DELETE FROM audit_log WHERE id > 2")
    assert await trail.verify(database) is not None
    with pytest.raises(TamperedLogError, match="cut off: 3 was noted, the newest entry is 2"):
        await trail.verify(database, noted)
    await append(database)
    with pytest.raises(TamperedLogError, match="another one than the one that was noted"):
        await trail.verify(database, noted)


@pytest.mark.parametrize("text", ["", "3", "3:xyz", "x:00", ":"])
def test_what_is_no_noted_head_is_refused(text: str) -> None:
    with pytest.raises(BadHeadError):
        trail.parse_head(text)


async def test_the_hash_can_be_computed_by_others_from_an_export(database: Database) -> None:
    await append(database, 2)
    before = bytes(32)
    for entry in await all_entries(database):
        line = json.loads(entry.to_line())
        at = datetime.fromisoformat(line["at"]).isoformat(timespec="microseconds")
        fields = ["actor_kind", "actor", "partner_id", "address", "request_id", "deed", "object_id"]
        details = json.dumps(line["details"], separators=(",", ":"), sort_keys=True, ensure_ascii=False)
        said = [line["id"], at, *(line[field] for field in fields), details]
        text = json.dumps(said, separators=(",", ":"), ensure_ascii=False).encode()
        assert line["previous_hash"] == before.hex()
        before = hashlib.sha256(before + text).digest()
        assert line["hash"] == before.hex()


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Wanted(), [1, 2, 3, 4]),
        (Wanted(deed="client"), [1, 3]),
        (Wanted(deed="client.deleted"), [3]),
        (Wanted(deed="cli"), []),
        (Wanted(actor="acme-tms"), [1, 2, 3]),
        (Wanted(object_id="object-0"), [1, 2, 3]),
        (Wanted(partner_id=PARTNER), [1, 2, 3]),
        (Wanted(since=datetime(2100, 1, 1, tzinfo=UTC)), []),
        (Wanted(until=datetime(2000, 1, 1, tzinfo=UTC)), []),
        (Wanted(since=datetime(2000, 1, 1, tzinfo=UTC), deed="connection"), [2]),
    ],
)
async def test_filters(database: Database, wanted: Wanted, found: Sequence[int]) -> None:
    for deed in (Deed.CLIENT_CREATED, Deed.CONNECTION_PAUSED, Deed.CLIENT_DELETED):
        await append(database, deed=deed)
    async with database.transaction() as connection:
        await trail.append(connection, FLEETWRITE, Deed.TSP_PAUSED, "samsara")
    assert [entry.id for entry in await all_entries(database, wanted)] == found


async def test_pages_are_joined(database: Database) -> None:
    async with database.transaction() as connection:
        for number in range(1003):
            await trail.append(connection, CLIENT, Deed.WEBHOOK_CREATED, str(number))
    assert [entry.id for entry in await all_entries(database)] == list(range(1, 1004))
    assert (await trail.verify(database)) == Head(id=1003, hash=(await all_entries(database))[-1].hash)
