"""Lists and writes in any order, against a model of a few lines: what is kept, and what is told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fleetwrite.connectors.sdk.connector import SourceRecord
from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.kit.clock import database_now
from fleetwrite.kit.database import Connection, Database
from fleetwrite.kit.ids import new_id
from fleetwrite.orgs.models import Partner
from fleetwrite.records.keeping_store import keep_listed, keep_written, mark_unseen_removed
from fleetwrite.records.models import Verb, WrittenRecord
from integration.records.accounts import connect

VEHICLE = ResourceEnum.VEHICLE
SECOND = timedelta(seconds=1)

KEYS = st.sampled_from("abc")
FIELDS = st.dictionaries(st.sampled_from(["vehicle_name", "vin", "notes"]), st.sampled_from("xyz"), max_size=3)


class Listed(NamedTuple):
    """A whole list of one page, which was asked for so many steps ago, and may miss things where it is not steady."""

    things: Mapping[str, Mapping[str, Any]]
    steps_ago: int
    is_steady: bool


class Written(NamedTuple):
    """A write that succeeds."""

    key: str
    fields: Mapping[str, Any]


STEPS = st.lists(
    st.one_of(
        st.builds(Listed, st.dictionaries(KEYS, FIELDS, max_size=3), st.integers(0, 3), st.booleans()),
        st.builds(Written, KEYS, FIELDS),
    ),
    min_size=1,
    max_size=12,
)


@dataclass
class Thing:
    """What the model knows of one record; times are numbers of steps."""

    created: int
    attributes: dict[str, Any] = field(default_factory=dict)
    unlisted: dict[str, Any] = field(default_factory=dict)
    written: int | None = None
    is_deleted: bool = False
    is_missed: bool = False


class Model:
    """What should be kept."""

    def __init__(self) -> None:
        self.things: dict[str, Thing] = {}

    def write(self, now: int, key: str, fields: Mapping[str, Any]) -> dict[str, Verb]:
        is_new = key not in self.things
        thing = self.things.setdefault(key, Thing(now))
        before = (dict(thing.attributes), thing.is_deleted)
        thing.attributes |= fields
        thing.unlisted |= fields
        thing.written, thing.is_deleted = now, False
        return told(key, before, (thing.attributes, thing.is_deleted), is_new=is_new)

    def list(
        self, now: int, asked: int, things: Mapping[str, Mapping[str, Any]], *, is_steady: bool
    ) -> dict[str, Verb]:
        verbs: dict[str, Verb] = {}
        for key, fields in things.items():
            is_new = key not in self.things
            thing = self.things.setdefault(key, Thing(now))
            if thing.written is not None and thing.written >= asked:
                continue
            before = (dict(thing.attributes), thing.is_deleted)
            thing.unlisted = {name: value for name, value in thing.unlisted.items() if name not in fields}
            thing.attributes, thing.is_deleted = {**thing.unlisted, **fields}, False
            verbs |= told(key, before, (thing.attributes, thing.is_deleted), is_new=is_new)
        for key, thing in self.things.items():
            was_there = thing.created < asked and (thing.written is None or thing.written < asked)
            if was_there and not thing.is_deleted:
                is_unseen = key not in things
                thing.is_deleted = is_unseen and (is_steady or thing.is_missed)
                thing.is_missed = is_unseen and not thing.is_deleted
        return verbs


def told(key: str, before: Any, after: Any, *, is_new: bool) -> dict[str, Verb]:
    if is_new:
        return {key: Verb.ADDED}
    return {} if before == after else {key: Verb.MODIFIED}


@given(steps=STEPS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_lists_and_writes_in_any_order_come_to_what_the_model_says(
    database: Database, partner: Partner, steps: Sequence[Listed | Written]
) -> None:
    account = await connect(database, partner, "north")
    model = Model()
    async with database.acquire() as connection:
        start = await database_now(connection)
    for now, step in enumerate(steps):
        async with database.transaction() as connection:
            # Each step happens in a second of its own.
            at = start + now * SECOND
            await connection.execute("UPDATE clock_shift SET shift = shift + ($1 - fleetwrite_now())", at)
            if isinstance(step, Written):
                assert await write(connection, account, step) == model.write(now, step.key, step.fields)
            else:
                asked = max(0, now - step.steps_ago)
                verbs = await pull(connection, account, step, at, start + asked * SECOND)
                assert verbs == model.list(now, asked, step.things, is_steady=step.is_steady)
    kept = await database.pool.fetch("SELECT * FROM records WHERE connection_id = $1", account)
    assert {row["source_id"]: (row["attributes"], row["deleted_at"] is not None) for row in kept} == {
        key: (thing.attributes, thing.is_deleted) for key, thing in model.things.items()
    }


async def write(connection: Connection, account: UUID, step: Written) -> dict[str, Verb]:
    written = WrittenRecord(
        connection_id=account, resource=VEHICLE, source_id=step.key, attributes=step.fields, source_data={}
    )
    changes = await keep_written(connection, [written])
    return {source[2]: change.verb for source, change in changes.items() if change.verb is not None}


async def pull(
    connection: Connection, account: UUID, step: Listed, at: datetime, asked_at: datetime
) -> dict[str, Verb]:
    listed = [
        SourceRecord(resource=VEHICLE, source_id=key, attributes=fields, source_data={"id": key})
        for key, fields in step.things.items()
    ]
    changes, _ = await keep_listed(connection, account, listed, asked_at)
    seen = list(step.things)
    await mark_unseen_removed(
        connection, account, VEHICLE, new_id(), seen, at, asked_at, asked_at, is_steady=step.is_steady
    )
    return {change.source[2]: change.verb for change in changes if change.verb is not None}
