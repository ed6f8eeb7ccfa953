"""Fleets are connected to every provider by the contract's endpoints, and to no other account than their own."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fleetwrite.connections.fields import shape_of
from fleetwrite.connectors.sdk.simulator import Fault
from fleetwrite.connectors.sdk.tsp_ids import tsp_id
from fleetwrite.contract.credentials import SHAPES, secrets_of
from fleetwrite.contract.integrations import ConnectionRead
from fleetwrite.sandbox.seed import pull_records
from integration.api.error_bodies import details_of, error_body
from integration.api.providers import CONNECTIONS, REGISTRY, SLUGS, Provider, connect, connecting_token, running
from integration.api.world import World

FAST = settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
VALUES = st.none() | st.integers(-999, 999) | TEXTS | st.lists(TEXTS, max_size=2) | st.booleans()


@pytest.fixture(params=SLUGS)
async def provider(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Provider]:
    async with running(request.param, tmp_path) as provider:
        yield provider


@pytest.fixture
async def samsara(tmp_path: Path) -> AsyncIterator[Provider]:
    async with running("samsara", tmp_path) as provider:
        yield provider


@pytest.fixture
async def token(busy_world: World) -> str:
    return await connecting_token(busy_world)


def sealed_of(world: World, connection_id: str) -> Any:
    return world.services.database.pool.fetchrow(
        "SELECT c.*, s.sealed, s.generation FROM connections c LEFT JOIN login_sessions s ON s.connection_id = c.id"
        " WHERE c.id = $1",
        UUID(connection_id),
    )


async def count_connections(world: World) -> int:
    count: int = await world.services.database.pool.fetchval("SELECT count(*) FROM connections")
    return count


async def connected(world: World, token: str, provider: Provider) -> Any:
    """A connection whose calls nobody paces: that would only take time here."""
    made = (await connect(world, token, provider)).json()
    await world.services.connection_budgets.replace(UUID(world.partner_id), UUID(made["id"]), [])
    return made


async def events_of(world: World, connection_id: str) -> list[tuple[str, dict[str, Any]]]:
    rows = await world.services.database.pool.fetch(
        "SELECT event_name, data FROM events WHERE partner_id = $2 AND (data ->> 'id' = $1 OR"
        " data ->> 'connection_id' = $1) AND event_name NOT LIKE 'resource_operation.%' ORDER BY id",
        connection_id,
        UUID(world.partner_id),
    )
    return [(row["event_name"], row["data"]) for row in rows]


async def test_a_fleet_is_connected_by_the_contract_s_body(busy_world: World, token: str, provider: Provider) -> None:
    world, manifest = busy_world, provider.manifest
    answer = await connect(world, token, provider, {**provider.body(), "description": "Depot"})
    assert answer.status == 200, answer.text
    made = answer.json()
    msgspec.json.decode(answer.content, type=ConnectionRead)
    assert made.keys() == set(ConnectionRead.__struct_fields__)
    assert (made["status"], made["description"], made["fleet_ref"]) == ("active", "Depot", "fleet-1")
    assert (made["tsp_id"], made["source_name"]) == (str(tsp_id(manifest.slug)), manifest.source_name)
    entered, hidden = provider.credentials(), secrets_of(shape_of(manifest))
    assert all(shown == ("*****" if name in hidden else entered[name]) for name, shown in made["credentials"].items())
    assert (await world.get(f"{CONNECTIONS}/{made['id']}")).json() == made
    listed = (await world.get(f"{CONNECTIONS}?tsp_id={made['tsp_id']}&size=1000")).json()["items"]
    assert made in listed

    shape = shape_of(manifest)
    required = {field.encode_name for field in msgspec.structs.fields(shape) if field.required}
    assert required <= made["credentials"].keys() <= {field.encode_name for field in msgspec.structs.fields(shape)}

    (created, data), (linked, link) = await events_of(world, made["id"])
    assert (created, linked) == ("connection.created", "fleet_connection.created")
    assert data == {name: made[name] for name in ("id", "source_name", "fleet_id", "tsp_id", "status")}
    assert (link["fleet_id"], link["connection_id"]) == (made["fleet_id"], made["id"])
    stored = await sealed_of(world, made["id"])
    assert stored["account_id"]
    # What the check logged in with is kept: the first write need not log in again.
    assert (stored["sealed"] is not None) == manifest.login.has_session


async def test_credentials_that_the_provider_refuses_store_nothing(
    busy_world: World, token: str, provider: Provider
) -> None:
    before = await count_connections(busy_world)
    wrong = provider.body()
    wrong["credentials"][provider.secret] = "wrong-secret-8471"
    answer = await connect(busy_world, token, provider, wrong)
    assert (answer.status, details_of(answer)) == (422, {"body.credentials": "range"}), answer.text
    assert "does not accept these credentials" in answer.text
    sensitive = [field.name for field in provider.manifest.credentials if field.sensitive]
    assert not [name for name in sensitive if wrong["credentials"].get(name, "nothing") in answer.text]
    assert await count_connections(busy_world) == before


async def test_a_provider_that_is_away_stores_nothing(busy_world: World, token: str, provider: Provider) -> None:
    before = await count_connections(busy_world)
    body = provider.body()
    query = "&".join(f"settings={text}" for text in provider.settings())
    await provider.simulator.stop()
    answer = await busy_world.send_json("POST", f"{CONNECTIONS}?fleet_ref=fleet-1&{query}", body, token=token)
    assert answer.status == 502, answer.text
    assert provider.manifest.name in error_body(answer).detail
    assert await count_connections(busy_world) == before
    await provider.simulator.start()


async def test_a_connection_takes_credentials_of_its_own_account_only(
    busy_world: World, token: str, provider: Provider
) -> None:
    world = busy_world
    made = await connected(world, token, provider)
    path = f"{CONNECTIONS}/{made['id']}"
    before = await sealed_of(world, made["id"])
    other = await world.send_json("PATCH", path, {"credentials": provider.credentials(1)}, token=token)
    assert other.status == 409, other.text
    assert "another account" in error_body(other).detail
    assert await sealed_of(world, made["id"]) == before

    same = await world.send_json("PATCH", path, {"credentials": provider.credentials(0)}, token=token)
    assert same.status == 200, same.text
    assert (await sealed_of(world, made["id"]))["credentials_sealed"] != before["credentials_sealed"]


async def test_credentials_that_tell_no_account_can_not_replace_those_of_a_known_one(
    busy_world: World, token: str, samsara: Provider
) -> None:
    made = (await connect(busy_world, token, samsara)).json()
    body = {"credentials": samsara.credentials()}
    samsara.simulator.faults.add(Fault(method="GET", path="/me", kind="status", status=403))
    answer = await busy_world.send_json("PATCH", f"{CONNECTIONS}/{made['id']}", body, token=token)
    assert answer.status == 409
    assert "does not tell whose account" in error_body(answer).detail


async def test_a_connection_of_which_nobody_knew_the_account_is_pinned_by_the_next_credentials(
    busy_world: World, token: str, samsara: Provider
) -> None:
    samsara.simulator.faults.add(Fault(method="GET", path="/me", kind="status", status=403))
    made = (await connect(busy_world, token, samsara)).json()
    assert (await sealed_of(busy_world, made["id"]))["account_id"] is None
    path = f"{CONNECTIONS}/{made['id']}"
    pinned = await busy_world.send_json("PATCH", path, {"credentials": samsara.credentials()}, token=token)
    assert pinned.status == 200
    assert (await sealed_of(busy_world, made["id"]))["account_id"] == samsara.account().account_id
    other = await busy_world.send_json("PATCH", path, {"credentials": samsara.credentials(1)}, token=token)
    assert other.status == 409


async def test_a_provider_s_words_do_not_repeat_a_secret(busy_world: World, token: str, samsara: Provider) -> None:
    secret = samsara.credentials()["token"]
    samsara.simulator.faults.add(
        Fault(method="GET", path="/me", kind="status", status=401, body=f"bad token {secret}, sorry")
    )
    answer = await connect(busy_world, token, samsara)
    assert answer.status == 422
    assert secret not in answer.text
    assert "bad token *****" in answer.text


async def test_what_is_deleted_ends_what_waits_and_destroys_what_opens_the_account(
    busy_world: World, token: str, provider: Provider
) -> None:
    world = busy_world
    made = await connected(world, token, provider)
    path = f"{CONNECTIONS}/{made['id']}"
    await pull_records(world.services, await world.services.connections.get(UUID(world.partner_id), UUID(made["id"])))
    people = (await world.get(f"/v2/telematics/users?connection_id={made['id']}")).json()["items"]
    driver = next(one for one in people if one["is_driver"])
    sender = next((one for one in people if not one["is_driver"]), driver)
    message = {
        "connection_id": made["id"],
        "sender_id": sender["id"],
        "recipient_id": driver["id"],
        "message_text": "Dock 4",
    }
    written = await world.send_json("POST", "/v2/telematics/messages", message, token=token, Fleetwrite_Losses="allow")
    assert written.status == 202, written.text

    assert (await world.send_json("DELETE", path, None)).status == 403
    deleted = await world.send_json("DELETE", path, None, token=token)
    assert (deleted.status, deleted.content) == (204, b"")
    ended = (await world.get(f"{path}/resource-operations/{written.json()['id']}")).json()
    assert ended["status"] == "failed"
    (log,) = ended["logs"]
    assert log["error_details"] == "cancelled: the connection was deleted before it was sent"
    names = await world.services.database.pool.fetch(
        "SELECT event_name FROM events WHERE data ->> 'id' = $1 ORDER BY id", written.json()["id"]
    )
    assert [row["event_name"] for row in names] == ["resource_operation.created", "resource_operation.failed"]
    stored = await sealed_of(world, made["id"])
    assert (stored["credentials_sealed"], stored["sealed"], stored["generation"]) == (None, None, None)
    assert stored["deleted_at"] is not None

    person = await world.get(f"/v2/telematics/users/{driver['id']}")
    assert (person.status, person.json()["deleted_at"] is not None) == (200, True)
    gone = [
        await world.get(path),
        await world.send_json("DELETE", path, None, token=token),
        await world.send_json("PATCH", path, {"status": "active"}, token=token),
        await world.send_json("POST", "/v2/telematics/messages", message, token=token),
        await world.send_json("POST", f"/v2/fleetwrite/operations/{written.json()['id']}/retry", None, token=token),
    ]
    assert [answer.status for answer in gone] == [404] * len(gone)


async def test_fleets_and_connections_of_others_are_out_of_reach(
    busy_world: World, token: str, samsara: Provider
) -> None:
    world = busy_world
    await world.services.orgs.ensure_shared_fleet(UUID(await other_partner(world)), "theirs", "Theirs")
    before = await count_connections(world)
    foreign_fleet = (await sealed_of(world, world.foreign.id))["fleet_id"]
    answers = [
        await connect(world, token, samsara, fleet_ref="theirs"),
        await world.send_json("POST", f"{CONNECTIONS}?fleet_id={foreign_fleet}", samsara.body(), token=token),
        await world.send_json("POST", f"{CONNECTIONS}?fleet_id={uuid4()}", samsara.body(), token=token),
        await world.send_json("DELETE", f"{CONNECTIONS}/{world.foreign.id}", None, token=token),
        await world.send_json("DELETE", f"{CONNECTIONS}/{uuid4()}", None, token=token),
    ]
    assert [answer.status for answer in answers] == [404] * len(answers)
    assert await count_connections(world) == before
    # Nobody asked the provider about what could not be stored.
    assert not [page for page in samsara.simulator.storage.log_pages(0) for _ in page]
    assert (await world.get(f"{CONNECTIONS}/{world.foreign.id}", token=world.foreign_token)).status == 200


@pytest.mark.parametrize(
    ("query", "changes", "faults"),
    [
        ("", {}, {"query.fleet_ref": "missing"}),
        ("fleet_ref=fleet-1", {"tsp_id": str(uuid4())}, {"body.tsp_id": "unknown_id"}),
        ("fleet_ref=fleet-1", {"credentials": None}, {"body.credentials": "type"}),
        ("fleet_ref=fleet-1", {"credentials": {}}, {"body.credentials.token": "missing"}),
        ("fleet_ref=fleet-1&settings=region", {}, {"query.settings.0": "format"}),
        ("fleet_ref=fleet-1&settings=region:eu&settings=region:us", {}, {"query.settings.1": "format"}),
        ("fleet_ref=fleet-1&settings=region:mars", {}, {"query.settings": "format"}),
        ("fleet_ref=fleet-1&settings=colour:red", {}, {"query.settings": "unknown_field"}),
        ("fleet_ref=fleet-1", {"credentials": {"token": "x", "url": "ftp://a"}}, {"body.credentials.url": "format"}),
        (
            "fleet_ref=fleet-1",
            {"credentials": {"token": "x", "url": "http://u:p@a.example"}},
            {"body.credentials.url": "format"},
        ),
        # Addresses of the operator's own network are nobody's business.
        (
            "fleet_ref=fleet-1",
            {"credentials": {"token": "x", "url": "http://10.0.0.1"}},
            {"body.credentials.url": "format"},
        ),
    ],
)
async def test_a_connection_that_can_not_be_made_is_refused_by_the_name_of_what_is_wrong(
    world: World, query: str, changes: dict[str, Any], faults: dict[str, str]
) -> None:
    token = await connecting_token(world)
    body = {"tsp_id": str(tsp_id("samsara")), "credentials": {"token": "secret-token"}, **changes}
    answer = await world.send_json("POST", f"{CONNECTIONS}?{query}", body, token=token)
    assert (answer.status, details_of(answer)) == (422, faults)
    assert "secret-token" not in answer.text


def test_every_field_that_a_provider_needs_has_a_place_in_its_shape() -> None:
    for connector in REGISTRY:
        manifest = connector.manifest
        fields = {field.encode_name for field in msgspec.structs.fields(shape_of(manifest))}
        needed = {field.name for field in manifest.credentials if field.required}
        assert needed <= fields
        required = {field.encode_name for field in msgspec.structs.fields(shape_of(manifest)) if field.required}
        assert required <= {field.name for field in manifest.credentials}


@pytest.mark.parametrize("slug", SLUGS)
@FAST
@given(data=st.data())
async def test_credentials_of_another_shape_are_refused_and_never_repeated(
    world: World, slug: str, data: st.DataObject
) -> None:
    """Whatever lacks a field of the TSP's shape, though it may fit others, is refused for what is expected."""
    wanted = shape_of(REGISTRY.get(slug).manifest)
    names = sorted({field.encode_name for shape in SHAPES.values() for field in msgspec.structs.fields(shape)})
    entered = data.draw(st.dictionaries(st.sampled_from(names) | TEXTS, VALUES, max_size=6))
    needed = {field.encode_name for field in msgspec.structs.fields(wanted) if field.required}
    given_texts = {name for name, value in entered.items() if isinstance(value, str)}
    if needed <= given_texts:
        del entered[min(needed)]
    body = json.dumps({"tsp_id": str(tsp_id(slug)), "credentials": entered}).encode()
    answer = await world.send(
        "POST",
        f"{CONNECTIONS}?fleet_ref=fleet-1",
        content=body,
        headers={"Content-Type": "application/json", "Authorization": f"Bearer {await kept_token(world)}"},
    )
    assert answer.status == 422, answer.text
    details = error_body(answer).detail
    assert all(detail.path.startswith("body.credentials") for detail in details)
    assert {detail.input for detail in details} <= {"", "*****"}
    assert f"takes the shape `{REGISTRY.get(slug).manifest.credential_shape}`" in details[0].message


async def other_partner(world: World) -> str:
    partner = await world.services.orgs.ensure_partner("Umbrella", "umbrella")
    return str(partner.id)


_TOKENS: dict[str, str] = {}


async def kept_token(world: World) -> str:
    """The same token for all of a test's examples: a client is hashed at some cost."""
    if world.url not in _TOKENS:
        _TOKENS[world.url] = await connecting_token(world)
    return _TOKENS[world.url]
