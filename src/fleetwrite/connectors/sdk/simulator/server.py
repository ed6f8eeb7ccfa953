"""The base of all simulators: an HTTP server that knows no provider.

What happens to a call, in this order: it arrives (its time is taken, its body is read), its token is looked up
(401), its limits are asked (429), a fault may take hold of it, its path and scope are checked (404, 405, 403), the
handler does the work. Then the call is logged, in the same commit as what the handler wrote, and only then
answered.

The log is the judge of tests and benchmarks, hence its exact meaning: ``sequence`` is the order in which
calls were decided (so that nobody who polls by it can miss a slow one), ``at`` the moment a call arrived (its
headers were read), ``path`` the percent-decoded path, ``operation`` which one is meant where a path serves several
(null elsewhere), ``query`` an object (a list where a parameter is repeated), ``body`` the JSON, else the text, null
where empty; ``status`` what the provider decided, which is 0 for a call that was never handled (``drop_before``, or a
client that was gone before its body was complete) and the status that the client never saw for ``commit_then_drop``.
Secrets are shown as ``***``, and headers are not logged at all.
"""

import asyncio
import signal
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import msgspec
from aiohttp import web

from fleetwrite.connectors.sdk.simulator.control import PREFIX, control_routes
from fleetwrite.connectors.sdk.simulator.faults import Fault, FaultPlan
from fleetwrite.connectors.sdk.simulator.limits import NANOSECONDS, KeyedLimit, Limit, Limiter
from fleetwrite.connectors.sdk.simulator.protocol import (
    Answer,
    Arriving,
    Call,
    Caller,
    DemoAccount,
    DemoApp,
    Endpoint,
    RefusalError,
)
from fleetwrite.connectors.sdk.simulator.readable import readable_body, readable_query
from fleetwrite.connectors.sdk.simulator.sessions import Sessions
from fleetwrite.connectors.sdk.simulator.storage import Record, Storage

# Larger than any body a provider of ours takes in one call.
MAX_BODY_BYTES = 1024 * 1024

# What a stop allows the calls in flight; a fault may hold one far longer than anyone wants to wait.
STOP_TIMEOUT_S = 1.0

# The status in the log of a call that the provider never handled.
NEVER_HANDLED = 0


@dataclass(frozen=True, slots=True)
class _Arrival:
    """What is decided about a call before any work is done."""

    at: float
    body: bytes
    endpoint: Endpoint | None
    operation: str | None = None
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
        self._endpoints: dict[tuple[str, str, str | None], Endpoint] = {}

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
    def authenticate(self, arriving: Arriving) -> Caller:
        """Return whose call it is. A call that logs in is let through as whomever it claims to be; its handler decides.

        Raises:
            RefusalError: nobody's.
        """

    def operation(self, arriving: Arriving) -> str | None:
        """Return which operation a call means, where one path serves several; None: its path says it."""
        del arriving
        return None

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

    def demo_app(self) -> DemoApp | None:
        """Return the app that a sandbox is; None where the provider lets none in."""
        return None

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
        routes: set[tuple[str, str]] = set()
        for endpoint in self.endpoints():
            route = (endpoint.method, endpoint.path)
            if route not in routes:
                app.router.add_route(*route, _unreachable)
                routes.add(route)
            self._endpoints[*route, endpoint.operation] = endpoint
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

    @property
    def sessions(self) -> Sessions:
        """What logging in gave out."""
        return Sessions(self.storage)

    def forget_sessions(self) -> int:
        """End every session; return how many there were."""
        ended = self.sessions.forget_all()
        self.storage.commit()
        return ended

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
        at = time.time()
        try:
            body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            body = b""
            arrival = _Arrival(at, body, None, refusal=RefusalError(413, "Request body is too large."))
        except (ConnectionError, web.RequestPayloadError):
            self._log(request, _Arrival(at, b"", None), NEVER_HANDLED)
            return _cut(request)
        else:
            arrival = self._arrive(request, at, body)
        fault = arrival.fault
        if fault is not None and fault.delay_s:
            await asyncio.sleep(fault.delay_s)
        if fault is not None and fault.kind == "drop_before":
            self._log(request, arrival, NEVER_HANDLED)
            return _cut(request)
        answer = self._answer(request, arrival)
        self._log(request, arrival, answer.status)
        return _cut(request) if fault is not None and fault.kind == "commit_then_drop" else _response(answer)

    def _arrive(self, request: web.Request, at: float, body: bytes) -> _Arrival:
        """Decide: which operation is meant, who calls, whether its limits let it through, which fault takes hold of
        it.
        """
        now = self._clock()
        arriving = Arriving(request.method, request.path, request.headers, request.query, body)
        operation = self.operation(arriving)
        resource = request.match_info.route.resource
        path = "" if resource is None else resource.canonical
        endpoint = self._endpoints.get((request.method, path, operation))
        try:
            caller = self.authenticate(arriving)
        except RefusalError as refusal:
            return _Arrival(at, body, endpoint, operation, refusal=refusal)
        limits = (
            self.limits(caller, endpoint) if self._limit is None else [KeyedLimit(("token", caller.token), self._limit)]
        )
        wait = self._limiter.admit(limits, now)
        if wait:
            throttled = RefusalError(429, "Too many requests.", {"Retry-After": _seconds(wait)})
            return _Arrival(at, body, endpoint, operation, refusal=throttled)
        fault = self.faults.take(request.method, request.path, operation)
        return _Arrival(at, body, endpoint, operation, caller, fault)

    def _answer(self, request: web.Request, arrival: _Arrival) -> Answer:
        """Do the work, or say why not. What a refused or failed call wrote is undone."""
        try:
            return self._work(request, arrival)
        except RefusalError as refusal:
            self.storage.rollback()
            return self.render(refusal, request.path)
        except Exception:
            self.storage.rollback()
            self._log(request, arrival, 500)
            raise

    def _work(self, request: web.Request, arrival: _Arrival) -> Answer:
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
        call = Call(
            caller=caller,
            method=request.method,
            path=request.path,
            path_ids=request.match_info,
            query=request.query,
            headers=request.headers,
            body=arrival.body,
            at=arrival.at,
        )
        return endpoint.handler(call)

    def _log(self, request: web.Request, arrival: _Arrival, status: int) -> None:
        self.storage.log(
            {
                "at": arrival.at,
                "method": request.method,
                "path": request.path,
                "operation": arrival.operation,
                "query": readable_query(request.query, self.secret_fields),
                "body": readable_body(arrival.body, request.content_type, self.secret_fields),
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
