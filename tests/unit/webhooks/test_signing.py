import base64
import gzip
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from fleetwrite.webhooks.models import Delivery
from fleetwrite.webhooks.schemes import catena_signature
from fleetwrite.webhooks.signing import envelope, signed_request

DELIVERY = Delivery(
    id=UUID(int=1),
    message_id=UUID("019ddd87-eedd-710f-8000-000000000002"),
    event_name="resource_operation.created",
    occurred_at=datetime(2026, 5, 4, 12, 0, 0, 250000, tzinfo=UTC),
    data=('{"cost": 12.50, "note": "Grüße"}',),
    subscription_id=UUID(int=3),
    url="https://example.com/in",
    secret_sealed=b"",
    tried_since=datetime(2026, 5, 4, 12, tzinfo=UTC),
)


def test_a_known_signature() -> None:
    # Reckoned with: printf '%s' '2024-11-28T10:30:00+00:00.{"a":1}' | openssl dgst -sha256 -hmac k3y -binary | base64
    assert (
        catena_signature(b"k3y", "2024-11-28T10:30:00+00:00", b'{"a":1}')
        == "5/562hkRQzkIwU4n9XPH2xM8Mr6DAqrLPcDTr9UVLpg="
    )


def test_the_envelope_has_the_contract_s_seven_properties() -> None:
    assert json.loads(envelope(DELIVERY, attempt=2)) == {
        "version": "1.0",
        "event_name": "resource_operation.created",
        "data": [{"cost": 12.5, "note": "Grüße"}],
        "webhook_id": str(UUID(int=3)),
        "timestamp": "2026-05-04T12:00:00.250000Z",
        "id": "019ddd87-eedd-710f-8000-000000000002",
        "delivery_attempt": 2,
    }


def test_numbers_keep_every_digit() -> None:
    assert b'"cost": 12.50' in envelope(DELIVERY, attempt=1)


def test_a_retry_differs_in_its_attempt_only() -> None:
    first, second = json.loads(envelope(DELIVERY, attempt=1)), json.loads(envelope(DELIVERY, attempt=2))
    assert first | {"delivery_attempt": 2} == second


def test_the_request_bears_the_contract_s_headers_and_a_signature_of_the_unpacked_body() -> None:
    request_id = UUID(int=9)
    request = signed_request(DELIVERY, b"k3y", attempt=3, request_id=request_id)
    timestamp = request.headers["X-Catena-Timestamp"]
    body = gzip.decompress(request.body)
    digest = hmac.new(b"k3y", timestamp.encode() + b"." + body, hashlib.sha256).digest()
    assert request.headers == {
        "Content-Type": "application/json",
        "Content-Encoding": "gzip",
        "Accept": "application/json",
        "User-Agent": "Catena-Webhook",
        "X-Source": "catena-notifications",
        "X-Schema-Version": "1.0",
        "X-Catena-Timestamp": timestamp,
        "X-Catena-Signature": base64.b64encode(digest).decode(),
        "webhook-id": str(DELIVERY.message_id),
        "webhook-timestamp": str(int(datetime.fromisoformat(timestamp).timestamp())),
        "webhook-signature": request.headers["webhook-signature"],
        "X-Event-Type": "resource_operation.created",
        "X-Webhook-ID": str(UUID(int=3)),
        "X-Request-ID": str(request_id),
        "X-Delivery-Attempt": "3",
    }


def test_the_library_of_standard_webhooks_accepts_the_request() -> None:
    for secret, as_libraries_write_it in (
        (b"any text at all", "whsec_" + base64.b64encode(b"any text at all").decode()),
        (b"whsec_c2VjcmV0IGtleQ==", "whsec_c2VjcmV0IGtleQ=="),
        (b"whsec_c2VjcmV0IGtleQ", "whsec_c2VjcmV0IGtleQ"),
    ):
        request = signed_request(DELIVERY, secret, attempt=1, request_id=UUID(int=9))
        event = Webhook(as_libraries_write_it).verify(gzip.decompress(request.body), dict(request.headers))
        assert event["id"] == request.headers["webhook-id"] == str(DELIVERY.message_id)


def test_while_a_secret_is_replaced_both_sign() -> None:
    request = signed_request(DELIVERY, b"new", attempt=1, request_id=UUID(int=9), old_secret=b"old")
    timestamp, body = request.headers["X-Catena-Timestamp"], gzip.decompress(request.body)
    assert request.headers["X-Catena-Signature"] == catena_signature(b"new", timestamp, body)
    assert request.headers["Fleetwrite-Previous-Signature"] == catena_signature(b"old", timestamp, body)
    for secret in (b"new", b"old"):
        Webhook(secret).verify(body, dict(request.headers))
    with pytest.raises(WebhookVerificationError):
        Webhook(b"another").verify(body, dict(request.headers))


def test_the_timestamp_is_now_in_utc_with_its_offset_spelt_out() -> None:
    timestamp = signed_request(DELIVERY, b"k3y", attempt=1, request_id=UUID(int=9)).headers["X-Catena-Timestamp"]
    assert timestamp.endswith("+00:00")
    assert abs(datetime.now(UTC) - datetime.fromisoformat(timestamp)) < timedelta(minutes=5)
