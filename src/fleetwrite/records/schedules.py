"""Makes, changes and ends schedules. What an execution does is `fleetwrite.pulls`."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec

from fleetwrite.audit import trail
from fleetwrite.audit.models import FLEETWRITE, Actor, Deed
from fleetwrite.connectors.sdk.registry import Registry
from fleetwrite.contract.enums import ResourceEnum, ScheduleStatusEnum
from fleetwrite.dispatch.service import Dispatch
from fleetwrite.kit.clock import database_now
from fleetwrite.kit.database import Connection, Database, as_system
from fleetwrite.kit.keyset import Page, Window
from fleetwrite.records import schedule_store as store
from fleetwrite.records.errors import DuplicateScheduleError, ScheduleNotFoundError, UnlistedResourceError
from fleetwrite.records.schedule_models import Execution, NewSchedule, Schedule, pull_job

KEPT_FOR: Final = timedelta(days=7)
"""How long executions are kept; the contract's."""


class ScheduleService:
    """Schedules. An active one has a job, which comes and goes in the transaction that changes its status."""

    def __init__(self, database: Database, dispatch: Dispatch, registry: Registry) -> None:
        self._database = database
        self._dispatch = dispatch
        self._registry = registry

    async def page(self, connection_id: UUID, window: Window, resource: ResourceEnum | None = None) -> Page[Schedule]:
        """A page of a connection's schedules.

        Raises:
            BadCursorError: the cursor is none of this list.
        """
        async with self._database.acquire() as connection:
            return await store.page_schedules(connection, connection_id, resource, window)

    async def get(self, connection_id: UUID, schedule_id: UUID) -> Schedule:
        """The schedule of this id.

        Raises:
            ScheduleNotFoundError: the connection has none such.
        """
        async with self._database.acquire() as connection:
            found = await store.find_schedule(connection, connection_id, schedule_id)
        if found is None:
            raise ScheduleNotFoundError(schedule_id)
        return found

    async def executions(self, schedule_id: UUID, window: Window) -> Page[Execution]:
        """A page of a schedule's executions of the last days.

        Raises:
            BadCursorError: the cursor is none of this list.
        """
        async with self._database.acquire() as connection:
            return await store.page_executions(connection, schedule_id, window)

    async def create(
        self, connection_id: UUID, tsp_slug: str, new: NewSchedule, *, actor: Actor = FLEETWRITE
    ) -> Schedule:
        """Make a schedule, whose first execution is due at once.

        Raises:
            UnlistedResourceError: the provider has no list of that.
            DuplicateScheduleError: the connection has a schedule for it.
        """
        manifest = self._registry.get(tsp_slug).manifest
        listed = [listing.resource for listing in manifest.listings]
        if new.resource not in listed:
            raise UnlistedResourceError(new.resource, manifest.name, listed)
        async with self._database.transaction() as connection:
            made = await store.insert_schedules(connection, connection_id, [new])
            if not made:
                raise DuplicateScheduleError(new.resource)
            await self._enqueue(connection, made)
            told = {"connection_id": connection_id, "resource": new.resource}
            await trail.append(connection, actor, Deed.SCHEDULE_CREATED, made[0].id, told)
        return made[0]

    async def change(
        self, connection_id: UUID, schedule_id: UUID, changes: dict[str, Any], *, actor: Actor = FLEETWRITE
    ) -> Schedule:
        """Change fields of a schedule. A shorter interval holds at once.

        Raises:
            ScheduleNotFoundError: the connection has none such.
        """
        async with self._database.transaction() as connection:
            before = await self._lock(connection, connection_id, schedule_id)
            now = await database_now(connection)
            after = msgspec.structs.replace(before, **changes)
            if "next_execution_at" not in changes:
                latest = now + timedelta(seconds=after.execution_interval_seconds)
                after = msgspec.structs.replace(after, next_execution_at=min(before.next_execution_at, latest))
            if after.is_active and not before.is_active:
                after = _activated(after, changes.get("next_execution_at", now))
            await store.update_schedule(connection, after)
            await self._follow(connection, after)
            # A cursor is the provider's, who may have put anything into it.
            told = {name: True if name == "cursor" else value for name, value in changes.items()}
            await trail.append(connection, actor, Deed.SCHEDULE_CHANGED, schedule_id, told)
        return after

    async def activate(self, connection_id: UUID, schedule_id: UUID, *, actor: Actor = FLEETWRITE) -> Schedule:
        """Let a paused or inactive schedule pull again, at once.

        Raises:
            ScheduleNotFoundError: the connection has none such.
        """
        async with self._database.transaction() as connection:
            schedule = await self._lock(connection, connection_id, schedule_id)
            activated = await self._activate(connection, schedule)
            await trail.append(connection, actor, Deed.SCHEDULE_ACTIVATED, schedule_id)
        return activated

    async def activate_all(self, connection_id: UUID, *, actor: Actor = FLEETWRITE) -> list[Schedule]:
        """Let all paused and inactive schedules of a connection pull again; returns these."""
        async with self._database.transaction() as connection:
            schedules = await store.lock_schedules(connection, connection_id)
            activated = [await self._activate(connection, one) for one in schedules if not one.is_active]
            for one in activated:
                await trail.append(connection, actor, Deed.SCHEDULE_ACTIVATED, one.id)
        return activated

    async def delete(self, connection_id: UUID, schedule_id: UUID, *, actor: Actor = FLEETWRITE) -> None:
        """End a schedule for good. The records stay as they are.

        Raises:
            ScheduleNotFoundError: the connection has none such.
        """
        async with self._database.transaction() as connection:
            schedule = await self._lock(connection, connection_id, schedule_id)
            await self._end(connection, schedule)
            await trail.append(connection, actor, Deed.SCHEDULE_DELETED, schedule_id)

    async def pull_soon(self, connection_ids: Collection[UUID]) -> None:
        """Let the next execution of all active schedules of these connections be due now."""
        for connection_id in sorted(connection_ids):
            async with self._database.transaction() as connection:
                now = await database_now(connection)
                for schedule in await store.lock_schedules(connection, connection_id):
                    due = msgspec.structs.replace(schedule, next_execution_at=now)
                    await store.update_schedule(connection, due)
                    await self._follow(connection, due)

    async def backfill(
        self, resource: ResourceEnum, tsp_slugs: Collection[str], connection_ids: Collection[UUID], *, actor: Actor
    ) -> list[UUID]:
        """Make the schedules of a resource that never were on these connections; returns where some were made.

        Connections whose provider has no list of that are left out.
        """
        made: list[UUID] = []
        for slug in sorted(tsp_slugs):
            if any(listing.resource is resource for listing in self._registry.get(slug).manifest.listings):
                made += await self._make_missing(slug, resource, connection_ids)
        async with self._database.transaction() as connection:
            told = {"resource": resource, "connection_ids": made}
            await trail.append(connection, actor, Deed.PARTNER_SCHEDULES_MADE, actor.partner_id or "", told)
        return made

    async def make_missing(self) -> None:
        """Make all schedules that never were: of connections that are older than schedules, and for what a connector
        has learnt to list since.
        """
        for connector in self._registry:
            for listing in connector.manifest.listings:
                await self._make_missing(connector.manifest.slug, listing.resource, None)

    async def connected(self, connection: Connection, connection_id: UUID, tsp_slug: str) -> None:
        """Give a new connection its schedules, in the caller's transaction; they are pulled first at once."""
        new = [NewSchedule(resource=one.resource) for one in self._registry.get(tsp_slug).manifest.listings]
        await self._enqueue(connection, await store.insert_schedules(connection, connection_id, new))

    async def disconnected(self, connection: Connection, connection_id: UUID) -> None:
        """End the schedules of a connection, in the caller's transaction, before that locks the connection."""
        for schedule in await store.lock_schedules(connection, connection_id):
            await self._end(connection, schedule)

    async def _make_missing(
        self, tsp_slug: str, resource: ResourceEnum, connection_ids: Collection[UUID] | None
    ) -> list[UUID]:
        async with self._database.acquire() as connection:
            lacking = await store.select_lacking(connection, tsp_slug, resource, connection_ids)
        # One by one, so that no transaction holds the lanes of many.
        for connection_id in lacking:
            async with self._database.transaction() as connection:
                new = [NewSchedule(resource=resource)]
                made = await store.insert_schedules(connection, connection_id, new, only_missing=True)
                await self._enqueue(connection, made)
        return lacking

    async def _lock(self, connection: Connection, connection_id: UUID, schedule_id: UUID) -> Schedule:
        found = await store.lock_schedules(connection, connection_id, [schedule_id])
        if not found:
            raise ScheduleNotFoundError(schedule_id)
        return found[0]

    async def _activate(self, connection: Connection, schedule: Schedule) -> Schedule:
        if schedule.is_active:
            return schedule
        active = _activated(
            msgspec.structs.replace(schedule, status=ScheduleStatusEnum.ACTIVE), await database_now(connection)
        )
        await store.update_schedule(connection, active)
        await self._follow(connection, active)
        return active

    async def _end(self, connection: Connection, schedule: Schedule) -> None:
        ended = msgspec.structs.replace(schedule, status=ScheduleStatusEnum.DELETED)
        await store.update_schedule(connection, ended)
        await self._follow(connection, ended)

    async def _enqueue(self, connection: Connection, schedules: Sequence[Schedule]) -> None:
        jobs = [pull_job(one, None) for one in schedules if one.is_active]
        if jobs:
            # As the system: the lanes of a connection have everybody's work.
            async with as_system(connection):
                await self._dispatch.enqueue(connection, jobs)

    async def _follow(self, connection: Connection, schedule: Schedule) -> None:
        """Let the job be as the schedule. One that somebody works on is left to them: they look at the schedule."""
        async with as_system(connection):  # as in `_enqueue`
            busy = await self._dispatch.withdraw(connection, schedule.connection_id, [schedule.id])
            if schedule.is_active and not busy:
                await self._dispatch.enqueue(connection, [pull_job(schedule, schedule.next_execution_at)])


def _activated(schedule: Schedule, next_at: datetime) -> Schedule:
    """A schedule that begins anew: what failed before does not count."""
    return msgspec.structs.replace(schedule, consecutive_error_count=0, next_execution_at=next_at)
