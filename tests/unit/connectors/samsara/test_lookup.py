"""Answers that a well-behaved server never gives; the well-behaved ones are tried against the simulator."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from connectors.samsara.samsara_writes import ANY_ID, OFFICE_USER, OPERATION_ID, create, update
from fleetwrite.connectors.samsara.connector import CONNECTOR
from fleetwrite.connectors.samsara.lookup import holds
from fleetwrite.connectors.samsara.reading import AmbiguousUserError
from fleetwrite.connectors.sdk.connector import ProviderAnswerError
from fleetwrite.connectors.sdk.outcome import Absent, Found, Unknowable
from fleetwrite.connectors.sdk.write import Call, Write
from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.kit.egress import HttpAnswer

NO_MORE = {"hasNextPage": False, "endCursor": ""}


class Script:
    """A session that answers with these (status, body) in turn, and remembers the calls."""

    def __init__(self, *answers: tuple[int, Any]) -> None:
        self._answers = iter(answers)
        self.calls: list[Call] = []

    async def call(self, call: Call) -> HttpAnswer:
        self.calls.append(call)
        status, body = next(self._answers)
        content = body if isinstance(body, bytes) else msgspec.json.encode(body)
        return HttpAnswer(status=status, headers=CIMultiDictProxy(CIMultiDict()), body=content, elapsed_s=0.1)


async def listed(resource: ResourceEnum, script: Script) -> list[str]:
    return [record.source_id async for page in CONNECTOR.list_records(resource, script) for record in page.records]


async def test_an_empty_page_in_the_middle_is_not_the_end() -> None:
    script = Script(
        (200, {"data": [{"id": "1"}], "pagination": {"hasNextPage": True, "endCursor": "a"}}),
        (200, {"data": [], "pagination": {"hasNextPage": True, "endCursor": "b"}}),
        (200, {"data": [{"id": "2"}], "pagination": NO_MORE}),
    )

    assert await listed(ResourceEnum.VEHICLE, script) == ["1", "2"]
    assert [dict(call.query).get("after") for call in script.calls] == [None, "a", "b"]
    assert {dict(call.query)["limit"] for call in script.calls} == {"512"}


@pytest.mark.parametrize(
    "answers",
    [
        [(200, {"data": [], "pagination": {"hasNextPage": True, "endCursor": ""}})],
        [(200, {"data": [], "pagination": {"hasNextPage": True}})],
        [(200, {"data": [], "pagination": {"hasNextPage": True, "endCursor": "a"}})] * 2,
        [(200, {"data": "none"})],
        [(200, b"<html>")],
        [(500, b"upstream error")],
        [(429, {"message": "slow down"})],
    ],
    ids=["no cursor", "cursor missing", "cursor stands still", "no list", "no JSON", "500", "429"],
)
async def test_a_list_that_can_not_be_read_to_its_end_is_an_error(answers: list[tuple[int, Any]]) -> None:
    with pytest.raises(ProviderAnswerError):
        await listed(ResourceEnum.TRAILER, Script(*answers))


async def test_one_id_for_a_driver_and_an_office_user_is_told_apart_from_a_list() -> None:
    script = Script(
        (200, {"data": [{"id": "7", "name": "Ines Vogel", "email": "i@x"}], "pagination": NO_MORE}),
        (200, {"data": [{"id": "7", "name": "Ana Ruiz"}], "pagination": NO_MORE}),
    )

    with pytest.raises(AmbiguousUserError, match="7"):
        await listed(ResourceEnum.USER, script)


AGO = timedelta(seconds=20)
TRAILER_CREATE = create(ResourceEnum.TRAILER, {"trailer_name": "TR-77"})
VEHICLE_CREATE = create(ResourceEnum.VEHICLE, {"vehicle_name": "U"})


async def test_a_stranger_is_never_adopted() -> None:
    call = CONNECTOR.translate(TRAILER_CREATE).call
    for item in ({"id": "9"}, {"id": "9", "externalIds": {"fleetwriteOperation": "another"}}):
        assert isinstance(await CONNECTOR.look_up(TRAILER_CREATE, call, Script((200, {"data": item})), AGO), Unknowable)


async def test_an_asset_is_sought_on_every_page() -> None:
    item = {"id": "9", "externalIds": {"fleetwriteOperation": OPERATION_ID.hex}}
    script = Script(
        (200, {"data": [], "pagination": {"hasNextPage": True, "endCursor": "a"}}),
        (200, {"data": [item], "pagination": NO_MORE}),
    )

    finding = await CONNECTOR.look_up(VEHICLE_CREATE, CONNECTOR.translate(VEHICLE_CREATE).call, script, AGO)

    assert finding == Found(source_id="9", source_data=item)
    assert script.calls[0].query == (
        ("externalIds", f"fleetwriteOperation:{OPERATION_ID.hex}"),
        ("includeExternalIds", "true"),
    )


@pytest.mark.parametrize("answer", [(500, b"oops"), (200, b"oops"), (403, {"message": "no scope"}), (200, {"data": 1})])
async def test_no_answer_to_the_question_is_an_error_and_no_finding(answer: tuple[int, Any]) -> None:
    with pytest.raises(ProviderAnswerError):
        await CONNECTOR.look_up(TRAILER_CREATE, CONNECTOR.translate(TRAILER_CREATE).call, Script(answer), AGO)


async def test_an_update_of_a_record_that_is_gone_did_not_arrive() -> None:
    write = update(ResourceEnum.TRAILER, {"notes": "n"})

    assert await CONNECTOR.look_up(write, CONNECTOR.translate(write).call, Script((404, {})), AGO) == Absent()


FUEL = create(
    ResourceEnum.FUEL_TRANSACTION,
    {
        "driver_id": ANY_ID,
        "vehicle_id": ANY_ID,
        "fuel_volume": 1,
        "fuel_volume_unit": "LITER",
        "transaction_time": "2026-03-04T15:21:00Z",
        "location_string": "Dallas",
        "total_cost": 2,
        "currency": "USD",
    },
)
MESSAGE = create(ResourceEnum.MESSAGE, {"sender_id": ANY_ID, "recipient_id": ANY_ID, "message_text": "dock 4"})


@pytest.mark.parametrize(
    ("write", "can"),
    [
        (VEHICLE_CREATE, True),
        (TRAILER_CREATE, True),
        (create(ResourceEnum.USER, {"is_driver": True}), True),
        (create(ResourceEnum.USER, {"is_driver": False}), True),
        (update(ResourceEnum.USER, {}, target=OFFICE_USER), True),
        (update(ResourceEnum.VEHICLE, {}), True),
        (MESSAGE, True),
        (create(ResourceEnum.DVIR_LOG, {"driver_id": ANY_ID}), True),
        (FUEL, False),
    ],
)
def test_what_can_be_looked_up(write: Write, can: bool) -> None:
    assert CONNECTOR.can_look_up(write) is can


async def test_what_can_not_be_looked_up_costs_no_call() -> None:
    script = Script()

    assert isinstance(await CONNECTOR.look_up(FUEL, CONNECTOR.translate(FUEL).call, script, AGO), Unknowable)
    assert script.calls == []


@pytest.mark.parametrize(
    ("sent", "held", "same"),
    [
        ({"name": "a"}, {"name": "a", "id": "1"}, True),
        ({"name": "a"}, {"name": "b"}, False),
        ({"name": "a"}, {}, False),
        ({"year": 2021}, {"year": "2021"}, True),
        ({"notes": ""}, {}, True),
        ({"notes": ""}, {"notes": "x"}, False),
        ({"usDriverRulesetOverride": None}, {}, True),
        ({"eldExempt": False}, {}, False),
        ({"externalIds": {"a": "1"}}, {"externalIds": {"a": "1", "b": "2"}}, True),
        ({"externalIds": {"a": "1"}}, {"externalIds": {}}, False),
        ({"externalIds": {"a": "1"}}, {}, False),
    ],
)
def test_a_record_holds_what_was_sent(sent: Any, held: Any, same: bool) -> None:
    assert holds(sent, held) is same
