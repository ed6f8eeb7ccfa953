"""What is special about GPS Insight, beyond what every connector has to pass."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from connectors.gpsinsight.gpsinsight_exhibit import EXHIBIT
from connectors.gpsinsight.gpsinsight_writes import (
    ACCOUNT,
    DRIVER,
    DRIVER_ON_FOOT,
    NOVAK,
    OPERATION_ID,
    OTHER_DRIVER,
    TRUCK,
    VEHICLE,
    WORKING_NAME,
    create,
    message,
    update,
)
from fleetwrite.connectors.gpsinsight.connector import CONNECTOR
from fleetwrite.connectors.gpsinsight.simulator import vehicle_id
from fleetwrite.connectors.sdk.connector import LoginRefusedError, ProviderAnswerError
from fleetwrite.connectors.sdk.outcome import (
    Absent,
    Applied,
    Conflict,
    Forbidden,
    Found,
    Lookalike,
    Rejected,
    Transient,
    Unknowable,
)
from fleetwrite.connectors.sdk.suite.stand import Stand
from fleetwrite.connectors.sdk.write import SourceReference
from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.kit.egress import AnswerLostError

USER, CAR = ResourceEnum.USER, ResourceEnum.VEHICLE


@pytest.fixture
async def stand(tmp_path: Path) -> AsyncIterator[Stand]:
    async with Stand.open(EXHIBIT, tmp_path) as stand:
        yield stand


async def break_method(stand: Stand, method: str, **how: Any) -> None:
    await stand.control.add_fault({"path": f"/v2/{method}/json", **how})


async def called(stand: Stand) -> list[str]:
    """The methods that were called since the session was there, in order."""
    entries = await stand.control.requests()
    paths = [entry["path"].removeprefix("/v2/").removesuffix("/json") for entry in entries]
    return [path for path in paths if path != "userauth/login"]


def envelope(data: Any) -> dict[str, Any]:
    return {"head": {"status": "OK"}, "data": data}


def error(code: int) -> dict[str, Any]:
    return {"head": {"status": "ERROR"}, "errors": [{"code": code, "message": "Words of GPS Insight's."}]}


async def test_a_message_goes_to_the_vehicle_that_the_driver_is_in_by_then(stand: Stand) -> None:
    session = stand.session()
    assert isinstance(await session.deliver(message("first")), Applied)
    row = {"id": vehicle_id(ACCOUNT, 2), "driver_id": DRIVER.source_id}
    await break_method(stand, "vehicle/location", kind="status", status=200, body=envelope([row]))
    assert isinstance(await session.deliver(message("second")), Applied)

    sent = [entry["body"] for entry in await stand.control.requests() if "message" in entry["path"]]
    assert [(body["message"], body["vehicle"]) for body in sent] == [
        ("first", VEHICLE.source_id),
        ("second", vehicle_id(ACCOUNT, 2)),
    ]


async def test_a_message_to_a_driver_in_no_vehicle_is_refused_and_not_sent(stand: Stand) -> None:
    outcome = await stand.session().deliver(message(to=DRIVER_ON_FOOT))

    assert isinstance(outcome, Rejected)
    assert outcome.details.startswith("driver_has_no_vehicle: ")
    assert DRIVER_ON_FOOT.source_id in outcome.details
    assert await called(stand) == ["vehicle/location"]


async def test_a_message_to_a_driver_in_several_vehicles_is_refused_and_not_sent(stand: Stand) -> None:
    rows = [{"id": one, "driver_id": DRIVER.source_id} for one in ("CA1", "CA2")]
    await break_method(stand, "vehicle/location", kind="status", status=200, body=envelope(rows))
    outcome = await stand.session().deliver(message())

    assert isinstance(outcome, Rejected)
    assert outcome.details.startswith("driver_has_several_vehicles: ")
    assert "CA1, CA2" in outcome.details
    assert await called(stand) == ["vehicle/location"]


async def test_a_message_has_an_id_of_ours_and_can_not_be_looked_up(stand: Stand) -> None:
    write = message()
    outcome = await stand.session().deliver(write)

    assert isinstance(outcome, Applied)
    assert outcome.source_id == f"fleetwrite:{OPERATION_ID.hex}"
    assert not CONNECTOR.can_look_up(write)
    assert isinstance(await stand.look_up(write), Unknowable)


async def test_an_update_of_a_vehicle_that_is_gone_hits_no_other_whose_name_has_the_id_in_it(stand: Stand) -> None:
    spare = create(CAR, {**TRUCK, "vehicle_name": "Spare of CA1"})
    assert isinstance(await stand.session().deliver(spare), Applied)
    since = await stand.control.last_sequence()
    outcome = await stand.session().deliver(update(CAR, {"oem": "Volvo"}, target=SourceReference("CA1", {})))

    assert isinstance(outcome, Rejected)
    assert "no vehicle under the id CA1" in outcome.details
    assert [entry["path"] for entry in await stand.control.requests(since)] == ["/v2/vehicle/list/json"]


async def test_an_update_of_a_driver_who_is_gone_is_refused_and_not_sent(stand: Stand) -> None:
    outcome = await stand.session().deliver(update(USER, {"first_name": "Kira"}, target=SourceReference("999", {})))

    assert isinstance(outcome, Rejected)
    assert "no driver under the id 999" in outcome.details
    assert await called(stand) == ["driver/list"]


async def test_an_update_hits_no_other_driver_whose_reference_id_is_the_id(stand: Stand) -> None:
    session = stand.session()
    shadow = update(USER, {"employee_number": DRIVER.source_id}, target=OTHER_DRIVER)
    assert isinstance(await session.deliver(shadow), Applied)
    outcome = await session.deliver(update(USER, {"phone_number": "4805550199"}))

    assert isinstance(outcome, Rejected)
    assert DRIVER.source_id in outcome.details
    phones = {record.attributes["phone_number"] for record in await stand.records(USER)}
    assert "4805550199" not in phones


async def test_a_vehicle_whose_create_lost_its_answer_is_found_by_its_working_name(stand: Stand) -> None:
    write, before = create(CAR, TRUCK), stand.count(CAR)
    await break_method(stand, "vehicle/create", kind="commit_then_drop")
    with pytest.raises(AnswerLostError):
        await stand.session().deliver(write)

    found = await stand.look_up(write)
    assert isinstance(found, Found)
    assert (found.source_id, found.is_complete) == ("CA4572250239", False)
    assert found.source_data["label"] == WORKING_NAME

    outcome = await stand.session().deliver(msgspec.structs.replace(write, made=found.source_id))
    assert isinstance(outcome, Applied)
    assert stand.count(CAR) == before + 1
    assert (await called(stand)).count("vehicle/create") == 1


@pytest.mark.parametrize(
    "how", [{"kind": "drop_before"}, {"kind": "status", "status": 200, "body": envelope(None)}], ids=["lost", "empty"]
)
async def test_a_vehicle_that_could_not_be_read_back_is_only_read_by_the_next_attempt(
    stand: Stand, how: dict[str, Any]
) -> None:
    write, session = create(CAR, TRUCK), stand.session()
    await break_method(stand, "vehicle/list", **how)
    if how["kind"] == "drop_before":
        with pytest.raises(AnswerLostError):
            await session.deliver(write)
    else:
        assert isinstance(await session.deliver(write), Transient)
    assert session.made_id == WORKING_NAME

    again = stand.session()
    outcome = await again.deliver(msgspec.structs.replace(write, made=session.made_id))
    assert isinstance(outcome, Applied)
    assert (outcome.source_id, again.made_id) == ("CA4572250239", "CA4572250239")
    assert (await called(stand)).count("vehicle/create") == 1


async def test_a_driver_that_is_not_listed_yet_is_completed_later(stand: Stand) -> None:
    session = stand.session()
    await break_method(stand, "driver/list", kind="status", status=200, body=envelope(None))
    outcome = await session.deliver(create(USER, NOVAK))

    assert isinstance(outcome, Transient)
    assert WORKING_NAME in outcome.details
    assert await called(stand) == ["driver/create", "driver/list"]


async def test_a_driver_like_ours_without_our_working_name_may_be_anybodys(stand: Stand) -> None:
    write = create(USER, NOVAK)
    assert await stand.look_up(write) == Absent()
    assert isinstance(await stand.session().deliver(write), Applied)
    assert isinstance(await stand.look_up(write), Unknowable)


async def test_a_driver_that_was_not_completed_is_only_completed_by_the_next_attempt(stand: Stand) -> None:
    write, before = create(USER, NOVAK), stand.count(USER)
    session = stand.session()
    await break_method(stand, "driver/update", kind="drop_before")
    with pytest.raises(AnswerLostError):
        await session.deliver(write)
    assert session.made_id is not None
    outcome = await stand.session().deliver(msgspec.structs.replace(write, made=session.made_id))

    assert isinstance(outcome, Applied)
    assert outcome.source_id == session.made_id
    assert stand.count(USER) == before + 1
    names = {record.source_id: record.attributes["last_name"] for record in await stand.records(USER)}
    assert names[session.made_id] == "Novak"


async def test_what_could_not_be_completed_is_named_with_its_working_name(stand: Stand) -> None:
    await break_method(stand, "driver/update", kind="status", status=200, body=error(400))
    outcome = await stand.session().deliver(create(USER, NOVAK))

    assert isinstance(outcome, Rejected)
    assert WORKING_NAME in outcome.details
    assert "Words of GPS Insight's." in outcome.details


async def test_a_stranger_with_our_serial_number_is_a_conflict_and_one_like_ours_a_lookalike(stand: Stand) -> None:
    assert isinstance(await stand.session().deliver(create(CAR, TRUCK)), Applied)

    key = "eld_serial_number 4572250239"
    assert await stand.look_up(create(CAR, TRUCK)) == Lookalike(source_id="CA4572250239", key=key)
    other = create(CAR, {**TRUCK, "vehicle_name": "Another"})
    assert await stand.look_up(other) == Conflict(source_id="CA4572250239", key=key)


async def test_a_serial_number_is_known_again_without_the_zeros_that_its_list_leaves_out(stand: Stand) -> None:
    write = create(CAR, {**TRUCK, "eld_serial_number": "0072250239"})
    assert isinstance(await stand.session().deliver(write), Applied)
    assert isinstance(await stand.look_up(write), Lookalike)


@pytest.mark.parametrize("code", [404, 500])
async def test_a_list_that_is_refused_never_passes_for_an_empty_one(stand: Stand, code: int) -> None:
    await break_method(stand, "vehicle/list", kind="status", status=200, body=error(code), count=2)
    with pytest.raises(ProviderAnswerError, match=f"{code} Words of GPS Insight's."):
        await stand.look_up(create(CAR, TRUCK))
    with pytest.raises(ProviderAnswerError, match=f"{code} Words of GPS Insight's."):
        await stand.records(CAR)


async def test_an_update_that_lists_do_not_show_is_sent_again(stand: Stand) -> None:
    write = update(USER, {"employee_number": "E-301"})
    assert isinstance(await stand.session().deliver(write), Applied)
    assert isinstance(await stand.look_up(write), Absent)


async def test_the_writing_of_a_phone_number_makes_no_difference(stand: Stand) -> None:
    assert isinstance(await stand.session().deliver(update(USER, {"phone_number": "4805550177"})), Applied)
    assert isinstance(await stand.look_up(update(USER, {"phone_number": "(480) 555-0177"})), Found)


async def test_a_login_without_the_right_to_the_short_list_is_a_good_one(stand: Stand) -> None:
    await break_method(stand, "drivergroup/list", kind="status", status=200, body=error(403), count=2)
    assert await CONNECTOR.check_login(stand.session()) == {}


async def test_a_write_without_the_right_to_it_is_forbidden_and_not_made(stand: Stand) -> None:
    before = stand.count(USER)
    await break_method(stand, "driver/create", kind="status", status=200, body=error(403), count=2)
    assert isinstance(await stand.session().deliver(create(USER, NOVAK)), Forbidden)
    assert stand.count(USER) == before


async def test_an_answer_to_the_login_that_is_none_says_nothing_about_the_credentials(stand: Stand) -> None:
    body = {"head": {"status": "SURPRISE"}, "data": {"token": "not for any log"}}
    await break_method(stand, "userauth/login", kind="status", status=200, body=body)
    with pytest.raises(ProviderAnswerError) as refused:
        await CONNECTOR.check_login(stand.session())
    assert not isinstance(refused.value, LoginRefusedError)
    assert "not for any log" not in str(refused.value)
