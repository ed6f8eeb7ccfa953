"""What partners do about operations once they are accepted: look closely, call off, try anew; one, or many."""

from collections.abc import Sequence
from typing import Annotated, Final
from uuid import UUID

import msgspec

from fleetwrite.contract.enums import ResourceOperationStatusEnum
from fleetwrite.contract.telematics import ResourceOperation
from fleetwrite.dispatch.insight import Waiting, waiting
from fleetwrite.dispatch.service import Dispatch
from fleetwrite.kit.database import Connection, Database, as_system
from fleetwrite.kit.errors import FleetwriteError
from fleetwrite.kit.keyset import Page, Window, decode_cursor
from fleetwrite.operations import listing, part_store, store
from fleetwrite.operations.conclusion import called_off
from fleetwrite.operations.errors import OperationNotFoundError, OperationStateError
from fleetwrite.operations.listing import FilterQuery, OperationDetail, OperationEntry, OperationFilter
from fleetwrite.operations.metrics import observe
from fleetwrite.operations.models import Operation, Settlement
from fleetwrite.operations.retry import Retrier
from fleetwrite.operations.settle import Settler

CANCELLED: Final = "it was called off before it was sent"

LARGEST_BATCH: Final = 500
"""How many operations one call may cancel or retry: about a second's work."""


class Batch(OperationFilter, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Body of a call that concerns many operations: a filter, and how much of what it finds.

    Attributes:
        cursor: `next_page` of the answer before; None begins with the oldest.
        size: how many operations to look at.
    """

    cursor: str | None = None
    size: Annotated[int, msgspec.Meta(ge=1, le=LARGEST_BATCH)] = LARGEST_BATCH


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """An operation that stayed as it was, and why."""

    operation_id: UUID
    reason: str


class BatchResult(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a batch.

    Attributes:
        count: how many operations were changed.
        operation_ids: which.
        refused: those that were not.
        next_page: where to go on; None: there are no more.
    """

    count: int
    operation_ids: list[UUID]
    refused: list[Refused]
    next_page: str | None


class OperationControl:
    """Control over operations, for the partner that they belong to. What is another's does not exist."""

    def __init__(self, database: Database, dispatch: Dispatch, settler: Settler, retrier: Retrier) -> None:
        self._database = database
        self._dispatch = dispatch
        self._settler = settler
        self._retrier = retrier

    async def detail(self, partner_id: UUID, operation_id: UUID) -> OperationDetail:
        """An operation with its attempts and, while it is pending, where it stands.

        Raises:
            OperationNotFoundError: the partner has none of this id.
        """
        async with self._database.acquire() as connection:
            row = await store.select_row(connection, partner_id, operation_id)
            if row is None:
                raise OperationNotFoundError(f"No operation {operation_id} is known.")
            logs = await store.select_attempts(connection, [operation_id])
            is_pending = row["status"] == ResourceOperationStatusEnum.PENDING
            place = await self._place(connection, partner_id, operation_id) if is_pending else None
            parts = await part_store.select_parts(connection, operation_id)
        entry = listing.entry(row, logs[operation_id])
        return OperationDetail(
            **msgspec.structs.asdict(entry), losses=store.read_losses(row), recipients=parts, waiting=place
        )

    async def page(self, partner_id: UUID, query: FilterQuery) -> Page[OperationEntry]:
        """A page of operations, oldest first.

        Raises:
            BadCursorError: the cursor is none of ours.
        """
        window = Window(cursor=decode_cursor(query.cursor), size=query.size)
        async with self._database.acquire() as connection:
            return await listing.page(connection, partner_id, query, window)

    async def cancel(self, partner_id: UUID, operation_id: UUID) -> OperationDetail:
        """Call off an operation that was not sent yet: it ends as failed.

        Raises:
            OperationNotFoundError: the partner has none of this id.
            OperationStateError: it has ended, is being sent, or may have been sent.
        """
        async with self._database.transaction() as connection:
            operation = await store.select_operation(connection, partner_id, operation_id)
            if operation is None:
                raise OperationNotFoundError(f"No operation {operation_id} is known.")
            ended = await self._call_off(connection, [operation])
            if not ended:
                raise OperationStateError(await _why_not(connection, partner_id, operation_id))
        _observe(ended)
        return await self.detail(partner_id, operation_id)

    async def retry(self, partner_id: UUID, operation_id: UUID, *, force: bool) -> OperationDetail:
        """Try a failed operation anew. Raises: what `Retrier.retry` raises."""
        await self._retrier.retry(partner_id, operation_id, force=force)
        return await self.detail(partner_id, operation_id)

    async def cancel_many(self, partner_id: UUID, batch: Batch) -> BatchResult:
        """Call off what a filter finds among the pending operations, oldest first.

        Raises:
            BadCursorError: the cursor is none of ours.
        """
        async with self._database.transaction() as connection:
            found = await self._found(connection, partner_id, batch, ResourceOperationStatusEnum.PENDING)
            ended = await self._call_off(connection, found.items)
            done = {settlement.job.id for settlement, _ in ended}
            reason = "It is being sent, may have been sent, or has ended meanwhile."
            refused = [Refused(operation_id=o.id, reason=reason) for o in found.items if o.id not in done]
        _observe(ended)
        ids = [operation.id for operation in found.items if operation.id in done]
        return BatchResult(count=len(ids), operation_ids=ids, refused=refused, next_page=found.next_page)

    async def retry_many(self, partner_id: UUID, batch: Batch, *, force: bool) -> BatchResult:
        """Try anew what a filter finds among the failed operations, oldest first.

        Raises:
            BadCursorError: the cursor is none of ours.
        """
        async with self._database.acquire() as connection:
            found = await self._found(connection, partner_id, batch, ResourceOperationStatusEnum.FAILED)
        ids: list[UUID] = []
        refused: list[Refused] = []
        for operation in found.items:
            try:
                await self._retrier.retry(partner_id, operation.id, force=force)
            except FleetwriteError as error:
                refused.append(Refused(operation_id=operation.id, reason=str(error)))
            else:
                ids.append(operation.id)
        return BatchResult(count=len(ids), operation_ids=ids, refused=refused, next_page=found.next_page)

    async def _place(self, connection: Connection, partner_id: UUID, operation_id: UUID) -> Waiting | None:
        # As the system: its place is one among everybody's.
        async with as_system(connection):
            place = await waiting(connection, operation_id)
        if place is None or place.behind_operation_id is None:
            return place
        blocker = await store.select_operation(connection, partner_id, place.behind_operation_id)
        return place if blocker is not None else msgspec.structs.replace(place, behind_operation_id=None)

    async def _found(
        self, connection: Connection, partner_id: UUID, batch: Batch, status: ResourceOperationStatusEnum
    ) -> Page[Operation]:
        query = listing.listing(partner_id, batch)
        query.where("o.status = {}", status)
        window = Window(cursor=decode_cursor(batch.cursor), size=batch.size)
        return (await query.fetch(connection, window)).of(store.read_operation)

    async def _call_off(
        self, connection: Connection, operations: Sequence[Operation]
    ) -> list[tuple[Settlement, ResourceOperation]]:
        """End those that nobody works on; returns what was stored."""
        by_id = {operation.id: operation for operation in operations}
        owners = {operation.connection_id for operation in operations}
        # As the system: what ends lets others' writes go.
        async with as_system(connection):
            jobs = await self._dispatch.seize(connection, owners, list(by_id))
            reached = await part_store.count_done(connection, [job.id for job in jobs])
            settlements = [called_off(job, by_id[job.id], CANCELLED, reached.get(job.id, 0)) for job in jobs]
            answers = await self._settler.store(connection, settlements) if settlements else []
        return [
            (settlement, answer)
            for settlement, answer in zip(settlements, answers, strict=True)
            if isinstance(answer, ResourceOperation)
        ]


def _observe(ended: Sequence[tuple[Settlement, ResourceOperation]]) -> None:
    for settlement, operation in ended:
        observe(settlement, operation)


async def _why_not(connection: Connection, partner_id: UUID, operation_id: UUID) -> str:
    operation = await store.select_operation(connection, partner_id, operation_id)
    if operation is not None and operation.status is not ResourceOperationStatusEnum.PENDING:
        return f"The operation has ended already: {operation.status}."
    return "It is too late to cancel: the operation is being sent, or may have reached the provider already."
