"""The rules of a Traccar server that a careless connector would break."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from connectors.traccar.traccar_server import Server, serve
from fleetwrite.connectors.traccar.endpoints import DRIVERS

DEVICE = {"name": "Unit 1", "uniqueId": "86"}
STACK = b" (PermissionsService:196 < BaseObjectResource:89 < ...)"


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    async with serve(tmp_path) as started:
        yield started


async def test_what_an_update_leaves_out_is_lost(server: Server) -> None:
    answer = await server.call("PUT", "/api/devices/1", {"id": 1, "name": "Unit 1", "uniqueId": "86"})

    assert answer.status == 200
    document = msgspec.json.decode(answer.body)
    assert (document["phone"], document["category"], document["attributes"]) == (None, None, {})
    # These are the server's own.
    assert (document["status"], document["positionId"]) == ("online", 1)


async def test_the_id_in_the_body_counts_and_not_that_of_the_path(server: Server) -> None:
    assert (await server.call("PUT", "/api/devices/1", {**DEVICE, "id": 2})).status == 200
    assert [device["name"] for device in server.held("devices")][:2] == ["Unit 101", "Unit 1"]
    assert (await server.call("PUT", "/api/devices/1", DEVICE)).status == 400


@pytest.mark.parametrize(
    "body",
    [
        {"name": "Unit 1"},
        {"uniqueId": "86"},
        {**DEVICE, "vin": "1"},
        {**DEVICE, "groupId": "1"},
        {**DEVICE, "name": "n" * 129},
        {**DEVICE, "attributes": {"notes": "n" * 3990}},
        {**DEVICE, "uniqueId": " 862464061000001 "},
        {**DEVICE, "uniqueId": "862464062000001"},
    ],
    ids=["no id", "no name", "unknown", "type", "long", "attributes", "taken", "taken by another user"],
)
async def test_whatever_is_wrong_is_400_with_a_stack_trace(server: Server, body: dict[str, Any]) -> None:
    before = server.held("devices")
    answer = await server.call("POST", "/api/devices", body)
    assert (answer.status, answer.headers["Content-Type"]) == (400, "text/plain")
    assert answer.body.endswith(STACK)
    assert server.held("devices") == before


async def test_a_user_sees_no_record_of_another(server: Server) -> None:
    theirs = server.held("devices", fleet=1)[0]["id"]
    for method, path in (("GET", f"/api/devices/{theirs}"), ("DELETE", f"/api/devices/{theirs}")):
        assert (await server.call(method, path)).status == 400
    answer = await server.call("GET", "/api/devices")
    assert theirs not in {device["id"] for device in msgspec.json.decode(answer.body)}


async def test_an_identifier_is_free_again_when_its_record_is_gone_or_has_another(server: Server) -> None:
    first, second = server.held("devices")[:2]
    await server.call("DELETE", f"/api/devices/{first['id']}")
    await server.call("PUT", f"/api/devices/{second['id']}", {**second, "uniqueId": "new"})
    for device in (first, second):
        assert (await server.call("POST", "/api/devices", {**DEVICE, "uniqueId": device["uniqueId"]})).status == 200
    assert first["id"] not in {position["deviceId"] for position in server.held("positions")}


async def test_a_driver_is_linked_to_a_device_and_unlinked(server: Server) -> None:
    pair = {"deviceId": 5, "driverId": 4}

    async def drivers() -> list[int]:
        answer = await server.session().call(DRIVERS.list.call(query=(("deviceId", str(pair["deviceId"])),)))
        return [driver["id"] for driver in msgspec.json.decode(answer.body)]

    assert await drivers() == []
    assert (await server.call("POST", "/api/permissions", pair)).status == 204
    assert await drivers() == [4]
    assert (await server.call("DELETE", "/api/permissions", pair)).status == 204
    assert await drivers() == []


async def test_a_connected_device_refuses_a_command_that_it_does_not_know_and_another_queues_it(server: Server) -> None:
    command = {"type": "message", "attributes": {"message": "Dock 4"}}
    connected, other = 4, 5
    assert (await server.call("POST", "/api/commands/send", {**command, "deviceId": connected})).status == 400
    queued = await server.call("POST", "/api/commands/send", {**command, "deviceId": other})
    assert queued.status == 202
    assert msgspec.json.decode(queued.body)["id"] > 0


async def test_records_and_identifiers_outlast_a_restart(tmp_path: Path) -> None:
    async with serve(tmp_path) as server:
        await server.call("POST", "/api/devices", DEVICE)
        before = server.held("devices")
    async with serve(tmp_path) as server:
        assert server.held("devices") == before
        assert (await server.call("POST", "/api/devices", DEVICE)).status == 400
