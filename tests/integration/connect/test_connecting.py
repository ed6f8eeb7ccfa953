"""Connecting by what a fleet enters."""

from urllib.parse import parse_qs, urlsplit

import pytest

from integration.connect.place import Place
from integration.connect.visitor import Visitor

GEOTAB = "/connect/providers/geotab"
SAMSARA = "/connect/providers/samsara"


async def test_a_fleet_connects_by_password_and_is_led_back(place: Place, visitor: Visitor) -> None:
    _, fleet_id = await place.accepted(visitor, success_redirect_url="https://tms.example/ok")
    done = await visitor.submit(await visitor.open(GEOTAB), GEOTAB, **place.login("geotab"), description="Main depot")

    assert urlsplit(done.url).path == "/connect/done"
    assert "Geotab is connected." in done.text
    (made,) = await place.connected(fleet_id)
    assert (made.tsp_slug, made.description, made.status) == ("geotab", "Main depot", "active")
    (way_back,) = (link for link in done.document.links if link.startswith("https://tms.example"))
    told = parse_qs(urlsplit(way_back).query)
    assert (told["status"], told["tsp_count"]) == (["success"], ["1"])
    assert {"invitation_id", "fleet_ref"} < set(told)


async def test_several_accounts_are_connected_in_one_visit(place: Place, visitor: Visitor) -> None:
    _, fleet_id = await place.accepted(visitor)
    await visitor.submit(await visitor.open(GEOTAB), GEOTAB, **place.login("geotab"))
    done = await visitor.submit(await visitor.open(SAMSARA), SAMSARA, **place.login("samsara"))

    assert "Samsara is connected." in done.text
    assert [one.tsp_slug for one in await place.connected(fleet_id)] == ["geotab", "samsara"]
    assert "Connected so far: Geotab, Samsara." in (await visitor.open("/connect/providers")).text


async def test_wrong_credentials_are_told_and_nothing_is_stored(place: Place, visitor: Visitor) -> None:
    _, fleet_id = await place.accepted(visitor)
    wrong = place.login("geotab") | {"credentials__password": "Not-My-Pa55word"}
    page = await visitor.submit(await visitor.open(GEOTAB), GEOTAB, **wrong)

    assert page.status == 422
    assert "Geotab does not accept this. Please check what you entered; nothing was stored." in page.text
    assert ("div", "alert") in [(tag, given.get("role")) for tag, given in page.document.tags]
    # What is no secret need not be entered again; what is one is not sent back.
    assert page.document.ids["credentials-username"]["value"] == wrong["credentials__username"]
    assert page.document.ids["credentials-password"]["value"] == ""
    assert "Not-My-Pa55word" not in page.document.source
    assert await place.connected(fleet_id) == []


async def test_a_wrong_token_is_told_beside_the_way_over_the_provider_s_page(place: Place, visitor: Visitor) -> None:
    _, fleet_id = await place.accepted(visitor)
    page = await visitor.submit(await visitor.open(SAMSARA), SAMSARA, credentials__token="wrong")

    assert page.status == 422
    assert "Samsara does not accept this" in page.text
    assert ("details", True) in [(tag, "open" in given) for tag, given in page.document.tags]
    assert await place.connected(fleet_id) == []


async def test_what_is_missing_is_told_beside_its_field(place: Place, visitor: Visitor) -> None:
    await place.accepted(visitor)
    page = await visitor.submit(await visitor.open(GEOTAB), GEOTAB, credentials__username="somebody")

    assert page.status == 422
    for name in ("password", "database"):
        field = page.document.ids[f"credentials-{name}"]
        assert field["aria-invalid"] == "true"
        assert f"credentials-{name}-fault" in (field["aria-describedby"] or "").split()
    assert "autofocus" in page.document.ids["credentials-password"]
    assert "aria-invalid" not in page.document.ids["credentials-username"]
    assert "#credentials-password" in page.document.links


async def test_an_address_that_may_not_be_called_is_told_beside_its_field(place: Place, visitor: Visitor) -> None:
    await place.accepted(visitor)
    path = "/connect/providers/traccar"
    for address in ("http://169.254.169.254", "nowhere"):
        page = await visitor.submit(
            await visitor.open(path),
            path,
            settings__base_url=address,
            credentials__token=place.login("samsara")["credentials__token"],
        )
        assert page.status == 422
        assert page.document.ids["settings-base_url"]["aria-invalid"] == "true"
        assert page.document.ids["settings-base_url"]["value"] == address


async def test_what_the_operator_has_set_is_not_asked_for(place: Place, visitor: Visitor) -> None:
    _, fleet_id = await place.accepted(visitor)
    page = await visitor.open(GEOTAB)
    assert "settings-base_url" not in page.document.ids
    assert "settings-on_uncertain" not in page.document.ids

    await visitor.submit(page, GEOTAB, **place.login("geotab"), settings__base_url="https://evil.example")
    (made,) = await place.connected(fleet_id)
    assert made.settings["base_url"] == place.addresses["geotab"]


async def test_a_provider_that_is_down_is_no_wrong_password(place: Place, visitor: Visitor) -> None:
    await place.accepted(visitor)
    url = f"{place.addresses['samsara']}/_simulator/faults"
    async with visitor.http.post(url, json={"method": "GET", "path": "/me", "kind": "status", "status": 503}) as answer:
        assert answer.status == 200
    page = await visitor.submit(await visitor.open(SAMSARA), SAMSARA, **place.login("samsara"))

    assert page.status == 422
    assert "Samsara could not tell us just now whether this is right." in page.text


@pytest.mark.parametrize(
    ("wanted", "found"),
    [("", 8), ("geo", 1), ("GEO TAB", 1), ("insight gps", 1), ("nobody's", 0)],
)
async def test_providers_are_searched_without_a_script(place: Place, visitor: Visitor, wanted: str, found: int) -> None:
    page, _ = await place.accepted(visitor)
    page = await visitor.submit(page, "/connect/providers", q=wanted)
    assert len([link for link in page.document.links if link.startswith("/connect/providers/")]) == found


@pytest.mark.parametrize("limit", [["geotab", "samsara"]])
async def test_an_invitation_may_allow_some_providers_only(place: Place, visitor: Visitor, limit: list[str]) -> None:
    page, _ = await place.accepted(visitor, limit_tsps=limit)

    offered = [link.rpartition("/")[2] for link in page.document.links if link.startswith("/connect/providers/")]
    assert offered == limit
    assert (await visitor.open("/connect/providers/wialon")).status == 404
    assert (await visitor.open("/connect/providers/nobody")).status == 404
