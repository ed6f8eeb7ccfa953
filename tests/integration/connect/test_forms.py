"""What holds for every page: who may send a form, what browsers are told, what is kept of whom."""

import re
from urllib.parse import urlsplit

import pytest

from fleetwrite.connect.app import PAGES
from integration.connect.place import Place
from integration.connect.visitor import Visitor

POSTS = [path for path, handlers in PAGES.items() if "POST" in handlers]
SOME_ID = "00000000-0000-4000-8000-000000000000"


def address_of(path: str) -> str:
    return re.sub(r"\{slug\}", "geotab", re.sub(r"\{change\}", "pause", re.sub(r"\{\w+_id\}", SOME_ID, path)))


@pytest.mark.parametrize("path", POSTS)
async def test_a_form_from_elsewhere_is_refused(place: Place, visitor: Visitor, path: str) -> None:
    await place.accepted(visitor)
    async with place.visitor() as stranger:
        foreign = (await stranger.open("/connect/return")).document.forms["/connect/link"].fields["form_token"]

    for form in ({}, {"form_token": ""}, {"form_token": foreign}, {"form_token": "é"}):
        refused = await visitor.send("POST", address_of(path), form)
        assert refused.status == 403
        assert "This form could not be accepted" in refused.text


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "multipart/form-data; boundary=x"])
async def test_only_forms_are_read(visitor: Visitor, content_type: str) -> None:
    page = await visitor.open("/connect/return")
    token = page.document.forms["/connect/link"].fields["form_token"]
    async with visitor.http.post(
        f"{visitor.url}/connect/link", data=f"form_token={token}".encode(), headers={"Content-Type": content_type}
    ) as answer:
        assert answer.status == 403


async def test_a_form_larger_than_any_is_not_read(visitor: Visitor) -> None:
    page = await visitor.open("/connect/return")
    refused = await visitor.submit(page, "/connect/link", email="x" * 100_000)
    assert refused.status == 413


@pytest.mark.parametrize("path", [path for path, handlers in PAGES.items() if "GET" in handlers])
async def test_every_page_keeps_scripts_frames_caches_and_referrers_out(visitor: Visitor, path: str) -> None:
    page = await visitor.send("GET", address_of(path))

    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    if page.status != 303:
        policy = page.headers["Content-Security-Policy"]
        assert policy == (
            "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
            "frame-ancestors 'none'"
        )
        assert page.headers["Content-Type"] == "text/html; charset=utf-8"


async def test_a_partner_can_not_write_into_the_policy(place: Place, visitor: Visitor) -> None:
    query = "UPDATE invitations SET failure_redirect_url = $2 WHERE id = $1"
    invitation = await place.invite()
    for address in ("https://a.example;script-src *", "https://a b/", "javascript:alert(1)", "https://a.example,*/"):
        await place.services.database.pool.execute(query, invitation.id, address)
        page = await visitor.open(f"/connect?invite={invitation.id}")
        assert "form-action 'self';" in page.headers["Content-Security-Policy"]


async def test_the_cookie_is_out_of_reach_for_scripts_and_other_sites(visitor: Visitor) -> None:
    page = await visitor.send("GET", "/connect/return")
    name, *rules = page.headers["Set-Cookie"].split("; ")
    assert name.startswith("fleetwrite-visit=")
    assert set(rules) == {"HttpOnly", "Path=/", "SameSite=lax"}


async def test_secrets_of_browsers_are_kept_as_hashes(place: Place, visitor: Visitor) -> None:
    await place.accepted(visitor)
    rows = await place.services.database.pool.fetch("SELECT t::text FROM connect_visits t")
    assert rows
    assert not any(visitor.cookie in row["t"] or visitor.cookie.encode().hex() in row["t"] for row in rows)


async def test_a_visit_ends_by_itself(place: Place, visitor: Visitor) -> None:
    page, _ = await place.accepted(visitor)
    async with place.later("61 minutes"):
        assert (await visitor.open("/connect/providers")).status == 403
    assert (await visitor.open(page.url)).status == 200


@pytest.mark.parametrize("path", ["/connect/fleet", f"/connect/fleet/connections/{SOME_ID}/disconnect"])
async def test_a_magic_link_lets_nobody_manage(place: Place, visitor: Visitor, path: str) -> None:
    await place.accepted(visitor)
    assert (await visitor.open(path)).status == 403


async def test_labels_name_every_field_and_help_is_tied_to_it(place: Place, visitor: Visitor) -> None:
    await place.accepted(visitor)
    for slug in ("geotab", "samsara", "traccar", "wialon", "webfleet", "zonar", "gpsinsight", "motive"):
        document = (await visitor.open(f"/connect/providers/{slug}")).document
        labelled = {given.get("for") for tag, given in document.tags if tag == "label"}
        for tag, given in document.tags:
            if tag in {"input", "select", "textarea"} and given.get("type") != "hidden":
                assert given["id"] in labelled
                described = (given.get("aria-describedby") or "").split()
                assert described
                assert set(described) <= set(document.ids)


async def test_there_is_nothing_at_other_addresses(visitor: Visitor) -> None:
    assert (await visitor.send("GET", "/connect/else")).status == 404
    assert (await visitor.send("POST", "/connect/done", {})).status == 405
    assert urlsplit((await visitor.send("GET", "/connect/style.css")).url).path == "/connect/style.css"
