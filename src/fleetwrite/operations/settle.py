"""What became of attempts, stored: log, status, record, event and the job's next step in one transaction."""

from collections.abc import Collection, Sequence
from uuid import UUID

import msgspec
import structlog

from fleetwrite.connections.outage_models import Reach
from fleetwrite.connections.outages import Outages
from fleetwrite.contract.enums import ResourceEnum, ResourceOperationStatusEnum
from fleetwrite.contract.telematics import ResourceOperation
from fleetwrite.dispatch.errors import LeaseLostError
from fleetwrite.dispatch.models import Again, Disposition
from fleetwrite.dispatch.service import Dispatch
from fleetwrite.events.models import NewEvent
from fleetwrite.events.store import append
from fleetwrite.kit.database import DATABASE_FAILURES, Connection, Database
from fleetwrite.kit.group_commit import GroupCommit
from fleetwrite.kit.ids import new_id
from fleetwrite.operations import part_store, store
from fleetwrite.operations.metrics import observe
from fleetwrite.operations.models import Operation, Settlement, Success, outcome_code
from fleetwrite.operations.rendering import event_data, write_answer
from fleetwrite.records.keeping import RecordKeeper
from fleetwrite.records.models import WrittenRecord

log = structlog.get_logger(__name__)


class Settler:
    """Stores settlements; those that come in while a transaction is under way share the next one."""

    def __init__(
        self,
        database: Database,
        dispatch: Dispatch,
        outages: Outages,
        keeper: RecordKeeper,
        *,
        sync_events: bool,
        patience_s: float,
    ) -> None:
        self._dispatch = dispatch
        self._keeper = keeper
        self._outages = outages
        self._patience_s = patience_s
        self._sync_events = sync_events
        self._group: GroupCommit[Settlement, ResourceOperation] = GroupCommit(database, self.store)

    async def settle(self, settlement: Settlement) -> ResourceOperation:
        """Store one settlement; returns the operation as it stands then.

        While the database is away it is tried again, for as long as leases last: what is known of an attempt must not
        be lost. That is safe even when a commit's outcome is unknown: if it went through, the lease is gone.

        Raises:
            LeaseLostError: another worker has the job now, or the attempt is stored already; nothing was stored.
            NotCommittedError: the database stayed away.
            CommitOutcomeUnknownError: likewise.
        """
        operation = await self._group.submit_patiently(settlement, self._patience_s)
        observe(settlement, operation)
        await self._review(settlement)
        return operation

    async def _review(self, settlement: Settlement) -> None:
        """Let a bad sign have its consequences. Should that fail, the next one will have them."""
        if settlement.sign is None or settlement.sign.reach is Reach.ANSWERED:
            return
        try:
            await self._outages.review(settlement.sign)
        except DATABASE_FAILURES as error:
            log.warning("operations.sign_not_reviewed", host=settlement.sign.host, error=str(error))

    async def close(self) -> None:
        """Store what is being stored, and take no more."""
        await self._group.close()

    async def store(
        self, connection: Connection, settlements: Sequence[Settlement]
    ) -> Sequence[ResourceOperation | Exception]:
        """Store settlements in the caller's transaction, which then has to `observe` them when it is committed.

        Returns, for each, the operation as it stands then, or LeaseLostError: for that one nothing was stored.
        """
        held = await self._dispatch.lock_leases(connection, [one.job for one in settlements])
        kept = [one for one in settlements if one.job.lease in held]
        answers: dict[UUID, ResourceOperation] = {}
        if kept:
            attempts = [(new_id(), one.job.id, log) for one in kept for log in one.logs]
            if attempts:
                await store.insert_attempts(connection, attempts)
            made = [(one.job.id, one.made) for one in kept if one.made is not None]
            if made:
                await store.update_made(connection, made)
            parts = [(one.job.id, part) for one in kept for part in one.parts]
            if parts:
                await part_store.update_parts(connection, parts)
            operations = await self._end(connection, kept)
            logs = await store.select_attempts(connection, list(operations))
            answers = {of: write_answer(operation, logs[of]) for of, operation in operations.items()}
            ended = {one.job.id for one in kept if one.end is not None}
            events = [
                _ended_event(operation, event_data(operation, logs[of]))
                for of, operation in operations.items()
                if of in ended and (self._sync_events or not operation.is_sync)
            ]
            if events:
                await append(connection, events)
            staled = await self._outages.note(connection, [one.sign for one in kept if one.sign is not None])
            await self._dispatch.settle(connection, [(one.job, _disposition(one, staled)) for one in kept], hold=staled)
        lost = LeaseLostError("Another worker took this operation over before its outcome was stored.")
        return [answers[one.job.id] if one.job.lease in held else lost for one in settlements]

    async def _end(self, connection: Connection, settlements: Sequence[Settlement]) -> dict[UUID, Operation]:
        """Give those that are over their end; returns all operations as they stand now."""
        operations = {one.job.id: one.operation for one in settlements}
        written: dict[UUID, WrittenRecord] = {}
        failed: list[UUID] = []
        for one in settlements:
            if isinstance(one.end, Success):
                written[one.job.id] = _written(one.operation, one.end)
            elif one.end is not None:
                failed.append(one.job.id)
                operations[one.job.id] = msgspec.structs.replace(
                    one.operation, status=ResourceOperationStatusEnum.FAILED
                )
        if written:
            ids = await self._keeper.keep_written(connection, list(written.values()))
            for of, record in written.items():
                found = ids[record.connection_id, record.resource, record.source_id]
                operations[of] = _succeeded(operations[of], record.source_id, found)
        over = [operations[of] for of in (*written, *failed)]
        if over:
            outcomes = {one.job.id: outcome_code(one.logs[-1]) for one in settlements if one.job.id in failed}
            times = await store.end_operations(
                connection, [(o.id, o.status, o.resource_id, o.source_id, outcomes.get(o.id)) for o in over]
            )
            for of, at in times.items():
                operations[of] = msgspec.structs.replace(operations[of], updated_at=at)
        unreached = [
            (one.job.id, _may_be_written(one), one.logs[-1].error_details)
            for one in settlements
            if one.job.id in failed and one.operation.resource is ResourceEnum.GROUP_MESSAGE
        ]
        if unreached:
            await part_store.close_parts(connection, unreached)
        if failed:
            # What may be at the provider after all keeps what it went there with, for `/retry`.
            surely_not_written = [
                one.job.id for one in settlements if one.job.id in failed and not _may_be_written(one)
            ]
            await store.delete_secrets(connection, surely_not_written)
            await store.delete_references(connection, surely_not_written)
        return operations


def _disposition(settlement: Settlement, staled: Collection[UUID]) -> Disposition:
    """What dispatch does with the job. In a lane that is held the lane waits, and nobody has to wait after it."""
    if isinstance(settlement.disposition, Again) and settlement.job.owner_id in staled:
        return msgspec.structs.replace(settlement.disposition, delay_s=0.0)
    return settlement.disposition


def _may_be_written(settlement: Settlement) -> bool:
    return not isinstance(settlement.end, Success) and settlement.end is not None and settlement.end.may_be_written


def _succeeded(operation: Operation, source_id: str, resource_id: UUID) -> Operation:
    return msgspec.structs.replace(
        operation, status=ResourceOperationStatusEnum.SUCCESS, source_id=source_id, resource_id=resource_id
    )


def _written(operation: Operation, end: Success) -> WrittenRecord:
    return WrittenRecord(
        connection_id=operation.connection_id,
        resource=operation.resource,
        # An update keeps the source_id it was accepted with: that is the record the partner named.
        source_id=operation.source_id or end.source_id,
        attributes=end.attributes,
        source_data=end.source_data,
    )


def _ended_event(operation: Operation, data: msgspec.Struct) -> NewEvent:
    has_succeeded = operation.status is ResourceOperationStatusEnum.SUCCESS
    return NewEvent(
        id=new_id(),
        event_name="resource_operation.succeeded" if has_succeeded else "resource_operation.failed",
        partner_id=operation.partner_id,
        fleet_id=operation.fleet_id,
        fleet_ref=operation.fleet_ref,
        data=data,
    )
