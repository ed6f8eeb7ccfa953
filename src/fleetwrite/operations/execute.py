"""One attempt at an operation: send it, or first find out what became of the attempt before."""

import asyncio
import re
from collections.abc import Mapping
from typing import Final

import msgspec

from fleetwrite.connectors.sdk.connector import ProviderAnswerError
from fleetwrite.connectors.sdk.outcome import (
    Absent,
    Applied,
    AuthFailed,
    Found,
    Outcome,
    Rejected,
    Throttled,
    Transient,
    Uncertain,
    Unknowable,
)
from fleetwrite.contract.enums import ResourceOperationErrorTypeEnum as Category
from fleetwrite.dispatch.backoff import Backoff
from fleetwrite.dispatch.errors import SlotTimeoutError
from fleetwrite.dispatch.models import Again, Finish, Job
from fleetwrite.kit.egress import AnswerLostError, Egress, HttpAnswer, NotSentError
from fleetwrite.operations.models import AttemptLog, Failure, Settlement, Success, Task
from fleetwrite.operations.session import ProviderSession, Slots

SHOWN_HEADERS: Final = re.compile(
    r"retry-after|x-ratelimit-.+|ratelimit(-.+)?|x-request-id|x-correlation-id|x-trace-id", re.IGNORECASE
)
"""The provider's response headers that a log shows; the contract's list."""

LONGEST_CLOSING_S: Final = 86_400.0
"""A provider that asks for more than a day of silence has made a mistake; we look again after one."""


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What one attempt came to: the outcome, and the answer it was read from (None: there was none)."""

    outcome: Outcome
    answer: HttpAnswer | None = None


class NotTried(msgspec.Struct, frozen=True, kw_only=True):
    """No slot came free in time: nothing was sent, and nothing counts as tried."""

    wait_s: float


class Executor:
    """Makes attempts. It stores nothing: `settle` does."""

    def __init__(self, egress: Egress, slots: Slots, backoff: Backoff, attempt_lasts_s: float) -> None:
        self._egress = egress
        self._slots = slots
        self._backoff = backoff
        self._attempt_lasts_s = attempt_lasts_s

    async def attempt(self, job: Job, task: Task, within_s: float | None = None) -> Settlement:
        """Make one attempt at `task` and say what is to be stored.

        Args:
            job: the claim that allows it.
            task: what to do.
            within_s: seconds until the caller gives up; None for as long as an attempt may last.
        """
        if job.expired:
            return _ended_unsent(
                job, task, "expired: the time in which it was worth delivering is over", Category.NETWORK
            )
        logs: list[AttemptLog] = []
        if job.interrupted:
            logs.append(
                _log(Category.NETWORK, "outcome_unknown: the process making this attempt ended before it had an answer")
            )
        deadline_at = asyncio.get_running_loop().time() + (self._attempt_lasts_s if within_s is None else within_s)
        session = ProviderSession(
            self._egress,
            self._slots,
            task.account,
            task.connector,
            deadline_at=deadline_at,
            prepaid=job.scopes if job.has_slot else None,
        )
        verdict = await self._reconcile(task, session) if job.uncertain else None
        if verdict is None and job.uncertain and job.single_attempt:
            verdict = Verdict(outcome=Transient(details="it did not reach the provider", error_type=Category.NETWORK))
        if verdict is None:
            verdict = await self._send(task, session)
            if job.uncertain and isinstance(verdict, Verdict) and isinstance(verdict.outcome, Rejected):
                # A provider that says no to the second sending may do so because the first one arrived after all.
                verdict = await self._reconcile(task, session) or verdict
            elif job.single_attempt and isinstance(verdict, Verdict) and isinstance(verdict.outcome, Uncertain):
                # Nobody will come back to a sync write: now is the only time to find out.
                verdict = await self._reconcile(task, session) or Verdict(
                    outcome=Transient(details="it did not reach the provider", error_type=Category.NETWORK)
                )
        return self._settlement(job, task, verdict, tuple(logs))

    async def _send(self, task: Task, session: ProviderSession) -> Verdict | NotTried:
        translation = task.connector.translate(task.write)
        call = translation.with_secrets(task.secrets)
        try:
            answer = await session.call(call)
        except SlotTimeoutError as error:
            return NotTried(wait_s=error.wait_s)
        except NotSentError as error:
            return Verdict(outcome=Transient(details=str(error), error_type=Category.NETWORK))
        except AnswerLostError as error:
            return Verdict(outcome=Uncertain(details=str(error)))
        return Verdict(outcome=task.connector.read_outcome(task.write, translation.call, answer), answer=answer)

    async def _reconcile(self, task: Task, session: ProviderSession) -> Verdict | NotTried | None:
        """What became of an uncertain attempt; None when it surely did not arrive."""
        if not task.connector.can_look_up(task.write):
            return Verdict(outcome=Uncertain(details="the provider keeps nothing by which it could be looked up"))
        try:
            call = task.connector.translate(task.write).call
            finding = await task.connector.look_up(task.write, call, session)
        except SlotTimeoutError as error:
            return NotTried(wait_s=error.wait_s)
        except ProviderAnswerError as error:
            return Verdict(outcome=Uncertain(details=f"looking it up failed: {error}"), answer=error.answer)
        except (NotSentError, AnswerLostError) as error:
            return Verdict(outcome=Uncertain(details=f"looking it up failed: {error}"))
        match finding:
            case Found():
                return Verdict(outcome=Applied(source_id=finding.source_id, source_data=finding.source_data))
            case Absent():
                return None
            case Unknowable():
                return Verdict(outcome=Uncertain(details=finding.reason))

    def _settlement(
        self, job: Job, task: Task, verdict: Verdict | NotTried, logs: tuple[AttemptLog, ...]
    ) -> Settlement:
        if isinstance(verdict, NotTried):
            return self._not_tried(job, task, verdict, logs)
        outcome, answer = verdict.outcome, verdict.answer
        match outcome:
            case Applied():
                end = Success(source_id=outcome.source_id, source_data=outcome.source_data)
                return _settled(job, task, (*logs, _log(None, None, answer)), end)
            case Rejected():
                log = _log(outcome.error_type, f"rejected: {outcome.details}", answer)
                return _settled(job, task, (*logs, log), Failure(may_be_written=False))
            case Throttled():
                closed_s = min(outcome.retry_after_s or self._backoff.delay_s(job.attempts), LONGEST_CLOSING_S)
                log = _log(Category.TSP, f"throttled: {outcome.details}", answer)
                return self._tried(job, task, (*logs, log), Again(delay_s=closed_s, close_lane_s=closed_s))
            case Transient():
                log = _log(outcome.error_type, f"unreachable: {outcome.details}", answer)
                return self._tried(job, task, (*logs, log), self._later(job))
            case AuthFailed():
                log = _log(Category.AUTH, f"auth: {outcome.details}", answer)
                return self._tried(job, task, (*logs, log), self._later(job))
            case Uncertain():
                log = _log(Category.NETWORK, f"outcome_unknown: {outcome.details}", answer)
                if job.single_attempt or not task.connector.can_look_up(task.write):
                    return _settled(job, task, (*logs, log), Failure(may_be_written=True))
                return self._tried(job, task, (*logs, log), self._later(job, uncertain=True))

    def _later(self, job: Job, *, uncertain: bool = False) -> Again:
        return Again(delay_s=self._backoff.delay_s(job.attempts), uncertain=uncertain)

    def _tried(self, job: Job, task: Task, logs: tuple[AttemptLog, ...], again: Again) -> Settlement:
        """Another try, unless the caller wanted one only."""
        if job.single_attempt:
            return _settled(job, task, logs, Failure(may_be_written=again.uncertain))
        return Settlement(job=job, task=task, disposition=again, logs=logs, end=None)

    def _not_tried(self, job: Job, task: Task, verdict: NotTried, logs: tuple[AttemptLog, ...]) -> Settlement:
        if job.single_attempt:
            text = (
                f"not_sent: the provider's limits leave no room now; the next slot comes free in {verdict.wait_s:.1f} s"
            )
            return _settled(job, task, (*logs, _log(Category.TSP, text)), Failure(may_be_written=job.uncertain))
        again = Again(delay_s=verdict.wait_s, uncertain=job.uncertain, attempted=job.interrupted)
        return Settlement(job=job, task=task, disposition=again, logs=logs, end=None)


def not_sent(job: Job, task: Task, reason: str) -> Settlement:
    """What is to be stored of a job that is not to be tried at all."""
    return _ended_unsent(job, task, f"not_sent: {reason}", Category.TSP)


def _ended_unsent(job: Job, task: Task, text: str, category: Category) -> Settlement:
    if job.uncertain:
        text = f"outcome_unknown: {text}; an earlier attempt may have reached the provider"
    return _settled(job, task, (_log(category, text),), Failure(may_be_written=job.uncertain))


def _settled(job: Job, task: Task, logs: tuple[AttemptLog, ...], end: Success | Failure) -> Settlement:
    return Settlement(job=job, task=task, disposition=Finish(), logs=logs, end=end)


def _log(category: Category | None, details: str | None, answer: HttpAnswer | None = None) -> AttemptLog:
    return AttemptLog(
        error_type=category,
        error_details=details,
        response_status_code=None if answer is None else answer.status,
        response_headers=None if answer is None else _shown(answer.headers),
    )


def _shown(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if SHOWN_HEADERS.fullmatch(name)}
