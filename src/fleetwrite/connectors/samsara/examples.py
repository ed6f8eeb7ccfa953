"""Examples of the writes that Samsara takes."""

from typing import Final

from fleetwrite.connectors.samsara.manifest import DRIVER, OFFICE_USER
from fleetwrite.connectors.sdk.examples import Example, Pick
from fleetwrite.contract.enums import ResourceEnum, ResourceOperationTypeEnum

_CREATE, _UPDATE = ResourceOperationTypeEnum.CREATE, ResourceOperationTypeEnum.UPDATE

_A_DRIVER: Final = Pick(resource=ResourceEnum.USER, where={"is_driver": True})
_ANOTHER_DRIVER: Final = Pick(resource=ResourceEnum.USER, where={"is_driver": True}, nth=1)
_AN_OFFICE_USER: Final = Pick(resource=ResourceEnum.USER, where={"is_driver": False})
_A_VEHICLE: Final = Pick(resource=ResourceEnum.VEHICLE)
_A_TRAILER: Final = Pick(resource=ResourceEnum.TRAILER)

EXAMPLES: Final = (
    Example(
        name="minimal",
        resource=ResourceEnum.VEHICLE,
        operation_type=_CREATE,
        body={"vehicle_name": "Unit 412"},
    ),
    Example(
        name="full",
        resource=ResourceEnum.VEHICLE,
        operation_type=_CREATE,
        body={
            "vehicle_name": "Unit 413",
            "vin": "1FUJGLDR5CLBP8834",
            "oem": "Freightliner",
            "model_type": "Cascadia",
            "model_year": 2024,
            "license_plate_number": "7XYZ889",
            "notes": "Lift gate on the left",
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
        body={"model_year": 2023, "license_plate_number": "7XYZ891", "notes": "Repainted", "external_id": "veh_414"},
    ),
    Example(name="minimal", resource=ResourceEnum.TRAILER, operation_type=_CREATE, body={"trailer_name": "TR-77"}),
    Example(
        name="full",
        resource=ResourceEnum.TRAILER,
        operation_type=_CREATE,
        body={
            "trailer_name": "TR-78",
            "license_plate_number": "4GZ978",
            "notes": "Reefer",
            "external_id": "trl_78",
        },
    ),
    Example(
        name="full with a VIN",
        resource=ResourceEnum.TRAILER,
        operation_type=_CREATE,
        body={"trailer_name": "TR-79", "vin": "1JJV532D7KL190079", "oem": "Wabash"},
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
        body={"trailer_name": "TR-101a", "license_plate_number": "4GZ979", "notes": "New tyres"},
    ),
    Example(
        name="minimal",
        resource=ResourceEnum.USER,
        operation_type=_CREATE,
        kind=DRIVER,
        body={"is_driver": True, "first_name": "Kira", "username": "kira.novak.1"},
    ),
    Example(
        name="full",
        resource=ResourceEnum.USER,
        operation_type=_CREATE,
        kind=DRIVER,
        body={
            "is_driver": True,
            "first_name": "Kira",
            "last_name": "Novak",
            "username": "kira.novak.2",
            "user_email": "kira@fleet.example",
            "phone_number": "+15125550101",
            "license_region": "TX",
            "license_number": "D4471234",
            "employee_number": "E-1",
            "notes": "Nights only",
            "hos_ruleset_code": "US_INT_PROP_70_8",
            "allow_yard_move": True,
            "allow_personal_conveyance": False,
            "allow_adverse_driving": True,
            "default_time_zone": "America/Chicago",
            "hos_compliance_type": "non_exempt",
        },
    ),
    Example(
        name="minimal office user",
        resource=ResourceEnum.USER,
        operation_type=_CREATE,
        kind=OFFICE_USER,
        body={"is_driver": False, "first_name": "Nora", "user_email": "nora@fleet.example"},
    ),
    Example(
        name="full office user",
        resource=ResourceEnum.USER,
        operation_type=_CREATE,
        kind=OFFICE_USER,
        body={
            "is_driver": False,
            "first_name": "Nora",
            "last_name": "Lind",
            "user_email": "nora.lind@fleet.example",
        },
    ),
    Example(
        name="minimal",
        resource=ResourceEnum.USER,
        operation_type=_UPDATE,
        kind=DRIVER,
        target=_A_DRIVER,
        body={"phone_number": "+15125550102"},
    ),
    Example(
        name="full",
        resource=ResourceEnum.USER,
        operation_type=_UPDATE,
        kind=DRIVER,
        target=_A_DRIVER,
        body={"is_active": False, "phone_number": "+15125550103", "allow_yard_move": True},
    ),
    Example(
        name="minimal office user",
        resource=ResourceEnum.USER,
        operation_type=_UPDATE,
        kind=OFFICE_USER,
        target=_AN_OFFICE_USER,
        body={"first_name": "Ines", "last_name": "Vogel-Lind"},
    ),
    Example(
        name="full office user",
        resource=ResourceEnum.USER,
        operation_type=_UPDATE,
        kind=OFFICE_USER,
        target=_AN_OFFICE_USER,
        body={"first_name": "Ines", "last_name": "Lind"},
    ),
    *(
        Example(
            name=name,
            resource=ResourceEnum.MESSAGE,
            operation_type=_CREATE,
            body={"message_text": text},
            refers_to={"sender_id": _AN_OFFICE_USER, "recipient_id": _A_DRIVER},
            losses=("sender_id",),
        )
        for name, text in (("minimal", "Dock 4"), ("full", "Dock 4 instead of dock 9. Call 555-0101 at the gate."))
    ),
    *(
        Example(
            name=name,
            resource=ResourceEnum.GROUP_MESSAGE,
            operation_type=_CREATE,
            body={"message_text": "Ice on I-80"},
            refers_to={"sender_id": _AN_OFFICE_USER},
            lists={"recipient_ids": recipients},
            losses=("sender_id",),
        )
        for name, recipients in (("minimal", (_A_DRIVER,)), ("full", (_A_DRIVER, _ANOTHER_DRIVER)))
    ),
    Example(
        name="minimal",
        resource=ResourceEnum.DVIR_LOG,
        operation_type=_CREATE,
        body={"log_type": "mechanic"},
        refers_to={"driver_id": _AN_OFFICE_USER, "vehicle_id": _A_VEHICLE},
    ),
    Example(
        name="full",
        resource=ResourceEnum.DVIR_LOG,
        operation_type=_CREATE,
        body={
            "log_type": "mechanic",
            "is_safety_critical": False,
            "inspected_by": "R. Meyer",
            "driver_comment": "Left mirror replaced",
            "odometer": 150000.5,
            "odometer_unit": "miles",
        },
        refers_to={"driver_id": _AN_OFFICE_USER, "vehicle_id": _A_VEHICLE},
    ),
    Example(
        name="minimal",
        resource=ResourceEnum.FUEL_TRANSACTION,
        operation_type=_CREATE,
        body={
            "transaction_time": "2026-03-04T15:21:00-06:00",
            "location_string": "350 Rhode Island St, San Francisco",
            "fuel_volume": 412.5,
            "fuel_volume_unit": "LITER",
            "total_cost": 640.12,
            "currency": "EUR",
        },
        refers_to={"driver_id": _A_DRIVER, "vehicle_id": _A_VEHICLE},
    ),
    Example(
        name="full",
        resource=ResourceEnum.FUEL_TRANSACTION,
        operation_type=_CREATE,
        body={
            "transaction_time": "2026-03-04T15:25:00-06:00",
            "latitude": 32.7767,
            "longitude": -96.797,
            "fuel_volume": 109.0,
            "fuel_volume_unit": "US_GALLON",
            "fuel_type": "LNG",
            "fuel_vendor": "Northwind Fuel",
            "total_cost": 371.34,
            "currency": "USD",
        },
        refers_to={"driver_id": _A_DRIVER, "vehicle_id": _A_VEHICLE},
    ),
)
