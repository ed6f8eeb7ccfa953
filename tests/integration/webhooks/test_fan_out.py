from uuid import UUID

from fleetwrite.contract.notifications import WebhookFilters
from fleetwrite.kit.ids import new_id
from integration.webhooks.harness import Webhooks

URL = "http://127.0.0.1:9/hooks"
FLEET, OTHER = UUID(int=1), UUID(int=2)


async def recipients(webhooks: Webhooks) -> list[UUID]:
    rows = await webhooks.database.pool.fetch("SELECT subscription_id FROM deliveries ORDER BY id")
    return [row["subscription_id"] for row in rows]


async def test_an_event_goes_to_each_active_subscription_to_it_once(webhooks: Webhooks) -> None:
    one = await webhooks.subscribe(URL)
    two = await webhooks.subscribe(URL + "/2")
    await webhooks.subscribe(URL, "resource_operation.failed")
    deleted = await webhooks.subscribe(URL + "/3")
    await webhooks.subscriptions.delete(webhooks.partner_id, deleted.id)
    stranger = new_id()
    await webhooks.add_partner(stranger)
    await webhooks.subscribe(URL, partner_id=stranger)

    await webhooks.emit(2)
    fan_out = webhooks.fan_out()
    # Six more tell of the subscriptions themselves, to which nobody listens.
    assert [await fan_out.fan_out_once(), await fan_out.fan_out_once()] == [8, 0]
    assert await recipients(webhooks) == [one.id, two.id] * 2
    jobs = await webhooks.database.pool.fetch("SELECT owner_id, kind FROM jobs ORDER BY position")
    assert [(job["owner_id"], job["kind"]) for job in jobs] == [(one.id, "delivery"), (two.id, "delivery")] * 2


async def test_an_event_that_nobody_wants_is_done_with(webhooks: Webhooks) -> None:
    await webhooks.emit(1)
    assert await webhooks.fan_out().fan_out_once() == 1
    assert await recipients(webhooks) == []


async def test_filters_let_a_fleet_pass_that_either_list_names(webhooks: Webhooks) -> None:
    filters = {
        "all": None,
        "id": WebhookFilters(fleet_ids=[FLEET]),
        "ref": WebhookFilters(fleet_refs=["a"]),
        "id or other ref": WebhookFilters(fleet_ids=[FLEET], fleet_refs=["b"]),
        "other id or ref": WebhookFilters(fleet_ids=[OTHER], fleet_refs=["a"]),
        "other": WebhookFilters(fleet_ids=[OTHER], fleet_refs=["b"]),
    }
    names = {(await webhooks.subscribe(URL, filters=one)).id: name for name, one in filters.items()}

    async def told(fleet_id: UUID | None, fleet_ref: str | None) -> set[str]:
        await webhooks.database.pool.execute("DELETE FROM deliveries")
        await webhooks.emit(1, fleet_id=fleet_id, fleet_ref=fleet_ref)
        await webhooks.fan_out().fan_out_once()
        return {names[subscription_id] for subscription_id in await recipients(webhooks)}

    assert await told(FLEET, "a") == set(filters) - {"other"}
    assert await told(FLEET, None) == {"all", "id", "id or other ref"}
    assert await told(OTHER, "b") == {"all", "id or other ref", "other id or ref", "other"}
    assert await told(UUID(int=3), "c") == {"all"}
    assert await told(None, None) == set(filters)


async def test_deleting_a_subscription_ends_what_waits_for_it_and_nothing_else(webhooks: Webhooks) -> None:
    gone = await webhooks.subscribe(URL)
    kept = await webhooks.subscribe(URL + "/kept")
    await webhooks.emit(2)
    await webhooks.fan_out().fan_out_once()
    await webhooks.subscriptions.delete(webhooks.partner_id, gone.id)
    rows = await webhooks.database.pool.fetch("SELECT subscription_id, status FROM deliveries ORDER BY id")
    assert {(row["subscription_id"], row["status"]) for row in rows} == {(gone.id, "failed"), (kept.id, "pending")}
    assert await webhooks.database.pool.fetchval("SELECT count(*) FROM jobs WHERE owner_id = $1", gone.id) == 0
    assert await webhooks.database.pool.fetchval("SELECT count(*) FROM jobs WHERE owner_id = $1", kept.id) == 2
