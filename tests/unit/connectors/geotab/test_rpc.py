import msgspec
import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from fleetwrite.connectors.geotab import endpoints, rpc
from fleetwrite.connectors.geotab.connector import CONNECTOR
from fleetwrite.connectors.sdk.wire import Login, Request
from fleetwrite.kit.egress import HttpAnswer

LOGIN = Login(
    base_url="https://my.geotab.com",
    credentials={"username": "gateway@fleet.example", "password": "secret", "database": "fleet"},
)
SESSION = {"database": "fleet", "userName": "gateway@fleet.example", "sessionId": "s1", "path": "ThisServer"}


def answer(body: object, status: int = 200) -> HttpAnswer:
    content = body if isinstance(body, bytes) else msgspec.json.encode(body)
    return HttpAnswer(status, CIMultiDictProxy(CIMultiDict[str]()), content, 0.0)


def body_of(request: Request) -> object:
    assert request.body is not None
    return msgspec.json.decode(request.body)


def logged_in(path: str = "ThisServer", base_url: str = LOGIN.base_url) -> Login:
    return msgspec.structs.replace(LOGIN, base_url=base_url, session={**SESSION, "path": path})


def test_a_login_goes_to_the_root_with_the_password() -> None:
    request = CONNECTOR.render(endpoints.AUTHENTICATE.call(), LOGIN)
    assert (request.method, request.url) == ("POST", "https://my.geotab.com/apiv1")
    assert body_of(request) == {
        "method": "Authenticate",
        "params": {"database": "fleet", "userName": "gateway@fleet.example", "password": "secret"},
    }


def test_every_other_call_carries_the_session_and_not_the_password() -> None:
    request = CONNECTOR.render(endpoints.GET_USER.call(search={"id": "b1"}), logged_in())
    assert body_of(request) == {
        "method": "Get",
        "params": {
            "typeName": "User",
            "search": {"id": "b1"},
            "credentials": {"database": "fleet", "userName": "gateway@fleet.example", "sessionId": "s1"},
        },
    }


@pytest.mark.parametrize(
    ("path", "base_url", "expected"),
    [
        ("ThisServer", "https://my.geotab.com", "https://my.geotab.com/apiv1"),
        ("my23.geotab.com", "https://my.geotab.com", "https://my23.geotab.com/apiv1"),
        ("localhost:4100", "http://127.0.0.1:4100", "http://localhost:4100/apiv1"),
    ],
)
def test_calls_go_where_the_login_led_by_the_same_scheme(path: str, base_url: str, expected: str) -> None:
    assert CONNECTOR.render(endpoints.COUNT_DEVICES.call(), logged_in(path, base_url)).url == expected


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"error": {"data": {"type": "ArgumentException"}, "errors": [{"name": "Older"}]}}, "ArgumentException"),
        ({"error": {"errors": [{"name": "InvalidUserException", "message": "No."}]}}, "InvalidUserException"),
        ({"error": {"message": "No.", "code": -32000}}, ""),
        ({"result": None}, None),
        ({"result": [{"error": {"data": {"type": "Told"}}}]}, None),
        (b"<html>", None),
        ([1], None),
    ],
)
def test_an_error_is_told_by_its_class(body: object, code: str | None) -> None:
    assert rpc.error_code(answer(body)) == code


@pytest.mark.parametrize(
    ("body", "refused"),
    [
        ({"error": {"data": {"type": "InvalidUserException"}}}, True),
        ({"error": {"data": {"type": "InvalidPermissionsException"}}}, False),
        ({"result": "b1"}, False),
    ],
)
def test_only_an_invalid_user_ends_a_session(body: object, refused: bool) -> None:
    assert CONNECTOR.is_login_refused(answer(body)) is refused


def test_an_error_is_described_by_class_and_words() -> None:
    body = {"error": {"message": "Too  long.", "data": {"type": "ArgumentException"}}}
    described = rpc.describe(endpoints.ADD_DEVICE.call(entity={}), answer(body))
    assert described == "HTTP 200 from Geotab to Add Device: ArgumentException: Too long."
