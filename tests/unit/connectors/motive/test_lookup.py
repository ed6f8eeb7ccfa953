from typing import Any

import pytest

from connectors.motive.motive_writes import BEGUN_AGO, MARK, create, update
from fleetwrite.connectors.motive.connector import CONNECTOR
from fleetwrite.connectors.motive.lookup import holds
from fleetwrite.connectors.sdk.connector import ProviderAnswerError
from fleetwrite.connectors.sdk.outcome import Absent, Finding, Found, Unknowable
from fleetwrite.connectors.sdk.write import Write
from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.kit.egress import HttpAnswer
from unit.connectors.motive.scripts import Script, answered

VEHICLE = create(ResourceEnum.VEHICLE, {"vehicle_name": "Unit 412"})
CHANGED = update(ResourceEnum.VEHICLE, {"notes": "n"})
OURS = {"vehicle": {"id": 7, "number": "Unit 412", "external_ids": [{"id": 1, **MARK}]}}
NOBODY = answered(404, {"error_message": "vehicle not found"})


async def look_up(write: Write, *answers: HttpAnswer) -> Finding:
    return await CONNECTOR.look_up(write, CONNECTOR.translate(write).call, Script(*answers), BEGUN_AGO)


async def test_what_carries_our_operation_is_ours() -> None:
    assert await look_up(VEHICLE, answered(200, OURS)) == Found(source_id="7", source_data=OURS["vehicle"])


async def test_what_arrived_while_we_looked_is_ours_too() -> None:
    assert isinstance(await look_up(VEHICLE, NOBODY, answered(200, OURS)), Found)


async def test_an_answer_without_our_operation_says_nothing() -> None:
    assert isinstance(await look_up(VEHICLE, answered(200, {"vehicle": {"id": 7}})), Unknowable)


async def test_who_is_found_by_a_number_that_is_not_ours_is_nobody() -> None:
    assert await look_up(VEHICLE, NOBODY, answered(200, {"vehicle": {"id": 7, "number": "Unit 4120"}})) == Absent()


@pytest.mark.parametrize("answer", [answered(500, b""), answered(200, b"<html>"), answered(400, {})])
@pytest.mark.parametrize("write", [VEHICLE, CHANGED], ids=["create", "update"])
async def test_an_answer_that_is_none_is_no_absence(write: Write, answer: HttpAnswer) -> None:
    with pytest.raises(ProviderAnswerError):
        await look_up(write, answer)


@pytest.mark.parametrize(
    ("held", "there"),
    [({"id": 1090401, "notes": "n"}, True), ({"id": 1090401, "notes": "m"}, False), ({"id": 1090401}, False)],
)
async def test_an_update_is_there_when_the_record_says_so(held: dict[str, Any], *, there: bool) -> None:
    found = await look_up(CHANGED, answered(200, {"vehicle": held}))

    assert found == (Found(source_id="1090401", source_data=held) if there else Absent())


async def test_an_update_of_what_is_gone_is_not_there() -> None:
    assert await look_up(CHANGED, NOBODY) == Absent()


@pytest.mark.parametrize(
    ("sent", "held", "is_held"),
    [
        ({"year": "2024"}, {"year": 2024}, True),
        ({"axle": 2}, {"axle": 2.0}, True),
        ({"notes": None}, {}, True),
        ({"notes": None}, {"notes": ""}, True),
        ({"notes": None}, {"notes": "n"}, False),
        ({"yard_moves_enabled": True}, {"yard_moves_enabled": True}, True),
        ({"yard_moves_enabled": True}, {"yard_moves_enabled": "True"}, False),
        ({"a": {"b": "c"}}, {"a": {"b": "c", "d": "e"}}, True),
        ({"a": {"b": "c"}}, {"a": None}, False),
        ({"external_ids_attributes": [MARK]}, {"external_ids": [{"id": 1, **MARK}]}, True),
        ({"external_ids_attributes": [MARK]}, {"external_ids": [{"id": 1, **MARK, "external_id": "x"}]}, False),
        ({"external_ids_attributes": [MARK]}, {}, False),
    ],
)
def test_a_record_holds_what_was_sent_whatever_else_it_has(sent: Any, held: Any, *, is_held: bool) -> None:
    assert holds(sent, held) is is_held
