"""How the simulator answers those who do not keep to Motive's rules."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from connectors.motive.motive_provider import Provider, open_provider
from fleetwrite.connectors.motive.connector import CONNECTOR
from fleetwrite.connectors.motive.simulator import ALL_SCOPES
from fleetwrite.connectors.sdk.connector import ProviderAnswerError
from fleetwrite.contract.enums import ResourceEnum

VEHICLES, ASSETS, USERS, MESSAGES, PURCHASES = (
    *("/v1/vehicles", "/v1/assets", "/v1/users"),
    *("/v2/messages", "/v1/fuel_purchases"),
)
ASSET = {"name": "TR-7", "type": "reefer", "make": "Utility", "model": "3000R", "year": "2024"}
USER = {"role": "driver", "first_name": "Kira", "last_name": "Novak", "password": "x"}
OFFICE = {**USER, "role": "fleet_user", "email": "kira@fleet.example"}
DRIVER_ID, OFFICE_ID, VEHICLE_ID = 550101, 550109, 1090401
PURCHASE = {
    "vehicle_id": VEHICLE_ID,
    "driver_id": DRIVER_ID,
    "purchased_at": "2026-03-04T21:21:00Z",
    "jurisdiction": "TX",
    "fuel_type": "diesel",
    "fuel": 109.25,
    "fuel_unit": "gal",
}
MARK = {"external_id": "1", "integration_name": "tms"}

REFUSED: dict[str, tuple[str, str, dict[str, Any], int]] = {
    "no number": ("POST", VEHICLES, {"vin": "1X"}, 400),
    "a number that another has": ("POST", VEHICLES, {"number": "unit 101"}, 400),
    "a field that there is not": ("POST", VEHICLES, {"number": "7", "nubmer": "8"}, 400),
    "a state from birth": ("POST", VEHICLES, {"number": "7", "status": "active"}, 400),
    "an unknown vehicle": ("PUT", f"{VEHICLES}/7", {"notes": "n"}, 404),
    "an asset's vehicle": ("PUT", f"{ASSETS}/{VEHICLE_ID}", {"notes": "n"}, 404),
    "no make": ("POST", ASSETS, {name: value for name, value in ASSET.items() if name != "make"}, 400),
    "a custom type without its name": ("POST", ASSETS, {**ASSET, "type": "custom"}, 400),
    "a name of no custom type": ("POST", ASSETS, {**ASSET, "custom_type": "Dry van"}, 400),
    "an external id of nobody": ("POST", ASSETS, {**ASSET, "external_ids_attributes": [{**MARK, "id": 7}]}, 400),
    "one external id twice": ("POST", ASSETS, {**ASSET, "external_ids_attributes": [MARK, MARK]}, 400),
    "no login": ("POST", USERS, USER, 400),
    "no password": ("POST", USERS, {"role": "driver", "first_name": "a", "last_name": "b", "username": "c"}, 400),
    "modes that do not match": ("POST", USERS, {**USER, "username": "k", "eld_mode": "exempt"}, 400),
    "a driver's field": ("POST", USERS, {**OFFICE, "cycle": "70_8"}, 400),
    "a time zone by another name": ("POST", USERS, {**OFFICE, "time_zone": "America/Chicago"}, 400),
    "another's e-mail address": ("POST", USERS, {**OFFICE, "email": "INES.VOGEL@northwind-haulage.example"}, 400),
    "a message of nobody": ("POST", MESSAGES, {"sender_id": 1, "receiver_ids": [DRIVER_ID], "body": "x"}, 400),
    "a message of a driver": (
        "POST",
        MESSAGES,
        {"sender_id": DRIVER_ID, "receiver_ids": [DRIVER_ID], "body": "x"},
        400,
    ),
    "a message to nobody": ("POST", MESSAGES, {"sender_id": OFFICE_ID, "receiver_ids": [], "body": "x"}, 400),
    "a message to a stranger": ("POST", MESSAGES, {"sender_id": OFFICE_ID, "receiver_ids": [1], "body": "x"}, 404),
    "an unknown jurisdiction": ("POST", PURCHASES, {**PURCHASE, "jurisdiction": "XX"}, 400),
    "an office user at the pump": ("POST", PURCHASES, {**PURCHASE, "driver_id": OFFICE_ID}, 400),
    "a foreign currency": ("POST", PURCHASES, {**PURCHASE, "total_cost": 1, "currency": "EUR"}, 400),
    "a path that there is not": ("POST", "/v1/inspection_reports", {}, 404),
    "a method that there is not": ("DELETE", VEHICLES, {}, 405),
}

BAD_QUERIES: dict[str, tuple[str, dict[str, str]]] = {
    "page nought": (VEHICLES, {"page_no": "0"}),
    "a time that is none": (VEHICLES, {"updated_after": "yesterday"}),
    "a state that is none": (ASSETS, {"status": "retired"}),
    "no key": (f"{USERS}/lookup", {}),
    "two keys": (f"{USERS}/lookup", {"email": "a@b", "username": "c"}),
    "half a key": (f"{ASSETS}/lookup_by_external_id", {"external_id": "1"}),
    "messages of long ago": (MESSAGES, {"start_date": "2020-01-01"}),
    "a day that is none": (PURCHASES, {"start_date": "today"}),
}


@pytest.fixture
async def provider(tmp_path: Path) -> AsyncIterator[Provider]:
    async with open_provider(tmp_path) as provider:
        yield provider


@pytest.mark.parametrize(("method", "path", "body", "status"), REFUSED.values(), ids=REFUSED)
async def test_what_breaks_a_rule_is_refused_and_leaves_nothing(
    provider: Provider, method: str, path: str, body: dict[str, Any], status: int
) -> None:
    collections = ("vehicles", "assets", "users", "messages", "fuel_purchases")
    before = [provider.held(name) for name in collections]

    answer = await provider.call(method, path, body)

    assert answer.status == status
    assert set(msgspec.json.decode(answer.body)) == {"error_message"}
    assert [provider.held(name) for name in collections] == before


@pytest.mark.parametrize(("path", "query"), BAD_QUERIES.values(), ids=BAD_QUERIES)
async def test_a_bad_question_is_refused(provider: Provider, path: str, query: dict[str, str]) -> None:
    assert (await provider.call("GET", path, query=query)).status == 400


async def test_a_token_without_the_scope_is_forbidden(tmp_path: Path) -> None:
    async with open_provider(tmp_path, ALL_SCOPES - {"vehicles.manage"}) as provider:
        assert (await provider.call("POST", VEHICLES, {"number": "7"})).status == 403
        assert (await provider.call("GET", VEHICLES)).status == 200


async def test_a_company_has_sixty_calls_a_minute(provider: Provider) -> None:
    statuses = [(await provider.call("GET", "/v1/companies")).status for _ in range(61)]

    assert statuses == [200] * 60 + [429]


async def test_tokens_are_asked_for_three_times_a_second(provider: Provider) -> None:
    for _ in range(3):
        await CONNECTOR.check_login(provider.session(provider.consent()))

    with pytest.raises(ProviderAnswerError, match="HTTP 429 from Motive to POST /oauth/token"):
        await CONNECTOR.check_login(provider.session(provider.consent()))


async def test_pages_have_twenty_five_unless_asked_and_never_more_than_a_hundred(provider: Provider) -> None:
    cases: tuple[tuple[dict[str, str], int], ...] = (({}, 25), ({"per_page": "7"}, 7), ({"per_page": "500"}, 100))
    for asked, given in cases:
        page = msgspec.json.decode((await provider.call("GET", VEHICLES, query=asked)).body)
        assert page["pagination"] == {"per_page": given, "page_no": 1, "total": 6}


async def test_everything_outlives_a_restart(tmp_path: Path) -> None:
    async with open_provider(tmp_path) as provider:
        await provider.call("POST", VEHICLES, {"number": "7"})
        kept = provider.kept
    async with open_provider(tmp_path) as provider:
        # The port is another one.
        kept.login = msgspec.structs.replace(kept.login, base_url=provider.kept.login.base_url)
        provider.kept = kept
        records = await provider.listed(ResourceEnum.VEHICLE)
        assert "7" in {record.attributes["vehicle_name"] for record in records}
        assert await provider.grants() == ["authorization_code"]
        # A new database would have to log in anew: the fleet has another code for that.
        await CONNECTOR.check_login(provider.session(provider.consent()))


async def test_the_log_shows_no_secret(provider: Provider) -> None:
    await provider.call("POST", USERS, OFFICE)

    requests = await provider.control.requests()

    assert [entry["body"]["code"] for entry in requests if entry["path"] == "/oauth/token"] == ["***"]
    assert requests[-1]["body"]["password"] == "***"
