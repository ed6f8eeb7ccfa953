"""One write, as a connector sees it: what the partner asked, with the provider's ids beside ours."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

import msgspec

from fleetwrite.contract.enums import ResourceEnum, ResourceOperationTypeEnum
from fleetwrite.contract.errors import ErrorType
from fleetwrite.contract.telematics import WriteBody
from fleetwrite.kit.egress import MAX_ANSWER_BYTES
from fleetwrite.kit.errors import FleetwriteError

LIST_ANSWER_BYTES: Final = 64 * 1024 * 1024
"""Some providers give a list in one answer, however long it is: at some 600 bytes each, that of 100,000 vehicles."""

_READING: Final = frozenset({"GET", "HEAD"})


class SourceReference(msgspec.Struct, frozen=True):
    """A record that a write points to: its id at the provider, and what we know of it."""

    source_id: str
    attributes: Mapping[str, Any]


class Write(msgspec.Struct, frozen=True, kw_only=True):
    """One resource operation, ready to be translated.

    Attributes:
        operation_id: ours; sent as an external id where the provider keeps one.
        resource: what is written.
        operation_type: created or updated.
        body: the contract's body (VehicleCreate, ...). Absent fields are UNSET.
        target: the record to update; None for a create.
        references: body field -> the record it points to (`sender_id`, `driver_id`, ...).
        reference_lists: the same for fields with several ids (`recipient_ids`), in the body's order.
        cleared: fields whose null means "empty it" (request header `Fleetwrite-Null: clear`); every other null means
            "leave as it is".
        allow_losses: the partner accepts that the provider can not hold some fields (`Fleetwrite-Losses: allow`).
        idempotency_key: the partner's, if it sent one.
        settings: the connection's, by the names in the manifest.
        made: the id at the provider of what an earlier attempt made and could not complete; None: nothing yet.
    """

    operation_id: UUID
    resource: ResourceEnum
    operation_type: ResourceOperationTypeEnum
    body: WriteBody
    target: SourceReference | None = None
    references: Mapping[str, SourceReference] = {}
    reference_lists: Mapping[str, tuple[SourceReference, ...]] = {}
    cleared: frozenset[str] = frozenset()
    allow_losses: bool = False
    idempotency_key: str | None = None
    settings: Mapping[str, str] = {}
    made: str | None = None

    def require_target(self) -> SourceReference:
        """The record to update.

        Raises:
            ValueError: this is a create.
        """
        if self.target is None:
            raise ValueError(f"Operation {self.operation_id} has no target: it is a {self.operation_type.value}.")
        return self.target


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One HTTP call to a provider.

    Attributes:
        method: the HTTP method.
        path: below the account's base URL, with ids already escaped.
        query: query parameters, in order.
        body: what `Connector.render` encodes; None for no body.
        scopes: the budgets it takes a slot from, the widest first. The last one names calls of this kind alone, also
            where no limit is known for them: it is barred while the login has no right to such calls.
        reads: whether it changes nothing at the provider; None: as its method says.
        is_list: it is answered with all there is of something, or with as much as the provider thinks fit. Such a read
            may take as long as a write, and its answer `LIST_ANSWER_BYTES`.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    body: Mapping[str, Any] | None = None
    scopes: tuple[str, ...]
    reads: bool | None = None
    is_list: bool = False

    @property
    def is_read(self) -> bool:
        return self.method in _READING if self.reads is None else self.reads

    @property
    def max_answer_bytes(self) -> int:
        """How much of an answer is taken."""
        return LIST_ANSWER_BYTES if self.is_read and self.is_list else MAX_ANSWER_BYTES


class Loss(msgspec.Struct, frozen=True, kw_only=True):
    """A field that the provider has no place for, and why."""

    field: str
    reason: str


class Translation(msgspec.Struct, frozen=True, kw_only=True):
    """A write in the provider's terms.

    Attributes:
        call: the call that writes.
        losses: what of the body is not in it.
        reference: a key the provider takes once only and never gives back; kept in a ledger.
        wanted_secrets: names of secrets to make up (a driver's first password); `with_secrets` puts them in.
        secrets_at: where in the call's body they belong; a point leads into a nested object. Empty: the body itself.
    """

    call: Call
    losses: tuple[Loss, ...] = ()
    reference: str | None = None
    wanted_secrets: tuple[str, ...] = ()
    secrets_at: str = ""

    def with_secrets(self, secrets: Mapping[str, str]) -> Call:
        """The call with the made-up secrets in its body. Only to be held while it is sent."""
        if not self.wanted_secrets:
            return self.call
        chosen = {name: secrets[name] for name in self.wanted_secrets}
        path = self.secrets_at.split(".") if self.secrets_at else []
        return msgspec.structs.replace(self.call, body=_merged(self.call.body or {}, path, chosen))


def _merged(body: Mapping[str, Any], path: list[str], chosen: Mapping[str, str]) -> dict[str, Any]:
    if not path:
        return {**body, **chosen}
    return {**body, path[0]: _merged(body.get(path[0], {}), path[1:], chosen)}


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """One reason why a provider can not take a write, in terms of our field."""

    field: str
    error_type: ErrorType
    message: str


class UntranslatableWriteError(FleetwriteError):
    """The provider can not take this write as it stands; `faults` names every field and its remedy."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        super().__init__("; ".join(f"{fault.field}: {fault.message}" for fault in faults))
        self.faults = faults


class UnofferedWriteError(FleetwriteError):
    """The provider has no such write at all, whatever the body says; the message tells what it offers instead."""
