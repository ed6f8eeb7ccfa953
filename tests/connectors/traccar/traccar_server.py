"""The simulated Traccar server as tests use it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from fleetwrite.connectors.sdk.outcome import Outcome
from fleetwrite.connectors.sdk.suite.session import Control, DirectSession
from fleetwrite.connectors.sdk.wire import Login
from fleetwrite.connectors.sdk.write import Call, Write
from fleetwrite.connectors.traccar.connector import CONNECTOR
from fleetwrite.connectors.traccar.simulator import SIMULATOR, Fleet, TraccarSimulator
from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.kit.egress import Egress, HttpAnswer
from fleetwrite.kit.url_policy import UrlPolicy


class Server:
    """The simulated server, and the ways to it."""

    def __init__(self, simulator: TraccarSimulator, url: str, egress: Egress) -> None:
        self.control = Control(egress, url)
        self._simulator = simulator
        self._url = url
        self._egress = egress

    def session(self, fleet: int = 0) -> DirectSession:
        account = self._simulator.demo_accounts()[fleet]
        return DirectSession(self._egress, CONNECTOR, Login(base_url=self._url, credentials=account.credentials))

    async def deliver(self, write: Write, fleet: int = 0) -> Outcome:
        return await self.session(fleet).deliver(write)

    async def call(self, method: str, path: str, body: Any = None, *, fleet: int = 0) -> HttpAnswer:
        return await self.session(fleet).call(Call(method=method, path=path, body=body, scopes=()))

    async def ids(self, resource: ResourceEnum) -> list[str]:
        pages = CONNECTOR.list_records(resource, self.session())
        return [record.source_id async for page in pages for record in page.records]

    def held(self, collection: str, fleet: int = 0) -> list[dict[str, Any]]:
        return self._simulator.records(self._simulator.demo_accounts()[fleet].account_id, collection)

    async def written(self) -> list[tuple[str, str]]:
        """Method and path of all calls that were no reads."""
        calls = [(entry["method"], entry["path"]) for entry in await self.control.requests()]
        return [call for call in calls if call[0] != "GET"]


@asynccontextmanager
async def serve(folder: Path, fleets: Sequence[Fleet] | None = None, **options: Any) -> AsyncIterator[Server]:
    """Start a server for some fleets; the demonstration ones where none are given."""
    simulator = SIMULATOR(folder, fleets, **options)
    url = await simulator.start()
    try:
        policy = UrlPolicy(allow_http=True, allowed_networks=(ip_network("127.0.0.0/8"),))
        async with Egress(policy) as egress:
            yield Server(simulator, url, egress)
    finally:
        await simulator.stop()


def fleet(**holds: Any) -> Fleet:
    return Fleet(id="9", name="Test Haulage", token="traccar_test", **holds)
