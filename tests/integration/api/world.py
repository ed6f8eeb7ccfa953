"""A small world behind a real HTTP server: two partners, their fleets' connections, and records in each."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
import uvicorn
from multidict import CIMultiDictProxy
from starlette.types import ASGIApp

from fleetwrite.access.scopes import Scope
from fleetwrite.api.app import create_app
from fleetwrite.bootstrap import Services, open_services
from fleetwrite.connectors.sdk.connector import SourceRecord
from fleetwrite.contract.enums import ConnectionStatusEnum, ResourceEnum
from fleetwrite.orgs.models import Partner
from fleetwrite.settings import Settings
from fleetwrite.vault.keyfile import KeyFile
from integration.records.keeping import keep

# What a request may leave behind.
COUNTS = """
    SELECT
        (SELECT count(*) FROM operations) AS operations,
        (SELECT count(*) FROM attempts) AS attempts,
        (SELECT count(*) FROM jobs) AS jobs,
        (SELECT count(*) FROM events) AS events,
        (SELECT count(*) FROM reference_ledger) AS reference_ledger,
        (SELECT count(*) FROM operation_secrets) AS operation_secrets,
        (SELECT count(*) FROM records) AS records,
        (SELECT count(*) FROM subscriptions) AS subscriptions
"""

NOWHERE = "http://127.0.0.1:9"  # nobody listens there, and no worker runs: nothing is delivered


@dataclass(frozen=True)
class HttpAnswer:
    """An answer as it came."""

    status: int
    headers: CIMultiDictProxy[str]
    content: bytes

    @property
    def text(self) -> str:
        return self.content.decode()

    def json(self) -> Any:
        return json.loads(self.content)


@dataclass(frozen=True)
class Connected:
    """A connection, and our ids of what is there, by kind."""

    id: str
    fleet_ref: str
    records: Mapping[str, str]


@dataclass(frozen=True, repr=False)  # it would fill screens of every failure
class World:
    """Everything a test of the API needs.

    Attributes:
        partner_id: of the partner that `token` belongs to.
        token: allows everything a partner may.
        reading_token: of the same partner, for reading records only.
        foreign_token: of the other partner.
        first, second: connections of the partner, to two fleets.
        foreign: connection of the other partner.
        deleted_id: a connection of the partner that is no more.
        seeded_rows: how many rows there are before a test does anything.
    """

    services: Services
    url: str
    http: aiohttp.ClientSession
    partner_id: str
    client_id: str
    client_secret: str
    token: str
    reading_token: str
    foreign_token: str
    first: Connected
    second: Connected
    foreign: Connected
    deleted_id: str
    seeded_rows: Mapping[str, int]

    async def send(
        self,
        method: str,
        path: str,
        *,
        content: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> HttpAnswer:
        """Send a request as it is; nothing is added to it."""
        async with self.http.request(
            method,
            self.url + path,
            data=content,
            headers=headers,
            skip_auto_headers=("Content-Type", "User-Agent"),
            allow_redirects=False,
        ) as answer:
            return HttpAnswer(answer.status, answer.headers, await answer.read())

    async def send_json(
        self, method: str, path: str, body: Any, *, token: str | None = None, **headers: str
    ) -> HttpAnswer:
        """Send `body` with a token; names of further headers are written with underscores."""
        return await self.send(
            method,
            path,
            content=json.dumps(body).encode(),
            headers={
                "Content-Type": "application/json",
                "Authorization": f"Bearer {token or self.token}",
                **{name.replace("_", "-"): value for name, value in headers.items()},
            },
        )

    async def get(self, path: str, *, token: str | None = None) -> HttpAnswer:
        return await self.send("GET", path, headers={"Authorization": f"Bearer {token or self.token}"})

    async def row_counts(self) -> dict[str, int]:
        return await row_counts(self.services)


async def row_counts(services: Services) -> dict[str, int]:
    """How many rows there are of what a request may leave behind."""
    row = await services.database.pool.fetchrow(COUNTS)
    assert row is not None
    return dict(row)


@asynccontextmanager
async def served(app: ASGIApp, bound: socket.socket | None = None) -> AsyncIterator[str]:
    """Serve `app` on a free port, or where `bound` is; yields its URL. The socket listens before the server does:
    nobody has to wait.
    """
    # The protocol is named because asyncio turns TCP_NODELAY on only where it knows it to be TCP.
    with bound or socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listening:
        if bound is None:
            listening.bind(("127.0.0.1", 0))
        listening.listen()
        config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", ws="none")
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            await serving


@asynccontextmanager
async def opened_world(database_url: str, folder: Path) -> AsyncIterator[World]:
    """Build services on `database_url`, seed them, and serve the API."""
    key_file = folder / "vault.key"
    KeyFile.create(key_file)
    settings = Settings(
        database_url=database_url,
        vault_key_file=str(key_file),
        public_url="https://fleetwrite.test",
        outbound_allow_http=True,
        outbound_allowed_networks=("127.0.0.0/8",),
        sync_deadline_s=5.0,
    )
    async with (
        open_services(settings, name="tests") as services,
        served(create_app(services)) as url,
        aiohttp.ClientSession(auto_decompress=False) as http,
    ):
        yield await _seeded(services, url, http)


async def _seeded(services: Services, url: str, http: aiohttp.ClientSession) -> World:
    partner = await services.orgs.ensure_partner("Acme", "acme")
    other = await services.orgs.ensure_partner("Umbrella", "umbrella")
    client = await services.clients.create(partner.id)
    reader = await services.clients.create(partner.id, scopes=[Scope.TELEMATICS_READ])
    stranger = await services.clients.create(other.id)
    deleted = await _connect(services, partner, "fleet-3")
    async with services.database.transaction() as connection:
        await services.connections.set_status(connection, UUID(deleted.id), ConnectionStatusEnum.DELETED)
    first = await _connect(services, partner, "fleet-1")
    second = await _connect(services, partner, "fleet-2")
    foreign = await _connect(services, other, "fleet-1")
    return World(
        services=services,
        url=url,
        http=http,
        partner_id=str(partner.id),
        client_id=client.client_id,
        client_secret=client.client_secret,
        token=await _token(services, client.client_id, client.client_secret),
        reading_token=await _token(services, reader.client_id, reader.client_secret),
        foreign_token=await _token(services, stranger.client_id, stranger.client_secret),
        first=first,
        second=second,
        foreign=foreign,
        deleted_id=deleted.id,
        seeded_rows=await row_counts(services),
    )


async def _token(services: Services, client_id: str, client_secret: str) -> str:
    issued = await services.tokens.issue(
        client_id=client_id, client_secret=client_secret, grant_type="client_credentials", scope=None
    )
    return issued.access_token


async def _connect(services: Services, partner: Partner, fleet_ref: str) -> Connected:
    agreement = await services.orgs.ensure_shared_fleet(partner.id, fleet_ref, f"Fleet {fleet_ref}")
    made = await services.connections.create(
        fleet_id=agreement.fleet_id,
        tsp_slug="samsara",
        credentials={"token": "samsara_api_test"},
        settings={"base_url": NOWHERE, "dvir_author_id": "41", "office_role_id": "7"},
    )
    known: dict[str, tuple[ResourceEnum, str, dict[str, Any]]] = {
        "driver": (ResourceEnum.USER, "101", {"is_driver": True, "username": "d1", "first_name": "Dora"}),
        "office_user": (ResourceEnum.USER, "201", {"is_driver": False, "user_email": "o@acme.test"}),
        "vehicle": (ResourceEnum.VEHICLE, "301", {"vehicle_name": "Truck 1", "model_year": 2019}),
        "trailer": (ResourceEnum.TRAILER, "401", {"trailer_name": "Trailer 1"}),
        "message": (ResourceEnum.MESSAGE, "501", {"message_text": "hello"}),
    }
    listed = [
        SourceRecord(resource=resource, source_id=source_id, attributes=attributes, source_data={"id": source_id})
        for resource, source_id, attributes in known.values()
    ]
    async with services.database.transaction() as connection:
        ids = await keep(connection, made.id, listed)
    return Connected(
        id=str(made.id),
        fleet_ref=fleet_ref,
        records={kind: str(ids[resource, source_id]) for kind, (resource, source_id, _) in known.items()},
    )
