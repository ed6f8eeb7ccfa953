"""Which messages and inspections of a list are ours: by what they say, and by the provider's own clock."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import msgspec
import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from connectors.samsara.samsara_writes import ANY_ID, DRIVER, OFFICE_USER, OTHER_DRIVER, VEHICLE, create
from fleetwrite.connectors.samsara.connector import CONNECTOR
from fleetwrite.connectors.sdk.connector import ProviderAnswerError
from fleetwrite.connectors.sdk.outcome import Absent, Finding, Found, Unknowable
from fleetwrite.connectors.sdk.write import Call, Write
from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.kit.egress import HttpAnswer

# Years away from ours: only the provider's own clock counts.
PROVIDER_NOW = datetime(2031, 4, 5, 12, 0, 0, tzinfo=UTC)
AGO = timedelta(seconds=60)
ALLOWANCE = timedelta(seconds=CONNECTOR.manifest.reconciliation.clock_allowance_s)

MESSAGE = create(ResourceEnum.MESSAGE, {"sender_id": ANY_ID, "recipient_id": ANY_ID, "message_text": "dock 4"})
GROUP = create(
    ResourceEnum.GROUP_MESSAGE,
    {"sender_id": ANY_ID, "recipient_ids": [ANY_ID], "message_text": "dock 4"},
    reference_lists={"recipient_ids": (DRIVER, OTHER_DRIVER)},
)
INSPECTION = create(
    ResourceEnum.DVIR_LOG,
    {
        "driver_id": ANY_ID,
        "vehicle_id": ANY_ID,
        "log_type": "mechanic",
        "driver_comment": "brakes ok",
        "odometer": 10,
        "odometer_unit": "kilo_meters",
    },
    references={"driver_id": OFFICE_USER, "vehicle_id": VEHICLE},
)


class Provider:
    """A session that answers every call with one list, at PROVIDER_NOW."""

    def __init__(self, items: Any, status: int = 200) -> None:
        self._body = {"data": items, "pagination": {"hasNextPage": False, "endCursor": "more"}}
        self._status = status
        self.calls: list[Call] = []

    async def call(self, call: Call) -> HttpAnswer:
        self.calls.append(call)
        headers = CIMultiDictProxy(CIMultiDict({"Date": format_datetime(PROVIDER_NOW, usegmt=True)}))
        return HttpAnswer(status=self._status, headers=headers, body=msgspec.json.encode(self._body), elapsed_s=0.1)


def message(ago: timedelta = timedelta(), driver: str = DRIVER.source_id, text: str = "dock 4") -> dict[str, Any]:
    sent_at_ms = int((PROVIDER_NOW - ago).timestamp() * 1000)
    return {"driverId": int(driver), "text": text, "sentAtMs": sent_at_ms}


def inspection(ago: timedelta = timedelta(), **changes: Any) -> dict[str, Any]:
    signed_at = (PROVIDER_NOW - ago).isoformat().replace("+00:00", "Z")
    signature = {"signedAtTime": signed_at, "signatoryUser": {"id": OFFICE_USER.source_id}}
    return {
        "id": "1240001",
        "type": "mechanic",
        "safetyStatus": "safe",
        "odometerMeters": 10_000,
        "mechanicNotes": "brakes ok",
        "vehicle": {"id": VEHICLE.source_id},
        "authorSignature": signature,
        **changes,
    }


async def look_up(write: Write, *items: Any) -> Finding:
    return await CONNECTOR.look_up(write, CONNECTOR.translate(write).call, Provider(list(items)), AGO)


@pytest.mark.parametrize(
    "text", ["dock 4", " dock 4 ", "dock\u00a04", "dock 4\r\n"], ids=["equal", "trimmed", "blank", "end of line"]
)
async def test_a_text_is_the_same_whatever_became_of_its_white_space(text: str) -> None:
    finding = await look_up(MESSAGE, message(text=text))
    assert isinstance(finding, Found)
    assert (finding.source_id, finding.sightings) == (f"fleetwrite:{MESSAGE.operation_id.hex}", 1)


@pytest.mark.parametrize(
    "other", [message(text="dock 5"), message(text="Dock 4"), message(driver=OTHER_DRIVER.source_id)]
)
async def test_another_text_or_driver_is_another_message(other: dict[str, Any]) -> None:
    assert await look_up(MESSAGE, other) == Absent()


async def test_the_provider_s_own_clock_says_what_is_older_than_the_attempt() -> None:
    second = timedelta(seconds=1)
    assert isinstance(await look_up(MESSAGE, message(AGO + ALLOWANCE - second)), Found)
    assert await look_up(MESSAGE, message(AGO + ALLOWANCE + second)) == Absent()
    assert isinstance(await look_up(INSPECTION, inspection(AGO + ALLOWANCE - second)), Found)
    assert await look_up(INSPECTION, inspection(AGO + ALLOWANCE + second)) == Absent()


async def test_what_has_no_time_may_be_ours() -> None:
    timeless = {"driverId": int(DRIVER.source_id), "text": "dock 4"}
    assert isinstance(await look_up(MESSAGE, timeless), Found)


async def test_equal_messages_are_counted_for_the_driver_with_the_fewest() -> None:
    ours = [message(), message(AGO), message(driver=OTHER_DRIVER.source_id)]
    finding = await look_up(GROUP, *ours)
    assert isinstance(finding, Found)
    assert finding.sightings == 1


async def test_of_a_group_none_is_absent_and_some_is_unknowable() -> None:
    assert await look_up(GROUP) == Absent()
    finding = await look_up(GROUP, message())
    assert isinstance(finding, Unknowable)
    assert f"[{DRIVER.source_id}]" in finding.reason
    assert f"not for [{OTHER_DRIVER.source_id}]" in finding.reason


@pytest.mark.parametrize(
    "changes",
    [
        {"mechanicNotes": "brakes worn"},
        {"safetyStatus": "unsafe"},
        {"odometerMeters": 10_001},
        {"odometerMeters": None},
        {"vehicle": {"id": "1"}},
        {"trailer": {"id": "1"}},
        {"type": "preTrip"},
        {"authorSignature": {"signatoryUser": {"id": "1"}}},
    ],
    ids=str,
)
async def test_an_inspection_that_says_anything_else_is_another(changes: dict[str, Any]) -> None:
    assert isinstance(await look_up(INSPECTION, inspection()), Found)
    assert await look_up(INSPECTION, inspection(**changes)) == Absent()


async def test_the_question_reaches_back_far_enough() -> None:
    provider = Provider([])
    await CONNECTOR.look_up(MESSAGE, CONNECTOR.translate(MESSAGE).call, provider, AGO)
    await CONNECTOR.look_up(INSPECTION, CONNECTOR.translate(INSPECTION).call, provider, AGO)
    messages, inspections = (dict(call.query) for call in provider.calls)
    assert int(messages["durationMs"]) > (AGO + ALLOWANCE) / timedelta(milliseconds=1)
    assert datetime.fromisoformat(inspections["startTime"]) < datetime.now(UTC) - AGO - timedelta(hours=23)


@pytest.mark.parametrize("write", [MESSAGE, GROUP, INSPECTION], ids=["message", "group", "inspection"])
async def test_no_answer_is_no_finding(write: Write) -> None:
    call = CONNECTOR.translate(write).call
    for provider in (Provider("none"), Provider([], status=500), Provider([], status=429)):
        with pytest.raises(ProviderAnswerError):
            await CONNECTOR.look_up(write, call, provider, AGO)
