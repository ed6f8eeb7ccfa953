"""The magic link: what it shows, and what the answers to it do."""

import secrets
from urllib.parse import parse_qs, urlsplit

import pytest

from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.contract.org_enums import ShareLevelEnum
from fleetwrite.contract.orgs import PartnerCreate
from fleetwrite.kit.keyset import Window
from fleetwrite.orgs.models import Actor
from integration.connect.place import Place
from integration.connect.visitor import Visitor

MARKUP = '<script>alert(1)</script>"><img src=x onerror=alert(2)>'


def told(address: str) -> tuple[str, dict[str, str]]:
    parts = urlsplit(address)
    return parts._replace(query="").geturl(), {name: value for name, (value,) in parse_qs(parts.query).items()}


async def test_the_page_says_who_asks_and_for_what(place: Place, visitor: Visitor) -> None:
    invitation = await place.invite(
        fleet_name="Northwind Haulage",
        permissions={ResourceEnum.MESSAGE: ShareLevelEnum.READ_WRITE, ResourceEnum.VEHICLE: ShareLevelEnum.READ},
    )

    page = await visitor.open(f"/connect?invite={invitation.id}")

    assert page.status == 200
    assert "Acme TMS asks to work with Northwind Haulage" in page.text
    assert "Send messages to your drivers" in page.text
    assert "Add vehicles" not in page.text
    assert "Messages with drivers, vehicles." in page.text


async def test_looking_accepts_nothing(place: Place, visitor: Visitor) -> None:
    invitation = await place.invite()
    await visitor.open(f"/connect?invite={invitation.id}")

    assert (await place.services.invitations.view(invitation.id)).status == "active"
    assert (await visitor.open("/connect/providers")).status == 403


async def test_who_agrees_may_choose_a_provider_and_shares_what_was_asked(place: Place, visitor: Visitor) -> None:
    permissions = {ResourceEnum.MESSAGE: ShareLevelEnum.READ_WRITE}
    page, fleet_id = await place.accepted(visitor, permissions=permissions)

    assert (page.status, urlsplit(page.url).path) == (200, "/connect/providers")
    agreements, _ = await place.services.agreements.page(Actor.fleet(fleet_id), Window())
    (agreement,) = agreements.items
    assert (agreement.status, agreement.scopes) == ("active", permissions)


async def test_the_browser_that_agreed_goes_on_and_another_one_does_not(place: Place, visitor: Visitor) -> None:
    invitation = await place.invite(fleet_email="ines@northwind.example")
    page = await visitor.open(f"/connect?invite={invitation.id}")
    await visitor.submit(page, "/connect/accept")

    assert urlsplit((await visitor.open(f"/connect?invite={invitation.id}")).url).path == "/connect/providers"
    async with place.visitor() as other:
        page = await other.open(f"/connect?invite={invitation.id}")
        assert page.status == 410
        assert "This invitation was accepted" in page.text
        assert (await other.open("/connect/providers")).status == 403


async def test_agreeing_gives_the_browser_a_new_secret(place: Place, visitor: Visitor) -> None:
    invitation = await place.invite()
    page = await visitor.open(f"/connect?invite={invitation.id}")
    before = visitor.cookie
    await visitor.submit(page, "/connect/accept")

    assert visitor.cookie != before


async def test_an_invitation_is_accepted_once(place: Place, visitor: Visitor) -> None:
    invitation = await place.invite()
    page = await visitor.open(f"/connect?invite={invitation.id}")
    async with place.visitor() as other:
        await other.submit(await other.open(f"/connect?invite={invitation.id}"), "/connect/accept")

    late = await visitor.submit(page, "/connect/accept")
    assert late.status == 409
    assert "can not be used any more" in late.text


async def test_who_declines_is_sent_back_with_what_the_contract_says(place: Place, visitor: Visitor) -> None:
    invitation = await place.invite(failure_redirect_url="https://tms.example/no?kept=1&status=old")
    page = await visitor.open(f"/connect?invite={invitation.id}")
    back = await visitor.submit(page, "/connect/decline", reason="Not our TMS")

    assert back.status == 303
    assert told(back.location) == (
        "https://tms.example/no",
        {"kept": "1", "status": "failure", "invitation_id": str(invitation.id), "fleet_ref": invitation.fleet_ref},
    )
    declined = await place.services.invitations.view(invitation.id)
    assert (declined.status, declined.decline_reason) == ("declined", "Not our TMS")
    # Browsers hold the answer to a form to this as well.
    assert "form-action 'self' https://tms.example;" in page.headers["Content-Security-Policy"]


async def test_who_declines_and_has_nowhere_to_go_is_told_so(place: Place, visitor: Visitor) -> None:
    invitation = await place.invite()
    page = await visitor.submit(await visitor.open(f"/connect?invite={invitation.id}"), "/connect/decline", reason="")

    assert "You declined" in page.text
    assert (await place.services.invitations.view(invitation.id)).decline_reason is None
    assert "This invitation was declined" in (await visitor.open(f"/connect?invite={invitation.id}")).text


@pytest.mark.parametrize(("reason", "status"), [("x" * 20_000, 422), ("a\0b", 403)], ids=["too long", "NUL"])
async def test_a_reason_that_can_not_be_kept_declines_nothing(
    place: Place, visitor: Visitor, reason: str, status: int
) -> None:
    invitation = await place.invite()
    page = await visitor.open(f"/connect?invite={invitation.id}")

    assert (await visitor.submit(page, "/connect/decline", reason=reason)).status == status
    assert (await place.services.invitations.view(invitation.id)).status == "active"


async def test_an_invitation_whose_time_is_over_leads_nowhere(place: Place, visitor: Visitor) -> None:
    invitation = await place.invite(expires_in_hours=1)
    open_page = await visitor.open(f"/connect?invite={invitation.id}")
    async with place.later("61 minutes"):
        page = await visitor.open(f"/connect?invite={invitation.id}")
        accepted = await visitor.submit(open_page, "/connect/accept")

    assert page.status == 410
    assert "The time of this invitation is over" in page.text
    assert accepted.status == 409


@pytest.mark.parametrize("invite", ["", "x", "00000000-0000-4000-8000-000000000000", "' OR 1=1", "%00"])
async def test_a_made_up_invitation_is_none(visitor: Visitor, invite: str) -> None:
    assert (await visitor.open(f"/connect?invite={invite}")).status == 404


async def test_without_an_invitation_one_can_only_come_back(visitor: Visitor) -> None:
    assert urlsplit((await visitor.open("/connect")).url).path == "/connect/return"


async def test_no_page_shows_what_lets_a_fleet_connect(place: Place, visitor: Visitor) -> None:
    invitation = await place.invite()
    page = await visitor.open(f"/connect?invite={invitation.id}")
    accepted = await visitor.submit(page, "/connect/accept")

    for shown in (page, accepted):
        assert "pre_registration" not in shown.document.source
        assert "token" not in shown.document.source.replace("form_token", "")
    query = "SELECT connect_token_hash FROM invitations WHERE id = $1"
    assert await place.services.database.pool.fetchval(query, invitation.id) is None


async def test_names_are_shown_and_never_run(place: Place, visitor: Visitor) -> None:
    partner = await place.services.orgs.create_partner(PartnerCreate(name=MARKUP), slug=f"p{secrets.token_hex(4)}")
    invitation = await place.invite(partner, fleet_email="markup@fleet.example")
    asked = await visitor.open(f"/connect?invite={invitation.id}")
    chosen = await visitor.submit(asked, "/connect/accept")
    searched = await visitor.open("/connect/providers?q=%3Cscript%3E%22onload=1")
    form = await visitor.open("/connect/providers/geotab")
    faulty = await visitor.submit(form, "/connect/providers/geotab", credentials__username=MARKUP, description=MARKUP)
    pool = place.services.database.pool
    await pool.execute("UPDATE fleets SET name = $1 WHERE registered_email = 'markup@fleet.example'", MARKUP)
    managed = await place.come_back(visitor, "markup@fleet.example")

    assert MARKUP in asked.text
    assert "<script>" in searched.text
    assert faulty.document.ids["credentials-username"]["value"] == MARKUP
    assert managed.text.count(MARKUP) == 2  # the fleet's name and the partner's
    for page in (asked, chosen, searched, faulty, managed):
        tags = page.document.tags
        assert not [tag for tag, given in tags if tag == "script" or (tag == "img" and "onerror" in given)]
        assert not [name for _, given in tags for name in given if name.startswith("on") or name == "style"]
