"""Connections are read, paused, drained and given new credentials over HTTP, each by partners that may use it only."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from fleetwrite.connectors.samsara.simulator import Organization, SamsaraSimulator, Token
from fleetwrite.connectors.sdk.simulator import Fault
from fleetwrite.contract.enums import ConnectionStatusEnum, ResourceEnum
from fleetwrite.contract.integrations import ConnectionRead
from integration.api.error_bodies import details_of, error_body
from integration.api.world import NOWHERE, Connected, HttpAnswer, World
from integration.api.write_bodies import CREATE, WriteEndpoint

TRAILER = WriteEndpoint(ResourceEnum.TRAILER, CREATE)
GOOD = "samsara_api_renewed"


def path(connected: Connected) -> str:
    return f"/v2/integrations/connections/{connected.id}"


@pytest.fixture
async def simulator(fresh_world: World, tmp_path: Path) -> AsyncIterator[SamsaraSimulator]:
    """The provider of the first connection, which knows one token."""
    simulator = SamsaraSimulator(tmp_path, (Organization(id="7001", name="Acme", tokens=(Token(GOOD),)),))
    url = await simulator.start()
    await fresh_world.services.connections.replace_settings(UUID(fresh_world.first.id), {"base_url": url})
    yield simulator
    await simulator.stop()


async def steer(world: World, connected: Connected, verb: str) -> HttpAnswer:
    return await world.send_json("POST", f"/v2/fleetwrite/connections/{connected.id}/{verb}", None)


async def write(world: World) -> HttpAnswer:
    return await world.send_json("POST", TRAILER.path(""), TRAILER.body(world))


async def is_held(world: World, connected: Connected) -> bool:
    held: bool = await world.services.database.pool.fetchval(
        "SELECT held FROM lane_owners WHERE id = $1", UUID(connected.id)
    )
    return held


async def token_of(world: World, connected: Connected) -> str:
    async with world.services.database.acquire() as connection:
        accounts = await world.services.connections.open_accounts(connection, [UUID(connected.id)])
    return accounts[UUID(connected.id)].credentials["token"]


async def stale(world: World, connected: Connected) -> None:
    async with world.services.database.transaction() as connection:
        await world.services.connections.set_status(connection, UUID(connected.id), ConnectionStatusEnum.STALE)


async def test_a_connection_is_shown_as_in_the_list_and_masked(world: World) -> None:
    answer = await world.get(path(world.first))
    assert answer.status == 200
    assert answer.json().keys() == set(ConnectionRead.__struct_fields__)
    assert answer.json()["credentials"] == {"token": "*****", "url": NOWHERE}
    listed = (await world.get("/v2/integrations/connections")).json()["items"]
    assert answer.json() in listed


async def test_a_paused_connection_accepts_and_sends_nothing_until_it_is_resumed(fresh_world: World) -> None:
    world = fresh_world
    paused = await steer(world, world.first, "pause")
    assert paused.status == 200
    assert paused.json() == {
        "connection_id": world.first.id,
        "status": "paused",
        "accepts": True,
        "sends": False,
        "is_tsp_paused": False,
        "waiting": 0,
    }
    accepted = await write(world)
    assert accepted.status == 202
    waiting = (await world.get(f"/v2/fleetwrite/operations/{accepted.json()['id']}")).json()["waiting"]
    assert waiting["state"] == "held"
    assert (await world.get(f"/v2/fleetwrite/connections/{world.first.id}")).json()["waiting"] == 1
    assert not await is_held(world, world.second)

    resumed = (await steer(world, world.first, "resume")).json()
    assert (resumed["status"], resumed["sends"]) == ("active", True)
    assert not await is_held(world, world.first)


async def test_a_draining_connection_delivers_and_takes_nothing_new_until_it_is_resumed(fresh_world: World) -> None:
    world = fresh_world
    operation_id = (await write(world)).json()["id"]
    before = await world.row_counts()
    drained = (await steer(world, world.first, "drain")).json()
    assert (drained["accepts"], drained["sends"], drained["waiting"]) == (False, True, 1)
    assert not await is_held(world, world.first)

    refused = await write(world)
    assert refused.status == 409
    assert "resume" in error_body(refused).detail
    assert await world.row_counts() == before
    cancelled = await world.send_json("POST", f"/v2/fleetwrite/operations/{operation_id}/cancel", None)
    assert cancelled.status == 200
    retried = await world.send_json("POST", f"/v2/fleetwrite/operations/{operation_id}/retry", None)
    assert retried.status == 409

    assert (await steer(world, world.first, "resume")).json()["accepts"]
    assert (await write(world)).status == 202


async def test_the_status_may_be_set_to_active_and_paused(fresh_world: World) -> None:
    world = fresh_world
    body = {"status": "paused", "description": "Depot"}
    changed = (await world.send_json("PATCH", path(world.first), body)).json()
    assert (changed["status"], changed["description"]) == ("paused", "Depot")
    assert await is_held(world, world.first)
    changed = (await world.send_json("PATCH", path(world.first), {"status": "active", "description": None})).json()
    assert (changed["status"], changed["description"]) == ("active", "Depot")
    assert not await is_held(world, world.first)


@pytest.mark.parametrize(
    ("body", "faults"),
    [
        ({"status": "stale"}, {"body.status": "enum"}),
        ({"status": "deleted"}, {"body.status": "enum"}),
        ({"status": "gone"}, {"body.status": "enum"}),
        ({"credentials": "secret-token"}, {"body.credentials": "type"}),
        ({"credentials": {}}, {"body.credentials.token": "missing"}),
        ({"credentials": {"token": 17}}, {"body.credentials.token": "type"}),
        ({"credentials": {"token": None}}, {"body.credentials.token": "missing"}),
        (
            {"credentials": {"tokn": "secret-token"}},
            {"body.credentials.token": "missing", "body.credentials.tokn": "unknown_field"},
        ),
        ({"tsp_id": "x"}, {"body.tsp_id": "unknown_field"}),
    ],
)
async def test_changes_that_can_not_be_are_named_without_repeating_secrets(
    world: World, body: dict[str, Any], faults: dict[str, str]
) -> None:
    before = (await world.get(path(world.first))).json()
    answer = await world.send_json("PATCH", path(world.first), body)
    assert (answer.status, details_of(answer)) == (422, faults)
    assert "secret-token" not in answer.text
    assert (await world.get(path(world.first))).json() == before


async def test_credentials_that_work_are_stored_and_release_a_stale_connection(
    fresh_world: World, simulator: SamsaraSimulator
) -> None:
    del simulator
    world = fresh_world
    await stale(world, world.first)
    changed = await world.send_json("PATCH", path(world.first), {"credentials": {"token": GOOD}})
    assert (changed.status, changed.json()["status"]) == (200, "active")
    assert changed.json()["credentials"]["token"] == "*****"
    assert GOOD not in changed.text
    assert await token_of(world, world.first) == GOOD
    assert not await is_held(world, world.first)


async def test_new_credentials_leave_a_paused_connection_paused(
    fresh_world: World, simulator: SamsaraSimulator
) -> None:
    del simulator
    await steer(fresh_world, fresh_world.first, "pause")
    changed = await fresh_world.send_json("PATCH", path(fresh_world.first), {"credentials": {"token": GOOD}})
    assert changed.json()["status"] == "paused"


@pytest.mark.parametrize("kind", ["refused", "failing", "away"])
async def test_credentials_that_can_not_be_shown_to_work_change_nothing(
    fresh_world: World, simulator: SamsaraSimulator, kind: str
) -> None:
    world = fresh_world
    await stale(world, world.first)
    if kind == "failing":
        simulator.faults.add(Fault(method="GET", path="/", kind="status", status=500, count=10))
    elif kind == "away":
        await simulator.stop()
    body = {"credentials": {"token": "secret-token" if kind == "refused" else GOOD}, "description": "New"}
    answer = await world.send_json("PATCH", path(world.first), body)
    if kind == "refused":
        assert (answer.status, details_of(answer)) == (422, {"body.credentials": "range"})
        assert "does not accept these credentials" in answer.text
    else:
        assert answer.status == 502
        assert "try again later" in error_body(answer).detail
    assert "secret-token" not in answer.text
    assert await token_of(world, world.first) == "samsara_api_test"
    shown = (await world.get(path(world.first))).json()
    assert (shown["status"], shown["description"]) == ("stale", None)


async def test_a_provider_that_the_operator_paused_is_sent_nothing_by_any_connection(fresh_world: World) -> None:
    world, services = fresh_world, fresh_world.services
    await steer(world, world.second, "pause")
    assert await services.steering.set_tsp_paused("samsara", paused=True) == 3
    state = (await world.get(f"/v2/fleetwrite/connections/{world.first.id}")).json()
    assert (state["status"], state["sends"], state["is_tsp_paused"]) == ("active", False, True)
    assert await is_held(world, world.first)
    sync = await world.send_json("POST", TRAILER.path("") + "?is_sync=true", TRAILER.body(world))
    assert sync.status == 502
    assert "paused samsara" in sync.json()["logs"][0]["error_details"]
    # A partner's word does not override the operator's.
    assert not (await steer(world, world.first, "resume")).json()["sends"]
    assert await is_held(world, world.first)

    await services.steering.set_tsp_paused("samsara", paused=False)
    assert not await is_held(world, world.first)
    assert await is_held(world, world.second)


async def test_a_connection_made_while_its_provider_is_paused_waits_too(fresh_world: World) -> None:
    world, services = fresh_world, fresh_world.services
    await services.steering.set_tsp_paused("samsara", paused=True)
    agreement = await services.orgs.ensure_shared_fleet(UUID(world.partner_id), "fleet-9", "New")
    made = await services.connections.create(
        fleet_id=agreement.fleet_id, tsp_slug="samsara", credentials={"token": "x"}, settings={}
    )
    assert await is_held(world, Connected(str(made.id), "fleet-9", {}))


async def test_connections_of_others_are_out_of_reach(world: World) -> None:
    foreign = f"/v2/fleetwrite/connections/{world.foreign.id}"
    answers = [
        await world.get(path(world.foreign)),
        await world.send_json("PATCH", path(world.foreign), {"status": "paused"}),
        await world.send_json("PATCH", path(world.foreign), {"credentials": {"token": "x"}}),
        await world.get(foreign),
        *[await world.send_json("POST", f"{foreign}/{verb}", None) for verb in ("pause", "resume", "drain")],
        await world.get(f"/v2/integrations/connections/{world.deleted_id}"),
    ]
    for answer in answers:
        assert answer.status == 404
        error_body(answer)
    assert not await is_held(world, world.foreign)


async def test_changing_a_connection_takes_its_own_scope(world: World) -> None:
    for answer in (
        await world.get(path(world.first), token=world.reading_token),
        await world.send_json("PATCH", path(world.first), {}, token=world.reading_token),
        await world.send_json(
            "POST", f"/v2/fleetwrite/connections/{world.first.id}/pause", {}, token=world.reading_token
        ),
    ):
        assert answer.status == 403
