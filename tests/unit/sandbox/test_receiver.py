"""The demo's receiver believes genuine deliveries only: otherwise the demo would prove nothing about signatures."""

import base64
import gzip
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta

import pytest

from fleetwrite.sandbox.receiver import RefusedDeliveryError, verify

SECRET = "of-the-subscription"
SECRETS = {"subscription-1": SECRET}
NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
ENVELOPE = {"webhook_id": "subscription-1", "event_name": "resource_operation.succeeded", "data": [{"id": "1"}]}


def _delivery(
    *, secret: str = SECRET, signed_at: datetime = NOW, body: bytes | None = None
) -> tuple[dict[str, str], bytes]:
    body = json.dumps(ENVELOPE).encode() if body is None else body
    timestamp = signed_at.isoformat(timespec="seconds")
    digest = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).digest()
    headers = {
        "X-Webhook-ID": "subscription-1",
        "X-Event-Type": "resource_operation.succeeded",
        "X-Catena-Timestamp": timestamp,
        "X-Catena-Signature": base64.b64encode(digest).decode(),
    }
    return headers, gzip.compress(body)


def test_a_genuine_delivery_is_taken() -> None:
    headers, packed = _delivery()
    assert verify(headers, packed, SECRETS, NOW) == ENVELOPE


def test_a_signature_by_another_secret_is_refused() -> None:
    headers, packed = _delivery(secret="guessed")
    with pytest.raises(RefusedDeliveryError, match="Signature"):
        verify(headers, packed, SECRETS, NOW)


def test_a_changed_body_is_refused() -> None:
    headers, _packed = _delivery()
    packed = gzip.compress(json.dumps({**ENVELOPE, "data": []}).encode())
    with pytest.raises(RefusedDeliveryError, match="Signature"):
        verify(headers, packed, SECRETS, NOW)


def test_a_changed_timestamp_is_refused() -> None:
    headers, packed = _delivery()
    headers["X-Catena-Timestamp"] = (NOW + timedelta(seconds=1)).isoformat()
    with pytest.raises(RefusedDeliveryError, match="Signature"):
        verify(headers, packed, SECRETS, NOW)


@pytest.mark.parametrize("age", [timedelta(minutes=6), timedelta(minutes=-6)])
def test_a_recording_is_refused(age: timedelta) -> None:
    headers, packed = _delivery(signed_at=NOW - age)
    with pytest.raises(RefusedDeliveryError, match="old"):
        verify(headers, packed, SECRETS, NOW)


def test_a_timestamp_without_offset_is_refused() -> None:
    headers, packed = _delivery(signed_at=NOW.replace(tzinfo=None))
    with pytest.raises(RefusedDeliveryError, match="no time with an offset"):
        verify(headers, packed, SECRETS, NOW)


def test_a_subscription_that_is_not_ours_is_refused() -> None:
    headers, packed = _delivery()
    with pytest.raises(RefusedDeliveryError, match="no subscription of ours"):
        verify(headers, packed, {}, NOW)


def test_a_body_that_is_not_packed_is_refused() -> None:
    headers, _packed = _delivery()
    with pytest.raises(RefusedDeliveryError, match="not gzipped"):
        verify(headers, json.dumps(ENVELOPE).encode(), SECRETS, NOW)


def test_a_body_that_is_cut_off_is_refused() -> None:
    headers, packed = _delivery()
    with pytest.raises(RefusedDeliveryError, match="cut off"):
        verify(headers, packed[:-9], SECRETS, NOW)


def test_headers_that_contradict_the_body_are_refused() -> None:
    headers, packed = _delivery()
    headers["X-Event-Type"] = "resource_operation.failed"
    with pytest.raises(RefusedDeliveryError, match="event_name"):
        verify(headers, packed, SECRETS, NOW)
