"""A receiver in another language, written from the documentation alone, verifies what we really deliver."""

import asyncio
import json
import os
import shutil
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from fleetwrite.contract.event_names import WebhookSubscribableEvent
from fleetwrite.contract.notifications import Webhook, WebhookCreate, WebhookUpdate
from fleetwrite.kit.database import Database
from fleetwrite.kit.egress import Egress
from fleetwrite.kit.url_policy import UrlPolicy
from integration.webhooks.harness import Receiver, Webhooks

SCRIPT = Path(__file__).parent / "receivers" / "receiver.js"
NODE = shutil.which("node")

pytestmark = pytest.mark.skipif(
    NODE is None, reason="NODE IS NOT INSTALLED: no receiver in another language has verified our signatures"
)


class NodeReceiver:
    """The script, running."""

    def __init__(self, process: Process, url: str) -> None:
        self._process = process
        self.url = url

    async def found(self) -> Any:
        """What it says of the next request."""
        assert self._process.stdout is not None
        async with asyncio.timeout(20):
            return json.loads(await self._process.stdout.readline())


@asynccontextmanager
async def node(secret: str) -> AsyncIterator[NodeReceiver]:
    environment = {**os.environ, "FLEETWRITE_WEBHOOK_SECRET": secret}
    process = await asyncio.create_subprocess_exec(NODE or "", SCRIPT, "0", env=environment, stdout=PIPE, stderr=PIPE)
    assert process.stderr is not None
    async with asyncio.timeout(20):
        greeting = await process.stderr.readline()
    try:
        yield NodeReceiver(process, f"http://127.0.0.1:{int(greeting.rpartition(b' ')[2])}/")
    finally:
        process.kill()
        await process.communicate()


@pytest.fixture
async def webhooks(database: Database, database_url: str) -> AsyncIterator[Webhooks]:
    policy = UrlPolicy(allow_http=True, allowed_networks=(ip_network("127.0.0.0/8"),))
    async with Egress(policy) as egress:
        one = Webhooks(database, database_url, egress)
        await one.add_partner(one.partner_id)
        yield one


async def subscribe(webhooks: Webhooks, url: str, secret: str | None) -> Webhook:
    body = WebhookCreate(url=url, event_name=WebhookSubscribableEvent.RESOURCE_OPERATION_CREATED, secret=secret)
    created = await webhooks.subscriptions.create(webhooks.partner_id, body)
    assert isinstance(created, Webhook)
    return created


async def test_both_signatures_of_a_delivery_verify_under_a_secret_of_the_partner(webhooks: Webhooks) -> None:
    secret = "any text, even ünïcode"
    async with node(secret) as receiver, webhooks.worker():
        await subscribe(webhooks, receiver.url, secret)
        [event_id] = await webhooks.emit()
        found = await receiver.found()
    assert (found["contract"], found["standard"]) == (True, True)
    assert found["event"]["id"] == str(event_id)
    assert found["event"]["data"] == [{"number": 0, "note": "Grüße"}]


async def test_both_signatures_verify_under_a_made_up_secret_and_while_it_is_replaced(webhooks: Webhooks) -> None:
    parked = await subscribe(webhooks, "http://127.0.0.1:9/", None)
    assert parked.secret is not None
    async with node(parked.secret) as old, node("the secret after it") as new, webhooks.worker():
        change = WebhookUpdate(url=old.url)
        await webhooks.subscriptions.update(webhooks.partner_id, parked.id, change, overlap=timedelta(0))
        await webhooks.emit()
        found = await old.found()
        assert (found["contract"], found["previous"], found["standard"]) == (True, False, True)

        change = WebhookUpdate(secret="the secret after it")
        await webhooks.subscriptions.update(webhooks.partner_id, parked.id, change, overlap=timedelta(days=1))
        await webhooks.emit()
        found = await old.found()
        assert (found["status"], found["contract"], found["previous"], found["standard"]) == (202, False, True, True)

        await webhooks.until("status = 'success'")
        change = WebhookUpdate(url=new.url)
        await webhooks.subscriptions.update(webhooks.partner_id, parked.id, change, overlap=timedelta(days=1))
        await webhooks.emit()
        found = await new.found()
        assert (found["status"], found["contract"], found["previous"], found["standard"]) == (202, True, False, True)


async def test_what_was_changed_on_the_way_does_not_verify(webhooks: Webhooks) -> None:
    secret = "a-secret-of-the-partner's-own"
    caught = Receiver()
    await caught.start()
    await subscribe(webhooks, caught.url, secret)
    async with webhooks.worker():
        await webhooks.emit()
        [request] = await caught.received(1)
    await caught.stop()
    kept = {name: value for name, value in request.headers.items() if name != "Content-Length"}
    async with node(secret) as receiver, aiohttp.ClientSession() as client:
        for name, value, found in (
            (None, None, (202, True, True)),
            ("X-Catena-Timestamp", "2026-05-04T12:00:00+00:00", (401, False, True)),
            ("X-Catena-Signature", "AAAA", (401, False, True)),
            ("webhook-id", "another", (401, True, False)),
            ("webhook-timestamp", "1777000000", (401, True, False)),
            ("webhook-signature", "v1,AAAA", (401, True, False)),
        ):
            headers = kept if name is None else {key: text for key, text in kept.items() if key != name}
            if name is not None and value is not None:
                headers = {**headers, name: value}
            async with client.post(receiver.url, headers=headers, data=request.body) as answer:
                told = await receiver.found()
                assert (answer.status, told["contract"], told["standard"]) == found
        async with client.post(receiver.url, headers=kept, data=request.body[:-4]) as answer:
            assert answer.status == 400
