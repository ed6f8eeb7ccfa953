"""The demo's two HTTP clients: a partner of the public API, and an onlooker who asks the simulator what it holds.

Both are plain HTTP and JSON, without our own models: what they see is what any client sees.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import aiohttp
import msgspec

from fleetwrite.kit.errors import FleetwriteError
from fleetwrite.sandbox.seed import SandboxDescription

TSP: Final = "samsara"

Json = dict[str, Any]

_TIMEOUT: Final = aiohttp.ClientTimeout(total=45)
"""A sync write may take 30 s by default; whatever takes longer than this hangs."""

RAISED_LIMIT: Final = {"requests": 1000, "per_seconds": 1}
"""Far above what the demo sends: it shows the way of a write, not the pacing."""


class ConversationError(FleetwriteError):
    """A server of the sandbox did not answer as documented."""


class Answer(msgspec.Struct, frozen=True):
    """What came back: `content` is the decoded JSON, None where there was no body."""

    status: int
    headers: Mapping[str, str]
    content: Any


class JsonClient:
    """Speaks JSON with one server."""

    def __init__(self, http: aiohttp.ClientSession, base_url: str, headers: Mapping[str, str]) -> None:
        self._http = http
        self._base_url = base_url
        self._headers = headers

    async def send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Make a call, whatever the answer is.

        Raises:
            ConversationError: there is no answer, or it is no JSON.
        """
        try:
            async with self._http.request(
                method, self._base_url + path, params=query, json=body, headers={**self._headers, **(headers or {})}
            ) as response:
                text = await response.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            reason = str(error) or type(error).__name__
            raise ConversationError(f"{method} {path} got no answer: {reason}") from error
        try:
            content = msgspec.json.decode(text) if text else None
        except msgspec.DecodeError as error:
            raise ConversationError(f"{method} {path} was answered with no JSON: {error}") from error
        return Answer(response.status, response.headers, content)

    async def ask(self, method: str, path: str, *, query: Mapping[str, str] | None = None, body: object = None) -> Any:
        """Make a call that must succeed; returns the answer's content.

        Raises:
            ConversationError: there is no answer, or it is not 2xx.
        """
        answer = await self.send(method, path, query=query, body=body)
        if not 200 <= answer.status < 300:
            said = msgspec.json.encode(answer.content).decode()
            raise ConversationError(f"{method} {path} was answered with {answer.status}: {said}")
        return answer.content


class Partner:
    """A partner that writes to one connection."""

    def __init__(self, client: JsonClient, connection_id: str) -> None:
        self._client = client
        self.connection_id = connection_id

    async def records(self, resource: str, **filters: str) -> list[Json]:
        """Vehicles, trailers or users of the connection, those first that were there first."""
        query = {"connection_id": self.connection_id, **filters}
        page = await self._client.ask("GET", f"/v2/telematics/{resource}", query=query)
        return sorted(page["items"], key=lambda record: int(record["source_id"]))

    async def subscribe(self, url: str) -> dict[str, str]:
        """Subscribe to all events of operations; returns subscription id -> secret."""
        body = {"url": url, "event_name": "resource_operation.*"}
        webhooks = await self._client.ask("POST", "/v2/notifications/webhooks", body=body)
        return {webhook["id"]: webhook["secret"] for webhook in webhooks}

    async def unsubscribe(self, webhook_id: str) -> None:
        """End a subscription."""
        await self._client.ask("DELETE", f"/v2/notifications/webhooks/{webhook_id}")

    async def write(self, method: str, path: str, body: Json, *, is_sync: bool) -> Answer:
        """Ask for a write, whatever the answer is."""
        query = {"is_sync": "true" if is_sync else "false"}
        return await self._client.send(method, path, query=query, body={"connection_id": self.connection_id, **body})

    async def record(self, path: str) -> Json | None:
        """A record by our id; None where there is none."""
        answer = await self._client.send("GET", path)
        return answer.content if answer.status == 200 else None

    async def secrets(self, operation_id: str) -> Answer:
        """Collect what was made up for an operation, which works once."""
        return await self._client.send("POST", f"/v2/fleetwrite/operations/{operation_id}/secrets")

    async def operation(self, operation_id: str) -> Json:
        """An operation by polling."""
        path = f"/v2/integrations/connections/{self.connection_id}/resource-operations/{operation_id}"
        operation: Json = await self._client.ask("GET", path)
        return operation

    async def budgets(self) -> list[Json]:
        """How fast the connection is written to."""
        limits: list[Json] = (await self._client.ask("GET", self._budgets_path))["budgets"]
        return limits

    async def replace_budgets(self, budgets: Sequence[Json]) -> None:
        """Set how fast the connection is written to."""
        await self._client.ask("PUT", self._budgets_path, body={"budgets": budgets})

    @property
    def _budgets_path(self) -> str:
        return f"/v2/fleetwrite/connections/{self.connection_id}/budgets"


class Onlooker:
    """Asks a simulator by its control API, which Fleetwrite itself never does."""

    def __init__(self, client: JsonClient) -> None:
        self._client = client

    async def calls(self, since: int) -> list[Json]:
        """The calls that the simulator logged above this sequence number."""
        calls: list[Json] = (await self._client.ask("GET", "/_simulator/requests", query={"since": str(since)}))[
            "requests"
        ]
        return calls

    async def records(self, collection: str) -> list[Json]:
        """What the simulator holds, as the provider's JSON."""
        records: list[Json] = (await self._client.ask("GET", f"/_simulator/records/{collection}"))["records"]
        return records

    async def raise_limits(self) -> None:
        """Let one generous limit stand in place of the provider's documented ones."""
        await self._client.ask("PUT", "/_simulator/limits", body={**RAISED_LIMIT, "kind": "sliding"})

    async def reset_limits(self) -> None:
        """Bring the documented limits back."""
        await self._client.ask("DELETE", "/_simulator/limits")


@asynccontextmanager
async def open_clients(description: SandboxDescription) -> AsyncIterator[tuple[Partner, Onlooker]]:
    """Sign in as the sandbox's partner, on its first connection.

    Raises:
        ConversationError: the token endpoint refuses.
    """
    async with aiohttp.ClientSession(timeout=_TIMEOUT) as http:
        token = await _token(http, description)
        api = JsonClient(http, description.api_url, {"Authorization": f"Bearer {token}"})
        simulator = JsonClient(http, description.simulators[TSP].url, {})
        connection = next(one for one in description.connections if one.source_name == TSP)
        yield Partner(api, str(connection.connection_id)), Onlooker(simulator)


@asynccontextmanager
async def open_tour_clients(
    description: SandboxDescription,
) -> AsyncIterator[dict[str, tuple[JsonClient, Partner, Onlooker]]]:
    """Sign in as the sandbox's partner, on its first connection at each provider.

    Raises:
        ConversationError: the token endpoint refuses.
    """
    async with aiohttp.ClientSession(timeout=_TIMEOUT) as http:
        token = await _token(http, description)
        api = JsonClient(http, description.api_url, {"Authorization": f"Bearer {token}"})
        clients: dict[str, tuple[JsonClient, Partner, Onlooker]] = {}
        for connection in description.connections:
            tsp = connection.source_name
            if tsp not in clients:
                simulator = JsonClient(http, description.simulators[tsp].url, {})
                clients[tsp] = (api, Partner(api, str(connection.connection_id)), Onlooker(simulator))
        yield clients


async def _token(http: aiohttp.ClientSession, description: SandboxDescription) -> str:
    form = {
        "grant_type": "client_credentials",
        "client_id": description.client_id,
        "client_secret": description.client_secret,
        "scope": "organization",
    }
    try:
        async with http.post(description.token_url, data=form) as response:
            content = await response.json()
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        raise ConversationError(f"The token endpoint did not answer as documented: {error}") from error
    if response.status != 200:
        raise ConversationError(f"The token endpoint answered {response.status}: {content.get('error')}")
    return str(content["access_token"])
