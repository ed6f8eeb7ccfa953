"""What can be found out about a request before it is stored: its ids, what it refers to, what the provider takes."""

from collections.abc import Collection, Mapping
from uuid import UUID

import msgspec

from fleetwrite.connections.models import Connection as TspConnection
from fleetwrite.connections.service import ConnectionService
from fleetwrite.connectors.sdk.connector import Connector
from fleetwrite.connectors.sdk.registry import Registry
from fleetwrite.connectors.sdk.write import (
    Loss,
    SourceReference,
    Translation,
    UnofferedWriteError,
    UntranslatableWriteError,
    Write,
)
from fleetwrite.contract.errors import ErrorType, ValidationErrorDetail
from fleetwrite.contract.telematics import WriteBody
from fleetwrite.kit.clock import database_now
from fleetwrite.kit.database import Database
from fleetwrite.kit.ids import new_id
from fleetwrite.operations import parts
from fleetwrite.operations.errors import InvalidWriteError
from fleetwrite.operations.models import WriteRequest
from fleetwrite.operations.payload import nulls, without_nulls
from fleetwrite.operations.references import Resolved, check_references, referenced_ids, resolve
from fleetwrite.operations.scheduling import schedule_faults
from fleetwrite.records.errors import RecordNotFoundError
from fleetwrite.records.models import Record
from fleetwrite.records.store import resolve as resolve_records


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """A request that passed its checks.

    Attributes:
        connector: of the connection's provider.
        target: the record to update.
        ids: body field -> our ids of the records it points to.
        resolved: the same records as the provider knows them.
        cleared: fields to be emptied.
    """

    connection: TspConnection
    connector: Connector
    write: Write
    translation: Translation
    target: Record | None
    ids: Mapping[str, tuple[UUID, ...]]
    resolved: Resolved
    cleared: tuple[str, ...]


class Checker:
    """Checks requests. It stores nothing."""

    def __init__(self, database: Database, connections: ConnectionService, registry: Registry) -> None:
        self._database = database
        self._connections = connections
        self._registry = registry

    async def check(self, request: WriteRequest) -> Checked:
        """Check `request` in everything that can be known without storing it.

        Raises: what `Acceptor.accept` raises, but for what only storing finds out.
        """
        connection = await self._connections.get(request.partner_id, request.body.connection_id)
        connection.require_writable(request.resource)
        connection.require_open()
        connector = self._registry.get(connection.tsp_slug)
        if not connector.manifest.offers_write(request.resource, request.operation_type):
            raise UnofferedWriteError(
                f"{connector.manifest.name} does not offer to {request.operation_type} a {request.resource} by its API."
            )
        cleared = nulls(request.body) if request.directives.clear_nulls else ()
        body = without_nulls(request.body)
        ids = referenced_ids(request.resource, body)
        await self._check_times(request)
        wanted = {one for field_ids in ids.values() for one in field_ids}
        records = await self._records(wanted if request.record_id is None else {*wanted, request.record_id})
        target = _target(request, records)
        faults = check_references(request.resource, body, ids, records)
        if faults:
            raise InvalidWriteError(tuple(faults))
        references = {one: SourceReference(records[one].source_id, records[one].attributes) for one in wanted}
        resolved = resolve(request.resource, ids, references)
        write = Write(
            operation_id=new_id(),
            resource=request.resource,
            operation_type=request.operation_type,
            body=body,
            target=None if target is None else SourceReference(target.source_id, target.attributes),
            references=resolved.single,
            reference_lists=resolved.lists,
            cleared=frozenset(cleared),
            allow_losses=request.directives.allow_losses,
            idempotency_key=request.directives.idempotency_key,
            settings=connection.settings,
        )
        translation = _translate(connector, write)
        losses = translation.losses
        if losses and request.directives.refuse_losses:
            raise InvalidWriteError(tuple(_refused_loss(body, loss) for loss in losses))
        return Checked(
            connection=connection,
            connector=connector,
            write=write,
            translation=translation,
            target=target,
            ids=ids,
            resolved=resolved,
            cleared=cleared,
        )

    async def _check_times(self, request: WriteRequest) -> None:
        directives = request.directives
        if directives.expires_at is None and directives.not_before is None:
            return
        async with self._database.acquire() as reading:
            faults = schedule_faults(directives, await database_now(reading), is_sync=request.is_sync)
        if faults:
            raise InvalidWriteError(tuple(faults))

    async def _records(self, ids: Collection[UUID]) -> Mapping[UUID, Record]:
        if not ids:
            return {}
        async with self._database.acquire() as connection:
            return await resolve_records(connection, ids)


def _target(request: WriteRequest, records: Mapping[UUID, Record]) -> Record | None:
    if request.record_id is None:
        return None
    record = records.get(request.record_id)
    if (
        record is None
        or record.connection_id != request.body.connection_id
        or record.resource != request.resource
        or record.deleted_at is not None
    ):
        raise RecordNotFoundError(request.resource, request.record_id)
    return record


def _translate(connector: Connector, write: Write) -> Translation:
    """The provider's terms for `write`; its faults in terms of the request."""
    try:
        return parts.translate(connector, write)
    except UntranslatableWriteError as error:
        raise InvalidWriteError(
            tuple(
                ValidationErrorDetail(
                    path=f"body.{fault.field}",
                    input=_input_text(write.body, fault.field, fault.error_type),
                    message=fault.message,
                    error_type=fault.error_type,
                )
                for fault in error.faults
            )
        ) from error


def _refused_loss(body: WriteBody, loss: Loss) -> ValidationErrorDetail:
    return ValidationErrorDetail(
        path=f"body.{loss.field}",
        input=_input_text(body, loss.field, ErrorType.LOSS),
        message=f"{loss.reason} Leave it out, or let it be lost: without the header Fleetwrite-Losses: refuse.",
        error_type=ErrorType.LOSS,
    )


def _input_text(body: WriteBody, field: str, error_type: ErrorType) -> str:
    value = getattr(body, field, msgspec.UNSET)
    if value is msgspec.UNSET or (error_type is ErrorType.REQUIRED_BY_TSP and value is None):
        return ""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
