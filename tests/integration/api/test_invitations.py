"""Invitations over HTTP: made and followed by a partner, answered by whoever holds the link."""

import json
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.contract.org_events import BaseInvitationEvent, BaseShareAgreementEvent
from fleetwrite.contract.orgs import InvitationRead
from integration.api.error_bodies import details_of, error_body
from integration.api.inviting import (
    AGREEMENTS,
    INVITATIONS,
    accept,
    decline,
    events_of,
    invite,
    invited,
    names_of,
    new_ref,
    token_for,
)
from integration.api.world import World

READ_EVERYTHING = {resource: "read" for resource in ResourceEnum if resource is not ResourceEnum.GROUP_MESSAGE}


async def shift(world: World, by: timedelta) -> None:
    await world.services.database.pool.execute("UPDATE clock_shift SET shift = shift + $1::interval", by)


async def test_an_invitation_needs_nothing_but_a_fleet_ref(busy_world: World) -> None:
    ref = new_ref()
    answer = await invite(busy_world, {"fleet_ref": ref})

    assert answer.status == 201
    read = msgspec.json.decode(answer.content, type=InvitationRead)
    assert answer.json() == json.loads(msgspec.json.encode(read))
    assert read.magic_link == f"https://fleetwrite.test/connect?invite={read.id}"
    assert (read.status, read.fleet_ref, read.partner_slug) == ("active", ref, "acme")
    assert read.permissions == READ_EVERYTHING
    assert read.expires_in_hours == 24
    assert read.expires_at - read.created_at == timedelta(hours=24)
    assert read.id.version == 4
    assert read.pre_registration_access_token is None
    ((name, data),) = await events_of(busy_world, ref)
    assert name == "invitation.created"
    event = msgspec.convert(data, BaseInvitationEvent)
    assert (event.id, event.magic_link, event.status) == (read.id, read.magic_link, "active")
    assert data == msgspec.to_builtins(event)


async def test_all_that_is_said_is_kept_and_shown_under_old_and_new_names(busy_world: World) -> None:
    said = {
        "fleet_name": "O'Brien & Söhne",
        "fleet_email": "office@obrien.test",
        "fleet_regulatory_id": "123456",
        "fleet_regulatory_id_type": "DOT",
        "fleet_phone": "+15555550123",
        "fleet_website": "http://obrien.test",
        "fleet_country_code": "USA",
    }
    outward = {
        "success_redirect_url": "https://tms.test/ok?a=1",
        "failure_redirect_url": "https://tms.test/no",
        "callback_url": "https://tms.test/call",
        "limit_tsps": ["samsara", "geotab"],
        "permissions": {"vehicle": "read_write", "message": "read"},
        "expires_in_hours": 672,
    }
    new = await invited(busy_world, **said, **outward)
    old = await invited(busy_world, **{f"partner_provided_{name}": value for name, value in said.items()})

    for read in (new, old):
        assert {name: read[name] for name in said} == said
        assert {name: read[f"partner_provided_{name}"] for name in said} == said
    assert {name: new[name] for name in outward} == outward


async def test_the_same_fleet_ref_again_refreshes_its_invitation(busy_world: World) -> None:
    first = await invited(busy_world, fleet_name="North", success_redirect_url="https://tms.test/a")
    answer = await invite(
        busy_world,
        {"fleet_ref": first["fleet_ref"], "fleet_name": None, "success_redirect_url": "https://tms.test/b"}
        | {"expires_in_hours": 48},
    )

    assert answer.status == 200
    again = answer.json()
    assert (again["id"], again["fleet_name"]) == (first["id"], "North")
    assert again["success_redirect_url"] == "https://tms.test/b"
    assert datetime.fromisoformat(again["expires_at"]) - datetime.fromisoformat(first["expires_at"]) > timedelta(
        hours=23
    )
    assert await names_of(busy_world, first["fleet_ref"]) == ["invitation.created"]


async def test_two_partners_may_invite_under_the_same_fleet_ref(busy_world: World) -> None:
    mine = await invited(busy_world)
    theirs = await invite(busy_world, {"fleet_ref": mine["fleet_ref"]}, token=busy_world.foreign_token)

    assert theirs.status == 201
    assert theirs.json()["id"] != mine["id"]


async def test_invitations_are_listed_page_by_page_and_by_fleet_ref(fresh_world: World) -> None:
    made = [await invited(fresh_world) for _ in range(3)]
    await invite(fresh_world, {"fleet_ref": "theirs"}, token=fresh_world.foreign_token)

    first = (await fresh_world.get(f"{INVITATIONS}?size=2")).json()
    second = (await fresh_world.get(f"{INVITATIONS}?size=2&cursor={first['next_page']}")).json()
    one = (await fresh_world.get(f"{INVITATIONS}?fleet_ref={made[1]['fleet_ref']}")).json()

    assert [one["id"] for one in [*first["items"], *second["items"]]] == [one["id"] for one in made]
    assert (first["total"], second["total"], second["next_page"]) == (3, 3, None)
    assert one["items"] == [made[1]]


async def test_the_first_look_by_the_link_is_told_and_the_partners_is_none(busy_world: World) -> None:
    made = await invited(busy_world)
    path = f"{INVITATIONS}/{made['id']}"

    by_partner = await busy_world.get(path)
    assert by_partner.json() == made
    assert await names_of(busy_world, made["fleet_ref"]) == ["invitation.created"]

    for _ in range(2):
        by_fleet = await busy_world.send("GET", path)
        assert (by_fleet.status, by_fleet.json()) == (200, made)
        assert by_fleet.headers["Cache-Control"] == "no-store"
    assert await names_of(busy_world, made["fleet_ref"]) == ["invitation.created", "invitation.viewed"]


async def test_accepting_makes_a_fleet_that_shares_what_was_asked_for(busy_world: World) -> None:
    permissions = {"vehicle": "read_write", "message": "read"}
    made = await invited(busy_world, permissions=permissions, fleet_name="North", fleet_email="n@north.test")
    answer = await accept(busy_world, made["id"])

    assert answer.status == 200
    accepted = answer.json()
    assert accepted["status"] == "accepted"
    assert accepted["accepted_at"]
    assert answer.headers["Cache-Control"] == "no-store"
    (agreement,) = (await busy_world.get(f"{AGREEMENTS}?fleet_ref={made['fleet_ref']}")).json()["items"]
    assert (agreement["status"], agreement["scopes"]) == ("active", permissions)
    assert (agreement["fleet_id"], agreement["partner_id"]) == (accepted["fleet_id"], busy_world.partner_id)
    fleet = (await busy_world.get(f"/v2/orgs/fleets/{accepted['fleet_id']}")).json()
    assert (fleet["name"], fleet["registered_email"], fleet["invitation_id"]) == ("North", "n@north.test", made["id"])
    events = await events_of(busy_world, made["fleet_ref"])
    assert [name for name, _ in events] == ["invitation.created", "share_agreement.created", "invitation.accepted"]
    shared = msgspec.convert(events[1][1], BaseShareAgreementEvent)
    assert (str(shared.id), shared.scopes, shared.status) == (agreement["id"], permissions, "active")
    assert events[2][1]["fleet_id"] == accepted["fleet_id"]


async def test_what_lets_a_fleet_connect_stands_in_no_body_and_no_event(busy_world: World) -> None:
    made = await invited(busy_world)
    answer = await accept(busy_world, made["id"])
    token = answer.headers["Fleetwrite-Connect-Token"]

    shown = [
        answer,
        await busy_world.send("GET", f"{INVITATIONS}/{made['id']}"),
        await busy_world.get(f"{INVITATIONS}/{made['id']}"),
        await busy_world.get(f"{INVITATIONS}?fleet_ref={made['fleet_ref']}"),
    ]
    texts = [one.text for one in shown] + [
        json.dumps(data) for _, data in await events_of(busy_world, made["fleet_ref"])
    ]
    assert len(token) >= 43
    assert not [text for text in texts if token in text]
    for body in (shown[0].json(), shown[1].json(), shown[2].json(), shown[3].json()["items"][0]):
        assert body["pre_registration_access_token"] is None
        assert body["pre_registration_refresh_token"] is None


async def test_a_link_works_once_until_the_partner_invites_again(busy_world: World) -> None:
    made = await invited(busy_world)
    first = (await accept(busy_world, made["id"])).json()

    for answer in (await accept(busy_world, made["id"]), await decline(busy_world, made["id"])):
        assert answer.status == 409
        assert "sent again" in error_body(answer).detail

    again = await invite(busy_world, {"fleet_ref": made["fleet_ref"]})
    assert (again.status, again.json()["status"]) == (200, "accepted")
    assert (await decline(busy_world, made["id"])).status == 409
    second = await accept(busy_world, made["id"])
    assert second.status == 200
    assert second.json()["fleet_id"] == first["fleet_id"]
    assert (await busy_world.get(f"{AGREEMENTS}?fleet_ref={made['fleet_ref']}")).json()["total"] == 1
    assert (await names_of(busy_world, made["fleet_ref"])).count("invitation.accepted") == 1


async def test_a_declined_invitation_is_told_under_both_names_and_active_again_when_repeated(busy_world: World) -> None:
    made = await invited(busy_world)
    answer = await decline(busy_world, made["id"], decline_reason="not now")

    assert answer.status == 200
    assert (answer.json()["status"], answer.json()["decline_reason"]) == ("declined", "not now")
    assert answer.json()["declined_at"]
    events = await events_of(busy_world, made["fleet_ref"])
    assert [name for name, _ in events] == ["invitation.created", "invitation.declined", "invitation.rejected"]
    assert events[1][1] == events[2][1]
    assert (await accept(busy_world, made["id"])).status == 409
    again = (await invite(busy_world, {"fleet_ref": made["fleet_ref"]})).json()
    assert (again["id"], again["status"], again["decline_reason"]) == (made["id"], "active", None)
    assert (await accept(busy_world, made["id"])).status == 200


async def test_an_invitation_can_be_taken_back_until_it_is_accepted(busy_world: World) -> None:
    made = await invited(busy_world)
    path = f"{INVITATIONS}/{made['id']}"
    assert (await busy_world.send_json("DELETE", path, None)).status == 204

    assert (await busy_world.send_json("DELETE", path, None)).status == 404
    assert (await busy_world.send("GET", path)).status == 404
    assert (await accept(busy_world, made["id"])).status == 404
    assert (await busy_world.get(f"{INVITATIONS}?fleet_ref={made['fleet_ref']}")).json()["total"] == 0
    assert await names_of(busy_world, made["fleet_ref"]) == ["invitation.created", "invitation.deleted"]
    new = await invite(busy_world, {"fleet_ref": made["fleet_ref"]})
    assert new.status == 201
    await accept(busy_world, new.json()["id"])
    refused = await busy_world.send_json("DELETE", f"{INVITATIONS}/{new.json()['id']}", None)
    assert refused.status == 409
    assert "share agreement" in error_body(refused).detail


async def test_an_invitation_ends_by_the_databases_clock(fresh_world: World) -> None:
    made = await invited(fresh_world, expires_in_hours=2)
    await shift(fresh_world, timedelta(minutes=119))
    assert (await fresh_world.send("GET", f"{INVITATIONS}/{made['id']}")).json()["status"] == "active"
    await shift(fresh_world, timedelta(minutes=2))

    assert (await fresh_world.send("GET", f"{INVITATIONS}/{made['id']}")).json()["status"] == "expired"
    for answer in (await accept(fresh_world, made["id"]), await decline(fresh_world, made["id"])):
        assert answer.status == 409
        assert "time of this invitation is over" in error_body(answer).detail
    assert "invitation.expired" not in await names_of(fresh_world, made["fleet_ref"])
    assert await fresh_world.services.expiry.expire_due() == 1
    assert await fresh_world.services.expiry.expire_due() == 0
    events = await events_of(fresh_world, made["fleet_ref"])
    assert [name for name, _ in events] == ["invitation.created", "invitation.viewed", "invitation.expired"]
    assert events[-1][1]["status"] == "expired"


async def test_what_expired_makes_place_for_a_new_invitation_and_is_told_first(fresh_world: World) -> None:
    made = await invited(fresh_world)
    await shift(fresh_world, timedelta(hours=25))
    partner = await fresh_world.services.orgs.partner_of("acme")
    new = await invite(fresh_world, {"fleet_ref": made["fleet_ref"]}, token=await token_for(fresh_world, partner.id))

    assert new.status == 201
    assert new.json()["id"] != made["id"]
    assert await names_of(fresh_world, made["fleet_ref"]) == [
        "invitation.created",
        "invitation.expired",
        "invitation.created",
    ]


async def test_nobody_widens_what_a_fleet_shares_by_inviting_it_again(busy_world: World) -> None:
    made = await invited(busy_world, permissions={"vehicle": "read"})
    await accept(busy_world, made["id"])

    wider = await invite(busy_world, {"fleet_ref": made["fleet_ref"], "permissions": {"vehicle": "read_write"}})
    assert wider.status == 409
    assert "permissions" in error_body(wider).detail
    same = await invite(busy_world, {"fleet_ref": made["fleet_ref"], "permissions": {"vehicle": "read"}})
    assert same.status == 200
    (agreement,) = (await busy_world.get(f"{AGREEMENTS}?fleet_ref={made['fleet_ref']}")).json()["items"]
    assert agreement["scopes"] == {"vehicle": "read"}


async def test_after_an_agreement_has_ended_the_fleet_is_a_new_one_that_has_to_connect_anew(busy_world: World) -> None:
    made = await invited(busy_world)
    old = (await accept(busy_world, made["id"])).json()
    (agreement,) = (await busy_world.get(f"{AGREEMENTS}?fleet_ref={made['fleet_ref']}")).json()["items"]
    await invite(busy_world, {"fleet_ref": made["fleet_ref"]})
    assert (await busy_world.send_json("POST", f"{AGREEMENTS}/{agreement['id']}/cancel", None)).status == 200

    # The link that was open still does not bring back what the agreement had shared.
    assert (await accept(busy_world, made["id"])).status == 409
    again = (await invite(busy_world, {"fleet_ref": made["fleet_ref"]})).json()
    assert (again["status"], again["fleet_id"], again["accepted_at"]) == ("active", None, None)
    new = (await accept(busy_world, again["id"])).json()
    assert new["fleet_id"] != old["fleet_id"]


async def test_a_fleet_that_the_operator_brought_accepts_as_itself(busy_world: World) -> None:
    made = await invited(busy_world, fleet_ref=new_ref())
    agreement = await busy_world.services.orgs.ensure_shared_fleet(
        UUID(busy_world.partner_id), made["fleet_ref"], "North"
    )
    accepted = (await accept(busy_world, made["id"])).json()

    assert accepted["fleet_id"] == str(agreement.fleet_id)
    assert set(accepted["permissions"].values()) == {"read_write"}


async def test_partners_have_defaults_of_their_own(fresh_world: World) -> None:
    properties = f"/v2/orgs/partners/{fresh_world.partner_id}/properties"
    defaults = {
        "default_success_redirect_url": "https://tms.test/ok",
        "default_failure_redirect_url": "https://tms.test/no",
        "default_callback_url": "https://tms.test/call",
        "default_invitation_expires_in_hours": "100",
    }
    body = [{"key": key, "value": value} for key, value in defaults.items()]
    assert (await fresh_world.send_json("POST", properties, body)).status == 201

    usual = await invited(fresh_world)
    own = await invited(fresh_world, success_redirect_url="https://tms.test/other", expires_in_hours=3)
    assert usual["success_redirect_url"] == "https://tms.test/ok"
    assert usual["failure_redirect_url"] == "https://tms.test/no"
    assert usual["callback_url"] == "https://tms.test/call"
    assert usual["expires_in_hours"] == 100
    assert (own["success_redirect_url"], own["expires_in_hours"]) == ("https://tms.test/other", 3)
    assert own["failure_redirect_url"] == "https://tms.test/no"


@pytest.mark.parametrize(
    ("body", "path", "error_type"),
    [
        ({"fleet_ref": " "}, "body.fleet_ref", "missing"),
        ({"fleet_ref": "x" * 256}, "body.fleet_ref", "range"),
        ({"fleet_ref": "a\0"}, "body.fleet_ref", "format"),
        ({"fleet_ref": 7}, "body.fleet_ref", "type"),
        ({}, "body.fleet_ref", "missing"),
        ({"fleet_reff": "a"}, "body.fleet_reff", "unknown_field"),
        ({"fleet_email": "nobody"}, "body.fleet_email", "format"),
        ({"fleet_email": "a@b.test\r\nBcc: c@d.test"}, "body.fleet_email", "format"),
        ({"fleet_website": "javascript:alert(1)"}, "body.fleet_website", "format"),
        ({"fleet_country_code": "US"}, "body.fleet_country_code", "format"),
        ({"fleet_regulatory_id": "1"}, "body.fleet_regulatory_id_type", "missing"),
        ({"success_redirect_url": "ftp://tms.test"}, "body.success_redirect_url", "format"),
        ({"failure_redirect_url": "https://user:pass@tms.test"}, "body.failure_redirect_url", "format"),
        ({"callback_url": "https://10.0.0.1/"}, "body.callback_url", "format"),
        ({"limit_tsps": []}, "body.limit_tsps", "missing"),
        ({"limit_tsps": ["samsara", "nobody"]}, "body.limit_tsps.1", "enum"),
        ({"permissions": {}}, "body.permissions", "missing"),
        ({"permissions": {"group_message": "read_write"}}, "body.permissions.group_message", "unknown_field"),
        ({"permissions": {"hos_events": "read"}}, "body.permissions.hos_events", "unknown_field"),
        ({"permissions": {"vehicle": "write"}}, "body.permissions.vehicle", "enum"),
        ({"expires_in_hours": 0}, "body.expires_in_hours", "range"),
        ({"expires_in_hours": 673}, "body.expires_in_hours", "range"),
        ({"expires_in_hours": None}, "body.expires_in_hours", "type"),
        (
            {"fleet_name": "North", "partner_provided_fleet_name": "South"},
            "body.partner_provided_fleet_name",
            "conflict",
        ),
    ],
)
async def test_what_is_wrong_with_an_invitation_is_named(
    world: World, body: dict[str, Any], path: str, error_type: str
) -> None:
    whole = body if "fleet_reff" in body or not body else {"fleet_ref": "a", **body}
    answer = await invite(world, whole)

    assert answer.status == 422
    assert details_of(answer)[path] == error_type


async def test_a_reason_that_is_too_long_changes_nothing(busy_world: World) -> None:
    made = await invited(busy_world)
    answer = await decline(busy_world, made["id"], decline_reason="x" * 2001)

    assert answer.status == 422
    assert details_of(answer) == {"body.decline_reason": "range"}
    assert (await busy_world.get(f"{INVITATIONS}/{made['id']}")).json() == made


async def test_what_is_another_partners_does_not_exist(busy_world: World) -> None:
    made = await invited(busy_world)
    path, token = f"{INVITATIONS}/{made['id']}", busy_world.foreign_token

    answers = [
        await busy_world.get(path, token=token),
        await busy_world.send_json("DELETE", path, None, token=token),
        await busy_world.send_json("POST", f"{path}/accept", None, token=token),
        await busy_world.send_json("POST", f"{path}/decline", {}, token=token),
        await busy_world.send("GET", f"{INVITATIONS}/{uuid4()}"),
    ]
    assert [answer.status for answer in answers] == [404] * 5
    assert (await busy_world.get(path)).json() == made
    assert await names_of(busy_world, made["fleet_ref"]) == ["invitation.created"]


async def test_a_token_that_is_shown_has_to_be_good(world: World) -> None:
    path = f"{INVITATIONS}/{uuid4()}"

    assert (await world.get(path, token="nonsense")).status == 401
    assert (await world.get(path, token=world.reading_token)).status == 403
    assert (await invite(world, {"fleet_ref": "a"}, token=world.reading_token)).status == 403
    assert (await world.get(INVITATIONS, token=world.reading_token)).status == 403


async def test_a_fleets_link_of_another_spelling_is_named(world: World) -> None:
    answer = await world.send("GET", f"{INVITATIONS}/17")

    assert answer.status == 422
    assert details_of(answer) == {"path.invitation_id": "format"}
