"""Writes to Motive as tests want them: short to say, complete as the accept path would make them."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec

from fleetwrite.connectors.sdk.write import SourceReference, Write
from fleetwrite.contract.enums import ResourceEnum, ResourceOperationTypeEnum
from fleetwrite.contract.telematics import WRITE_BODIES

OPERATION_ID = UUID("0198c0de-0000-7000-8000-000000000001")
MARK = {"external_id": OPERATION_ID.hex, "integration_name": "fleetwrite_operation"}
MARKED = {"external_ids_attributes": [MARK]}
BEGUN_AGO = timedelta(seconds=20)
# Bodies carry ids of ours, which a connector never looks at: it uses the references beside them.
ANY_ID = "0198c0de-0000-7000-8000-0000000000aa"

DRIVER = SourceReference(source_id="550101", attributes={"is_driver": True})
OTHER_DRIVER = SourceReference(source_id="550102", attributes={"is_driver": True})
OFFICE_USER = SourceReference(source_id="550109", attributes={"is_driver": False})
VEHICLE = SourceReference(source_id="1090401", attributes={})
TRAILER = SourceReference(source_id="240101", attributes={})
STRANGE = SourceReference(source_id="b2f", attributes={})

_TARGETS = {ResourceEnum.VEHICLE: VEHICLE, ResourceEnum.TRAILER: TRAILER, ResourceEnum.USER: DRIVER}
_REFERENCES = {
    "sender_id": OFFICE_USER,
    "recipient_id": DRIVER,
    "driver_id": DRIVER,
    "co_driver_id": OTHER_DRIVER,
    "vehicle_id": VEHICLE,
    "reply_to_message_id": SourceReference(source_id="message:1", attributes={}),
}


def create(resource: ResourceEnum, fields: dict[str, Any], **changes: Any) -> Write:
    """A create with these body fields; `changes` replace attributes of the write."""
    return _write(resource, ResourceOperationTypeEnum.CREATE, fields, changes)


def update(resource: ResourceEnum, fields: dict[str, Any], **changes: Any) -> Write:
    """An update with these body fields; `changes` replace attributes of the write."""
    return _write(resource, ResourceOperationTypeEnum.UPDATE, fields, {"target": _TARGETS[resource], **changes})


def message(text: str | None = "dock 4", **changes: Any) -> Write:
    """A message from the office to a driver."""
    return create(ResourceEnum.MESSAGE, {"sender_id": ANY_ID, "recipient_id": ANY_ID, "message_text": text}, **changes)


def group_message(*recipients: SourceReference, **changes: Any) -> Write:
    """A message from the office to some users."""
    fields = {"sender_id": ANY_ID, "recipient_ids": [ANY_ID] * len(recipients), "message_text": "dock 4"}
    return create(ResourceEnum.GROUP_MESSAGE, fields, reference_lists={"recipient_ids": recipients}, **changes)


def purchase(fields: dict[str, Any] | None = None, **changes: Any) -> Write:
    """A fuel purchase, with `fields` in place of those that every one has; None takes one away."""
    usual = {
        "driver_id": ANY_ID,
        "vehicle_id": ANY_ID,
        "transaction_time": "2026-03-04T15:21:00-06:00",
        "transaction_jurisdiction": "TX",
        "fuel_type": "DIESEL",
        "fuel_volume": 109.25,
        "fuel_volume_unit": "US_GALLON",
    }
    given = {name: value for name, value in {**usual, **(fields or {})}.items() if value is not None}
    return create(ResourceEnum.FUEL_TRANSACTION, given, **changes)


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
        "references": {field: record for field, record in _REFERENCES.items() if fields.get(field) is not None},
        **changes,
    }
    return Write(**arguments)
