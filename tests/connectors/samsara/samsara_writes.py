"""Writes to Samsara as tests want them: short to say, complete as the accept path would make them."""

from typing import Any
from uuid import UUID

import msgspec

from fleetwrite.connectors.sdk.write import SourceReference, Write
from fleetwrite.contract.enums import ResourceEnum, ResourceOperationTypeEnum
from fleetwrite.contract.telematics import WRITE_BODIES

OPERATION_ID = UUID("0198c0de-0000-7000-8000-000000000001")
CONNECTION_ID = "0198c0de-0000-7000-8000-00000000000c"
# Bodies carry ids of ours, which a connector never looks at: it uses the references beside them.
ANY_ID = "0198c0de-0000-7000-8000-0000000000aa"

DRIVER = SourceReference(source_id="45646", attributes={"is_driver": True})
OTHER_DRIVER = SourceReference(source_id="45647", attributes={"is_driver": True})
OFFICE_USER = SourceReference(
    source_id="21001", attributes={"is_driver": False, "user_email": "ines@fleet.example", "is_active": True}
)
VEHICLE = SourceReference(source_id="281474981110001", attributes={})
TRAILER = SourceReference(source_id="281474981110002", attributes={})
SETTINGS = {"dvir_author_id": "21007", "office_role_id": "role-least"}

_TARGETS = {ResourceEnum.VEHICLE: VEHICLE, ResourceEnum.TRAILER: TRAILER, ResourceEnum.USER: DRIVER}
_REFERENCES = {
    "sender_id": OFFICE_USER,
    "recipient_id": DRIVER,
    "driver_id": DRIVER,
    "co_driver_id": OTHER_DRIVER,
    "vehicle_id": VEHICLE,
    "trailer_id": TRAILER,
    "reply_to_message_id": SourceReference(source_id="fleetwrite:1", attributes={}),
}


def create(resource: ResourceEnum, fields: dict[str, Any], **changes: Any) -> Write:
    """A create with these body fields; `changes` replace attributes of the write."""
    return _write(resource, ResourceOperationTypeEnum.CREATE, fields, changes)


def update(resource: ResourceEnum, fields: dict[str, Any], **changes: Any) -> Write:
    """An update with these body fields; `changes` replace attributes of the write."""
    return _write(resource, ResourceOperationTypeEnum.UPDATE, fields, {"target": _TARGETS[resource], **changes})


def _write(
    resource: ResourceEnum, operation_type: ResourceOperationTypeEnum, fields: dict[str, Any], changes: dict[str, Any]
) -> Write:
    body = msgspec.json.decode(
        msgspec.json.encode({"connection_id": CONNECTION_ID, **fields}), type=WRITE_BODIES[resource, operation_type]
    )
    references = {field: record for field, record in _REFERENCES.items() if fields.get(field) is not None}
    arguments = {
        "operation_id": OPERATION_ID,
        "resource": resource,
        "operation_type": operation_type,
        "body": body,
        "references": references,
        "settings": SETTINGS,
        **changes,
    }
    return Write(**arguments)
