"""The list of what is kept of a fleet has every table and every column, and is of use."""

from fleetwrite.fleet_data.places import PLACES, Fate, condition
from fleetwrite.kit.database import Database
from integration.fleet_data.story import Story

SCHEMA = """
    SELECT table_name, array_agg(column_name::text) AS columns
    FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)
    WHERE table_schema = 'public' AND table_type = 'BASE TABLE' GROUP BY table_name
"""


async def test_every_column_of_every_table_says_what_it_holds(database: Database) -> None:
    schema = {row["table_name"]: sorted(row["columns"]) for row in await database.pool.fetch(SCHEMA)}
    assert {place.table: sorted([*place.shown, *place.hidden]) for place in PLACES} == schema


def test_what_stays_has_a_reason_and_what_goes_is_found() -> None:
    for place in PLACES:
        assert bool(place.why) == (place.fate is Fate.STAYS), place.table
        assert (condition(place) is not None) or place.fate is Fate.STAYS, place.table


async def test_the_story_of_these_tests_has_something_in_every_place(lasting_story: Story) -> None:
    await lasting_story.fan_out()
    empty = {place.table for place in PLACES if condition(place) is not None} - (await lasting_story.counts()).keys()
    # Nothing was delivered yet, and nobody has asked for an erasure.
    assert empty == {"delivery_attempts", "erasures"}
