"""What a sandbox starts with: a partner with a client, and a connected fleet for each simulated account."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from uuid import UUID

import msgspec
import structlog

from fleetwrite.access.errors import ClientExistsError
from fleetwrite.access.scopes import PARTNER_SCOPES, Scope
from fleetwrite.bootstrap import Services
from fleetwrite.connections.models import Connection, Entered
from fleetwrite.connectors.sdk.simulator import DemoAccount
from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.operations.session import Patience, ProviderSession
from fleetwrite.records.store import upsert_many
from fleetwrite.sandbox.simulators import RunningSimulator, demo_accounts

log = structlog.get_logger(__name__)

PARTNER_SLUG: Final = "sandbox-partner"
CLIENT_ID: Final = "sandbox-client"
SCOPES: Final = (*PARTNER_SCOPES, Scope.CONNECTION_CREATE, Scope.CONNECTION_DELETE)
"""The sandbox's partner connects its fleets itself."""

PULLED: Final = (ResourceEnum.USER, ResourceEnum.VEHICLE, ResourceEnum.TRAILER)

_PULL_LASTS_S: Final = 60.0
_CALL_TIMEOUT_S: Final = 10.0


class SandboxConnection(msgspec.Struct, frozen=True):
    """A connection to play with."""

    connection_id: UUID
    source_name: str
    fleet_ref: str


class SandboxSimulator(msgspec.Struct, frozen=True):
    """Where a simulator answers."""

    url: str


class SandboxDescription(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a client of the sandbox needs: the content of sandbox.json."""

    api_url: str
    token_url: str
    client_id: str
    client_secret: str
    connections: list[SandboxConnection]
    simulators: dict[str, SandboxSimulator]


class Remembered(msgspec.Struct):
    """What a sandbox needs to be the same after a restart; the rest is in the database.

    Attributes:
        client_secret: the database has only its hash.
        api_port: where the API listened at the last start.
        simulators: slug -> address at the last start.
    """

    client_secret: str | None = None
    api_port: int = 0
    simulators: dict[str, str] = {}

    @classmethod
    def read(cls, path: Path) -> "Remembered":
        return msgspec.json.decode(path.read_bytes(), type=cls) if path.exists() else cls()

    def write(self, path: Path) -> None:
        write_privately(path, msgspec.json.encode(self))


def write_privately(path: Path, content: bytes) -> None:
    """Put a file in place whole or not at all, readable by its owner only."""
    draft = path.with_name(f".{path.name}.new")
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600)
    draft.write_bytes(content)
    draft.replace(path)


async def seed(
    services: Services, simulators: Sequence[RunningSimulator], remembered: Remembered
) -> list[SandboxConnection]:
    """Make what is not there yet, and read the simulators' records through their connectors.

    The client's secret and the simulators' addresses are noted in `remembered`.
    """
    partner = await services.orgs.ensure_partner("Sandbox Partner", PARTNER_SLUG)
    try:
        remembered.client_secret = (
            await services.clients.create(partner.id, client_id=CLIENT_ID, scopes=SCOPES)
        ).client_secret
    except ClientExistsError:
        if remembered.client_secret is None:
            remembered.client_secret = (await services.clients.renew_secret(CLIENT_ID)).client_secret
    connections: list[SandboxConnection] = []
    made: list[Connection] = []
    for simulator in simulators:
        remembered.simulators[simulator.tsp] = simulator.url
        accounts = await demo_accounts(simulator, services.egress)
        for number, account in enumerate(accounts, 1):
            # A fleet for each number: fleet-1 has an account at every provider.
            fleet_ref = f"fleet-{number}"
            agreement = await services.orgs.ensure_shared_fleet(partner.id, fleet_ref, account.fleet_name)
            connection = await _connect(services, agreement.fleet_id, simulator, account)
            made.append(connection)
            connections.append(SandboxConnection(connection.id, connection.source_name, fleet_ref))
    # At the same time: what takes long is that each keeps to its provider's limits.
    await asyncio.gather(*(pull_records(services, connection) for connection in made))
    return connections


async def _connect(services: Services, fleet_id: UUID, simulator: RunningSimulator, account: DemoAccount) -> Connection:
    """The fleet's connection to this simulator, pointed to where that answers now."""
    settings = {**account.settings, "base_url": simulator.url}
    for connection in await services.connections.of_fleet(fleet_id):
        if connection.tsp_slug == simulator.tsp:
            await services.connections.replace_settings(connection.id, settings)
            return connection
    return await services.connecting.connect(
        fleet_id=fleet_id,
        tsp_slug=simulator.tsp,
        entered=Entered(account.credentials, settings),
        description=f"{account.fleet_name} (simulated)",
    )


async def pull_records(services: Services, connection: Connection) -> None:
    """Read drivers, office users, vehicles and trailers from the provider, and keep them as records."""
    connector = services.registry.get(connection.tsp_slug)
    async with services.database.acquire() as reading:
        accounts = await services.connections.open_accounts(reading, [connection.id])
    patience = Patience(
        deadline_at=asyncio.get_running_loop().time() + _PULL_LASTS_S,
        slot_wait_s=_PULL_LASTS_S,
        write_timeout_s=_CALL_TIMEOUT_S,
        read_timeout_s=_CALL_TIMEOUT_S,
    )
    session = ProviderSession(
        services.egress, services.dispatch, services.logins, accounts[connection.id], connector, patience
    )
    count = 0
    listed = {listing.resource for listing in connector.manifest.listings}
    for resource in (one for one in PULLED if one in listed):
        async for page in connector.list_records(resource, session):
            async with services.database.transaction() as writing:
                await upsert_many(writing, connection.id, page.records)
            count += len(page.records)
    log.info("sandbox.records_pulled", connection_id=str(connection.id), records=count)
