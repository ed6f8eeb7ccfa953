"""The only way out to HTTP. It tells what surely was not sent from what may have arrived.

A write that may have reached the other side is never repeated blindly, so every failure is one of two:
:class:`NotSentError`, when no connection came about, or :class:`AnswerLostError`, when one did. Between
having a connection and writing to it nothing is provable, so that counts as the second. Nothing is repeated
here.
"""

import asyncio
import errno
import socket
import ssl
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from socket import AF_UNSPEC, AddressFamily
from types import SimpleNamespace, TracebackType
from typing import Final, Self

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from multidict import CIMultiDictProxy
from yarl import URL

from fleetwrite.kit.egress_errors import (
    AnswerLostError,
    AnswerTooLargeError,
    EgressError,
    ForbiddenUrlError,
    NotSentError,
)
from fleetwrite.kit.url_policy import UrlPolicy

__all__ = [
    "AnswerLostError",
    "AnswerTooLargeError",
    "Egress",
    "EgressError",
    "ForbiddenUrlError",
    "HttpAnswer",
    "NotSentError",
    "UrlPolicy",
]

DEFAULT_CONNECT_TIMEOUT_S: Final = 5.0
"""Twice the usual retransmission of a lost first packet, with a TLS handshake on top."""

MAX_ANSWER_BYTES: Final = 4 * 1024 * 1024
"""What a write is answered takes some KiB, a page of a list some hundred; whatever is larger must not fill our memory.
Who asks for more says so with the call."""

_LOOK_UP_TIMEOUT_S: Final = 3.0
"""For resolving a name while somebody waits for an answer of ours: resolvers ask a second server after 5 s."""

_NO_SUCH_NAME: Final = frozenset(
    code for code in (getattr(socket, name, None) for name in ("EAI_NONAME", "EAI_NODATA")) if code is not None
)
"""What getaddrinfo says where a name surely leads nowhere; anything else may be the resolver's trouble."""

_KEEP_ALIVE_S: Final = 10.0
"""Less than servers keep idle connections (15 s and up), so that we seldom write to one that is being
closed."""

_MAX_CONNECTIONS: Final = 512  # provider calls and deliveries of one worker in flight, well below 1024 open files
_MAX_CONNECTIONS_PER_HOST: Final = 256  # no host may take them all, and no call that has its slot should wait here
_CHUNK: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """A whole answer, whatever its status. ``headers`` ignores case; ``elapsed_s`` includes connecting."""

    status: int
    headers: CIMultiDictProxy[str]
    body: bytes
    elapsed_s: float


class _PolicyResolver(AbstractResolver):
    """Resolves names and refuses addresses: the connection goes to the very address that was checked."""

    def __init__(self, policy: UrlPolicy, inner: AbstractResolver | None) -> None:
        self._policy = policy
        self._inner = inner or aiohttp.ThreadedResolver()

    async def resolve(self, host: str, port: int = 0, family: AddressFamily = AF_UNSPEC) -> list[ResolveResult]:
        permitted, refusal = [], None
        for result in await self._inner.resolve(host, port, family):
            try:
                self._policy.check_address(ip_address(result["host"]))
            except ForbiddenUrlError as error:
                refusal = error
            else:
                permitted.append(result)
        if refusal and not permitted:
            raise ForbiddenUrlError(f"The name {host} leads to a forbidden address: {refusal}") from refusal
        return permitted

    async def close(self) -> None:
        await self._inner.close()


class Egress:
    """Calls other servers. Use it as an async context manager, or ``close`` it; both within one event
    loop.
    """

    def __init__(
        self,
        policy: UrlPolicy,
        *,
        connect_timeout_s: float = DEFAULT_CONNECT_TIMEOUT_S,
        tls: ssl.SSLContext | None = None,
        resolver: AbstractResolver | None = None,
    ) -> None:
        """Take the policy for addresses; ``tls`` replaces the system's trusted authorities, ``resolver`` its
        resolver.
        """
        self._policy = policy
        self._resolver = _PolicyResolver(policy, resolver)
        self._connect_timeout_s = connect_timeout_s
        self._tls = tls
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections kept alive."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def check(self, url: str) -> None:
        """Check, without calling, whether ``url`` could be called now: its text, and where its name leads.

        A resolver that does not answer is no reason to refuse: each call checks again.

        Raises:
            ForbiddenUrlError: it may not be called, or there is no such name.
        """
        self._policy.check(url)
        host = URL(url).raw_host or ""
        if _is_address(host):
            return
        try:
            async with asyncio.timeout(_LOOK_UP_TIMEOUT_S):
                await self._resolver.resolve(host)
        except OSError as error:  # TimeoutError is one
            if error.errno in _NO_SUCH_NAME:
                raise ForbiddenUrlError(f"The name {host} leads nowhere: correct it, or create it first.") from error

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        params: Mapping[str, str] | Sequence[tuple[str, str]] | None = None,
        timeout_s: float,
        max_answer_bytes: int = MAX_ANSWER_BYTES,
    ) -> HttpAnswer:
        """Make one call and return the whole answer, whatever its status; redirects are answers too.

        A caller that is cancelled must take the call for sent.

        Raises:
            ForbiddenUrlError: the address is not one we call.
            NotSentError: no connection came about (name, refusal, TLS, time-out).
            AnswerLostError: it may have been sent, and no whole answer came back.
            AnswerTooLargeError: an answer came that has more than `max_answer_bytes`.
        """
        self._policy.check(url)
        progress = SimpleNamespace(connected=False)
        started = time.monotonic()
        try:
            async with self._open_session().request(
                method,
                url,
                headers=headers,
                data=body,
                params=params,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=timeout_s, connect=self._connect_timeout_s),
                trace_request_ctx=progress,
            ) as response:
                answer = await _read(response, max_answer_bytes)
                return HttpAnswer(response.status, response.headers, answer, time.monotonic() - started)
        except (aiohttp.ClientError, OSError) as error:  # TimeoutError is an OSError
            reason = str(error) or type(error).__name__
            if progress.connected:
                raise AnswerLostError(f"The answer was lost: {reason}.") from error
            raise NotSentError(f"No connection came about: {reason}.") from error

    def _open_socket(self, address: aiohttp.AddrInfoType) -> socket.socket:
        """A socket for an address that is connected to next. Whatever led there, it is checked here once more."""
        family, kind, protocol, _, (host, *_) = address
        try:
            self._policy.check_address(ip_address(host))
        except ForbiddenUrlError as error:
            # Of the errors that are raised here, aiohttp lets only those of the system through.
            raise PermissionError(errno.EACCES, str(error)) from error
        return socket.socket(family, kind, protocol)

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(
                resolver=self._resolver,
                socket_factory=self._open_socket,
                limit=_MAX_CONNECTIONS,
                limit_per_host=_MAX_CONNECTIONS_PER_HOST,
                keepalive_timeout=_KEEP_ALIVE_S,
                ssl=self._tls if self._tls is not None else True,
            )
            session = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,  # a proxy of the environment would resolve names past our policy
                trace_configs=[_trace_connection()],
                headers={"User-Agent": "fleetwrite"},
            )
            # aiohttp repeats PUT, DELETE and GET by itself when a kept connection breaks. It has no public
            # switch; its own test client uses this one, and a test of ours fails if it stops working.
            session._retry_connection = False  # noqa: SLF001 - see above
            self._session = session
        return self._session


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


async def _read(response: aiohttp.ClientResponse, max_answer_bytes: int) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK):
        body += chunk
        if len(body) > max_answer_bytes:
            response.close()
            raise AnswerTooLargeError(
                f"The answer (status {response.status}) is larger than the {max_answer_bytes} bytes that are taken."
            )
    return bytes(body)


def _trace_connection() -> aiohttp.TraceConfig:
    """Note on the call's own record when it has a connection, new (after TLS) or kept."""

    async def connected(_session: aiohttp.ClientSession, context: SimpleNamespace, _event: object) -> None:
        context.trace_request_ctx.connected = True

    trace = aiohttp.TraceConfig()
    trace.on_connection_create_end.append(connected)
    trace.on_connection_reuseconn.append(connected)
    return trace
