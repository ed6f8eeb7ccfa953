"""Connecting over a provider's own page: only the browser that was sent there comes back, once."""

from urllib.parse import parse_qs, urlencode, urlsplit
from uuid import UUID

import pytest

from fleetwrite.connectors.sdk.simulator.oauth import DEMO_PASSWORD
from integration.connect.place import Place
from integration.connect.visitor import Answer, Visitor

OWNER = {"email": "ines.vogel@northwind-haulage.example", "password": DEMO_PASSWORD}

each = pytest.mark.parametrize("slug", ["motive", "samsara"])


async def left(place: Place, visitor: Visitor, slug: str) -> tuple[UUID, str]:
    """The fleet of a visitor who was sent to a provider, and where to."""
    _, fleet_id = await place.accepted(visitor)
    page = await visitor.open(f"/connect/providers/{slug}")
    sent = await visitor.submit(page, f"/connect/providers/{slug}/consent")
    assert sent.status == 303
    assert f"form-action 'self' {place.addresses[slug]};" in page.headers["Content-Security-Policy"]
    return fleet_id, sent.location


async def decided(visitor: Visitor, address: str, decision: str = "allow") -> str:
    """Where the provider sends a browser back to."""
    form = {name: value for name, (value,) in parse_qs(urlsplit(address).query).items()} | OWNER
    answer = await visitor.send("POST", address, form | {"decision": decision})
    assert answer.status == 302
    return answer.location


def changed(address: str, **changes: str) -> str:
    query = {name: value for name, (value,) in parse_qs(urlsplit(address).query).items()} | changes
    return urlsplit(address)._replace(query=urlencode(query)).geturl()


def assert_lost(page: Answer) -> None:
    assert page.status == 400
    assert "This answer does not belong to your visit" in page.text


@each
async def test_a_consent_connects(place: Place, visitor: Visitor, slug: str) -> None:
    fleet_id, address = await left(place, visitor, slug)
    asked = {name: value for name, (value,) in parse_qs(urlsplit(address).query).items()}
    assert asked["redirect_uri"] == f"{place.url}/connect/callback/{slug}"
    assert len(asked["state"]) >= 43  # 256 bits

    done = await visitor.open(await decided(visitor, address))

    assert urlsplit(done.url).path == "/connect/done"
    (made,) = await place.connected(fleet_id)
    assert (made.tsp_slug, made.status) == (slug, "active")
    app = place.simulators[slug].demo_app()
    assert app is not None
    assert app.client_secret not in str(made.credentials_masked)
    assert app.client_secret not in done.document.source


@each
async def test_an_answer_counts_once(place: Place, visitor: Visitor, slug: str) -> None:
    fleet_id, address = await left(place, visitor, slug)
    back = await decided(visitor, address)
    await visitor.open(back)

    assert_lost(await visitor.open(back))
    assert len(await place.connected(fleet_id)) == 1


async def test_a_code_that_was_used_before_connects_nothing(place: Place, visitor: Visitor) -> None:
    _, address = await left(place, visitor, "motive")
    first = await decided(visitor, address)
    await visitor.open(first)
    code = parse_qs(urlsplit(first).query)["code"][0]
    async with place.visitor() as other:
        fleet_id, address = await left(place, other, "motive")
        page = await other.open(changed(await decided(other, address), code=code))

    assert page.status == 422
    assert "Motive does not accept this" in page.text
    assert await place.connected(fleet_id) == []


@each
async def test_a_made_up_state_is_none(place: Place, visitor: Visitor, slug: str) -> None:
    fleet_id, address = await left(place, visitor, slug)
    back = await decided(visitor, address)

    for state in ("", "x", "é"):
        assert_lost(await visitor.open(changed(back, state=state)))
    assert await place.connected(fleet_id) == []


async def test_another_browser_can_not_bring_an_answer(place: Place, visitor: Visitor) -> None:
    """Or somebody could have a victim's fleet connected to an account of his own."""
    _, address = await left(place, visitor, "motive")
    back = await decided(visitor, address)
    async with place.visitor() as victim:
        fleet_id, _ = await left(place, victim, "motive")
        assert_lost(await victim.open(back))
    assert await place.connected(fleet_id) == []
    async with place.visitor() as nobody:
        assert (await nobody.open(back)).status == 403


async def test_a_state_is_good_for_its_provider_only(place: Place, visitor: Visitor) -> None:
    _, address = await left(place, visitor, "motive")
    back = await decided(visitor, address)

    assert_lost(await visitor.open(back.replace("/callback/motive", "/callback/samsara")))


async def test_who_comes_back_too_late_is_not_connected(place: Place, visitor: Visitor) -> None:
    fleet_id, address = await left(place, visitor, "motive")
    back = await decided(visitor, address)
    async with place.later("31 minutes"):
        assert_lost(await visitor.open(back))
    assert await place.connected(fleet_id) == []


@each
async def test_who_does_not_consent_may_try_again(place: Place, visitor: Visitor, slug: str) -> None:
    fleet_id, address = await left(place, visitor, slug)
    page = await visitor.open(await decided(visitor, address, "deny"))

    assert page.status == 422
    assert "You did not allow the access" in page.text
    assert await place.connected(fleet_id) == []
    again = await visitor.submit(page, f"/connect/providers/{slug}/consent")
    await visitor.open(await decided(visitor, again.location))
    assert len(await place.connected(fleet_id)) == 1


async def test_what_else_a_provider_refuses_is_no_fault_of_the_fleet_s(place: Place, visitor: Visitor) -> None:
    _, address = await left(place, visitor, "motive")
    back = changed(await decided(visitor, address, "deny"), error="<b>invalid_scope</b>")
    page = await visitor.open(back)

    assert "Motive did not let us ask for your consent." in page.text
    assert "invalid_scope" not in page.document.source


async def test_the_operator_s_app_is_shown_to_no_address_that_a_fleet_chose(place: Place, visitor: Visitor) -> None:
    await place.accepted(visitor)
    page = await visitor.open("/connect/providers/motive")
    sent = await visitor.submit(
        page,
        "/connect/providers/motive/consent",
        settings__base_url="https://evil.example",
        settings__oauth_url="https://evil.example",
    )
    assert sent.location.startswith(f"{place.addresses['motive']}/oauth/authorize?")
