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
from fleetwrite.kit.repeating import repeat
from fleetwrite.vault.keys import MasterKey
from fleetwrite.vault.service import Vault
from fleetwrite.webhooks.delivery import DeliveryHandler
from fleetwrite.webhooks.fan_out import Batching, DeliveryPlanner
from fleetwrite.webhooks.health import Health
from fleetwrite.webhooks.models import DeliverySettings, budgets
from fleetwrite.webhooks.probing import ReceiverProber
from fleetwrite.webhooks.sending import Sender
from fleetwrite.webhooks.service import SubscriptionService
from fleetwrite.webhooks.upkeep import SubscriptionUpkeep

SOON = DeliverySettings(fast_s=(0.01, 0.01, 0.01), tail=Backoff(first_s=0.02, cap_s=0.02))
"""Retries without waiting."""

UNLIMITED = budgets(per_second=100_000, in_flight=64)


class Received(msgspec.Struct, frozen=True):
    """One request as it arrived; `body` is still packed."""

    headers: dict[str, str]
    body: bytes

    @property
    def envelope(self) -> Any:
        return json.loads(gzip.decompress(self.body))


class Receiver:
    """An HTTP server that notes what arrives and answers as told: with `answers` as long as there are any, with 500 to
    the first `fails_first` attempts at each delivery, and else `always` with that status.
    """

    def __init__(self) -> None:
        self.requests: list[Received] = []
        self.answers: deque[web.Response] = deque()
        self.fails_first = 0
        self.always = 202
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
        if self.answers:
            return self.answers.popleft()
        has_failed = int(received.headers["X-Delivery-Attempt"]) > self.fails_first
        return web.Response(status=self.always if has_failed else 500)


class Webhooks:
    """The webhook services on one database, and shortcuts through them."""

    def __init__(self, database: Database, database_url: str, egress: Egress) -> None:
        self.database = database
        self.database_url = database_url
        self.egress = egress
        self.vault = Vault(MasterKey.random())
        self.dispatch = Dispatch(database)
        self.health = Health(database, self.dispatch)
        self.sender = Sender(self.vault, egress, timeout_s=5.0)
        self.subscriptions = SubscriptionService(database, self.vault, self.dispatch, egress, UNLIMITED)
        self.upkeep = SubscriptionUpkeep(database, self.dispatch, self.subscriptions, self.sender, self.health)
        self.batching = Batching()
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
        return FanOut(self.database, DeliveryPlanner(self.dispatch, self.batching).plan)

    @asynccontextmanager
    async def worker(
        self,
        settings: DeliverySettings = SOON,
        lease_lasts: timedelta = timedelta(seconds=30),
        *,
        timeout_s: float = 5.0,
    ) -> AsyncIterator[None]:
        """Fan out, deliver and probe as a worker process does."""
        sender = Sender(self.vault, self.egress, timeout_s=timeout_s)
        handler = DeliveryHandler(self.database, self.dispatch, sender, self.health, settings)
        prober = ReceiverProber(self.database, self.health, handler, lease_lasts)
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
            tasks.create_task(repeat(prober.probe_due, 0.02, stop, name="probing"))
            try:
                yield
            finally:
                stop.set()

    async def shift(self, interval: str) -> None:
        """Let time pass for everything that asks the database what time it is."""
        await self.database.pool.execute("UPDATE clock_shift SET shift = shift + $1::text::interval", interval)

    async def status_of(self, subscription_id: UUID) -> str:
        status: str = await self.database.pool.fetchval(
            "SELECT status FROM subscriptions WHERE id = $1", subscription_id
        )
        return status

    async def until_status(self, subscription_id: UUID, status: str) -> None:
        async with asyncio.timeout(20):
            while await self.status_of(subscription_id) != status:
                await asyncio.sleep(0.01)

    async def quiet(self) -> None:
        """Wait until every event is handed on and nothing is under way."""
        async with asyncio.timeout(20):
            while await self.database.pool.fetchval(
                "SELECT EXISTS (SELECT FROM events WHERE fanned_out_at IS NULL)"
                " OR EXISTS (SELECT FROM jobs WHERE lease IS NOT NULL)"
            ):
                await asyncio.sleep(0.01)

    async def in_line(self, subscription_id: UUID) -> list[str]:
        """The ids of the events that wait for a subscription, in the order in which claims take them."""
        rows = await self.database.pool.fetch(
            """
            SELECT event_id FROM jobs JOIN deliveries USING (id) JOIN lanes ON lanes.id = lane_id
            WHERE subscription_id = $1 AND jobs.due_at <= fleetwrite_now() AND NOT held
            ORDER BY priority, jobs.due_at, position
            """,
            subscription_id,
        )
        return [str(row["event_id"]) for row in rows]

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
