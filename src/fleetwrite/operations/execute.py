"""One attempt at an operation: send it, or first find out what became of the attempt before."""

import asyncio
import re
from collections.abc import Mapping
from datetime import UTC
from typing import Final

import msgspec

from fleetwrite.connections.errors import BadConnectionFieldsError
from fleetwrite.connections.outage_models import Reach, Sign
from fleetwrite.connectors.sdk.outcome import (
    Applied,
    AuthFailed,
    Outcome,
    Rejected,
    Throttled,
    Transient,
    Uncertain,
)
from fleetwrite.connectors.sdk.write import UnofferedWriteError, UntranslatableWriteError
from fleetwrite.contract.enums import ResourceOperationErrorTypeEnum as Category
from fleetwrite.dispatch.backoff import Backoff
from fleetwrite.dispatch.errors import SlotTimeoutError
from fleetwrite.dispatch.models import Again, Finish, Job
from fleetwrite.kit.egress import AnswerLostError, Egress, HttpAnswer, NotSentError
from fleetwrite.kit.errors import FleetwriteError
from fleetwrite.operations.models import AttemptLog, Failure, Operation, Settlement, Success, Task, Unready
from fleetwrite.operations.payload import own_fields
from fleetwrite.operations.reconcile import Attempt, NotTried, Reconciler, Verdict, prefers_repeats
from fleetwrite.operations.session import Patience, ProviderSession, Slots
from fleetwrite.vault.errors import SealBrokenError

SHOWN_HEADERS: Final = re.compile(
    r"retry-after|x-ratelimit-.+|ratelimit(-.+)?|x-request-id|x-correlation-id|x-trace-id", re.IGNORECASE
)
"""The provider's response headers that a log shows; the contract's list."""

ANSWER_S: Final = 5.0
"""What a slot must leave of a caller's patience: a call begun later might be cut short before its answer, and then
nobody knows. On bad days providers take a second or two."""

LONGEST_CLOSING_S: Final = 86_400.0
"""A provider that asks for more than a day of silence has made a mistake; we look again after one."""


_EXPIRED: Final = "expired: the time in which it was worth delivering is over"

_UNREADY: Final = "not_sent: it can not be prepared for sending; the operator of this gateway has to look into it"

_WITHHELD: Final = (
    "outcome_unknown: the database was restored from a backup, and this may have been written after that was made; it"
    " waits until the operator of this gateway has looked"
)

_INTERRUPTED: Final = "outcome_unknown: the process making this attempt ended before it had an answer"

_NOT_ARRIVED: Final = Verdict(outcome=Transient(details="it did not reach the provider", error_type=Category.NETWORK))


class Expired(msgspec.Struct, frozen=True):
    """Its time is over, and it surely is not at the provider."""


class Withheld(msgspec.Struct, frozen=True):
    """It comes from a backup, and whether it was written since is for the operator to say."""


class ExecuteSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How attempts are made.

    Attributes:
        backoff: how long to wait after a failed one.
        provider_timeout_s: after so many seconds the answer of a call counts as lost, unless the manifest says sooner.
        read_timeout_s: the same for a look at the provider.
        slot_wait_s: how long an attempt waits for a slot before it goes back into its lane.
        attempt_lasts_s: after so many seconds no further call of an attempt is begun.
    """

    backoff: Backoff
    provider_timeout_s: float
    read_timeout_s: float
    slot_wait_s: float
    attempt_lasts_s: float


class Executor:
    """Makes attempts. It stores nothing: `settle` does."""

    def __init__(self, egress: Egress, slots: Slots, reconciler: Reconciler, settings: ExecuteSettings) -> None:
        self._egress = egress
        self._slots = slots
        self._reconciler = reconciler
        self._settings = settings

    async def attempt(self, job: Job, task: Task | Unready, within_s: float | None = None) -> Settlement:
        """Make one attempt at `task` and say what is to be stored.

        Args:
            job: the claim that allows it.
            task: what to do.
            within_s: seconds until the caller gives up; None for as long as an attempt may last.
        """
        if isinstance(task, Unready):
            return self._put_off(job, task)
        if job.expired and not (job.uncertain and task.connector.can_look_up(task.write)):
            return _ended_unsent(job, task.operation, *_expiry(task))
        if job.fenced and not (job.single_attempt or task.connector.can_look_up(task.write)):
            return _withheld(job, task.operation)
        settings = self._settings
        lasts_s, wait_s = settings.attempt_lasts_s, settings.slot_wait_s
        if within_s is not None:
            lasts_s, wait_s = within_s, max(0.0, within_s - ANSWER_S)
        started_at = asyncio.get_running_loop().time()
        patience = Patience(
            deadline_at=started_at + lasts_s,
            slot_wait_s=wait_s,
            write_timeout_s=min(settings.provider_timeout_s, task.connector.manifest.timeout_s),
            read_timeout_s=settings.read_timeout_s,
        )
        prepaid = job.scopes if job.has_slot else None
        try:
            translation = task.connector.translate(task.write)
            session = ProviderSession(self._egress, self._slots, task.account, task.connector, patience, prepaid)
        except (SealBrokenError, BadConnectionFieldsError) as error:
            outcome: Outcome = _unknown(error) if job.uncertain else AuthFailed(details=str(error))
            return self._settlement(job, task, Verdict(outcome=outcome))
        except (UntranslatableWriteError, UnofferedWriteError) as error:
            # It could be translated when it was accepted: what it refers to has changed since.
            outcome = _unknown(error) if job.uncertain else Rejected(details=str(error))
            return self._settlement(job, task, Verdict(outcome=outcome))
        attempt = Attempt(
            job=job,
            task=task,
            translation=translation,
            session=session,
            started_at=started_at,
            deadline_at=patience.deadline_at,
        )
        verdict = await self._verdict(attempt)
        if isinstance(verdict, Withheld):
            settlement = _withheld(job, task.operation)
        else:
            settlement = self._settlement(job, task, verdict)
        return msgspec.structs.replace(settlement, sign=_sign(job, task, session, verdict))

    async def _verdict(self, attempt: Attempt) -> Verdict | NotTried | Expired | Withheld:
        job = attempt.job
        if job.uncertain:
            known = await self._look_first(attempt)
            if known is not None:
                return known
        verdict = await self._send(attempt)
        if not isinstance(verdict, Verdict):
            return verdict
        outcome = verdict.outcome
        if not isinstance(outcome, Rejected | Uncertain):
            return verdict
        if not attempt.can_look_up:
            return _refused_repeat(outcome, verdict) if job.uncertain and isinstance(outcome, Rejected) else verdict
        # A provider that says no to a second sending may do so because the first one arrived after all; and nobody
        # comes back to a sync write: now is the only time to find out.
        if not (job.uncertain if isinstance(outcome, Rejected) else job.single_attempt):
            return verdict
        look = self._reconciler.find if isinstance(outcome, Rejected) else self._reconciler.find_at_once
        found = await look(attempt)
        if isinstance(found, NotTried):
            # The look had to be left out, but the write was sent: that must not pass for nothing.
            unknown = Uncertain(details=f"no slot came free to look it up after this: {outcome.details}")
            return Verdict(outcome=unknown, answer=verdict.answer)
        return found or (verdict if isinstance(outcome, Rejected) else _NOT_ARRIVED)

    async def _look_first(self, attempt: Attempt) -> Verdict | NotTried | Expired | Withheld | None:
        """What an uncertain job comes to without being sent; None: it has to be sent."""
        job = attempt.job
        found = await self._reconciler.find(attempt, may_repeat=attempt.may_repeat)
        if _is_for_the_operator(attempt, found):
            return Withheld()
        if found is not None:
            return found
        if job.expired:
            return Expired()
        return _NOT_ARRIVED if job.single_attempt else None

    async def _send(self, attempt: Attempt) -> Verdict | NotTried:
        task = attempt.task
        call = attempt.translation.with_secrets(task.secrets)
        try:
            answer = await attempt.session.call(call)
        except SlotTimeoutError as error:
            return NotTried(wait_s=error.wait_s)
        except NotSentError as error:
            return Verdict(outcome=Transient(details=str(error), error_type=Category.NETWORK))
        except AnswerLostError as error:
            return Verdict(outcome=Uncertain(details=str(error)))
        outcome = task.connector.read_outcome(task.write, call, answer)
        # A login that can be refreshed would be refreshed here, and the call made once more.
        return Verdict(outcome=outcome, answer=answer, login_refused=isinstance(outcome, AuthFailed))

    def _settlement(self, job: Job, task: Task, verdict: Verdict | NotTried | Expired) -> Settlement:
        if isinstance(verdict, NotTried):
            return self._not_tried(job, task, verdict)
        if isinstance(verdict, Expired):
            text, category = _expiry(task)
            return _ended(job, task.operation, _log(category, text), Failure(may_be_written=False))
        outcome, answer = verdict.outcome, verdict.answer
        match outcome:
            case Applied():
                return _ended(job, task.operation, _log(None, None, answer), _success(task, outcome))
            case Rejected():
                log = _log(outcome.error_type, f"rejected: {outcome.details}", answer)
                return _ended(job, task.operation, log, Failure(may_be_written=False))
            case Throttled():
                closed_s = min(outcome.retry_after_s or self._settings.backoff.delay_s(job.attempts), LONGEST_CLOSING_S)
                log = _log(Category.TSP, f"throttled: {outcome.details}", answer)
                return _tried(job, task.operation, log, Again(delay_s=closed_s, close_lane_s=closed_s))
            case Transient():
                log = _log(outcome.error_type, f"unreachable: {outcome.details}", answer)
                return _tried(job, task.operation, log, self._later(job))
            case AuthFailed():
                log = _log(Category.AUTH, f"auth: {outcome.details}", answer)
                return _tried(job, task.operation, log, self._later(job))
            case Uncertain():
                log = _log(Category.NETWORK, f"outcome_unknown: {outcome.details}", answer)
                can_go_on = task.connector.can_look_up(task.write) or prefers_repeats(task)
                if verdict.is_final or not can_go_on:
                    return _ended(job, task.operation, log, Failure(may_be_written=True))
                rest_s = task.connector.manifest.reconciliation.settle_s
                delay_s = max(self._settings.backoff.delay_s(job.attempts), verdict.close_s or 0.0, rest_s)
                again = Again(delay_s=delay_s, uncertain=True, close_lane_s=verdict.close_s, rest_s=rest_s)
                return _tried(job, task.operation, log, again)

    def _later(self, job: Job) -> Again:
        return Again(delay_s=self._settings.backoff.delay_s(job.attempts))

    def _put_off(self, job: Job, unready: Unready) -> Settlement:
        if job.expired:
            return _ended_unsent(job, unready.operation, _EXPIRED, Category.NETWORK)
        if job.single_attempt:
            return _ended_unsent(job, unready.operation, _UNREADY, Category.TSP)
        return _tried(job, unready.operation, _log(Category.TSP, _UNREADY), self._later(job))

    def _not_tried(self, job: Job, task: Task, verdict: NotTried) -> Settlement:
        if job.single_attempt and not job.uncertain:
            text = f"the provider's limits leave no room now; the next slot comes free in {verdict.wait_s:.1f} s"
            return not_sent(job, task.operation, text)
        again = Again(delay_s=verdict.wait_s, uncertain=job.uncertain, attempted=job.interrupted)
        return Settlement(job=job, operation=task.operation, disposition=again, logs=_inherited(job), end=None)


def not_sent(job: Job, operation: Operation, reason: str, category: Category = Category.TSP) -> Settlement:
    """What is to be stored of a job that is not to be tried at all."""
    return _ended_unsent(job, operation, f"not_sent: {reason}", category)


def _expiry(task: Task) -> tuple[str, Category]:
    """How the operation ends whose time is over, and under which category."""
    if task.refused_since is None:
        return _EXPIRED, Category.NETWORK
    since = task.refused_since.astimezone(UTC).isoformat(timespec="seconds")
    text = f"auth: the provider refused the connection's login since {since}, until its time was over"
    return text, Category.AUTH


def _sign(
    job: Job, task: Task, session: ProviderSession, verdict: Verdict | NotTried | Expired | Withheld
) -> Sign | None:
    """What the attempt tells about the provider's host and the login; None where no call was made."""
    if session.reach is None:
        return None
    refused = isinstance(verdict, Verdict) and verdict.login_refused
    return Sign(
        connection_id=job.owner_id,
        operation_id=job.id,
        tsp_slug=task.account.connection.tsp_slug,
        host=task.account.host,
        reach=Reach.LOGIN_REFUSED if refused else session.reach,
    )


def _is_for_the_operator(attempt: Attempt, found: Verdict | NotTried | None) -> bool:
    """Whether a look at the provider leaves it open if what a backup brought back was written since."""
    job = attempt.job
    if not job.fenced or job.expired or job.single_attempt:
        return False
    if found is None:
        # An update that is not there may have been overwritten since, by a write that the backup knows nothing of.
        return attempt.task.write.target is not None
    return isinstance(found, Verdict) and found.is_final and isinstance(found.outcome, Uncertain)


def _withheld(job: Job, operation: Operation) -> Settlement:
    again = Again(delay_s=0, uncertain=True, withheld=True)
    return _tried(job, operation, _log(Category.NETWORK, _WITHHELD), again)


def given_up(job: Job, operation: Operation, reason: str) -> Settlement:
    """What is to be stored of a job that may have been written, and that somebody wants to be tried no more."""
    log = _log(Category.NETWORK, f"outcome_unknown: {reason}")
    return _ended(job, operation, log, Failure(may_be_written=True))


def _ended_unsent(job: Job, operation: Operation, text: str, category: Category) -> Settlement:
    if job.uncertain:
        text = f"outcome_unknown: {text}; an earlier attempt may have reached the provider"
    return _ended(job, operation, _log(category, text), Failure(may_be_written=job.uncertain))


def _tried(job: Job, operation: Operation, log: AttemptLog, again: Again) -> Settlement:
    """Another try, unless this was the last."""
    if job.single_attempt or job.expired:
        return _ended(job, operation, log, Failure(may_be_written=again.uncertain), again.close_lane_s)
    return Settlement(job=job, operation=operation, disposition=again, logs=(*_inherited(job), log), end=None)


def _ended(
    job: Job, operation: Operation, log: AttemptLog, end: Success | Failure, close_s: float | None = None
) -> Settlement:
    finish = Finish(close_lane_s=close_s)
    return Settlement(job=job, operation=operation, disposition=finish, logs=(*_inherited(job), log), end=end)


def _inherited(job: Job) -> tuple[AttemptLog, ...]:
    """The log of the attempt before this one, where its process could not write it."""
    return (_log(Category.NETWORK, _INTERRUPTED),) if job.interrupted else ()


def _success(task: Task, outcome: Applied) -> Success:
    lost = {loss.field for loss in task.connector.translate(task.write).losses}
    fields = own_fields(task.write.body, task.write.cleared)
    return Success(
        source_id=outcome.source_id,
        # What the provider could not hold is no attribute of its record.
        attributes={name: value for name, value in fields.items() if name not in lost},
        source_data=outcome.source_data,
    )


def _refused_repeat(refusal: Rejected, verdict: Verdict) -> Verdict:
    """What was sent again because the connection wants it so, and refused: of the first sending that says nothing."""
    details = f"sent again and refused: {refusal.details}; an earlier attempt may have reached the provider"
    return Verdict(outcome=Uncertain(details=details), answer=verdict.answer, is_final=True)


def _unknown(error: FleetwriteError) -> Uncertain:
    return Uncertain(details=f"it can not be looked up now: {error}")


def _log(category: Category | None, details: str | None, answer: HttpAnswer | None = None) -> AttemptLog:
    return AttemptLog(
        error_type=category,
        error_details=None if details is None else _storable(details),
        response_status_code=None if answer is None else answer.status,
        response_headers=None if answer is None else _shown(answer.headers),
    )


def _shown(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: _storable(value) for name, value in headers.items() if SHOWN_HEADERS.fullmatch(name)}


def _storable(text: str) -> str:
    """`text` without what neither JSON nor PostgreSQL can hold: bytes that were no UTF-8, and NUL."""
    return text.encode("utf-8", errors="replace").decode().replace("\0", "\ufffd")
