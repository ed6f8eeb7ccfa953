"""Schedules by which records are pulled, and their executions."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec

from fleetwrite.contract.enums import ExecutionStatusEnum, ResourceEnum, ScheduleStatusEnum
from fleetwrite.dispatch.models import PRIORITIES, Lane, NewJob

PULL: Final = "pull"
"""The kind of jobs that pull. A schedule has one while it is active, and the job has the schedule's id."""

LASTS: Final = timedelta(days=36_500)
"""A pull is worth doing for as long as its schedule is active."""

INTERVAL_S: Final = 600
"""The contract's default. Records that did not change cost a read at the provider, and no write here."""

ERROR_THRESHOLD: Final = 15
"""The contract's default: two and a half hours at its interval, which outlasts what mends itself."""


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """How often the records of one resource of a connection are pulled.

    Attributes:
        status: only an active one pulls.
        execution_interval_seconds: from the beginning of one execution to that of the next.
        consecutive_error_count: how many executions failed, one after the other.
        consecutive_error_threshold: after so many it becomes inactive.
        max_concurrent_executions: kept for the contract; a list is read page by page, so there is one at a time.
        cursor: where the next execution begins; None: at the beginning of the list.
        last_data_at: the time of the newest data.
        next_execution_at: when the next execution begins; the present one began then, while one is under way.
    """

    id: UUID
    connection_id: UUID
    resource: ResourceEnum
    status: ScheduleStatusEnum
    execution_interval_seconds: int
    consecutive_error_count: int
    consecutive_error_threshold: int
    max_concurrent_executions: int
    cursor: str | None
    last_data_at: datetime | None
    next_execution_at: datetime
    created_at: datetime
    updated_at: datetime

    @property
    def is_active(self) -> bool:
        return self.status is ScheduleStatusEnum.ACTIVE


class NewSchedule(msgspec.Struct, frozen=True, kw_only=True):
    """A schedule about to be made; see `Schedule`."""

    resource: ResourceEnum
    status: ScheduleStatusEnum = ScheduleStatusEnum.ACTIVE
    execution_interval_seconds: int = INTERVAL_S
    consecutive_error_threshold: int = ERROR_THRESHOLD
    max_concurrent_executions: int = 1
    cursor: str | None = None
    last_data_at: datetime | None = None


class Execution(msgspec.Struct, frozen=True, kw_only=True):
    """One run of a schedule.

    Attributes:
        status: pending, from the first page stored to the last.
        is_whole: it reads the whole list, and not what changed since the last time.
        cursor: behind the last page that was stored; None: there is none yet, or the list is at its end.
        left_some: something on its pages was left alone, as it had just been written.
        pages: how many were stored.
        failures: how often one after the other the next page could not be read.
        response: what the provider answered, where it failed.
        last_data_at: the time of the newest data in it.
        created_at: when it began.
    """

    id: UUID
    schedule_id: UUID
    status: ExecutionStatusEnum
    is_whole: bool
    cursor: str | None
    left_some: bool
    pages: int
    failures: int
    response: Mapping[str, Any] | None
    last_data_at: datetime | None
    created_at: datetime
    updated_at: datetime


def pull_job(schedule: Schedule, not_before: datetime | None) -> NewJob:
    """The job of an active schedule. What people wait for goes first, so it is the least urgent that there is."""
    return NewJob(
        id=schedule.id,
        lane=lane_of(schedule.connection_id),
        lasts=LASTS,
        not_before=not_before,
        priority=PRIORITIES[-1],
    )


def lane_of(connection_id: UUID) -> Lane:
    """The lane of a connection's pulls. It has no budget: every call of a pull takes its slots by itself."""
    return Lane(connection_id, PULL, (PULL,))
