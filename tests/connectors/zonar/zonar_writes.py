"""Writes to Zonar as tests want them: short to say, complete as the accept path would make them."""

from typing import Any
from uuid import UUID

import msgspec

from fleetwrite.connectors.sdk.write import SourceReference, Write
from fleetwrite.contract.enums import ResourceEnum, ResourceOperationTypeEnum
from fleetwrite.contract.telematics import WRITE_BODIES

OPERATION_ID = UUID("0198c0de-0000-7000-8000-000000000001")
MARK = f"fw-{OPERATION_ID.hex}"
# Bodies carry ids of ours, which a connector never looks at: it uses the references beside them.
ANY_ID = "0198c0de-0000-7000-8000-0000000000aa"

# What the simulator numbers in its first fleet: four trucks of which the last is inactive, three trailers, five drivers
# of which the last has an external id and no tag.
VEHICLE = SourceReference(source_id="1", attributes={})
INACTIVE_VEHICLE = SourceReference(source_id="4", attributes={})
TRAILER = SourceReference(source_id="5", attributes={})
DRIVER = SourceReference(source_id="1", attributes={"is_driver": True})
DRIVER_WITHOUT_TAG = SourceReference(source_id="5", attributes={"is_driver": True})

_TARGETS = {ResourceEnum.VEHICLE: VEHICLE, ResourceEnum.TRAILER: TRAILER, ResourceEnum.USER: DRIVER}


def create(resource: ResourceEnum, fields: dict[str, Any], **changes: Any) -> Write:
    """A create with these body fields; `changes` replace attributes of the write."""
    return _write(resource, ResourceOperationTypeEnum.CREATE, fields, {"settings": {"location": "Seattle"}, **changes})


def update(resource: ResourceEnum, fields: dict[str, Any], **changes: Any) -> Write:
    """An update with these body fields; `changes` replace attributes of the write."""
    return _write(resource, ResourceOperationTypeEnum.UPDATE, fields, {"target": _TARGETS[resource], **changes})


def message(text: str | None = "Dock 4", *, to: SourceReference = DRIVER, **changes: Any) -> Write:
    """A message; its sender is a loss that is accepted."""
    fields = {"sender_id": ANY_ID, "recipient_id": ANY_ID, "message_text": text}
    references = {"sender_id": DRIVER_WITHOUT_TAG, "recipient_id": to}
    return create(ResourceEnum.MESSAGE, fields, **{"references": references, "allow_losses": True, **changes})


def _write(
    resource: ResourceEnum, operation_type: ResourceOperationTypeEnum, fields: dict[str, Any], changes: dict[str, Any]
) -> Write:
    body = msgspec.json.decode(
        msgspec.json.encode({"connection_id": ANY_ID, **fields}), type=WRITE_BODIES[resource, operation_type]
    )
    arguments = {
        "operation_id": OPERATION_ID,
        "resource": resource,
        "operation_type": operation_type,
        "body": body,
        **changes,
    }
    return Write(**arguments)
