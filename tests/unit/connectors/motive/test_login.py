from typing import Any
from urllib.parse import parse_qsl

import pytest

from connectors.motive.motive_writes import message
from fleetwrite.connectors.motive.connector import CONNECTOR
from fleetwrite.connectors.sdk.connector import LoginRefusedError, ProviderAnswerError
from fleetwrite.connectors.sdk.wire import Login, Request
from fleetwrite.connectors.sdk.write import Call
from unit.connectors.motive.scripts import Script, answered

API = "https://api.gomotive.com"
APP = {"client_id": "app", "client_secret": "s3cret", "redirect_uri": "https://gateway.example/oauth"}
CONSENTED = {**APP, "auth_code": "c0de"}
RENEWED = {**APP, "refresh_token": "t0ken"}


def login(credentials: dict[str, str], base_url: str = API, **settings: str) -> Login:
    return Login(base_url=base_url, credentials=credentials, settings=settings)


async def rendered(of: Login) -> tuple[Call, Request]:
    script = Script(answered(200, {"access_token": "a"}))
    await CONNECTOR.log_in(of, script)
    return script.calls[0], CONNECTOR.render(script.calls[0], of)


@pytest.mark.parametrize(
    ("credentials", "fields"),
    [
        (CONSENTED, {**APP, "grant_type": "authorization_code", "code": "c0de"}),
        (
            RENEWED,
            {"client_id": "app", "client_secret": "s3cret", "grant_type": "refresh_token", "refresh_token": "t0ken"},
        ),
        # A spent code beside the token that it gave.
        (
            {**CONSENTED, **RENEWED},
            {"client_id": "app", "client_secret": "s3cret", "grant_type": "refresh_token", "refresh_token": "t0ken"},
        ),
    ],
)
async def test_secrets_are_in_the_request_alone(credentials: dict[str, str], fields: dict[str, str]) -> None:
    call, request = await rendered(login(credentials))

    assert dict(parse_qsl((request.body or b"").decode())) == fields
    assert (request.method, request.query) == ("POST", ())
    assert not any(secret in repr(call) for secret in ("s3cret", "c0de", "t0ken"))
    # Otherwise a write whose connection broke after the login would count as sent.
    assert call.is_read


@pytest.mark.parametrize(
    ("of", "address"),
    [
        (login(CONSENTED), "https://gomotive.com/oauth/token"),
        (login(CONSENTED, "http://127.0.0.1:7"), "http://127.0.0.1:7/oauth/token"),
        (login(CONSENTED, oauth_url="https://keeptruckin.com/"), "https://keeptruckin.com/oauth/token"),
        (login(CONSENTED, "http://127.0.0.1:7", oauth_url="http://127.0.0.1:8"), "http://127.0.0.1:8/oauth/token"),
    ],
)
async def test_tokens_are_asked_for_where_motive_gives_them(of: Login, address: str) -> None:
    assert (await rendered(of))[1].url == address


def test_calls_carry_the_access_token() -> None:
    session = Login(base_url=API, credentials=RENEWED, session={"access_token": "a"})

    request = CONNECTOR.render(CONNECTOR.translate(message()).call, session)

    assert request.url == f"{API}/v2/messages"
    assert request.headers["Authorization"] == "Bearer a"


async def test_the_code_is_replaced_by_the_refresh_token() -> None:
    script = Script(answered(200, {"access_token": "a", "refresh_token": "next", "expires_in": 60}))

    made = await CONNECTOR.log_in(login(CONSENTED), script)

    assert (made.values, made.lasts_s) == ({"access_token": "a"}, 60)
    assert made.credentials == {**APP, "refresh_token": "next"}


async def test_what_an_answer_leaves_out_stays_as_it_is() -> None:
    made = await CONNECTOR.log_in(login(RENEWED), Script(answered(200, {"access_token": "a"})))

    assert (made.lasts_s, made.credentials) == (7200, None)


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (400, {"error": "invalid_grant"}, LoginRefusedError),
        (401, {"error": "invalid_client"}, LoginRefusedError),
        (400, b"t0ken s3cret", LoginRefusedError),
        (401, {"error": {"token": "t0ken"}}, LoginRefusedError),
        (200, b"t0ken s3cret", ProviderAnswerError),
        (200, {"error": "t0ken"}, ProviderAnswerError),
        (403, {"error": "t0ken"}, ProviderAnswerError),
        (429, {"error": "t0ken"}, ProviderAnswerError),
        (500, b"t0ken s3cret", ProviderAnswerError),
    ],
)
async def test_a_failed_login_says_whether_it_was_refused_and_repeats_no_secret(
    status: int, body: Any, error: type[ProviderAnswerError]
) -> None:
    with pytest.raises(ProviderAnswerError) as failed:
        await CONNECTOR.log_in(login(RENEWED), Script(answered(status, body)))

    assert type(failed.value) is error
    assert "s3cret" not in str(failed.value)
    assert failed.value.answer.status == status
