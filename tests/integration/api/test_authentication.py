import base64
from typing import Any
from urllib.parse import urlencode

import jwt
import msgspec
import pytest

from fleetwrite.contract.auth import ErrorResponse, TokenResponse
from integration.api.error_bodies import error_body
from integration.api.world import HttpAnswer, World

TOKEN = "/realms/catena/protocol/openid-connect/token"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


async def ask(world: World, form: Any, **headers: str) -> HttpAnswer:
    return await world.send("POST", TOKEN, content=urlencode(form), headers={**FORM, **headers})


def basic(client_id: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()


def refusal(answer: HttpAnswer) -> str:
    """The OAuth error code; the body holds nothing but the two fields of that shape."""
    body = msgspec.json.decode(answer.content, type=ErrorResponse)
    assert answer.json() == msgspec.to_builtins(body)
    assert answer.headers["Cache-Control"] == "no-store"
    return body.error


async def test_a_client_gets_a_token_that_opens_the_api_and_is_not_to_be_stored(world: World) -> None:
    form = {
        "grant_type": "client_credentials",
        "client_id": world.client_id,
        "client_secret": world.client_secret,
        "scope": "organization",
    }

    answer = await ask(world, form)

    assert answer.status == 200
    assert answer.headers["Cache-Control"] == "no-store"
    token = msgspec.json.decode(answer.content, type=TokenResponse)
    assert (token.token_type, token.expires_in) == ("Bearer", 3600)
    assert (await world.get("/v2/integrations/connections", token=token.access_token)).status == 200


async def test_id_and_secret_may_come_by_http_basic(world: World) -> None:
    answer = await ask(
        world, {"grant_type": "client_credentials"}, Authorization=basic(world.client_id, world.client_secret)
    )

    assert answer.status == 200


async def test_a_wrong_secret_is_refused_in_the_oauth_shape(world: World) -> None:
    form = {"grant_type": "client_credentials", "client_id": world.client_id, "client_secret": "wrong"}

    answer = await ask(world, form)

    assert (answer.status, refusal(answer)) == (401, "invalid_client")
    assert answer.headers["WWW-Authenticate"].startswith("Basic ")


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({}, 400, "invalid_request"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"grant_type": "client_credentials"}, 401, "invalid_client"),
        ([("grant_type", "client_credentials"), ("grant_type", "client_credentials")], 400, "invalid_request"),
    ],
)
async def test_a_token_request_that_is_none_is_refused(world: World, form: Any, status: int, error: str) -> None:
    answer = await ask(world, form)

    assert (answer.status, refusal(answer)) == (status, error)


async def test_two_ways_to_prove_oneself_at_once_are_refused(world: World) -> None:
    form = {"grant_type": "client_credentials", "client_secret": world.client_secret}

    answer = await ask(world, form, Authorization=basic(world.client_id, world.client_secret))

    assert (answer.status, refusal(answer)) == (400, "invalid_request")


@pytest.mark.parametrize("header", ["Basic !!!", "Basic " + base64.b64encode(b"no colon").decode(), "Basic"])
async def test_broken_http_basic_is_refused(world: World, header: str) -> None:
    answer = await ask(world, {"grant_type": "client_credentials"}, Authorization=header)

    assert (answer.status, refusal(answer)) == (401, "invalid_client")


async def test_a_token_request_is_a_form(world: World) -> None:
    answer = await world.send("POST", TOKEN, content=b"{}", headers={"Content-Type": "application/json"})

    assert answer.status == 415
    error_body(answer)


async def test_others_can_verify_our_tokens_from_what_the_realm_publishes(world: World) -> None:
    configuration = (await world.send("GET", "/realms/catena/.well-known/openid-configuration")).json()
    assert configuration["token_endpoint"] == f"https://fleetwrite.test{TOKEN}"
    keys = (await world.send("GET", configuration["jwks_uri"].removeprefix("https://fleetwrite.test"))).json()

    key = jwt.PyJWKSet.from_dict(keys)[jwt.get_unverified_header(world.token)["kid"]]
    claims = jwt.decode(
        world.token,
        key,
        algorithms=configuration["id_token_signing_alg_values_supported"],
        issuer=configuration["issuer"],
    )

    assert claims["org"] == {"acme": {"id": world.partner_id, "org_type": ["partner"]}}


async def test_a_missing_scope_is_named(world: World) -> None:
    answer = await world.get("/v2/integrations/connections", token=world.reading_token)

    assert answer.status == 403
    assert "connection:read" in error_body(answer).detail


async def test_who_comes_without_a_token_is_told_to_bring_one(world: World) -> None:
    answer = await world.send("GET", "/v2/integrations/connections")

    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer ")
    error_body(answer)
