"""From a partner's request to a stored operation: all checks first, then one transaction."""

import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

import msgspec

from fleetwrite.connections.models import Connection as TspConnection
from fleetwrite.connections.service import ConnectionService
from fleetwrite.connectors.sdk.registry import Registry
from fleetwrite.connectors.sdk.write import (
    Translation,
    Write,
)
from fleetwrite.contract.enums import ResourceEnum, ResourceOperationStatusEnum
from fleetwrite.contract.telematics import ResourceOperation
from fleetwrite.dispatch.models import Lane, NewJob
from fleetwrite.dispatch.service import Dispatch
from fleetwrite.events.models import NewEvent
from fleetwrite.events.store import append
from fleetwrite.kit.database import Connection, Database
from fleetwrite.kit.group_commit import GroupCommit
from fleetwrite.kit.ids import new_id
from fleetwrite.operations import part_store, parts, store
from fleetwrite.operations.backlog import BacklogGate
from fleetwrite.operations.checking import Checker
from fleetwrite.operations.errors import ReferenceUsedError
from fleetwrite.operations.foresight import Foresight
from fleetwrite.operations.idempotency import KeyUse, fingerprint, keep_keys
from fleetwrite.operations.models import KIND, Accepted, Operation, Terms, WriteRequest
from fleetwrite.operations.payload import own_fields
from fleetwrite.operations.preview import Preview, preview
from fleetwrite.operations.references import (
    TARGET,
    source_fields,
)
from fleetwrite.operations.rendering import event_data, write_answer
from fleetwrite.operations.scheduling import order_key, priority_of
from fleetwrite.records.models import Record
from fleetwrite.vault.service import Vault

SECRETS_PURPOSE: Final = "operation-secrets"

_SECRET_BYTES: Final = 18
"""144 bits, as 24 characters: beyond guessing, and within every provider's password length that we know of."""

_UNKNOWN_TIME: Final = datetime.min.replace(tzinfo=UTC)
"""Stands where the database will put its time."""


class AcceptSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What the operator decides about accepting.

    Attributes:
        deadlines: for how long a write is worth delivering, by resource.
        sync_lease: for how long a sync write may be in flight before a worker takes it over.
        sync_events: whether sync writes emit events as async ones do.
    """

    deadlines: Mapping[ResourceEnum, timedelta]
    sync_lease: timedelta
    sync_events: bool


class Acceptance(msgspec.Struct, frozen=True, kw_only=True):
    """A stored write.

    Attributes:
        answer: the operation as the partner gets to see it.
        connection: as it was when the write was checked.
    """

    accepted: Accepted
    answer: ResourceOperation
    connection: TspConnection


class Acceptor:
    """Checks requests and stores them."""

    def __init__(
        self,
        database: Database,
        connections: ConnectionService,
        registry: Registry,
        vault: Vault,
        dispatch: Dispatch,
        backlog: BacklogGate,
        foresight: Foresight,
        settings: AcceptSettings,
    ) -> None:
        self._checker = Checker(database, connections, registry)
        self._vault = vault
        self._dispatch = dispatch
        self._backlog = backlog
        self._foresight = foresight
        self._settings = settings
        self._group: GroupCommit[Accepted, ResourceOperation] = GroupCommit(
            database, self._store, conclude=self._enqueue
        )

    async def accept(self, request: WriteRequest) -> Acceptance:
        """Check `request` and store it as a pending operation. What is refused leaves no trace.

        Raises:
            ConnectionNotFoundError: the connection is unknown, somebody else's, or gone.
            NotSharedError: the fleet does not let the partner write this, or not now.
            ConnectionDrainingError: the connection takes nothing new.
            RecordNotFoundError: the record to update is unknown in the connection.
            UnofferedWriteError: the provider does not take this kind of write.
            InvalidWriteError: ids are unknown, or the provider can not take the body.
            ReferenceUsedError: it would be sent a second time.
            OrderConflictError: a sync write while older writes to the same record wait.
            BacklogFullError: too much is waiting already.
            WouldExpireError: so much waits ahead of an async write that it would expire before its turn.
            IdempotencyKeyTakenError: a write with its key was accepted in the meantime.
        """
        checked = await self._checker.check(request)
        connection, write, translation = checked.connection, checked.write, checked.translation
        target, cleared = checked.target, checked.cleared
        await self._backlog.enter(request.partner_id)
        record_ids = checked.ids if target is None else {**checked.ids, TARGET: (target.id,)}
        payload = own_fields(write.body, cleared) | source_fields(checked.resolved)
        accepted = Accepted(
            operation=self._operation(request, connection, write, target, payload),
            terms=Terms(
                record_ids=record_ids,
                cleared=cleared,
                allow_losses=write.allow_losses,
                idempotency_key=write.idempotency_key,
                priority=priority_of(request.resource, write.body, request.directives),
                losses=translation.losses,
            ),
            scopes=translation.call.scopes,
            lasts=self._settings.deadlines[request.resource],
            expires_at=request.directives.expires_at,
            not_before=request.directives.not_before,
            order_key=order_key(request.resource, record_ids),
            reference=translation.reference,
            secrets_sealed=make_secrets(self._vault, write.operation_id, translation),
            fingerprint=fingerprint(request),
            job_lease=uuid4() if request.is_sync else None,
            lease_lasts=self._settings.sync_lease if request.is_sync else timedelta(),
            parts=parts.split(checked.connector, write),
        )
        try:
            if not request.is_sync:
                await self._foresight.enter(_job(accepted))
            answer = await self._group.submit(accepted)
        except BaseException:
            self._backlog.leave(request.partner_id)
            raise
        return Acceptance(accepted=accepted, answer=answer, connection=connection)

    async def preview(self, request: WriteRequest) -> Preview:
        """What `request` would send, checked like any other; nothing is stored, and nothing is sent.

        Raises: what `accept` raises, but for what only storing finds out: a reference that was used, older writes to
        the record, a full backlog, too long a queue.
        """
        checked = await self._checker.check(request)
        times = len(parts.split(checked.connector, checked.write)) or 1
        return preview(checked.connector, checked.connection, checked.translation, times=times)

    async def close(self) -> None:
        """Store what is being stored, and take no more."""
        await self._group.close()

    def _operation(
        self,
        request: WriteRequest,
        connection: TspConnection,
        write: Write,
        target: Record | None,
        payload: Mapping[str, object],
    ) -> Operation:
        return Operation(
            id=write.operation_id,
            partner_id=request.partner_id,
            connection_id=connection.id,
            fleet_id=connection.fleet_id,
            fleet_ref=connection.fleet_ref,
            source_name=connection.source_name,
            resource=request.resource,
            operation_type=request.operation_type,
            resource_id=None if target is None else target.id,
            source_id=None if target is None else target.source_id,
            payload=payload,
            status=ResourceOperationStatusEnum.PENDING,
            is_sync=request.is_sync,
            created_at=_UNKNOWN_TIME,
            updated_at=_UNKNOWN_TIME,
        )

    async def _store(
        self, connection: Connection, accepted: Sequence[Accepted]
    ) -> Sequence[ResourceOperation | Exception]:
        """Store operations of a partner, what belongs to them and their events, in the caller's transaction."""
        created_at = await store.insert_operations(connection, accepted)
        operations = {
            one.operation.id: msgspec.structs.replace(
                one.operation, created_at=created_at[one.operation.id], updated_at=created_at[one.operation.id]
            )
            for one in accepted
        }
        keys = [
            KeyUse(
                partner_id=one.operation.partner_id,
                key=one.terms.idempotency_key,
                fingerprint=one.fingerprint,
                operation_id=one.operation.id,
                losses=one.losses,
            )
            for one in accepted
            if one.terms.idempotency_key is not None
        ]
        if keys:
            await keep_keys(connection, keys)
        await self._claim_references(connection, accepted)
        pieces = [(one.operation.id, part) for one in accepted for part in one.parts]
        if pieces:
            await part_store.insert_parts(connection, pieces)
        sealed = [(one.operation.id, one.secrets_sealed) for one in accepted if one.secrets_sealed is not None]
        if sealed:
            await store.insert_secrets(connection, sealed)
        events = [
            NewEvent(
                id=new_id(),
                event_name="resource_operation.created",
                partner_id=operation.partner_id,
                fleet_id=operation.fleet_id,
                fleet_ref=operation.fleet_ref,
                data=event_data(operation, []),
            )
            for operation in operations.values()
            if self._settings.sync_events or not operation.is_sync
        ]
        if events:
            await append(connection, events)
        return [write_answer(operations[one.operation.id], []) for one in accepted]

    async def _enqueue(self, connection: Connection, accepted: Sequence[Accepted]) -> None:
        """Let them be delivered, each behind older writes to its record, whichever partner's these are."""
        await self._dispatch.enqueue(connection, [_job(one) for one in accepted])

    async def _claim_references(self, connection: Connection, accepted: Sequence[Accepted]) -> None:
        claims = {
            one.operation.id: (one.operation.connection_id, one.reference)
            for one in accepted
            if one.reference is not None
        }
        if claims:
            await claim_references(connection, claims)


def make_secrets(vault: Vault, operation_id: UUID, translation: Translation) -> bytes | None:
    """What the provider requires and the partner has not said, made up and sealed; None: nothing is wanted."""
    if not translation.wanted_secrets:
        return None
    made = {name: secrets.token_urlsafe(_SECRET_BYTES) for name in translation.wanted_secrets}
    return vault.seal(msgspec.json.encode(made), purpose=SECRETS_PURPOSE, subject=operation_id)


async def claim_references(connection: Connection, claims: Mapping[UUID, tuple[UUID, str]]) -> None:
    """Enter what operations claim (connection, reference) into the ledger; what is theirs already stays so.

    Raises:
        ReferenceUsedError: another operation has it.
    """
    free = await store.insert_references(connection, [(of, ref, one) for one, (of, ref) in claims.items()])
    for operation_id in claims.keys() - free:
        of, reference = claims[operation_id]
        holder = await store.select_reference_holder(connection, of, reference, operation_id)
        if holder is None or holder.operation_id != operation_id:
            which = "another operation" if holder is None else holder.name
            raise ReferenceUsedError(
                f"The provider takes each transaction once, and {which} already carries this one"
                f" (reference {reference}). If it is another transaction, send it with an Idempotency-Key of its own."
            )


def _job(accepted: Accepted) -> NewJob:
    return NewJob(
        id=accepted.operation.id,
        lane=Lane(accepted.operation.connection_id, KIND, accepted.scopes),
        lasts=accepted.lasts,
        expires_at=accepted.expires_at,
        not_before=accepted.not_before,
        priority=accepted.terms.priority,
        order_key=accepted.order_key,
        lease=accepted.job_lease,
        lease_lasts=accepted.lease_lasts,
    )
