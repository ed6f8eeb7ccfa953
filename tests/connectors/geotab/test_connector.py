"""What is special about Geotab: its hosts and sessions, whole entities, vehicles for messages, duplicates."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.geotab.geotab_provider import (
    ANY_ID,
    DRIVER_ON_HOLIDAY,
    OFFICE_USER,
    OPERATION_ID,
    OTHER_OPERATION_ID,
    Provider,
    create,
    update,
)
from fleetwrite.connectors.geotab.connector import CONNECTOR
from fleetwrite.connectors.geotab.simulator import Database, Login
from fleetwrite.connectors.geotab.simulator.databases import asset, driver, office_user
from fleetwrite.connectors.sdk.connector import LoginRefusedError, ProviderAnswerError
from fleetwrite.connectors.sdk.outcome import (
    Absent,
    Applied,
    Conflict,
    Found,
    Rejected,
    Throttled,
    Uncertain,
    Unknowable,
)
from fleetwrite.connectors.sdk.write import SourceReference
from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.kit.egress import AnswerLostError

MARK = f"fleetwrite:{OPERATION_ID.hex}"
MESSAGE = {"sender_id": ANY_ID, "recipient_id": ANY_ID, "message_text": "Dock 7"}
INSPECTION = {"driver_id": ANY_ID, "vehicle_id": ANY_ID, "occurred_at": "2026-11-02T08:15:00Z", "log_type": "pre_trip"}
PURCHASE = {
    "driver_id": ANY_ID,
    "vehicle_id": ANY_ID,
    "transaction_time": "2026-11-02T09:21:00Z",
    "fuel_volume": 412.6,
    "fuel_volume_unit": "LITER",
}
GUS = {"username": "gus@fleet.example", "first_name": "Gus", "last_name": "Hall", "is_driver": True}


@pytest.fixture
async def provider(tmp_path: Path) -> AsyncIterator[Provider]:
    async with Provider.open(tmp_path) as provider:
        yield provider


async def test_calls_go_to_the_host_that_signing_in_names(tmp_path: Path) -> None:
    async with Provider.open(tmp_path, host="localhost") as provider:
        session = provider.session()
        outcome = await session.deliver(create(ResourceEnum.VEHICLE, {"vehicle_name": "Unit 1"}))
        assert isinstance(outcome, Applied)
        port = provider.url.rpartition(":")[2]
        assert session.login.session["path"] == f"localhost:{port}"
        # Elsewhere the session is not known: the simulator answers at 127.0.0.1 to those only who sign in.
        assert await provider.operations() == ["Authenticate", "Add Device"]


async def test_a_host_that_is_none_is_not_called(provider: Provider) -> None:
    for path in ("my23.geotab.com/elsewhere", "user@elsewhere.example", ""):
        credentials = {"database": "d", "userName": "u", "sessionId": "s"}
        await provider.fault(
            "Authenticate", "status", status=200, body={"result": {"credentials": credentials, "path": path}}
        )
        with pytest.raises(ProviderAnswerError, match="neither a session nor a host"):
            await CONNECTOR.check_login(provider.session())


async def test_a_session_is_used_until_geotab_refuses_it(provider: Provider) -> None:
    session = provider.session()
    for number in range(3):
        await session.deliver(create(ResourceEnum.VEHICLE, {"vehicle_name": f"Unit {number}"}))
    await provider.control.end_sessions()
    await session.deliver(create(ResourceEnum.VEHICLE, {"vehicle_name": "Unit 4"}))
    assert await provider.operations() == [
        *("Authenticate", "Add Device", "Add Device", "Add Device"),
        *("Add Device", "Authenticate", "Add Device"),
    ]


async def test_an_unknown_database_says_nothing_about_the_password(provider: Provider) -> None:
    with pytest.raises(ProviderAnswerError, match="UnknownDatabase") as caught:
        await CONNECTOR.check_login(provider.session(database="no_such_database"))
    assert not isinstance(caught.value, LoginRefusedError)


async def test_a_login_without_the_right_to_look_is_one_all_the_same(tmp_path: Path) -> None:
    async with Provider.open(tmp_path, databases=[_fleet("GetCountOf Device")]) as provider:
        assert await CONNECTOR.check_login(provider.session()) == {}


async def test_logins_beyond_the_limit_are_put_off(provider: Provider) -> None:
    for _ in range(10):
        with pytest.raises(LoginRefusedError):
            await CONNECTOR.check_login(provider.session(password="wrong"))
    write = create(ResourceEnum.VEHICLE, {"vehicle_name": "Unit 1"})
    with pytest.raises(ProviderAnswerError) as caught:
        await provider.session().deliver(write)
    meaning = CONNECTOR.read_outcome(write, CONNECTOR.translate(write).call, caught.value.answer)
    assert isinstance(meaning, Throttled)
    # A whole number of seconds, as Geotab counts them.
    assert meaning.retry_after_s is not None
    assert meaning.retry_after_s in range(1, 61)
    assert caught.value.answer.headers["X-Rate-Limit-Remaining"] == "0"


async def test_an_update_leaves_everything_else_as_it_is(provider: Provider) -> None:
    before = provider.records("Device")["b1"]
    outcome = await provider.session().deliver(update(ResourceEnum.VEHICLE, {"license_plate_number": "NEW 1"}))
    assert isinstance(outcome, Applied)
    after = provider.records("Device")["b1"]
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {"licensePlate", "version"}
    assert outcome.source_data["licensePlate"] == "NEW 1"


async def test_an_update_of_what_is_gone_sends_nothing(provider: Provider) -> None:
    write = update(ResourceEnum.VEHICLE, {"license_plate_number": "NEW 1"})
    provider.simulator.storage.delete("northwind_haulage", "Device", "b1")
    outcome = await provider.session().deliver(write)
    assert isinstance(outcome, Rejected)
    assert "no vehicle with id b1 any more" in outcome.details
    assert (await provider.operations())[-1] == "Get Device"
    assert await provider.look_up(write) == Absent()


async def test_an_update_that_could_not_be_read_sends_nothing(provider: Provider) -> None:
    await provider.fault("Get Device", "status", status=200, body="maintenance")
    with pytest.raises(ProviderAnswerError):
        await provider.session().deliver(update(ResourceEnum.VEHICLE, {"notes": "x"}))
    assert "Set Device" not in await provider.operations()


async def test_notes_change_and_the_mark_stays(provider: Provider) -> None:
    session = provider.session()
    made = await session.deliver(create(ResourceEnum.VEHICLE, {"vehicle_name": "Unit 1", "notes": "Old"}))
    assert isinstance(made, Applied)
    assert provider.records("Device")[made.source_id]["comment"] == f"Old\n{MARK}"
    target = (await provider.listed(ResourceEnum.VEHICLE))[made.source_id]
    assert target.attributes["notes"] == "Old"
    for fields, cleared, expected in (({"notes": "New"}, set[str](), f"New\n{MARK}"), ({}, {"notes"}, MARK)):
        changes: dict[str, Any] = {"target": SourceReference(made.source_id, {}), "cleared": frozenset(cleared)}
        await session.deliver(update(ResourceEnum.VEHICLE, fields, **changes))
        assert provider.records("Device")[made.source_id]["comment"] == expected


@pytest.mark.parametrize("resource", [ResourceEnum.VEHICLE, ResourceEnum.TRAILER, ResourceEnum.USER])
async def test_what_is_put_out_of_use_ends_when_it_is_sent(provider: Provider, resource: ResourceEnum) -> None:
    session, write = provider.session(), update(resource, {"is_active": False})
    assert await provider.look_up(write) == Absent()
    assert isinstance(await session.deliver(write), Applied)
    assert isinstance(await provider.look_up(write), Found)
    assert write.target is not None
    held = provider.records("User" if resource is ResourceEnum.USER else "Device")[write.target.source_id]
    assert abs(datetime.now(UTC) - datetime.fromisoformat(held["activeTo"])) < timedelta(minutes=1)
    assert (await provider.listed(resource))[write.target.source_id].attributes["is_active"] is False
    again = update(resource, {"is_active": True})
    assert await provider.look_up(again) == Absent()
    assert isinstance(await session.deliver(again), Applied)
    assert (await provider.listed(resource))[write.target.source_id].attributes["is_active"] is True


async def test_an_office_user_becomes_a_driver_of_the_own_groups(provider: Provider) -> None:
    write = update(ResourceEnum.USER, {"is_driver": True}, target=OFFICE_USER)
    assert isinstance(await provider.session().deliver(write), Applied)
    assert provider.records("User")["b2"]["driverGroups"] == [{"id": "GroupCompanyId"}]


async def test_a_message_goes_to_the_vehicle_heard_of_last(provider: Provider) -> None:
    storage = provider.simulator.storage
    state = storage.collection("northwind_haulage", "DeviceStatusInfo")["b1"]
    later = {**state, "id": "b3", "device": {"id": "b3"}, "dateTime": "2026-11-02T08:15:00.000Z"}
    storage.put("northwind_haulage", "DeviceStatusInfo", "b3", later)
    outcome = await provider.session().deliver(create(ResourceEnum.MESSAGE, MESSAGE))
    assert isinstance(outcome, Applied)
    (message,) = provider.records("TextMessage").values()
    assert message["device"] == {"id": "b3"}
    assert outcome.source_id == message["id"]


async def test_a_message_to_a_driver_without_a_vehicle_is_refused(provider: Provider) -> None:
    references = {**create(ResourceEnum.MESSAGE, MESSAGE).references, "recipient_id": DRIVER_ON_HOLIDAY}
    outcome = await provider.session().deliver(create(ResourceEnum.MESSAGE, MESSAGE, references=references))
    assert isinstance(outcome, Rejected)
    assert outcome.details.startswith("driver_has_no_vehicle: ")
    assert DRIVER_ON_HOLIDAY.source_id in outcome.details
    assert await provider.operations() == ["Authenticate", "Get DeviceStatusInfo"]


async def test_a_lost_message_is_found_in_another_vehicle_and_equal_ones_are_counted(provider: Provider) -> None:
    session, write = provider.session(), create(ResourceEnum.MESSAGE, MESSAGE)
    await session.deliver(write)
    storage = provider.simulator.storage
    (state,) = [one for one in provider.records("DeviceStatusInfo").values() if one["driver"]["id"] == "b4"]
    storage.put("northwind_haulage", "DeviceStatusInfo", "b1", {**state, "driver": "UnknownDriverId"})
    found = await provider.look_up(write)
    assert isinstance(found, Found)
    assert found.sightings == 1
    storage.put("northwind_haulage", "DeviceStatusInfo", "b1", state)
    await session.deliver(create(ResourceEnum.MESSAGE, {**MESSAGE, "message_text": " Dock  7 "}))
    again = await provider.look_up(write)
    assert isinstance(again, Found)
    assert again.sightings == 2


async def test_a_message_of_before_the_attempt_is_none_of_ours(provider: Provider) -> None:
    session, write = provider.session(), create(ResourceEnum.MESSAGE, MESSAGE)
    await session.deliver(write)
    (message,) = provider.records("TextMessage").values()
    earlier = (datetime.now(UTC) - timedelta(minutes=5)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    provider.simulator.storage.put("northwind_haulage", "TextMessage", message["id"], {**message, "sent": earlier})
    assert await provider.look_up(write, timedelta(seconds=10)) == Absent()
    assert isinstance(await provider.look_up(write, timedelta(minutes=6)), Found)


async def test_an_inspection_differs_by_what_it_says(provider: Provider) -> None:
    session, write = provider.session(), create(ResourceEnum.DVIR_LOG, INSPECTION)
    await session.deliver(write)
    assert isinstance(await provider.look_up(write), Found)
    for change in ({"driver_comment": "Mirror"}, {"log_type": "post_trip"}, {"occurred_at": "2026-11-02T08:15:01Z"}):
        assert await provider.look_up(create(ResourceEnum.DVIR_LOG, {**INSPECTION, **change})) == Absent()


async def test_an_equal_purchase_is_refused_and_its_holder_named(provider: Provider) -> None:
    session = provider.session()
    first = await session.deliver(create(ResourceEnum.FUEL_TRANSACTION, PURCHASE))
    assert isinstance(first, Applied)
    second = create(ResourceEnum.FUEL_TRANSACTION, PURCHASE, operation_id=OTHER_OPERATION_ID)
    outcome = await session.deliver(second)
    assert isinstance(outcome, Rejected)
    assert f"{first.source_id} has the same reference FW-" in outcome.details
    assert len(provider.records("FuelTransaction")) == 1
    looked_up = await provider.look_up(second)
    assert isinstance(looked_up, Conflict)
    assert looked_up.source_id == first.source_id


async def test_a_purchase_of_ours_that_is_there_already_is_taken_as_done(provider: Provider) -> None:
    session, write = provider.session(), create(ResourceEnum.FUEL_TRANSACTION, PURCHASE)
    await provider.fault("Add FuelTransaction", "commit_then_drop")
    with pytest.raises(AnswerLostError):
        await session.deliver(write)
    outcome = await session.deliver(write)
    assert isinstance(outcome, Applied)
    assert list(provider.records("FuelTransaction")) == [outcome.source_id]


async def test_a_login_name_that_is_taken_names_its_holder(provider: Provider) -> None:
    session = provider.session()
    taken = {**GUS, "username": "Ana.Ruiz@northwind-haulage.example"}
    outcome = await session.deliver(create(ResourceEnum.USER, taken))
    assert isinstance(outcome, Rejected)
    assert "DuplicateUserException" in outcome.details
    assert "b4 has the same username" in outcome.details


async def test_a_serial_number_that_is_taken_names_its_holder(provider: Provider) -> None:
    write = create(ResourceEnum.VEHICLE, {"vehicle_name": "Unit 1", "eld_serial_number": "G91000000003"})
    outcome = await provider.session().deliver(write)
    assert isinstance(outcome, Rejected)
    assert "b3 has the same eld_serial_number G91000000003" in outcome.details
    assert isinstance(await provider.look_up(write), Conflict)


async def test_a_licence_that_is_taken_is_refused_in_geotabs_words(provider: Provider) -> None:
    outcome = await provider.session().deliver(create(ResourceEnum.USER, {**GUS, "license_number": "D4410002"}))
    assert isinstance(outcome, Rejected)
    assert "DuplicateException: A driver with this licence number exists already." in outcome.details


async def test_what_is_no_call_gets_a_page(provider: Provider) -> None:
    answer = await provider.egress.request("POST", f"{provider.url}/apiv2", body=b"{}", timeout_s=10)
    assert (answer.status, answer.headers["Content-Type"]) == (404, "text/html")


async def test_an_answer_that_is_none_of_geotabs_leaves_a_create_open(provider: Provider) -> None:
    for body in ("<html>Back soon</html>", {"status": "ok"}, {"result": None}, {"result": {"id": 7}}):
        await provider.fault("Add Device", "status", status=200, body=body)
        outcome = await provider.session().deliver(create(ResourceEnum.VEHICLE, {"vehicle_name": "Unit 1"}))
        assert isinstance(outcome, Uncertain)


async def test_a_login_that_may_not_read_leaves_it_open_whether_it_wrote(tmp_path: Path) -> None:
    async with Provider.open(tmp_path, databases=[_fleet("Get FuelTransaction")]) as provider:
        finding = await provider.look_up(create(ResourceEnum.FUEL_TRANSACTION, PURCHASE))
        assert isinstance(finding, Unknowable)
        assert "InvalidPermissionsException" in finding.reason


async def test_a_password_that_geotab_repeats_is_not_told(provider: Provider) -> None:
    session, write = provider.session(), create(ResourceEnum.USER, GUS)
    call = CONNECTOR.translate(write).with_secrets({"password": "horse staple"})
    error = {"message": "horse staple is weak", "data": {"type": "PasswordPolicyViolationException"}}
    await provider.fault("Add User", "status", status=200, body={"error": error})
    outcome = await CONNECTOR.carry_out(write, call, session)
    assert isinstance(outcome, Rejected)
    assert "*** is weak" in outcome.details
    assert "horse staple" not in repr(await CONNECTOR.carry_out(write, call, session))


async def test_vehicles_and_trailers_are_listed_apart(provider: Provider) -> None:
    vehicles, trailers = (
        await provider.listed(ResourceEnum.VEHICLE),
        await provider.listed(ResourceEnum.TRAILER),
    )
    assert [one.attributes["vehicle_name"] for one in vehicles.values()] == [f"Unit 10{n}" for n in range(1, 7)]
    assert [one.attributes["trailer_name"] for one in trailers.values()] == [f"Trailer 10{n}" for n in range(1, 5)]
    assert vehicles["b1"].attributes == {
        "vehicle_name": "Unit 101",
        "vin": "1XKYDP9X1MJ431001",
        "license_plate_number": "NW1001",
        "license_plate_region": "TX",
        "eld_serial_number": "G91000000001",
        "eld_device_type": "GO9",
        "is_active": True,
    }


async def test_a_list_that_does_not_move_on_is_an_error(provider: Provider) -> None:
    page = [{"id": "b1", "name": "Unit 1"}]
    await provider.fault("Get Device", "status", status=200, body={"result": page}, count=2)
    with pytest.raises(ProviderAnswerError, match="nothing but b1 behind b1"):
        await provider.listed(ResourceEnum.VEHICLE)


def _fleet(*forbidden: str) -> Database:
    """A fleet whose gateway may not do something."""
    return Database(
        name="narrow",
        fleet_name="Narrow",
        logins=(Login("gateway@fleet.example", "Demo-narrow-2026", frozenset(forbidden)),),
        users=(office_user("Gateway One", "gateway@fleet.example"),),
        drivers=(driver("Ana Ruiz", "ana@fleet.example"),),
        vehicles=(asset("Unit 1", "GroupVehicleId"),),
    )
