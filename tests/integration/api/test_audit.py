"""Which requests are in the audit log, and what is said of them there."""

import hashlib
import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from fleetwrite.api.app import ENDPOINTS
from fleetwrite.audit import trail
from fleetwrite.audit.models import Entry, Wanted
from fleetwrite.kit.keyset import Window
from integration.api.inviting import INVITATIONS, accept, agreed, decline, invite, invited, operator_token
from integration.api.world import World

BUDGETS = {"budgets": [{"scope": "token", "requests": 5, "per_seconds": 1}]}

WEBHOOK = {"url": "http://127.0.0.1:9/secret-path", "event_name": "resource_operation.failed"}

AUDITED = {
    "create_webhook",
    "update_webhook",
    "activate_webhook",
    "pause_webhook",
    "replay_webhook",
    "delete_webhook",
    "create_connection",
    "delete_connection",
    "create_schedule",
    "update_schedule",
    "activate_schedule",
    "activate_schedules",
    "backfill_schedules",
    "delete_schedule",
    "update_connection",
    "pause_connection",
    "resume_connection",
    "drain_connection",
    "replace_connection_budgets",
    "import_records",
    "revoke_token",
    "create_invitation",
    "delete_invitation",
    "accept_invitation",
    "decline_invitation",
    "update_share_agreement",
    "delete_share_agreement",
    "pause_share_agreement",
    "activate_share_agreement",
    "cancel_share_agreement",
    "create_partner",
    "update_partner",
    "create_partner_properties",
    "delete_partner_property",
    "admin_create_partner",
    "admin_create_client",
    "admin_set_share_agreement",
    "admin_import_connections",
    "admin_erase_fleet",
}

WITH_A_TIMELINE = {
    "create_vehicle",
    "update_vehicle",
    "create_trailer",
    "update_trailer",
    "create_user",
    "update_user",
    "create_message",
    "create_group_message",
    "create_dvir_log",
    "create_fuel_transaction",
    "cancel_operation",
    "cancel_operations",
    "retry_operation",
    "retry_operations",
    "collect_operation_secrets",
    "get_token",
}
"""Operations tell of themselves what was done to them; tokens that are given are too many, and told by the log."""

HARMLESS = {"test_webhook"}
"""It sends a sample."""


async def entries(world: World, deed: str) -> list[Entry]:
    return [entry async for entry in trail.entries(world.services.database, Wanted(deed=deed))]


def test_every_endpoint_that_changes_something_is_audited_or_has_a_timeline_of_its_own() -> None:
    changing = {endpoint.operation_id for endpoint in ENDPOINTS if endpoint.method != "GET"}
    assert changing == AUDITED | WITH_A_TIMELINE | HARMLESS


@pytest.fixture
async def world(fresh_world: World) -> AsyncIterator[World]:
    yield fresh_world
    assert await trail.verify(fresh_world.services.database) is not None


async def do(world: World, method: str, path: str, body: Any = None) -> Any:
    answer = await world.send_json(method, path, body, X_Request_ID="my-request", X_Forwarded_For="203.0.113.7")
    assert answer.status < 300, answer.text
    return answer.json() if answer.content else None


@pytest.mark.parametrize(
    ("deed", "method", "path", "body", "details"),
    [
        ("connection.paused", "POST", "/v2/fleetwrite/connections/{id}/pause", None, {}),
        ("connection.resumed", "POST", "/v2/fleetwrite/connections/{id}/resume", None, {}),
        ("connection.drained", "POST", "/v2/fleetwrite/connections/{id}/drain", None, {}),
        ("connection.budgets_replaced", "PUT", "/v2/fleetwrite/connections/{id}/budgets", BUDGETS, None),
        (
            "connection.changed",
            "PATCH",
            "/v2/integrations/connections/{id}",
            {"description": "yard 2"},
            {"credentials": False, "description": True, "status": None},
        ),
    ],
)
async def test_what_is_done_to_a_connection_is_written_down(
    world: World, deed: str, method: str, path: str, body: Any, details: Any
) -> None:
    await do(world, method, path.replace("{id}", world.first.id), body)
    (entry,) = await entries(world, deed)
    assert entry.object_id == world.first.id
    assert (entry.actor_kind, entry.actor, str(entry.partner_id)) == ("client", world.client_id, world.partner_id)
    assert (entry.request_id, entry.address) == ("my-request", "203.0.113.7")
    if details is None:
        assert json.loads(entry.details)["budgets"][0]["scope"] == "token"
    else:
        assert json.loads(entry.details) == details


async def test_webhooks_are_written_down_without_their_secrets(world: World) -> None:
    made = await do(world, "POST", "/v2/notifications/webhooks", WEBHOOK)
    path = f"/v2/notifications/webhooks/{made['id']}"
    await do(world, "PATCH", path, {"secret": "another secret"})
    await do(world, "POST", f"{path}/pause")
    await do(world, "POST", f"{path}/activate")
    await do(world, "DELETE", path)
    written = await entries(world, "webhook")
    deeds = ("created", "changed", "paused", "activated", "deleted")
    assert [entry.deed for entry in written] == [f"webhook.{deed}" for deed in deeds]
    assert {entry.object_id for entry in written} == {made["id"]}
    told = "".join(entry.details for entry in written)
    assert not any(secret in told for secret in (made["secret"], "another secret", "secret-path"))


async def test_schedules_are_written_down(world: World) -> None:
    schedules, connection_id = world.services.schedules, UUID(world.first.id)
    (made, *_) = (await schedules.page(connection_id, Window())).items
    await schedules.change(connection_id, made.id, {"execution_interval_seconds": 900})
    await schedules.delete(connection_id, made.id)
    changed, deleted = await entries(world, "schedule")
    assert [changed.deed, deleted.deed] == ["schedule.changed", "schedule.deleted"]
    assert changed.object_id == deleted.object_id == str(made.id)
    assert json.loads(changed.details) == {"execution_interval_seconds": 900}


async def test_a_deleted_connection_is_written_down(world: World) -> None:
    await world.services.disconnector.disconnect(UUID(world.partner_id), UUID(world.first.id))
    (entry,) = await entries(world, "connection.deleted")
    assert entry.object_id == world.first.id


async def test_what_becomes_of_invitations_is_written_down(world: World) -> None:
    contact = {"fleet_name": "Dora's Haulage", "fleet_email": "dora@fleet.example", "fleet_phone": "+15550104711"}
    invitation = await invited(world, **contact)
    again = {"fleet_ref": invitation["fleet_ref"], **contact}
    assert (await decline(world, invitation["id"], decline_reason="Not from Dora")).status == 200
    assert (await invite(world, again)).status == 200
    assert (await accept(world, invitation["id"])).status == 200
    taken_back = await invited(world, **contact)
    await do(world, "DELETE", f"{INVITATIONS}/{taken_back['id']}")
    written = await entries(world, "invitation")
    deeds = ("created", "declined", "refreshed", "accepted", "created", "deleted")
    assert [entry.deed for entry in written] == [f"invitation.{deed}" for deed in deeds]
    # The id is the secret of a link that may work again: its hash stands for it.
    named = [hashlib.sha256(one["id"].encode()).hexdigest() for one in (invitation, taken_back)]
    assert [entry.object_id for entry in written] == [named[0]] * 4 + [named[1]] * 2
    assert [entry.actor_kind for entry in written] == ["client", "stranger", "client", "stranger", "client", "client"]
    accepted = json.loads(written[3].details)
    assert accepted["partner_id"] == world.partner_id
    assert accepted["fleet_id"] is not None
    log = await world.services.database.pool.fetchval("SELECT string_agg(audit_log::text, '') FROM audit_log")
    for word in ("Dora", "dora@", "+1555", invitation["id"], invitation["fleet_ref"]):
        assert word not in log


async def test_who_had_a_fleet_exported_and_erased_is_written_down(world: World) -> None:
    token, agreement = await operator_token(world), await agreed(world)
    path = f"/v2/fleetwrite/admin/fleets/{agreement['fleet_id']}"
    await world.get(f"{path}/export", token=token)
    await world.send_json("DELETE", path, None, token=token)
    written = await entries(world, "fleet")
    assert [entry.deed for entry in written] == ["fleet.exported", "fleet.erasure_begun"]
    assert {entry.object_id for entry in written} == {agreement["fleet_id"]}
    assert {entry.partner_id for entry in written} == {(await world.services.orgs.ensure_operator()).id}


async def test_who_made_and_changed_an_agreement_is_written_down(world: World) -> None:
    agreement = await agreed(world)
    (created, *_) = [one for one in await entries(world, "agreement.created") if one.object_id == agreement["id"]]
    # Whoever has the link answers for the fleet; nobody knows more of him than his address.
    assert (created.actor_kind, created.address) == ("stranger", "127.0.0.1")
    assert json.loads(created.details)["scopes"]["vehicle"] == "read"
    path = f"/v2/orgs/share-agreements/{agreement['id']}"
    await do(world, "POST", f"{path}/pause")
    await do(world, "DELETE", path)
    told = [*await entries(world, "agreement.changed"), *await entries(world, "agreement.deleted")]
    assert [(one.object_id, one.actor) for one in told] == [(agreement["id"], world.client_id)] * 2
    assert json.loads(told[0].details)["status"] == "paused"


async def test_what_the_operator_does_to_partners_is_written_down(world: World) -> None:
    token = await operator_token(world)
    made = await world.send_json("POST", "/v2/fleetwrite/admin/partners", {"name": "Example TMS"}, token=token)
    partner_id = made.json()["partner"]["id"]
    path = f"/v2/orgs/partners/{partner_id}"
    await world.send_json("PATCH", path, {"description": "Testers"}, token=token)
    note = [{"key": "default_invitation_expires_in_hours", "value": "48"}]
    (kept,) = (await world.send_json("POST", f"{path}/properties", note, token=token)).json()
    await world.send_json("DELETE", f"{path}/properties/{kept['id']}", None, token=token)
    told = [one for one in await entries(world, "partner") if one.object_id == partner_id]
    assert [one.deed for one in told] == [
        "partner.created",
        "partner.changed",
        "partner.properties_added",
        "partner.property_removed",
    ]
    assert {one.actor_kind for one in told} == {"client"}
    assert {one.partner_id for one in told} == {(await world.services.orgs.ensure_operator()).id}
    (client,) = [one for one in await entries(world, "client.created") if partner_id in one.details]
    assert client.actor == told[0].actor


async def test_an_import_of_ids_is_written_down_when_it_is_applied(world: World) -> None:
    line = (
        f"connection_id,resource,source_id,id\r\n{world.first.id},vehicle,301,018f0000-0000-7000-8000-00000000abcd\r\n"
    )
    for apply in ("false", "true"):
        answer = await world.send(
            "POST",
            f"/v2/fleetwrite/records/import?apply={apply}",
            content=line.encode(),
            headers={"Content-Type": "text/csv", "Authorization": f"Bearer {world.token}"},
        )
        assert answer.status == 200, answer.text
    (entry,) = await entries(world, "partner.ids_imported")
    assert entry.object_id == world.partner_id


async def test_what_is_refused_is_not_written_down(world: World) -> None:
    before = len(await entries(world, "connection"))
    path = f"/v2/fleetwrite/connections/{world.foreign.id}/pause"
    assert (await world.send_json("POST", path, None)).status == 404
    assert len(await entries(world, "connection")) == before


async def test_failures_are_written_down_once_for_each_lock(world: World) -> None:
    form = f"grant_type=client_credentials&client_id={world.client_id}&client_secret=wrong".encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded", "X-Forwarded-For": "203.0.113.7"}
    for _ in range(8):
        await world.send("POST", "/realms/catena/protocol/openid-connect/token", content=form, headers=headers)
    (client,) = await entries(world, "client.locked")
    (address,) = await entries(world, "address.locked")
    assert (client.object_id, address.object_id) == (world.client_id, "203.0.113.7")
    assert client.actor_kind == "stranger"
    assert json.loads(client.details) == {"at_home": False, "failures": 6, "lasts_s": 1}


async def test_a_revoked_token_is_written_down(world: World) -> None:
    form = f"client_id={world.client_id}&client_secret={world.client_secret}&token={world.token}".encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded", "X-Request-ID": "my-request"}
    for _ in range(2):
        await world.send("POST", "/realms/catena/protocol/openid-connect/revoke", content=form, headers=headers)
    (entry,) = await entries(world, "client.token_revoked")
    assert (entry.actor_kind, str(entry.partner_id), entry.request_id) == ("client", world.partner_id, "my-request")
    assert entry.object_id == entry.actor == world.client_id
    assert world.token not in entry.details
