"""The simulator under the provider's own client library: what that one sends is taken, what it gets it can parse."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import mygeotab  # type: ignore[import-untyped]  # it ships no types
import pytest
from mygeotab.exceptions import (  # type: ignore[import-untyped]  # see above
    AuthenticationException,
    MyGeotabException,
)

from fleetwrite.connectors.geotab.simulator import GeotabSimulator

USERNAME = "fleetwrite@northwind-haulage.example"
PASSWORD = "Demo-northwind_haulage-2026"
DATABASE = "northwind_haulage"


@pytest.fixture
async def simulator(tmp_path: Path) -> AsyncIterator[GeotabSimulator]:
    simulator = GeotabSimulator(tmp_path)
    yield simulator
    await simulator.stop()


@pytest.fixture
async def server(simulator: GeotabSimulator, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address by which the client speaks plain HTTP."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return f"{await simulator.start()}/apiv1"


@pytest.fixture
async def geotab(server: str) -> mygeotab.API:
    api = mygeotab.API(username=USERNAME, password=PASSWORD, database=DATABASE, server=server)
    await asyncio.to_thread(api.authenticate)
    return api


async def ask(method: Any, *arguments: Any, **parameters: Any) -> Any:
    """Call the client, which blocks, beside the simulator's event loop."""
    return await asyncio.to_thread(method, *arguments, **parameters)


async def test_signing_in_gives_a_session_that_stays_here(geotab: mygeotab.API, server: str) -> None:
    credentials = geotab.credentials
    assert (credentials.username, credentials.database, credentials.server) == (USERNAME, DATABASE, server)
    assert credentials.session_id
    assert credentials.password is None
    assert await ask(geotab.call, "GetCountOf", type_name="Device") == 10


@pytest.mark.parametrize(("password", "database"), [("wrong", DATABASE), (PASSWORD, "no_such_database")])
async def test_wrong_credentials_are_refused(server: str, password: str, database: str) -> None:
    stranger = mygeotab.API(username=USERNAME, password=password, database=database, server=server)
    with pytest.raises(AuthenticationException):
        await ask(stranger.authenticate)


async def test_the_client_signs_in_anew_when_its_session_is_over(server: str, simulator: GeotabSimulator) -> None:
    api = mygeotab.API(username=USERNAME, password=PASSWORD, database=DATABASE, session_id="over", server=server)
    assert len(await ask(api.get, "User", results_limit=3)) == 3
    simulator.forget_sessions()
    with pytest.raises(AuthenticationException):
        # It forgets the password once it has a session.
        await ask(api.get, "User")


async def test_a_vehicle_is_added_found_set_and_removed(geotab: mygeotab.API) -> None:
    entity = {"name": "Unit 500", "groups": [{"id": "GroupCompanyId"}], "serialNumber": "G9TEST000500"}
    vehicle_id = await ask(geotab.add, "Device", entity)
    assert vehicle_id == "bB"
    (vehicle,) = await ask(geotab.get, "Device", id=vehicle_id)
    assert vehicle["activeTo"] == datetime(2050, 1, 1, tzinfo=UTC)
    assert vehicle["groups"] == [{"id": "GroupCompanyId"}, {"id": "GroupVehicleId"}]
    # Dates go back as the client writes them.
    assert await ask(geotab.set, "Device", {**vehicle, "licensePlate": "7XYZ889"}) is None
    (again,) = await ask(geotab.get, "Device", search={"name": "unit 50%"})
    assert (again["id"], again["licensePlate"], again["serialNumber"]) == (vehicle_id, "7XYZ889", "G9TEST000500")
    assert again["version"] > vehicle["version"]
    assert await ask(geotab.remove, "Device", {"id": vehicle_id}) is None
    assert await ask(geotab.get, "Device", id=vehicle_id) == []


async def test_setting_a_part_resets_the_rest(geotab: mygeotab.API) -> None:
    (vehicle,) = await ask(geotab.get, "Device", id="b1")
    await ask(geotab.set, "Device", {"id": "b1", "name": "Unit 1", "groups": vehicle["groups"]})
    (again,) = await ask(geotab.get, "Device", id="b1")
    assert (again["licensePlate"], again["serialNumber"]) == ("", "")


async def test_vehicles_and_trailers_are_told_apart_by_their_group(geotab: mygeotab.API) -> None:
    everything = await ask(geotab.get, "Device")
    vehicles = await ask(geotab.get, "Device", search={"groups": [{"id": "GroupVehicleId"}]})
    trailers = await ask(geotab.get, "Device", search={"groups": [{"id": "GroupTrailerId"}]})
    assert [one["id"] for one in vehicles + trailers] == [one["id"] for one in everything]
    assert len(trailers) == 4


async def test_a_driver_is_added_and_a_name_taken_once(geotab: mygeotab.API) -> None:
    entity = {
        "name": "gus.hall@fleet.example",
        "firstName": "Gus",
        "lastName": "Hall",
        "password": "correct horse battery",
        "isDriver": True,
        **{groups: [{"id": "GroupCompanyId"}] for groups in ("companyGroups", "driverGroups")},
        "securityGroups": [{"id": "GroupDriveUserSecurityId"}],
    }
    driver_id = await ask(geotab.add, "User", entity)
    (driver,) = await ask(geotab.get, "User", name="gus.hall@fleet.example")
    assert driver["id"] == driver_id
    assert "password" not in driver
    for changes, expected in (
        ({}, "DuplicateUserException"),
        ({"name": "other@fleet.example", "password": "gus hall 1"}, "PasswordPolicyViolationException"),
        ({"name": "other@fleet.example", "driverGroups": []}, "ArgumentNullException"),
        ({"name": "other@fleet.example", "securityGroups": [{"id": "b999"}]}, "ArgumentException"),
        ({"name": "other@fleet.example", "nickname": "Gus"}, "MissingMemberException"),
    ):
        with pytest.raises(MyGeotabException) as caught:
            await ask(geotab.add, "User", {**entity, **changes})
        assert caught.value.name == expected


async def test_a_message_goes_to_the_vehicle_that_a_driver_is_in(geotab: mygeotab.API) -> None:
    (driver,) = await ask(geotab.get, "User", name="ana.ruiz@%")
    (state,) = await ask(geotab.get, "DeviceStatusInfo", search={"userSearch": {"id": driver["id"]}})
    message = {
        "device": state["device"],
        "recipient": {"id": driver["id"]},
        "messageContent": {"contentType": "Normal", "message": "Load 4711 moved to dock 7."},
        "isDirectionToVehicle": True,
    }
    message_id = await ask(geotab.add, "TextMessage", message)
    (sent,) = await ask(geotab.get, "TextMessage", id=message_id)
    assert sent["sent"] <= datetime.now(UTC)
    assert sent["delivered"] == datetime(2050, 1, 1, tzinfo=UTC)
    with pytest.raises(MyGeotabException) as caught:
        await ask(geotab.add, "TextMessage", {**message, "messageContent": {"contentType": "IoxOutput"}})
    assert caught.value.name == "ArgumentException"


async def test_an_inspection_is_found_by_its_instant(geotab: mygeotab.API) -> None:
    log = {
        "dateTime": datetime(2026, 11, 2, 8, 15, tzinfo=UTC),
        "device": {"id": "b1"},
        "driver": {"id": "b4"},
        "defectList": {"id": "GroupDefectsId"},
        "logType": "PreTrip",
    }
    log_id = await ask(geotab.add, "DVIRLog", log)
    at, later = log["dateTime"], datetime(2026, 11, 2, 8, 16, tzinfo=UTC)
    found = await ask(geotab.get, "DVIRLog", search={"deviceSearch": {"id": "b1"}, "fromDate": at, "toDate": at})
    assert [one["id"] for one in found] == [log_id]
    assert await ask(geotab.get, "DVIRLog", search={"deviceSearch": {"id": "b1"}, "fromDate": later}) == []


async def test_an_equal_fuel_transaction_is_refused_whatever_its_source_data(geotab: mygeotab.API) -> None:
    purchase = {
        "dateTime": datetime(2026, 11, 2, 9, 21, tzinfo=UTC),
        "device": {"id": "b1"},
        "volume": 412.6,
        "externalReference": "FW-1",
        "sourceData": "{}",
    }
    await ask(geotab.add, "FuelTransaction", purchase)
    with pytest.raises(MyGeotabException) as caught:
        await ask(geotab.add, "FuelTransaction", {**purchase, "sourceData": '{"by": "another"}'})
    assert caught.value.name == "DuplicateException"
    await ask(geotab.add, "FuelTransaction", {**purchase, "volume": 412.7})
    found = await ask(geotab.get, "FuelTransaction", externalReference="FW-1")
    assert [(one["volume"], one["currencyCode"], "sourceData" in one) for one in found] == [
        (412.6, "USD", False),
        (412.7, "USD", False),
    ]


async def test_what_is_not_known_is_an_error_of_its_own(geotab: mygeotab.API) -> None:
    for method, parameters, expected in (
        ("Explode", {"type_name": "Device"}, "MissingMethodException"),
        ("Get", {"type_name": "Zone"}, "MissingMethodException"),
        ("Get", {"type_name": "Device", "search": {"colour": "red"}}, "MissingMemberException"),
        (
            "Set",
            {"type_name": "Device", "entity": {"id": "bFFF", "name": "x", "groups": [{"id": "b2711"}]}},
            "ArgumentException",
        ),
    ):
        with pytest.raises(MyGeotabException) as caught:
            await ask(geotab.call, method, **parameters)
        assert caught.value.name == expected


async def test_the_eleventh_login_of_a_minute_is_over_the_limit(server: str) -> None:
    api = mygeotab.API(username=USERNAME, password="wrong", database=DATABASE, server=server)
    for _ in range(10):
        with pytest.raises(AuthenticationException):
            await ask(api.authenticate)
    with pytest.raises(MyGeotabException) as caught:
        await ask(api.authenticate)
    assert caught.value.name == "OverLimitException"
    # Another user has a limit of its own.
    other = mygeotab.API(username="other", password="wrong", database=DATABASE, server=server)
    with pytest.raises(AuthenticationException):
        await ask(other.authenticate)
