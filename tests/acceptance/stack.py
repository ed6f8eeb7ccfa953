"""The whole of Fleetwrite in processes of its own, as an operator runs it, to be killed piece by piece."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Self

import aiohttp
import asyncpg

from fleetwrite.bootstrap import REALM_PATH, open_services
from fleetwrite.kit.migrations import migrate
from fleetwrite.kit.postgres import EmbeddedPostgres
from fleetwrite.sandbox.seed import Remembered, seed
from fleetwrite.sandbox.simulators import RunningSimulator, start_simulator
from fleetwrite.settings import Settings
from fleetwrite.vault.keyfile import KeyFile

UNLIMITED = {"requests": 100_000, "per_seconds": 1, "kind": "bucket"}


class Process:
    """One `fleetwrite` command."""

    def __init__(self, *arguments: str, environment: Mapping[str, str]) -> None:
        self._arguments = arguments
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def has_died(self) -> bool:
        """It ended, and nobody here asked for it."""
        return self._process is not None and self._process.poll() is not None

    def start(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "fleetwrite", *self._arguments], env=dict(self._environment)
        )

    def kill(self) -> None:
        self.stop(signal.SIGKILL)

    def stop(self, by: signal.Signals = signal.SIGTERM) -> int:
        if self._process is None:
            return 0
        self._process.send_signal(by)
        code = self._process.wait(60)
        self._process = None
        return code


class Stack:
    """Database, simulator, API and workers, with one partner and one connection; an async context manager.

    Attributes:
        worker: the only one, or the first of several.
    """

    def __init__(self, folder: Path, settings: Mapping[str, str] | None = None, *, workers: int = 1) -> None:
        self._folder = folder
        self._settings = settings or {}
        self._worker_ports = [_free_port() for _ in range(workers)]
        self._exit = AsyncExitStack()
        self.postgres = EmbeddedPostgres(folder / "postgres")
        self.simulator: RunningSimulator
        self.api: Process
        self.worker: Process
        self.workers: list[Process]
        self.http: aiohttp.ClientSession
        self.environment: dict[str, str] = {}
        self.api_url = ""
        self.connection_id = ""
        self._headers: dict[str, str] = {}

    async def __aenter__(self) -> Self:
        try:
            await self._start()
        except BaseException:
            await self._exit.aclose()
            raise
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._exit.aclose()

    async def _start(self) -> None:
        await self.postgres.start()
        self._exit.push_async_callback(self.postgres.stop)
        await migrate(self.postgres.dsn)
        KeyFile.create(self._folder / "vault.key")
        port = _free_port()
        self.api_url = f"http://127.0.0.1:{port}"
        self.environment = {
            **os.environ,
            "DATABASE_URL": self.postgres.dsn,
            "FLEETWRITE_VAULT_KEY_FILE": str(self._folder / "vault.key"),
            "FLEETWRITE_PUBLIC_URL": self.api_url,
            "FLEETWRITE_API_PORT": str(port),
            "FLEETWRITE_OUTBOUND_ALLOW_HTTP": "true",
            "FLEETWRITE_OUTBOUND_ALLOWED_NETWORKS": "127.0.0.0/8",
            "FLEETWRITE_LOG_LEVEL": "error",
            **self._settings,
        }
        self.simulator = await start_simulator("samsara", self._folder / "simulators", None, self.environment)
        self._exit.push_async_callback(self.simulator.child.stop)
        self.http = await self._exit.enter_async_context(aiohttp.ClientSession())
        secret = await self._seed()
        self.api = Process("api", environment=self.environment)
        self.workers = [
            Process("worker", environment=self.environment | {"FLEETWRITE_WORKER_PORT": str(worker_port)})
            for worker_port in self._worker_ports
        ]
        self.worker = self.workers[0]
        for process in (self.api, *self.workers):
            process.start()
            self._exit.callback(process.stop)
        await self.until_ready()
        form = {"grant_type": "client_credentials", "client_id": "sandbox-client", "client_secret": secret}
        async with self.http.post(f"{self.api_url}{REALM_PATH}/protocol/openid-connect/token", data=form) as answer:
            self._headers = {"Authorization": f"Bearer {(await answer.json())['access_token']}"}
        await self.control("PUT", "limits", UNLIMITED)

    async def _seed(self) -> str:
        remembered = Remembered()
        async with open_services(Settings.load(self.environment), name="test") as services:
            (connection, *_) = await seed(services, [self.simulator], remembered)
        self.connection_id = str(connection.connection_id)
        return remembered.client_secret or ""

    async def until_ready(self) -> None:
        """Wait until the API and every worker can reach the database."""
        for port in (self.environment["FLEETWRITE_API_PORT"], *self._worker_ports):
            await self._until_ready(f"http://127.0.0.1:{port}/readyz")

    async def _until_ready(self, url: str) -> None:
        async with asyncio.timeout(30):
            while True:
                try:
                    async with self.http.get(url) as answer:
                        if answer.status == 200:
                            return
                except aiohttp.ClientError:
                    pass
                await asyncio.sleep(0.05)

    async def call(
        self, method: str, path: str, body: Any = None, *, key: str | None = None, **parameters: str
    ) -> tuple[int, Any]:
        """Call the API as the partner; `key` is the Idempotency-Key."""
        headers = self._headers if key is None else {**self._headers, "Idempotency-Key": key}
        async with self.http.request(
            method, self.api_url + path, json=body, params=parameters, headers=headers
        ) as answer:
            return answer.status, await answer.json()

    async def control(self, method: str, path: str, body: Any = None) -> Any:
        """Call the simulator's control API."""
        async with self.http.request(method, f"{self.simulator.url}/_simulator/{path}", json=body) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()

    async def raise_budget(self, requests: int) -> None:
        budgets = {"budgets": [{"scope": "token", "requests": requests, "per_seconds": 1}]}
        status, body = await self.call("PUT", f"/v2/fleetwrite/connections/{self.connection_id}/budgets", budgets)
        assert status == 200, body

    async def records(self, resource: str, **parameters: str) -> list[dict[str, Any]]:
        status, page = await self.call(
            "GET", f"/v2/telematics/{resource}", connection_id=self.connection_id, **parameters
        )
        assert status == 200, page
        items: list[dict[str, Any]] = page["items"]
        return items

    async def operations(self) -> dict[str, dict[str, Any]]:
        """All operations by id."""
        found: dict[str, dict[str, Any]] = {}
        parameters = {"size": "1000"}
        while True:
            status, page = await self.call("GET", "/v2/integrations/connections/resource-operations", **parameters)
            assert status == 200, page
            found |= {item["id"]: item for item in page["items"]}
            if page["next_page"] is None:
                return found
            parameters["cursor"] = page["next_page"]

    async def shift_clock(self, seconds: int) -> None:
        """Let time pass for everything that asks the database what time it is."""
        connection = await asyncpg.connect(self.postgres.dsn)
        await connection.execute("UPDATE clock_shift SET shift = shift + make_interval(secs => $1)", seconds)
        await connection.close()

    async def restart_postgres(self) -> None:
        """Start PostgreSQL again after it was killed, where it was."""
        before = self.postgres.dsn
        await self.postgres.wait_closed()
        await self.postgres.stop()
        await self.postgres.start()
        assert self.postgres.dsn == before


def _free_port() -> int:
    import socket  # noqa: PLC0415 - for this one line

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
