"""The two ways in which a delivery is signed: the contract's, and that of the Standard Webhooks specification.

Receivers verify with this module, too, so it imports nothing that they would not have anyway.
"""

import base64
import binascii
import hmac
from datetime import datetime
from typing import Final

from standardwebhooks import Webhook

SIGNATURE: Final = "X-Catena-Signature"
TIMESTAMP: Final = "X-Catena-Timestamp"
PREVIOUS_SIGNATURE: Final = "Fleetwrite-Previous-Signature"
"""Ours: what `X-Catena-Signature` would be under the secret that is being replaced. The contract's header has room for
one signature only."""

STANDARD_ID: Final = "webhook-id"
STANDARD_TIMESTAMP: Final = "webhook-timestamp"
STANDARD_SIGNATURE: Final = "webhook-signature"

STANDARD_PREFIX: Final = "whsec_"
"""What secrets of Standard Webhooks begin with; the rest is the key in base64."""


def catena_signature(secret: bytes, timestamp: str, body: bytes) -> str:
    """The value of `X-Catena-Signature` for an unpacked `body`: base64 of HMAC-SHA256 over timestamp, dot and body."""
    return base64.b64encode(hmac.digest(secret, timestamp.encode() + b"." + body, "sha256")).decode()


def standard_signature(secret: bytes, message_id: str, sent_at: datetime, body: str) -> str:
    """One signature of `webhook-signature`, such as `v1,K5oZ...`, for an unpacked `body`."""
    return Webhook(standard_key(secret)).sign(message_id, sent_at, body)


def standard_key(secret: bytes) -> bytes:
    """The key under which Standard Webhooks signs: what `whsec_` and base64 say, else the secret itself.

    Libraries of Standard Webhooks take secrets as `whsec_` and base64 only. So theirs is the secret itself where it has
    that form, and `whsec_` with the base64 of the secret where it has not.
    """
    if not secret.startswith(STANDARD_PREFIX.encode()):
        return secret
    text = secret.removeprefix(STANDARD_PREFIX.encode()).rstrip(b"=")
    try:
        return base64.b64decode(text + b"=" * (-len(text) % 4), validate=True) or secret
    except binascii.Error:
        return secret
