"""What pulls read, stored: each page with its records, its cursor and its events in one transaction."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec
import structlog

from fleetwrite.connections.outage_models import Reach, Sign
from fleetwrite.connections.outages import Outages
from fleetwrite.connectors.sdk.connector import RecordPage
from fleetwrite.contract.enums import ExecutionStatusEnum, ScheduleStatusEnum, StatusEnum
from fleetwrite.contract.notifications import BaseExecutionEvent, BaseScheduleEvent
from fleetwrite.dispatch.errors import LeaseLostError
from fleetwrite.dispatch.models import Again, Disposition, Finish
from fleetwrite.dispatch.service import Dispatch
from fleetwrite.events.models import NewEvent
from fleetwrite.events.store import append
from fleetwrite.kit.database import DATABASE_FAILURES, Connection, Database
from fleetwrite.kit.ids import new_id
from fleetwrite.pulls.metrics import EXECUTIONS, PAGES
from fleetwrite.pulls.models import (
    STUMBLE_DELAYS_S,
    THROTTLED_S,
    Failed,
    Halted,
    LoginRefused,
    Postponed,
    Pull,
    Source,
    Stumbled,
    newest,
)
from fleetwrite.records import schedule_store
from fleetwrite.records.keeping import RecordKeeper
from fleetwrite.records.keeping_store import analyse_if_new
from fleetwrite.records.schedule_models import Execution, Schedule

log = structlog.get_logger(__name__)


class PullStorer:
    """Stores pages, halts and ends. What is stored, is so only by who holds the job's lease.

    Locks: the schedule, the lease, records, what outages lock, and then what dispatch does.
    """

    def __init__(self, database: Database, dispatch: Dispatch, outages: Outages, keeper: RecordKeeper) -> None:
        self._database = database
        self._dispatch = dispatch
        self._outages = outages
        self._keeper = keeper

    async def store_page(
        self, pull: Pull, source: Source, execution: Execution, page: RecordPage, asked_at: datetime, *, more: bool
    ) -> tuple[Execution, datetime, bool]:
        """Store a page.

        Args:
            pull: whose.
            source: where it comes from.
            execution: as it was before.
            page: what was read.
            asked_at: it was not asked for earlier, by the database's clock.
            more: whether this claim goes on with the next page.

        Returns:
            The execution as it is now; the database's time, before which the next page is not asked for; and whether
            this claim is over.

        Raises:
            LeaseLostError: another worker goes on with this pull; nothing was stored.
        """
        connection_id, resource = pull.schedule.connection_id, pull.schedule.resource
        shown = asked_at - timedelta(seconds=source.settle_s)
        if execution.pages == 1:
            async with self._database.acquire() as connection:
                await analyse_if_new(connection)
        async with self._database.transaction() as connection:
            schedule, now = await self._lock(connection, pull)
            left = await self._keeper.keep_listed(connection, connection_id, page.records, shown)
            if page.gone:
                await self._keeper.remove_named(connection, connection_id, resource, page.gone, now, shown)
            seen = [record.source_id for record in page.records]
            marks = source.listing.is_complete and execution.is_whole
            execution = msgspec.structs.replace(
                execution,
                cursor=page.cursor,
                left_some=execution.left_some or left > 0,
                pages=execution.pages + 1,
                failures=0,
                last_data_at=_newest(execution, page, now),
                updated_at=now,
            )
            if page.is_last:
                if marks:
                    # Whoever was written after this may be missing from the pages that were read before.
                    since = execution.created_at - timedelta(seconds=source.settle_s)
                    await self._keeper.remove_unseen(
                        connection,
                        connection_id,
                        resource,
                        execution.id,
                        seen,
                        now,
                        execution.created_at,
                        since,
                        is_steady=source.listing.is_steady,
                    )
                execution = msgspec.structs.replace(execution, status=ExecutionStatusEnum.SUCCESS)
                schedule = _succeeded(schedule, execution, now)
                await self._end(connection, schedule, execution)
            else:
                await schedule_store.upsert_execution(connection, execution)
                if marks and seen:
                    await schedule_store.insert_page(connection, execution.id, execution.pages, seen)
            is_over = not (more and schedule.is_active)
            if is_over:
                await self._settle(
                    connection, pull, _next(schedule, execution, now), _sign(pull, source, Reach.ANSWERED)
                )
        PAGES.labels(resource).inc()
        return execution, now, is_over

    async def halt(self, pull: Pull, source: Source, halted: Halted) -> None:
        """Store that a page could not be read, and what follows.

        Raises:
            LeaseLostError: another worker goes on with this pull; nothing was stored.
        """
        refused = isinstance(halted.halt, LoginRefused)
        reach = Reach.LOGIN_REFUSED if refused else halted.reach
        sign = None if reach is None else _sign(pull, source, reach)
        async with self._database.transaction() as connection:
            schedule, now = await self._lock(connection, pull)
            match halted.halt:
                case Postponed(delay_s):
                    disposition: Disposition = Again(delay_s=delay_s)
                case LoginRefused():
                    # A parked connection's lane is held; where it is the host's doing, it may be over soon.
                    disposition = Again(delay_s=THROTTLED_S)
                case Stumbled(response):
                    disposition = await self._stumble(connection, schedule, halted.execution, response, now)
                case Failed(response):
                    disposition = await self._fail(connection, schedule, halted.execution, response, now, anew=True)
            if not schedule.is_active:
                disposition = Finish()
            await self._settle(connection, pull, disposition, sign)
        if sign is not None and sign.reach is not Reach.ANSWERED:
            await self._review(sign)

    async def fail_unread(self, pull: Pull, execution: Execution, response: Mapping[str, Any]) -> None:
        """Store that the list could not even be asked for, for a reason on our side.

        Raises:
            LeaseLostError: another worker goes on with this pull; nothing was stored.
        """
        async with self._database.transaction() as connection:
            schedule, now = await self._lock(connection, pull)
            disposition = await self._fail(connection, schedule, execution, response, now, anew=False)
            await self._settle(connection, pull, disposition, None)

    async def put_back(self, pull: Pull) -> None:
        """Let the job be as its schedule, where that was not active when it was claimed.

        Raises:
            LeaseLostError: another worker goes on with this pull; nothing was stored.
        """
        async with self._database.transaction() as connection:
            schedule, _ = await self._lock(connection, pull)
            await self._settle(connection, pull, Again(delay_s=0.0) if schedule.is_active else Finish(), None)

    async def _lock(self, connection: Connection, pull: Pull) -> tuple[Schedule, datetime]:
        """The schedule as it is now, and the time.

        Raises:
            LeaseLostError: the lease is gone.
        """
        schedule, now = await schedule_store.lock_schedule(connection, pull.schedule.id)
        if not await self._dispatch.lock_leases(connection, [pull.job]):
            raise LeaseLostError("Another worker took this pull over.")
        return schedule, now

    async def _stumble(
        self,
        connection: Connection,
        schedule: Schedule,
        execution: Execution,
        response: Mapping[str, Any],
        now: datetime,
    ) -> Disposition:
        if execution.failures >= len(STUMBLE_DELAYS_S):
            return await self._fail(connection, schedule, execution, response, now, anew=False)
        delay_s = STUMBLE_DELAYS_S[execution.failures]
        again = msgspec.structs.replace(execution, failures=execution.failures + 1, updated_at=now)
        await schedule_store.upsert_execution(connection, again)
        return Again(delay_s=delay_s)

    async def _fail(
        self,
        connection: Connection,
        schedule: Schedule,
        execution: Execution,
        response: Mapping[str, Any],
        now: datetime,
        *,
        anew: bool,
    ) -> Disposition:
        """End an execution that failed. `anew`: the next one begins at the list's beginning: it may be the cursor that
        the provider does not take.
        """
        failed = msgspec.structs.replace(
            execution, status=ExecutionStatusEnum.FAILED, response=response, updated_at=now
        )
        errors = schedule.consecutive_error_count + 1
        is_too_much = schedule.is_active and errors >= schedule.consecutive_error_threshold
        after = msgspec.structs.replace(
            schedule,
            status=ScheduleStatusEnum.INACTIVE if is_too_much else schedule.status,
            consecutive_error_count=errors,
            cursor=None if anew else schedule.cursor,
            next_execution_at=_begins_next(schedule, execution, now),
        )
        await self._end(connection, after, failed)
        await self._tell_failed(connection, after, failed, is_deactivated=is_too_much)
        log.warning("pulls.failed", schedule_id=str(schedule.id), errors=errors, response=response["error"])
        return _next(after, failed, now)

    async def _end(self, connection: Connection, schedule: Schedule, execution: Execution) -> None:
        """Store an execution that is over, and forget what it saw."""
        EXECUTIONS.labels(schedule.resource, execution.status).inc()
        await schedule_store.upsert_execution(connection, execution)
        await schedule_store.delete_pages(connection, execution.id)
        await schedule_store.update_schedule(connection, schedule)

    async def _settle(self, connection: Connection, pull: Pull, disposition: Disposition, sign: Sign | None) -> None:
        staled = await self._outages.note(connection, [] if sign is None else [sign])
        if isinstance(disposition, Again) and staled:
            disposition = msgspec.structs.replace(disposition, delay_s=0.0)  # the lane waits
        await self._dispatch.settle(connection, [(pull.job, disposition)], hold=staled)

    async def _review(self, sign: Sign) -> None:
        """Let a bad sign have its consequences. Should that fail, the next one will have them."""
        try:
            await self._outages.review(sign)
        except DATABASE_FAILURES as error:
            log.warning("pulls.sign_not_reviewed", host=sign.host, error=str(error))

    async def _tell_failed(
        self, connection: Connection, schedule: Schedule, execution: Execution, *, is_deactivated: bool
    ) -> None:
        events: list[NewEvent] = []
        for row in await schedule_store.select_partners(connection, schedule.connection_id, schedule.resource):
            told: list[tuple[str, msgspec.Struct]] = [
                ("execution.failed", _failed_event(schedule, execution, row)),
            ]
            if is_deactivated:
                told.append(("schedule.deactivated", _deactivated_event(schedule)))
            events += [
                NewEvent(
                    id=new_id(),
                    event_name=name,
                    partner_id=row["partner_id"],
                    fleet_id=row["fleet_id"],
                    fleet_ref=row["fleet_ref"],
                    data=data,
                )
                for name, data in told
            ]
        await append(connection, events)


def _succeeded(schedule: Schedule, execution: Execution, now: datetime) -> Schedule:
    return msgspec.structs.replace(
        schedule,
        # Who tells changes, tells each of them once: what was left alone has to be asked for again.
        cursor=schedule.cursor if execution.left_some else execution.cursor,
        consecutive_error_count=0,
        last_data_at=newest(schedule.last_data_at, execution.last_data_at),
        next_execution_at=_begins_next(schedule, execution, now),
    )


def _begins_next(schedule: Schedule, execution: Execution, now: datetime) -> datetime:
    """When the next execution begins: an interval after this one did, or when somebody has wished it since."""
    if schedule.next_execution_at > execution.created_at:
        return schedule.next_execution_at
    return max(now, execution.created_at + timedelta(seconds=schedule.execution_interval_seconds))


def _next(schedule: Schedule, execution: Execution, now: datetime) -> Disposition:
    """What becomes of the job: an execution under way goes on at once, the next one begins in its time."""
    if not schedule.is_active:
        return Finish()
    if execution.status is ExecutionStatusEnum.PENDING:
        return Again(delay_s=0.0)
    return Again(delay_s=max(0.0, (schedule.next_execution_at - now).total_seconds()))


def _newest(execution: Execution, page: RecordPage, now: datetime) -> datetime | None:
    """The time of the newest data up to this page; what has no time of its own is as new as its reading."""
    instants = [now if record.occurred_at is None else record.occurred_at for record in page.records]
    return newest(execution.last_data_at, *instants)


def _sign(pull: Pull, source: Source, reach: Reach) -> Sign:
    """What a claim tells about the provider's host and the login. A schedule counts once, as an operation does."""
    return Sign(
        connection_id=pull.schedule.connection_id,
        operation_id=pull.schedule.id,
        tsp_slug=source.connector.manifest.slug,
        host=source.host,
        reach=reach,
    )


def _failed_event(schedule: Schedule, execution: Execution, row: Any) -> BaseExecutionEvent:
    return BaseExecutionEvent(
        id=execution.id,
        created_at=execution.created_at,
        updated_at=execution.updated_at,
        schedule_id=schedule.id,
        connection_id=schedule.connection_id,
        fleet_id=row["fleet_id"],
        status=StatusEnum.FAILED,
        source_name=row["source_name"],
        resource=schedule.resource,
    )


def _deactivated_event(schedule: Schedule) -> BaseScheduleEvent:
    return BaseScheduleEvent(
        id=schedule.id,
        connection_id=schedule.connection_id,
        resource=schedule.resource,
        execution_interval_seconds=schedule.execution_interval_seconds,
        status=StatusEnum.INACTIVE,
        consecutive_error_threshold=schedule.consecutive_error_threshold,
        max_concurrent_executions=schedule.max_concurrent_executions,
    )
