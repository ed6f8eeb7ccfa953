"""Examples of the writes that Traccar takes."""

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
        body={"vehicle_name": "Unit 412", "eld_serial_number": "862464061234121"},
    ),
    Example(
        name="full",
        resource=ResourceEnum.VEHICLE,
        operation_type=_CREATE,
        body={
            "vehicle_name": "Unit 413",
            "oem": "Freightliner",
            "model_type": "Cascadia",
            "model_year": 2024,
            "vin": "1FUJGLDR5CLBP8834",
            "engine_vin": "79123456",
            "license_plate_region": "TX",
            "license_plate_country": "USA",
            "license_plate_number": "7XYZ889",
            "is_active": True,
            "status": "IN_SERVICE",
            "notes": "Lift gate on the left",
            "eld_serial_number": "862464061234139",
            "eld_device_type": "MDVR-8",
            "total_axles": 3,
            "external_id": "veh_413",
            "fuel_capacity": "240 gallons",
            "engine_type": "DIESEL",
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
            "vehicle_name": "Unit 101a",
            "license_plate_number": "7XYZ891",
            "is_active": False,
            "notes": "Repainted",
            "eld_serial_number": "862464061234147",
            "external_id": "veh_414",
        },
    ),
    Example(
        name="minimal",
        resource=ResourceEnum.TRAILER,
        operation_type=_CREATE,
        body={"trailer_name": "TR-77", "eld_serial_number": "TR-77"},
    ),
    Example(
        name="full",
        resource=ResourceEnum.TRAILER,
        operation_type=_CREATE,
        body={
            "trailer_name": "TR-78",
            "oem": "Wabash",
            "model_type": "DuraPlate",
            "model_year": 2022,
            "vin": "1JJV532D7KL190078",
            "license_plate_region": "TX",
            "license_plate_country": "USA",
            "license_plate_number": "4GZ978",
            "is_active": True,
            "status": "IN_SERVICE",
            "notes": "Reefer",
            "eld_serial_number": "862464061234154",
            "eld_device_type": "TAT-141",
            "total_axles": 2,
            "external_id": "trl_78",
            "trailer_length": 53.5,
            "trailer_type": "Reefer",
        },
    ),
    Example(
        name="minimal",
        resource=ResourceEnum.TRAILER,
        operation_type=_UPDATE,
        target=_A_TRAILER,
        body={"notes": "New tyres"},
    ),
    Example(
        name="full",
        resource=ResourceEnum.TRAILER,
        operation_type=_UPDATE,
        target=_A_TRAILER,
        body={"trailer_name": "TR-101a", "license_plate_number": "4GZ979", "trailer_length": 48},
    ),
    Example(
        name="minimal",
        resource=ResourceEnum.USER,
        operation_type=_CREATE,
        body={"first_name": "Kira", "employee_number": "E-1"},
    ),
    Example(
        name="full",
        resource=ResourceEnum.USER,
        operation_type=_CREATE,
        body={
            "username": "kira.novak",
            "is_active": True,
            "status": "ACTIVE",
            "is_driver": True,
            "user_designation": "Long haul",
            "user_email": "kira@fleet.example",
            "first_name": "Kira",
            "last_name": "Novak",
            "phone_number": "+15125550101",
            "country_code": "USA",
            "license_country": "USA",
            "license_region": "TX",
            "license_number": "D4471234",
            "license_expiration": "2028-05-31",
            "employee_number": "E-2",
            "carrier_number": "1234567",
            "notes": "Nights only",
        },
    ),
    Example(
        name="minimal",
        resource=ResourceEnum.USER,
        operation_type=_UPDATE,
        target=_A_DRIVER,
        body={"phone_number": "+15125550102"},
    ),
    Example(
        name="full",
        resource=ResourceEnum.USER,
        operation_type=_UPDATE,
        target=_A_DRIVER,
        body={
            "first_name": "Ana",
            "last_name": "Ruiz-Lind",
            "phone_number": "+15125550103",
            "license_expiration": "2030-05-31",
            "employee_number": "E-3",
        },
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
