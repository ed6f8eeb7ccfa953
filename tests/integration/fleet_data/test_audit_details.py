"""The audit log outlives a fleet, so nothing about anybody may be in it, whatever is done."""

from datetime import timedelta
from uuid import UUID

from fleetwrite.audit import trail
from fleetwrite.audit.models import Actor, ActorKind, Deed, Wanted
from fleetwrite.connections.models import VerifiedLogin
from fleetwrite.contract.notifications import WebhookFilters, WebhookUpdate
from fleetwrite.contract.orgs import InvitationCreate
from fleetwrite.kit.keyset import Window
from fleetwrite.orgs.models import OPERATOR, READ_ALL
from fleetwrite.records.schedule_models import NewSchedule
from integration.fleet_data.story import EMAIL, MARKS, PHONE, Story

OF_A_FLEET = ("agreement", "connection", "invitation", "schedule", "webhook", "fleet")
"""The first words of the deeds whose objects have something of a fleet."""

BY_THE_STORY = {Deed.CONNECTION_DELETED, Deed.FLEET_ERASED, Deed.FLEET_ERASURE_COMPLETED, Deed.WEBHOOK_REPLAYED}
"""Without details but numbers; other tests read them."""


async def test_no_deed_tells_of_anybody(story: Story) -> None:
    services, partner_id, connection_id = story.world.services, story.world.partner_id, story.own.connection.id
    fleet = Actor(kind=ActorKind.FLEET, name=str(story.fleet_id))
    connections = services.connections
    await connections.change(partner_id, connection_id, description="mk-another description", actor=fleet)
    settings = story.own.connection.settings
    login = VerifiedLogin(credentials={"token": "mk-token"}, settings=settings, account_id="mk-account")
    await connections.change(partner_id, connection_id, login=login)
    await services.steering.pause(partner_id, connection_id)
    await services.steering.resume(partner_id, connection_id)
    await services.steering.drain(partner_id, connection_id)
    await services.connection_budgets.replace(partner_id, connection_id, [])
    await _bring_ids(story)
    await _steer_schedules(story)
    await _steer_webhooks(story)
    again = InvitationCreate(fleet_ref="mk-other", fleet_name="mk-name", fleet_email=EMAIL, fleet_phone=PHONE)
    invitation, _ = await services.invitations.invite(partner_id, again)
    await services.invitations.delete(invitation.id, partner_id)
    (agreement,) = (await services.agreements.page(OPERATOR, Window(), fleet_id=story.fleet_id))[0].items
    await services.agreements.change(OPERATOR, agreement.id, scopes=READ_ALL)
    (await services.fleet_export.spool(story.fleet_id, actor=fleet)).close()
    await services.fleet_erasure.begin(story.fleet_id)

    log = await story.text("audit_log")
    assert [mark for mark in MARKS if mark in log] == []
    done = {entry.deed async for entry in trail.entries(services.database, Wanted())}
    every = {deed for deed in Deed if deed.partition(".")[0] in OF_A_FLEET}
    assert every - done == BY_THE_STORY


async def _bring_ids(story: Story) -> None:
    lines = f"connection_id,resource,source_id,record_ref\r\n{story.own.connection.id},vehicle,mk-source,mk-ref-1\r\n"
    await story.world.services.id_map.import_file(story.world.partner_id, lines.encode(), apply=True)


async def _steer_schedules(story: Story) -> None:
    schedules, connection_id = story.world.services.schedules, story.own.connection.id
    (first, second, *_) = (await schedules.page(connection_id, Window())).items
    await schedules.change(connection_id, first.id, {"execution_interval_seconds": 900, "cursor": "mk-cursor"})
    await schedules.activate(connection_id, second.id)
    await schedules.delete(connection_id, first.id)
    await schedules.create(connection_id, "samsara", NewSchedule(resource=first.resource, cursor="mk-cursor"))


async def _steer_webhooks(story: Story) -> None:
    services, partner_id = story.world.services, story.world.partner_id
    webhook_id = UUID(str(await services.database.pool.fetchval("SELECT id FROM subscriptions LIMIT 1")))
    body = WebhookUpdate(url="http://127.0.0.1:9/mk-path", filters=WebhookFilters(fleet_refs=["mk-ref"]))
    await services.subscriptions.update(partner_id, webhook_id, body, overlap=timedelta())
    await services.upkeep.pause(partner_id, webhook_id)
    await services.upkeep.activate(partner_id, webhook_id)
    await services.subscriptions.delete(partner_id, webhook_id)
