"""The operator hands out and erases what is kept of a fleet, by the API."""

import json
from uuid import uuid4

from integration.api.inviting import agreed, operator_token
from integration.api.world import World

ADMIN = "/v2/fleetwrite/admin/fleets"


async def fleet_of(world: World) -> str:
    answer = await world.get(f"/v2/integrations/connections/{world.first.id}")
    fleet_id: str = answer.json()["fleet_id"]
    return fleet_id


async def test_an_export_is_lines_to_be_saved(fresh_world: World) -> None:
    world = fresh_world
    fleet_id, token = await fleet_of(world), await operator_token(world)
    answer = await world.get(f"{ADMIN}/{fleet_id}/export", token=token)
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/x-ndjson")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="fleet-{fleet_id}.jsonl"'
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert lines[0]["fleet_id"] == fleet_id
    assert lines[-1]["end"] is True
    assert {line["row"]["id"] for line in lines if line.get("table") == "connections"} == {world.first.id}
    assert "samsara_api_test" not in answer.text


async def test_an_erasure_shuts_partners_out_at_once_and_ends_with_the_workers(fresh_world: World) -> None:
    world = fresh_world
    fleet_id, token = await fleet_of(world), await operator_token(world)
    path = f"/v2/integrations/connections/{world.first.id}"
    answer = await world.send_json("DELETE", f"{ADMIN}/{fleet_id}", None, token=token)
    assert answer.status == 202, answer.text
    assert (answer.json()["fleet_id"], answer.json()["erased_at"]) == (fleet_id, None)
    assert (await world.get(path)).status in (403, 404)
    body = {"connection_id": world.first.id, "trailer_name": "Trailer 2"}
    assert (await world.send_json("POST", "/v2/telematics/trailers", body)).status in (403, 404, 422)
    await world.services.fleet_erasure.sweep()
    state = (await world.get(f"{ADMIN}/{fleet_id}/erasure", token=token)).json()
    assert state["erased_at"] is not None
    assert state["removed"]["records"] == len(world.first.records)
    assert (await world.send_json("DELETE", f"{ADMIN}/{fleet_id}", None, token=token)).json() == state


async def test_a_fleet_that_only_agreed_is_erased_too(fresh_world: World) -> None:
    world = fresh_world
    agreement, token = await agreed(world, fleet_email="somebody@fleet.example"), await operator_token(world)
    path = f"{ADMIN}/{agreement['fleet_id']}"
    assert (await world.send_json("DELETE", path, None, token=token)).status == 202
    await world.services.fleet_erasure.sweep()
    removed = (await world.get(f"{path}/erasure", token=token)).json()["removed"]
    assert (removed["share_agreements"], removed["invitations"]) == (1, 1)
    assert (await world.get(f"/v2/orgs/invitations?fleet_ref={agreement['fleet_ref']}")).json()["items"] == []


async def test_only_the_operator_may(world: World) -> None:
    path = f"{ADMIN}/{await fleet_of(world)}"
    for method, of in (("GET", f"{path}/export"), ("DELETE", path), ("GET", f"{path}/erasure")):
        assert (await world.send_json(method, of, None)).status == 403


async def test_a_fleet_that_is_not_there_is_404(world: World) -> None:
    token, path = await operator_token(world), f"{ADMIN}/{uuid4()}"
    for method, of in (("GET", f"{path}/export"), ("DELETE", path), ("GET", f"{path}/erasure")):
        assert (await world.send_json(method, of, None, token=token)).status == 404
