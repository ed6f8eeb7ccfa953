from collections.abc import Iterable
from uuid import UUID

import pytest
from starlette.types import Message

from fleetwrite.api.intake import (
    LARGEST_BODY,
    ClientGoneError,
    ContentTooLargeError,
    UnsupportedMediaTypeError,
    check_media_type,
    parse_form,
    read_body,
    read_headers,
    read_path,
)

JSON = "application/json"


class Line:
    """An ASGI `receive` that hands out prepared messages and counts the bytes taken off it."""

    def __init__(self, chunks: Iterable[bytes], *, hangs_up: bool = False) -> None:
        self._messages: list[Message] = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
        if hangs_up:
            self._messages.append({"type": "http.disconnect"})
        elif self._messages:
            self._messages[-1]["more_body"] = False
        self.taken = 0

    async def receive(self) -> Message:
        message = self._messages.pop(0)
        self.taken += len(message.get("body", b""))
        return message


@pytest.mark.parametrize(
    "declared",
    [
        "application/json",
        "Application/JSON",
        "application/json; charset=utf-8",
        'application/json;charset="UTF-8"',
        "application/json;",
    ],
)
def test_json_in_utf_8_is_taken(declared: str) -> None:
    check_media_type({"content-type": declared}, JSON)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"content-type": ""},
        {"content-type": "text/plain"},
        {"content-type": "application/json, application/json"},
        {"content-type": "application/json; charset=latin-1"},
        {"content-type": "application/merge-patch+json"},
        {"content-type": JSON, "content-encoding": "gzip"},
    ],
)
def test_anything_else_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(UnsupportedMediaTypeError):
        check_media_type(headers, JSON)


async def test_a_body_of_the_largest_size_is_read_whole() -> None:
    line = Line([b"a" * (LARGEST_BODY // 2)] * 2)

    assert await read_body({"content-length": str(LARGEST_BODY)}, line.receive) == b"a" * LARGEST_BODY


async def test_a_body_declared_too_large_is_taken_off_the_line_and_refused() -> None:
    line = Line([b"a" * LARGEST_BODY, b"a"])

    with pytest.raises(ContentTooLargeError) as raised:
        await read_body({"content-length": str(LARGEST_BODY + 1)}, line.receive)

    assert raised.value.was_read
    assert line.taken == LARGEST_BODY + 1


async def test_of_an_enormous_declared_body_nothing_is_read() -> None:
    line = Line([b"a"])

    with pytest.raises(ContentTooLargeError) as raised:
        await read_body({"content-length": str(10**12)}, line.receive)

    assert not raised.value.was_read
    assert line.taken == 0


async def test_who_asks_before_sending_is_told_at_once() -> None:
    line = Line([b"a"])

    with pytest.raises(ContentTooLargeError) as raised:
        await read_body({"content-length": str(LARGEST_BODY + 1), "expect": "100-continue"}, line.receive)

    assert not raised.value.was_read
    assert line.taken == 0


async def test_an_endless_stream_is_cut_off() -> None:
    line = Line([b"a" * LARGEST_BODY] * 1000)

    with pytest.raises(ContentTooLargeError) as raised:
        await read_body({}, line.receive)

    assert not raised.value.was_read
    assert line.taken < 50 * LARGEST_BODY


async def test_a_stream_a_little_too_long_is_read_to_its_end() -> None:
    line = Line([b"a" * LARGEST_BODY, b"a", b"b"])

    with pytest.raises(ContentTooLargeError) as raised:
        await read_body({}, line.receive)

    assert raised.value.was_read


async def test_a_client_that_hangs_up_has_sent_no_request() -> None:
    with pytest.raises(ClientGoneError):
        await read_body({}, Line([b"{"], hangs_up=True).receive)


def test_lines_of_one_header_are_joined() -> None:
    scope = {"headers": [(b"prefer", b"wait=1"), (b"x-a", b"\xe9"), (b"prefer", b"handling=lenient")]}

    assert read_headers(scope) == {"prefer": "wait=1, handling=lenient", "x-a": "\xe9"}


def test_ids_of_a_path_are_read_and_faults_named() -> None:
    ids, faults = read_path({"id": "018f3c5e-7a51-7c3e-9d59-0a1b2c3d4e5f", "connection_id": "17\x00"})

    assert ids == {"id": UUID("018f3c5e-7a51-7c3e-9d59-0a1b2c3d4e5f")}
    assert [(fault.path, fault.input) for fault in faults] == [("path.connection_id", "17\\u0000")]


def test_a_form_is_read() -> None:
    assert parse_form(b"grant_type=client_credentials&client_secret=a%2Bb+c&scope=") == {
        "grant_type": "client_credentials",
        "client_secret": "a+b c",
        "scope": "",
    }
    assert parse_form(b"") == {}


@pytest.mark.parametrize("raw", [b"a=1&a=2", b"a=%ff", b"\xff=1", b"no-equals-sign"])
def test_what_is_no_form_is_refused(raw: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_form(raw)
