"""What a partner changes about a subscription, and who hears of it."""

import asyncio
import gzip
import socket
from collections.abc import Mapping
from datetime import timedelta
from ipaddress import ip_network
from uuid import UUID

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from msgspec import UNSET
from standardwebhooks import Webhook as StandardWebhook
from standardwebhooks import WebhookVerificationError

from fleetwrite.contract.event_names import WebhookSubscribableEvent
from fleetwrite.contract.notifications import Webhook, WebhookCreate, WebhookFilters, WebhookRead, WebhookUpdate
from fleetwrite.kit.database import Database
from fleetwrite.kit.egress import Egress
from fleetwrite.kit.ids import new_id
from fleetwrite.kit.url_policy import UrlPolicy
from fleetwrite.webhooks import WrongSignatureError, verify
from fleetwrite.webhooks.errors import (
    DuplicateSubscriptionError,
    InvalidSubscriptionError,
    SubscriptionNotFoundError,
)
from fleetwrite.webhooks.rotation import OldSecrets
from integration.webhooks.harness import Received, Receiver, Webhooks

URL = "http://127.0.0.1:9/hooks/s3cret"
DAY = timedelta(days=1)
OLD, NEW, NEWER = "the-secret-before", "the-secret-of-now", "the-secret-to-come"


async def subscribed(webhooks: Webhooks, url: str = URL, secret: str = OLD) -> UUID:
    body = WebhookCreate(url=url, event_name=WebhookSubscribableEvent.RESOURCE_OPERATION_CREATED, secret=secret)
    created = await webhooks.subscriptions.create(webhooks.partner_id, body)
    assert isinstance(created, Webhook)
    return created.id


async def change(webhooks: Webhooks, webhook_id: UUID, overlap: timedelta = DAY, **fields: object) -> WebhookRead:
    body = WebhookUpdate(**fields)  # type: ignore[arg-type] # fields by name
    return await webhooks.subscriptions.update(webhooks.partner_id, webhook_id, body, overlap=overlap)


async def secrets_in_use(webhooks: Webhooks, webhook_id: UUID) -> list[str]:
    row = await webhooks.database.pool.fetchrow("SELECT secret_sealed, old_secret_sealed FROM subscriptions")
    assert row is not None
    return [
        webhooks.vault.open(sealed, purpose="webhook-secret", subject=webhook_id).decode()
        for sealed in row
        if sealed is not None
    ]


async def pass_time(webhooks: Webhooks, span: timedelta) -> None:
    await webhooks.database.pool.execute("UPDATE clock_shift SET shift = shift + $1", span)


async def told(webhooks: Webhooks) -> list[tuple[str, Mapping[str, object]]]:
    """Events about webhooks so far, with their data."""
    rows = await webhooks.database.pool.fetch(
        "SELECT event_name, data FROM events WHERE event_name LIKE 'webhook.%' ORDER BY id"
    )
    return [(row["event_name"], row["data"]) for row in rows]


async def test_what_is_named_changes_and_the_rest_stays(webhooks: Webhooks) -> None:
    webhook_id = await subscribed(webhooks)
    before = await webhooks.subscriptions.get(webhooks.partner_id, webhook_id)
    after = await change(webhooks, webhook_id, filters=WebhookFilters(fleet_refs=["b", "a", "b"]))
    assert after.filters == WebhookFilters(fleet_refs=["a", "b"])
    assert (after.url, after.secret, after.created_at) == (before.url, "*****", before.created_at)
    assert after.updated_at > before.updated_at
    after = await change(webhooks, webhook_id, url="http://127.0.0.1:9/elsewhere/s3cret")
    assert (after.url, after.filters) == ("http://127.0.0.1:9/elsewhere/*****", WebhookFilters(fleet_refs=["a", "b"]))
    assert await webhooks.subscriptions.get(webhooks.partner_id, webhook_id) == after


async def test_null_and_absent_change_nothing_and_tell_nobody(webhooks: Webhooks) -> None:
    webhook_id = await subscribed(webhooks)
    kept = await change(webhooks, webhook_id, filters=WebhookFilters(fleet_refs=["a"]))
    for body in ({"url": None, "filters": None, "secret": None}, {"url": UNSET}, {"url": URL, "secret": OLD}):
        assert await change(webhooks, webhook_id, **body) == kept
    assert [name for name, _ in await told(webhooks)] == ["webhook.created", "webhook.updated"]


async def test_empty_filters_take_them_away(webhooks: Webhooks) -> None:
    webhook_id = await subscribed(webhooks)
    await change(webhooks, webhook_id, filters=WebhookFilters(fleet_refs=["a"]))
    assert (await change(webhooks, webhook_id, filters=WebhookFilters(fleet_refs=[]))).filters is None


async def test_a_change_that_would_make_two_alike_is_refused_and_changes_nothing(webhooks: Webhooks) -> None:
    await subscribed(webhooks, URL)
    other = await subscribed(webhooks, URL + "2")
    with pytest.raises(DuplicateSubscriptionError, match="Nothing was changed"):
        await change(webhooks, other, url=URL, secret=NEW)
    row = await webhooks.database.pool.fetchrow("SELECT url, old_secret_until FROM subscriptions WHERE id = $1", other)
    assert dict(row or {}) == {"url": URL + "2", "old_secret_until": None}


async def test_faults_of_a_change_are_named_at_once(webhooks: Webhooks) -> None:
    webhook_id = await subscribed(webhooks)
    with pytest.raises(InvalidSubscriptionError) as caught:
        await change(
            webhooks,
            webhook_id,
            url="http://10.0.0.1/",
            filters=WebhookFilters(fleet_refs=[" "]),
            secret="whsec_not base64",
        )
    assert [fault.path for fault in caught.value.details] == ["body.url", "body.filters.fleet_refs", "body.secret"]
    assert "not base64" not in str(caught.value)


async def test_somebody_else_s_and_deleted_ones_cannot_be_changed(webhooks: Webhooks) -> None:
    webhook_id = await subscribed(webhooks)
    body = WebhookUpdate(secret=NEW)
    for partner_id, wanted in ((new_id(), webhook_id), (webhooks.partner_id, new_id())):
        with pytest.raises(SubscriptionNotFoundError):
            await webhooks.subscriptions.update(partner_id, wanted, body, overlap=DAY)
    await webhooks.subscriptions.delete(webhooks.partner_id, webhook_id)
    with pytest.raises(SubscriptionNotFoundError):
        await change(webhooks, webhook_id, secret=NEW)


def accepts(request: Received, secret: str) -> tuple[bool, bool, bool]:
    """Whether a receiver with this secret takes a delivery: by the contract alone, by Standard Webhooks, by ours."""
    contract = {name: value for name, value in request.headers.items() if name.startswith("X-Catena-")}
    try:
        verify(contract, request.body, secret)
        by_contract = True
    except WrongSignatureError:
        by_contract = False
    try:
        StandardWebhook(secret.encode()).verify(gzip.decompress(request.body), request.headers)
        by_standard = True
    except WebhookVerificationError:
        by_standard = False
    try:
        verify(request.headers, request.body, secret)
        by_ours = True
    except WrongSignatureError:
        by_ours = False
    return by_contract, by_standard, by_ours


async def test_while_a_secret_is_replaced_receivers_with_either_take_what_comes(
    webhooks: Webhooks, receiver: Receiver
) -> None:
    webhook_id = await subscribed(webhooks, receiver.url)
    async with webhooks.worker():
        await webhooks.emit()
        [first] = await receiver.received(1)
        assert (accepts(first, OLD), accepts(first, NEW)) == ((True,) * 3, (False,) * 3)

        await change(webhooks, webhook_id, secret=NEW)
        await webhooks.emit()
        during = (await receiver.received(2))[1]
        # The contract's one header has the new signature, as the contract knows no overlap.
        assert accepts(during, NEW) == (True, True, True)
        assert accepts(during, OLD) == (False, True, True)

        await pass_time(webhooks, DAY + timedelta(seconds=1))
        await webhooks.emit()
        after = (await receiver.received(3))[2]
        assert (accepts(after, NEW), accepts(after, OLD)) == ((True,) * 3, (False,) * 3)
        assert "Fleetwrite-Previous-Signature" not in after.headers


async def test_an_old_secret_is_destroyed_when_its_time_is_over(webhooks: Webhooks) -> None:
    webhook_id = await subscribed(webhooks)
    await change(webhooks, webhook_id, timedelta(hours=1), secret=NEW)
    sweeper = OldSecrets(webhooks.database)
    await sweeper.destroy()
    assert await secrets_in_use(webhooks, webhook_id) == [NEW, OLD]
    await pass_time(webhooks, timedelta(hours=1))
    await sweeper.destroy()
    assert await secrets_in_use(webhooks, webhook_id) == [NEW]


async def test_a_change_leaves_alone_what_somebody_else_is_changing(webhooks: Webhooks) -> None:
    """Else two changes at a time, each clearing up after the other one, would wait for each other for ever."""
    webhook_id, other = await subscribed(webhooks), await subscribed(webhooks, URL + "2")
    await change(webhooks, other, timedelta(hours=1), secret=NEW)
    await pass_time(webhooks, timedelta(hours=2))
    async with webhooks.database.transaction() as connection:
        await connection.execute("SELECT FROM subscriptions WHERE id = $1 FOR UPDATE", other)
        async with asyncio.timeout(20):
            await change(webhooks, webhook_id, secret=NEW)
            await OldSecrets(webhooks.database).destroy()
    await OldSecrets(webhooks.database).destroy()
    kept = await webhooks.database.pool.fetch("SELECT id FROM subscriptions WHERE old_secret_sealed IS NOT NULL")
    assert [row["id"] for row in kept] == [webhook_id]


async def test_of_three_secrets_the_oldest_is_destroyed(webhooks: Webhooks) -> None:
    webhook_id = await subscribed(webhooks)
    await change(webhooks, webhook_id, secret=NEW)
    await change(webhooks, webhook_id, secret=NEWER)
    assert await secrets_in_use(webhooks, webhook_id) == [NEWER, NEW]


async def test_a_change_that_is_sent_twice_keeps_the_old_secret(webhooks: Webhooks) -> None:
    webhook_id = await subscribed(webhooks)
    await change(webhooks, webhook_id, secret=NEW)
    await change(webhooks, webhook_id, secret=NEW)
    assert await secrets_in_use(webhooks, webhook_id) == [NEW, OLD]


async def test_without_an_overlap_the_old_secret_goes_at_once(webhooks: Webhooks) -> None:
    webhook_id = await subscribed(webhooks)
    await change(webhooks, webhook_id, timedelta(0), secret=NEW)
    assert await secrets_in_use(webhooks, webhook_id) == [NEW]
    # And an overlap that has begun can be ended early, by the present secret.
    await change(webhooks, webhook_id, secret=NEWER)
    await change(webhooks, webhook_id, timedelta(0), secret=NEWER)
    assert await secrets_in_use(webhooks, webhook_id) == [NEWER]


async def test_a_subscription_that_goes_takes_its_old_secret_along(webhooks: Webhooks) -> None:
    webhook_id = await subscribed(webhooks)
    await change(webhooks, webhook_id, secret=NEW)
    await webhooks.subscriptions.delete(webhooks.partner_id, webhook_id)
    assert await secrets_in_use(webhooks, webhook_id) == [NEW]


async def test_what_becomes_of_a_webhook_is_told_with_its_url_masked(webhooks: Webhooks) -> None:
    webhook_id = await subscribed(webhooks)
    await change(webhooks, webhook_id, url="http://127.0.0.1:9/hooks/other")
    await webhooks.subscriptions.delete(webhooks.partner_id, webhook_id)
    seen = {"id": str(webhook_id), "url": "http://127.0.0.1:9/hooks/*****", "filters": None}
    seen |= {"event_name": "resource_operation.created"}
    assert await told(webhooks) == [
        ("webhook.created", {**seen, "status": "active"}),
        ("webhook.updated", {**seen, "status": "active"}),
        ("webhook.deleted", {**seen, "status": "deleted"}),
    ]


async def test_a_change_that_fails_is_never_told(webhooks: Webhooks) -> None:
    await subscribed(webhooks)
    with pytest.raises(DuplicateSubscriptionError):
        await subscribed(webhooks)
    assert [name for name, _ in await told(webhooks)] == ["webhook.created"]


async def test_no_subscription_hears_of_itself(webhooks: Webhooks) -> None:
    """Two that listen to the creation of webhooks: each hears of the other one that came later, none of itself."""
    first = await webhooks.subscribe(URL, "webhook.created")
    second = await webhooks.subscribe(URL + "2", "webhook.created")
    listener = await webhooks.subscribe(URL + "3", "webhook.updated")
    await change(webhooks, listener.id, secret=NEW)
    await webhooks.fan_out().fan_out_once()
    rows = await webhooks.database.pool.fetch(
        "SELECT d.subscription_id, (e.data ->> 'id')::uuid AS about"
        " FROM deliveries AS d JOIN events AS e ON e.id = d.event_id"
    )
    assert {(row["subscription_id"], row["about"]) for row in rows} == {
        (first.id, second.id),
        (second.id, first.id),
        (first.id, listener.id),
        (second.id, listener.id),
    }


async def test_a_made_up_secret_is_one_that_libraries_of_standard_webhooks_take(webhooks: Webhooks) -> None:
    created = await webhooks.subscribe(URL)
    assert created.secret is not None
    assert created.secret.startswith("whsec_")
    assert len(StandardWebhook(created.secret)._whsecret) == 32


class Names(AbstractResolver):
    """Answers what it is told to; an error is raised."""

    def __init__(self, answer: str | OSError) -> None:
        self.answer = answer

    async def resolve(self, host: str, port: int = 0, family: int = socket.AF_UNSPEC) -> list[ResolveResult]:
        if isinstance(self.answer, OSError):
            raise self.answer
        found = ResolveResult(hostname=host, host=self.answer, port=port, family=socket.AF_INET, proto=0, flags=0)
        return [found]

    async def close(self) -> None:
        """Nothing to close."""


async def test_a_name_is_resolved_when_it_is_handed_in(database: Database, database_url: str) -> None:
    names = Names("10.0.0.1")
    async with Egress(UrlPolicy(allow_http=True), resolver=names) as egress:
        webhooks = Webhooks(database, database_url, egress)
        await webhooks.add_partner(webhooks.partner_id)
        url = "http://hooks.example.com/in"
        with pytest.raises(InvalidSubscriptionError, match=r"hooks\.example\.com leads to a forbidden address"):
            await subscribed(webhooks, url)
        names.answer = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        with pytest.raises(InvalidSubscriptionError, match=r"body\.url: .*leads nowhere"):
            await subscribed(webhooks, url)
        # The resolver's own trouble is no reason: each delivery asks again.
        names.answer = socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        webhook_id = await subscribed(webhooks, url)
        names.answer = "10.0.0.1"
        with pytest.raises(InvalidSubscriptionError, match="forbidden address"):
            await change(webhooks, webhook_id, url="http://other.example.com/in")


async def test_a_name_that_leads_elsewhere_after_it_was_checked_gets_nothing(
    database: Database, database_url: str, receiver: Receiver
) -> None:
    """Rebinding: the name leads to a fit address while it is checked, and to a forbidden one when it is called."""
    names = Names("127.0.0.1")
    policy = UrlPolicy(allow_http=True, allowed_networks=(ip_network("127.0.0.1/32"),))
    async with Egress(policy, resolver=names) as egress:
        webhooks = Webhooks(database, database_url, egress)
        await webhooks.add_partner(webhooks.partner_id)
        await subscribed(webhooks, f"http://hooks.example.com:{receiver.port}/in")
        names.answer = "127.0.0.2"
        async with webhooks.worker():
            await webhooks.emit()
            await webhooks.until("attempts > 0")
            names.answer = "127.0.0.1"
            await receiver.received(1)
            await webhooks.until("status = 'success'")
    attempts = await database.pool.fetch("SELECT status, error_message FROM delivery_attempts ORDER BY id")
    assert attempts[0]["status"] == "failed"
    assert "127.0.0.2 is a loopback address" in attempts[0]["error_message"]
    assert len(receiver.requests) == 1
