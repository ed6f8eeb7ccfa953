"""Writes to Wialon as tests want them: short to say, complete as the accept path would make them."""

from typing import Any
from uuid import UUID

import msgspec

from fleetwrite.connectors.sdk.write import SourceReference, Translation, Write
from fleetwrite.connectors.wialon.connector import CONNECTOR
from fleetwrite.contract.enums import ResourceEnum, ResourceOperationTypeEnum
from fleetwrite.contract.telematics import WRITE_BODIES

OPERATION_ID = UUID("0198c0de-0000-7000-8000-000000000001")
# Bodies carry ids of ours, which a connector never looks at: it uses the references beside them.
ANY_ID = "0198c0de-0000-7000-8000-0000000000aa"

DRIVER = SourceReference("100:1", {"is_driver": True, "first_name": "Ana", "last_name": "Ruiz"})
CO_DRIVER = SourceReference("100:2", {"is_driver": True})
OFFICE_USER = SourceReference("99", {"is_driver": False})
VEHICLE = SourceReference("501", {})
TRAILER = SourceReference("100:7", {})
SETTINGS = {"hw_type_id": "9", "resource_id": "100"}

_TARGETS = {ResourceEnum.VEHICLE: VEHICLE, ResourceEnum.TRAILER: TRAILER, ResourceEnum.USER: DRIVER}
_REFERENCES = {
    "sender_id": OFFICE_USER,
    "recipient_id": DRIVER,
    "driver_id": DRIVER,
    "co_driver_id": CO_DRIVER,
    "vehicle_id": VEHICLE,
}


def create(resource: ResourceEnum, fields: dict[str, Any], **changes: Any) -> Write:
    """A create with these body fields; `changes` replace attributes of the write."""
    return _write(resource, ResourceOperationTypeEnum.CREATE, fields, changes)


def update(resource: ResourceEnum, fields: dict[str, Any], **changes: Any) -> Write:
    """An update with these body fields; `changes` replace attributes of the write."""
    return _write(resource, ResourceOperationTypeEnum.UPDATE, fields, {"target": _TARGETS[resource], **changes})


def sent(write: Write) -> tuple[str, dict[str, Any]]:
    """Which service a write calls, and with which parameters."""
    body = CONNECTOR.translate(write).call.body or {}
    return body["svc"], body["params"]


def lost(translation: Translation) -> set[str]:
    """The fields that are lost."""
    return {loss.field for loss in translation.losses}


def _write(
    resource: ResourceEnum, operation_type: ResourceOperationTypeEnum, fields: dict[str, Any], changes: dict[str, Any]
) -> Write:
    body = msgspec.json.decode(
        msgspec.json.encode({"connection_id": ANY_ID, **fields}), type=WRITE_BODIES[resource, operation_type]
    )
    arguments: dict[str, Any] = {
        "operation_id": OPERATION_ID,
        "resource": resource,
        "operation_type": operation_type,
        "body": body,
        "references": {field: record for field, record in _REFERENCES.items() if fields.get(field) is not None},
        "settings": SETTINGS,
    }
    return Write(**{**arguments, **changes})
