"""What the API asks of operations: write, look, list, collect secrets."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final
from uuid import UUID

import msgspec

from fleetwrite.connections.models import Connection as TspConnection
from fleetwrite.connections.outages import Outages
from fleetwrite.contract.enums import (
    ConnectionStatusEnum,
    ResourceEnum,
    ResourceOperationStatusEnum,
    ResourceOperationTypeEnum,
)
from fleetwrite.contract.enums import ResourceOperationErrorTypeEnum as Category
from fleetwrite.contract.errors import ErrorType, ValidationErrorDetail
from fleetwrite.contract.integrations import ResourceOperationRead
from fleetwrite.contract.telematics import ResourceOperation
from fleetwrite.contract.tsps import SourceName
from fleetwrite.dispatch.errors import LeaseLostError, OrderConflictError
from fleetwrite.dispatch.models import Job
from fleetwrite.kit.clock import database_now
from fleetwrite.kit.database import Connection, Database
from fleetwrite.kit.keyset import Page, Window, decode_cursor
from fleetwrite.kit.tenancy import acting_as_system
from fleetwrite.operations import store
from fleetwrite.operations.accept import SECRETS_PURPOSE, Acceptance, Acceptor
from fleetwrite.operations.conclusion import not_sent
from fleetwrite.operations.errors import (
    IdempotencyKeyTakenError,
    InvalidWriteError,
    OperationNotFoundError,
    SecretNotFoundError,
    SecretNotReadyError,
)
from fleetwrite.operations.execute import ANSWER_S
from fleetwrite.operations.fan_out import FanOutExecutor
from fleetwrite.operations.handler import OperationHandler
from fleetwrite.operations.idempotency import Replays
from fleetwrite.operations.models import KIND, Task, Unready, WriteRequest, WriteResult
from fleetwrite.operations.preview import Preview
from fleetwrite.operations.rendering import polled, write_answer
from fleetwrite.operations.settle import Settler
from fleetwrite.vault.service import Vault

LONGEST_SPAN: Final = timedelta(days=45)
"""The contract's limit of a list's date range."""

TURN_POLL_S: Final = 0.1
"""How often a sync write looks whether the older writes to its record have ended."""

DEFAULT_SPAN: Final = timedelta(days=1)
"""How far back a list reaches when the client does not say; the contract's default."""

_SECRETS: Final = msgspec.json.Decoder(dict[str, str])


class OperationQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Filters of the list of operations; all must hold. Times filter by `created_at`."""

    resource: ResourceEnum | None = None
    connection_id: UUID | None = None
    source_name: SourceName | None = None
    fleet_refs: Annotated[list[str], msgspec.Meta(max_length=100)] | None = None
    operation: ResourceOperationTypeEnum | None = None
    source_id: str | None = None
    from_datetime: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    to_datetime: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    cursor: str | None = None
    size: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 300


class OperationService:
    """Resource operations, as a partner sees them. What is another partner's does not exist."""

    def __init__(
        self,
        database: Database,
        vault: Vault,
        acceptor: Acceptor,
        handler: OperationHandler,
        executor: FanOutExecutor,
        settler: Settler,
        outages: Outages,
        *,
        sync_deadline_s: float,
    ) -> None:
        self._database = database
        self._vault = vault
        self._acceptor = acceptor
        self._handler = handler
        self._executor = executor
        self._settler = settler
        self._outages = outages
        self._sync_deadline_s = sync_deadline_s
        self._replays = Replays(database)
        self._syncing: set[asyncio.Task[ResourceOperation]] = set()

    async def write(self, request: WriteRequest) -> WriteResult:
        """Accept a write and, where it is sync, deliver it with one attempt before returning.

        A write that comes again under its idempotency key is not carried out again: the answer is the first one's.

        Raises: what `Acceptor.accept` and `Replays.find` raise.
        """
        started_at = asyncio.get_running_loop().time()
        replay = await self._replays.find(request)
        if replay is not None:
            return replay
        try:
            acceptance = await self._accept_in_turn(request, started_at + self._sync_deadline_s)
        except IdempotencyKeyTakenError:
            # Another request with the key was faster; its answer is ours too.
            replay = await self._replays.find(request)
            if replay is None:
                raise
            return replay
        losses, lease = acceptance.accepted.losses, acceptance.accepted.job_lease
        if lease is None:
            return WriteResult(operation=acceptance.answer, losses=losses, is_sync=False)
        # In a task of its own: a client that hangs up must not leave a write half settled. As the system, as workers do
        # it: the login is opened, and others' writes are let go.
        with acting_as_system():
            task = asyncio.create_task(self._deliver(acceptance, lease, started_at))
        self._syncing.add(task)
        task.add_done_callback(self._syncing.discard)
        return WriteResult(operation=await asyncio.shield(task), losses=losses, is_sync=True)

    async def preview(self, request: WriteRequest) -> Preview:
        """What a write would send; nothing is stored, and nothing is sent. Raises what `Acceptor.preview` raises."""
        return await self._acceptor.preview(request)

    async def _accept_in_turn(self, request: WriteRequest, give_up_at: float) -> Acceptance:
        """Accept a write; a sync one as soon as the older writes to its record have ended.

        Raises:
            OrderConflictError: they have not, shortly before the write's deadline.
        """
        loop = asyncio.get_running_loop()
        while True:
            try:
                return await self._acceptor.accept(request)
            except OrderConflictError:
                if loop.time() + TURN_POLL_S + ANSWER_S > give_up_at:
                    raise
            await asyncio.sleep(TURN_POLL_S)

    async def get(self, partner_id: UUID, connection_id: UUID, operation_id: UUID) -> ResourceOperationRead:
        """One operation with its attempts.

        Raises:
            OperationNotFoundError: unknown, or not on this connection.
        """
        async with self._database.acquire() as connection:
            operation = await store.select_operation(connection, partner_id, operation_id)
            if operation is None or operation.connection_id != connection_id:
                raise OperationNotFoundError(f"No operation {operation_id} is known on connection {connection_id}.")
            logs = await store.select_attempts(connection, [operation_id])
        return polled(operation, logs[operation_id])

    async def page(self, partner_id: UUID, query: OperationQuery) -> Page[ResourceOperationRead]:
        """A page of operations, oldest first.

        Raises:
            InvalidWriteError: filters that do not go together.
            BadCursorError: the cursor is none of ours.
        """
        window = Window(cursor=decode_cursor(query.cursor), size=query.size)
        async with self._database.acquire() as connection:
            now = await database_now(connection)
            to_at = query.to_datetime or now
            from_at = query.from_datetime or to_at - DEFAULT_SPAN
            _check_query(query, from_at, to_at)
            listing = store.operations_of(partner_id)
            listing.where("o.created_at >= {} AND o.created_at < {}", from_at, to_at)
            if query.resource is not None:
                listing.where("o.resource = {}", query.resource)
            if query.connection_id is not None:
                listing.where("o.connection_id = {}", query.connection_id)
            if query.source_name is not None:
                listing.where("c.source_name = {}", query.source_name)
            if query.fleet_refs is not None:
                listing.where("a.fleet_ref = ANY({}::text[])", query.fleet_refs)
            if query.operation is not None:
                listing.where("o.operation_type = {}", query.operation)
            if query.source_id is not None:
                listing.where("o.source_id = {}", query.source_id)
            rows = await listing.fetch(connection, window)
            operations = rows.of(store.read_operation)
            logs = await store.select_attempts(connection, [operation.id for operation in operations.items])
        return operations.of(lambda operation: polled(operation, logs[operation.id]))

    async def collect_secrets(self, partner_id: UUID, operation_id: UUID) -> dict[str, str]:
        """What was made up for this operation, once: it is destroyed with this answer.

        Raises:
            OperationNotFoundError: no such operation of this partner.
            SecretNotReadyError: it has not succeeded yet.
            SecretNotFoundError: there is none, or it was collected.
        """
        async with self._database.transaction() as connection:
            operation = await store.select_operation(connection, partner_id, operation_id)
            if operation is None:
                raise OperationNotFoundError(f"No operation {operation_id} is known.")
            if operation.status is ResourceOperationStatusEnum.PENDING:
                raise SecretNotReadyError("The operation is still pending; collect its secrets when it succeeded.")
            if operation.status is ResourceOperationStatusEnum.FAILED:
                raise SecretNotFoundError("This operation failed: there is no secret to collect.")
            deleted = await store.delete_secrets(connection, [operation_id])
            if operation_id not in deleted:
                raise SecretNotFoundError("This operation has no secret to collect, or it was collected already.")
            opened = self._vault.open(deleted[operation_id], purpose=SECRETS_PURPOSE, subject=operation_id)
        return _SECRETS.decode(opened)

    async def close(self) -> None:
        """Finish what is being accepted and delivered, and take no more."""
        await self._acceptor.close()
        if self._syncing:
            await asyncio.wait(self._syncing)
        await self._settler.close()

    async def _deliver(self, acceptance: Acceptance, lease: UUID, started_at: float) -> ResourceOperation:
        accepted = acceptance.accepted
        async with self._database.acquire() as connection:
            job = Job(
                id=accepted.operation.id,
                owner_id=accepted.operation.connection_id,
                kind=KIND,
                lease=lease,
                scopes=accepted.scopes,
                attempts=1,
                claimed_at=acceptance.answer.created_at,
                uncertain_since=acceptance.answer.created_at,
                expires_at=accepted.expires_at or acceptance.answer.created_at + accepted.lasts,
                has_slot=False,
                single_attempt=True,
            )
            task = (await self._handler.load(connection, [job]))[job.id]
            obstacle = await self._obstacle(connection, acceptance.connection, task)
        if obstacle is not None:
            return await self._settler.settle(not_sent(job, task.operation, *obstacle))
        lasts_s = (job.expires_at - job.claimed_at).total_seconds()
        within_s = min(self._sync_deadline_s, lasts_s) - (asyncio.get_running_loop().time() - started_at)
        try:
            return await self._settler.settle(await self._executor.attempt(job, task, max(0.0, within_s)))
        except LeaseLostError:
            # Stored already, by a commit whose answer was lost, or by a worker that took over: say what it says there.
            return await self._stored_answer(job.id, accepted.operation.partner_id)

    async def _obstacle(
        self, connection: Connection, accepted_for: TspConnection, task: Task | Unready
    ) -> tuple[str, Category] | None:
        """Why a write is not sent now that would wait if it were async, and the category of that; None: it is sent."""
        status = accepted_for.status
        if status is ConnectionStatusEnum.STALE:
            since = (await self._outages.refused_since(connection, [accepted_for.id])).get(accepted_for.id)
            text = "the connection is stale: the provider refuses its login" + (
                "" if since is None else f" since {since.astimezone(UTC).isoformat(timespec='seconds')}"
            )
            return f"{text}; an async write would wait until it works again", Category.AUTH
        if accepted_for.silence is not None:
            return f"{accepted_for.silence}; an async write would wait until that is over", Category.TSP
        if isinstance(task, Task):
            since = await self._outages.open_since(connection, task.account.host)
            if since is not None:
                text = f"the provider's host fails since {since.astimezone(UTC).isoformat(timespec='seconds')}"
                return f"{text} and is left alone; an async write would wait until it is back", Category.TSP
        return None

    async def _stored_answer(self, operation_id: UUID, partner_id: UUID) -> ResourceOperation:
        async with self._database.acquire() as connection:
            operation = await store.select_operation(connection, partner_id, operation_id)
            logs = await store.select_attempts(connection, [operation_id])
        if operation is None:
            raise OperationNotFoundError(f"Operation {operation_id} is gone.")
        return write_answer(operation, logs[operation_id])


def _check_query(query: OperationQuery, from_at: datetime, to_at: datetime) -> None:
    faults: list[ValidationErrorDetail] = []
    if to_at - from_at > LONGEST_SPAN:
        faults.append(
            ValidationErrorDetail(
                path="query.from_datetime",
                input=from_at.isoformat(),
                message=f"At most {LONGEST_SPAN.days} days can be listed at once; ask for a shorter span.",
                error_type=ErrorType.RANGE,
            )
        )
    if query.source_id is not None and query.resource is None:
        faults.append(
            ValidationErrorDetail(
                path="query.resource",
                input="",
                message="A source_id is unique only within a resource; name the resource as well.",
                error_type=ErrorType.MISSING,
            )
        )
    if faults:
        raise InvalidWriteError(tuple(faults))
