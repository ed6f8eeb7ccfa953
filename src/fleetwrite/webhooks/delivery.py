"""Tells receivers: the handler of delivery jobs."""

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import compress
from typing import Final
from uuid import UUID

import structlog
from prometheus_client import Counter

from fleetwrite.dispatch.errors import SlotTimeoutError
from fleetwrite.dispatch.models import Again, Closing, Disposition, Finish, Job
from fleetwrite.dispatch.service import Dispatch
from fleetwrite.kit.database import Connection, Database
from fleetwrite.kit.egress import Egress, EgressError, HttpAnswer
from fleetwrite.kit.group_commit import GroupCommit
from fleetwrite.kit.ids import new_id
from fleetwrite.kit.retry_after import retry_after_s
from fleetwrite.vault.service import Vault
from fleetwrite.webhooks import store
from fleetwrite.webhooks.masking import mask_url
from fleetwrite.webhooks.models import KIND, SECRET_PURPOSE, Attempt, Delivery, DeliverySettings, Ended
from fleetwrite.webhooks.signing import signed_request

log = structlog.get_logger(__name__)

_LONGEST_WAIT_FOR_SLOT_S: Final = 0.5
"""Beyond this a job goes back to its lane rather than occupy this process."""

_LONGEST_PAUSE_S: Final = 3600.0
"""A receiver may ask for longer, but must not put itself out of reach by a mistake in a header."""

_ASK_FOR_PAUSE: Final = frozenset({429, 503})


DELIVERY_ATTEMPTS: Final = Counter(
    "fleetwrite_delivery_attempts", "Webhook deliveries tried, by result: success, failure, expired.", ("result",)
)


class DeliveryHandler:
    """Delivers at least once: whatever is not answered with 2xx is tried again until its time is over.

    Attempts that end at the same moment are stored in one transaction.
    """

    kind = KIND

    def __init__(
        self, database: Database, dispatch: Dispatch, vault: Vault, egress: Egress, settings: DeliverySettings
    ) -> None:
        self._database = database
        self._dispatch = dispatch
        self._vault = vault
        self._egress = egress
        self._settings = settings
        self._endings: GroupCommit[Ended, bool] = GroupCommit(database, self._store)

    async def load(self, connection: Connection, jobs: Sequence[Job]) -> Mapping[UUID, Delivery]:
        """Event, address and sealed secret of each delivery, in one query."""
        deliveries = await store.select_deliveries(connection, [job.id for job in jobs])
        return {delivery.id: delivery for delivery in deliveries}

    async def close(self) -> None:
        """Store what is being stored, and take no more."""
        await self._endings.close()

    async def run(self, job: Job, work: Delivery) -> None:
        """Make one attempt and store what came of it."""
        if job.expired:
            await self._end(Ended(job=job, disposition=Finish(), attempt=None))
        elif job.has_slot or await self._take_slot(job):
            attempt = await self._attempt(job, work)
            await self._end(Ended(job=job, disposition=self._disposition(job, attempt), attempt=attempt))

    async def _take_slot(self, job: Job) -> bool:
        """Whether a job that was claimed without a slot got one; otherwise it went back to its lane."""
        try:
            await self._dispatch.take_slot(job.owner_id, job.scopes, _LONGEST_WAIT_FOR_SLOT_S)
        except SlotTimeoutError as error:
            async with self._database.transaction() as connection:
                await self._dispatch.settle(connection, [(job, Again(delay_s=error.wait_s, attempted=False))])
            return False
        return True

    async def _attempt(self, job: Job, delivery: Delivery) -> Attempt:
        secret = self._opened(delivery, delivery.secret_sealed)
        old_secret = None if delivery.old_secret_sealed is None else self._opened(delivery, delivery.old_secret_sealed)
        attempt_id = new_id()
        request = signed_request(delivery, secret, attempt=job.attempts, request_id=attempt_id, old_secret=old_secret)
        started = time.monotonic()
        try:
            answer = await self._egress.request(
                "POST", delivery.url, headers=request.headers, body=request.body, timeout_s=self._settings.timeout_s
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
        succeeded = 200 <= answer.status < 300
        return Attempt(
            id=attempt_id,
            succeeded=succeeded,
            status_code=answer.status,
            error_message=None if succeeded else f"The receiver answered {answer.status}.",
            response_time_ms=round(answer.elapsed_s * 1000),
            pause_s=_requested_pause_s(answer),
        )

    def _opened(self, delivery: Delivery, sealed: bytes) -> bytes:
        return self._vault.open(sealed, purpose=SECRET_PURPOSE, subject=delivery.subscription_id)

    def _disposition(self, job: Job, attempt: Attempt) -> Disposition:
        if attempt.succeeded:
            return Finish()
        delay_s = self._settings.delay_s(job.attempts)
        if attempt.pause_s is None:
            return Again(delay_s=delay_s)
        return Again(delay_s=max(delay_s, attempt.pause_s), notice=Closing(for_s=attempt.pause_s, call=job.scopes))

    async def _end(self, ended: Ended) -> None:
        DELIVERY_ATTEMPTS.labels(_result(ended.attempt)).inc()
        if not await self._endings.submit_patiently(ended, self._settings.patience_s):
            log.info("webhooks.lease_lost", delivery_id=str(ended.job.id), attempt=ended.job.attempts)

    async def _store(self, connection: Connection, ended: Sequence[Ended]) -> list[bool]:
        """Store what became of each; returns for each whether it was still ours to say."""
        lost = await self._dispatch.settle(connection, [(one.job, one.disposition) for one in ended])
        await store.insert_attempts(connection, ended)
        kept = [one.job.lease not in lost for one in ended]
        await store.update_deliveries(connection, list(compress(ended, kept)))
        return kept


def _requested_pause_s(answer: HttpAnswer) -> float | None:
    """For how long the receiver wants to be left alone; None where it does not say."""
    header = answer.headers.get("Retry-After")
    if answer.status not in _ASK_FOR_PAUSE or header is None:
        return None
    # A date in that header is told by the receiver's clock, for which ours is the nearest.
    pause_s = retry_after_s(header, datetime.now(UTC))
    return None if pause_s is None else min(pause_s, _LONGEST_PAUSE_S)


def _result(attempt: Attempt | None) -> str:
    if attempt is None:
        return "expired"
    return "success" if attempt.succeeded else "failure"
