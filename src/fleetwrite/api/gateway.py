"""The one ASGI layer: everything that happens to every request, around the handler of its endpoint.

The order of checks, each with its answer, is: route (404), method (405), token (401), the partner's limit (429), scope
(403), media type (415), size (413), JSON (400), then path, query, headers and body together (422 with all faults), then
what the handler's service finds (404 for a connection that is not the caller's, 422 for ids, 501, 409, 429).
"""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import aclosing
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec
import structlog
from starlette.types import Receive, Scope, Send

from fleetwrite.access.models import Principal
from fleetwrite.access.scopes import Scope as AccessScope
from fleetwrite.api.decoding import Decoded, InvalidBodyError, decode_body, decode_list, decode_query
from fleetwrite.api.endpoint import JSON, TEXTS, Answer, ApiRequest, Endpoint
from fleetwrite.api.error_answers import INTERNAL_ERROR, MethodNotAllowedError, RouteNotFoundError, answer_to
from fleetwrite.api.headers import (
    IGNORED_FIELDS,
    LENIENT,
    PREFERENCE_APPLIED,
    is_lenient,
    name_list,
    read_directives,
    request_id,
)
from fleetwrite.api.intake import (
    ClientGoneError,
    InvalidRequestError,
    check_media_type,
    read_body,
    read_headers,
    read_path,
)
from fleetwrite.api.metrics import observe
from fleetwrite.bootstrap import Services
from fleetwrite.contract.errors import ValidationErrorDetail
from fleetwrite.kit.tenancy import Nameless, Whom, act_for, acting_as_system, acting_for

_log = structlog.get_logger(__name__)

_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")

PIECE_TAKEN_WITHIN_S: Final = 30.0
"""A client that takes no byte for so long will not take any: it must not keep what its answer holds."""

CLIENT_GONE: Final = 499
"""The status logged and counted for requests whose client hung up; nobody receives it. nginx made it a custom."""


class Gateway:
    """Serves all endpoints of one path. With none, it answers 404: the place for unknown paths."""

    def __init__(self, services: Services, path: str, endpoints: Mapping[str, Endpoint]) -> None:
        self._services = services
        self._path = path
        # HEAD is GET without the body, which the server leaves off.
        self._endpoints = {**endpoints, "HEAD": endpoints["GET"]} if "GET" in endpoints else dict(endpoints)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; nothing that happens in a handler gets past here."""
        if scope["type"] != "http":  # a WebSocket, which no path of ours speaks
            await send({"type": "websocket.close", "code": 1000})
            return
        started_at = time.perf_counter()
        headers = read_headers(scope)
        identity = request_id(headers)
        # The port says nothing of whose it is.
        request = ApiRequest(headers=headers, identity=identity, address=(scope.get("client") or ("",))[0])
        # For nobody, until it is known who is calling.
        with acting_for(Nameless.NOBODY), structlog.contextvars.bound_contextvars(request_id=identity):
            answer = await self._answer(request, scope, receive)
            if answer is not None:
                try:
                    await _send(send, answer, identity, receive if scope["method"] != "HEAD" else None)
                except Exception:
                    # The server hangs up on this, so that nobody takes what came for the whole.
                    _log.exception("answer broke off", method=scope["method"], path=self._path)
                    raise
            status = CLIENT_GONE if answer is None else answer.status
            seconds = time.perf_counter() - started_at
            observe(self._endpoints.get(scope["method"]), status, seconds)
            _log.info(
                "request",
                method=scope["method"],
                path=self._path,
                status=status,
                ms=round(seconds * 1000, 2),
                partner_id=None if request.principal is None else str(request.principal.partner_id),
            )

    async def _answer(self, request: ApiRequest, scope: Scope, receive: Receive) -> Answer | None:
        """The answer, whatever happens; None where the client has hung up."""
        try:
            endpoint = self._endpoint(scope["method"])
            await self._check(endpoint, request, scope, receive)
            return await _begun(_encoded(await endpoint.handler(self._services, request), _lenience(request)))
        except ClientGoneError:
            return None
        except Exception as error:  # noqa: BLE001 # the last resort: whatever it is, the client gets an answer
            foreseen = answer_to(error)
            if foreseen is None:
                _log.exception("request failed unexpectedly", method=scope["method"], path=self._path)
            return _encoded(foreseen or INTERNAL_ERROR)

    def _endpoint(self, method: str) -> Endpoint:
        if not self._endpoints:
            raise RouteNotFoundError("There is nothing at this path; see /openapi.json for what there is.")
        if method not in self._endpoints:
            raise MethodNotAllowedError(sorted(self._endpoints))
        return self._endpoints[method]

    async def _check(self, endpoint: Endpoint, request: ApiRequest, scope: Scope, receive: Receive) -> None:
        """Fill `request` with what the handler needs, or raise what is wrong, in the order told above."""
        headers = request.headers
        shown = headers.get("authorization")
        scope_wanted = endpoint.scope if shown is None else endpoint.scope or endpoint.scope_if_shown
        if scope_wanted is not None or endpoint.needs_token:
            with acting_as_system():  # keys, what was called back, and limits are looked up for all callers together
                request.principal = await self._services.tokens.authenticate(shown)
                await self._services.request_limits.admit(request.principal.partner_id)
            if scope_wanted is not None:
                request.principal.require(scope_wanted)
        act_for(_whom(endpoint, request.principal))
        raw = await _raw_body(endpoint, headers, receive)
        parameters = scope["path_params"]
        request.texts = {name: text for name, text in parameters.items() if name in TEXTS}
        request.path, faults = read_path({name: text for name, text in parameters.items() if name not in TEXTS})
        request.is_lenient = endpoint.body is not None and is_lenient(headers)
        source_names = self._services.registry.source_names
        if endpoint.query is not None:
            try:
                items = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
                request.query = decode_query(endpoint.query, items, source_names=source_names)
            except InvalidBodyError as error:
                faults += error.details
        if endpoint.has_directives:
            request.directives, header_faults = read_directives(headers)
            faults += header_faults
        _decode(endpoint, request, raw, source_names, faults)


def _whom(endpoint: Endpoint, principal: Principal | None) -> Whom:
    """For whom a request acts."""
    if principal is None:
        return Nameless.SYSTEM if endpoint.serves_strangers else Nameless.NOBODY
    # Who administers does so for all, and no client of a partner can have that scope.
    return Nameless.SYSTEM if AccessScope.ADMIN in principal.scopes else principal.partner_id


def _decode(
    endpoint: Endpoint,
    request: ApiRequest,
    raw: bytes,
    source_names: frozenset[str],
    faults: list[ValidationErrorDetail],
) -> None:
    if endpoint.media_type != JSON:
        request.body = raw
    elif endpoint.body is not None and not issubclass(endpoint.body, str):
        decode: Callable[..., Decoded[Any]] = decode_list if endpoint.is_list else decode_body
        try:
            decoded = decode(endpoint.body, raw, lenient=request.is_lenient, source_names=source_names)
            request.body, request.ignored_fields = decoded.body, decoded.ignored_fields
        except InvalidBodyError as error:
            faults += error.details
    if faults:
        raise InvalidRequestError(faults)


async def _raw_body(endpoint: Endpoint, headers: Mapping[str, str], receive: Receive) -> bytes:
    if endpoint.body is None:
        return b""
    check_media_type(headers, endpoint.media_type)
    return await read_body(headers, receive, endpoint.largest_body)


def _lenience(request: ApiRequest) -> tuple[tuple[str, str], ...]:
    if not request.is_lenient:
        return ()
    applied = (PREFERENCE_APPLIED, f"handling={LENIENT}")
    if not request.ignored_fields:
        return (applied,)
    return (applied, (IGNORED_FIELDS, name_list(request.ignored_fields)))


def _encoded(answer: Answer, more_headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    content = answer.content
    is_ready = isinstance(content, bytes | AsyncGenerator)
    body = content if is_ready else b"" if content is None else _ENCODER.encode(content)
    return msgspec.structs.replace(answer, content=body, headers=(*answer.headers, *more_headers))


async def _begun(answer: Answer) -> Answer:
    """The answer; of one that comes in pieces the first is there, so that it is known to begin."""
    pieces = answer.content
    if not isinstance(pieces, AsyncGenerator):
        return answer
    first = await anext(pieces, b"")

    async def all_pieces() -> AsyncIterator[bytes]:
        async with aclosing(pieces):
            yield first
            async for piece in pieces:
                yield piece

    return msgspec.structs.replace(answer, content=all_pieces())


async def _send(send: Send, answer: Answer, identity: str, receive: Receive | None) -> None:
    """Send the answer. `receive` tells whether the client is still there; None: it wants no body."""
    head = [(b"x-request-id", identity.encode())]
    head += [(name.lower().encode(), value.encode()) for name, value in answer.headers]
    if answer.status != 204:
        head.append((b"content-type", answer.media_type.encode()))
        if isinstance(answer.content, bytes):
            head.append((b"content-length", str(len(answer.content)).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": head})
    if isinstance(answer.content, bytes):
        await send({"type": "http.response.body", "body": answer.content})
        return
    async with aclosing(answer.content) as pieces:
        if receive is not None:
            await _send_pieces(send, pieces, receive)
    await send({"type": "http.response.body", "body": b""})


async def _send_pieces(send: Send, pieces: AsyncGenerator[bytes], receive: Receive) -> None:
    """Send what comes for as long as the client is there.

    Raises:
        TimeoutError: it is there, and does not take what is sent.
    """
    hung_up = asyncio.create_task(_until_hung_up(receive))
    try:
        while (piece := await _next_piece(pieces, hung_up)) is not None:
            async with asyncio.timeout(PIECE_TAKEN_WITHIN_S):
                await send({"type": "http.response.body", "body": piece, "more_body": True})
    finally:
        hung_up.cancel()
        await asyncio.wait({hung_up})


async def _next_piece(pieces: AsyncGenerator[bytes], hung_up: asyncio.Task[None]) -> bytes | None:
    """The next piece; None where there is none, or nobody any more who wants it."""
    coming = asyncio.ensure_future(anext(pieces, None))
    try:
        await asyncio.wait({coming, hung_up}, return_when=asyncio.FIRST_COMPLETED)
        piece = coming.result() if coming.done() else None
        return None if hung_up.done() else piece
    finally:
        if not coming.done():
            coming.cancel()
            await asyncio.wait({coming})


async def _until_hung_up(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
