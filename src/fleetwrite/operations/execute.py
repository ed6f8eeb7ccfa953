"""One attempt at an operation: send it, or first find out what became of the attempt before."""

import asyncio
from collections.abc import Mapping
from typing import Final

import msgspec

from fleetwrite.connections.errors import BadConnectionFieldsError, ConnectionDeletedError
from fleetwrite.connections.logins import Logins
from fleetwrite.connections.outage_models import Reach, Sign
from fleetwrite.connectors.sdk.connector import LoginRefusedError, ProviderAnswerError
from fleetwrite.connectors.sdk.outcome import (
    AuthFailed,
    Forbidden,
    Outcome,
    Rejected,
    Throttled,
    Transient,
    Uncertain,
)
from fleetwrite.connectors.sdk.write import Call, UnofferedWriteError, UntranslatableWriteError
from fleetwrite.contract.enums import ResourceOperationErrorTypeEnum as Category
from fleetwrite.dispatch.backoff import Backoff
from fleetwrite.dispatch.errors import SlotTimeoutError
from fleetwrite.dispatch.models import Job
from fleetwrite.kit.egress import AnswerLostError, Egress, HttpAnswer, NotSentError
from fleetwrite.kit.errors import FleetwriteError
from fleetwrite.operations.conclusion import Conclusions, Ending, Expired, Withheld
from fleetwrite.operations.models import Settlement, Success, Task, Unready
from fleetwrite.operations.reconcile import Attempt, NotTried, Reconciler, Verdict
from fleetwrite.operations.session import Patience, ProviderSession, Slots
from fleetwrite.vault.errors import SealBrokenError

ANSWER_S: Final = 5.0
"""What a slot must leave of a caller's patience: a call begun later might be cut short before its answer, and then
nobody knows. On bad days providers take a second or two."""

_NOT_ARRIVED: Final = Verdict(outcome=Transient(details="it did not reach the provider", error_type=Category.NETWORK))


class ExecuteSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How attempts are made.

    Attributes:
        backoff: how long to wait after one that could not even be prepared.
        backoffs: how long to wait after one that failed, by the provider's slug.
        provider_timeout_s: after so many seconds the answer of a call counts as lost, unless the manifest says sooner.
        read_timeout_s: the same for a look at the provider.
        slot_wait_s: how long an attempt waits for a slot before it goes back into its lane.
        attempt_lasts_s: after so many seconds no further call of an attempt is begun.
    """

    backoff: Backoff
    backoffs: Mapping[str, Backoff]
    provider_timeout_s: float
    read_timeout_s: float
    slot_wait_s: float
    attempt_lasts_s: float


class Executor:
    """Makes attempts. It stores nothing: `settle` does."""

    def __init__(
        self, egress: Egress, slots: Slots, logins: Logins, reconciler: Reconciler, settings: ExecuteSettings
    ) -> None:
        self._egress = egress
        self._slots = slots
        self._logins = logins
        self._reconciler = reconciler
        self._settings = settings
        self._unprepared = Conclusions(settings.backoff)
        self._conclusions = {slug: Conclusions(backoff) for slug, backoff in settings.backoffs.items()}

    async def attempt(
        self, job: Job, task: Task | Unready, within_s: float | None = None, *, spent_s: float = 0.0
    ) -> Settlement:
        """Make one attempt at `task` and say what is to be stored.

        Args:
            job: the claim that allows it.
            task: what to do.
            within_s: seconds until the caller gives up; None for as long as an attempt may last.
            spent_s: how many of them went into other parts of the operation.
        """
        if isinstance(task, Unready):
            return self._unprepared.put_off(job, task)
        conclusions = self._conclusions[task.connector.manifest.slug]
        foregone = conclusions.foregone(job, task)
        if foregone is not None:
            return foregone
        settings = self._settings
        lasts_s, wait_s = settings.attempt_lasts_s, settings.slot_wait_s
        if within_s is not None:
            lasts_s, wait_s = within_s, max(0.0, within_s - spent_s - ANSWER_S)
        started_at = asyncio.get_running_loop().time()
        patience = Patience(
            deadline_at=started_at + lasts_s - spent_s,
            slot_wait_s=wait_s,
            write_timeout_s=min(settings.provider_timeout_s, task.connector.manifest.timeout_s),
            read_timeout_s=settings.read_timeout_s,
        )
        prepaid = job.scopes if job.has_slot else None
        try:
            translation = task.connector.translate(task.write)
            session = ProviderSession(
                self._egress,
                self._slots,
                self._logins,
                task.account,
                task.connector,
                patience,
                prepaid=prepaid,
                made=task.write.made,
            )
        except (SealBrokenError, BadConnectionFieldsError, ConnectionDeletedError) as error:
            outcome: Outcome = _unknown(error) if job.uncertain else AuthFailed(details=str(error))
            return conclusions.of(job, task, Verdict(outcome=outcome))
        except (UntranslatableWriteError, UnofferedWriteError) as error:
            # It could be translated when it was accepted: what it refers to has changed since.
            outcome = _unknown(error) if job.uncertain else Rejected(details=str(error))
            return conclusions.of(job, task, Verdict(outcome=outcome))
        attempt = Attempt(
            job=job,
            task=task,
            translation=translation,
            session=session,
            started_at=started_at,
            deadline_at=patience.deadline_at,
        )
        verdict = await self._verdict(attempt)
        settlement = conclusions.of(job, task, verdict, session)
        made = None if isinstance(settlement.end, Success) else session.made_id
        return msgspec.structs.replace(settlement, sign=_sign(job, task, session, verdict), made=made)

    def has_time(self, within_s: float | None, spent_s: float) -> bool:
        """Whether another part of an operation may be begun so many seconds after its first.

        A sync one needs time for its answer; others shall not have much less of it than the first had.
        """
        if within_s is not None:
            return within_s - spent_s > ANSWER_S
        return spent_s < self._settings.attempt_lasts_s / 2

    def delay_s(self, job: Job, task: Task) -> float:
        """For how long to leave an operation alone after an attempt that failed."""
        return self._conclusions[task.connector.manifest.slug].delay_s(job)

    async def _verdict(self, attempt: Attempt) -> Ending:
        job = attempt.job
        # What was made already is only completed, and those calls may be made twice.
        if job.uncertain and attempt.session.made_id is None:
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
        if found is None and attempt.session.made_id is not None:
            return _cut_short(attempt.session, outcome.details)
        return found or (verdict if isinstance(outcome, Rejected) else _NOT_ARRIVED)

    async def _look_first(self, attempt: Attempt) -> Ending | None:
        """What an uncertain job comes to without being sent; None: it has to be sent."""
        job = attempt.job
        found = await self._reconciler.find(attempt, may_repeat=attempt.may_repeat)
        if attempt.session.made_id is not None:
            return None
        if _is_for_the_operator(attempt, found):
            return Withheld()
        if found is not None:
            return found
        if job.expired:
            return Expired()
        return _NOT_ARRIVED if job.single_attempt else None

    async def _send(self, attempt: Attempt) -> Verdict | NotTried:
        task, session = attempt.task, attempt.session
        call = attempt.translation.with_secrets(task.secrets)
        write = msgspec.structs.replace(task.write, made=session.made_id)
        try:
            outcome = await task.connector.carry_out(write, call, session)
        except (SlotTimeoutError, ProviderAnswerError, NotSentError, AnswerLostError) as error:
            if not session.has_written:
                return _before_the_write(task, session.last_call or call, error)
            return _cut_short(session, str(error), error.answer if isinstance(error, ProviderAnswerError) else None)
        return Verdict(outcome=outcome, answer=session.last_answer, login_refused=isinstance(outcome, AuthFailed))


def _cut_short(session: ProviderSession, reason: str, answer: HttpAnswer | None = None) -> Verdict:
    """What an attempt comes to whose calls could not all be made."""
    if session.made_id is not None:
        # What is left may be made twice.
        outcome: Outcome = Transient(
            details=f"{session.made_id} was made, and is not complete: {reason}", error_type=Category.NETWORK
        )
    else:
        outcome = Uncertain(details=reason)
    return Verdict(outcome=outcome, answer=answer)


def _before_the_write(
    task: Task, call: Call, error: SlotTimeoutError | ProviderAnswerError | NotSentError | AnswerLostError
) -> Verdict | NotTried:
    """What an attempt comes to that did not get as far as to write."""
    match error:
        case SlotTimeoutError():
            return NotTried(wait_s=error.wait_s, barred_since=error.barred_since)
        case LoginRefusedError():
            return Verdict(outcome=AuthFailed(details=str(error)), answer=error.answer, login_refused=True)
        case ProviderAnswerError():
            meaning = task.connector.read_outcome(task.write, call, error.answer)
            if isinstance(meaning, Throttled | AuthFailed | Forbidden | Transient):
                return Verdict(outcome=meaning, answer=error.answer, login_refused=isinstance(meaning, AuthFailed))
            return Verdict(outcome=Transient(details=str(error), error_type=Category.TSP), answer=error.answer)
        case _:
            return Verdict(outcome=Transient(details=str(error), error_type=Category.NETWORK))


def _sign(job: Job, task: Task, session: ProviderSession, verdict: Ending) -> Sign | None:
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


def _refused_repeat(refusal: Rejected, verdict: Verdict) -> Verdict:
    """What was sent again because the connection wants it so, and refused: of the first sending that says nothing."""
    details = f"sent again and refused: {refusal.details}; an earlier attempt may have reached the provider"
    return Verdict(outcome=Uncertain(details=details), answer=verdict.answer, is_final=True)


def _unknown(error: FleetwriteError) -> Uncertain:
    return Uncertain(details=f"it can not be looked up now: {error}")
