"""A session of one connector, without the rest of the product: one login, no budgets, every call noted."""

from collections.abc import Mapping
from typing import Any

import msgspec

from fleetwrite.connectors.sdk.connector import Connector, SessionConnector
from fleetwrite.connectors.sdk.outcome import Outcome
from fleetwrite.connectors.sdk.session import LoggedIn
from fleetwrite.connectors.sdk.wire import Login
from fleetwrite.connectors.sdk.write import Call, Write
from fleetwrite.kit.egress import Egress, HttpAnswer

TIMEOUT_S = 10.0
"""Far above what a simulator on the same machine takes, and short enough that a test which hangs is noticed."""

SECRETS = "Tq7-not-for-any-log-"
"""How every made-up secret of the suite begins, so that a text can be searched for it."""


class KeptLogin:
    """A login that several sessions share, as those of the product do: who logs in does so for all."""

    def __init__(self, login: Login) -> None:
        self.login = login


class DirectSession(LoggedIn):
    """Calls a provider as one account; implements `connectors.sdk.connector.WriteSession`."""

    def __init__(
        self,
        egress: Egress,
        connector: Connector,
        login: Login | KeptLogin,
        made: str | None = None,
        *,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        super().__init__(connector)
        self._kept = login if isinstance(login, KeptLogin) else KeptLogin(login)
        self.calls: list[Call] = []
        self.answers: list[HttpAnswer] = []
        self.made_id = made
        self._egress = egress
        self._timeout_s = timeout_s

    @property
    def login(self) -> Login:
        """See `LoggedIn.login`."""
        return self._kept.login

    def made(self, source_id: str) -> None:
        """See `WriteSession.made`."""
        self.made_id = source_id

    async def deliver(self, write: Write) -> Outcome:
        """Translate `write` and carry it out."""
        translation = self._connector.translate(write)
        secrets = {name: f"{SECRETS}{name}" for name in translation.wanted_secrets}
        return await self._connector.carry_out(write, translation.with_secrets(secrets), self)

    async def renew(self, connector: SessionConnector) -> None:
        """See `LoggedIn.renew`."""
        made = await self.log_in(connector, self.login.credentials)
        credentials = made.credentials or self.login.credentials
        self._kept.login = msgspec.structs.replace(self.login, credentials=credentials, session=made.values)

    async def send(self, call: Call, login: Login) -> HttpAnswer:
        """See `LoggedIn.send`."""
        self.calls.append(call)
        request = self._connector.render(call, login)
        answer = await self._egress.request(
            request.method,
            request.url,
            headers=request.headers,
            params=request.query,
            body=request.body,
            timeout_s=self._timeout_s,
            max_answer_bytes=call.max_answer_bytes,
        )
        self.answers.append(answer)
        return answer


class Control:
    """A simulator's control API."""

    def __init__(self, egress: Egress, url: str) -> None:
        self.url = url
        self._egress = egress

    async def requests(self, since: int = 0) -> list[dict[str, Any]]:
        """The log above `since`, oldest first."""
        requests: list[dict[str, Any]] = (await self._call("GET", f"requests?since={since}"))["requests"]
        return requests

    async def last_sequence(self) -> int:
        """How far the log has come."""
        requests = await self.requests()
        return requests[-1]["sequence"] if requests else 0

    async def add_fault(self, fault: Mapping[str, Any]) -> None:
        """Let a fault happen."""
        await self._call("POST", "faults", fault)

    async def faults(self) -> list[dict[str, Any]]:
        """The faults that have not happened yet."""
        faults: list[dict[str, Any]] = (await self._call("GET", "faults"))["faults"]
        return faults

    async def clear_faults(self) -> None:
        """Let no more faults happen."""
        await self._call("DELETE", "faults")

    async def end_sessions(self) -> int:
        """Let the provider forget every login; returns how many there were."""
        ended: int = (await self._call("DELETE", "sessions"))["ended"]
        return ended

    async def _call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        answer = await self._egress.request(
            method,
            f"{self.url}/_simulator/{path}",
            body=None if body is None else msgspec.json.encode(body),
            timeout_s=TIMEOUT_S,
        )
        if answer.status != 200:
            raise AssertionError(f"The simulator refuses {method} {path}: {answer.body.decode()}")
        document: dict[str, Any] = msgspec.json.decode(answer.body)
        return document
