"""The pages to consent on of all simulators that have one, and what their connectors make of a consent."""

from collections.abc import AsyncIterator, Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest

from fleetwrite.connectors.motive.simulator.companies import CLIENT_ID as MOTIVE_ID
from fleetwrite.connectors.motive.simulator.companies import CLIENT_SECRET as MOTIVE_SECRET
from fleetwrite.connectors.motive.simulator.server import MotiveSimulator
from fleetwrite.connectors.samsara.simulator.oauth import CLIENT_ID as SAMSARA_ID
from fleetwrite.connectors.samsara.simulator.oauth import CLIENT_SECRET as SAMSARA_SECRET
from fleetwrite.connectors.samsara.simulator.server import SamsaraSimulator
from fleetwrite.connectors.sdk.connector import LoginRefusedError, SessionConnector
from fleetwrite.connectors.sdk.registry import Registry
from fleetwrite.connectors.sdk.simulator import Simulator, oauth
from fleetwrite.connectors.sdk.suite.session import DirectSession
from fleetwrite.connectors.sdk.wire import Login
from fleetwrite.kit.egress import Egress
from fleetwrite.kit.url_policy import UrlPolicy

RETURN = "http://127.0.0.1:4711/connect/callback"
OWNER = {"email": "ines.vogel@northwind-haulage.example", "password": oauth.DEMO_PASSWORD}


class Consenting:
    """One simulator, as a browser sees it, and the app that sends browsers there."""

    def __init__(self, simulator: Simulator, connector: SessionConnector, app: Mapping[str, str], url: str) -> None:
        self.simulator = simulator
        self.connector = connector
        self.app = app
        self.url = url
        self.http = aiohttp.ClientSession(trust_env=False)
        self.egress = Egress(UrlPolicy(allow_http=True, allowed_networks=(ip_network("127.0.0.0/8"),)))

    @property
    def page(self) -> str:
        consent = self.connector.manifest.consent
        assert consent is not None
        return self.connector.consent_address(Login(base_url=self.url, credentials={})) + consent.path

    @property
    def asked(self) -> dict[str, str]:
        consent = self.connector.manifest.consent
        assert consent is not None
        asked = {"response_type": "code", "client_id": self.app["client_id"], "redirect_uri": RETURN, "state": "s&1"}
        return asked | ({"scope": " ".join(consent.scopes)} if consent.scopes else {})

    async def show(self, **changes: str) -> tuple[int, str, str | None]:
        async with self.http.get(self.page, params=self.asked | changes, allow_redirects=False) as answer:
            return answer.status, await answer.text(), answer.headers.get("Location")

    async def decide(self, decision: str = "allow", **changes: str) -> tuple[int, str, str | None]:
        form = {**self.asked, **OWNER, "decision": decision} | changes
        async with self.http.post(self.page, data=form, allow_redirects=False) as answer:
            return answer.status, await answer.text(), answer.headers.get("Location")

    async def code(self) -> str:
        status, _, location = await self.decide()
        assert status == 302
        told = told_by(location)
        assert told["state"] == "s&1"
        return told["code"]

    def session(self, credentials: Mapping[str, str]) -> DirectSession:
        return DirectSession(self.egress, self.connector, Login(base_url=self.url, credentials=credentials))


def told_by(location: str | None) -> dict[str, str]:
    assert location is not None
    assert location.startswith(f"{RETURN}?")
    return {name: value for name, (value,) in parse_qs(urlsplit(location).query).items()}


@pytest.fixture(params=["motive", "samsara"])
async def provider(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Consenting]:
    simulator: Simulator
    if request.param == "motive":
        simulator = MotiveSimulator(tmp_path)
        app = {"client_id": MOTIVE_ID, "client_secret": MOTIVE_SECRET, "redirect_uri": RETURN}
    else:
        simulator = SamsaraSimulator(tmp_path)
        app = {"client_id": SAMSARA_ID, "client_secret": SAMSARA_SECRET}
    connector = Registry.load().get(request.param)
    assert isinstance(connector, SessionConnector)
    consenting = Consenting(simulator, connector, app, await simulator.start())
    yield consenting
    await consenting.http.close()
    await consenting.egress.close()
    await simulator.stop()


async def test_a_consent_logs_in_and_its_refresh_tokens_go_on(provider: Consenting) -> None:
    credentials = {**provider.app, "auth_code": await provider.code()}
    session = provider.session(credentials)

    assert (await provider.connector.check_login(session))["name"] == "Northwind Haulage"

    renewed = dict(session.login.credentials)
    assert set(renewed) == {*provider.app, "refresh_token"}
    again = provider.session(renewed)
    assert (await provider.connector.check_login(again))["name"] == "Northwind Haulage"
    assert again.login.credentials["refresh_token"] != renewed["refresh_token"]
    with pytest.raises(LoginRefusedError):
        await provider.connector.check_login(provider.session(renewed))


async def test_a_code_works_once(provider: Consenting) -> None:
    credentials = {**provider.app, "auth_code": await provider.code()}
    await provider.connector.check_login(provider.session(credentials))

    with pytest.raises(LoginRefusedError, match="invalid_grant"):
        await provider.connector.check_login(provider.session(credentials))


async def test_a_code_ends_by_itself(provider: Consenting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oauth, "CODE_LASTS_S", 0.0)
    credentials = {**provider.app, "auth_code": await provider.code()}

    with pytest.raises(LoginRefusedError, match="invalid_grant"):
        await provider.connector.check_login(provider.session(credentials))


async def test_a_code_is_worth_nothing_to_another_app(provider: Consenting) -> None:
    credentials = {**provider.app, "client_secret": "wrong", "auth_code": await provider.code()}

    with pytest.raises(LoginRefusedError, match="client_id and client_secret"):
        await provider.connector.check_login(provider.session(credentials))


async def test_the_page_shows_who_asks_and_whoever_denies_is_sent_back(provider: Consenting) -> None:
    status, page, _ = await provider.show()
    assert status == 200
    assert "<strong>Fleetwrite</strong> asks for access" in page
    assert OWNER["email"] in page

    status, _, location = await provider.decide("deny", email="", password="")
    assert status == 302
    assert told_by(location) == {"error": "access_denied", "state": "s&1"}


async def test_a_wrong_password_gives_no_code_and_what_was_typed_is_escaped(provider: Consenting) -> None:
    status, page, location = await provider.decide(email='"><script>', password="guess")

    assert (status, location) == (401, None)
    assert "do not belong together" in page
    assert "<script>" not in page


@pytest.mark.parametrize(
    "changes",
    [
        {"redirect_uri": "https://evil.example/"},
        {"redirect_uri": "https://127.0.0.1/"},
        {"redirect_uri": "http://127.0.0.1@evil.example/"},
        {"client_id": "another"},
    ],
    ids=lambda changes: next(iter(changes.values())),
)
async def test_nobody_is_sent_where_the_app_is_not(provider: Consenting, changes: dict[str, str]) -> None:
    for status, _, location in (await provider.show(**changes), await provider.decide(**changes)):
        assert (status, location) == (400, None)


@pytest.mark.parametrize(
    ("changes", "error"),
    [({"scope": "everything"}, "invalid_scope"), ({"response_type": "token"}, "unsupported_response_type")],
)
async def test_what_the_app_may_not_ask_is_told_to_it(
    provider: Consenting, changes: dict[str, str], error: str
) -> None:
    status, _, location = await provider.show(**changes)
    assert status == 302
    assert told_by(location)["error"] == error


async def test_no_secret_is_in_the_log(provider: Consenting) -> None:
    code = await provider.code()
    session = provider.session({**provider.app, "auth_code": code})
    await provider.connector.check_login(session)

    async with provider.http.get(f"{provider.url}/_simulator/requests") as answer:
        log: dict[str, Any] = await answer.json()
    text = str(log)
    secrets = {code, OWNER["password"], session.login.credentials["refresh_token"], provider.app["client_secret"]}
    assert [secret for secret in secrets if f"'{secret}'" in text] == []
