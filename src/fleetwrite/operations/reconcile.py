"""After a lost answer: find out what became of the attempt before anything else is sent."""

import asyncio
from datetime import datetime, timedelta
from typing import Final

import msgspec

from fleetwrite.connectors.sdk.connector import LoginRefusedError, ProviderAnswerError
from fleetwrite.connectors.sdk.manifest import ON_UNCERTAIN, OnUncertain, Reconciliation
from fleetwrite.connectors.sdk.outcome import (
    Absent,
    Applied,
    AuthFailed,
    Conflict,
    Finding,
    Found,
    Lookalike,
    Outcome,
    Rejected,
    Throttled,
    Uncertain,
    Unknowable,
)
from fleetwrite.connectors.sdk.write import Translation
from fleetwrite.dispatch.errors import SlotTimeoutError
from fleetwrite.dispatch.models import Job
from fleetwrite.kit.egress import AnswerLostError, HttpAnswer, NotSentError
from fleetwrite.operations.evidence import Evidence
from fleetwrite.operations.models import Task
from fleetwrite.operations.session import ProviderSession

_CLAIM_TO_START: Final = timedelta(seconds=5)
"""A claimed job is started or given back within this time (`dispatch.worker.LATEST_START_S`, and loading)."""

_UNTRACEABLE: Final = "the provider keeps nothing by which it could be looked up"


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What one attempt came to.

    Attributes:
        outcome: what it means.
        answer: what it was read from; None: there was no answer.
        refusal: set where the provider refused the look at an uncertain attempt as one call too many.
        is_final: no later look can tell more.
        login_refused: the provider would not even look at it.
    """

    outcome: Outcome
    answer: HttpAnswer | None = None
    refusal: Throttled | None = None
    is_final: bool = False
    login_refused: bool = False


class NotTried(msgspec.Struct, frozen=True, kw_only=True):
    """No slot came free in time: nothing was sent, and nothing counts as tried.

    Attributes:
        wait_s: seconds until one does.
        barred_since: since when the login is denied such calls; None: that is not the reason.
    """

    wait_s: float
    barred_since: datetime | None = None


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt under way.

    Attributes:
        job: the claim that allows it.
        task: what to do.
        translation: how it is said to the provider.
        session: the way there.
        started_at: when it began, by the event loop's clock.
        deadline_at: when nothing more is begun, by the same.
    """

    job: Job
    task: Task
    translation: Translation
    session: ProviderSession
    started_at: float
    deadline_at: float

    @property
    def can_look_up(self) -> bool:
        return self.task.connector.can_look_up(self.task.write)

    @property
    def may_repeat(self) -> bool:
        """Whether it may be sent again though nobody knows: the connection says so, and there is a next time."""
        job = self.job
        return prefers_repeats(self.task) and not (job.single_attempt or job.expired or job.fenced)

    @property
    def manners(self) -> Reconciliation:
        return self.task.connector.manifest.reconciliation

    @property
    def begun_ago(self) -> timedelta:
        """No attempt at this operation that may have reached the provider was begun longer ago."""
        job = self.job
        since = job.claimed_at if job.uncertain_since is None else job.uncertain_since
        now = asyncio.get_running_loop().time()
        return job.claimed_at - since + timedelta(seconds=now - self.started_at) + _CLAIM_TO_START


def prefers_repeats(task: Task) -> bool:
    """Whether the fleet's connection prefers duplicates to gaps."""
    return task.account.connection.settings.get(ON_UNCERTAIN.name) == OnUncertain.RETRY


class Reconciler:
    """Looks at the provider, and where that does not tell, at what we know ourselves."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence

    async def find(self, attempt: Attempt, *, may_repeat: bool = False) -> Verdict | NotTried | None:
        """What became of the attempts before; None when it is surely absent, or made and not complete.

        Args:
            attempt: what is to be found.
            may_repeat: None also where nobody can know.
        """
        if not attempt.can_look_up:
            return None if may_repeat else _unknowable(_UNTRACEABLE)
        task, call = attempt.task, attempt.translation.call
        try:
            finding = await task.connector.look_up(task.write, call, attempt.session, attempt.begun_ago)
        except SlotTimeoutError as error:
            return NotTried(wait_s=error.wait_s)
        except ProviderAnswerError as error:
            meaning = task.connector.read_outcome(task.write, call, error.answer)
            refusal = meaning if isinstance(meaning, Throttled) else None
            unknown = Uncertain(details=f"looking it up failed: {error}")
            login_refused = isinstance(meaning, AuthFailed) or isinstance(error, LoginRefusedError)
            return Verdict(outcome=unknown, answer=error.answer, refusal=refusal, login_refused=login_refused)
        except (NotSentError, AnswerLostError) as error:
            return Verdict(outcome=Uncertain(details=f"looking it up failed: {error}"))
        verdict = await self._judge(attempt, finding)
        return None if may_repeat and isinstance(finding, Found | Unknowable) and _is_unsure(verdict) else verdict

    async def find_at_once(self, attempt: Attempt) -> Verdict | NotTried | None:
        """The same right after an answer was lost, where nobody comes back later: absent only when seen so twice.

        Between the two looks the provider gets the time that it needs to commit what it may still be working on.
        """
        found = await self.find(attempt)
        if found is not None:
            return found
        settle_s = attempt.manners.settle_s
        if asyncio.get_running_loop().time() + settle_s > attempt.deadline_at:
            text = "it is not at the provider yet, and there is no time left to wait whether it still arrives"
            return _unknowable(text)
        await asyncio.sleep(settle_s)
        return await self.find(attempt)

    async def _judge(self, attempt: Attempt, finding: Finding) -> Verdict | None:
        match finding:
            case Found(is_complete=False):
                attempt.session.made(finding.source_id)
                return None
            case Found(sightings=int(sightings)):
                # Counted after the look: whatever of ours it showed has begun by now.
                twins = await self._evidence.count_twins(attempt.task.operation, _window(attempt))
                if sightings <= twins:
                    return _unknowable(
                        f"the provider has {sightings} that say the same, and {twins} other operations of this"
                        " connection may have made them"
                    )
                return Verdict(outcome=Applied(source_id=finding.source_id, source_data=finding.source_data))
            case Found():
                return Verdict(outcome=Applied(source_id=finding.source_id, source_data=finding.source_data))
            case Absent():
                return None
            case Conflict():
                return _conflict(finding.source_id, finding.key)
            case Lookalike():
                if await self._evidence.knew(attempt.task.operation, finding.source_id, attempt.begun_ago):
                    return _conflict(finding.source_id, finding.key)
                # Never sent again, even where repeats are welcome: the provider would refuse it.
                return _unknowable(
                    f"the provider has {finding.source_id} with the same {finding.key} and all that was sent; nothing"
                    " shows whether this write made it"
                )
            case Unknowable():
                return _unknowable(finding.reason)


def _window(attempt: Attempt) -> timedelta:
    """How far back one of ours may have ended and still be taken for this: both it and the bound that it is compared
    with may be dated wrongly.
    """
    return attempt.begun_ago + 2 * timedelta(seconds=attempt.manners.clock_allowance_s)


def _is_unsure(verdict: Verdict | None) -> bool:
    return verdict is not None and isinstance(verdict.outcome, Uncertain)


def _unknowable(reason: str) -> Verdict:
    return Verdict(outcome=Uncertain(details=reason), is_final=True)


def _conflict(source_id: str, key: str) -> Verdict:
    details = f"{source_id} at the provider has the same {key} and was not made by this operation"
    return Verdict(outcome=Rejected(details=details))
