"""The gateway around handlers that a test brings along, over a bare ASGI call."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
import structlog
from msgspec import Struct

from fleetwrite.api.app import create_app
from fleetwrite.api.endpoint import CSV, Answer, ApiRequest, Endpoint, Tag
from fleetwrite.bootstrap import Services
from fleetwrite.connectors.sdk.registry import Registry

SERVICES: Any = SimpleNamespace(registry=Registry({}))  # no handler here calls another service


class Greeting(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: str


async def greet(_services: Services, request: ApiRequest) -> Answer:
    return Answer(content={"hello": request.body.name}, headers=(("X-Extra", "1"),))


async def break_down(_services: Services, _request: ApiRequest) -> Answer:
    raise ZeroDivisionError("the password is hunter2")


async def answer_nonsense(_services: Services, _request: ApiRequest) -> Answer:
    return Answer(content=object())


async def pieces(*texts: bytes) -> AsyncIterator[bytes]:
    """Texts, and a failure where one is empty."""
    for text in texts:
        if not text:
            raise ZeroDivisionError("the password is hunter2")
        yield text


async def stream(_services: Services, _request: ApiRequest) -> Answer:
    return Answer(content=pieces(b"a,b\r\n", b"1,2\r\n"), media_type=CSV)


async def stream_nothing(_services: Services, _request: ApiRequest) -> Answer:
    return Answer(content=pieces(), media_type=CSV)


async def fail_at_once(_services: Services, _request: ApiRequest) -> Answer:
    return Answer(content=pieces(b""), media_type=CSV)


async def fail_later(_services: Services, _request: ApiRequest) -> Answer:
    return Answer(content=pieces(b"a,b\r\n", b""), media_type=CSV)


async def stream_endlessly(_services: Services, _request: ApiRequest) -> Answer:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            await asyncio.sleep(0)
            yield b"line\r\n"

    return Answer(content=endless(), media_type=CSV)


async def count_bytes(_services: Services, request: ApiRequest) -> Answer:
    return Answer(content={"bytes": len(request.body)})


def endpoint(method: str, path: str, handler: Any, **more: Any) -> Endpoint:
    return Endpoint(
        method=method,
        path=path,
        operation_id="test",
        summary="",
        tag=Tag.INSIGHT,
        handler=handler,
        answers={},
        **more,
    )


ENDPOINTS = (
    endpoint("POST", "/greetings", greet, body=Greeting),
    endpoint("GET", "/broken", break_down),
    endpoint("GET", "/nonsense", answer_nonsense),
    endpoint("GET", "/lines", stream),
    endpoint("GET", "/no-lines", stream_nothing),
    endpoint("GET", "/broken-lines", fail_at_once),
    endpoint("GET", "/broken-off-lines", fail_later),
    endpoint("GET", "/endless-lines", stream_endlessly),
    endpoint("POST", "/lines", count_bytes, body=str, media_type=CSV, largest_body=1_000_000),
)


class Exchange:
    """What one ASGI call was answered."""

    def __init__(self) -> None:
        self.sent: list[Any] = []

    async def send(self, message: Any) -> None:
        self.sent.append(message)

    @property
    def status(self) -> int:
        status: int = self.sent[0]["status"]
        return status

    @property
    def headers(self) -> dict[str, str]:
        return {name.decode(): value.decode() for name, value in self.sent[0]["headers"]}

    @property
    def body(self) -> bytes:
        return b"".join(message["body"] for message in self.sent[1:])

    @property
    def is_complete(self) -> bool:
        return not self.sent[-1].get("more_body", False)

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)


async def call(
    method: str,
    path: str,
    body: bytes = b"",
    *,
    receive: Callable[[], Awaitable[Any]] | None = None,
    **headers: str,
) -> Exchange:
    async def give_body() -> Any:
        return {"type": "http.request", "body": body, "more_body": False}

    exchange = Exchange()
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": b"",
        "headers": [(name.replace("_", "-").lower().encode(), value.encode()) for name, value in headers.items()],
    }
    await create_app(SERVICES, ENDPOINTS)(scope, receive or give_body, exchange.send)
    return exchange


async def test_an_answer_carries_its_headers_and_the_request_id() -> None:
    exchange = await call(
        "POST", "/greetings", b'{"name": "Ann"}', Content_Type="application/json", X_Request_ID="mine"
    )

    assert (exchange.status, exchange.json) == (200, {"hello": "Ann"})
    assert exchange.headers["x-request-id"] == "mine"
    assert exchange.headers["x-extra"] == "1"
    assert exchange.headers["content-length"] == str(len(exchange.sent[1]["body"]))


async def test_what_was_ignored_is_named_where_leniency_was_asked_for() -> None:
    body = '{"name": "Ann", "nmae": 1, "größe": 2}'.encode()

    exchange = await call(
        "POST", "/greetings", body, Content_Type="application/json", Prefer="wait=3, handling=lenient"
    )

    assert exchange.status == 200
    assert exchange.headers["preference-applied"] == "handling=lenient"
    assert exchange.headers["fleetwrite-ignored-fields"] == "nmae, gr%C3%B6%C3%9Fe"


async def test_an_unforeseen_error_is_answered_without_a_word_about_it_and_logged() -> None:
    with structlog.testing.capture_logs(processors=[structlog.contextvars.merge_contextvars]) as logs:
        exchange = await call("GET", "/broken", X_Request_ID="mine")

    assert (exchange.status, exchange.json) == (500, {"message": "Internal Server Error"})
    failure, access = logs
    assert failure["log_level"] == "error"
    assert failure["request_id"] == "mine"
    assert (access["path"], access["status"], access["request_id"]) == ("/broken", 500, "mine")


async def test_an_answer_that_cannot_be_written_is_an_unforeseen_error() -> None:
    exchange = await call("GET", "/nonsense")

    assert (exchange.status, exchange.json) == (500, {"message": "Internal Server Error"})


def stays_connected() -> Callable[[], Awaitable[Any]]:
    """A client that has sent its request and reads."""
    messages = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> Any:
        return messages.pop() if messages else await asyncio.Event().wait()

    return receive


async def test_an_answer_in_pieces_is_sent_piece_by_piece() -> None:
    exchange = await call("GET", "/lines", receive=stays_connected())

    assert (exchange.status, exchange.headers["content-type"]) == (200, "text/csv")
    assert "content-length" not in exchange.headers
    assert [message["body"] for message in exchange.sent[1:]] == [b"a,b\r\n", b"1,2\r\n", b""]
    assert exchange.is_complete


async def test_an_answer_without_pieces_is_empty() -> None:
    exchange = await call("GET", "/no-lines", receive=stays_connected())

    assert (exchange.status, exchange.body, exchange.is_complete) == (200, b"", True)


async def test_of_an_answer_in_pieces_a_head_request_gets_the_headers() -> None:
    exchange = await call("HEAD", "/lines")

    assert (exchange.status, exchange.headers["content-type"], exchange.body) == (200, "text/csv", b"")
    assert exchange.is_complete


async def test_what_fails_before_the_first_piece_is_an_unforeseen_error() -> None:
    exchange = await call("GET", "/broken-lines", receive=stays_connected())

    assert (exchange.status, exchange.json) == (500, {"message": "Internal Server Error"})


async def test_an_answer_that_fails_later_breaks_off_so_that_nobody_takes_it_for_the_whole() -> None:
    exchange = Exchange()
    scope = {"type": "http", "method": "GET", "path": "/broken-off-lines", "query_string": b"", "headers": []}
    with structlog.testing.capture_logs() as logs, pytest.raises(ZeroDivisionError):
        await create_app(SERVICES, ENDPOINTS)(scope, stays_connected(), exchange.send)

    assert (exchange.status, exchange.body, exchange.is_complete) == (200, b"a,b\r\n", False)
    assert [(entry["event"], entry["log_level"]) for entry in logs] == [("answer broke off", "error")]


async def test_nothing_more_is_made_for_a_client_that_hangs_up() -> None:
    gone = asyncio.Event()

    class Reader(Exchange):
        async def send(self, message: Any) -> None:
            await super().send(message)
            if len(self.sent) == 5:
                gone.set()

    async def receive() -> Any:
        await gone.wait()
        return {"type": "http.disconnect"}

    reader = Reader()
    scope = {"type": "http", "method": "GET", "path": "/endless-lines", "query_string": b"", "headers": []}
    await create_app(SERVICES, ENDPOINTS)(scope, receive, reader.send)

    assert reader.status == 200


async def test_a_body_that_is_no_json_is_handed_on_as_it_came_up_to_the_endpoints_own_bound() -> None:
    taken = await call("POST", "/lines", b"x" * 1_000_000, Content_Type="text/csv; charset=utf-8")
    assert (taken.status, taken.json) == (200, {"bytes": 1_000_000})

    refused = await call("POST", "/lines", b"x" * 1_000_001, Content_Type="text/csv")
    assert (refused.status, "1000000 bytes" in refused.json["detail"]) == (413, True)
    assert (await call("POST", "/lines", b"{}", Content_Type="application/json")).status == 415


async def test_an_unknown_path_is_not_found() -> None:
    exchange = await call("GET", "/elsewhere")

    assert (exchange.status, exchange.json["code"]) == (404, 404)


@pytest.mark.parametrize(
    ("method", "path", "allowed"), [("DELETE", "/greetings", "POST"), ("POST", "/broken", "GET, HEAD")]
)
async def test_another_method_is_told_the_right_ones(method: str, path: str, allowed: str) -> None:
    exchange = await call(method, path)

    assert exchange.status == 405
    assert exchange.headers["allow"] == allowed


async def test_nobody_is_answered_who_has_hung_up() -> None:
    async def hang_up() -> Any:
        return {"type": "http.disconnect"}

    exchange = await call("POST", "/greetings", receive=hang_up, Content_Type="application/json")

    assert exchange.sent == []


async def test_a_web_socket_is_closed() -> None:
    exchange = Exchange()

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    await create_app(SERVICES, ENDPOINTS)(
        {"type": "websocket", "path": "/greetings", "headers": []}, receive, exchange.send
    )

    assert exchange.sent == [{"type": "websocket.close", "code": 1000}]
