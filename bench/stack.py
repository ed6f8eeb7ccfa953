"""The whole of Fleetwrite in processes of its own, for measuring: database, provider, API, any number of workers."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final, Self
from uuid import UUID

import aiohttp
import msgspec

from bench.load import LoadError, request_bytes
from bench.processes import Process
from bench.receiver import Receiver, open_receiver
from bench.simulator import FIRST_ID, token
from fleetwrite.bootstrap import REALM_PATH, Services, open_services
from fleetwrite.connections.usual_budgets import usual_budgets
from fleetwrite.dispatch.models import BudgetLimit
from fleetwrite.kit.migrations import migrate
from fleetwrite.kit.postgres import EmbeddedPostgres
from fleetwrite.sandbox.seed import pull_records
from fleetwrite.settings import Settings
from fleetwrite.vault.keyfile import KeyFile

ORGANIZATIONS: Final = 32
"""How many accounts the simulated provider has; see `figures` for who uses which."""

TRAILERS: Final = "/v2/telematics/trailers"

_READY_WITHIN_S: Final = 30.0


class LogEntry(msgspec.Struct):
    """A call as the simulator saw it; `at` is when it arrived, in epoch seconds."""

    sequence: int
    at: float
    method: str
    path: str
    body: Any
    status: int

    @property
    def name(self) -> str:
        """The name of the thing it wants to create; empty where it has none."""
        return str(self.body.get("name", "")) if isinstance(self.body, dict) else ""

    @property
    def text(self) -> str:
        """Its name, or the text of the message it sends."""
        return str(self.body.get("text", self.name)) if isinstance(self.body, dict) else ""


class _Log(msgspec.Struct):
    requests: list[LogEntry]


_LOG: Final = msgspec.json.Decoder(_Log)


class Stack:
    """What the figures work with. Use `Stack.open`.

    Attributes:
        environment: of every process.
        services: the product's own services in this process, to set things up with.
        receiver: where webhooks go.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment: dict[str, str] = {}
        self.dsn = ""
        self.api_url = ""
        self.simulator_url = ""
        self.authorization: dict[str, str] = {}
        self.services: Services
        self.receiver: Receiver
        self.partner_id: UUID
        self.api: Process
        self.workers: list[Process] = []
        self._http: aiohttp.ClientSession
        self._fleets = 0
        self._seen = 0

    @classmethod
    @asynccontextmanager
    async def open(
        cls, folder: Path, limits: Mapping[int, Mapping[str, object]], fleets: Mapping[int, int]
    ) -> AsyncIterator[Self]:
        """Start everything but workers; `limits` are the provider's, by organisation, `fleets` numbers of vehicles."""
        async with AsyncExitStack() as exits:
            stack = cls(folder)
            await stack._start(exits, limits, fleets)
            yield stack

    async def _start(
        self, exits: AsyncExitStack, limits: Mapping[int, Mapping[str, object]], fleets: Mapping[int, int]
    ) -> None:
        postgres = await exits.enter_async_context(EmbeddedPostgres(self.folder / "postgres"))
        self.dsn = postgres.dsn
        await migrate(self.dsn)
        KeyFile.create(self.folder / "vault.key")
        port = free_port()
        self.api_url = f"http://127.0.0.1:{port}"
        self.environment = {
            **os.environ,
            "DATABASE_URL": self.dsn,
            "FLEETWRITE_VAULT_KEY_FILE": str(self.folder / "vault.key"),
            "FLEETWRITE_PUBLIC_URL": self.api_url,
            "FLEETWRITE_API_PORT": str(port),
            "FLEETWRITE_OUTBOUND_ALLOW_HTTP": "true",
            "FLEETWRITE_OUTBOUND_ALLOWED_NETWORKS": "127.0.0.0/8",
            "FLEETWRITE_LOG_LEVEL": "error",
            # The largest backlog measured is as large as the default cap.
            "FLEETWRITE_BACKLOG_CAP": "10000000",
            # It is the machine that is measured, and not what we let one receiver have.
            "FLEETWRITE_WEBHOOK_PER_SECOND": "100000",
            "FLEETWRITE_WEBHOOK_IN_FLIGHT": "128",
        }
        simulator = self.process(
            "bench.simulator",
            *("--data-dir", str(self.folder / "simulator"), "--organizations", str(ORGANIZATIONS)),
            *("--limits", msgspec.json.encode({str(FIRST_ID + n): limit for n, limit in limits.items()}).decode()),
            *("--fleets", msgspec.json.encode({str(FIRST_ID + n): count for n, count in fleets.items()}).decode()),
        )
        exits.push_async_callback(simulator.stop)
        self.simulator_url = await simulator.start()
        self.services = await exits.enter_async_context(open_services(Settings.load(self.environment), name="bench"))
        self._http = await exits.enter_async_context(aiohttp.ClientSession())
        self.receiver = await exits.enter_async_context(open_receiver())
        self.partner_id = (await self.services.orgs.ensure_partner("Bench", "bench")).id
        secret = (await self.services.clients.create(self.partner_id, client_id="bench")).client_secret
        self.api = self.process("fleetwrite", "api", announces=False)
        exits.push_async_callback(self.api.stop)
        exits.push_async_callback(self.run_workers, 0)
        await self.api.start()
        await self._until_ready()
        form = {"grant_type": "client_credentials", "client_id": "bench", "client_secret": secret}
        async with self._http.post(f"{self.api_url}{REALM_PATH}/protocol/openid-connect/token", data=form) as answer:
            self.authorization = {"Authorization": f"Bearer {(await answer.json())['access_token']}"}

    def process(self, module: str, *arguments: str, announces: bool = True) -> Process:
        """A process in this stack's environment, not started yet."""
        return Process(module, *arguments, environment=self.environment, announces=announces)

    async def _until_ready(self) -> None:
        async with asyncio.timeout(_READY_WITHIN_S):
            while True:
                try:
                    async with self._http.get(f"{self.api_url}/readyz") as answer:
                        if answer.status == 200:
                            return
                except aiohttp.ClientError:
                    pass
                await asyncio.sleep(0.05)

    async def run_workers(self, count: int) -> None:
        """From now on so many worker processes; those too many finish what they have in flight."""
        surplus, self.workers = self.workers[count:], self.workers[:count]
        await asyncio.gather(*(worker.stop() for worker in surplus))
        fresh = [self.process("fleetwrite", "worker", "--announce") for _ in range(count - len(self.workers))]
        self.workers += fresh
        await asyncio.gather(*(worker.start() for worker in fresh))

    async def connect(
        self,
        organization: int,
        budgets: Sequence[BudgetLimit] = (),
        *,
        records: bool = False,
        account_id: str | None = None,
        pulled_by_workers: bool = False,
    ) -> UUID:
        """A new connection of a fleet of its own to this account, with exactly these budgets.

        Args:
            organization: number of the simulated account.
            budgets: in place of the provider's published ones.
            records: whether to read the account's people and vehicles.
            account_id: connections that name the same one share the account's budgets.
            pulled_by_workers: whether workers pull it. Otherwise all calls are those that are measured.
        """
        self._fleets += 1
        fleet = await self.services.orgs.ensure_shared_fleet(self.partner_id, f"f-{self._fleets}", f"F {self._fleets}")
        connection = await self.services.connections.create(
            fleet_id=fleet.fleet_id,
            tsp_slug="samsara",
            credentials={"token": token(organization)},
            settings={"base_url": self.simulator_url},
            account_id=account_id,
        )
        await self.set_budgets(connection.id, budgets)
        if records:
            await pull_records(self.services, connection)
        if not pulled_by_workers:
            async with self.services.database.transaction() as transaction:
                await self.services.schedules.disconnected(transaction, connection.id)
        return connection.id

    async def check_records(self, connection_id: UUID, count: int) -> None:
        """Make sure that so many vehicles are known, none of them as gone."""
        known = await self.services.database.pool.fetchval(
            "SELECT count(*) FROM records WHERE connection_id = $1 AND resource = 'vehicle' AND deleted_at IS NULL",
            connection_id,
        )
        if known != count:
            raise LoadError(f"{count} vehicles were to be pulled, {known} are known")

    async def set_budgets(self, connection_id: UUID, budgets: Sequence[BudgetLimit]) -> None:
        """Replace a connection's budgets."""
        async with self.services.database.transaction() as transaction:
            # They are told from the provider's own, which each worker that starts would bring back otherwise.
            usual = usual_budgets(self.services.registry, {})["samsara"]
            await self.services.dispatch.replace_budgets(transaction, connection_id, list(budgets), usual)

    def trailer(self, connection_id: UUID, name: str, *, is_sync: bool = False) -> bytes:
        """The request that creates a trailer of this name."""
        query = "?is_sync=true" if is_sync else ""
        body = {"connection_id": str(connection_id), "trailer_name": name}
        return request_bytes("POST", self.api_url + TRAILERS + query, body, self.authorization)

    async def call(self, method: str, path: str, body: object = None, **parameters: str) -> Any:
        """Call the API as the partner; the call must succeed."""
        async with self._http.request(
            method, self.api_url + path, json=body, params=parameters, headers=self.authorization
        ) as answer:
            answer.raise_for_status()
            return await answer.json() if answer.content_type == "application/json" else None

    async def accept(self, path: str, body: Mapping[str, object], method: str = "POST") -> UUID:
        """Let an operation be accepted; returns its id."""
        return UUID((await self.call(method, path, body))["id"])

    async def accept_trailers(self, connections: Iterable[UUID], name: str) -> list[UUID]:
        """One trailer to create for each connection; returns the operations."""
        return [await self.accept(TRAILERS, {"connection_id": str(one), "trailer_name": name}) for one in connections]

    async def add_fault(self, fault: Mapping[str, object]) -> None:
        """Let the simulator misbehave."""
        async with self._http.post(f"{self.simulator_url}/_simulator/faults", json=fault) as answer:
            answer.raise_for_status()

    async def log_since(self, sequence: int) -> list[LogEntry]:
        """The simulator's log above `sequence`."""
        async with self._http.get(f"{self.simulator_url}/_simulator/requests?since={sequence}") as answer:
            return _LOG.decode(await answer.read()).requests

    async def last_sequence(self) -> int:
        """Where the simulator's log ends now."""
        entries = await self.log_since(self._seen)
        if entries:
            self._seen = entries[-1].sequence
        return self._seen


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
