"""For receivers in Python: is this request a delivery of ours, and what does it say?"""

import hmac
import re
import zlib
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from fleetwrite.contract.notifications import EventEnvelope
from fleetwrite.kit.errors import FleetwriteError
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

TOLERANCE: Final = timedelta(minutes=5)
"""How far our clock and the receiver's may differ, and how long a delivery may be under way. The contract's advice."""

LARGEST_BODY: Final = 10 * 1024 * 1024
"""In bytes, unpacked. What the contract's own receivers take; a small body can unpack to a huge one."""

_GZIP_MAGIC: Final = b"\x1f\x8b"
_GZIP: Final = 31  # what zlib calls it: 15 bits of window, and 16 for gzip's head
_SECONDS: Final = re.compile(r"[0-9]{1,11}", re.ASCII)  # since 1970; more of them is beyond the year 5000
_ENVELOPE: Final = msgspec.json.Decoder(EventEnvelope[Any])


class VerificationError(FleetwriteError):
    """This is no delivery of ours, or not one to be trusted. Answer 400 or 401, and do nothing else with it."""


class MissingHeaderError(VerificationError):
    """It bears no signature of either scheme, or one without its timestamp."""


class UnreadableBodyError(VerificationError):
    """The body can not be unpacked, is too large, or, though it is signed, no envelope."""


class WrongSignatureError(VerificationError):
    """No signature was made with a secret of yours: the secret is another one, or the body is not as it was sent."""


class TimestampError(VerificationError):
    """It is genuine, and too old or from the future: played back by somebody, or your clock is wrong."""


def verify(
    headers: Mapping[str, str],
    body: bytes,
    secrets: str | Sequence[str],
    *,
    now: datetime | None = None,
    tolerance: timedelta = TOLERANCE,
) -> EventEnvelope[Any]:
    """Verify a request and return the event that it tells. Its items of `data` are plain Python.

    One good signature of either scheme is enough: who can make one knows the secret.

    Args:
        headers: the request's, however their names are spelt.
        body: as it arrived, byte for byte; packed, or unpacked by your framework.
        secrets: the subscription's secret, or several of them, as while one replaces another.
        now: aware; by default this machine's clock.
        tolerance: by how much the delivery may be older or newer than `now`.

    Raises:
        MissingHeaderError: it is not signed.
        UnreadableBodyError: the body is none.
        WrongSignatureError: it is not signed by one of `secrets`.
        TimestampError: it was not signed just now.
        ValueError: a secret is empty, or there is none.
    """
    keys = [secret.encode() for secret in ([secrets] if isinstance(secrets, str) else secrets)]
    if not keys or not all(keys):
        raise ValueError("verify needs the secret of the webhook: under an empty one anybody can sign.")
    by_name = {name.lower(): value for name, value in headers.items()}
    unpacked = _unpacked(body)
    claims = [
        claim for claim in (_standard_claim(by_name, unpacked), _catena_claim(by_name, unpacked)) if claim is not None
    ]
    if not claims:
        raise MissingHeaderError(
            f"The request bears neither {SIGNATURE} with {TIMESTAMP} nor {STANDARD_SIGNATURE} with {STANDARD_ID} and"
            f" {STANDARD_TIMESTAMP}, or what they say is no time."
        )
    sent_at = next((claim.sent_at for claim in claims if claim.holds(keys)), None)
    if sent_at is None:
        raise WrongSignatureError(
            "No signature of the request was made with this secret over this body. Verify the body as it arrived, not"
            " one that was parsed and written anew."
        )
    age = (now or datetime.now(UTC)) - sent_at
    if abs(age) > tolerance:
        raise TimestampError(f"The request was signed at {sent_at.isoformat()}, more than {tolerance} from now.")
    try:
        return _ENVELOPE.decode(unpacked)
    except msgspec.MsgspecError as error:
        raise UnreadableBodyError(f"The body is signed and yet no event: {error}.") from error


class _Claim(msgspec.Struct, frozen=True):
    """That a body was signed at that time, by one scheme.

    Attributes:
        made_by: the signature that a secret would make.
        signatures: those that the request bears; any will do.
    """

    sent_at: datetime
    made_by: Callable[[bytes], str]
    signatures: Sequence[str]

    def holds(self, secrets: Sequence[bytes]) -> bool:
        """Whether one of the secrets made one of the signatures; takes as long whichever it is."""
        made = [self.made_by(secret).encode() for secret in secrets]
        claimed = [one.encode(errors="backslashreplace") for one in self.signatures]
        return any([hmac.compare_digest(one, other) for one in made for other in claimed])  # noqa: C419 - each is compared


def _catena_claim(headers: Mapping[str, str], body: bytes) -> _Claim | None:
    signatures = [headers[name.lower()] for name in (SIGNATURE, PREVIOUS_SIGNATURE) if name.lower() in headers]
    timestamp = headers.get(TIMESTAMP.lower(), "")
    try:
        sent_at = datetime.fromisoformat(timestamp)
    except ValueError:
        return None
    if not signatures or sent_at.tzinfo is None:
        return None
    return _Claim(sent_at, lambda secret: catena_signature(secret, timestamp, body), signatures)


def _standard_claim(headers: Mapping[str, str], body: bytes) -> _Claim | None:
    signatures = headers.get(STANDARD_SIGNATURE, "").split()
    message_id, timestamp = headers.get(STANDARD_ID, ""), headers.get(STANDARD_TIMESTAMP, "")
    if not (signatures and message_id and message_id.isascii() and _SECONDS.fullmatch(timestamp)):
        return None
    sent_at, text = datetime.fromtimestamp(int(timestamp), UTC), body.decode()
    return _Claim(sent_at, lambda secret: standard_signature(secret, message_id, sent_at, text), signatures)


def _unpacked(body: bytes) -> bytes:
    if not body.startswith(_GZIP_MAGIC):  # no JSON begins so
        unpacked = body
    else:
        gunzip = zlib.decompressobj(wbits=_GZIP)
        try:
            unpacked = gunzip.decompress(body, LARGEST_BODY + 1)
        except zlib.error as error:
            raise UnreadableBodyError(f"The body can not be unpacked: {error}.") from error
        if len(unpacked) <= LARGEST_BODY and not gunzip.eof:
            raise UnreadableBodyError("The body is cut off.")
    if len(unpacked) > LARGEST_BODY:
        raise UnreadableBodyError(f"The body is larger than {LARGEST_BODY} bytes.")
    try:
        unpacked.decode()
    except UnicodeDecodeError as error:
        raise UnreadableBodyError("The body is not UTF-8.") from error
    return unpacked
