"""Tries a failed operation anew: the same operation with a new deadline, checked as a new write would be."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from fleetwrite.connections.service import ConnectionService
from fleetwrite.connectors.sdk.write import Translation, UnofferedWriteError, UntranslatableWriteError
from fleetwrite.contract.enums import ResourceEnum, ResourceOperationStatusEnum
from fleetwrite.dispatch.models import Lane, NewJob
from fleetwrite.dispatch.service import Dispatch
from fleetwrite.kit.database import Connection, Database
from fleetwrite.operations import store
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
from fleetwrite.operations.models import KIND, Operation, Task, Terms
from fleetwrite.operations.scheduling import order_key
from fleetwrite.vault.service import Vault


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
            ConnectionDrainingError: its connection takes nothing new.
            ReferenceUsedError: another operation carries the same transaction.
            BacklogFullError: too much is waiting already.
        """
        async with self._database.acquire() as reading:
            known = await store.select_operation(reading, partner_id, operation_id)
        if known is None:
            raise OperationNotFoundError(f"No operation {operation_id} is known.")
        (await self._connections.get(partner_id, known.connection_id)).require_open()
        await self._backlog.enter(partner_id)
        async with self._database.transaction() as connection:
            row = await store.select_row(connection, partner_id, operation_id, lock=True)
            if row is None:
                raise OperationNotFoundError(f"No operation {operation_id} is known.")
            _check_state(row, force=force)
            await self._reopen(connection, store.read_operation(row), row["outcome"], force=force)

    async def _reopen(self, connection: Connection, operation: Operation, outcome: str, *, force: bool) -> None:
        (stored,) = await store.select_stored(connection, [operation.id])
        task = (await self._handler.prepare(connection, [stored]))[operation.id]
        if not isinstance(task, Task):
            raise OperationStateError("It can not be prepared for sending any more: send it as a new write.")
        translation = _translate(task)
        if translation.reference is not None:
            await claim_references(connection, {operation.id: (operation.connection_id, translation.reference)})
        key = order_key(operation.resource, stored.terms.record_ids)
        if key is not None:
            await self._dispatch.lock_order(connection, operation.connection_id, key)
        if operation.resource_id is not None and not force:
            later = await store.select_later_write(connection, operation)
            if later is not None:
                raise NewerWriteError(
                    f"Operation {later} has written the same record since, and to repeat this one would undo that."
                    " If that is wanted, add `?force=true`."
                )
        # What it may have gone to the provider with is kept, so that a look-up that finds it there still fits.
        if not task.secrets:
            sealed = make_secrets(self._vault, operation.id, translation)
            if sealed is not None:
                await store.insert_secrets(connection, [(operation.id, sealed)])
        lasts = self._deadlines[operation.resource]
        await store.reopen_operation(connection, operation.id, lasts)
        may_be_written = outcome == OutcomeCode.OUTCOME_UNKNOWN
        # Where the provider can be asked, it is asked first; nothing of it can be older than the operation.
        since = operation.created_at if may_be_written and task.connector.can_look_up(task.write) else None
        await self._dispatch.enqueue(connection, [_job(operation, stored.terms, translation, lasts, key, since)])


def _check_state(row: Mapping[str, object], *, force: bool) -> None:
    status = row["status"]
    if status != ResourceOperationStatusEnum.FAILED:
        raise OperationStateError(f"Only a failed operation can be retried; this one is {status}.")
    if row["outcome"] == OutcomeCode.OUTCOME_UNKNOWN and not force:
        raise MayBeWrittenError(
            "It may have reached the provider, and to repeat it may write it twice. Look there first; if it is missing,"
            " add `?force=true`."
        )


def _translate(task: Task) -> Translation:
    try:
        return task.connector.translate(task.write)
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
