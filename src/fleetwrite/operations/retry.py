"""Tries a failed operation anew: the same operation with a new deadline, checked as a new write would be."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec

from fleetwrite.connections.service import ConnectionService
from fleetwrite.connectors.sdk.write import Translation, UnofferedWriteError, UntranslatableWriteError
from fleetwrite.contract.enums import ResourceEnum, ResourceOperationStatusEnum
from fleetwrite.dispatch.models import Lane, NewJob
from fleetwrite.dispatch.service import Dispatch
from fleetwrite.kit.database import Connection, Database, as_system
from fleetwrite.operations import part_store, store
from fleetwrite.operations.accept import claim_references, make_secrets
from fleetwrite.operations.backlog import BacklogGate
from fleetwrite.operations.errors import (
    MayBeWrittenError,
    NewerWriteError,
    OperationNotFoundError,
    OperationStateError,
)
from fleetwrite.operations.handler import OperationHandler
from fleetwrite.operations.listing import OutcomeCode
from fleetwrite.operations.models import KIND, Operation, Part, PartState, Task, Terms
from fleetwrite.operations.parts import translate, write_of
from fleetwrite.operations.scheduling import order_key
from fleetwrite.vault.service import Vault

_RETRIED: Final = {
    False: frozenset({PartState.FAILED}),
    True: frozenset({PartState.FAILED, PartState.UNKNOWN}),
}
"""Which parts are sent again: those that surely did not arrive and, where forced, those that may have."""


class Retrier:
    """Lets failed operations be pending again. No event tells of that: their end will."""

    def __init__(
        self,
        database: Database,
        connections: ConnectionService,
        vault: Vault,
        dispatch: Dispatch,
        handler: OperationHandler,
        backlog: BacklogGate,
        deadlines: Mapping[ResourceEnum, timedelta],
    ) -> None:
        self._database = database
        self._connections = connections
        self._vault = vault
        self._dispatch = dispatch
        self._handler = handler
        self._backlog = backlog
        self._deadlines = deadlines

    async def retry(self, partner_id: UUID, operation_id: UUID, *, force: bool) -> None:
        """Let a failed operation be tried in the background, with a new deadline of its kind, from now.

        Args:
            partner_id: whose operation it is.
            operation_id: which.
            force: though its record was written again since, or it may have been written already.

        Raises:
            OperationNotFoundError: the partner has no such operation.
            OperationStateError: it did not fail, or can not be prepared for sending any more.
            NewerWriteError: its record was written again since.
            MayBeWrittenError: it may have reached the provider.
            ConnectionNotFoundError: its connection is gone.
            NotSharedError: the fleet does not let the partner write this any more.
            ConnectionDrainingError: its connection takes nothing new.
            ReferenceUsedError: another operation carries the same transaction.
            BacklogFullError: too much is waiting already.
        """
        async with self._database.acquire() as reading:
            known = await store.select_operation(reading, partner_id, operation_id)
        if known is None:
            raise OperationNotFoundError(f"No operation {operation_id} is known.")
        tsp_connection = await self._connections.get(partner_id, known.connection_id)
        tsp_connection.require_writable(known.resource)
        tsp_connection.require_open()
        await self._backlog.enter(partner_id)
        async with self._database.transaction() as connection:
            row = await store.select_row(connection, partner_id, operation_id, lock=True)
            if row is None:
                raise OperationNotFoundError(f"No operation {operation_id} is known.")
            parts = await part_store.select_parts(connection, operation_id)
            _check_state(row, parts, force=force)
            may_be_written = row["outcome"] == OutcomeCode.OUTCOME_UNKNOWN and force
            await self._reopen(connection, store.read_operation(row), parts, may_be_written=may_be_written, force=force)

    async def _reopen(
        self, connection: Connection, operation: Operation, parts: Sequence[Part], *, may_be_written: bool, force: bool
    ) -> None:
        (stored,) = await store.select_stored(connection, [operation.id])
        # As the system: preparing opens the connection's login.
        async with as_system(connection):
            task = (await self._handler.prepare(connection, [stored]))[operation.id]
        if not isinstance(task, Task):
            raise OperationStateError("It can not be prepared for sending any more: send it as a new write.")
        translation = _translate(task)
        if translation.reference is not None:
            await claim_references(connection, {operation.id: (operation.connection_id, translation.reference)})
        key = order_key(operation.resource, stored.terms.record_ids)
        # As the system: other partners' writes to the record count too, though they are not named.
        async with as_system(connection):
            if key is not None:
                await self._dispatch.lock_order(connection, operation.connection_id, key)
            if operation.resource_id is not None and not force:
                await _refuse_if_newer(connection, operation)
        # What it may have gone to the provider with is kept, so that a look-up that finds it there still fits.
        if not task.secrets:
            sealed = make_secrets(self._vault, operation.id, translation)
            if sealed is not None:
                await store.insert_secrets(connection, [(operation.id, sealed)])
        lasts = self._deadlines[operation.resource]
        await store.reopen_operation(connection, operation.id, lasts)
        # Where the provider can be asked, it is asked first; nothing of it can be older than the operation.
        write = write_of(task.write, parts[0]) if parts else task.write
        since = operation.created_at if may_be_written and task.connector.can_look_up(write) else None
        again = [(operation.id, _sent_again(part, since)) for part in parts if part.state in _RETRIED[force]]
        if again:
            await part_store.update_parts(connection, again)
        # As the system: it may have to wait behind the writes of others.
        async with as_system(connection):
            await self._dispatch.enqueue(connection, [_job(operation, stored.terms, translation, lasts, key, since)])


async def _refuse_if_newer(connection: Connection, operation: Operation) -> None:
    later = await store.select_later_write(connection, operation)
    if later is not None:
        raise NewerWriteError(
            f"The same record was written since, by {later.name}, and to repeat this one would undo that."
            " If that is wanted, add `?force=true`."
        )


def _check_state(row: Mapping[str, object], parts: Sequence[Part], *, force: bool) -> None:
    status = row["status"]
    if status != ResourceOperationStatusEnum.FAILED:
        raise OperationStateError(f"Only a failed operation can be retried; this one is {status}.")
    is_for_some = any(part.state in _RETRIED[force] for part in parts)
    if row["outcome"] == OutcomeCode.OUTCOME_UNKNOWN and not force and not is_for_some:
        raise MayBeWrittenError(
            "It may have reached the provider, and to repeat it may write it twice. Look there first; if it is missing,"
            " add `?force=true`."
        )


def _sent_again(part: Part, since: datetime | None) -> Part:
    """A part to be sent; where it may have arrived at `since` or later, it is looked up before."""
    begun_at = since if part.state is PartState.UNKNOWN else None
    state = PartState.WAITING if begun_at is None else PartState.SENDING
    return msgspec.structs.replace(part, state=state, attempts=0, begun_at=begun_at, details=None)


def _translate(task: Task) -> Translation:
    try:
        return translate(task.connector, task.write)
    except (UntranslatableWriteError, UnofferedWriteError) as error:
        raise OperationStateError(f"The provider would not take it any more: {error}.") from error


def _job(
    operation: Operation,
    terms: Terms,
    translation: Translation,
    lasts: timedelta,
    key: str | None,
    uncertain_since: datetime | None,
) -> NewJob:
    return NewJob(
        id=operation.id,
        lane=Lane(operation.connection_id, KIND, translation.call.scopes),
        lasts=lasts,
        priority=terms.priority,
        order_key=key,
        uncertain_since=uncertain_since,
    )
