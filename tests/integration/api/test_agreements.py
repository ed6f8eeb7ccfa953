"""Share agreements over HTTP: a partner looks, and takes less; never more."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from fleetwrite.contract.org_enums import ShareAgreementStatusEnum
from fleetwrite.contract.org_events import BaseShareAgreementEvent
from fleetwrite.contract.orgs import ShareAgreementRead
from fleetwrite.orgs.models import OPERATOR, Actor
from integration.api.error_bodies import details_of, error_body
from integration.api.inviting import AGREEMENTS, agreed, events_of, names_of, token_for
from integration.api.world import HttpAnswer, World

SOON = datetime.now(UTC) + timedelta(days=1)
LATER = datetime.now(UTC) + timedelta(days=2)


async def step(world: World, agreement: Any, name: str) -> HttpAnswer:
    return await world.send_json("POST", f"{AGREEMENTS}/{agreement['id']}/{name}", None)


async def change(world: World, agreement: Any, **body: Any) -> HttpAnswer:
    return await world.send_json("PATCH", f"{AGREEMENTS}/{agreement['id']}", body)


async def test_an_agreement_is_shown_in_the_contracts_shape(busy_world: World) -> None:
    agreement = await agreed(busy_world, permissions={"message": "read_write"})
    answer = await busy_world.get(f"{AGREEMENTS}/{agreement['id']}")

    assert answer.status == 200
    read = msgspec.json.decode(answer.content, type=ShareAgreementRead)
    assert answer.json() == msgspec.to_builtins(read) | {"effective_date": answer.json()["effective_date"]}
    assert (read.status, read.expiration_date) == ("active", None)
    assert answer.json()["scopes"] == {"message": "read_write"}


async def test_agreements_are_listed_by_fleet_and_by_status(fresh_world: World) -> None:
    first, second = [await agreed(fresh_world) for _ in range(2)]
    await step(fresh_world, second, "pause")

    async def listed(query: str) -> list[str]:
        page = (await fresh_world.get(f"{AGREEMENTS}?{query}")).json()
        assert page["total"] == len(page["items"])
        return [item["id"] for item in page["items"]]

    assert await listed(f"fleet_id={first['fleet_id']}") == [first["id"]]
    assert await listed(f"fleet_ref={second['fleet_ref']}") == [second["id"]]
    assert await listed("share_agreement_status=paused") == [second["id"]]
    assert set(await listed("share_agreement_status=active")) >= {first["id"]}
    assert await listed("fleet_ref=nobody") == []
    page = (await fresh_world.get(f"{AGREEMENTS}?size=1")).json()
    assert len(page["items"]) == 1
    assert page["next_page"]


async def test_a_pause_ends_by_whoever_made_it(busy_world: World) -> None:
    agreement = await agreed(busy_world)
    for _ in range(2):
        paused = await step(busy_world, agreement, "pause")
        assert (paused.status, paused.json()["status"]) == (200, "paused")
    for _ in range(2):
        active = await step(busy_world, agreement, "activate")
        assert (active.status, active.json()["status"]) == (200, "active")

    # What changes nothing is not told.
    names = await names_of(busy_world, agreement["fleet_ref"])
    assert names[-2:] == ["share_agreement.updated"] * 2
    assert names.count("share_agreement.updated") == 2
    event = msgspec.convert((await events_of(busy_world, agreement["fleet_ref"]))[-2][1], BaseShareAgreementEvent)
    assert (str(event.id), event.status) == (agreement["id"], "paused")


@pytest.mark.parametrize("by", ["fleet", "operator"])
async def test_a_partner_can_not_end_the_pause_of_somebody_else(busy_world: World, by: str) -> None:
    agreement = await agreed(busy_world)
    actor = Actor.fleet(UUID(agreement["fleet_id"])) if by == "fleet" else OPERATOR
    await busy_world.services.agreements.pause(actor, UUID(agreement["id"]))

    # Nor does a pause of its own make the other one end with it.
    assert (await step(busy_world, agreement, "pause")).status == 200
    refused = await step(busy_world, agreement, "activate")
    assert refused.status == 403
    assert f"The {by} has paused" in error_body(refused).detail
    ended = await busy_world.services.agreements.activate(actor, UUID(agreement["id"]))
    assert ended.status == "active"


async def test_what_is_cancelled_stays_so(busy_world: World) -> None:
    agreement = await agreed(busy_world)
    for _ in range(2):
        cancelled = await step(busy_world, agreement, "cancel")
        assert (cancelled.status, cancelled.json()["status"]) == (200, "cancelled")

    for answer in (
        await step(busy_world, agreement, "activate"),
        await step(busy_world, agreement, "pause"),
        await change(busy_world, agreement, expiration_date=SOON.isoformat()),
    ):
        assert answer.status == 409
        assert "invite the fleet anew" in error_body(answer).detail
    assert (await busy_world.get(f"/v2/orgs/fleets/{agreement['fleet_id']}")).status == 404


async def test_a_deleted_agreement_is_gone(busy_world: World) -> None:
    agreement = await agreed(busy_world)
    path = f"{AGREEMENTS}/{agreement['id']}"
    assert (await busy_world.send_json("DELETE", path, None)).status == 204

    answers = [await busy_world.get(path), await busy_world.send_json("DELETE", path, None)]
    answers += [await step(busy_world, agreement, name) for name in ("pause", "activate", "cancel")]
    assert [answer.status for answer in answers] == [404] * 5
    assert (await busy_world.get(f"{AGREEMENTS}?fleet_ref={agreement['fleet_ref']}")).json()["items"] == []
    assert (await names_of(busy_world, agreement["fleet_ref"]))[-1] == "share_agreement.deleted"


async def test_a_partner_may_end_an_agreement_earlier_and_not_later(busy_world: World) -> None:
    agreement = await agreed(busy_world)
    earlier = await change(busy_world, agreement, expiration_date=SOON.isoformat())
    assert earlier.status == 200
    assert datetime.fromisoformat(earlier.json()["expiration_date"]) == SOON

    nothing = await change(busy_world, agreement, expiration_date=None, effective_date=None)
    assert nothing.json() == earlier.json()
    for body in (
        {"expiration_date": LATER.isoformat()},
        {"effective_date": (datetime.now(UTC) - timedelta(days=1)).isoformat()},
    ):
        refused = await change(busy_world, agreement, **body)
        assert refused.status == 403
        assert "the fleet or the operator" in error_body(refused).detail
    assert (await busy_world.get(f"{AGREEMENTS}/{agreement['id']}")).json() == earlier.json()


async def test_an_agreement_that_begins_later_does_not_count_yet(busy_world: World) -> None:
    agreement = await agreed(busy_world)
    assert (await change(busy_world, agreement, effective_date=SOON.isoformat())).status == 200

    assert (await busy_world.get(f"/v2/orgs/fleets/{agreement['fleet_id']}")).status == 404


async def test_an_agreement_has_to_end_after_it_begins(busy_world: World) -> None:
    agreement = await agreed(busy_world)
    answer = await change(busy_world, agreement, effective_date=LATER.isoformat(), expiration_date=SOON.isoformat())

    assert answer.status == 422
    assert details_of(answer) == {"body.expiration_date": "range"}
    assert (await busy_world.get(f"{AGREEMENTS}/{agreement['id']}")).json() == agreement


async def test_an_agreement_expires_by_the_databases_clock_and_only_the_operator_revives_it(fresh_world: World) -> None:
    agreement = await agreed(fresh_world)
    await change(fresh_world, agreement, expiration_date=SOON.isoformat())
    await fresh_world.services.database.pool.execute("UPDATE clock_shift SET shift = '25 hours'")
    token = await token_for(fresh_world, UUID(fresh_world.partner_id))
    path = f"{AGREEMENTS}/{agreement['id']}"

    assert (await fresh_world.get(path, token=token)).json()["status"] == "expired"
    listed = (await fresh_world.get(f"{AGREEMENTS}?share_agreement_status=expired", token=token)).json()
    assert [item["id"] for item in listed["items"]] == [agreement["id"]]
    assert await fresh_world.services.expiry.expire_due() == 1
    assert await fresh_world.services.expiry.expire_due() == 0
    name, data = (await events_of(fresh_world, agreement["fleet_ref"]))[-1]
    assert (name, data["status"]) == ("share_agreement.updated", "expired")
    for name in ("pause", "activate"):
        refused = await fresh_world.send_json("POST", f"{path}/{name}", None, token=token)
        assert refused.status == 409
        assert "expired at" in error_body(refused).detail
    revived = await fresh_world.services.agreements.change(OPERATOR, UUID(agreement["id"]), expires_at=LATER)
    assert revived.status == "active"


async def test_what_was_paused_when_it_expired_is_paused_when_it_has_time_again(fresh_world: World) -> None:
    agreement = await agreed(fresh_world)
    agreements, agreement_id = fresh_world.services.agreements, UUID(agreement["id"])
    fleet = Actor.fleet(UUID(agreement["fleet_id"]))
    await agreements.change(fleet, agreement_id, expires_at=SOON, status=ShareAgreementStatusEnum.PAUSED)
    await fresh_world.services.database.pool.execute("UPDATE clock_shift SET shift = '25 hours'")
    await fresh_world.services.expiry.expire_due()

    revived = await agreements.change(OPERATOR, agreement_id, expires_at=LATER)
    assert (revived.status, revived.paused_by) == ("paused", "fleet")


@pytest.mark.parametrize(
    ("body", "path", "error_type"),
    [
        ({"expiration_date": "tomorrow"}, "body.expiration_date", "format"),
        ({"expiration_date": "2030-01-01T00:00:00"}, "body.expiration_date", "format"),
        ({"effective_date": 7}, "body.effective_date", "type"),
        ({"scopes": {"vehicle": "read_write"}}, "body.scopes", "unknown_field"),
        ({"status": "active"}, "body.status", "unknown_field"),
    ],
)
async def test_what_is_wrong_with_a_change_is_named(
    world: World, body: dict[str, Any], path: str, error_type: str
) -> None:
    answer = await world.send_json("PATCH", f"{AGREEMENTS}/{uuid4()}", body)

    assert answer.status == 422
    assert details_of(answer) == {path: error_type}


async def test_what_is_another_partners_does_not_exist(busy_world: World) -> None:
    agreement = await agreed(busy_world)
    path, token = f"{AGREEMENTS}/{agreement['id']}", busy_world.foreign_token

    answers = [
        await busy_world.get(path, token=token),
        await busy_world.send_json("PATCH", path, {"expiration_date": SOON.isoformat()}, token=token),
        await busy_world.send_json("DELETE", path, None, token=token),
        *[
            await busy_world.send_json("POST", f"{path}/{name}", None, token=token)
            for name in ("pause", "activate", "cancel")
        ],
    ]
    assert [answer.status for answer in answers] == [404] * 6
    listed = (await busy_world.get(f"{AGREEMENTS}?fleet_ref={agreement['fleet_ref']}", token=token)).json()
    assert listed["items"] == []
    assert (await busy_world.get(path)).json() == agreement


async def test_agreements_need_their_scopes(world: World) -> None:
    path, token = f"{AGREEMENTS}/{uuid4()}", world.reading_token

    assert (await world.get(AGREEMENTS, token=token)).status == 403
    assert (await world.get(path, token=token)).status == 403
    assert (await world.send_json("PATCH", path, {}, token=token)).status == 403
    assert (await world.send_json("DELETE", path, None, token=token)).status == 403
    assert (await world.send_json("POST", f"{path}/pause", None, token=token)).status == 403
