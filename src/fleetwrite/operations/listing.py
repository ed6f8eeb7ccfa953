"""Operations as those see them who repair: found by what went wrong, and with more than the contract tells."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec

from fleetwrite.connectors.sdk.write import Loss
from fleetwrite.contract.enums import ResourceEnum, ResourceOperationStatusEnum
from fleetwrite.contract.integrations import ResourceOperationLogRead, ResourceOperationRead
from fleetwrite.contract.telematics import Instant
from fleetwrite.dispatch.insight import Waiting
from fleetwrite.kit.database import Connection
from fleetwrite.kit.keyset import Page, PageQuery, Window
from fleetwrite.operations import store
from fleetwrite.operations.models import Part
from fleetwrite.operations.rendering import polled

LARGEST_PAGE: Final = 1000


class OutcomeCode(StrEnum):
    """With what a failed operation ended: the stable code before the colon."""

    NOT_SENT = "not_sent"
    REJECTED = "rejected"
    THROTTLED = "throttled"
    UNREACHABLE = "unreachable"
    AUTH = "auth"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    OUTCOME_UNKNOWN = "outcome_unknown"


class OperationFilter(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which operations; all that is given must hold.

    Attributes:
        status: as it stands.
        outcome: with what it failed.
        resource: what is written.
        connection_id: on which connection.
        record_id: our id of the record that was updated, or created.
        idempotency_key: the one that the key stands for.
        created_from, created_to: when it was accepted; the latter is not within.
    """

    status: ResourceOperationStatusEnum | None = None
    outcome: OutcomeCode | None = None
    resource: ResourceEnum | None = None
    connection_id: UUID | None = None
    record_id: UUID | None = None
    idempotency_key: str | None = None
    created_from: Instant | None = None
    created_to: Instant | None = None


class FilterQuery(OperationFilter, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Query of the list."""

    cursor: str | None = None
    size: Annotated[int, msgspec.Meta(ge=1, le=LARGEST_PAGE)] = 300


class OperationEntry(ResourceOperationRead, frozen=True, kw_only=True):
    """An operation with what the contract's shape has no place for.

    Attributes:
        expires_at: until when it is worth delivering.
        settled_at: when it ended.
        outcome: with what it failed (see OutcomeCode), as the last of its `logs` says at length.
        idempotency_key: that was sent with it.
    """

    expires_at: datetime
    settled_at: datetime | None
    outcome: str | None
    idempotency_key: str | None


class OperationDetail(OperationEntry, frozen=True, kw_only=True):
    """An operation, and where it stands while it is pending.

    Attributes:
        losses: the fields that the provider can not hold, as they were told when it was accepted.
        recipients: where each recipient's message stands, where it is sent to one after the other; else empty.
    """

    losses: list[Loss]
    recipients: list[Part]
    waiting: Waiting | None


def listing(partner_id: UUID, wanted: OperationFilter) -> PageQuery:
    """A query for a partner's operations that meet a filter."""
    query = store.operations_of(partner_id)
    for condition, value in (
        ("o.status = {}", wanted.status),
        ("o.status = 'failed' AND o.outcome = {}", wanted.outcome),
        ("o.resource = {}", wanted.resource),
        ("o.connection_id = {}", wanted.connection_id),
        ("o.resource_id = {}", wanted.record_id),
        ("o.created_at >= {}", wanted.created_from),
        ("o.created_at < {}", wanted.created_to),
    ):
        if value is not None:
            query.where(condition, value)
    if wanted.idempotency_key is not None:
        of_key = "SELECT operation_id FROM idempotency_keys WHERE partner_id = {} AND key = {}"
        query.where(f"o.id IN ({of_key})", partner_id, wanted.idempotency_key)
    return query


async def page(
    connection: Connection, partner_id: UUID, wanted: OperationFilter, window: Window
) -> Page[OperationEntry]:
    """A page of operations, oldest first."""
    rows = await listing(partner_id, wanted).fetch(connection, window)
    logs = await store.select_attempts(connection, [row["id"] for row in rows.items])
    return rows.of(lambda row: entry(row, logs[row["id"]]))


def entry(row: Any, logs: list[ResourceOperationLogRead]) -> OperationEntry:
    """The operation in a row of `listing`."""
    return OperationEntry(
        **msgspec.structs.asdict(polled(store.read_operation(row), logs)),
        expires_at=row["expires_at"],
        settled_at=row["settled_at"],
        outcome=row["outcome"],
        idempotency_key=row["idempotency_key"],
    )
