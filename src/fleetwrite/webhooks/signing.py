"""One attempt on the wire: envelope, gzip, signatures, headers; the contract's, and beside them Standard Webhooks'."""

import gzip
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from fleetwrite.contract.notifications import EventEnvelope
from fleetwrite.webhooks.catalogue import SCHEMA_VERSION
from fleetwrite.webhooks.models import Delivery, SignedRequest
from fleetwrite.webhooks.schemes import (
    PREVIOUS_SIGNATURE,
    SIGNATURE,
    STANDARD_ID,
    STANDARD_SIGNATURE,
    STANDARD_TIMESTAMP,
    TIMESTAMP,
    catena_signature,
    standard_signature,
)

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


def signed_request(
    delivery: Delivery, secret: bytes, *, attempt: int, request_id: UUID, old_secret: bytes | None = None
) -> SignedRequest:
    """The given attempt (1 or more), signed as of now by both schemes; with `old_secret`, by that as well.

    The time is this machine's and not the database's: a receiver compares it with a clock of its own.
    """
    body = envelope(delivery, attempt)
    sent_at = datetime.now(UTC).replace(microsecond=0)
    timestamp, message_id, text = sent_at.isoformat(), str(delivery.message_id), body.decode()
    secrets = [secret] if old_secret is None else [secret, old_secret]
    headers = {
        **_FIXED_HEADERS,
        TIMESTAMP: timestamp,
        SIGNATURE: catena_signature(secret, timestamp, body),
        STANDARD_ID: message_id,
        STANDARD_TIMESTAMP: str(int(sent_at.timestamp())),
        STANDARD_SIGNATURE: " ".join(standard_signature(one, message_id, sent_at, text) for one in secrets),
        "X-Event-Type": delivery.event_name,
        "X-Webhook-ID": str(delivery.subscription_id),
        "X-Request-ID": str(request_id),
        "X-Delivery-Attempt": str(attempt),
    }
    if old_secret is not None:
        headers[PREVIOUS_SIGNATURE] = catena_signature(old_secret, timestamp, body)
    return SignedRequest(headers, gzip.compress(body, _GZIP_LEVEL, mtime=0))
