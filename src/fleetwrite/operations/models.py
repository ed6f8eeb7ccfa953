"""What a resource operation is, and the states it goes through."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

import msgspec

from fleetwrite.connections.models import Account
from fleetwrite.connections.outage_models import Sign
from fleetwrite.connectors.sdk.connector import Connector
from fleetwrite.connectors.sdk.write import Loss, Write
from fleetwrite.contract.enums import (
    MessagePriorityEnum,
    ResourceEnum,
    ResourceOperationErrorTypeEnum,
    ResourceOperationStatusEnum,
    ResourceOperationTypeEnum,
)
from fleetwrite.contract.telematics import ResourceOperation, WriteBody
from fleetwrite.dispatch.models import USUAL_PRIORITY, Disposition, Job

KIND: Final = "operation"
"""The kind of our jobs and lanes in dispatch."""

TRANSITIONS: Final[Mapping[ResourceOperationStatusEnum, frozenset[ResourceOperationStatusEnum]]] = MappingProxyType(
    {
        ResourceOperationStatusEnum.PENDING: frozenset(
            {ResourceOperationStatusEnum.SUCCESS, ResourceOperationStatusEnum.FAILED}
        ),
        ResourceOperationStatusEnum.SUCCESS: frozenset(),
        # By `/retry` only.
        ResourceOperationStatusEnum.FAILED: frozenset({ResourceOperationStatusEnum.PENDING}),
    }
)
"""Every legal change of an operation's status. The table's trigger and CHECKs hold the same."""

MESSAGES: Final = frozenset({ResourceEnum.MESSAGE, ResourceEnum.GROUP_MESSAGE})
"""Writes that go stale within the hour: yesterday's instruction must not reach a driver today."""


class Directives(msgspec.Struct, frozen=True, kw_only=True):
    """How the partner wants a write done; comes from request headers.

    Attributes:
        clear_nulls: a null empties its field (`Fleetwrite-Null: clear`); otherwise it means "leave as it is".
        allow_losses: go on though the provider can not hold some of it (`Fleetwrite-Losses: allow`).
        refuse_losses: do not write if the provider can not hold all of it (`Fleetwrite-Losses: refuse`).
        idempotency_key: the partner's own key of this write.
        expires_at: until when it is worth delivering (`Fleetwrite-Expires-At`), instead of its kind's deadline.
        not_before: it is not sent earlier (`Fleetwrite-Not-Before`).
        priority: how urgent it is (`Fleetwrite-Priority`); wins over what the body says.
    """

    clear_nulls: bool = False
    allow_losses: bool = False
    refuse_losses: bool = False
    idempotency_key: str | None = None
    expires_at: datetime | None = None
    not_before: datetime | None = None
    priority: MessagePriorityEnum | None = None


class WriteRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A partner's request to write."""

    partner_id: UUID
    resource: ResourceEnum
    operation_type: ResourceOperationTypeEnum
    record_id: UUID | None
    body: WriteBody
    is_sync: bool
    directives: Directives


class WriteResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a write is answered with.

    Attributes:
        operation: as it stands when the request is answered.
        losses: the fields that the provider can not hold.
        is_sync: whether it was delivered before the answer.
        is_replayed: this is the first answer to the same write, again.
    """

    operation: ResourceOperation
    losses: tuple[str, ...]
    is_sync: bool
    is_replayed: bool = False


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What was agreed at accept and is needed to deliver; stored beside the payload, never shown as such.

    Attributes:
        record_ids: body field -> our ids of the records it points to; `id` is the record to update.
        cleared: fields to be emptied.
        allow_losses: see Directives.
        idempotency_key: see Directives.
        priority: of its job; see `fleetwrite.dispatch.models.PRIORITIES`.
        losses: what the provider can not hold of it.
    """

    record_ids: Mapping[str, tuple[UUID, ...]]
    cleared: tuple[str, ...] = ()
    allow_losses: bool = False
    idempotency_key: str | None = None
    priority: int = USUAL_PRIORITY
    losses: tuple[Loss, ...] = ()


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One resource operation as stored, without its attempts."""

    id: UUID
    partner_id: UUID
    connection_id: UUID
    fleet_id: UUID
    fleet_ref: str | None
    source_name: str
    resource: ResourceEnum
    operation_type: ResourceOperationTypeEnum
    resource_id: UUID | None
    source_id: str | None
    payload: Mapping[str, Any]
    status: ResourceOperationStatusEnum
    is_sync: bool
    created_at: datetime
    updated_at: datetime


class Obstacle(msgspec.Struct, frozen=True, kw_only=True):
    """An operation that stands in the way of another one of the same connection.

    Attributes:
        is_own: both are the same partner's. Others who may write to the connection must not learn its id.
    """

    operation_id: UUID
    is_own: bool

    @property
    def name(self) -> str:
        """How it is called in what the partner is told whose operation it is in the way of."""
        return f"operation {self.operation_id}" if self.is_own else "another operation"


class PartState(StrEnum):
    """Where a part stands."""

    WAITING = "waiting"
    # An attempt was begun, and what became of it is not stored.
    SENDING = "sending"
    DONE = "done"
    # It surely did not reach its recipient.
    FAILED = "failed"
    # It may have.
    UNKNOWN = "unknown"


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """What one recipient gets of a group message that its provider takes for one recipient only.

    Attributes:
        position: the recipient's place in the body's list, the first where it is named more often.
        recipient_id: our id of the recipient.
        state: where it stands.
        attempts: how often an attempt was begun.
        begun_at: no attempt that may have reached the provider was begun earlier; None: there was none.
        source_id: the message's id at the provider, where it is done.
        details: why it is not done, beginning with the outcome's stable code.
    """

    position: int
    recipient_id: UUID
    state: PartState = PartState.WAITING
    attempts: int = 0
    begun_at: datetime | None = None
    source_id: str | None = None
    details: str | None = None

    @property
    def is_open(self) -> bool:
        return self.state in {PartState.WAITING, PartState.SENDING}


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """A write that passed every check and is ready to be stored.

    Attributes:
        lasts: for how long it is worth delivering, where `expires_at` does not say.
        expires_at, not_before: as wished.
        job_lease: set for a sync write, which this process runs itself.
        fingerprint: tells this write from others under the same idempotency key.
        secrets_sealed: what was made up for the partner, sealed.
        parts: in which it is sent; empty: it is sent as it is.
    """

    operation: Operation
    terms: Terms
    scopes: tuple[str, ...]
    lasts: timedelta
    expires_at: datetime | None
    not_before: datetime | None
    order_key: str | None
    reference: str | None
    secrets_sealed: bytes | None
    job_lease: UUID | None
    fingerprint: bytes
    lease_lasts: timedelta
    parts: tuple[Part, ...] = ()

    @property
    def losses(self) -> tuple[str, ...]:
        """The fields that the provider can not hold."""
        return tuple(loss.field for loss in self.terms.losses)


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """Everything needed to attempt an operation.

    Attributes:
        refused_since: since when the connection's login is refused; asked only where the operation's time is over.
        barred_since: since when the login has no right to such calls; asked only there, too.
    """

    operation: Operation
    account: Account
    connector: Connector
    write: Write
    secrets: Mapping[str, str]
    refused_since: datetime | None = None
    barred_since: datetime | None = None


class Unready(msgspec.Struct, frozen=True, kw_only=True):
    """An operation that can not be prepared for an attempt until somebody repairs what is missing."""

    operation: Operation


class AttemptLog(msgspec.Struct, frozen=True, kw_only=True):
    """How one attempt ended. `error_type` None: it succeeded."""

    error_type: ResourceOperationErrorTypeEnum | None = None
    error_details: str | None = None
    response_status_code: int | None = None
    response_headers: Mapping[str, str] | None = None


def outcome_code(log: AttemptLog) -> str | None:
    """The stable code with which an attempt's details begin; None where it succeeded."""
    return None if log.error_details is None else log.error_details.partition(":")[0]


class Success(msgspec.Struct, frozen=True, kw_only=True):
    """The provider has it.

    Attributes:
        source_id: its id there.
        attributes: what of the body the provider holds.
        source_data: what it answered.
    """

    source_id: str
    attributes: Mapping[str, Any]
    source_data: Mapping[str, Any]


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """It ended without being written, or nobody can know. `may_be_written`: the latter."""

    may_be_written: bool


class Settlement(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be stored after an attempt.

    Attributes:
        operation: as it was before.
        disposition: what dispatch does with the job.
        logs: one for each attempt that came to an end.
        end: set when the operation is over.
        sign: what the attempt told about the provider's host and the login; None where no call was made.
        made: the id at the provider of what exists there now and is not complete; None: nothing, or all of it.
        parts: those of the operation's parts that changed.
    """

    job: Job
    operation: Operation
    disposition: Disposition
    logs: tuple[AttemptLog, ...]
    end: Success | Failure | None
    sign: Sign | None = None
    made: str | None = None
    parts: tuple[Part, ...] = ()
