"""Writes to GPS Insight as tests want them: short to say, complete as the accept path would make them."""

from typing import Any
from uuid import UUID

import msgspec

from fleetwrite.connectors.gpsinsight.simulator import demo_accounts, driver_id, vehicle_id
from fleetwrite.connectors.sdk.write import SourceReference, Write
from fleetwrite.contract.enums import ResourceEnum, ResourceOperationTypeEnum
from fleetwrite.contract.telematics import WRITE_BODIES

OPERATION_ID = UUID("0198c0de-0000-7000-8000-000000000001")
WORKING_NAME = f"fw-{OPERATION_ID.hex}"
# Bodies carry ids of ours, which a connector never looks at: it uses the references beside them.
ANY_ID = "0198c0de-0000-7000-8000-0000000000aa"

ACCOUNT = demo_accounts()[0]
VEHICLE = SourceReference(source_id=vehicle_id(ACCOUNT, 0), attributes={})
DRIVER = SourceReference(source_id=driver_id(ACCOUNT, 0), attributes={"is_driver": True})
OTHER_DRIVER = SourceReference(source_id=driver_id(ACCOUNT, 1), attributes={"is_driver": True})
DRIVER_ON_FOOT = SourceReference(source_id=driver_id(ACCOUNT, 4), attributes={"is_driver": True})

TRUCK = {"vehicle_name": "Truck 239", "vin": "1FUJGLDR9CSBB0239", "eld_serial_number": "4572250239"}
NOVAK = {"last_name": "Novak", "default_time_zone": "America/Phoenix"}

_TARGETS = {ResourceEnum.VEHICLE: VEHICLE, ResourceEnum.USER: DRIVER}


def create(resource: ResourceEnum, fields: dict[str, Any], **changes: Any) -> Write:
    """A create with these body fields; `changes` replace attributes of the write."""
    return _write(resource, ResourceOperationTypeEnum.CREATE, fields, changes)


def update(resource: ResourceEnum, fields: dict[str, Any], **changes: Any) -> Write:
    """An update with these body fields; `changes` replace attributes of the write."""
    return _write(resource, ResourceOperationTypeEnum.UPDATE, fields, {"target": _TARGETS[resource], **changes})


def message(text: str | None = "Dock 4", *, to: SourceReference = DRIVER, **changes: Any) -> Write:
    """A message; its sender is a loss that is accepted."""
    fields = {"sender_id": ANY_ID, "recipient_id": ANY_ID, "message_text": text}
    references = {"sender_id": OTHER_DRIVER, "recipient_id": to}
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
