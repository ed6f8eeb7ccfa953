"""Receivers misbehave and the worker is killed meanwhile: every event reaches every receiver that lives."""

import asyncio
import gzip
import json
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from aiohttp import web

from acceptance.stack import Stack

WRITES: Final = 80
"""Two events each, for six receivers each."""

KILLS: Final = 3

LEASE_S: Final = 16
"""The shortest there is with a provider time-out of one second."""

SETTINGS: Final = {
    "FLEETWRITE_PROVIDER_TIMEOUT_S": "1",
    "FLEETWRITE_LEASE_S": str(LEASE_S),
    "FLEETWRITE_WEBHOOK_TIMEOUT_S": "1",
    "FLEETWRITE_WORKER_CONCURRENCY": "64",
}


class Receiver:
    """One that behaves in its way as long as `is_ill`, and well afterwards.

    Attributes:
        taken: event id -> its data, of those that it answered with 2xx.
        contradictions: ids that came back with other data.
    """

    def __init__(self, behave: Callable[[web.Request], Awaitable[web.Response | None]]) -> None:
        self._behave = behave
        self.is_ill = True
        self.taken: dict[str, Any] = {}
        self.contradictions: list[str] = []
        self._seen: dict[str, Any] = {}

    async def take(self, request: web.Request) -> web.Response:
        envelope = json.loads(gzip.decompress(await request.read()))
        content = (envelope["event_name"], envelope["data"], envelope["timestamp"])
        if self._seen.setdefault(envelope["id"], content) != content:
            self.contradictions.append(envelope["id"])
        answer = await self._behave(request) if self.is_ill else None
        if answer is None:
            self.taken[envelope["id"]] = envelope["data"]
            return web.Response(status=202)
        return answer


@asynccontextmanager
async def receivers(stack: Stack, chance: random.Random) -> AsyncIterator[dict[str, Receiver]]:
    """One of each kind, each subscribed to all events of operations."""
    freed = asyncio.Event()

    async def behaves(_request: web.Request) -> web.Response | None:
        return None

    async def is_slow(_request: web.Request) -> web.Response | None:
        await asyncio.sleep(0.4)
        return None

    async def flaps(_request: web.Request) -> web.Response | None:
        return web.Response(status=500) if chance.random() < 0.5 else None

    async def hangs(_request: web.Request) -> web.Response:
        await freed.wait()
        return web.Response(status=503)

    async def cuts(request: web.Request) -> web.Response | None:
        if request.transport is None or chance.random() < 0.5:
            return None
        request.transport.abort()
        return web.Response(status=500)  # goes nowhere

    async def throttles(_request: web.Request) -> web.Response | None:
        return web.Response(status=429, headers={"Retry-After": "1"}) if chance.random() < 0.1 else None

    kinds = {one.__name__: Receiver(one) for one in (behaves, is_slow, flaps, hangs, cuts, throttles)}
    app = web.Application()
    for name, receiver in kinds.items():
        app.router.add_post(f"/{name}", receiver.take)
    runner = web.AppRunner(app, auto_decompress=False, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        for name in kinds:
            wish = {"url": f"http://127.0.0.1:{runner.addresses[0][1]}/{name}", "event_name": "resource_operation.*"}
            status, webhooks = await stack.call("POST", "/v2/notifications/webhooks", wish)
            assert status == 200, webhooks
        yield kinds
    finally:
        freed.set()
        await runner.cleanup()


async def test_every_event_reaches_every_receiver_that_lives(tmp_path: Path) -> None:
    chance = random.Random(5)
    async with (
        asyncio.timeout(90),
        Stack(tmp_path, SETTINGS) as stack,
        receivers(stack, chance) as kinds,
    ):
        await stack.raise_budget(1000)
        accepted = [await accept(stack, number) for number in range(WRITES)]
        for kill in range(1, KILLS + 1):
            while len(kinds["behaves"].taken) < 2 * WRITES * kill / (KILLS + 2):
                await asyncio.sleep(0.01)
            stack.worker.kill()
            # Nobody alive holds a lease now: those of the dead end at once.
            await stack.shift_clock(LEASE_S)
            stack.worker.start()
        # All the while one hangs, one cuts, one is slow.
        while len(kinds["behaves"].taken) < 2 * WRITES:
            await asyncio.sleep(0.05)
        assert kinds["hangs"].taken == {}
        for receiver in kinds.values():
            receiver.is_ill = False
        while any(len(receiver.taken) < 2 * WRITES for receiver in kinds.values()):
            await asyncio.sleep(0.5)
            await stack.shift_clock(20)
    for name, receiver in kinds.items():
        told = [(item["id"], item["status"]) for data in receiver.taken.values() for item in data]
        wanted = [(operation_id, status) for operation_id in accepted for status in ("pending", "success")]
        assert sorted(told) == sorted(wanted), name
        assert receiver.contradictions == [], name


async def accept(stack: Stack, number: int) -> str:
    body = {"connection_id": stack.connection_id, "trailer_name": f"Chaos {number}"}
    status, answer = await stack.call("POST", "/v2/telematics/trailers", body)
    assert status == 202, answer
    operation_id: str = answer["id"]
    return operation_id
