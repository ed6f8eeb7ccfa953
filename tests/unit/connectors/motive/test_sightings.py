from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from connectors.motive.motive_writes import message, purchase
from fleetwrite.connectors.motive.connector import CONNECTOR
from fleetwrite.connectors.sdk.connector import ProviderAnswerError
from fleetwrite.connectors.sdk.outcome import Absent, Finding, Found, Unknowable
from fleetwrite.kit.egress import HttpAnswer
from unit.connectors.motive.scripts import Script, answered

AT = "Wed, 04 Mar 2026 21:21:00 GMT"
BEGUN_AGO = timedelta(seconds=60)
# An attempt that began a minute ago, and half a minute for clocks that disagree: 21:19:30 and a moment before.
OURS: dict[str, Any] = {
    "id": "message:1",
    "sender_id": 550109,
    "receiver_ids": [550101],
    "body": "dock 4",
    "sent_at": "2026-03-04T21:20:10Z",
}


def listed(*messages: dict[str, Any], total: int | None = None) -> HttpAnswer:
    pagination = {} if total is None else {"pagination": {"total": total}}
    return answered(200, {"messages": [{"message": one} for one in messages], **pagination}, Date=AT)


async def look_up(*answers: HttpAnswer, begun_ago: timedelta = BEGUN_AGO) -> tuple[Finding, Script]:
    script, write = Script(*answers), message("dock 4")
    return await CONNECTOR.look_up(write, CONNECTOR.translate(write).call, script, begun_ago), script


async def test_a_message_that_says_the_same_since_then_is_sighted() -> None:
    before = datetime.now(UTC)
    finding, script = await look_up(listed(OURS))

    assert isinstance(finding, Found)
    assert (finding.source_id, finding.sightings) == ("message:1", 1)
    query = dict(script.calls[0].query)
    assert query["sender_id"] == "550109"
    # A day before the attempt began; midnight may pass meanwhile.
    days = {(now - BEGUN_AGO).date() - timedelta(days=1) for now in (before, datetime.now(UTC))}
    assert date.fromisoformat(query["start_date"]) in days


@pytest.mark.parametrize(
    "change",
    [
        {"body": " dock\n4 "},
        {"sent_at": "2026-03-04T21:19:30Z"},
        {"sent_at": "2026-03-04T21:19:30"},
        {"sent_at": None},
        {"receiver_ids": None, "recipient_id": 550101},
        {"receiver_ids": [550102, 550101]},
    ],
)
async def test_when_in_doubt_it_is_sighted(change: dict[str, Any]) -> None:
    assert isinstance((await look_up(listed({**OURS, **change})))[0], Found)


@pytest.mark.parametrize(
    "change",
    [
        {"body": "dock 5"},
        {"sender_id": 550110},
        {"receiver_ids": [550102]},
        {"sent_at": "2026-03-04T21:19:20Z"},
    ],
)
async def test_another_message_is_not_sighted(change: dict[str, Any]) -> None:
    assert (await look_up(listed({**OURS, **change})))[0] == Absent()


async def test_every_page_is_looked_at() -> None:
    finding, script = await look_up(listed({**OURS, "body": "x"}, total=101), listed(OURS, {**OURS, "id": "2"}))

    assert isinstance(finding, Found)
    assert finding.sightings == 2
    assert [dict(call.query)["page_no"] for call in script.calls] == ["1", "2"]


async def test_nothing_is_said_of_a_time_that_motive_does_not_list() -> None:
    long_ago = timedelta(days=5, seconds=1)
    finding, script = await look_up(listed(), begun_ago=long_ago)
    assert isinstance(finding, Unknowable)
    # Never further back than the beginning of last week can be.
    start = date.fromisoformat(dict(script.calls[0].query)["start_date"])
    assert datetime.now(UTC).date() - start <= timedelta(days=7)

    assert isinstance((await look_up(listed(OURS), begun_ago=long_ago))[0], Found)


@pytest.mark.parametrize("answer", [answered(500, b""), answered(200, b"<html>"), answered(404, {})])
async def test_an_answer_that_is_none_is_no_absence(answer: HttpAnswer) -> None:
    with pytest.raises(ProviderAnswerError):
        await look_up(answer)


async def test_a_purchase_is_sought_on_its_day_and_beside_it() -> None:
    script, write = Script(answered(200, {"fuel_purchases": []})), purchase()

    assert await CONNECTOR.look_up(write, CONNECTOR.translate(write).call, script, BEGUN_AGO) == Absent()
    assert dict(script.calls[0].query) == {
        "vehicle_ids": "1090401",
        "start_date": "2026-03-03",
        "end_date": "2026-03-05",
        "per_page": "100",
        "page_no": "1",
    }
