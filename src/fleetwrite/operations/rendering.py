"""An operation in the shapes of the contract."""

from collections.abc import Sequence

import msgspec

from fleetwrite.contract.integrations import ResourceOperationLogRead, ResourceOperationRead
from fleetwrite.contract.notifications import BaseResourceOperationEvent
from fleetwrite.contract.telematics import ResourceOperation, ResourceOperationLog
from fleetwrite.operations.models import Operation


def write_answer(operation: Operation, logs: Sequence[ResourceOperationLogRead]) -> ResourceOperation:
    """The answer of a write endpoint."""
    return ResourceOperation(
        id=operation.id,
        created_at=operation.created_at,
        updated_at=operation.updated_at,
        partner_id=operation.partner_id,
        connection_id=operation.connection_id,
        resource=operation.resource,
        resource_id=operation.resource_id,
        source_id=operation.source_id,
        operation_type=operation.operation_type,
        payload=dict(operation.payload),
        status=operation.status,
        logs=[ResourceOperationLog(**msgspec.structs.asdict(log)) for log in logs],
    )


def polled(operation: Operation, logs: Sequence[ResourceOperationLogRead]) -> ResourceOperationRead:
    """The operation as the integrations API shows it."""
    return ResourceOperationRead(
        id=operation.id,
        created_at=operation.created_at,
        updated_at=operation.updated_at,
        partner_id=operation.partner_id,
        connection_id=operation.connection_id,
        fleet_ref=operation.fleet_ref,
        source_name=operation.source_name,
        resource=operation.resource,
        resource_id=operation.resource_id,
        source_id=operation.source_id,
        operation_type=operation.operation_type,
        status=operation.status,
        payload=dict(operation.payload),
        logs=list(logs),
    )


def event_data(operation: Operation, logs: Sequence[ResourceOperationLogRead]) -> BaseResourceOperationEvent:
    """The operation as events carry it: whole."""
    return BaseResourceOperationEvent(**msgspec.structs.asdict(polled(operation, logs)))
