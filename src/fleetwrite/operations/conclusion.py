"""What is to be stored of an attempt: its log, its operation's end, and what becomes of its job."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

import msgspec

from fleetwrite.connectors.sdk.outcome import (
    Applied,
    AuthFailed,
    Forbidden,
    Rejected,
    Throttled,
    Transient,
    Uncertain,
)
from fleetwrite.contract.enums import ResourceOperationErrorTypeEnum as Category
from fleetwrite.dispatch.backoff import Backoff
from fleetwrite.dispatch.models import Again, Bar, Closing, Finish, Job, Lift, Notice
from fleetwrite.kit.egress import HttpAnswer
from fleetwrite.kit.rate_limit_headers import LONGEST_S
from fleetwrite.operations.models import AttemptLog, Failure, Operation, Settlement, Success, Task, Unready
from fleetwrite.operations.payload import own_fields
from fleetwrite.operations.reconcile import NotTried, Verdict, prefers_repeats
from fleetwrite.operations.session import ProviderSession

SHOWN_HEADERS: Final = re.compile(
    r"retry-after|x-ratelimit-.+|ratelimit(-.+)?|x-request-id|x-correlation-id|x-trace-id", re.IGNORECASE
)
"""The provider's response headers that a log shows; the contract's list."""

_EXPIRED: Final = "expired: the time in which it was worth delivering is over"

_UNREADY: Final = "not_sent: it can not be prepared for sending; the operator of this gateway has to look into it"

_WITHHELD: Final = (
    "outcome_unknown: the database was restored from a backup, and this may have been written after that was made; it"
    " waits until the operator of this gateway has looked"
)

_INTERRUPTED: Final = "outcome_unknown: the process making this attempt ended before it had an answer"


class Expired(msgspec.Struct, frozen=True):
    """Its time is over, and it surely is not at the provider."""


class Withheld(msgspec.Struct, frozen=True):
    """It comes from a backup, and whether it was written since is for the operator to say."""


Ending = Verdict | NotTried | Expired | Withheld
"""What an attempt comes to."""


class Calls(msgspec.Struct, frozen=True, kw_only=True):
    """What the calls of an attempt fell under.

    Attributes:
        last: the scopes of the last one.
        trials: those barred scopes for which the attempt was to find out whether they still are.
    """

    last: tuple[str, ...]
    trials: tuple[str, ...] = ()


class Conclusions:
    """Draws them. `backoff` is how long to wait after a failed attempt."""

    def __init__(self, backoff: Backoff) -> None:
        self._backoff = backoff

    def of(self, job: Job, task: Task, verdict: Ending, session: ProviderSession | None = None) -> Settlement:
        """What is to be stored of an attempt at `task`.

        Args:
            job: the claim that allowed it.
            task: what was to be done.
            verdict: what it came to.
            session: through which it called; None: it did not get that far.
        """
        match verdict:
            case NotTried():
                return self._not_tried(job, task, verdict)
            case Expired():
                text, category = _expiry(task)
                return _ended(job, task.operation, _log(category, text), Failure(may_be_written=False))
            case Withheld():
                return _withheld(job, task.operation)
            case Verdict():
                calls = Calls(last=job.scopes)
                if session is not None and session.last_call is not None:
                    calls = Calls(last=session.last_call.scopes, trials=(*job.trials, *session.trials))
                return self._tried(job, task, verdict, calls)

    def foregone(self, job: Job, task: Task) -> Settlement | None:
        """What is to be stored of a job at which no attempt is to be made any more; None: one is."""
        can_be_looked_up = task.connector.can_look_up(task.write)
        if job.expired and task.write.made is not None:
            text = f"expired: {task.write.made} was made at the provider, and could not be completed in time"
            return _ended(job, task.operation, _log(Category.NETWORK, text), Failure(may_be_written=True))
        if job.expired and not (job.uncertain and can_be_looked_up):
            return _ended_unsent(job, task.operation, *_expiry(task))
        if job.fenced and not (job.single_attempt or can_be_looked_up):
            return _withheld(job, task.operation)
        return None

    def put_off(self, job: Job, unready: Unready) -> Settlement:
        """What is to be stored of a job whose operation can not be prepared."""
        if job.expired:
            return _ended_unsent(job, unready.operation, _EXPIRED, Category.NETWORK)
        if job.single_attempt:
            return _ended_unsent(job, unready.operation, _UNREADY, Category.TSP)
        return _again(job, unready.operation, _log(Category.TSP, _UNREADY), self._later(job))

    def _tried(self, job: Job, task: Task, verdict: Verdict, calls: Calls) -> Settlement:
        outcome, answer, operation = verdict.outcome, verdict.answer, task.operation
        lift = Lift(scopes=calls.trials) if calls.trials else None
        match outcome:
            case Applied():
                return _ended(job, operation, _log(None, None, answer), _success(task, outcome), lift)
            case Rejected():
                log = _log(outcome.error_type, f"rejected: {outcome.details}", answer)
                return _ended(job, operation, log, Failure(may_be_written=False), lift)
            case Throttled():
                closing = self._closing(job, outcome, calls)
                log = _log(Category.TSP, f"throttled: {outcome.details}", answer)
                return _again(job, operation, log, Again(delay_s=closing.for_s, notice=closing))
            case Transient():
                log = _log(outcome.error_type, f"unreachable: {outcome.details}", answer)
                return _again(job, operation, log, self._later(job))
            case AuthFailed():
                log = _log(Category.AUTH, f"auth: {outcome.details}", answer)
                return _again(job, operation, log, self._later(job))
            case Forbidden():
                log = _log(Category.AUTH, f"auth: {outcome.details}", answer)
                return _again(job, operation, log, self._barred(job, calls))
            case Uncertain():
                log = _log(Category.NETWORK, f"outcome_unknown: {outcome.details}", answer)
                return self._unknown(job, task, verdict, log, calls)

    def _unknown(self, job: Job, task: Task, verdict: Verdict, log: AttemptLog, calls: Calls) -> Settlement:
        can_go_on = task.connector.can_look_up(task.write) or prefers_repeats(task)
        if verdict.is_final or not can_go_on:
            return _ended(job, task.operation, log, Failure(may_be_written=True))
        rest_s = task.connector.manifest.reconciliation.settle_s
        closing = None if verdict.refusal is None else self._closing(job, verdict.refusal, calls)
        closed_s = 0.0 if closing is None else closing.for_s
        delay_s = max(self._backoff.delay_s(job.attempts), closed_s, rest_s)
        return _again(job, task.operation, log, Again(delay_s=delay_s, uncertain=True, notice=closing, rest_s=rest_s))

    def _closing(self, job: Job, refusal: Throttled, calls: Calls) -> Closing:
        """What is closed by the refusal of the last call, for as long as the provider says."""
        told_s = refusal.retry_after_s or self._backoff.delay_s(job.attempts)
        return Closing(for_s=min(told_s, LONGEST_S), call=calls.last, scopes=refusal.scopes)

    def _barred(self, job: Job, calls: Calls) -> Again:
        """The narrowest scope of the last call is barred, which lets the job wait: all but one that is looked up first,
        by calls of other scopes.
        """
        narrowest = calls.last[-1]
        delay_s = self._backoff.delay_s(job.attempts) if job.uncertain else 0.0
        return Again(delay_s=delay_s, notice=Bar(scope=narrowest, is_again=narrowest in calls.trials))

    def delay_s(self, job: Job) -> float:
        """For how long to leave it alone after an attempt that failed."""
        return self._backoff.delay_s(job.attempts)

    def _later(self, job: Job) -> Again:
        return Again(delay_s=self.delay_s(job))

    def _not_tried(self, job: Job, task: Task, verdict: NotTried) -> Settlement:
        if job.single_attempt and not job.uncertain:
            if verdict.barred_since is not None:
                text = f"{_denied(verdict.barred_since)}; the next attempt may be made in {verdict.wait_s:.0f} s"
                return not_sent(job, task.operation, text, Category.AUTH)
            text = f"the provider's limits leave no room now; the next slot comes free in {verdict.wait_s:.1f} s"
            return not_sent(job, task.operation, text)
        again = Again(delay_s=verdict.wait_s, uncertain=job.uncertain, attempted=job.interrupted)
        return Settlement(job=job, operation=task.operation, disposition=again, logs=inherited(job), end=None)


def not_sent(job: Job, operation: Operation, reason: str, category: Category = Category.TSP) -> Settlement:
    """What is to be stored of a job that is not to be tried at all."""
    return _ended_unsent(job, operation, f"not_sent: {reason}", category)


def _expiry(task: Task) -> tuple[str, Category]:
    """How the operation ends whose time is over, and under which category."""
    if task.refused_since is not None:
        text = f"the provider refused the connection's login since {_text(task.refused_since)}"
    elif task.barred_since is not None:
        text = _denied(task.barred_since)
    else:
        return _EXPIRED, Category.NETWORK
    return f"auth: {text}, until its time was over", Category.AUTH


def _denied(since: datetime) -> str:
    return f"the connection's login has no right to such writes at the provider since {_text(since)}"


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds")


def _withheld(job: Job, operation: Operation) -> Settlement:
    again = Again(delay_s=0, uncertain=True, withheld=True)
    return _again(job, operation, _log(Category.NETWORK, _WITHHELD), again)


def called_off(job: Job, operation: Operation, reason: str, reached: int = 0) -> Settlement:
    """What is to be stored of a job that surely was not written, and that is to be tried no more.

    Args:
        job: what is ended.
        operation: what was to be done.
        reason: why.
        reached: of a fan-out: how many recipients have it.
    """
    all_of_them = f" to all: {reached} recipients were reached before" if reached else ""
    log = _log(Category.VALIDATION, f"cancelled: {reason}{all_of_them}")
    return _ended(job, operation, log, Failure(may_be_written=False))


def given_up(job: Job, operation: Operation, reason: str) -> Settlement:
    """What is to be stored of a job that may have been written, and that somebody wants to be tried no more."""
    log = _log(Category.NETWORK, f"outcome_unknown: {reason}")
    return _ended(job, operation, log, Failure(may_be_written=True))


def _ended_unsent(job: Job, operation: Operation, text: str, category: Category) -> Settlement:
    if job.uncertain:
        text = f"outcome_unknown: {text}; an earlier attempt may have reached the provider"
    return _ended(job, operation, _log(category, text), Failure(may_be_written=job.uncertain))


def _again(job: Job, operation: Operation, log: AttemptLog, again: Again) -> Settlement:
    """Another try, unless this was the last."""
    if job.single_attempt or job.expired:
        return _ended(job, operation, log, Failure(may_be_written=again.uncertain), again.notice)
    return Settlement(job=job, operation=operation, disposition=again, logs=(*inherited(job), log), end=None)


def _ended(
    job: Job, operation: Operation, log: AttemptLog, end: Success | Failure, notice: Notice | None = None
) -> Settlement:
    finish = Finish(notice=notice)
    return Settlement(job=job, operation=operation, disposition=finish, logs=(*inherited(job), log), end=end)


def inherited(job: Job) -> tuple[AttemptLog, ...]:
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
