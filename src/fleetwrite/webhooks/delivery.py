"""Tells receivers: the handler of delivery jobs."""

from collections.abc import Mapping, Sequence
from itertools import compress
from typing import Final
from uuid import UUID

import structlog
from prometheus_client import Counter

from fleetwrite.dispatch.errors import SlotTimeoutError
from fleetwrite.dispatch.models import Again, Closing, Disposition, Finish, Job
from fleetwrite.dispatch.service import Dispatch
from fleetwrite.kit.database import Connection, Database
from fleetwrite.kit.group_commit import GroupCommit
from fleetwrite.webhooks import delivery_store as store
from fleetwrite.webhooks.health import Health
from fleetwrite.webhooks.models import KIND, Attempt, Delivery, DeliverySettings, Ended
from fleetwrite.webhooks.sending import Sender

log = structlog.get_logger(__name__)

_LONGEST_WAIT_FOR_SLOT_S: Final = 0.5
"""Beyond this a job goes back to its lane rather than occupy this process."""

_REST_WHEN_GONE_S: Final = 60.0
"""A delivery that was answered with 410 rests while its subscription is paused, and is due at once when that ends."""

DELIVERY_ATTEMPTS: Final = Counter(
    "fleetwrite_delivery_attempts", "Webhook deliveries tried, by result: success, failure, expired.", ("result",)
)
DEAD_LETTERS: Final = Counter("fleetwrite_dead_letters", "Webhook deliveries given up, which a replay can send again.")


class DeliveryHandler:
    """Delivers at least once: whatever is not answered with 2xx is tried again until its time is over, and is a dead
    letter then.

    Attempts that end at the same moment are stored in one transaction. What they tell of the receiver is acted on
    afterwards: should the process die in between, the next attempt tells it again.
    """

    kind = KIND

    def __init__(
        self, database: Database, dispatch: Dispatch, sender: Sender, health: Health, settings: DeliverySettings
    ) -> None:
        self._database = database
        self._dispatch = dispatch
        self._sender = sender
        self._health = health
        self._settings = settings
        self._endings: GroupCommit[Ended, bool] = GroupCommit(database, self._store)

    async def load(self, connection: Connection, jobs: Sequence[Job]) -> Mapping[UUID, Delivery]:
        """Events, address and sealed secret of each delivery, in one query."""
        deliveries = await store.select_deliveries(connection, [job.id for job in jobs])
        return {delivery.id: delivery for delivery in deliveries}

    async def close(self) -> None:
        """Store what is being stored, and take no more."""
        await self._endings.close()

    async def run(self, job: Job, work: Delivery) -> None:
        """Make one attempt, store what came of it, and act on what it tells of the receiver."""
        if job.expired:
            await self._end(Ended(job=job, disposition=Finish(), attempt=None))
        elif job.has_slot or await self._take_slot(job):
            attempt = await self._sender.send(work, work.earlier_attempts + job.attempts)
            counts = attempt.succeeded or self._settings.counts(job.attempts)
            disposition = self._disposition(job, work, attempt)
            await self._end(Ended(job=job, disposition=disposition, attempt=attempt, counts=counts))
            await self._react(work, attempt, counts=counts)

    async def _take_slot(self, job: Job) -> bool:
        """Whether a job that was claimed without a slot got one; otherwise it went back to its lane."""
        try:
            await self._dispatch.take_slot(job.owner_id, job.scopes, _LONGEST_WAIT_FOR_SLOT_S)
        except SlotTimeoutError as error:
            async with self._database.transaction() as connection:
                await self._dispatch.settle(connection, [(job, Again(delay_s=error.wait_s, attempted=False))])
            return False
        return True

    def _disposition(self, job: Job, delivery: Delivery, attempt: Attempt) -> Disposition:
        if attempt.succeeded:
            return Finish()
        notice = None if attempt.pause_s is None else Closing(for_s=attempt.pause_s, call=job.scopes)
        rest_s = _REST_WHEN_GONE_S if attempt.is_gone else attempt.pause_s or 0.0
        delay_s = max(self._settings.delay_s(job.attempts), rest_s)
        if delivery.is_stale or not self._settings.counts(job.attempts):
            return Again(delay_s=delay_s, notice=notice)
        left_s = (delivery.tried_since + self._settings.lasts - job.claimed_at).total_seconds()
        return Finish(notice=notice) if left_s <= 0 else Again(delay_s=min(delay_s, left_s), notice=notice)

    async def _react(self, delivery: Delivery, attempt: Attempt, *, counts: bool) -> None:
        if attempt.succeeded:
            if delivery.is_stale:
                await self._health.reactivate(delivery.subscription_id)
        elif attempt.is_gone:
            await self._health.pause_gone(delivery.subscription_id)
        elif counts:
            await self._health.review(delivery.subscription_id)

    async def _end(self, ended: Ended) -> None:
        DELIVERY_ATTEMPTS.labels(_result(ended.attempt)).inc()
        if not await self._endings.submit_patiently(ended, self._settings.patience_s):
            log.info("webhooks.lease_lost", delivery_id=str(ended.job.id), attempt=ended.job.attempts)
        elif ended.status == "failed":
            DEAD_LETTERS.inc()
            log.warning("webhooks.dead_letter", delivery_id=str(ended.job.id), subscription_id=str(ended.job.owner_id))

    async def _store(self, connection: Connection, ended: Sequence[Ended]) -> list[bool]:
        """Store what became of each; returns for each whether it was still ours to say."""
        lost = await self._dispatch.settle(connection, [(one.job, one.disposition) for one in ended])
        await store.insert_attempts(connection, ended)
        kept = [one.job.lease not in lost for one in ended]
        await store.update_deliveries(connection, list(compress(ended, kept)))
        return kept


def _result(attempt: Attempt | None) -> str:
    if attempt is None:
        return "expired"
    return "success" if attempt.succeeded else "failure"
