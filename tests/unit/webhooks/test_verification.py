import gzip
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

import fleetwrite.webhooks
from fleetwrite.contract.notifications import EventEnvelope
from fleetwrite.webhooks import (
    MissingHeaderError,
    TimestampError,
    UnreadableBodyError,
    VerificationError,
    WrongSignatureError,
)
from fleetwrite.webhooks.models import Delivery, SignedRequest
from fleetwrite.webhooks.schemes import catena_signature
from fleetwrite.webhooks.signing import signed_request

SECRET, OLD = "a-secret-of-the-partner's-own", "the-one-before"
DELIVERY = Delivery(
    id=UUID(int=1),
    message_id=UUID("019ddd87-eedd-710f-8000-000000000002"),
    event_name="vehicle.added",
    occurred_at=datetime(2026, 5, 4, 12, tzinfo=UTC),
    data=('{"cost": 12.50, "note": "Grüße"}',),
    tried_since=datetime(2026, 5, 4, 12, tzinfo=UTC),
    subscription_id=UUID(int=3),
    url="https://example.com/in",
    secret_sealed=b"",
)
REQUEST = signed_request(DELIVERY, SECRET.encode(), attempt=2, request_id=UUID(int=9), old_secret=OLD.encode())
BODY = gzip.decompress(REQUEST.body)
SENT_AT = datetime.fromisoformat(REQUEST.headers["X-Catena-Timestamp"])

CONTRACT = ("X-Catena-Timestamp", "X-Catena-Signature")
STANDARD = ("webhook-id", "webhook-timestamp", "webhook-signature")


def verify(
    headers: Mapping[str, str], body: bytes, secrets: str | Sequence[str], *, now: datetime = SENT_AT, **more: Any
) -> EventEnvelope[Any]:
    """As it was when the request was sent, however long ago that is."""
    return fleetwrite.webhooks.verify(headers, body, secrets, now=now, **more)


def only(*names: str) -> dict[str, str]:
    return {name: REQUEST.headers[name] for name in names}


@pytest.mark.parametrize("headers", [REQUEST.headers, only(*CONTRACT), only(*STANDARD)])
@pytest.mark.parametrize("body", [REQUEST.body, BODY])
def test_either_scheme_is_enough_packed_or_not(headers: Mapping[str, str], body: bytes) -> None:
    event = verify(headers, body, SECRET)
    assert event.id == DELIVERY.message_id
    assert event.event_name == "vehicle.added"
    assert event.data == [{"cost": 12.5, "note": "Grüße"}]
    assert event.timestamp == DELIVERY.occurred_at
    assert (event.webhook_id, event.delivery_attempt, event.version) == (DELIVERY.subscription_id, 2, "1.0")


def test_names_of_headers_may_be_spelt_in_any_way() -> None:
    for spell in (str.lower, str.upper, str.title):
        verify({spell(name): value for name, value in REQUEST.headers.items()}, REQUEST.body, SECRET)


def test_while_one_secret_replaces_another_both_are_good() -> None:
    previous = {**only("X-Catena-Timestamp", "Fleetwrite-Previous-Signature")}
    for headers, secrets in (
        (REQUEST.headers, OLD),
        (REQUEST.headers, ["neither", OLD]),
        (only(*STANDARD), OLD),
        (previous, OLD),
        (only(*CONTRACT), [OLD, SECRET]),
    ):
        assert verify(headers, REQUEST.body, secrets).id == DELIVERY.message_id


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Catena-Signature": REQUEST.headers["X-Catena-Signature"]},
        only("X-Catena-Timestamp"),
        {**only(*CONTRACT), "X-Catena-Timestamp": "yesterday"},
        {**only(*CONTRACT), "X-Catena-Timestamp": "2026-05-04T12:00:00"},
        only("webhook-timestamp", "webhook-signature"),
        only("webhook-id", "webhook-signature"),
        {**only(*STANDARD), "webhook-timestamp": "-1"},
        {**only(*STANDARD), "webhook-timestamp": "9" * 400},
        {**only(*STANDARD), "webhook-signature": " "},
    ],
)
def test_what_bears_no_whole_signature_is_told_so(headers: Mapping[str, str]) -> None:
    with pytest.raises(MissingHeaderError):
        verify({"Content-Type": "application/json", **headers}, REQUEST.body, SECRET)


@pytest.mark.parametrize(
    ("headers", "body", "secret"),
    [
        (REQUEST.headers, REQUEST.body, "another"),
        (REQUEST.headers, BODY.replace(b"12.50", b"12.51"), SECRET),
        (REQUEST.headers, json.dumps(json.loads(BODY)).encode(), SECRET),
        ({**only(*CONTRACT), "X-Catena-Timestamp": "2026-05-04T12:00:00+00:00"}, REQUEST.body, SECRET),
        ({**only(*STANDARD), "webhook-id": "another"}, REQUEST.body, SECRET),
        ({**only(*STANDARD), "webhook-timestamp": "1"}, REQUEST.body, SECRET),
        ({**only(*STANDARD), "webhook-signature": "v1,AAAA v2,nonsense \udc80"}, REQUEST.body, SECRET),
        ({**only(*STANDARD), "webhook-signature": REQUEST.headers["X-Catena-Signature"]}, REQUEST.body, SECRET),
    ],
)
def test_what_no_secret_of_ours_signed_is_refused(
    headers: Mapping[str, str], body: bytes, secret: str | list[str]
) -> None:
    with pytest.raises(WrongSignatureError):
        verify(headers, body, secret)


@pytest.mark.parametrize("names", [CONTRACT, STANDARD])
def test_a_recording_and_a_wrong_clock_are_refused(names: tuple[str, ...]) -> None:
    sent_at = datetime.fromisoformat(REQUEST.headers["X-Catena-Timestamp"])
    for off in (timedelta(minutes=5), -timedelta(minutes=5)):
        verify(only(*names), REQUEST.body, SECRET, now=sent_at + off)
        with pytest.raises(TimestampError):
            verify(only(*names), REQUEST.body, SECRET, now=sent_at + off * 1.001)
    verify(only(*names), REQUEST.body, SECRET, now=sent_at + timedelta(hours=1), tolerance=timedelta(hours=2))


@pytest.mark.parametrize("nothing", ["", [], [SECRET, ""]])
def test_a_receiver_that_has_lost_its_secret_is_told_so(nothing: str | list[str]) -> None:
    with pytest.raises(ValueError, match="anybody can sign"):
        verify(REQUEST.headers, REQUEST.body, nothing)


def resigned(body: bytes) -> SignedRequest:
    timestamp = REQUEST.headers["X-Catena-Timestamp"]
    signature = catena_signature(SECRET.encode(), timestamp, body)
    return SignedRequest({"X-Catena-Timestamp": timestamp, "X-Catena-Signature": signature}, body)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (REQUEST.body[:-4], "cut off"),
        (REQUEST.body[:2] + b"nonsense", "can not be unpacked"),
        (gzip.compress(b" " * 11 * 1024 * 1024), "larger than"),
        (b" " * 11 * 1024 * 1024, "larger than"),
        (b"\xff", "UTF-8"),
    ],
)
def test_a_body_that_cannot_be_read_is_told_so(body: bytes, words: str) -> None:
    with pytest.raises(UnreadableBodyError, match=words):
        verify(REQUEST.headers, body, SECRET)


def test_what_is_signed_and_no_event_is_told_so() -> None:
    for body in (b"{}", b"no JSON", b'{"version": 1}'):
        request = resigned(body)
        with pytest.raises(UnreadableBodyError, match="no event"):
            verify(request.headers, request.body, SECRET)


HEADER = st.sampled_from([*CONTRACT, *STANDARD, "Fleetwrite-Previous-Signature"])
VALUE = st.one_of(
    st.text(max_size=40),
    st.sampled_from(list(REQUEST.headers.values())),
    st.datetimes().map(str),
    st.integers().map(str),
    st.from_regex(r"v1,[A-Za-z0-9+/=]*( v1,.*)?"),
)


@given(headers=st.dictionaries(HEADER, VALUE), body=st.one_of(st.binary(max_size=60), st.just(REQUEST.body)))
def test_nothing_that_anybody_sends_is_answered_by_another_error(headers: dict[str, str], body: bytes) -> None:
    with pytest.raises(VerificationError):
        verify(headers, body, "a secret that nobody signs with")


def test_importing_it_brings_along_neither_database_nor_web_framework() -> None:
    code = "import sys, fleetwrite.webhooks; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout.split()
    roots = {name.partition(".")[0] for name in loaded}
    assert "standardwebhooks" in roots
    assert roots.isdisjoint({"asyncpg", "aiohttp", "starlette", "uvicorn", "structlog", "cryptography"})


def test_each_failure_has_a_class_of_its_own() -> None:
    kinds = [MissingHeaderError, TimestampError, UnreadableBodyError, WrongSignatureError]
    assert all(issubclass(kind, VerificationError) for kind in kinds)
    assert {"verify", "VerificationError", *(kind.__name__ for kind in kinds)} == set(fleetwrite.webhooks.__all__)
