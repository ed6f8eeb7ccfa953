"""The gateway around handlers that a test brings along, over a bare ASGI call."""

from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
import structlog
from msgspec import Struct

from fleetwrite.api.app import create_app
from fleetwrite.api.endpoint import Answer, ApiRequest, Endpoint, Tag
from fleetwrite.bootstrap import Services

SERVICES: Any = SimpleNamespace()  # no handler here calls a service


class Greeting(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: str


async def greet(_services: Services, request: ApiRequest) -> Answer:
    return Answer(content={"hello": request.body.name}, headers=(("X-Extra", "1"),))


async def break_down(_services: Services, _request: ApiRequest) -> Answer:
    raise ZeroDivisionError("the password is hunter2")


async def answer_nonsense(_services: Services, _request: ApiRequest) -> Answer:
    return Answer(content=object())


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
    def json(self) -> Any:
        return msgspec.json.decode(self.sent[1]["body"])


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
