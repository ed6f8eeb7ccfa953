"""The simulated provider of each installed connector, and what a partner sends to connect a fleet to it."""

import importlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

import msgspec

from fleetwrite.access.scopes import PARTNER_SCOPES, Scope
from fleetwrite.connections.fields import shape_of
from fleetwrite.connectors.sdk.manifest import Manifest
from fleetwrite.connectors.sdk.registry import Registry
from fleetwrite.connectors.sdk.simulator import DemoAccount, Limit
from fleetwrite.connectors.sdk.simulator.server import Simulator
from fleetwrite.connectors.sdk.tsp_ids import tsp_id
from integration.api.world import HttpAnswer, World

REGISTRY: Final = Registry.load()
SLUGS: Final = sorted(connector.manifest.slug for connector in REGISTRY)

CONNECTIONS: Final = "/v2/integrations/connections"


@dataclass(frozen=True)
class Provider:
    """A running simulator, and the connector for it."""

    manifest: Manifest
    simulator: Simulator
    url: str

    def account(self, number: int = 0) -> DemoAccount:
        """One of its accounts, as it may log in now."""
        return self.simulator.demo_accounts()[number]

    def credentials(self, number: int = 0) -> dict[str, str]:
        """The login of an account in the contract's shape."""
        fields = {field.encode_name for field in msgspec.structs.fields(shape_of(self.manifest))}
        address = {"url": self.url} if "url" in fields else {}
        return {**self.account(number).credentials, **address}

    @property
    def secret(self) -> str:
        """The name of a credential of the demo accounts that nobody may see."""
        sensitive = (field.name for field in self.manifest.credentials if field.sensitive)
        return next(name for name in reversed([*sensitive]) if name in self.account().credentials)

    def body(self) -> dict[str, Any]:
        return {"tsp_id": str(tsp_id(self.manifest.slug)), "credentials": self.credentials()}

    def settings(self) -> list[str]:
        """What the contract's body has no place for."""
        address = {} if "url" in self.credentials() else {"base_url": self.url}
        return [f"{name}:{value}" for name, value in {**self.account().settings, **address}.items()]


@asynccontextmanager
async def running(slug: str, folder: Path) -> AsyncIterator[Provider]:
    """Start the simulator of a provider."""
    simulator = importlib.import_module(f"fleetwrite.connectors.{slug}.simulator").SIMULATOR(folder)
    url = await simulator.start()
    simulator.replace_limits(Limit(requests=100_000, per_seconds=1.0))
    try:
        yield Provider(REGISTRY.get(slug).manifest, simulator, url)
    finally:
        await simulator.stop()


async def connecting_token(world: World, *, partner_id: str | None = None) -> str:
    """A token of the partner (or of another one) that may make and delete connections."""
    client = await world.services.clients.create(
        UUID(partner_id or world.partner_id),
        scopes=[*PARTNER_SCOPES, Scope.CONNECTION_CREATE, Scope.CONNECTION_DELETE],
    )
    issued = await world.services.tokens.issue(
        client_id=client.client_id, client_secret=client.client_secret, grant_type="client_credentials", scope=None
    )
    return issued.access_token


async def connect(
    world: World, token: str, provider: Provider, body: Mapping[str, Any] | None = None, *, fleet_ref: str = "fleet-1"
) -> HttpAnswer:
    """`POST /v2/integrations/connections`."""
    query = urlencode({"fleet_ref": fleet_ref, "settings": provider.settings()}, doseq=True)
    return await world.send_json("POST", f"{CONNECTIONS}?{query}", body or provider.body(), token=token)
