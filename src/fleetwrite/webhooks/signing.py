"""One attempt on the wire: envelope, gzip, signature, headers. All as the contract has it, for receivers verify it."""

import base64
import gzip
import hmac
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from fleetwrite.contract.notifications import EventEnvelope
from fleetwrite.webhooks.models import Delivery, SignedRequest

SCHEMA_VERSION: Final = "1.0"
"""Of the envelope and of all event data; the first there is."""

_GZIP_LEVEL: Final = 1
"""An event is a few kilobytes: level 9 makes it about a tenth smaller for several times the CPU."""

_FIXED_HEADERS: Final = {
    "Content-Type": "application/json",
    "Content-Encoding": "gzip",
    "Accept": "application/json",
    # Both names are part of the contract: receivers and their firewalls let through what bears them.
    "User-Agent": "Catena-Webhook",
    "X-Source": "catena-notifications",
    "X-Schema-Version": SCHEMA_VERSION,
}

_ENCODER: Final = msgspec.json.Encoder()


def sign(secret: bytes, timestamp: str, body: bytes) -> str:
    """The value of `X-Catena-Signature` for an unpacked `body`: base64 of HMAC-SHA256 over timestamp, dot and body."""
    return base64.b64encode(hmac.digest(secret, timestamp.encode() + b"." + body, "sha256")).decode()


def envelope(delivery: Delivery, attempt: int) -> bytes:
    """The JSON body of the given attempt (1 or more).

    Id and timestamp are the same in each attempt: a receiver knows repeats by the id. They are the event's, or, where
    several share the delivery, an id of its own and the time of the first. When it was sent is said by the
    `X-Catena-Timestamp` header.
    """
    return _ENCODER.encode(
        EventEnvelope[Any](
            version=SCHEMA_VERSION,
            event_name=delivery.event_name,
            data=[msgspec.Raw(item) for item in delivery.data],
            webhook_id=delivery.subscription_id,
            timestamp=delivery.occurred_at,
            id=delivery.message_id,
            delivery_attempt=attempt,
        )
    )


def signed_request(delivery: Delivery, secret: bytes, *, attempt: int, request_id: UUID) -> SignedRequest:
    """The given attempt (1 or more), signed as of now.

    The time is this machine's and not the database's: a receiver compares it with a clock of its own.
    """
    body = envelope(delivery, attempt)
    timestamp = datetime.now(UTC).isoformat(timespec="seconds")
    headers = {
        **_FIXED_HEADERS,
        "X-Catena-Timestamp": timestamp,
        "X-Catena-Signature": sign(secret, timestamp, body),
        "X-Event-Type": delivery.event_name,
        "X-Webhook-ID": str(delivery.subscription_id),
        "X-Request-ID": str(request_id),
        "X-Delivery-Attempt": str(attempt),
    }
    return SignedRequest(headers, gzip.compress(body, _GZIP_LEVEL, mtime=0))
