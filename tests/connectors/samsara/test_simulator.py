"""What the Samsara simulator takes and refuses, beyond what its official client can be made to send."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from yarl import URL

from fleetwrite.connectors.samsara.simulator import Organization, SamsaraSimulator, Token

NORTH, SOUTH, READER = Token("north"), Token("south"), Token("reader", frozenset({"Read Drivers"}))
ORGANIZATIONS = (
    Organization(
        id="1",
        name="North",
        tokens=(NORTH, READER),
        tags=("East", "West"),
        drivers=({"name": "Ana", "username": "ana", "password": "p"},),
        users=({"name": "Olaf", "email": "olaf@north.example", "authType": "default", "role": "Full Admin"},),
        vehicles=({"name": "V1", "vin": "1XKYDP9X5MJ431190"},),
        trailers=({"name": "T1"},),
    ),
    Organization(id="2", name="South", tokens=(SOUTH,)),
)


class Samsara:
    """Calls the simulator with a token, and its control API."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self.session = session
        self.url = url

    async def call(self, method: str, path: str, body: Any = None, token: Token = NORTH) -> tuple[int, Any]:
        async with self.session.request(
            method, self.url + path, json=body, headers={"Authorization": f"Bearer {token.secret}"}
        ) as response:
            return response.status, await response.json() if response.status != 204 else None

    async def ok(self, method: str, path: str, body: Any = None, token: Token = NORTH) -> Any:
        status, answer = await self.call(method, path, body, token)
        assert status == 200, answer
        return answer["data"]

    async def refused(self, method: str, path: str, body: Any = None, status: int = 400) -> str:
        found, answer = await self.call(method, path, body)
        assert found == status, answer
        assert set(answer) == {"message", "requestId"}
        return str(answer["message"])

    async def records(self, collection: str, organization: str = "1") -> list[dict[str, Any]]:
        path = f"/_simulator/records/{collection}?organization={organization}"
        status, answer = await self.call("GET", path)
        assert status == 200, answer
        records: list[dict[str, Any]] = answer["records"]
        return records


@pytest.fixture
async def simulator(tmp_path: Path) -> AsyncIterator[SamsaraSimulator]:
    simulator = SamsaraSimulator(tmp_path, ORGANIZATIONS)
    yield simulator
    await simulator.stop()


@pytest.fixture
async def samsara(simulator: SamsaraSimulator) -> AsyncIterator[Samsara]:
    url = await simulator.start()
    async with aiohttp.ClientSession() as session:
        samsara = Samsara(session, url)
        limit = {"requests": 10_000, "per_seconds": 1, "kind": "bucket"}
        async with session.put(f"{url}/_simulator/limits", json=limit):
            pass
        yield samsara


def _driver(**more: Any) -> dict[str, Any]:
    return {"name": "Ben", "username": "ben", "password": "secret", **more}


def _purchase(**more: Any) -> dict[str, Any]:
    return {
        "transactionReference": "FC-1",
        "transactionTime": "2026-03-04T15:21:00-06:00",
        "transactionLocation": "32.7767, -96.7970",
        "fuelQuantityLiters": "412.6",
        "transactionPrice": {"amount": "371.34", "currency": "usd"},
        **more,
    }


@pytest.mark.parametrize(
    ("token", "path", "status"),
    [
        (Token("stranger"), "/me", 401),
        (READER, "/fleet/drivers", 200),
        (READER, "/fleet/vehicles", 403),
        (NORTH, "/fleet/nothing", 404),
        (NORTH, "/fleet/drivers/1", 404),
        (NORTH, "/fuel-purchase", 405),
    ],
)
async def test_tokens_scopes_and_paths_are_checked(samsara: Samsara, token: Token, path: str, status: int) -> None:
    assert (await samsara.call("GET", path, token=token))[0] == status


async def test_organisations_do_not_see_each_other(samsara: Samsara) -> None:
    (driver,) = await samsara.records("drivers")
    assert await samsara.ok("GET", "/fleet/drivers", token=SOUTH) == []
    assert (await samsara.call("GET", f"/fleet/drivers/{driver['id']}", token=SOUTH))[0] == 404
    body = {"driverIds": [int(driver["id"])], "text": "hello"}
    assert (await samsara.call("POST", "/v1/fleet/messages", body, SOUTH))[0] == 400
    await samsara.ok("POST", "/fleet/drivers", _driver(username="ana"), SOUTH)


async def test_seeds_come_once_and_tokens_at_every_start(samsara: Samsara, tmp_path: Path) -> None:
    before = await samsara.records("drivers")
    await samsara.ok("PATCH", f"/fleet/drivers/{before[0]['id']}", {"name": "Anna"})
    simulator = SamsaraSimulator(tmp_path / "again", ORGANIZATIONS)
    await simulator.start()
    await simulator.stop()
    fresh = Token("fresh")
    changed = [Organization(id="1", name="North", tokens=(fresh,), drivers=ORGANIZATIONS[0].drivers)]
    simulator = SamsaraSimulator(tmp_path / "again", changed)
    try:
        again = Samsara(samsara.session, await simulator.start())
        assert [driver["id"] for driver in await again.records("drivers")] == [before[0]["id"]]
        assert (await again.call("GET", "/me", token=NORTH))[0] == 401
        assert (await again.ok("GET", "/me", token=fresh))["id"] == "1"
        assert (await again.ok("GET", "/me", token=SOUTH))["id"] == "2"
    finally:
        await simulator.stop()


async def test_a_token_belongs_to_one_organisation(tmp_path: Path) -> None:
    simulator = SamsaraSimulator(tmp_path, [Organization(id=key, name=key, tokens=(NORTH,)) for key in ("1", "2")])
    with pytest.raises(ValueError, match="same token"):
        await simulator.start()
    await simulator.stop()


@pytest.mark.parametrize(
    ("path", "body", "word"),
    [
        ("/fleet/drivers", _driver(name=""), "name"),
        ("/fleet/drivers", _driver(name="x" * 256), "name"),
        ("/fleet/drivers", _driver(username="a@b"), "username"),
        ("/fleet/drivers", _driver(username=7), "username"),
        ("/fleet/drivers", {"name": "B", "username": "b"}, "password"),
        ("/fleet/drivers", _driver(nickname="b"), "nickname"),
        ("/fleet/drivers", _driver(timezone="Texas"), "timezone"),
        ("/fleet/drivers", _driver(licenseState="Texas"), "licenseState"),
        ("/fleet/drivers", _driver(eldDayStartHour=6), "eldDayStartHour"),
        ("/fleet/drivers", _driver(eldExempt="yes"), "eldExempt"),
        ("/fleet/drivers", _driver(tagIds=["999"]), "tagIds"),
        ("/fleet/drivers", _driver(usDriverRulesetOverride={"cycle": "Texas (7/70)"}), "restart"),
        ("/fleet/drivers", _driver(externalIds={"k": "v" * 33}), "externalIds"),
        ("/fleet/drivers", ["no object"], "object"),
        ("/assets", {"type": "car"}, "type"),
        ("/assets", {"vin": "SHORT"}, "vin"),
        ("/assets", {"year": "2021"}, "year"),
        ("/assets", {"licensePlate": "x" * 13}, "licensePlate"),
        ("/fleet/trailers", {"notes": "n"}, "name"),
        ("/fleet/trailers", {"name": "t", "vin": "1XKYDP9X5MJ431190"}, "vin"),
        ("/users", {"name": "a", "email": "a@b", "authType": "default", "roles": []}, "roles"),
        ("/users", {"name": "a", "email": "ab", "authType": "default", "roles": [{"roleId": "x"}]}, "email"),
        ("/users", {"name": "a", "email": "a@b", "authType": "default", "roles": [{"roleId": "x"}]}, "roleId"),
        ("/fleet/dvirs", {"type": "preTrip", "authorId": "1", "safetyStatus": "safe"}, "type"),
        ("/fleet/dvirs", {"type": "mechanic", "authorId": "1", "safetyStatus": "safe"}, "authorId"),
        ("/fuel-purchase", _purchase(transactionReference="x" * 33), "transactionReference"),
        ("/fuel-purchase", _purchase(transactionReference="a b"), "transactionReference"),
        ("/fuel-purchase", _purchase(transactionTime="2026-03-04T15:21:00"), "transactionTime"),
        ("/fuel-purchase", _purchase(transactionTime="2026-02-30T15:21:00Z"), "transactionTime"),
        ("/fuel-purchase", _purchase(fuelQuantityLiters=412.6), "fuelQuantityLiters"),
        ("/fuel-purchase", _purchase(transactionPrice={"amount": "1", "currency": "USD"}), "currency"),
        ("/fuel-purchase", _purchase(iftaFuelType="diesel"), "iftaFuelType"),
        ("/fuel-purchase", _purchase(vehicleId="1"), "vehicleId"),
        ("/fuel-purchase", _purchase(driverId="1"), "driverId"),
    ],
)
async def test_a_faulty_body_is_refused_naming_the_field(samsara: Samsara, path: str, body: Any, word: str) -> None:
    assert word in await samsara.refused("POST", path, body)


async def test_broken_json_is_refused(samsara: Samsara) -> None:
    headers = {"Authorization": "Bearer north"}
    async with samsara.session.post(f"{samsara.url}/assets", data=b"{", headers=headers) as response:
        assert response.status == 400
        assert "Invalid JSON" in (await response.json())["message"]


async def test_external_ids_are_unique_over_all_classes_and_become_strings(samsara: Samsara) -> None:
    driver = await samsara.ok("POST", "/fleet/drivers", _driver(externalIds={"tmsId": 7}))
    assert driver["externalIds"] == {"tmsId": "7"}
    message = await samsara.refused("POST", "/assets", {"type": "vehicle", "externalIds": {"tmsId": "7"}})
    assert "tmsId:7" in message
    await samsara.ok("POST", "/assets", {"type": "vehicle", "externalIds": {"otherId": "7"}})
    assert (await samsara.call("GET", "/fleet/vehicles/tmsId:7"))[0] == 404
    await samsara.ok("PATCH", "/fleet/drivers/tmsId:7", {"externalIds": {"tmsId": None}})
    await samsara.ok("POST", "/assets", {"type": "vehicle", "externalIds": {"tmsId": "7"}})


@pytest.mark.parametrize("value", ["a b", "50%/2", "ä?#&+"])
async def test_an_external_id_of_any_characters_works_as_path_id(samsara: Samsara, value: str) -> None:
    created = await samsara.ok("POST", "/fleet/trailers", {"name": "T", "externalIds": {"key": value}})
    quoted = "".join(f"%{byte:02X}" for byte in value.encode())
    async with samsara.session.get(
        URL(f"{samsara.url}/fleet/trailers/key%3A{quoted}", encoded=True),
        headers={"Authorization": "Bearer north"},
    ) as response:
        assert (await response.json())["data"]["id"] == created["id"]


async def test_usernames_licences_and_emails_are_unique(samsara: Samsara) -> None:
    licence = {"licenseNumber": "D1", "licenseState": "TX"}
    first = await samsara.ok("POST", "/fleet/drivers", _driver(**licence))
    assert "username" in await samsara.refused("POST", "/fleet/drivers", _driver())
    assert "license" in await samsara.refused("POST", "/fleet/drivers", _driver(username="ben2", **licence))
    await samsara.ok("POST", "/fleet/drivers", _driver(username="ben3", licenseNumber="D1", licenseState="CA"))
    await samsara.ok("PATCH", f"/fleet/drivers/{first['id']}", {"driverActivationStatus": "deactivated", **licence})
    assert "username" in await samsara.refused("POST", "/fleet/drivers", _driver())
    (user,) = await samsara.records("users")
    body = {"name": "X", "email": "OLAF@north.example", "authType": "default", "roles": user["roles"]}
    body["roles"] = [{"roleId": user["roles"][0]["role"]["id"]}]
    assert "email" in await samsara.refused("POST", "/users", body)
    assert "email" in await samsara.refused("PATCH", f"/users/{user['id']}", {"email": "new@north.example"})


async def test_a_refused_create_leaves_nothing_behind(samsara: Samsara) -> None:
    await samsara.refused("POST", "/fleet/drivers", _driver(externalIds={"k": "v"}, username="ana"))
    assert [driver["username"] for driver in await samsara.records("drivers")] == ["ana"]
    await samsara.ok("POST", "/fleet/drivers", _driver(externalIds={"k": "v"}))


async def test_passwords_are_never_shown(samsara: Samsara) -> None:
    created = await samsara.ok("POST", "/fleet/drivers", _driver())
    await samsara.ok("PATCH", f"/fleet/drivers/{created['id']}", {"password": "secret"})
    assert "password" not in created
    _, answer = await samsara.call("GET", "/_simulator/requests")
    assert len(answer["requests"]) == 2
    assert [call["body"].get("password") for call in answer["requests"]] == ["***", "***"]
    assert "secret" not in str(await samsara.records("drivers"))


async def test_an_update_changes_only_what_is_sent_and_null_clears(samsara: Samsara) -> None:
    (vehicle,) = await samsara.records("vehicles")
    path = f"/fleet/vehicles/{vehicle['id']}"
    await samsara.ok("PATCH", path, {"notes": "n", "odometerMeters": 5, "vehicleRegulationMode": "mixed"})
    changed = await samsara.ok("PATCH", path, {"licensePlate": "P", "notes": None})
    assert changed["name"] == "V1"
    assert changed["licensePlate"] == "P"
    assert changed["vehicleRegulationMode"] == "mixed"
    assert "notes" not in changed
    (stored,) = await samsara.records("vehicles")
    assert stored["odometerMeters"] == 5
    assert "name" in await samsara.refused("POST", "/fleet/trailers", {"name": None})
    for body in ({"make": "Volvo"}, {"model": "X"}, {"year": 2020}):
        assert "Unknown field" in await samsara.refused("PATCH", path, body)


async def test_a_driver_can_be_assigned_to_a_vehicle_and_taken_off(samsara: Samsara) -> None:
    (vehicle,), (driver,) = await samsara.records("vehicles"), await samsara.records("drivers")
    path = f"/fleet/vehicles/{vehicle['id']}"
    assigned = await samsara.ok("PATCH", path, {"staticAssignedDriverId": driver["id"]})
    assert assigned["staticAssignedDriver"] == {"id": driver["id"], "name": "Ana"}
    assert "staticAssignedDriver" not in await samsara.ok("PATCH", path, {"staticAssignedDriverId": "0"})


async def test_assets_share_one_id_space_and_show_up_by_type(samsara: Samsara) -> None:
    asset = await samsara.ok("POST", "/assets", {"type": "trailer", "name": "T9", "vin": "1JJV532D5ML123456"})
    assert len(asset["id"]) == 15
    assert [trailer["name"] for trailer in await samsara.ok("GET", "/fleet/trailers")] == ["T1", "T9"]
    assert [vehicle["name"] for vehicle in await samsara.ok("GET", "/fleet/vehicles")] == ["V1"]
    assert (await samsara.call("PATCH", f"/fleet/vehicles/{asset['id']}", {"name": "x"}))[0] == 404
    assert {item["name"] for item in await samsara.ok("GET", "/assets?type=trailer")} == {"T1", "T9"}
    assert [item["id"] for item in await samsara.ok("GET", f"/assets?ids={asset['id']}")] == [asset["id"]]
    assert "externalIds" not in (await samsara.ok("GET", f"/assets?ids={asset['id']}"))[0]
    assert [record["vin"] for record in await samsara.records("trailers") if "vin" in record] == [asset["vin"]]
    assert (await samsara.call("POST", "/fleet/vehicles", {"name": "x"}))[0] == 405
    assert "id" in await samsara.refused("PATCH", "/assets", {"name": "x"})


async def test_lists_filter_by_tag_and_time_and_refuse_bad_parameters(samsara: Samsara) -> None:
    east, _ = [tag["id"] for tag in await samsara.ok("GET", "/tags")]
    tagged = await samsara.ok("POST", "/fleet/drivers", _driver(tagIds=[east]))
    assert tagged["tags"] == [{"id": east, "name": "East"}]
    for name in ("tagIds", "parentTagIds"):
        assert [item["id"] for item in await samsara.ok("GET", f"/fleet/drivers?{name}={east}")] == [tagged["id"]]
    path = f"/fleet/drivers?updatedAfterTime={tagged['updatedAtTime']}"
    assert [item["id"] for item in await samsara.ok("GET", path)] == [tagged["id"]]
    for query in ("limit=0", "limit=513", "limit=x", "after=x", "updatedAfterTime=x"):
        assert query.partition("=")[0] in await samsara.refused("GET", f"/fleet/drivers?{query}")
    await samsara.refused("GET", "/fleet/drivers?attributeValueIds=1", status=501)


async def test_a_page_goes_on_behind_a_record_that_is_gone(samsara: Samsara) -> None:
    await samsara.ok("POST", "/fleet/trailers", {"name": "T2"})
    _, first = await samsara.call("GET", "/fleet/trailers?limit=1")
    assert (await samsara.call("DELETE", f"/fleet/trailers/{first['data'][0]['id']}"))[0] == 204
    _, second = await samsara.call("GET", f"/fleet/trailers?limit=1&after={first['pagination']['endCursor']}")
    assert [trailer["name"] for trailer in second["data"]] == ["T2"]
    assert second["pagination"] == {"endCursor": "", "hasNextPage": False}


async def test_a_deactivation_has_its_rules(samsara: Samsara) -> None:
    (driver,) = await samsara.records("drivers")
    path = f"/fleet/drivers/{driver['id']}"
    at = "2020-01-01T00:00:00Z"
    assert "driverActivationStatus" in await samsara.refused("PATCH", path, {"deactivatedAtTime": at})
    body = {"deactivatedAtTime": at, "driverActivationStatus": "deactivated"}
    assert "6 months" in await samsara.refused("PATCH", path, body)
    assert (await samsara.ok("PATCH", path, {"driverActivationStatus": "deactivated"}))["isDeactivated"]
    assert await samsara.ok("GET", "/fleet/drivers") == []
    assert not (await samsara.ok("PATCH", path, {"driverActivationStatus": "active"}))["isDeactivated"]


async def test_the_legacy_messages_call_errs_with_a_bare_string_and_sends_to_all_or_none(samsara: Samsara) -> None:
    (driver,) = await samsara.records("drivers")
    number = int(driver["id"])
    for body in (
        {"driverIds": [number, 1], "text": "x"},
        {"driverIds": [str(number)], "text": "x"},
        {"driverIds": [], "text": "x"},
        {"driverIds": [number], "text": "x" * 2501},
        {"driverIds": [number], "text": ""},
    ):
        status, answer = await samsara.call("POST", "/v1/fleet/messages", body)
        assert status == 400
        assert isinstance(answer, str)
    assert await samsara.records("messages") == []
    sent = await samsara.ok("POST", "/v1/fleet/messages", {"driverIds": [number], "text": "x" * 2500})
    assert sent == [{"driverId": number, "text": "x" * 2500}]
    (message,) = await samsara.records("messages")
    assert message == (await samsara.ok("GET", "/v1/fleet/messages"))[0]
    end = message["sentAtMs"]
    assert await samsara.ok("GET", f"/v1/fleet/messages?endMs={end - 1}&durationMs=1000") == []


async def test_a_fuel_purchase_is_kept_as_sent_and_a_repeated_reference_makes_a_second(samsara: Samsara) -> None:
    (vehicle,), (driver,) = await samsara.records("vehicles"), await samsara.records("drivers")
    body = _purchase(vehicleId=vehicle["id"], driverId=driver["id"], iftaFuelType="Diesel")
    first = await samsara.ok("POST", "/fuel-purchase", body)
    second = await samsara.ok("POST", "/fuel-purchase", body)
    assert await samsara.records("fuel-purchase") == [{**first, **body}, {**second, **body}]


async def test_a_mechanic_report_needs_an_asset_of_the_right_kind(samsara: Samsara) -> None:
    (user,), (trailer,) = await samsara.records("users"), await samsara.records("trailers")
    body = {"authorId": user["id"], "type": "mechanic", "safetyStatus": "safe"}
    assert "vehicleId" in await samsara.refused("POST", "/fleet/dvirs", body)
    assert "no vehicle" in await samsara.refused("POST", "/fleet/dvirs", {**body, "vehicleId": trailer["id"]})
    defects = {**body, "trailerId": trailer["id"], "resolvedDefectIds": ["1"]}
    assert "resolvedDefectIds" in await samsara.refused("POST", "/fleet/dvirs", defects)
    await samsara.ok("POST", "/fleet/dvirs", {**body, "trailerId": trailer["id"]})
    (stored,) = await samsara.records("dvirs")
    assert stored["trailer"] == {"id": trailer["id"], "name": "T1"}
    assert (await samsara.call("DELETE", f"/fleet/trailers/{trailer['id']}"))[0] == 204
    assert "trailer" not in (await samsara.ok("GET", "/dvirs/stream?startTime=2020-01-01T00:00:00Z"))[0]
    assert "startTime" in await samsara.refused("GET", "/dvirs/stream")


async def test_users_whose_access_has_expired_are_not_listed(samsara: Samsara) -> None:
    (user,) = await samsara.records("users")
    await samsara.ok("PATCH", f"/users/{user['id']}", {"expireAt": "2020-01-01T00:00:00Z"})
    assert await samsara.ok("GET", "/users") == []


async def test_documented_limits_hold_unless_replaced(samsara: Samsara) -> None:
    async with samsara.session.delete(f"{samsara.url}/_simulator/limits"):
        pass
    statuses = [(await samsara.call("GET", "/tags"))[0] for _ in range(6)]
    assert statuses == [200] * 5 + [429]
    statuses = [(await samsara.call("POST", "/fleet/trailers", {"name": "T"}))[0] for _ in range(101)]
    assert statuses.count(429) == 1
    assert (await samsara.call("POST", "/assets", {"name": "A"}))[0] == 200
