"""Examples of the writes that Zonar takes."""

from typing import Final

from fleetwrite.connectors.sdk.examples import Example, Pick
from fleetwrite.contract.enums import ResourceEnum, ResourceOperationTypeEnum

_CREATE, _UPDATE = ResourceOperationTypeEnum.CREATE, ResourceOperationTypeEnum.UPDATE

_A_VEHICLE: Final = Pick(resource=ResourceEnum.VEHICLE)
_A_TRAILER: Final = Pick(resource=ResourceEnum.TRAILER)
_A_DRIVER: Final = Pick(resource=ResourceEnum.USER)
_ANOTHER_DRIVER: Final = Pick(resource=ResourceEnum.USER, nth=1)

EXAMPLES: Final = (
    Example(
        name="minimal",
        resource=ResourceEnum.VEHICLE,
        operation_type=_CREATE,
        body={"vehicle_name": "412"},
    ),
    Example(
        name="full",
        resource=ResourceEnum.VEHICLE,
        operation_type=_CREATE,
        body={
            "vehicle_name": "413",
            "oem": "Freightliner",
            "vin": "1FUJGLDR5CLBP8834",
            "license_plate_number": "7XYZ889",
            "is_active": False,
            "external_id": "veh_413",
        },
    ),
    Example(
        name="minimal",
        resource=ResourceEnum.VEHICLE,
        operation_type=_UPDATE,
        target=_A_VEHICLE,
        body={"license_plate_number": "7XYZ890"},
    ),
    Example(
        name="full",
        resource=ResourceEnum.VEHICLE,
        operation_type=_UPDATE,
        target=_A_VEHICLE,
        body={
            "vehicle_name": "101a",
            "oem": "Kenworth",
            "vin": "1XKYDP9X1MJ431009",
            "license_plate_number": "7XYZ891",
            "is_active": False,
            "external_id": "veh_101",
        },
    ),
    Example(
        name="minimal",
        resource=ResourceEnum.TRAILER,
        operation_type=_CREATE,
        body={"trailer_name": "TR-77"},
    ),
    Example(
        name="full",
        resource=ResourceEnum.TRAILER,
        operation_type=_CREATE,
        body={
            "trailer_name": "TR-78",
            "oem": "Wabash",
            "vin": "1JJV532D7KL190078",
            "license_plate_number": "4GZ978",
            "is_active": True,
            "external_id": "trl_78",
        },
    ),
    Example(
        name="minimal",
        resource=ResourceEnum.TRAILER,
        operation_type=_UPDATE,
        target=_A_TRAILER,
        body={"license_plate_number": "4GZ979"},
    ),
    Example(
        name="full",
        resource=ResourceEnum.TRAILER,
        operation_type=_UPDATE,
        target=_A_TRAILER,
        body={"trailer_name": "TR-109", "oem": "Utility", "external_id": "trl_109"},
    ),
    Example(
        name="minimal",
        resource=ResourceEnum.USER,
        operation_type=_CREATE,
        body={"first_name": "Kira", "last_name": "Novak"},
    ),
    Example(
        name="full",
        resource=ResourceEnum.USER,
        operation_type=_CREATE,
        body={
            "is_driver": True,
            "is_active": True,
            "status": "ACTIVE",
            "first_name": "Kira",
            "last_name": "Nováková",
            "license_number": "D4471234",
            "employee_number": "E-902",
        },
    ),
    Example(
        name="minimal",
        resource=ResourceEnum.USER,
        operation_type=_UPDATE,
        target=_A_DRIVER,
        body={"license_number": "D4471235"},
    ),
    Example(
        name="full",
        resource=ResourceEnum.USER,
        operation_type=_UPDATE,
        target=_A_DRIVER,
        body={
            "first_name": "Anna",
            "last_name": "Ruiz-Lind",
            "license_number": "D4471236",
            "employee_number": "E-109",
        },
    ),
    Example(
        name="inactive",
        resource=ResourceEnum.USER,
        operation_type=_UPDATE,
        target=_A_DRIVER,
        body={"is_active": False},
    ),
    Example(
        name="minimal",
        resource=ResourceEnum.MESSAGE,
        operation_type=_CREATE,
        body={"message_text": "Dock 4"},
        refers_to={"sender_id": _ANOTHER_DRIVER, "recipient_id": _A_DRIVER},
        losses=("sender_id",),
    ),
    Example(
        name="full",
        resource=ResourceEnum.MESSAGE,
        operation_type=_CREATE,
        body={"message_text": "Dock 4 instead of dock 9 & call 555-0101 <at the gate>."},
        refers_to={"sender_id": _ANOTHER_DRIVER, "recipient_id": _A_DRIVER},
        losses=("sender_id",),
    ),
)
