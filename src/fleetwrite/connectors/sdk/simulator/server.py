"""The base of all simulators: an HTTP server that knows no provider.

What happens to a call, in this order: it arrives (its time is taken), its token is looked up (401), its
limits are asked (429), a fault may take hold of it, its path and scope are checked (404, 405, 403), the
handler does the work. Then the call is logged, in the same commit as what the handler wrote, and only then
answered.

The log is the judge of tests and benchmarks, hence its exact meaning: ``sequence`` is the order in which
calls were decided (so that nobody who polls by it can miss a slow one), ``at`` the moment a call arrived (its
headers were read), ``path`` the percent-decoded path, ``query`` an object (a list where a parameter is
repeated), ``body`` the JSON, else the text, null where empty; ``status`` what the provider decided, which is
0 for a call that was never handled (``drop_before``, or a client that was gone before its body was complete)
and the status that the client never saw for ``commit_then_drop``. Secrets are shown as ``***``, and headers
are not logged at all.
"""

import asyncio
import signal
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import msgspec
from aiohttp import web

from fleetwrite.connectors.sdk.simulator.control import PREFIX, control_routes
from fleetwrite.connectors.sdk.simulator.faults import Fault, FaultPlan
from fleetwrite.connectors.sdk.simulator.limits import NANOSECONDS, KeyedLimit, Limit, Limiter
from fleetwrite.connectors.sdk.simulator.protocol import Answer, Call, Caller, DemoAccount, Endpoint, RefusalError
from fleetwrite.connectors.sdk.simulator.storage import Record, Storage

# Larger than any body a provider of ours takes in one call.
MAX_BODY_BYTES = 1024 * 1024

# What a stop allows the calls in flight; a fault may hold one far longer than anyone wants to wait.
STOP_TIMEOUT_S = 1.0

MASK = "***"

# The status in the log of a call that the provider never handled.
NEVER_HANDLED = 0


@dataclass(frozen=True, slots=True)
class _Arrival:
    """What is known and decided about a call before its body is read."""

    at: float
    endpoint: Endpoint | None
    caller: Caller | None = None
    fault: Fault | None = None
    refusal: RefusalError | None = None


class Simulator(ABC):
    """A stand-in for one provider's API. A subclass says how it looks; this class serves, limits, breaks and
    remembers.
    """

    name: ClassVar[str]
    """The provider's slug; also names the data file."""

    secret_fields: ClassVar[frozenset[str]] = frozenset()
    """Names of body fields and query parameters whose values must not be in the log."""

    collections: tuple[str, ...]
    """The provider's own path words under which the control API shows records."""

    def __init__(self, data_dir: Path, *, clock: Callable[[], int] = time.monotonic_ns) -> None:
        """Keep the data under ``data_dir``; ``clock`` counts nanoseconds and decides about limits."""
        self.faults = FaultPlan()
        self._path = data_dir / f"{self.name}.sqlite3"
        self._clock = clock
        self._limiter = Limiter(clock())
        self._limit: Limit | None = None
        self._storage: Storage | None = None
        self._runner: web.AppRunner | None = None
        self._endpoints: dict[tuple[str, str], Endpoint] = {}

    @property
    def storage(self) -> Storage:
        """The data of a simulator that was started."""
        if self._storage is None:
            raise RuntimeError(f"the {self.name} simulator has no data before start()")
        return self._storage

    @property
    @abstractmethod
    def organization_ids(self) -> tuple[str, ...]:
        """All organisations, each with records of its own."""

    @abstractmethod
    def prepare(self) -> None:
        """Read or create what the simulator needs in its storage. Called by ``start``, which commits it."""

    @abstractmethod
    def endpoints(self) -> Sequence[Endpoint]:
        """Return everything the provider offers and this simulator knows."""

    @abstractmethod
    def authenticate(self, headers: Mapping[str, str]) -> Caller:
        """Return whose call it is.

        Raises:
            RefusalError: nobody's.
        """

    @abstractmethod
    def limits(self, caller: Caller, endpoint: Endpoint | None) -> Sequence[KeyedLimit]:
        """Return the limits that a call counts against, as documented; no endpoint: an unknown path."""

    @abstractmethod
    def render(self, refusal: RefusalError, path: str) -> Answer:
        """Return the provider's error answer."""

    @abstractmethod
    def records(self, organization: str, collection: str) -> list[Record]:
        """Return an organisation's records as the provider's JSON, with all that was stored."""

    def demo_accounts(self) -> Sequence[DemoAccount]:
        """Return the accounts that a sandbox connects to; none where the simulator was given its own."""
        return ()

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> str:
        """Open the data, listen, and return the base URL. Port 0 takes a free one.

        Raises:
            SimulatorInUseError: another process simulates on the same data.
            OSError: the port is taken.
        """
        self._storage = Storage(self._path)
        try:
            return await self._listen(host, port)
        except BaseException:
            await self.stop()
            raise

    async def _listen(self, host: str, port: int) -> str:
        self._limit = msgspec.convert(self.storage.setting("limit"), Limit | None)
        self._limiter = Limiter(self._clock())
        self.prepare()
        self.storage.commit()
        app = web.Application(middlewares=[self._dispatch], client_max_size=MAX_BODY_BYTES)
        app.add_routes(control_routes(self))
        for endpoint in self.endpoints():
            app.router.add_route(endpoint.method, endpoint.path, _unreachable)
            self._endpoints[endpoint.method, endpoint.path] = endpoint
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=STOP_TIMEOUT_S)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()
        return f"http://{host}:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        """Stop listening and close the data."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        if self._storage is not None:
            self._storage.close()
            self._storage = None

    def replace_limits(self, limit: Limit | None) -> None:
        """Let one limit per token stand for all others from now on, also after a restart; None: the
        documented ones.
        """
        self._limit = limit
        self._limiter = Limiter(self._clock())
        self.storage.set("limit", msgspec.to_builtins(limit))
        self.storage.commit()

    @web.middleware
    async def _dispatch(self, request: web.Request, handler: Callable[[web.Request], Any]) -> web.StreamResponse:
        """Let the control API through and take every other call as the provider's."""
        if request.path.startswith(PREFIX):
            response: web.StreamResponse = await handler(request)
            return response
        return await self._serve(request)

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        arrival = self._arrive(request)
        try:
            body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            arrival = replace(arrival, fault=None, refusal=RefusalError(413, "Request body is too large."))
            body = b""
        except (ConnectionError, web.RequestPayloadError):
            self._log(request, arrival, None, NEVER_HANDLED)
            return _cut(request)
        fault = arrival.fault
        if fault is not None and fault.delay_s:
            await asyncio.sleep(fault.delay_s)
        if fault is not None and fault.kind == "drop_before":
            self._log(request, arrival, body, NEVER_HANDLED)
            return _cut(request)
        answer = self._answer(request, arrival, body)
        self._log(request, arrival, body, answer.status)
        return _cut(request) if fault is not None and fault.kind == "commit_then_drop" else _response(answer)

    def _arrive(self, request: web.Request) -> _Arrival:
        """Take the time and decide: who calls, whether its limits let it through, which fault takes hold of
        it.
        """
        at, now = time.time(), self._clock()
        resource = request.match_info.route.resource
        endpoint = None if resource is None else self._endpoints.get((request.method, resource.canonical))
        try:
            caller = self.authenticate(request.headers)
        except RefusalError as refusal:
            return _Arrival(at, endpoint, refusal=refusal)
        limits = (
            self.limits(caller, endpoint) if self._limit is None else [KeyedLimit(("token", caller.token), self._limit)]
        )
        wait = self._limiter.admit(limits, now)
        if wait:
            return _Arrival(
                at, endpoint, refusal=RefusalError(429, "Too many requests.", {"Retry-After": _seconds(wait)})
            )
        return _Arrival(at, endpoint, caller, self.faults.take(request.method, request.path))

    def _answer(self, request: web.Request, arrival: _Arrival, body: bytes) -> Answer:
        """Do the work, or say why not. What a refused or failed call wrote is undone."""
        try:
            return self._work(request, arrival, body)
        except RefusalError as refusal:
            self.storage.rollback()
            return self.render(refusal, request.path)
        except Exception:
            self.storage.rollback()
            self._log(request, arrival, body, 500)
            raise

    def _work(self, request: web.Request, arrival: _Arrival, body: bytes) -> Answer:
        if arrival.refusal is not None:
            raise arrival.refusal
        if arrival.fault is not None and arrival.fault.kind == "status":
            return self._faulty(arrival.fault, request.path)
        endpoint, caller = arrival.endpoint, arrival.caller
        if endpoint is None or caller is None:
            error = request.match_info.http_exception
            if error is not None and error.status == 405:
                raise RefusalError(405, "Method not allowed.", {"Allow": error.headers["Allow"]})
            raise RefusalError(404, "Not found.")
        if endpoint.scope is not None and endpoint.scope not in caller.scopes:
            raise RefusalError(403, f"The token lacks the scope {endpoint.scope}.")
        return endpoint.handler(
            Call(caller, request.method, request.path, request.match_info, request.query, body, arrival.at)
        )

    def _log(self, request: web.Request, arrival: _Arrival, body: bytes | None, status: int) -> None:
        self.storage.log(
            {
                "at": arrival.at,
                "method": request.method,
                "path": request.path,
                "query": self._query(request),
                "body": self._readable(body) if body else None,
                "status": status,
            }
        )

    def _faulty(self, fault: Fault, path: str) -> Answer:
        status = fault.status or 500
        headers = fault.headers or {}
        if fault.body is None:
            return self.render(RefusalError(status, "Simulated fault.", headers), path)
        if isinstance(fault.body, str):
            return Answer(status, fault.body.encode(), headers, content_type="text/plain")
        return Answer(status, fault.body, headers)

    def _query(self, request: web.Request) -> dict[str, Any]:
        query: dict[str, Any] = {}
        for name in request.query:
            values = [MASK] if name in self.secret_fields else request.query.getall(name)
            query[name] = values[0] if len(values) == 1 else values
        return query

    def _readable(self, body: bytes) -> Any:
        """Return a body as the log shows it. Text that is no JSON and names a secret is not shown at all."""
        try:
            return self._masked(msgspec.json.decode(body))
        except msgspec.DecodeError:
            text = body.decode(errors="replace")
            return MASK if any(name in text for name in self.secret_fields) else text

    def _masked(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {key: MASK if key in self.secret_fields else self._masked(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._masked(item) for item in value]
        return value


async def run_simulator(
    simulator: Simulator,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    on_ready: Callable[[str], None] | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT, then stop cleanly; ``on_ready`` is told the base URL. For a process of
    its own.
    """
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    try:
        url = await simulator.start(host, port)
        if on_ready is not None:
            on_ready(url)
        await stopping.wait()
    finally:
        await simulator.stop()


async def _unreachable(request: web.Request) -> web.StreamResponse:
    """Stand in the router for an endpoint, whose calls the middleware serves itself."""
    raise AssertionError(f"{request.path} went past the middleware")


def _seconds(wait: int) -> str:
    """Write nanoseconds as fractional seconds, rounded up: who waits exactly that long is let through."""
    micros = -(-wait // (NANOSECONDS // 1_000_000))
    return f"{micros // 1_000_000}.{micros % 1_000_000:06d}"


def _response(answer: Answer) -> web.Response:
    if answer.content is None:
        return web.Response(status=answer.status, headers=answer.headers)
    body = answer.content if isinstance(answer.content, bytes) else msgspec.json.encode(answer.content)
    return web.Response(
        body=body, status=answer.status, headers={"Content-Type": answer.content_type, **answer.headers}
    )


def _cut(request: web.Request) -> web.Response:
    """Abort the connection; the response is for the server's own book-keeping and reaches nobody."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
