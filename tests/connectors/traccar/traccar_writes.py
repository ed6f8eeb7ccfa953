"""Writes to Traccar as tests want them: short to say, complete as the accept path would make them."""

from typing import Any
from uuid import UUID

import msgspec

from fleetwrite.connectors.sdk.write import SourceReference, Write
from fleetwrite.contract.enums import ResourceEnum, ResourceOperationTypeEnum
from fleetwrite.contract.telematics import WRITE_BODIES

OPERATION_ID = UUID("0198c0de-0000-7000-8000-000000000001")
# Bodies carry ids of ours, which a connector never looks at: it uses the references beside them.
ANY_ID = "0198c0de-0000-7000-8000-0000000000aa"

VEHICLE = {"vehicle_name": "Unit 412", "eld_serial_number": "862464061234121"}
DRIVER = {"first_name": "Kira", "employee_number": "E-1"}


def create(resource: ResourceEnum, fields: dict[str, Any], **changes: Any) -> Write:
    """A create with these body fields; `changes` replace attributes of the write."""
    return _write(resource, ResourceOperationTypeEnum.CREATE, fields, changes)


def update(resource: ResourceEnum, source_id: str, fields: dict[str, Any], **changes: Any) -> Write:
    """An update of the record with this id; `changes` as in `create`."""
    target = SourceReference(source_id=source_id, attributes={})
    return _write(resource, ResourceOperationTypeEnum.UPDATE, fields, {"target": target, **changes})


def message(driver_id: str, text: str = "Dock 4", **changes: Any) -> Write:
    """A message to the driver with this id."""
    recipient = SourceReference(source_id=driver_id, attributes={})
    fields = {"sender_id": ANY_ID, "recipient_id": ANY_ID, "message_text": text}
    return create(
        ResourceEnum.MESSAGE, fields, references={"recipient_id": recipient, "sender_id": recipient}, **changes
    )


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
