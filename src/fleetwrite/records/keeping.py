"""Keeps what lists and writes tell of records, and tells partners of what changed: in one transaction.

An event is written only for a partner who subscribed to it. The first pull of an account adds as many records as it
has, and a million events that nobody asked for would only be in the way.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from fleetwrite.connectors.sdk.connector import SourceRecord
from fleetwrite.connectors.sdk.tsp_ids import tsp_id
from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.contract.event_names import WebhookEventNameEnum
from fleetwrite.contract.notifications import BaseTelematicsEvent
from fleetwrite.events.models import NewEvent
from fleetwrite.events.store import append
from fleetwrite.kit.database import Connection
from fleetwrite.kit.ids import new_id
from fleetwrite.records import keeping_store
from fleetwrite.records.models import Change, SharedRecord, Verb, WrittenRecord
from fleetwrite.records.references import Source, sources_in
from fleetwrite.records.rendering import to_read
from fleetwrite.records.store import select_ids, select_shared

Listeners = Callable[[Connection, Collection[str]], Awaitable[Collection[tuple[UUID, str]]]]
"""The partners who want to hear of any of these events, each with the event."""

TOLD_AT_A_TIME: Final = 500
"""Records whose events are in memory at a time."""

_NAMES: Final = frozenset(WebhookEventNameEnum)


class RecordKeeper:
    """Writes records. Every method works in the caller's transaction."""

    def __init__(self, listeners: Listeners) -> None:
        self._listeners = listeners

    async def keep_listed(
        self, connection: Connection, connection_id: UUID, records: Sequence[SourceRecord], asked_at: datetime
    ) -> int:
        """Keep what is on a page that was asked for at `asked_at`; see `keeping_store.keep_listed`.

        Returns how many records were left alone, as they were written since.
        """
        changes, left = await keeping_store.keep_listed(connection, connection_id, records, asked_at)
        await self._tell(connection, changes)
        return left

    async def keep_written(self, connection: Connection, written: Sequence[WrittenRecord]) -> Mapping[Source, UUID]:
        """Keep what successful writes tell. Returns our ids."""
        changes = await keeping_store.keep_written(connection, written)
        await self._tell(connection, list(changes.values()))
        return {source: change.id for source, change in changes.items()}

    async def remove_named(
        self,
        connection: Connection,
        connection_id: UUID,
        resource: ResourceEnum,
        source_ids: Collection[str],
        at: datetime,
        asked_at: datetime,
    ) -> None:
        """Note that the provider says of these that it does not have them any more."""
        if await keeping_store.mark_named_removed(connection, connection_id, resource, source_ids, at, asked_at):
            await self._tell_removed(connection, connection_id, resource, at)

    async def remove_unseen(
        self,
        connection: Connection,
        connection_id: UUID,
        resource: ResourceEnum,
        execution_id: UUID,
        last_seen: Collection[str],
        at: datetime,
        begun_at: datetime,
        unless_written_since: datetime,
        *,
        is_steady: bool,
    ) -> None:
        """Note what a whole reading did not see; see `keeping_store.mark_unseen_removed`."""
        if await keeping_store.mark_unseen_removed(
            connection,
            connection_id,
            resource,
            execution_id,
            last_seen,
            at,
            begun_at,
            unless_written_since,
            is_steady=is_steady,
        ):
            await self._tell_removed(connection, connection_id, resource, at)

    async def _tell_removed(
        self, connection: Connection, connection_id: UUID, resource: ResourceEnum, at: datetime
    ) -> None:
        name = _name(resource, Verb.REMOVED)
        if name is None or not await self._listeners(connection, [name]):
            return
        after = ""
        while changes := await keeping_store.select_removed(
            connection, connection_id, resource, at, after, TOLD_AT_A_TIME
        ):
            await self._tell(connection, changes)
            after = changes[-1].source[2]

    async def _tell(self, connection: Connection, changes: Sequence[Change]) -> None:
        """Write the events of what changed, for each partner who sees the record and subscribed."""
        names = {change.id: name for change in changes if (name := _name_of(change)) is not None}
        listening = set(await self._listeners(connection, set(names.values()))) if names else set()
        if not listening:
            return
        partner_ids = {partner_id for partner_id, _ in listening}
        told = [
            (partner_id, shared)
            for partner_id, shared in await select_shared(connection, partner_ids, list(names))
            if (partner_id, names[shared.record.id]) in listening
        ]
        pointed = {
            source
            for _, shared in told
            for source in sources_in(shared.record.connection_id, shared.record.resource, shared.record.attributes)
        }
        ids = await select_ids(connection, pointed) if pointed else {}
        await append(connection, [_event(partner_id, names[one.record.id], one, ids) for partner_id, one in told])


def _name_of(change: Change) -> str | None:
    return None if change.verb is None else _name(change.source[1], change.verb)


def _name(resource: ResourceEnum, verb: Verb) -> str | None:
    """The contract's name of an event; None: it has none."""
    name = f"{resource}.{verb}"
    return name if name in _NAMES else None


def _event(partner_id: UUID, name: str, shared: SharedRecord, ids: Mapping[Source, UUID]) -> NewEvent:
    is_removed = name.endswith(f".{Verb.REMOVED}")
    return NewEvent(
        id=new_id(),
        event_name=name,
        partner_id=partner_id,
        fleet_id=shared.fleet_id,
        fleet_ref=shared.fleet_ref,
        data=_removed(shared) if is_removed else to_read(shared, ids, include_source_data=False),
    )


def _removed(shared: SharedRecord) -> BaseTelematicsEvent:
    record = shared.record
    return BaseTelematicsEvent(
        id=record.id,
        fleet_id=shared.fleet_id,
        fleet_ref=shared.fleet_ref,
        tsp_id=tsp_id(shared.tsp_slug),
        tsp_slug=shared.tsp_slug,
        source_name=shared.source_name,
        connection_id=record.connection_id,
        source_id=record.source_id,
        created_at=record.created_at,
        updated_at=record.updated_at,
        deleted_at=record.deleted_at,
        occurred_at=record.occurred_at,
    )
