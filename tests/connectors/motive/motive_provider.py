"""The simulator with the demonstration fleets, and the ways to it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import msgspec

from fleetwrite.connectors.motive.connector import CONNECTOR
from fleetwrite.connectors.motive.simulator import ALL_SCOPES, MotiveSimulator, demo_companies
from fleetwrite.connectors.sdk.connector import SourceRecord
from fleetwrite.connectors.sdk.outcome import Outcome
from fleetwrite.connectors.sdk.suite.session import Control, DirectSession, KeptLogin
from fleetwrite.connectors.sdk.wire import Login
from fleetwrite.connectors.sdk.write import Call, Write
from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.kit.egress import Egress, HttpAnswer
from fleetwrite.kit.url_policy import UrlPolicy


class Provider:
    """The first demonstration fleet, and the ways to it."""

    def __init__(self, simulator: MotiveSimulator, url: str, egress: Egress) -> None:
        self.control = Control(egress, url)
        self._simulator = simulator
        self._url = url
        self._egress = egress
        self.kept = self.consent()

    def consent(self, **credentials: str) -> KeptLogin:
        """A login as it is right after the fleet consented, with `credentials` in place of some."""
        account = self._simulator.demo_accounts()[0]
        return KeptLogin(Login(base_url=self._url, credentials={**account.credentials, **credentials}))

    def session(self, kept: KeptLogin | None = None) -> DirectSession:
        return DirectSession(self._egress, CONNECTOR, kept or self.kept)

    async def deliver(self, write: Write) -> Outcome:
        return await self.session().deliver(write)

    async def call(
        self, method: str, path: str, body: dict[str, Any] | None = None, query: dict[str, str] | None = None
    ) -> HttpAnswer:
        call = Call(method=method, path=path, query=tuple((query or {}).items()), body=body, scopes=("company",))
        return await self.session().call(call)

    async def listed(self, resource: ResourceEnum) -> list[SourceRecord]:
        pages = CONNECTOR.list_records(resource, self.session())
        return [record async for page in pages for record in page.records]

    def held(self, collection: str) -> list[dict[str, Any]]:
        return self._simulator.records(self._simulator.demo_accounts()[0].account_id, collection)

    async def grants(self) -> list[str]:
        """What tokens were asked for with, so far."""
        calls = [entry for entry in await self.control.requests() if entry["path"] == "/oauth/token"]
        return [entry["body"]["grant_type"] for entry in calls]


@asynccontextmanager
async def open_provider(folder: Path, scopes: frozenset[str] = ALL_SCOPES) -> AsyncIterator[Provider]:
    """The demonstration fleets, whose consent is to `scopes`; for limits no time passes there."""
    companies = [msgspec.structs.replace(company, scopes=scopes) for company in demo_companies()]
    simulator = MotiveSimulator(folder, companies, clock=lambda: 0)
    url = await simulator.start()
    try:
        policy = UrlPolicy(allow_http=True, allowed_networks=(ip_network("127.0.0.0/8"),))
        async with Egress(policy) as egress:
            yield Provider(simulator, url, egress)
    finally:
        await simulator.stop()
