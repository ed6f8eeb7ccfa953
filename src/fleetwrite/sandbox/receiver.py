"""The demo's webhook receiver: what a partner would write from the documentation, sharing no code with the sender."""

import asyncio
import base64
import hmac
import json
import zlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
from aiohttp import web

MAX_BODY_BYTES: Final = 10 * 1024 * 1024
"""A small body can unpack to a huge one; events of operations are a few kilobytes."""

CLOCKS_MAY_DIFFER: Final = timedelta(minutes=5)
"""What is older than this may be a recording that somebody plays back."""

_GZIP: Final = 31
"""zlib's number for a gzip frame of any window."""


class RefusedDeliveryError(Exception):
    """A delivery that a careful receiver must not believe; the message says why."""


class Received(msgspec.Struct, frozen=True):
    """A delivery that passed every check: its envelope, and when it was here by this machine's clock."""

    envelope: Mapping[str, Any]
    received_at: datetime

    @property
    def event_name(self) -> str:
        return str(self.envelope["event_name"])


def verify(headers: Mapping[str, str], packed: bytes, secrets: Mapping[str, str], now: datetime) -> dict[str, Any]:
    """The envelope of a genuine delivery.

    Args:
        headers: of the request.
        packed: its body as it came over the wire.
        secrets: subscription id -> secret.
        now: the receiver's time.

    Raises:
        RefusedDeliveryError: it is not packed, not signed by us, too old, or headers and body contradict each other.
    """
    subscription_id = headers.get("X-Webhook-ID", "")
    secret = secrets.get(subscription_id)
    if secret is None:
        raise RefusedDeliveryError(f"X-Webhook-ID {subscription_id!r} is no subscription of ours")
    body = _unpack(packed)
    timestamp = headers.get("X-Catena-Timestamp", "")
    digest = hmac.digest(secret.encode(), timestamp.encode() + b"." + body, "sha256")
    if not hmac.compare_digest(base64.b64encode(digest), headers.get("X-Catena-Signature", "").encode()):
        raise RefusedDeliveryError("X-Catena-Signature does not fit the body")
    try:
        age = now - datetime.fromisoformat(timestamp)
    except (ValueError, TypeError) as error:
        raise RefusedDeliveryError(f"X-Catena-Timestamp {timestamp!r} is no time with an offset") from error
    if abs(age) > CLOCKS_MAY_DIFFER:
        raise RefusedDeliveryError(f"X-Catena-Timestamp {timestamp} is {age} old")
    envelope: dict[str, Any] = json.loads(body)
    said = {"webhook_id": subscription_id, "event_name": headers.get("X-Event-Type")}
    for name, value in said.items():
        if envelope.get(name) != value:
            raise RefusedDeliveryError(f"the body's {name} is {envelope.get(name)!r}, the header's {value!r}")
    return envelope


def _unpack(packed: bytes) -> bytes:
    gunzip = zlib.decompressobj(wbits=_GZIP)
    try:
        body = gunzip.decompress(packed, MAX_BODY_BYTES)
    except zlib.error as error:
        raise RefusedDeliveryError("the body is not gzipped") from error
    if not gunzip.eof:
        raise RefusedDeliveryError("the body is cut off or too long")
    return body


class Receiver:
    """Takes deliveries at `url`; those that it can not believe are answered with 401 and noted in `refused`.

    Attributes:
        secrets: subscription id -> secret; known only once subscribed, which takes the URL first.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.secrets: dict[str, str] = {}
        self.refused: list[str] = []
        self._arrived: asyncio.Queue[Received] = asyncio.Queue()

    async def next(self, within_s: float) -> Received | None:
        """The next delivery, in the order they came; None where none comes in time. An event can come twice."""
        try:
            async with asyncio.timeout(within_s):
                return await self._arrived.get()
        except TimeoutError:
            return None

    async def take(self, request: web.Request) -> web.Response:
        """Answer one delivery."""
        packed = await request.read()
        now = datetime.now(UTC)
        try:
            envelope = verify(request.headers, packed, self.secrets, now)
        except RefusedDeliveryError as error:
            self.refused.append(str(error))
            return web.Response(status=401)
        self._arrived.put_nowait(Received(envelope, now))
        return web.Response(status=202)


@asynccontextmanager
async def open_receiver() -> AsyncIterator[Receiver]:
    """A receiver that listens on a free port of this machine."""
    app = web.Application(client_max_size=MAX_BODY_BYTES)
    # The signature is checked over what we unpack ourselves, so nothing may unpack it before.
    runner = web.AppRunner(app, auto_decompress=False, access_log=None)
    receiver = Receiver("")
    app.router.add_post("/fleetwrite", receiver.take)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/fleetwrite"
        yield receiver
    finally:
        await runner.cleanup()
