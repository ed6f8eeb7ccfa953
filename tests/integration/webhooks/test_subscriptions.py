from uuid import UUID

import pytest
from msgspec import UNSET

from fleetwrite.contract.errors import ErrorType
from fleetwrite.contract.event_names import WebhookEventNameEnum, WebhookStatusEnum, WebhookSubscribableEvent
from fleetwrite.contract.notifications import Webhook, WebhookCreate, WebhookFilters
from fleetwrite.kit.ids import new_id
from fleetwrite.kit.keyset import BadCursorError
from fleetwrite.webhooks.errors import (
    DuplicateSubscriptionError,
    InvalidSubscriptionError,
    SubscriptionNotFoundError,
)
from integration.webhooks.harness import Webhooks

URL = "http://127.0.0.1:9/hooks/s3cret"


async def test_create_shows_url_and_secret_this_once(webhooks: Webhooks) -> None:
    created = await webhooks.subscribe(URL, "vehicle.added")
    assert created.url == URL
    assert created.secret is not None
    assert len(created.secret) >= 32
    assert created.partner_id == webhooks.partner_id
    assert created.event_name is WebhookEventNameEnum.VEHICLE_ADDED
    assert created.status is WebhookStatusEnum.ACTIVE
    assert created.filters is None
    assert created.deleted_at is None

    read = await webhooks.subscriptions.get(webhooks.partner_id, created.id)
    assert read.url == "http://127.0.0.1:9/hooks/*****"
    assert read.secret == "*****"
    assert (read.id, read.event_name, read.created_at) == (created.id, created.event_name, created.created_at)


async def test_a_secret_handed_in_is_kept_and_stored_sealed(webhooks: Webhooks) -> None:
    body = WebhookCreate(url=URL, event_name=WebhookSubscribableEvent.VEHICLE_ADDED, secret="my-signing-key")
    created = await webhooks.subscriptions.create(webhooks.partner_id, body)
    assert isinstance(created, Webhook)
    assert created.secret == "my-signing-key"
    sealed = await webhooks.database.pool.fetchval("SELECT secret_sealed FROM subscriptions")
    assert b"my-signing-key" not in sealed
    assert webhooks.vault.open(sealed, purpose="webhook-secret", subject=created.id) == b"my-signing-key"


async def test_a_wildcard_makes_a_subscription_for_each_action_with_one_secret(webhooks: Webhooks) -> None:
    body = WebhookCreate(url=URL, event_name=WebhookSubscribableEvent.RESOURCE_OPERATION_ALL)
    created = await webhooks.subscriptions.create(webhooks.partner_id, body)
    assert isinstance(created, list)
    assert [webhook.event_name for webhook in created] == [
        "resource_operation.created",
        "resource_operation.succeeded",
        "resource_operation.failed",
    ]
    assert len({webhook.id for webhook in created}) == 3
    assert len({webhook.secret for webhook in created}) == 1


async def test_a_wildcard_of_one_action_is_answered_with_a_list_too(webhooks: Webhooks) -> None:
    body = WebhookCreate(url=URL, event_name=WebhookSubscribableEvent.VEHICLE_LOCATION_ALL)
    created = await webhooks.subscriptions.create(webhooks.partner_id, body)
    assert isinstance(created, list)
    assert [webhook.event_name for webhook in created] == ["vehicle_location.added"]


async def test_the_same_event_url_and_filters_are_taken_once(webhooks: Webhooks) -> None:
    for first, second in (
        (None, None),
        (None, WebhookFilters(fleet_ids=[], fleet_refs=[])),
        (WebhookFilters(fleet_refs=["a", "b"]), WebhookFilters(fleet_refs=["b", "a", "b"], fleet_ids=[])),
    ):
        created = await webhooks.subscribe(URL, filters=first)
        with pytest.raises(DuplicateSubscriptionError, match=r"resource_operation\.created"):
            await webhooks.subscribe(URL, filters=second)
        await webhooks.subscriptions.delete(webhooks.partner_id, created.id)


async def test_another_event_url_filter_or_partner_is_no_duplicate(webhooks: Webhooks) -> None:
    other_partner = new_id()
    await webhooks.add_partner(other_partner)
    await webhooks.subscribe(URL)
    await webhooks.subscribe(URL + "x")
    await webhooks.subscribe(URL, "vehicle.added")
    await webhooks.subscribe(URL, filters=WebhookFilters(fleet_refs=["a"]))
    await webhooks.subscribe(URL, filters=WebhookFilters(fleet_ids=[UUID(int=1)]))
    await webhooks.subscribe(URL, partner_id=other_partner)
    assert len((await webhooks.subscriptions.page(webhooks.partner_id)).items) == 5


async def test_a_wildcard_that_is_partly_there_creates_nothing(webhooks: Webhooks) -> None:
    await webhooks.subscribe(URL, "resource_operation.failed")
    body = WebhookCreate(url=URL, event_name=WebhookSubscribableEvent.RESOURCE_OPERATION_ALL)
    with pytest.raises(DuplicateSubscriptionError, match=r"already for: resource_operation\.failed\."):
        await webhooks.subscriptions.create(webhooks.partner_id, body)
    assert len((await webhooks.subscriptions.page(webhooks.partner_id)).items) == 1


async def test_a_deleted_one_can_be_created_again(webhooks: Webhooks) -> None:
    first = await webhooks.subscribe(URL)
    await webhooks.subscriptions.delete(webhooks.partner_id, first.id)
    second = await webhooks.subscribe(URL)
    assert second.id != first.id


async def test_filters_come_back_as_stored(webhooks: Webhooks) -> None:
    filters = WebhookFilters(fleet_ids=[UUID(int=2), UUID(int=1)], fleet_refs=["b", "a"])
    created = await webhooks.subscribe(URL, filters=filters)
    read = await webhooks.subscriptions.get(webhooks.partner_id, created.id)
    assert read.filters == created.filters
    assert read.filters == WebhookFilters(fleet_ids=[UUID(int=1), UUID(int=2)], fleet_refs=["a", "b"])


async def test_all_faults_of_a_body_are_named_at_once(webhooks: Webhooks) -> None:
    body = WebhookCreate(
        url="http://169.254.169.254/latest",
        event_name=WebhookSubscribableEvent.VEHICLE_ADDED,
        filters=WebhookFilters(fleet_refs=[" "]),
        secret="",
    )
    with pytest.raises(InvalidSubscriptionError) as caught:
        await webhooks.subscriptions.create(webhooks.partner_id, body)
    assert [(fault.path, fault.error_type) for fault in caught.value.details] == [
        ("body.url", ErrorType.FORMAT),
        ("body.filters.fleet_refs", ErrorType.FORMAT),
        ("body.secret", ErrorType.RANGE),
    ]
    assert (await webhooks.subscriptions.page(webhooks.partner_id)).items == []


async def test_a_url_that_must_not_be_called_is_refused(webhooks: Webhooks) -> None:
    for url in ("ftp://127.0.0.1/x", "not a url", "http://", "http://[::1", "http://10.0.0.1/x"):
        with pytest.raises(InvalidSubscriptionError, match=r"body\.url"):
            await webhooks.subscribe(url)


async def test_pages_go_on_where_the_last_one_ended(webhooks: Webhooks) -> None:
    created = [await webhooks.subscribe(f"{URL}{number}") for number in range(5)]
    seen: list[UUID] = []
    cursor: str | None = None
    while True:
        page = await webhooks.subscriptions.page(webhooks.partner_id, cursor=cursor, size=2)
        seen.extend(webhook.id for webhook in page.items)
        cursor = page.next_page
        if cursor is None:
            break
    assert seen == [webhook.id for webhook in created]
    with pytest.raises(BadCursorError):
        await webhooks.subscriptions.page(webhooks.partner_id, cursor="made up")


async def test_pages_are_narrowed_by_event_and_status(webhooks: Webhooks) -> None:
    kept = await webhooks.subscribe(URL, "vehicle.added")
    gone = await webhooks.subscribe(URL, "vehicle.removed")
    await webhooks.subscriptions.delete(webhooks.partner_id, gone.id)

    async def ids(event_name: str | None, status: str | None) -> list[UUID]:
        page = await webhooks.subscriptions.page(
            webhooks.partner_id,
            event_name=None if event_name is None else WebhookEventNameEnum(event_name),
            status=None if status is None else WebhookStatusEnum(status),
        )
        return [webhook.id for webhook in page.items]

    assert await ids(None, None) == [kept.id]
    assert await ids("vehicle.removed", None) == []
    assert await ids("vehicle.removed", "deleted") == [gone.id]
    assert await ids("vehicle.added", "active") == [kept.id]
    assert await ids(None, "paused") == []


async def test_somebody_else_s_and_deleted_ones_do_not_exist(webhooks: Webhooks) -> None:
    mine = await webhooks.subscribe(URL)
    stranger = new_id()
    await webhooks.add_partner(stranger)
    for partner_id, webhook_id in ((stranger, mine.id), (webhooks.partner_id, new_id())):
        with pytest.raises(SubscriptionNotFoundError):
            await webhooks.subscriptions.get(partner_id, webhook_id)
        with pytest.raises(SubscriptionNotFoundError):
            await webhooks.subscriptions.delete(partner_id, webhook_id)
    assert (await webhooks.subscriptions.page(stranger)).items == []
    assert (await webhooks.subscriptions.get(webhooks.partner_id, mine.id)).id == mine.id

    await webhooks.subscriptions.delete(webhooks.partner_id, mine.id)
    with pytest.raises(SubscriptionNotFoundError):
        await webhooks.subscriptions.get(webhooks.partner_id, mine.id)
    with pytest.raises(SubscriptionNotFoundError):
        await webhooks.subscriptions.delete(webhooks.partner_id, mine.id)


async def test_an_absent_secret_and_a_null_one_are_both_generated(webhooks: Webhooks) -> None:
    for event_name, secret in (("vehicle.added", UNSET), ("vehicle.removed", None)):
        body = WebhookCreate(url=URL, event_name=WebhookSubscribableEvent(event_name), secret=secret)
        created = await webhooks.subscriptions.create(webhooks.partner_id, body)
        assert isinstance(created, Webhook)
        assert created.secret
