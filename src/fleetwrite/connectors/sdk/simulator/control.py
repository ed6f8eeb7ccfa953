"""The control API under ``/_simulator/``: what happened, what is stored, which faults and limits apply.

No provider path begins like this. Its calls are neither logged nor limited nor hit by faults.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

import msgspec
from aiohttp import web

from fleetwrite.connectors.sdk.simulator.faults import Fault, FaultPlan
from fleetwrite.connectors.sdk.simulator.limits import Limit
from fleetwrite.connectors.sdk.simulator.protocol import DemoAccount, DemoApp
from fleetwrite.connectors.sdk.simulator.storage import Record, Storage
from fleetwrite.kit.errors import FleetwriteError

PREFIX = "/_simulator/"

T = TypeVar("T")


class ControlError(FleetwriteError):
    """A control call that makes no sense; ``status`` is 400, or 404 where something named does not exist."""

    def __init__(self, message: str, status: int = 400) -> None:
        """Keep the message and the status for the answer."""
        super().__init__(message)
        self.message = message
        self.status = status


class Controlled(Protocol):
    """The side of a simulator that the control API works on."""

    @property
    def storage(self) -> Storage:
        """Records and the log."""

    @property
    def faults(self) -> FaultPlan:
        """Faults still to be committed."""

    @property
    def collections(self) -> tuple[str, ...]:
        """The path words under which records can be asked for."""

    @property
    def organization_ids(self) -> tuple[str, ...]:
        """All organisations."""

    def demo_accounts(self) -> Sequence[DemoAccount]:
        """Return the accounts that a sandbox connects to."""

    def demo_app(self) -> DemoApp | None:
        """Return the app that a sandbox is."""

    def replace_limits(self, limit: Limit | None) -> None:
        """Set one limit per token in place of all others; None brings the documented ones back."""

    def forget_sessions(self) -> int:
        """End every session; return how many there were."""

    def records(self, organization: str, collection: str) -> list[Record]:
        """Return an organisation's records as the provider's JSON."""


def control_routes(simulator: Controlled) -> list[web.RouteDef]:
    """Return the routes of the control API."""
    api = _ControlApi(simulator)
    return [
        web.get(f"{PREFIX}requests", _guarded(api.requests), allow_head=False),
        web.get(f"{PREFIX}records/{{collection}}", _guarded(api.records), allow_head=False),
        web.get(f"{PREFIX}app", _guarded(api.app), allow_head=False),
        web.get(f"{PREFIX}accounts", _guarded(api.accounts), allow_head=False),
        web.get(f"{PREFIX}faults", _guarded(api.list_faults), allow_head=False),
        web.post(f"{PREFIX}faults", _guarded(api.add_fault)),
        web.delete(f"{PREFIX}faults", _guarded(api.clear_faults)),
        web.delete(f"{PREFIX}sessions", _guarded(api.forget_sessions)),
        web.put(f"{PREFIX}limits", _guarded(api.set_limits)),
        web.delete(f"{PREFIX}limits", _guarded(api.reset_limits)),
    ]


class _ControlApi:
    def __init__(self, simulator: Controlled) -> None:
        self._simulator = simulator

    async def requests(self, request: web.Request) -> web.StreamResponse:
        """Send the log above ``since``, page by page: it can be far larger than what fits in memory twice."""
        text = request.query.get("since", "0")
        if not (text.isascii() and text.isdigit()):
            raise ControlError(f"since must be a sequence number (0 or more), not {text!r}")
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        separator = b'{"requests":['
        for page in self._simulator.storage.log_pages(int(text)):
            await response.write(separator + b",".join(page))
            separator = b","
        await response.write(b"]}" if separator == b"," else separator + b"]}")
        await response.write_eof()
        return response

    async def records(self, request: web.Request) -> web.Response:
        """Send a collection of one organisation (``?organization=``) or of all."""
        collection = request.match_info["collection"]
        if collection not in self._simulator.collections:
            known = ", ".join(self._simulator.collections)
            raise ControlError(f"there is no collection {collection!r}; there are: {known}", 404)
        wanted = request.query.get("organization")
        organizations = self._simulator.organization_ids
        if wanted is not None and wanted not in organizations:
            raise ControlError(f"there is no organization {wanted!r}; there are: {', '.join(organizations)}", 404)
        return _json(
            {
                "records": [
                    record
                    for organization in ([wanted] if wanted is not None else organizations)
                    for record in self._simulator.records(organization, collection)
                ]
            }
        )

    async def accounts(self, request: web.Request) -> web.Response:
        """Send the accounts to play with. Their credentials open nothing but this simulator."""
        del request
        return _json({"accounts": self._simulator.demo_accounts()})

    async def app(self, request: web.Request) -> web.Response:
        """Send the app that fleets can let in, or null."""
        del request
        return _json({"app": self._simulator.demo_app()})

    async def list_faults(self, request: web.Request) -> web.Response:
        """Send the faults left, each with the calls it will still hit."""
        del request
        return self._faults_left()

    async def add_fault(self, request: web.Request) -> web.Response:
        """Ask for a fault."""
        self._simulator.faults.add(_decode(await request.read(), Fault))
        return self._faults_left()

    async def clear_faults(self, request: web.Request) -> web.Response:
        """Forget all faults."""
        del request
        self._simulator.faults.clear()
        return self._faults_left()

    async def forget_sessions(self, request: web.Request) -> web.Response:
        """End all logins: the next call of each is refused until it logs in again."""
        del request
        return _json({"ended": self._simulator.forget_sessions()})

    async def set_limits(self, request: web.Request) -> web.Response:
        """Put one limit per token in the place of every other limit."""
        limit = _decode(await request.read(), Limit)
        self._simulator.replace_limits(limit)
        return _json({"limits": [limit]})

    async def reset_limits(self, request: web.Request) -> web.Response:
        """Bring the provider's documented limits back."""
        del request
        self._simulator.replace_limits(None)
        return _json({"limits": []})

    def _faults_left(self) -> web.Response:
        return _json({"faults": self._simulator.faults.left()})


def _guarded(
    handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def guarded(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except ControlError as error:
            return _json({"error": error.message}, error.status)

    return guarded


def _decode(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.DecodeError as error:
        raise ControlError(f"{kind.__name__.lower()}: {error}") from error


def _json(content: object, status: int = 200) -> web.Response:
    return web.Response(body=msgspec.json.encode(content), status=status, content_type="application/json")
