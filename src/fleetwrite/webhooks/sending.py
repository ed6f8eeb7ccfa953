"""One attempt: signed, sent, and what the receiver said."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from fleetwrite.kit.egress import Egress, EgressError, HttpAnswer
from fleetwrite.kit.ids import new_id
from fleetwrite.kit.retry_after import retry_after_s
from fleetwrite.vault.service import Vault
from fleetwrite.webhooks.masking import MASK, mask_url
from fleetwrite.webhooks.models import SECRET_PURPOSE, Attempt, Delivery
from fleetwrite.webhooks.signing import signed_request

LONGEST_EXCERPT: Final = 500
"""Of an answer, in characters: the message of an error page, not the page."""

_LONGEST_PAUSE_S: Final = 3600.0
"""A receiver may ask for longer, but must not put itself out of reach by a mistake in a header."""

_ASK_FOR_PAUSE: Final = frozenset({429, 503})


class Sender:
    """Sends deliveries to their receivers; stores nothing."""

    def __init__(self, vault: Vault, egress: Egress, *, timeout_s: float) -> None:
        self._vault = vault
        self._egress = egress
        self._timeout_s = timeout_s

    async def send(self, delivery: Delivery, number: int, *, is_test: bool = False) -> Attempt:
        """Make the given attempt (1 or more). Whatever goes wrong is what came of it.

        A test is sent like any other delivery, and says by a header of its own that it is one.
        """
        secret = self._opened(delivery, delivery.secret_sealed)
        old_secret = None if delivery.old_secret_sealed is None else self._opened(delivery, delivery.old_secret_sealed)
        attempt_id = new_id()
        request = signed_request(delivery, secret, attempt=number, request_id=attempt_id, old_secret=old_secret)
        headers = {**request.headers, "Fleetwrite-Test": "true"} if is_test else request.headers
        started = time.monotonic()
        try:
            answer = await self._egress.request(
                "POST", delivery.url, headers=headers, body=request.body, timeout_s=self._timeout_s
            )
        except EgressError as error:
            return Attempt(
                id=attempt_id,
                succeeded=False,
                status_code=None,
                # The message may quote the URL, which may hold a secret.
                error_message=str(error).replace(delivery.url, mask_url(delivery.url)),
                response_time_ms=round((time.monotonic() - started) * 1000),
            )
        excerpt = excerpt_of(answer.body, [secret] if old_secret is None else [secret, old_secret])
        succeeded = 200 <= answer.status < 300
        return Attempt(
            id=attempt_id,
            succeeded=succeeded,
            status_code=answer.status,
            error_message=None if succeeded else _said(answer.status, excerpt),
            response_time_ms=round(answer.elapsed_s * 1000),
            excerpt=excerpt,
            pause_s=_requested_pause_s(answer),
        )

    def _opened(self, delivery: Delivery, sealed: bytes) -> bytes:
        return self._vault.open(sealed, purpose=SECRET_PURPOSE, subject=delivery.subscription_id)


def excerpt_of(body: bytes, secrets: Sequence[bytes]) -> str | None:
    """The beginning of an answer as one line of text that is safe to store and to show; None where it says nothing.

    What cannot be printed is left out, and a receiver that sends a secret of ours back does not get it into a log.
    """
    # Some characters take four bytes, and blanks are still to be folded.
    text = body[: 8 * LONGEST_EXCERPT].decode("utf-8", "replace")
    for secret in secrets:
        text = text.replace(secret.decode(), MASK)
    words = "".join(character if character.isprintable() else " " for character in text).split()
    return " ".join(words)[:LONGEST_EXCERPT] or None


def _said(status: int, excerpt: str | None) -> str:
    return f"The receiver answered {status}." if excerpt is None else f"The receiver answered {status}: {excerpt}"


def _requested_pause_s(answer: HttpAnswer) -> float | None:
    """For how long the receiver wants to be left alone; None where it does not say."""
    header = answer.headers.get("Retry-After")
    if answer.status not in _ASK_FOR_PAUSE or header is None:
        return None
    # A date in that header is told by the receiver's clock, for which ours is the nearest.
    pause_s = retry_after_s(header, datetime.now(UTC))
    return None if pause_s is None else min(pause_s, _LONGEST_PAUSE_S)
