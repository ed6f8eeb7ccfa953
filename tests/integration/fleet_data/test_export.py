"""What is handed out of a fleet: all of it, nothing of others, and no secret."""

import asyncio
import io
import json
from typing import Any
from uuid import uuid4

import pytest

from fleetwrite.audit import trail
from fleetwrite.audit.models import Entry, Wanted
from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.fleet_data.errors import UnknownFleetIdError
from fleetwrite.fleet_data.places import PLACES
from integration.fleet_data.story import MARKED, Story


async def exported(story: Story) -> str:
    out = io.BytesIO()
    await story.world.services.fleet_export.write(story.fleet_id, out)
    return out.getvalue().decode()


async def exports(story: Story) -> list[Entry]:
    return [one async for one in trail.entries(story.world.services.database, Wanted(deed="fleet.exported"))]


def rows(text: str, table: str) -> list[Any]:
    return [line["row"] for line in map(json.loads, text.splitlines()) if line.get("table") == table]


async def test_an_export_has_all_that_is_kept_of_the_fleet_and_no_secret(lasting_story: Story) -> None:
    await lasting_story.fan_out()
    text = await exported(lasting_story)
    assert [mark for mark in MARKED if mark not in text] == []
    assert [secret for secret in lasting_story.secrets if secret in text] == []
    counts, lines = await lasting_story.counts(), [json.loads(line) for line in text.splitlines()]
    assert lines[0].keys() == {"format", "fleet_id", "made_at"}
    assert lines[-1]["end"] is True
    shown = {place.table for place in PLACES if place.shown}
    told = {table: number for table, number in lines[-1]["rows"].items() if number}
    # The export is in the log by now.
    assert told | {"audit_log": told["audit_log"] + 1} == {t: n for t, n in counts.items() if t in shown}
    for table in shown:
        assert len(rows(text, table)) == lines[-1]["rows"][table]


async def test_an_export_has_nothing_of_other_fleets(lasting_story: Story) -> None:
    text = await exported(lasting_story)
    other = lasting_story.world.connection
    assert "bystander" not in text
    assert str(other.id) not in text
    assert str(other.fleet_id) not in text
    assert {row["id"] for row in rows(text, "connections")} == {str(lasting_story.own.connection.id)}
    assert {row["id"] for row in rows(text, "partners")} == {str(lasting_story.world.partner_id)}


async def test_numbers_are_as_exact_as_they_were_sent(lasting_story: Story) -> None:
    (payload,) = [
        row["payload"] for row in rows(await exported(lasting_story), "operations") if "total_cost" in row["payload"]
    ]
    assert payload["total_cost"] == 99.5
    assert '"fuel_volume":101.50' in (await exported(lasting_story)).replace(" ", "")


async def test_an_export_is_one_moment_while_writes_flow(lasting_story: Story) -> None:
    stop = asyncio.Event()

    async def write() -> int:
        written = 0
        while not stop.is_set():
            await lasting_story.own.write(ResourceEnum.TRAILER, {"trailer_name": f"mk-flow-{written}"})
            written += 1
        return written

    writing = asyncio.create_task(write())
    texts = [await exported(lasting_story)]
    async with asyncio.timeout(30):
        while len(rows(texts[-1], "operations")) < len(rows(texts[0], "operations")) + 20:
            texts.append(await exported(lasting_story))
    stop.set()
    await writing
    for text in texts:
        operations = {row["id"] for row in rows(text, "operations")}
        created = {row["data"]["id"] for row in rows(text, "events") if row["event_name"].endswith("operation.created")}
        # Both are written in one transaction.
        assert operations == created


async def test_who_exported_is_written_down(lasting_story: Story) -> None:
    before = len(await exports(lasting_story))
    await exported(lasting_story)
    entry = (await exports(lasting_story))[before]
    assert entry.object_id == str(lasting_story.fleet_id)
    assert json.loads(entry.details)["rows"]["connections"] == 1


async def test_a_fleet_that_is_not_there_is_not_exported(lasting_story: Story) -> None:
    before, unknown = len(await exports(lasting_story)), uuid4()
    with pytest.raises(UnknownFleetIdError, match=f"no fleet {unknown}.*admin fleet list"):
        await lasting_story.world.services.fleet_export.write(unknown, io.BytesIO())
    assert len(await exports(lasting_story)) == before
