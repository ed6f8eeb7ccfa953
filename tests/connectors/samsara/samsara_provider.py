"""The simulator with one fleet, as a session of the connector."""

from dataclasses import dataclass
from typing import Any

import msgspec

from fleetwrite.connectors.samsara.connector import CONNECTOR
from fleetwrite.connectors.samsara.simulator.organizations import ALL_SCOPES, Organization, Token
from fleetwrite.connectors.samsara.simulator.server import SamsaraSimulator
from fleetwrite.connectors.sdk.outcome import Outcome
from fleetwrite.connectors.sdk.wire import Login
from fleetwrite.connectors.sdk.write import Call, Write
from fleetwrite.kit.egress import Egress, HttpAnswer

TOKEN = "samsara_api_test"
NARROW_TOKEN = "samsara_api_narrow"
BLIND_TOKEN = "samsara_api_blind"
# More than a page of each.
VEHICLES = 520
DRIVERS = 515

FLEET = Organization(
    id="7001",
    name="Test Haulage",
    tokens=(
        Token(TOKEN),
        Token(NARROW_TOKEN, ALL_SCOPES - {"Read Org Information", "Write Trailers"}),
        Token(BLIND_TOKEN, frozenset(scope for scope in ALL_SCOPES if scope.startswith("Write"))),
    ),
    drivers=tuple(
        {"name": f"Ana Maria {number}", "username": f"driver.{number}", "password": "x", "timezone": "America/Chicago"}
        for number in range(DRIVERS)
    ),
    users=({"name": "Ines Vogel", "email": "ines@fleet.example", "authType": "default", "role": "Full Admin"},),
    vehicles=tuple(
        {"name": f"Unit {number}", "vin": f"1XKYDP9X5MJ{number:06}", "make": "Kenworth", "model": "T680", "year": 2021}
        for number in range(VEHICLES)
    ),
    trailers=({"name": "TR-1", "licensePlate": "4GZ901", "externalIds": {"partnerTrailerId": "trl_1"}},),
)


@dataclass
class Provider:
    """The simulator as a session of the connector, and by its control API."""

    egress: Egress
    url: str
    simulator: SamsaraSimulator
    token: str = TOKEN

    async def call(self, call: Call) -> HttpAnswer:
        request = CONNECTOR.render(call, Login(base_url=self.url, credentials={"token": self.token}))
        return await self.egress.request(
            request.method,
            request.url,
            headers=request.headers,
            params=request.query,
            body=request.body,
            timeout_s=10,
        )

    async def control(self, method: str, path: str, body: Any = None) -> Any:
        content = None if body is None else msgspec.json.encode(body)
        answer = await self.egress.request(method, f"{self.url}/_simulator/{path}", body=content, timeout_s=10)
        assert answer.status == 200, answer.body
        return msgspec.json.decode(answer.body)

    async def deliver(self, write: Write) -> Outcome:
        translation = CONNECTOR.translate(write)
        call = translation.with_secrets({"password": "correct horse"})
        return CONNECTOR.read_outcome(write, call, await self.call(call))

    async def last_request(self) -> dict[str, Any]:
        requests: list[dict[str, Any]] = (await self.control("GET", "requests"))["requests"]
        return requests[-1]
