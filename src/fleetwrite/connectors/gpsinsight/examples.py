"""Examples of the writes that GPS Insight takes."""

from typing import Final

from fleetwrite.connectors.sdk.examples import Example, Pick
from fleetwrite.contract.enums import ResourceEnum, ResourceOperationTypeEnum

_CREATE, _UPDATE = ResourceOperationTypeEnum.CREATE, ResourceOperationTypeEnum.UPDATE

_A_VEHICLE: Final = Pick(resource=ResourceEnum.VEHICLE)
_A_DRIVER: Final = Pick(resource=ResourceEnum.USER)
_ANOTHER_DRIVER: Final = Pick(resource=ResourceEnum.USER, nth=1)

EXAMPLES: Final = (
    Example(
        name="minimal",
        resource=ResourceEnum.VEHICLE,
        operation_type=_CREATE,
        body={"vehicle_name": "Truck 239", "vin": "1FUJGLDR9CSBB0239", "eld_serial_number": "4572250239"},
    ),
    Example(
        name="full",
        resource=ResourceEnum.VEHICLE,
        operation_type=_CREATE,
        body={
            "vehicle_name": "Truck 240",
            "oem": "Freightliner",
            "model_type": "Cascadia",
            "model_year": 2024,
            "vin": "1FUJGLDR9CSBB0240",
            "license_plate_region": "AZ",
            "license_plate_country": "USA",
            "license_plate_number": "REA6BNA",
            "eld_serial_number": "4572250240",
            "external_id": "veh_240",
            "engine_type": "DIESEL",
        },
    ),
    Example(
        name="minimal",
        resource=ResourceEnum.VEHICLE,
        operation_type=_UPDATE,
        target=_A_VEHICLE,
        body={"license_plate_number": "REA6BNB"},
    ),
    Example(
        name="full",
        resource=ResourceEnum.VEHICLE,
        operation_type=_UPDATE,
        target=_A_VEHICLE,
        body={
            "vehicle_name": "Truck 101 North",
            "oem": "Kenworth",
            "model_type": "T680",
            "model_year": 2023,
            "vin": "1XKYDP9X7PJ100101",
            "license_plate_region": "ON",
            "license_plate_country": "CAN",
            "license_plate_number": "AB 12345",
            "external_id": "veh_101",
            "engine_type": "GASOLINE",
        },
    ),
    Example(
        name="minimal",
        resource=ResourceEnum.USER,
        operation_type=_CREATE,
        body={"last_name": "Novak", "default_time_zone": "America/Phoenix"},
    ),
    Example(
        name="full",
        resource=ResourceEnum.USER,
        operation_type=_CREATE,
        body={
            "is_active": True,
            "status": "ACTIVE",
            "is_driver": True,
            "user_email": "kira@fleet.example",
            "first_name": "Kira",
            "last_name": "Nováková",
            "phone_number": "+1 480 555 0101",
            "employee_number": "E-901",
            "default_time_zone": "America/Denver",
        },
    ),
    Example(
        name="minimal",
        resource=ResourceEnum.USER,
        operation_type=_UPDATE,
        target=_A_DRIVER,
        body={"phone_number": "4805550102"},
    ),
    Example(
        name="full",
        resource=ResourceEnum.USER,
        operation_type=_UPDATE,
        target=_A_DRIVER,
        body={
            "user_email": "ana@fleet.example",
            "first_name": "Ana María",
            "last_name": "Ruiz-Lind",
            "phone_number": "4805550103",
        },
    ),
    # What lists do not show again, so that a lost answer leads to a second, equal update.
    Example(
        name="hidden columns",
        resource=ResourceEnum.USER,
        operation_type=_UPDATE,
        target=_A_DRIVER,
        body={"employee_number": "E-301", "default_time_zone": "America/New_York"},
    ),
    *(
        Example(
            name=name,
            resource=ResourceEnum.MESSAGE,
            operation_type=_CREATE,
            body={"message_text": text},
            refers_to={"sender_id": _ANOTHER_DRIVER, "recipient_id": _A_DRIVER},
            losses=("sender_id",),
        )
        for name, text in (("minimal", "Dock 4"), ("full", "Dock 4 instead of dock 9. Call 555-0101 at the gate."))
    ),
)
