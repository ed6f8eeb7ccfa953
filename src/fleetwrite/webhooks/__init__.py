"""Who is told of events, and the telling: subscriptions, signing, deliveries; and for receivers, `verify`."""

from fleetwrite.webhooks.verification import (
    MissingHeaderError,
    TimestampError,
    UnreadableBodyError,
    VerificationError,
    WrongSignatureError,
    verify,
)

__all__ = [
    "MissingHeaderError",
    "TimestampError",
    "UnreadableBodyError",
    "VerificationError",
    "WrongSignatureError",
    "verify",
]
