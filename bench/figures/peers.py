"""The peer (bench/peers) doing the same work on the same machine in the same run: none of it has an aim.

Accepting and complete writes are measured as `accepting` and `completing` do it (one API process, one worker process,
64 clients); budget use as `budgets` does it, at 10/s against a sliding window, with one and with three workers. The
pace is kept by each worker process for itself, as there is nothing in Procrastinate that keeps it for all; a 429's
Retry-After is obeyed by the job that got it.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

import asyncpg
from procrastinate import App, PsycopgConnector

from bench.figures.budgets import use
from bench.figures.completing import CLIENTS
from bench.load import Client, closed_loop, request_bytes
from bench.measure import Figure, Plan
from bench.processes import Process
from bench.simulator import token
from bench.stack import Stack, free_port

LIMITED: Final = 25
PER_SECOND: Final = 10
LIMITS: Final = {LIMITED: {"requests": PER_SECOND, "per_seconds": 1, "kind": "sliding"}}

_WRITES: Final = 1500
_WITHIN_S: Final = 120.0


async def measure(stack: Stack, plan: Plan) -> list[Figure]:
    """Accepting, complete writes, budget use and 429s."""
    async with AsyncExitStack() as exits:
        peer = await exits.enter_async_context(_open(stack))
        return [*await peer.rates(plan), *await peer.budget(plan, 1), *await peer.budget(plan, 3)]


class _Peer:
    def __init__(self, stack: Stack, dsn: str, url: str) -> None:
        self._stack = stack
        self._dsn = dsn
        self._url = url
        self._began_at = 0.0

    async def rates(self, plan: Plan) -> list[Figure]:
        """Writes a second, accepted and complete."""
        await self._send(plan.count(300), None)
        await self._forget()
        accepted, complete = [], []
        for _ in range(plan.runs):
            accepted.append(await self._send(plan.count(_WRITES), None))
            await self._forget()
        async with self._workers(1, 0.0):
            await self._complete(plan.count(300))
            complete = [await self._complete(plan.count(_WRITES)) for _ in range(plan.runs)]
        name = "FastAPI + Procrastinate + httpx"
        return [
            Figure(key="peer.accept.per_second", title=f"{name}: writes accepted", unit="/s", values=accepted),
            Figure(key="peer.complete.per_second", title=f"{name}: complete writes", unit="/s", values=complete),
        ]

    async def budget(self, plan: Plan, workers: int) -> list[Figure]:
        """Budget use, and how many 429s that took."""
        lasts_s = plan.runs * plan.window_s
        await self._send(round((lasts_s + 8) * PER_SECOND), None, LIMITED, "peer")
        since = await self._stack.last_sequence()
        async with self._workers(workers, PER_SECOND):
            await asyncio.sleep(lasts_s + 2)
        log = [entry for entry in await self._stack.log_since(since) if entry.name.startswith("peer ")]
        await self._forget()
        refused = sum(entry.status == 429 for entry in log)
        plural = "s" if workers > 1 else ""
        title = f"FastAPI + Procrastinate + httpx, {workers} worker{plural}"
        return [
            Figure(
                key=f"peer.budget_use.{workers}-workers",
                title=f"{title}: budget use at {PER_SECOND}/s",
                unit="",
                values=use(log, PER_SECOND, plan.runs, plan.window_s),
                detail={"calls": len(log)},
            ),
            Figure(key=f"peer.refused.{workers}-workers", title=f"{title}: 429s caused", unit="", values=[refused]),
        ]

    async def _send(self, total: int, receiver: str | None, organization: int = 0, name: str = "rate") -> float:
        def request(number: int) -> bytes:
            body = {
                "provider": self._stack.simulator_url,
                "token": token(organization),
                "trailer_name": f"{name} {number}",
                "receiver": receiver,
            }
            return request_bytes("POST", f"{self._url}/writes", body)

        outcome = await closed_loop(self._url, request, total=total, clients=CLIENTS, status=202)
        self._began_at = outcome.began_at
        return outcome.per_second

    async def _complete(self, total: int) -> float:
        receiver = self._stack.receiver
        receiver.expect(total)
        await self._send(total, receiver.url)
        await receiver.wait(_WITHIN_S)
        return total / (receiver.last_at - self._began_at)

    @asynccontextmanager
    async def _workers(self, count: int, per_second: float) -> AsyncIterator[None]:
        async with AsyncExitStack() as exits:
            for _ in range(count):
                worker = self._process("bench.peers.tasks", "--per-second", str(per_second))
                exits.push_async_callback(worker.stop)
                await worker.start()
            yield

    def _process(self, module: str, *arguments: str) -> Process:
        return Process(module, *arguments, environment={**self._stack.environment, "DATABASE_URL": self._dsn})

    async def _forget(self) -> None:
        connection = await asyncpg.connect(self._dsn)
        await connection.execute("TRUNCATE procrastinate_jobs CASCADE")
        await connection.close()


@asynccontextmanager
async def _open(stack: Stack) -> AsyncIterator[_Peer]:
    """The peer's API on a database of its own on the same server."""
    connection = await asyncpg.connect(stack.dsn)
    await connection.execute("CREATE DATABASE peer")
    await connection.close()
    dsn = stack.dsn.rpartition("/")[0] + "/peer"
    async with App(connector=PsycopgConnector(conninfo=dsn)).open_async() as app:
        await app.schema_manager.apply_schema_async()
    port = free_port()
    environment = {**stack.environment, "DATABASE_URL": dsn}
    api = Process("bench.peers.service", "--port", str(port), environment=environment)
    try:
        await api.start()
        url = f"http://127.0.0.1:{port}"
        await _until_open(url)
        yield _Peer(stack, dsn, url)
    finally:
        await api.stop()


async def _until_open(url: str) -> None:
    """It says that it is ready just before it listens."""
    async with asyncio.timeout(10):
        while True:
            try:
                (await Client.open(url)).close()
            except OSError:
                await asyncio.sleep(0.02)
            else:
                return
