"""A group message as messages to one recipient each, where the provider takes no other."""

import msgspec

from fleetwrite.connectors.sdk.connector import Connector
from fleetwrite.connectors.sdk.write import Fault, Loss, Translation, UntranslatableWriteError, Write
from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.contract.errors import ErrorType
from fleetwrite.contract.telematics import GroupMessageCreate, MessageCreate
from fleetwrite.kit.ids import derive_id
from fleetwrite.operations.models import Part

_ONE = "recipient_id"
_ALL = "recipient_ids"


def is_fanned_out(connector: Connector, write: Write) -> bool:
    """Whether `write` is sent in parts."""
    offer = connector.manifest.offer_of(write.resource, write.operation_type)
    return offer is not None and offer.is_fanned_out


def split(connector: Connector, write: Write) -> tuple[Part, ...]:
    """A part for each recipient, however often the body names them; none where `write` is sent as it is."""
    if not is_fanned_out(connector, write):
        return ()
    first: dict[str, int] = {}
    for position, reference in enumerate(write.reference_lists.get(_ALL, ())):
        first.setdefault(reference.source_id, position)
    return tuple(Part(position=one, recipient_id=_body(write).recipient_ids[one]) for one in first.values())


def write_of(write: Write, part: Part) -> Write:
    """The message to the recipient of `part`. It has an id of its own, by which its provider may keep it apart."""
    body = _body(write)
    return msgspec.structs.replace(
        write,
        operation_id=derive_id(write.operation_id, "part", str(part.position)),
        resource=ResourceEnum.MESSAGE,
        body=MessageCreate(
            connection_id=body.connection_id,
            sender_id=body.sender_id,
            recipient_id=part.recipient_id,
            message_text=body.message_text,
            priority=body.priority,
        ),
        references={**write.references, _ONE: write.reference_lists[_ALL][part.position]},
        reference_lists={},
        idempotency_key=None,
    )


def translate(connector: Connector, write: Write) -> Translation:
    """What the provider is told first of `write`, and the losses of all its parts.

    Raises:
        UntranslatableWriteError: a part can not be sent. What is wrong with all of them is told once, what is wrong
            with a recipient by its place in the list.
        UnofferedWriteError: the provider has no such write.
    """
    if not is_fanned_out(connector, write):
        return connector.translate(write)
    translations: list[Translation] = []
    faults: dict[Fault, None] = {}
    for part in split(connector, write):
        try:
            translations.append(connector.translate(write_of(write, part)))
        except UntranslatableWriteError as error:
            faults.update(dict.fromkeys(_of_group(fault, part) for fault in error.faults))
    if not translations and not faults:
        faults[Fault(field=_ALL, error_type=ErrorType.REQUIRED_BY_TSP, message="Name at least one recipient.")] = None
    if faults:
        raise UntranslatableWriteError(tuple(faults))
    losses: dict[str, Loss] = {}
    for translation in translations:
        for loss in translation.losses:
            losses.setdefault(loss.field, loss)
    return msgspec.structs.replace(translations[0], losses=tuple(losses.values()))


def _of_group(fault: Fault, part: Part) -> Fault:
    return msgspec.structs.replace(fault, field=f"{_ALL}.{part.position}") if fault.field == _ONE else fault


def _body(write: Write) -> GroupMessageCreate:
    if not isinstance(write.body, GroupMessageCreate):
        raise TypeError(f"Only group messages are sent in parts, and this is a {write.resource}.")
    return write.body
