import base64
from datetime import UTC, datetime
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetwrite.kit.keyset import START, BadCursorError, Count, Cursor, Place, decode_cursor, encode_cursor

PLACES = st.builds(Place, st.none() | st.datetimes(timezones=st.just(UTC)), st.uuids(), st.none() | st.text())
CURSORS = st.builds(
    Cursor,
    st.booleans(),
    st.none() | PLACES,
    st.text(),
    st.none() | st.builds(Count, st.integers(0, 2**63), st.text()),
)


def packed(value: object) -> str:
    return base64.urlsafe_b64encode(msgspec.msgpack.encode(value)).rstrip(b"=").decode()


@given(cursor=CURSORS)
def test_a_cursor_comes_back_as_it_was_to_the_microsecond(cursor: Cursor) -> None:
    assert decode_cursor(encode_cursor(cursor)) == cursor


@given(cursor=CURSORS)
def test_a_cursor_needs_no_escaping_in_a_url(cursor: Cursor) -> None:
    assert set(encode_cursor(cursor)) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


def test_no_cursor_is_the_start() -> None:
    assert decode_cursor(None) is START


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "not a cursor",
        "%%%",
        "ü",
        "\x00",
        "A" * 10_000,
        packed([True]) + "A",
        packed({"backwards": True}),
        packed([True, None, 1]),
        packed([True, None, "created_at", [-1, ""]]),
        packed([True, None, "created_at", None, 1]),
        packed([True, ["2026-01-01T00:00:00", str(UUID(int=1))]]),
        packed([True, ["2026-01-01T00:00:00Z", "no uuid"]]),
        packed([True, [1, str(UUID(int=1))]]),
    ],
)
def test_garbage_is_no_cursor(text: str) -> None:
    with pytest.raises(BadCursorError, match="no cursor of this list"):
        decode_cursor(text)


@given(text=st.text(max_size=250))
def test_any_text_is_a_cursor_or_refused(text: str) -> None:
    try:
        decode_cursor(text)
    except BadCursorError:
        return


@given(value=st.recursive(st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(), st.lists))
def test_any_packed_value_is_a_cursor_or_refused(value: object) -> None:
    try:
        decode_cursor(packed(value))
    except BadCursorError:
        return


def test_a_place_with_an_aware_time_is_read() -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    assert decode_cursor(packed([False, [at, str(UUID(int=1))]])).place == Place(at, UUID(int=1))
