"""Fleets, partners, their properties, and TSPs over HTTP."""

from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from fleetwrite.connectors.sdk.registry import Registry
from fleetwrite.connectors.sdk.tsp_ids import tsp_id
from fleetwrite.contract.orgs import FleetRead, PartnerRead, TspRead
from integration.api.error_bodies import details_of, error_body
from integration.api.inviting import AGREEMENTS, agreed, new_ref, operator_token
from integration.api.world import World

PARTNERS = "/v2/orgs/partners"


async def test_fleets_are_seen_while_they_share(busy_world: World) -> None:
    agreement = await agreed(busy_world, fleet_name="North", fleet_website="https://north.test")
    path = f"/v2/orgs/fleets/{agreement['fleet_id']}"

    answer = await busy_world.get(path)
    read = msgspec.json.decode(answer.content, type=FleetRead)
    assert (read.name, read.websites, read.fleet_ref) == ("North", ["https://north.test"], agreement["fleet_ref"])
    by_ref = (await busy_world.get(f"/v2/orgs/fleets?fleet_refs={agreement['fleet_ref']}&fleet_refs=nobody")).json()
    assert (by_ref["items"], by_ref["total"]) == ([answer.json()], 1)
    assert (await busy_world.get(path, token=busy_world.foreign_token)).status == 404
    await busy_world.send_json("POST", f"{AGREEMENTS}/{agreement['id']}/pause", None)
    assert (await busy_world.get(path)).status == 404
    assert (await busy_world.get(f"/v2/orgs/fleets?fleet_refs={agreement['fleet_ref']}")).json()["total"] == 0


async def test_fleets_come_page_by_page(world: World) -> None:
    first = (await world.get("/v2/orgs/fleets?size=2")).json()
    second = (await world.get(f"/v2/orgs/fleets?size=2&cursor={first['next_page']}")).json()

    refs = [fleet["fleet_ref"] for fleet in (*first["items"], *second["items"])]
    assert refs == ["fleet-3", "fleet-1", "fleet-2"]
    assert (first["total"], second["next_page"]) == (3, None)


async def test_a_fleet_that_two_partners_share_shows_no_invitation_of_the_other(busy_world: World) -> None:
    agreement = await agreed(busy_world)
    other = await busy_world.services.orgs.partner_of("umbrella")
    ref = new_ref()
    await busy_world.services.orgs.create_agreement(
        partner_id=other.id, fleet_id=UUID(agreement["fleet_id"]), fleet_ref=ref
    )

    seen = (await busy_world.get(f"/v2/orgs/fleets/{agreement['fleet_id']}", token=busy_world.foreign_token)).json()
    assert (seen["fleet_ref"], seen["invitation_id"]) == (ref, None)


async def test_a_partner_sees_itself_alone(world: World) -> None:
    page = (await world.get(PARTNERS)).json()
    assert [(one["id"], one["slug"]) for one in page["items"]] == [(world.partner_id, "acme")]
    assert (await world.get(f"{PARTNERS}/{world.partner_id}")).json() == page["items"][0]
    msgspec.convert(page["items"][0], PartnerRead)
    other = await world.services.orgs.partner_of("umbrella")
    for path in (f"{PARTNERS}/{other.id}", f"{PARTNERS}/{other.id}/properties", f"{PARTNERS}/{uuid4()}"):
        assert (await world.get(path)).status == 404
    assert (await world.send_json("POST", f"{PARTNERS}/{other.id}/properties", [])).status == 404
    assert (await world.send_json("DELETE", f"{PARTNERS}/{other.id}/properties/{uuid4()}", None)).status == 404


async def test_the_operator_makes_and_changes_partners(busy_world: World) -> None:
    token, name = await operator_token(busy_world), f"Très Tms {new_ref()}"
    body = {
        "name": name,
        "description": "dispatch",
        "websites": ["https://tms.test"],
        "categories": ["Operations & Dispatch"],
        "is_sandbox": True,
        "parent_partner_id": busy_world.partner_id,
        "properties": [{"key": "notes", "value": "pays late"}],
    }
    answer = await busy_world.send_json("POST", PARTNERS, body, token=token)

    assert answer.status == 201, answer.text
    made = answer.json()
    assert {key: made[key] for key in body if key != "properties"} == {
        key: value for key, value in body.items() if key != "properties"
    }
    assert made["slug"].startswith("tr-s-tms-ref-")
    path = f"{PARTNERS}/{made['id']}"
    assert (await busy_world.get(path, token=token)).json() == made
    changed = await busy_world.send_json("PATCH", path, {"name": "New name", "description": None}, token=token)
    assert (changed.json()["name"], changed.json()["description"]) == ("New name", "dispatch")
    (kept,) = (await busy_world.get(f"{path}/properties", token=token)).json()
    assert (kept["key"], kept["value"]) == ("notes", "pays late")
    listed = (await busy_world.get(f"{PARTNERS}?size=1000", token=token)).json()["items"]
    assert "operator" not in {one["slug"] for one in listed}
    assert made["id"] in {one["id"] for one in listed}
    again = await busy_world.send_json("POST", PARTNERS, {"name": name}, token=token)
    assert again.status == 409


async def test_no_partner_makes_or_renames_partners(busy_world: World) -> None:
    assert (await busy_world.send_json("POST", PARTNERS, {"name": "x"})).status == 403
    assert (await busy_world.send_json("PATCH", f"{PARTNERS}/{busy_world.partner_id}", {"name": "x"})).status == 403


@pytest.mark.parametrize(
    ("body", "path", "error_type"),
    [
        ({"name": " "}, "body.name", "missing"),
        ({"name": "x" * 256}, "body.name", "range"),
        ({"name": "öäü"}, "body.slug", "format"),
        ({"name": "Operator"}, "body.slug", "format"),
        ({"name": "x", "description": "y" * 10_001}, "body.description", "range"),
        ({"name": "x", "categories": ["Cooking"]}, "body.categories.0", "enum"),
        ({"name": "x", "properties": [{"key": "colour", "value": "red"}]}, "body.properties.0.key", "enum"),
        (
            {"name": "x", "properties": [{"key": "default_callback_url", "value": "ftp://x"}]},
            "body.properties.0.value",
            "format",
        ),
    ],
)
async def test_what_is_wrong_with_a_partner_is_named(
    world: World, body: dict[str, Any], path: str, error_type: str
) -> None:
    answer = await world.send_json("POST", PARTNERS, body, token=await operator_token(world))

    assert answer.status == 422
    assert details_of(answer) == {path: error_type}


async def test_a_parent_has_to_be_there(busy_world: World) -> None:
    body = {"name": new_ref(), "parent_partner_id": str(uuid4())}
    answer = await busy_world.send_json("POST", PARTNERS, body, token=await operator_token(busy_world))

    assert answer.status == 404
    assert body["parent_partner_id"] in error_body(answer).detail


async def test_a_partner_keeps_defaults_and_sees_none_of_the_operators_notes(fresh_world: World) -> None:
    path, token = f"{PARTNERS}/{fresh_world.partner_id}/properties", await operator_token(fresh_world)
    mine = {"key": "default_callback_url", "value": "https://tms.test/call"}
    notes = {"key": "notes", "value": "pays late"}

    made = await fresh_world.send_json("POST", path, [mine])
    assert made.status == 201
    (kept,) = made.json()
    assert {key: kept[key] for key in mine} == mine
    assert (await fresh_world.send_json("POST", path, [notes], token=token)).status == 201
    assert (await fresh_world.get(path)).json() == [kept]
    both = (await fresh_world.get(path, token=token)).json()
    assert [one["key"] for one in both] == ["default_callback_url", "notes"]
    assert (await fresh_world.send_json("POST", path, [mine])).status == 409
    assert (await fresh_world.send_json("POST", path, [{"key": "billing_model", "value": "x"}])).status == 403
    assert (await fresh_world.send_json("DELETE", f"{path}/{both[1]['id']}", None)).status == 404
    assert (await fresh_world.send_json("DELETE", f"{path}/{kept['id']}", None)).status == 204
    assert (await fresh_world.send_json("DELETE", f"{path}/{kept['id']}", None)).status == 404
    assert (await fresh_world.get(path)).json() == []


@pytest.mark.parametrize(
    ("body", "path", "error_type"),
    [
        ({}, "body", "type"),
        ([7], "body.0", "type"),
        ([{"key": "notes"}], "body.0.value", "missing"),
        ([{"key": "notes", "value": "x", "more": 1}], "body.0.more", "unknown_field"),
        ([{"key": "default_callback_url", "value": "https://127.0.0.2:x/"}], "body.0.value", "format"),
        ([{"key": "default_invitation_expires_in_hours", "value": "673"}], "body.0.value", "range"),
        ([{"key": "default_invitation_expires_in_hours", "value": "²"}], "body.0.value", "range"),
        (
            [{"key": "default_callback_url", "value": f"https://{one}.test"} for one in "ab"],
            "body.1.key",
            "conflict",
        ),
    ],
)
async def test_what_is_wrong_with_properties_is_named_and_nothing_is_kept(
    world: World, body: Any, path: str, error_type: str
) -> None:
    properties = f"{PARTNERS}/{world.partner_id}/properties"
    answer = await world.send_json("POST", properties, body)

    assert answer.status == 422
    assert details_of(answer) == {path: error_type}
    assert (await world.get(properties)).json() == []


async def test_a_body_that_is_no_json_is_told_apart_from_a_list_that_is_not_valid(world: World) -> None:
    answer = await world.send(
        "POST",
        f"{PARTNERS}/{world.partner_id}/properties",
        content=b"[{]",
        headers={"Content-Type": "application/json", "Authorization": f"Bearer {world.token}"},
    )
    assert answer.status == 400


async def test_unknown_fields_of_a_list_can_be_ignored(busy_world: World) -> None:
    path = f"{PARTNERS}/{busy_world.partner_id}/properties"
    body = [{"key": "default_success_redirect_url", "value": "https://tms.test", "more": 1}]
    answer = await busy_world.send_json("POST", path, body, Prefer="handling=lenient")

    assert answer.status == 201
    assert answer.headers["Fleetwrite-Ignored-Fields"] == "0.more"
    await busy_world.send_json("DELETE", f"{path}/{answer.json()[0]['id']}", None)


async def test_every_connector_is_a_tsp_with_a_shape_of_credentials(world: World) -> None:
    listed = await world.send("GET", "/v2/orgs/tsps")
    tsps = msgspec.json.decode(listed.content, type=list[TspRead])

    assert [one.slug for one in tsps] == sorted(connector.manifest.slug for connector in Registry.load())
    assert {one.slug: one.conn_type for one in tsps}["geotab"] == "geotab"
    by_slug = (await world.send("GET", "/v2/orgs/tsps?slug=samsara")).json()
    by_source = (await world.send("GET", "/v2/orgs/tsps?source_name=samsara")).json()
    one = (await world.send("GET", f"/v2/orgs/tsps/{tsp_id('samsara')}")).json()
    assert by_slug == by_source == [one]
    assert (await world.send("GET", "/v2/orgs/tsps?slug=nobody")).json() == []
    assert (await world.send("GET", f"/v2/orgs/tsps/{uuid4()}")).status == 404
    assert details_of(await world.send("GET", "/v2/orgs/tsps?source_name=x")) == {"query.source_name": "enum"}
