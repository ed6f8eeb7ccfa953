"""Attempts at group messages that are sent in parts: some recipients at a time, and none of them twice.

Which parts are about to be sent is stored before they are, so that a process that dies leaves nothing in doubt but
those. Each goes the way of any other write (`Executor`). What became of them is stored with the settlement.
"""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.contract.enums import ResourceOperationErrorTypeEnum as Category
from fleetwrite.dispatch.errors import LeaseLostError
from fleetwrite.dispatch.models import Again, Disposition, Finish, Job, Lift
from fleetwrite.dispatch.service import Dispatch
from fleetwrite.kit.database import Database
from fleetwrite.operations import part_store
from fleetwrite.operations.conclusion import inherited
from fleetwrite.operations.execute import Executor
from fleetwrite.operations.listing import OutcomeCode
from fleetwrite.operations.models import (
    AttemptLog,
    Failure,
    Part,
    PartState,
    Settlement,
    Success,
    Task,
    Unready,
    outcome_code,
)
from fleetwrite.operations.parts import write_of
from fleetwrite.operations.payload import own_fields

CHUNK: Final = 10
"""So many parts are begun at once. More would keep other work of the lane waiting, and leave more in doubt after a
crash; fewer would cost a claim for each few calls."""

_NAMED: Final = 20
"""So many recipients are named in the text of a failure; the operation's detail has them all."""

_WHY_LENGTH: Final = 200

_OUT_OF_TIME: Final = "not_sent: the other recipients took all the time"
_HELD_UP: Final = "not_sent: what became of another recipient's message stood in the way"
_NOT_LOOKED_UP: Final = "outcome_unknown: there was no time to look it up"
_ABANDONED: Final = "not_sent: the process that was sending ended before the turn of this recipient"


class FanOutExecutor:
    """Makes attempts at operations of all kinds, part by part where they have parts."""

    def __init__(self, database: Database, dispatch: Dispatch, executor: Executor) -> None:
        self._database = database
        self._dispatch = dispatch
        self._executor = executor

    async def attempt(self, job: Job, task: Task | Unready, within_s: float | None = None) -> Settlement:
        """See `Executor.attempt`.

        Raises:
            LeaseLostError: another worker has the job now; nothing more was sent.
        """
        parts: list[Part] = []
        if isinstance(task, Task) and task.operation.resource is ResourceEnum.GROUP_MESSAGE:
            async with self._database.acquire() as connection:
                parts = await part_store.select_parts(connection, job.id)
        if not parts or isinstance(task, Unready):
            return await self._executor.attempt(job, task, within_s)
        round_ = _Round(job, task, parts, self._executor, within_s)
        while chunk := round_.next_chunk():
            if not job.expired:
                await self._begin(job, round_, chunk)
            await round_.send(chunk)
        return round_.settlement()

    async def _begin(self, job: Job, round_: "_Round", chunk: Sequence[Part]) -> None:
        """Store that `chunk` is about to be sent, and what became of those before it."""
        begun = round_.begin(chunk)
        async with self._database.transaction() as connection:
            if job.lease not in await self._dispatch.lock_leases(connection, [job]):
                raise LeaseLostError("Another worker took this operation over before all of its parts were sent.")
            await part_store.update_parts(connection, [(job.id, part) for part in begun])


class _Round:
    """One attempt: what is left to do, and what was done."""

    def __init__(self, job: Job, task: Task, parts: Sequence[Part], executor: Executor, within_s: float | None) -> None:
        self._job = job
        self._task = task
        self._executor = executor
        self._within_s = within_s
        self._started_at = asyncio.get_running_loop().time()
        self._stored = {part.position: part for part in parts}
        self._now = dict(self._stored)
        if job.single_attempt and job.interrupted:
            self._give_up(_ABANDONED, PartState.WAITING)
        # What failed before comes last: it must not keep the others from their turn.
        waiting = [part for part in self._now.values() if part.is_open]
        self._queue = sorted(waiting, key=lambda part: (part.attempts, part.position))
        self._chunks = 0
        self._tried: list[Settlement] = []
        self._cause: Settlement | None = None
        self._stopped_by: Part | None = None

    def next_chunk(self) -> list[Part]:
        """What to send next; empty: this attempt is over."""
        # Nobody comes back to a sync write, and what has expired only has to be ended.
        is_whole = self._job.single_attempt or self._job.expired
        if self._cause is not None or not self._has_time() or (self._chunks and not is_whole):
            return []
        chunk, self._queue = self._queue[:CHUNK], self._queue[CHUNK:]
        self._chunks += 1
        return chunk

    def begin(self, chunk: Sequence[Part]) -> list[Part]:
        """Count an attempt at each; returns all parts that are not stored as they stand."""
        for part in chunk:
            self._now[part.position] = msgspec.structs.replace(
                part, state=PartState.SENDING, attempts=part.attempts + 1, begun_at=self._begun_at(part)
            )
        changed = self._changed()
        self._stored = dict(self._now)
        return changed

    async def send(self, chunk: Sequence[Part]) -> None:
        """Send the parts of `chunk`, one after the other, as long as nothing stands in the way of them all."""
        for part in chunk:
            if self._cause is not None or not self._has_time():
                self._now[part.position] = part
                continue
            settlement = await self._attempt(part)
            self._tried.append(settlement)
            self._now[part.position] = after = _after(part, self._now[part.position], settlement)
            if self._concerns_all(part, after, settlement):
                self._cause, self._stopped_by = settlement, after

    def settlement(self) -> Settlement:
        """What is to be stored of it all."""
        job = self._job
        if job.single_attempt:
            self._give_up(_OUT_OF_TIME if self._cause is None else _HELD_UP, PartState.WAITING)
            self._give_up(_NOT_LOOKED_UP, PartState.SENDING)
        parts = list(self._now.values())
        is_over = not any(part.is_open for part in parts)
        logs = inherited(job)
        end: Success | Failure | None = None
        disposition: Disposition
        if is_over:
            disposition = Finish(notice=None if self._cause is None else self._cause.disposition.notice)
            end = self._end(parts)
            logs += (_summary(parts, self._last_log()),)
        else:
            logs += self._obstacle()
            disposition = self._again(parts, has_failed=len(logs) > 0)
        signs = [one.sign for one in self._tried if one.sign is not None]
        return Settlement(
            job=job,
            operation=self._task.operation,
            disposition=disposition,
            logs=logs,
            end=end,
            sign=signs[-1] if signs else None,
            parts=tuple(self._changed()),
        )

    async def _attempt(self, part: Part) -> Settlement:
        job, task = self._job, self._task
        spent_s = self._spent_s()
        in_doubt = part.state is PartState.SENDING or job.fenced
        is_first = not self._tried
        part_job = msgspec.structs.replace(
            job,
            claimed_at=job.claimed_at + timedelta(seconds=spent_s),
            has_slot=job.has_slot and is_first,
            interrupted=False,
            uncertain=in_doubt,
            uncertain_since=self._begun_at(part) if in_doubt else None,
            trials=job.trials if is_first else (),
        )
        write = write_of(task.write, part)
        recipient = write.references["recipient_id"].source_id
        # What other operations may have sent to this very recipient is what may be mistaken for it.
        payload = {**task.operation.payload, "source_recipient_ids": [recipient]}
        operation = msgspec.structs.replace(task.operation, payload=payload)
        part_task = msgspec.structs.replace(task, write=write, operation=operation)
        return await self._executor.attempt(part_job, part_task, self._within_s, spent_s=spent_s)

    def _concerns_all(self, before: Part, after: Part, settlement: Settlement) -> bool:
        """Whether the others had better wait for what this part taught, or stands in the way of it."""
        if settlement.disposition.notice is not None or isinstance(settlement.disposition, Again):
            return True
        if self._job.expired or before.state is PartState.SENDING or after.state is PartState.DONE:
            return False
        return outcome_code(settlement.logs[-1]) != OutcomeCode.REJECTED

    def _obstacle(self) -> tuple[AttemptLog, ...]:
        """The log of what stood in the way, where something did."""
        if self._cause is None or self._stopped_by is None or isinstance(self._cause.disposition.notice, Lift):
            return ()
        return tuple(_of_recipient(log, self._stopped_by) for log in self._cause.logs)

    def _again(self, parts: Iterable[Part], *, has_failed: bool) -> Again:
        in_doubt = any(part.state is PartState.SENDING for part in parts)
        if self._cause is None:
            return Again(delay_s=0.0, uncertain=in_doubt, attempted=has_failed)
        what = self._cause.disposition
        if isinstance(what, Again):
            return msgspec.structs.replace(what, uncertain=what.uncertain or in_doubt, attempted=has_failed)
        # This part is over. Where a bar was lifted the others can go on; what else it met, they would meet as well.
        delay_s = self._executor.delay_s(self._job, self._task) if has_failed else 0.0
        return Again(delay_s=delay_s, uncertain=in_doubt, notice=what.notice, attempted=has_failed)

    def _end(self, parts: Sequence[Part]) -> Success | Failure:
        missed = [part.state for part in parts if part.state is not PartState.DONE]
        if missed:
            return Failure(may_be_written=PartState.UNKNOWN in missed)
        write = self._task.write
        # The last part that was open has just been done: what its message holds, all of them hold.
        held = {name for made in self._tried if isinstance(made.end, Success) for name in made.end.attributes}
        fields = own_fields(write.body, write.cleared)
        recipients = write.reference_lists["recipient_ids"]
        return Success(
            source_id=f"fleetwrite:{self._task.operation.id.hex}",
            attributes={name: value for name, value in fields.items() if name in {*held, "recipient_ids"}},
            source_data={"messages": {recipients[part.position].source_id: part.source_id for part in parts}},
        )

    def _last_log(self) -> AttemptLog:
        logs = [log for made in self._tried for log in made.logs]
        return logs[-1] if logs else AttemptLog()

    def _begun_at(self, part: Part) -> datetime:
        """Since when this part may be at the provider; nobody knows what was done before a backup was restored."""
        return part.begun_at or (self._task.operation.created_at if self._job.fenced else self._job.claimed_at)

    def _give_up(self, details: str, state: PartState) -> None:
        """End the parts that stand so."""
        end = PartState.UNKNOWN if state is PartState.SENDING else PartState.FAILED
        for position, part in self._now.items():
            if part.state is state:
                self._now[position] = msgspec.structs.replace(part, state=end, details=details)

    def _changed(self) -> list[Part]:
        return [part for position, part in self._now.items() if part != self._stored[position]]

    def _spent_s(self) -> float:
        return asyncio.get_running_loop().time() - self._started_at

    def _has_time(self) -> bool:
        """Whether another part may be begun: it has to have time for its answer."""
        return not self._tried or self._executor.has_time(self._within_s, self._spent_s())


def _after(before: Part, begun: Part, settlement: Settlement) -> Part:
    """A part after an attempt: `before` it, and as it was stored for it."""
    details = settlement.logs[-1].error_details if settlement.logs else before.details
    end, what = settlement.end, settlement.disposition
    if isinstance(end, Success):
        return msgspec.structs.replace(begun, state=PartState.DONE, source_id=end.source_id, details=None)
    if isinstance(end, Failure):
        state = PartState.UNKNOWN if end.may_be_written else PartState.FAILED
        return msgspec.structs.replace(begun, state=state, details=details)
    if isinstance(what, Again) and (what.withheld or not what.attempted):
        return before
    if before.state is PartState.SENDING or (isinstance(what, Again) and what.uncertain):
        return msgspec.structs.replace(begun, details=details)
    return msgspec.structs.replace(begun, state=PartState.WAITING, begun_at=None, details=details)


def _of_recipient(log: AttemptLog, part: Part) -> AttemptLog:
    """The log of one part's attempt as that of the operation."""
    code, _, details = (log.error_details or "").partition(":")
    return msgspec.structs.replace(log, error_details=f"{code}: to recipient {part.recipient_id}:{details}")


def _summary(parts: Sequence[Part], last: AttemptLog) -> AttemptLog:
    """How the operation is told to have ended; `last`: how the last of its parts did."""
    missed = [part for part in parts if part.state is not PartState.DONE]
    if not missed:
        return msgspec.structs.replace(last, error_type=None, error_details=None)
    codes = {(part.details or "").partition(":")[0] for part in missed}
    code = codes.pop() if len(codes) == 1 else OutcomeCode.REJECTED.value
    unknown = sum(part.state is PartState.UNKNOWN for part in missed)
    if unknown:
        code = OutcomeCode.OUTCOME_UNKNOWN.value
    counts = f"{len(parts) - len(missed)} of {len(parts)} recipients were reached, {len(missed) - unknown} not"
    doubt = f"; of {unknown} nobody knows" if unknown else ""
    named = "; ".join(f"{part.recipient_id}: {_short(part.details or '')}" for part in missed[:_NAMED])
    more = f"; and {len(missed) - _NAMED} more" if len(missed) > _NAMED else ""
    return msgspec.structs.replace(
        last, error_type=_CATEGORIES[OutcomeCode(code)], error_details=f"{code}: {counts}{doubt}. {named}{more}"
    )


def _short(text: str) -> str:
    return text if len(text) <= _WHY_LENGTH else f"{text[: _WHY_LENGTH - 1]}…"


_CATEGORIES: Final = {
    OutcomeCode.NOT_SENT: Category.TSP,
    OutcomeCode.REJECTED: Category.VALIDATION,
    OutcomeCode.THROTTLED: Category.TSP,
    OutcomeCode.UNREACHABLE: Category.NETWORK,
    OutcomeCode.AUTH: Category.AUTH,
    OutcomeCode.EXPIRED: Category.NETWORK,
    OutcomeCode.CANCELLED: Category.VALIDATION,
    OutcomeCode.OUTCOME_UNKNOWN: Category.NETWORK,
}
"""Under which category each code stands where it is that of a whole group."""
