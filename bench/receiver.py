"""A webhook receiver that costs little: it unpacks, notes whose event it is, and answers 204."""

import asyncio
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, cast

import msgspec

_GZIP: Final = 31
_ANSWER: Final = b"HTTP/1.1 204 No Content\r\n\r\n"


class _Operation(msgspec.Struct):
    id: str


class _Envelope(msgspec.Struct):
    data: list[_Operation]


_DECODER: Final = msgspec.json.Decoder(_Envelope)


class Receiver:
    """Counts the distinct operations it was told of.

    Attributes:
        seen: their ids.
        last_at: the loop's time when a new one came last.
    """

    def __init__(self) -> None:
        self.url = ""
        self.seen: set[str] = set()
        self.last_at = 0.0
        self._awaited = 0
        self._enough = asyncio.Event()

    def expect(self, count: int) -> None:
        """Forget what was; wait for `count` operations."""
        self.seen.clear()
        self._awaited = count
        self._enough.clear()

    async def wait(self, within_s: float) -> None:
        """Until as many were told as expected.

        Raises:
            TimeoutError: they were not.
        """
        async with asyncio.timeout(within_s):
            await self._enough.wait()

    def take(self, operation_id: str) -> None:
        if operation_id not in self.seen:
            self.seen.add(operation_id)
            self.last_at = asyncio.get_running_loop().time()
            if len(self.seen) >= self._awaited:
                self._enough.set()


class _Connection(asyncio.Protocol):
    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._received = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports do not derive from asyncio's classes.
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        end = self._received.find(b"\r\n\r\n")
        if end < 0 or self._transport is None:
            return
        head = bytes(self._received[:end]).lower()
        start = head.find(b"content-length:") + len("content-length:")
        length = int(head[start : (head + b"\r\n").find(b"\r\n", start)])
        if len(self._received) < end + 4 + length:
            return
        body = bytes(self._received[end + 4 : end + 4 + length])
        self._received.clear()
        text = zlib.decompress(body, wbits=_GZIP) if b"content-encoding: gzip" in head else body
        for operation in _DECODER.decode(text).data:
            self._receiver.take(operation.id)
        self._transport.write(_ANSWER)


@asynccontextmanager
async def open_receiver() -> AsyncIterator[Receiver]:
    """A receiver on a free port of this machine."""
    receiver = Receiver()
    server = await asyncio.get_running_loop().create_server(lambda: _Connection(receiver), "127.0.0.1", 0)
    receiver.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/webhooks"
    try:
        yield receiver
    finally:
        server.close()
