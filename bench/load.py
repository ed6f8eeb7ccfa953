"""A load generator that costs little: keep-alive connections and requests made ready beforehand.

On two cores the generator competes with what it measures; a full HTTP client would cost as much as the service.
"""

import asyncio
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, cast
from urllib.parse import urlsplit

import msgspec

TIMEOUT_S: Final = 60.0
"""Nothing measured takes nearly as long: whoever waits so long for an answer waits for ever."""


class LoadError(Exception):
    """An answer that was not expected, or none."""


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    body: bytes


@dataclass
class Outcome:
    """What a stretch of load came to: seconds for each request, and for all of them together.

    `began_at` is by the loop's clock.
    """

    latencies_s: list[float] = field(default_factory=list)
    elapsed_s: float = 0.0
    began_at: float = 0.0

    @property
    def per_second(self) -> float:
        return len(self.latencies_s) / self.elapsed_s

    def percentile_ms(self, share: float) -> float:
        """The latency that `share` (0 to 1) of the requests stayed within, in milliseconds."""
        return percentile(self.latencies_s, share) * 1000


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest of `values` that at least `share` of them do not exceed."""
    return sorted(values)[max(0, math.ceil(len(values) * share) - 1)]


def request_bytes(method: str, url: str, body: object = None, headers: Mapping[str, str] | None = None) -> bytes:
    """A whole HTTP/1.1 request; `body` becomes JSON."""
    parts = urlsplit(url)
    content = b"" if body is None else msgspec.json.encode(body)
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    lines = [f"{method} {target} HTTP/1.1", f"Host: {parts.netloc}", f"Content-Length: {len(content)}"]
    if content:
        lines.append("Content-Type: application/json")
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join([*lines, "", ""]).encode() + content


class Client(asyncio.Protocol):
    """One keep-alive connection; one request at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._received = bytearray()
        self._waiting: asyncio.Future[Answer] | None = None

    @classmethod
    async def open(cls, url: str) -> "Client":
        """Connect to the host and port of `url`."""
        host, _, port = urlsplit(url).netloc.partition(":")
        _, client = await asyncio.get_running_loop().create_connection(cls, host, int(port))
        return client

    async def send(self, request: bytes) -> Answer:
        """Send a request and wait for its answer."""
        if self._transport is None:
            raise LoadError("the connection is closed")
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        async with asyncio.timeout(TIMEOUT_S):
            return await self._waiting

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports do not derive from asyncio's classes.
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(LoadError(f"the connection was closed: {exc}"))

    def data_received(self, data: bytes) -> None:
        self._received += data
        end = self._received.find(b"\r\n\r\n")
        if end < 0:
            return
        head = bytes(self._received[:end]).lower()
        length = _content_length(head)
        if len(self._received) < end + 4 + length:
            return
        body = bytes(self._received[end + 4 : end + 4 + length])
        self._received.clear()
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(Answer(int(head[9:12]), body))


def _content_length(head: bytes) -> int:
    start = head.find(b"content-length:")
    if start < 0:
        return 0
    line_end = head.find(b"\r\n", start)
    return int(head[start + len("content-length:") : line_end if line_end >= 0 else len(head)])


async def closed_loop(url: str, request: Callable[[int], bytes], *, total: int, clients: int, status: int) -> Outcome:
    """`clients` connections, each sending its next request when the last one was answered.

    Raises:
        LoadError: an answer had another status.
    """
    outcome = Outcome()
    numbers = iter(range(total))
    opened = [await Client.open(url) for _ in range(clients)]

    async def drive(client: Client) -> None:
        for number in numbers:
            began = time.perf_counter()
            _expect(await client.send(request(number)), status)
            outcome.latencies_s.append(time.perf_counter() - began)

    outcome.began_at = asyncio.get_running_loop().time()
    began = time.perf_counter()
    async with asyncio.TaskGroup() as tasks:
        for client in opened:
            tasks.create_task(drive(client))
    outcome.elapsed_s = time.perf_counter() - began
    for client in opened:
        client.close()
    return outcome


async def open_loop(
    url: str, request: Callable[[int], bytes], *, total: int, per_second: float, status: int
) -> Outcome:
    """Requests at a steady rate, whether or not earlier ones were answered.

    A latency counts from the moment the request was due, so that a stall shows in all that it held up.

    Raises:
        LoadError: an answer had another status.
    """
    outcome = Outcome()
    idle = [await Client.open(url) for _ in range(32)]
    began = time.perf_counter()

    async def one(number: int, due_at: float) -> None:
        client = idle.pop() if idle else await Client.open(url)
        _expect(await client.send(request(number)), status)
        outcome.latencies_s.append(time.perf_counter() - due_at)
        idle.append(client)

    async with asyncio.TaskGroup() as tasks:
        for number in range(total):
            due_at = began + number / per_second
            await asyncio.sleep(max(0.0, due_at - time.perf_counter()))
            tasks.create_task(one(number, due_at))
    outcome.elapsed_s = time.perf_counter() - began
    for client in idle:
        client.close()
    return outcome


def _expect(answer: Answer, status: int) -> None:
    if answer.status != status:
        raise LoadError(f"expected {status}, got {answer.status}: {answer.body[:300].decode(errors='replace')}")
