"""Revocation, lock-out and limits as they look on the wire."""

from urllib.parse import urlencode

import msgspec
import pytest

from fleetwrite.contract.auth import ErrorResponse
from fleetwrite.contract.errors import TooManyRequests
from integration.api.world import HttpAnswer, World

TOKEN = "/realms/catena/protocol/openid-connect/token"
REVOKE = "/realms/catena/protocol/openid-connect/revoke"
CONNECTIONS = "/v2/integrations/connections"


async def post(world: World, path: str, form: dict[str, str], **headers: str) -> HttpAnswer:
    content_type = {"Content-Type": "application/x-www-form-urlencoded"}
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return await world.send("POST", path, content=urlencode(form).encode(), headers={**content_type, **sent})


def login(world: World, **more: str) -> dict[str, str]:
    return {"client_id": world.client_id, "client_secret": world.client_secret, **more}


async def test_a_token_is_revoked_and_refused_from_then_on(busy_world: World) -> None:
    world = busy_world
    got = await post(world, TOKEN, login(world, grant_type="client_credentials", scope="organization"))
    token = got.json()["access_token"]
    assert (await world.get(CONNECTIONS, token=token)).status == 200

    answer = await post(world, REVOKE, login(world, token=token, token_type_hint="access_token"))

    assert (answer.status, answer.content) == (200, b"")
    refused = await world.get(CONNECTIONS, token=token)
    assert refused.status == 401
    assert "revoked" in refused.json()["detail"]
    assert (await world.get(CONNECTIONS)).status == 200
    assert (await post(world, REVOKE, login(world, token=token))).status == 200


async def test_only_a_client_that_proves_itself_revokes(busy_world: World) -> None:
    world = busy_world
    wrong = {"client_id": "nobody", "client_secret": "wrong", "token": world.token}
    answer = await post(world, REVOKE, wrong)
    assert answer.status == 401
    assert msgspec.json.decode(answer.content, type=ErrorResponse).error == "invalid_client"
    foreign = await post(world, REVOKE, login(world, token=world.foreign_token))
    assert (foreign.status, foreign.json()["error"]) == (400, "invalid_grant")
    missing = await post(world, REVOKE, login(world))
    assert (missing.status, missing.json()["error"]) == (400, "invalid_request")
    assert (await world.get(CONNECTIONS)).status == 200


async def test_discovery_names_the_endpoint(world: World) -> None:
    found = (await world.send("GET", "/realms/catena/.well-known/openid-configuration")).json()
    assert found["revocation_endpoint"] == "https://fleetwrite.test" + REVOKE


async def test_who_fails_again_and_again_is_told_how_long_to_wait_by_source_as_the_proxy_says(
    fresh_world: World,
) -> None:
    world = fresh_world
    wrong = {"grant_type": "client_credentials", "client_id": "guess", "client_secret": "wrong"}
    for _ in range(6):
        answer = await post(world, TOKEN, wrong, X_Forwarded_For="203.0.113.9")
        assert "Retry-After" not in answer.headers

    locked = await post(
        world, TOKEN, login(world, grant_type="client_credentials"), X_Forwarded_For="198.51.100.1, 203.0.113.9"
    )

    assert locked.status == 401
    assert locked.json()["error"] == "invalid_client"
    assert int(locked.headers["Retry-After"]) == 1
    elsewhere = await post(world, TOKEN, login(world, grant_type="client_credentials"), X_Forwarded_For="198.51.100.1")
    assert elsewhere.status == 200
    assert (await world.get(CONNECTIONS)).status == 200


@pytest.fixture
async def limited_world(fresh_world: World) -> World:
    """The partner may make a request every ten seconds."""
    await fresh_world.services.request_limits.choose("acme", 0.1)
    await fresh_world.services.request_limits.exchange()
    return fresh_world


async def test_too_many_requests_are_refused_with_the_contracts_body_and_the_time_to_wait(
    limited_world: World,
) -> None:
    assert (await limited_world.get(CONNECTIONS)).status == 200

    refused = await limited_world.get(CONNECTIONS)

    assert refused.status == 429
    body = msgspec.json.decode(refused.content, type=TooManyRequests, strict=True)
    assert refused.json() == msgspec.to_builtins(body)
    assert body.detail is not None
    assert 1 <= body.detail.retry_after_seconds <= 10
    assert refused.headers["Retry-After"] == str(body.detail.retry_after_seconds)
    assert refused.headers["RateLimit-Policy"] == '"partner";q=1;w=10'
    assert refused.headers["RateLimit"] == f'"partner";r=0;t={body.detail.retry_after_seconds}'
    assert (await limited_world.get(CONNECTIONS, token=limited_world.foreign_token)).status == 200


async def test_a_refused_write_leaves_nothing_behind(limited_world: World) -> None:
    await limited_world.get(CONNECTIONS)
    before = await limited_world.row_counts()
    body = {"connection_id": limited_world.first.id, "trailer_name": "Reefer"}
    assert (await limited_world.send_json("POST", "/v2/telematics/trailers", body)).status == 429
    assert await limited_world.row_counts() == before
