"""Examples of the writes that a connector offers, in the contract's terms.

Each connector has some in its `examples.py`. They are what its tests send, what the demonstration writes, and what the
documentation shows; so they say what the provider asks for, and nothing about how it is told.
"""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

import msgspec

from fleetwrite.connectors.sdk.connector import SourceRecord
from fleetwrite.connectors.sdk.write import SourceReference, Write
from fleetwrite.contract.enums import ResourceEnum, ResourceOperationTypeEnum
from fleetwrite.contract.telematics import WRITE_BODIES
from fleetwrite.kit.errors import FleetwriteError


class NoSuchRecordError(FleetwriteError):
    """The account has no record as an example wants it."""


class Pick(msgspec.Struct, frozen=True, kw_only=True):
    """A record of the account that an example refers to: the first one of `resource` with these attributes.

    Attributes:
        resource: a vehicle, a trailer or a user.
        where: attributes that it must have; None as a value: must not have.
        nth: not the first but a later one; 0 is the first.
    """

    resource: ResourceEnum
    where: Mapping[str, Any] = {}
    nth: int = 0


class Example(msgspec.Struct, frozen=True, kw_only=True):
    """One write.

    Attributes:
        name: tells it from others of the same kind: `minimal`, `full`, ...
        resource: what is written.
        operation_type: created or updated.
        kind: which kind of record, where the manifest's offers tell several apart.
        body: the contract's body, as JSON; `connection_id` and whatever refers to a record are filled in.
        refers_to: body field -> the record it points to.
        lists: body field -> the records it points to (`recipient_ids`).
        target: the record to update; None for a create.
        losses: fields that the provider can not hold; the write is then sent with `Fleetwrite-Losses: allow`.
    """

    name: str
    resource: ResourceEnum
    operation_type: ResourceOperationTypeEnum
    kind: str | None = None
    body: Mapping[str, Any] = {}
    refers_to: Mapping[str, Pick] = {}
    lists: Mapping[str, tuple[Pick, ...]] = {}
    target: Pick | None = None
    losses: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Its name among all examples of a connector: `vehicle.create.minimal`."""
        return f"{self.resource.value}.{self.operation_type.value}.{self.name}"


_ANY_ID = UUID(int=0)


def pick(wanted: Pick, records: Iterable[SourceRecord]) -> SourceRecord:
    """The record that an example means.

    Raises:
        NoSuchRecordError: there is none.
    """
    left = wanted.nth
    for record in records:
        if record.resource is wanted.resource and all(
            record.attributes.get(name) == value for name, value in wanted.where.items()
        ):
            if left == 0:
                return record
            left -= 1
    raise NoSuchRecordError(
        f"The account has no {wanted.resource.value} number {wanted.nth} with {dict(wanted.where)}."
    )


def build(
    example: Example, operation_id: UUID, records: Iterable[SourceRecord], settings: Mapping[str, str] | None = None
) -> Write:
    """The write of an example, with the references resolved among `records`.

    Raises:
        NoSuchRecordError: a record that it refers to is not there.
        msgspec.ValidationError: the body is none of the contract's.
    """
    known = list(records)

    def reference(wanted: Pick) -> SourceReference:
        found = pick(wanted, known)
        return SourceReference(found.source_id, found.attributes)

    single = {field: reference(wanted) for field, wanted in example.refers_to.items()}
    lists = {field: tuple(map(reference, wanted)) for field, wanted in example.lists.items()}
    body = {
        **example.body,
        "connection_id": _ANY_ID,
        **dict.fromkeys(single, _ANY_ID),
        **{field: [_ANY_ID] * len(of) for field, of in lists.items()},
    }
    return Write(
        operation_id=operation_id,
        resource=example.resource,
        operation_type=example.operation_type,
        body=msgspec.json.decode(
            msgspec.json.encode(body), type=WRITE_BODIES[example.resource, example.operation_type]
        ),
        target=None if example.target is None else reference(example.target),
        references=single,
        reference_lists=lists,
        allow_losses=bool(example.losses),
        settings=settings or {},
    )
