"""What is special about Webfleet, beyond what every connector has to pass."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from connectors.webfleet.webfleet_exhibit import EXHIBIT
from connectors.webfleet.webfleet_writes import (
    ACCOUNT,
    DRIVER,
    DRIVER_ON_FOOT,
    OPERATION_ID,
    create,
    message,
    update,
)
from fleetwrite.connectors.sdk.connector import LoginRefusedError, ProviderAnswerError
from fleetwrite.connectors.sdk.outcome import (
    Applied,
    Conflict,
    Found,
    Lookalike,
    Rejected,
    Transient,
    Unknowable,
)
from fleetwrite.connectors.sdk.suite.stand import Stand
from fleetwrite.connectors.sdk.write import SourceReference
from fleetwrite.connectors.webfleet.connector import CONNECTOR
from fleetwrite.connectors.webfleet.simulator import WebfleetSimulator, vehicle_uid
from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.kit.egress import AnswerLostError

USER = ResourceEnum.USER
KIRA = {"first_name": "Kira", "employee_number": "D-901", "notes": "Nights only"}
NO_ROWS = "63,document is empty"


@pytest.fixture
async def stand(tmp_path: Path) -> AsyncIterator[Stand]:
    async with Stand.open(EXHIBIT, tmp_path) as stand:
        yield stand


async def asked_for(stand: Stand) -> list[str]:
    """The actions that were called, in order."""
    return [entry["operation"] for entry in await stand.control.requests()]


async def break_action(stand: Stand, action: str, **how: Any) -> None:
    await stand.control.add_fault({"path": "/extern", "operation": action, **how})


async def test_a_message_goes_to_the_vehicle_that_the_driver_is_in_by_then(stand: Stand, tmp_path: Path) -> None:
    session = stand.session()
    assert isinstance(await session.deliver(message("first")), Applied)
    row = {"driverno": "D-301", "driveruid": DRIVER.source_id, "objectuid": vehicle_uid(ACCOUNT, 2)}
    await break_action(stand, "showDriverReportExtern", kind="status", status=200, body=[row])
    assert isinstance(await session.deliver(message("second")), Applied)

    sent = [entry["body"] for entry in await stand.control.requests() if entry["method"] == "POST"]
    assert [(body["messagetext"], body["objectuid"]) for body in sent] == [
        ("first", vehicle_uid(ACCOUNT, 0)),
        ("second", vehicle_uid(ACCOUNT, 2)),
    ]


async def test_a_message_to_a_driver_in_no_vehicle_is_refused_and_not_sent(stand: Stand) -> None:
    outcome = await stand.session().deliver(message(to=DRIVER_ON_FOOT))

    assert isinstance(outcome, Rejected)
    assert outcome.details.startswith("driver_has_no_vehicle: ")
    assert "D-305" in outcome.details
    assert await asked_for(stand) == ["showDriverReportExtern"]


async def test_a_message_to_a_driver_who_is_gone_is_refused_and_not_sent(stand: Stand) -> None:
    outcome = await stand.session().deliver(message(to=SourceReference("1-50203-000000000", {})))

    assert isinstance(outcome, Rejected)
    assert "1-50203-000000000" in outcome.details
    assert await asked_for(stand) == ["showDriverReportExtern"]


async def test_a_message_whose_driver_can_not_be_read_is_not_sent(stand: Stand) -> None:
    await break_action(stand, "showDriverReportExtern", kind="status", status=503)

    with pytest.raises(ProviderAnswerError, match="HTTP 503 from Webfleet to showDriverReportExtern"):
        await stand.session().deliver(message())
    assert stand.count(ResourceEnum.MESSAGE) == 0


async def test_a_message_has_an_id_of_ours_and_can_not_be_looked_up(stand: Stand) -> None:
    write = message()
    outcome = await stand.session().deliver(write)

    assert outcome == Applied(source_id=f"fleetwrite:{OPERATION_ID.hex}", source_data={})
    assert not CONNECTOR.can_look_up(write)
    assert isinstance(await stand.look_up(write), Unknowable)


async def test_a_driver_that_could_not_be_read_back_is_only_read_by_the_next_attempt(stand: Stand) -> None:
    write = create(USER, KIRA)
    first = stand.session()
    await break_action(stand, "showDriverReportExtern", kind="drop_before")
    with pytest.raises(AnswerLostError):
        await first.deliver(write)
    assert first.made_id == "D-901"

    outcome = await stand.session(made=first.made_id).deliver(msgspec.structs.replace(write, made=first.made_id))

    assert isinstance(outcome, Applied)
    assert outcome.source_id == outcome.source_data["driveruid"]
    assert (await asked_for(stand)).count("insertDriverExtern") == 1


async def test_a_driver_that_is_not_listed_yet_is_read_again_later(stand: Stand) -> None:
    session = stand.session()
    await break_action(stand, "showDriverReportExtern", kind="status", status=200, body=NO_ROWS)
    outcome = await session.deliver(create(USER, KIRA))

    assert isinstance(outcome, Transient)
    assert session.made_id == "D-901"


async def test_a_refused_driver_is_not_made(stand: Stand) -> None:
    session = stand.session()
    outcome = await session.deliver(create(USER, {**KIRA, "employee_number": "D-301"}))

    assert isinstance(outcome, Rejected)
    assert "D-301 is already in use" in outcome.details
    assert session.made_id is None


async def test_a_driver_with_our_number_and_not_our_mark_is_never_adopted(stand: Stand) -> None:
    ours = create(USER, KIRA)
    session = stand.session()
    made = await session.deliver(ours)
    assert isinstance(made, Applied)
    assert isinstance(await stand.look_up(ours), Found)

    target = SourceReference(made.source_id, {})
    assert isinstance(await session.deliver(update(USER, {"notes": "Nights only"}, target=target)), Applied)
    assert await stand.look_up(ours) == Lookalike(source_id=made.source_id, key="employee_number D-901")

    assert isinstance(await session.deliver(update(USER, {"first_name": "Kurt"}, target=target)), Applied)
    assert await stand.look_up(ours) == Conflict(source_id=made.source_id, key="employee_number D-901")


async def test_the_mark_of_an_operation_is_no_part_of_the_notes(stand: Stand) -> None:
    made = await stand.session().deliver(create(USER, KIRA))
    assert isinstance(made, Applied)
    assert made.source_data["description"] == f"Nights only [fleetwrite {OPERATION_ID.hex}]"

    (record,) = [one for one in await stand.records(USER) if one.source_id == made.source_id]
    assert record.attributes["notes"] == "Nights only"


async def test_an_update_leaves_what_it_does_not_name(stand: Stand) -> None:
    before = {one.source_id: one for one in await stand.records(USER)}[DRIVER.source_id]
    outcome = await stand.session().deliver(update(USER, {"license_number": "B072RRE2I55", "license_country": "DEU"}))
    assert isinstance(outcome, Applied)
    assert isinstance(await stand.session().deliver(update(USER, {"license_number": "B072RRE2I56"})), Applied)

    after = {one.source_id: one for one in await stand.records(USER)}[DRIVER.source_id]
    assert after.attributes == {**before.attributes, "license_number": "B072RRE2I56", "license_country": "DEU"}


async def test_an_empty_report_is_an_empty_list(stand: Stand) -> None:
    await break_action(stand, "showVehicleReportExtern", kind="status", status=200, body=NO_ROWS)

    (page,) = await stand.pages(ResourceEnum.VEHICLE)

    assert (page.records, page.cursor, page.is_last) == ([], None, True)


@pytest.mark.parametrize("body", ["<html>Welcome</html>", {"rows": []}, ["D-301"], {"errorCode": 60, "errorMsg": "x"}])
async def test_what_is_no_report_is_no_list(stand: Stand, body: Any) -> None:
    await break_action(stand, "showDriverReportExtern", kind="status", status=200, body=body)

    with pytest.raises(ProviderAnswerError):
        await stand.pages(USER)


@pytest.mark.parametrize("username", ["northwind", "northwind/somebody", "bluebird/connect", "/connect"])
async def test_another_account_or_user_is_refused(stand: Stand, username: str) -> None:
    wrong = {**stand.login.credentials, "username": username}
    session = stand.session(msgspec.structs.replace(stand.login, credentials=wrong))

    with pytest.raises(LoginRefusedError):
        await CONNECTOR.check_login(session)


@pytest.mark.parametrize("code", [8, 45])
async def test_a_login_without_the_right_to_the_report_is_known_all_the_same(stand: Stand, code: int) -> None:
    body = {"errorCode": code, "errorMsg": "Access denied."}
    await break_action(stand, "showDriverGroups", kind="status", status=200, body=body)

    assert await CONNECTOR.check_login(stand.session()) == {}


async def test_a_login_that_could_not_be_checked_is_not_refused(stand: Stand) -> None:
    await break_action(stand, "showDriverGroups", kind="status", status=502)

    with pytest.raises(ProviderAnswerError) as failed:
        await CONNECTOR.check_login(stand.session())
    assert not isinstance(failed.value, LoginRefusedError)


async def test_records_outlast_a_restart_of_the_simulator(tmp_path: Path) -> None:
    async with Stand.open(EXHIBIT, tmp_path) as stand:
        made = await stand.session().deliver(create(USER, KIRA))
    assert isinstance(made, Applied)
    async with Stand.open(EXHIBIT, tmp_path) as stand:
        records = await stand.records(USER)
    assert [one.attributes["employee_number"] for one in records] == [*(f"D-30{n}" for n in range(1, 6)), "D-901"]


def test_two_fleets_come_with_the_simulator(tmp_path: Path) -> None:
    accounts = WebfleetSimulator(tmp_path).demo_accounts()

    assert [account.credentials["username"] for account in accounts] == ["northwind/connect", "bluebird/connect"]
