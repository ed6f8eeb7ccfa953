"""What is special about Wialon, at its simulator: several calls for one write, and answers in many words."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from connectors.wialon.wialon_exhibit import ACCOUNT_ID, ANAS_UNIT, BENS_UNIT, EXHIBIT
from fleetwrite.connectors.sdk.connector import LoginRefusedError, ProviderAnswerError
from fleetwrite.connectors.sdk.examples import Example
from fleetwrite.connectors.sdk.outcome import (
    Absent,
    Applied,
    Conflict,
    Found,
    Lookalike,
    Rejected,
    Throttled,
    Transient,
    Uncertain,
    Unknowable,
)
from fleetwrite.connectors.sdk.suite.stand import Stand
from fleetwrite.connectors.sdk.write import SourceReference, Write
from fleetwrite.connectors.wialon.connector import CONNECTOR, SESSION_LASTS_S
from fleetwrite.connectors.wialon.examples import EXAMPLES
from fleetwrite.connectors.wialon.services import LOAD_INTERVAL, Service
from fleetwrite.connectors.wialon.simulator.server import IDLE_S
from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.kit.egress import AnswerLostError

BY_KEY = {example.key: example for example in EXAMPLES}
PATH = "/wialon/ajax.html"

CHLOES_UNIT, ELENAS_UNIT = 25600003, 25600006


@pytest.fixture
async def stand(tmp_path: Path) -> AsyncIterator[Stand]:
    async with Stand.open(EXHIBIT, tmp_path) as stand:
        yield stand


async def message_to(stand: Stand, driver: int, text: str = "Dock 7", **changes: Any) -> Write:
    """A message to a driver of the first demonstration fleet, by number from 1."""
    write = await stand.write(BY_KEY["message.create.minimal"], {"message_text": text})
    recipient = SourceReference(f"{ACCOUNT_ID}:{driver}", {"is_driver": True})
    return msgspec.structs.replace(write, references={**write.references, "recipient_id": recipient}, **changes)


async def on(unit_id: int, write: Write) -> Write:
    """A fuel transaction of another unit."""
    vehicle = SourceReference(str(unit_id), {})
    return msgspec.structs.replace(write, references={**write.references, "vehicle_id": vehicle})


async def do(stand: Stand, svc: str, params: dict[str, Any]) -> Any:
    """Call a service as somebody at Wialon would."""
    answer = await stand.session().call(Service(svc=svc).call(params))
    return msgspec.json.decode(answer.body)


async def called(stand: Stand, since: int) -> list[str]:
    return [entry["operation"] for entry in await stand.control.requests(since)]


async def held_driver(stand: Stand, number: int) -> dict[str, Any]:
    found = await do(stand, "core/search_item", {"id": ACCOUNT_ID, "flags": 257})
    driver: dict[str, Any] = found["item"]["drvrs"][str(number)]
    return driver


# Vehicles


async def test_a_unit_that_could_not_be_completed_is_completed_and_nothing_is_there_twice(stand: Stand) -> None:
    write = await stand.write(BY_KEY["vehicle.create.full"])
    before = stand.count(ResourceEnum.VEHICLE)
    session = stand.session()
    # The whole batch is done, and its answer is lost.
    await stand.control.add_fault({"path": PATH, "operation": "core/batch", "kind": "commit_then_drop"})
    with pytest.raises(AnswerLostError):
        await session.deliver(write)
    assert session.made_id is not None

    again = msgspec.structs.replace(write, made=session.made_id)
    outcome = await stand.session(made=session.made_id).deliver(again)

    assert isinstance(outcome, Applied)
    assert stand.count(ResourceEnum.VEHICLE) == before + 1
    unit = (await do(stand, "core/search_item", {"id": int(outcome.source_id), "flags": 9}))["item"]
    names = [field["n"] for field in unit["flds"].values()]
    assert unit["nm"] == "Unit 413"
    assert len(names) == len(set(names))


async def test_a_unit_is_found_complete_only_under_its_own_name(stand: Stand) -> None:
    write = await stand.write(BY_KEY["vehicle.create.minimal"])
    await stand.control.add_fault({"path": PATH, "operation": "core/batch", "kind": "drop_before"})
    with pytest.raises(AnswerLostError):
        await stand.session().deliver(write)
    found = await stand.look_up(write)
    assert isinstance(found, Found)
    assert not found.is_complete

    complete = msgspec.structs.replace(write, made=found.source_id)
    assert isinstance(await stand.session(made=found.source_id).deliver(complete), Applied)
    found = await stand.look_up(write)
    assert isinstance(found, Found)
    assert found.is_complete


async def test_a_refused_part_of_a_batch_is_named_with_the_unit_that_was_made(stand: Stand) -> None:
    write = await stand.write(BY_KEY["vehicle.create.minimal"])
    refused = [[1, {}], {"error": 7, "reason": "NO_RIGHT"}]
    fault = {"path": PATH, "operation": "core/batch", "kind": "status", "status": 200, "body": refused}
    await stand.control.add_fault(fault)
    session = stand.session()
    outcome = await session.deliver(write)
    assert isinstance(outcome, Rejected)
    assert "item/update_name" in outcome.details
    assert "NO_RIGHT" in outcome.details
    assert f"unit {session.made_id} was made" in outcome.details


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        ([{"error": 6}, {"error": 10}], Transient),
        # 10 stands for whatever was not begun behind the first error.
        ([{"error": 4}, {"error": 10}], Rejected),
        ([[1, {}]], Uncertain),
        ({"error": 1003, "reason": "LIMIT api_concurrent"}, Throttled),
    ],
)
async def test_what_a_batch_answers_is_read_part_by_part(stand: Stand, results: Any, expected: type) -> None:
    write = await stand.write(BY_KEY["vehicle.create.minimal"])
    fault = {"path": PATH, "operation": "core/batch", "kind": "status", "status": 200, "body": results}
    await stand.control.add_fault(fault)
    assert isinstance(await stand.session().deliver(write), expected)


async def test_a_device_type_that_wialon_does_not_know_makes_no_unit(stand: Stand) -> None:
    write = await stand.write(
        BY_KEY["vehicle.create.minimal"], {"vehicle_name": "Unit 9000", "eld_device_type": "Abacus"}
    )
    before = stand.count(ResourceEnum.VEHICLE)
    outcome = await stand.session().deliver(write)
    assert isinstance(outcome, Rejected)
    assert "eld_device_type" in outcome.details
    assert stand.count(ResourceEnum.VEHICLE) == before


async def test_a_custom_field_that_is_there_is_changed_by_its_number(stand: Stand) -> None:
    field = {"itemId": ANAS_UNIT, "id": 0, "callMode": "create", "n": "notes", "v": "old"}
    await do(stand, "item/update_custom_field", field)
    assert isinstance(await stand.session().deliver(await stand.write(BY_KEY["vehicle.update.full"])), Applied)
    unit = (await do(stand, "core/search_item", {"id": ANAS_UNIT, "flags": 9}))["item"]
    assert [one["v"] for one in unit["flds"].values() if one["n"] == "notes"] == ["In the workshop"]


async def test_a_unit_that_is_gone_is_named_and_nothing_is_sent(stand: Stand) -> None:
    write = await stand.write(BY_KEY["vehicle.update.full"], target=SourceReference("1", {}))
    since = await stand.control.last_sequence()
    outcome = await stand.session().deliver(write)
    assert isinstance(outcome, Rejected)
    assert "unit 1 " in outcome.details
    assert "core/batch" not in await called(stand, since)
    assert await stand.look_up(write) == Absent()


# Drivers and trailers


async def test_an_update_of_a_driver_keeps_all_that_it_does_not_mention(stand: Stand) -> None:
    before = await held_driver(stand, 1)
    assert before["pwd"]
    await do(
        stand,
        "resource/update_driver",
        {**before, "itemId": ACCOUNT_ID, "id": 1, "callMode": "update", "c": "00A7", "jp": {"shoe size": "44"}},
    )
    outcome = await stand.session().deliver(await stand.write(BY_KEY["user.update.full"]))
    assert isinstance(outcome, Applied)
    assert "pwd" not in outcome.source_data
    after = await held_driver(stand, 1)
    assert after["jp"] == {"shoe size": "44", "license_number": "D4410988"}
    assert {name: after[name] for name in ("pwd", "bu", "c")} == {
        "pwd": before["pwd"],
        "bu": before["bu"],
        "c": "00A7",
    }


@pytest.mark.parametrize("source_id", [f"{ACCOUNT_ID}:77", "1:1"], ids=["no such driver", "no such resource"])
async def test_a_driver_who_is_gone_is_named_and_nothing_is_sent(stand: Stand, source_id: str) -> None:
    target = SourceReference(source_id, {"is_driver": True})
    write = await stand.write(BY_KEY["user.update.full"], target=target)
    since = await stand.control.last_sequence()
    outcome = await stand.session().deliver(write)
    assert isinstance(outcome, Rejected)
    assert f"driver {source_id}" in outcome.details
    assert "resource/update_driver" not in await called(stand, since)


async def test_a_driver_goes_to_the_resource_of_the_settings(stand: Stand) -> None:
    settings = {"resource_id": str(ACCOUNT_ID + 1)}
    write = await stand.write(BY_KEY["user.create.minimal"], settings=settings)
    since = await stand.control.last_sequence()
    outcome = await stand.session().deliver(write)
    assert isinstance(outcome, Applied)
    assert outcome.source_id == f"{ACCOUNT_ID + 1}:1"
    assert "core/search_item" not in await called(stand, since)
    assert isinstance(await stand.look_up(write), Found)


async def test_a_login_that_may_not_see_its_account_needs_the_setting(stand: Stand) -> None:
    session = stand.session()
    await CONNECTOR.check_login(session)
    fault = {"path": PATH, "operation": "core/search_item", "kind": "status", "status": 200, "body": {"error": 7}}
    await stand.control.add_fault({**fault, "count": 2})
    assert await CONNECTOR.check_login(session) == {}
    outcome = await session.deliver(await stand.write(BY_KEY["user.create.minimal"]))
    assert isinstance(outcome, Rejected)
    assert "resource_id" in outcome.details


async def test_a_phone_number_that_somebody_has_is_refused_and_named_after_a_lost_answer(stand: Stand) -> None:
    example = BY_KEY["user.create.full"]
    first, second = await stand.write(example), await stand.write(example)
    applied = await stand.session().deliver(first)
    assert isinstance(applied, Applied)
    outcome = await stand.session().deliver(second)
    assert isinstance(outcome, Rejected)
    assert "1002" in outcome.details
    assert await stand.look_up(second) == Conflict(source_id=applied.source_id, key="phone_number +15550142")


# Messages


async def test_a_driver_without_a_vehicle_gets_no_message(stand: Stand) -> None:
    write = await message_to(stand, 6)
    outcome = await stand.session().deliver(write)
    assert isinstance(outcome, Rejected)
    assert outcome.details.startswith(f"driver_has_no_vehicle: driver {ACCOUNT_ID}:6 (Frank Olsen)")
    assert stand.count(ResourceEnum.MESSAGE) == 0
    assert await stand.look_up(write) == Absent()


async def test_a_vehicle_without_the_command_gets_no_message(stand: Stand) -> None:
    outcome = await stand.session().deliver(await message_to(stand, 5))
    assert isinstance(outcome, Rejected)
    assert outcome.details.startswith(f"vehicle_takes_no_messages: unit {ELENAS_UNIT}")
    assert stand.count(ResourceEnum.MESSAGE) == 0


async def test_a_command_with_a_text_of_its_own_is_not_used(stand: Stand) -> None:
    assert isinstance(await stand.session().deliver(await message_to(stand, 1)), Applied)
    found = await stand.look_up(await message_to(stand, 1))
    assert isinstance(found, Found)
    assert (found.source_data["ca"], found.source_data["cp"]) == ("Message", "Dock 7")


async def test_a_message_counts_as_ours_only_since_the_attempt(stand: Stand) -> None:
    write = await message_to(stand, 1, "Dock  7")
    call = CONNECTOR.translate(write).call
    assert isinstance(await stand.session().deliver(await message_to(stand, 1, "Dock 7")), Applied)
    assert isinstance(await stand.session().deliver(await message_to(stand, 1, "Dock 8")), Applied)
    found = await CONNECTOR.look_up(write, call, stand.session(), timedelta(0))
    assert isinstance(found, Found)
    assert found.sightings == 1
    # Sent before the attempt began, and longer before than two clocks may differ.
    early = await CONNECTOR.look_up(write, call, stand.session(), timedelta(minutes=-5))
    assert isinstance(early, Absent)


async def test_a_vehicle_that_two_drivers_share_tells_nothing(stand: Stand) -> None:
    await assign(stand, 2, ANAS_UNIT)
    assert isinstance(await stand.look_up(await message_to(stand, 1)), Unknowable)


async def test_a_driver_who_changed_vehicles_since_tells_nothing(stand: Stand) -> None:
    await assign(stand, 1, BENS_UNIT)
    assert isinstance(await stand.look_up(await message_to(stand, 1)), Unknowable)


async def test_a_driver_who_is_gone_tells_nothing(stand: Stand) -> None:
    assert isinstance(await stand.session().deliver(await message_to(stand, 77)), Rejected)
    assert isinstance(await stand.look_up(await message_to(stand, 77)), Unknowable)


@pytest.mark.parametrize(("code", "expected"), [(5, Transient), (6, Uncertain), (7, Rejected)])
async def test_what_a_command_answers_is_read_by_its_own_page(stand: Stand, code: int, expected: type) -> None:
    fault = {"path": PATH, "operation": "unit/exec_cmd", "kind": "status", "status": 200, "body": {"error": code}}
    await stand.control.add_fault(fault)
    assert isinstance(await stand.session().deliver(await message_to(stand, 1)), expected)


async def assign(stand: Stand, driver: int, unit_id: int) -> None:
    seat = {"resourceId": ACCOUNT_ID, "driverId": driver, "unitId": unit_id, "time": 0, "mode": 1}
    assert await do(stand, "resource/bind_unit_driver", seat) == {}


# Fuel transactions


async def test_a_unit_measured_in_gallons_that_nobody_knows_is_refused(stand: Stand) -> None:
    write = await on(CHLOES_UNIT, await stand.write(BY_KEY["fuel_transaction.create.minimal"]))
    outcome = await stand.session().deliver(write)
    assert isinstance(outcome, Rejected)
    assert "system of measures" in outcome.details
    assert stand.count(ResourceEnum.FUEL_TRANSACTION) == 0


async def test_litres_become_gallons_for_a_unit_measured_so(stand: Stand) -> None:
    example = BY_KEY["fuel_transaction.create.minimal"]
    body = {**example.body, "fuel_volume": 100, "fuel_volume_unit": "LITER"}
    write = await on(BENS_UNIT, await stand.write(example, body))
    assert isinstance(await stand.session().deliver(write), Applied)
    found = await stand.look_up(write)
    assert isinstance(found, Found)
    assert found.source_data["p"]["volume"] == 26.417205236


async def test_a_filling_without_any_mark_may_be_ours(stand: Stand) -> None:
    write = await stand.write(BY_KEY["fuel_transaction.create.minimal"])
    params = (CONNECTOR.translate(write).call.body or {})["params"]
    await do(stand, "unit/registry_fuel_filling_event", {**params, "volume": 1, "description": "by hand"})
    assert isinstance(await stand.look_up(write), Lookalike)


async def test_a_filling_with_the_mark_of_another_operation_is_not_ours(stand: Stand) -> None:
    example = BY_KEY["fuel_transaction.create.minimal"]
    assert isinstance(await stand.session().deliver(await stand.write(example)), Applied)
    assert isinstance(await stand.look_up(await stand.write(example)), Absent)


# The login, and reads


def test_a_session_is_replaced_before_wialon_may_have_ended_it() -> None:
    assert SESSION_LASTS_S + CONNECTOR.manifest.timeout_s < IDLE_S


async def test_an_account_is_named_by_the_login_check(stand: Stand) -> None:
    assert (await CONNECTOR.check_login(stand.session()))["id"] == ACCOUNT_ID


@pytest.mark.parametrize("code", [4, 7, 8])
async def test_a_token_that_wialon_does_not_take_is_a_refused_login(stand: Stand, code: int) -> None:
    fault = {"path": PATH, "operation": "token/login", "kind": "status", "status": 200, "body": {"error": code}}
    await stand.control.add_fault(fault)
    with pytest.raises(LoginRefusedError):
        await CONNECTOR.check_login(stand.session())


async def test_a_login_that_fails_otherwise_says_nothing_about_the_token(stand: Stand) -> None:
    fault = {"path": PATH, "operation": "token/login", "kind": "status", "status": 200, "body": {"error": 9}}
    await stand.control.add_fault(fault)
    with pytest.raises(ProviderAnswerError) as failed:
        await CONNECTOR.check_login(stand.session())
    assert not isinstance(failed.value, LoginRefusedError)


@pytest.mark.parametrize("body", [{"error": 1003}, [], {"items": [], "totalItemsCount": 3}], ids=str)
async def test_a_page_that_is_none_ends_the_list_with_an_error(stand: Stand, body: Any) -> None:
    fault = {"path": PATH, "operation": "core/search_items", "kind": "status", "status": 200, "body": body}
    await stand.control.add_fault(fault)
    with pytest.raises(ProviderAnswerError):
        await stand.pages(ResourceEnum.VEHICLE)


async def test_no_messages_is_an_empty_list_in_any_words(stand: Stand) -> None:
    write = await stand.write(BY_KEY["fuel_transaction.create.minimal"])
    fault = {"path": PATH, "operation": LOAD_INTERVAL.svc, "kind": "status", "status": 200, "body": {"error": 1001}}
    await stand.control.add_fault(fault)
    assert await stand.look_up(write) == Absent()


async def test_records_are_listed_without_passwords(stand: Stand) -> None:
    for resource in (ResourceEnum.VEHICLE, ResourceEnum.USER):
        for record in await stand.records(resource):
            assert not {"pwd", "psw"} & set(record.source_data)


def test_every_example_has_its_calls() -> None:
    examples: tuple[Example, ...] = EXAMPLES
    assert {one.key for one in examples} == set(EXHIBIT.sent)
