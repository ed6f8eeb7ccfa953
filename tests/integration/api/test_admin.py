"""The operator's administration over HTTP: partners, clients, fleets, agreements."""

import json
from typing import Any
from uuid import UUID, uuid4

import pytest

from fleetwrite.access.scopes import OPERATOR_SCOPES, OPERATORS_ALONE, PARTNER_SCOPES
from fleetwrite.api.admin import ADMIN as ENDPOINTS
from fleetwrite.api.endpoint import Endpoint
from integration.api.error_bodies import details_of
from integration.api.inviting import agreed, events_of, new_ref, operator_token, token_for
from integration.api.world import HttpAnswer, World

ADMIN = "/v2/fleetwrite/admin"


async def send(world: World, method: str, path: str, body: Any = None) -> HttpAnswer:
    return await world.send_json(method, f"{ADMIN}{path}", body, token=await operator_token(world))


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: str(endpoint.operation_id))
async def test_no_partner_reaches_it(world: World, endpoint: Endpoint) -> None:
    path = endpoint.path.replace("{partner_id}", world.partner_id).replace("{share_agreement_id}", str(uuid4()))
    assert path.startswith(ADMIN)
    everything = await token_for(world, UUID(world.partner_id), PARTNER_SCOPES)

    assert (await world.send_json(endpoint.method, path, {}, token=everything)).status == 403
    assert (await world.send(endpoint.method, path)).status == 401
    assert not PARTNER_SCOPES & OPERATORS_ALONE


async def test_a_partner_gets_a_client_that_works(busy_world: World) -> None:
    slug = new_ref()
    answer = await send(busy_world, "POST", "/partners", {"name": "Dispatch Ltd", "slug": slug})

    assert answer.status == 201
    assert answer.headers["Cache-Control"] == "no-store"
    made = answer.json()
    assert (made["partner"]["slug"], made["partner"]["name"]) == (slug, "Dispatch Ltd")
    issued = await busy_world.services.tokens.issue(**made["client"], grant_type="client_credentials", scope=None)
    own = await busy_world.get("/v2/orgs/partners", token=issued.access_token)
    assert own.json()["items"] == [made["partner"]]
    assert (await send(busy_world, "POST", "/partners", {"name": "Other", "slug": slug})).status == 409
    detail = (await send(busy_world, "GET", f"/partners/{made['partner']['id']}")).json()
    assert (detail["partner"], detail["fleets"], detail["properties"]) == (made["partner"], 0, [])
    assert [client["client_id"] for client in detail["clients"]] == [made["client"]["client_id"]]
    assert made["client"]["client_secret"] not in json.dumps(detail)
    listed = (await send(busy_world, "GET", "/partners?size=1000")).json()["items"]
    assert made["partner"] in listed
    assert not [one for one in listed if one["slug"] == "operator"]


async def test_a_partner_gets_more_clients_that_may_do_less(busy_world: World) -> None:
    path, client_id = f"/partners/{busy_world.partner_id}/clients", new_ref()
    body = {"client_id": client_id, "scopes": ["telematics:read"]}
    made = await send(busy_world, "POST", path, body)

    assert (made.status, made.json()["client_id"]) == (201, client_id)
    issued = await busy_world.services.tokens.issue(**made.json(), grant_type="client_credentials", scope=None)
    assert issued.scope == "telematics:read"
    assert (await send(busy_world, "POST", path, body)).status == 409
    usual = (await send(busy_world, "POST", path, {})).json()
    detail = (await send(busy_world, "GET", f"/partners/{busy_world.partner_id}")).json()
    scopes = {client["client_id"]: set(client["scopes"]) for client in detail["clients"]}
    assert scopes[usual["client_id"]] == set(PARTNER_SCOPES)


@pytest.mark.parametrize(
    ("body", "path", "error_type"),
    [
        ({"scopes": ["admin"]}, "body.scopes", "enum"),
        ({"scopes": ["telematics:read", "partner:create"]}, "body.scopes", "enum"),
        ({"scopes": ["everything"]}, "body.scopes.0", "enum"),
        ({"scopes": []}, "body.scopes", "range"),
        ({"client_id": "a b"}, "body.client_id", "format"),
    ],
)
async def test_what_is_wrong_with_a_client_is_named(
    world: World, body: dict[str, Any], path: str, error_type: str
) -> None:
    answer = await send(world, "POST", f"/partners/{world.partner_id}/clients", body)

    assert answer.status == 422
    assert details_of(answer) == {path: error_type}


async def test_what_is_not_there_is_not_found_and_the_operator_is_no_partner(world: World) -> None:
    operator = await world.services.orgs.ensure_operator()
    for partner_id in (uuid4(), operator.id):
        assert (await send(world, "GET", f"/partners/{partner_id}")).status == 404
        assert (await send(world, "POST", f"/partners/{partner_id}/clients", {})).status == 404
    assert (await send(world, "PATCH", f"/share-agreements/{uuid4()}", {})).status == 404
    assert (await send(world, "POST", "/partners", {"name": "x", "slug": "operator"})).status == 422
    assert (await world.get("/v2/orgs/fleets", token=await token_for(world, operator.id))).json()["items"] == []
    assert operator == await world.services.orgs.ensure_operator()
    assert OPERATOR_SCOPES >= OPERATORS_ALONE


async def test_all_fleets_are_listed_with_whom_they_share(fresh_world: World) -> None:
    page = (await send(fresh_world, "GET", "/fleets?size=2")).json()
    rest = (await send(fresh_world, "GET", f"/fleets?size=2&cursor={page['next_page']}")).json()
    fleets = [*page["items"], *rest["items"]]

    assert page["total"] == len(fleets) == 4
    assert [[one["fleet_ref"] for one in fleet["share_agreements"]] for fleet in fleets] == [
        ["fleet-3"],
        ["fleet-1"],
        ["fleet-2"],
        ["fleet-1"],
    ]
    of_one = (await send(fresh_world, "GET", f"/fleets?partner_id={fresh_world.partner_id}&fleet_refs=fleet-1")).json()
    assert of_one["items"] == [fleets[1]]


async def test_agreements_of_all_partners_are_listed(fresh_world: World) -> None:
    everything = (await send(fresh_world, "GET", "/share-agreements")).json()
    mine = (await send(fresh_world, "GET", f"/share-agreements?partner_id={fresh_world.partner_id}")).json()
    one = (await send(fresh_world, "GET", "/share-agreements?fleet_ref=fleet-2&status=active")).json()

    assert (everything["total"], mine["total"], one["total"]) == (4, 3, 1)


async def test_the_operator_changes_an_agreement_in_any_way_and_all_of_it_or_nothing(busy_world: World) -> None:
    agreement = await agreed(busy_world, permissions={"vehicle": "read"})
    path = f"/share-agreements/{agreement['id']}"
    until = "2099-01-01T00:00:00Z"
    wider = await send(
        busy_world,
        "PATCH",
        path,
        {"scopes": {"vehicle": "read_write", "message": "read"}, "status": "paused", "expiration_date": until},
    )

    assert wider.status == 200
    assert wider.json()["scopes"] == {"vehicle": "read_write", "message": "read"}
    assert (wider.json()["status"], wider.json()["expiration_date"]) == ("paused", until)
    names = [name for name, _ in await events_of(busy_world, agreement["fleet_ref"])]
    assert names.count("share_agreement.updated") == 1
    for body, expected in (
        ({"status": "active", "scopes": {}}, {"body.scopes": "missing"}),
        ({"status": "active", "expiration_date": "2000-01-01T00:00:00Z"}, {"body.expiration_date": "range"}),
        ({"status": "expired"}, {"body.status": "range"}),
        ({"scopes": {"group_message": "read"}}, {"body.scopes.group_message": "unknown_field"}),
    ):
        refused = await send(busy_world, "PATCH", path, body)
        assert refused.status == 422
        assert details_of(refused) == expected
    unchanged = await send(busy_world, "PATCH", path, {"status": None, "scopes": None})
    assert unchanged.json() == wider.json()
    assert (await send(busy_world, "PATCH", path, {"status": "cancelled"})).json()["status"] == "cancelled"
    assert (await send(busy_world, "PATCH", path, {"status": "active"})).status == 409
    assert (await send(busy_world, "PATCH", path, {"status": "deleted"})).json()["status"] == "deleted"
    assert (await send(busy_world, "PATCH", path, {"status": "deleted"})).status == 404
