"""A real receiver, a partner with its subscriptions, and the worker that delivers."""

import asyncio
import gzip
import json
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
from aiohttp import web

from fleetwrite.contract.event_names import WebhookSubscribableEvent
from fleetwrite.contract.notifications import Webhook, WebhookCreate, WebhookFilters
from fleetwrite.dispatch.backoff import Backoff
from fleetwrite.dispatch.service import Dispatch
from fleetwrite.dispatch.worker import Worker, WorkerSettings
from fleetwrite.events.fan_out import FanOut
from fleetwrite.events.models import NewEvent
from fleetwrite.events.store import append
from fleetwrite.kit.database import Database, Listener
from fleetwrite.kit.egress import Egress
from fleetwrite.kit.ids import new_id
from fleetwrite.kit.url_policy import UrlPolicy
from fleetwrite.vault.keys import MasterKey
from fleetwrite.vault.service import Vault
from fleetwrite.webhooks.delivery import DeliveryHandler
from fleetwrite.webhooks.fan_out import DeliveryPlanner
from fleetwrite.webhooks.models import DeliverySettings
from fleetwrite.webhooks.service import SubscriptionService

SOON = DeliverySettings(timeout_s=5.0, fast_s=(0.01, 0.01, 0.01), tail=Backoff(first_s=0.02, cap_s=0.02))
"""Retries without waiting."""


class Received(msgspec.Struct, frozen=True):
    """One request as it arrived; `body` is still packed."""

    headers: dict[str, str]
    body: bytes

    @property
    def envelope(self) -> Any:
        return json.loads(gzip.decompress(self.body))


class Receiver:
    """An HTTP server that notes what arrives and answers as told: 202 unless there are `answers` left."""

    def __init__(self) -> None:
        self.requests: list[Received] = []
        self.answers: deque[web.Response] = deque()
        self.hang = asyncio.Event()
        self.hang.set()
        self.url = ""
        self.port = 0
        self._arrived = asyncio.Condition()
        self._runner: web.AppRunner | None = None

    async def start(self, port: int = 0) -> None:
        """Listen on `port`; 0 takes any free one."""
        app = web.Application()
        # The raw body: aiohttp's client side must not be trusted to have left it as it was.
        app.router.add_post("/{path:.*}", self._take)
        self._runner = web.AppRunner(app, auto_decompress=False, handler_cancellation=True)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port)
        await site.start()
        self.port = self._runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{self.port}/hooks/fleetwrite"

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def received(self, count: int) -> list[Received]:
        """The requests, as soon as there are so many."""
        async with asyncio.timeout(20), self._arrived:
            await self._arrived.wait_for(lambda: len(self.requests) >= count)
        return self.requests

    async def _take(self, request: web.Request) -> web.Response:
        received = Received(dict(request.headers), await request.read())
        async with self._arrived:
            self.requests.append(received)
            self._arrived.notify_all()
        await self.hang.wait()
        return self.answers.popleft() if self.answers else web.Response(status=202)


class Webhooks:
    """The webhook services on one database, and shortcuts through them."""

    def __init__(self, database: Database, database_url: str, egress: Egress, policy: UrlPolicy) -> None:
        self.database = database
        self.database_url = database_url
        self.egress = egress
        self.vault = Vault(MasterKey.random())
        self.dispatch = Dispatch(database)
        self.subscriptions = SubscriptionService(database, self.vault, self.dispatch, policy)
        self.partner_id = new_id()

    async def add_partner(self, partner_id: UUID) -> None:
        await self.database.pool.execute(
            "INSERT INTO partners VALUES ($1, 'Partner', $2, fleetwrite_now(), fleetwrite_now())",
            partner_id,
            str(partner_id),
        )

    async def subscribe(
        self,
        url: str,
        event_name: str = "resource_operation.created",
        filters: WebhookFilters | None = None,
        partner_id: UUID | None = None,
    ) -> Webhook:
        body = WebhookCreate(url=url, event_name=WebhookSubscribableEvent(event_name), filters=filters)
        created = await self.subscriptions.create(partner_id or self.partner_id, body)
        assert isinstance(created, Webhook)
        return created

    async def emit(
        self,
        count: int = 1,
        event_name: str = "resource_operation.created",
        *,
        fleet_id: UUID | None = None,
        fleet_ref: str | None = None,
    ) -> list[UUID]:
        events = [
            NewEvent(
                id=new_id(),
                event_name=event_name,
                partner_id=self.partner_id,
                fleet_id=fleet_id,
                fleet_ref=fleet_ref,
                data={"number": number, "note": "Grüße"},
            )
            for number in range(count)
        ]
        async with self.database.transaction() as connection:
            await append(connection, events)
        return [event.id for event in events]

    def fan_out(self) -> FanOut:
        return FanOut(self.database, DeliveryPlanner(self.dispatch, timedelta(days=3)).plan)

    @asynccontextmanager
    async def worker(
        self, settings: DeliverySettings = SOON, lease_lasts: timedelta = timedelta(seconds=30)
    ) -> AsyncIterator[None]:
        """Fan out and deliver as a worker process does."""
        handler = DeliveryHandler(self.database, self.dispatch, self.vault, self.egress, settings)
        worker = Worker(
            self.database, self.dispatch, [handler], WorkerSettings(concurrency=64, lease_lasts=lease_lasts)
        )
        fan_out = self.fan_out()
        stop = asyncio.Event()
        channels = {**worker.channels, **fan_out.channels}
        async with (
            Listener(self.database_url, channels, application_name="webhook tests"),
            asyncio.TaskGroup() as tasks,
        ):
            tasks.create_task(worker.run(stop))
            tasks.create_task(fan_out.run(stop))
            try:
                yield
            finally:
                stop.set()

    async def deliveries(self) -> list[tuple[str, int]]:
        """Status and number of attempts of each delivery, in order."""
        rows = await self.database.pool.fetch("SELECT status, attempts FROM deliveries ORDER BY id")
        return [(row["status"], row["attempts"]) for row in rows]

    async def until(self, condition: str) -> None:
        """Wait until a condition over the deliveries holds for all of them, and there is at least one."""
        query = f"SELECT coalesce(bool_and({condition}), false) FROM deliveries"  # noqa: S608 - tests' own text
        async with asyncio.timeout(20):
            while not await self.database.pool.fetchval(query):
                await asyncio.sleep(0.01)
