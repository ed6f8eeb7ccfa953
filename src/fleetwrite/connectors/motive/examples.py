"""Examples of the writes that Motive takes."""

from typing import Final

from fleetwrite.connectors.motive.mapping import DRIVER, OFFICE_USER
from fleetwrite.connectors.sdk.examples import Example, Pick
from fleetwrite.contract.enums import ResourceEnum, ResourceOperationTypeEnum

_CREATE, _UPDATE = ResourceOperationTypeEnum.CREATE, ResourceOperationTypeEnum.UPDATE

_A_DRIVER: Final = Pick(resource=ResourceEnum.USER, where={"is_driver": True})
_ANOTHER_DRIVER: Final = Pick(resource=ResourceEnum.USER, where={"is_driver": True}, nth=1)
_AN_OFFICE_USER: Final = Pick(resource=ResourceEnum.USER, where={"is_driver": False})
_A_VEHICLE: Final = Pick(resource=ResourceEnum.VEHICLE)
_A_TRAILER: Final = Pick(resource=ResourceEnum.TRAILER)

_VEHICLES: Final = (
    Example(name="minimal", resource=ResourceEnum.VEHICLE, operation_type=_CREATE, body={"vehicle_name": "Unit 412"}),
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
            "license_plate_region": "TX",
            "license_plate_number": "7XYZ889",
            "is_active": True,
            "status": "IN_SERVICE",
            "notes": "Lift gate on the left",
            "external_id": "veh_413",
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
            "model_year": 2023,
            "is_active": False,
            "status": "OUT_OF_SERVICE",
            "notes": "Repainted",
            "external_id": "veh_101",
            "engine_type": "CNG",
        },
    ),
)

_TRAILER: Final = {"oem": "Utility", "model_type": "3000R", "model_year": 2024}

_TRAILERS: Final = (
    Example(
        name="minimal",
        resource=ResourceEnum.TRAILER,
        operation_type=_CREATE,
        body={"trailer_name": "TR-77", "trailer_type": "reefer", **_TRAILER},
    ),
    Example(
        name="full",
        resource=ResourceEnum.TRAILER,
        operation_type=_CREATE,
        body={
            "trailer_name": "TR-78",
            "trailer_type": "Dry van",
            **_TRAILER,
            "vin": "1UYVS2538M6123456",
            "license_plate_region": "TX",
            "license_plate_number": "4GZ978",
            "is_active": True,
            "status": "IN_SERVICE",
            "notes": "Swing doors",
            "total_axles": 2,
            "external_id": "trl_78",
            "trailer_length": 53,
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
        body={
            "trailer_name": "TR-101a",
            "trailer_type": "flatbed",
            "model_year": 2020,
            "status": "OUT_OF_SERVICE",
            "external_id": "trl_101",
        },
    ),
)

_USERS: Final = (
    Example(
        name="minimal",
        resource=ResourceEnum.USER,
        operation_type=_CREATE,
        kind=DRIVER,
        body={"is_driver": True, "first_name": "Kira", "last_name": "Novak", "username": "kira.novak.1"},
    ),
    Example(
        name="full",
        resource=ResourceEnum.USER,
        operation_type=_CREATE,
        kind=DRIVER,
        body={
            "is_driver": True,
            "is_active": True,
            "status": "ACTIVE",
            "username": "kira.novak.2",
            "user_email": "kira@fleet.example",
            "first_name": "Kira",
            "last_name": "Novak",
            "phone_number": "+15125550101",
            "license_region": "TX",
            "license_number": "D4471234",
            "employee_number": "E-1",
            "hos_ruleset_code": "US_INT_PROP_60_7",
            "allow_yard_move": True,
            "allow_personal_conveyance": False,
            "default_time_zone": "America/New_York",
            "hos_compliance_type": "non_exempt",
            "hos_tracking_method": "manual",
        },
    ),
    Example(
        name="minimal office user",
        resource=ResourceEnum.USER,
        operation_type=_CREATE,
        kind=OFFICE_USER,
        body={
            "is_driver": False,
            "first_name": "Nora",
            "last_name": "Lind",
            "user_email": "nora@fleet.example",
        },
    ),
    Example(
        name="full office user",
        resource=ResourceEnum.USER,
        operation_type=_CREATE,
        kind=OFFICE_USER,
        body={
            "is_driver": False,
            "username": "nora.lind",
            "user_email": "nora.lind@fleet.example",
            "first_name": "Nora",
            "last_name": "Lind",
            "phone_number": "+15125550104",
            "default_time_zone": "America/Phoenix",
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
        body={
            "is_active": False,
            "phone_number": "+15125550103",
            "allow_yard_move": True,
            "hos_compliance_type": "exempt",
        },
    ),
    Example(
        name="minimal office user",
        resource=ResourceEnum.USER,
        operation_type=_UPDATE,
        kind=OFFICE_USER,
        target=_AN_OFFICE_USER,
        body={"last_name": "Vogel-Lind"},
    ),
    Example(
        name="full office user",
        resource=ResourceEnum.USER,
        operation_type=_UPDATE,
        kind=OFFICE_USER,
        target=_AN_OFFICE_USER,
        body={"last_name": "Lind", "user_email": "ines.lind@fleet.example", "is_active": True},
    ),
)

_MESSAGES: Final = (
    *(
        Example(
            name=name,
            resource=ResourceEnum.MESSAGE,
            operation_type=_CREATE,
            body={"message_text": text},
            refers_to={"sender_id": _AN_OFFICE_USER, "recipient_id": recipient},
        )
        for name, text, recipient in (
            ("minimal", "Dock 4", _A_DRIVER),
            ("full", "Dock 4 instead of dock 9. Call 555-0101 at the gate.", _ANOTHER_DRIVER),
        )
    ),
    *(
        Example(
            name=name,
            resource=ResourceEnum.GROUP_MESSAGE,
            operation_type=_CREATE,
            body={"message_text": "Ice on I-80"},
            refers_to={"sender_id": _AN_OFFICE_USER},
            lists={"recipient_ids": recipients},
        )
        for name, recipients in (("minimal", (_A_DRIVER,)), ("full", (_A_DRIVER, _ANOTHER_DRIVER)))
    ),
)

_PURCHASES: Final = (
    Example(
        name="minimal",
        resource=ResourceEnum.FUEL_TRANSACTION,
        operation_type=_CREATE,
        body={
            "transaction_time": "2026-03-04T15:21:00-06:00",
            "transaction_jurisdiction": "TX",
            "fuel_type": "DIESEL",
            "fuel_volume": 412.5,
            "fuel_volume_unit": "LITER",
        },
        refers_to={"driver_id": _A_DRIVER, "vehicle_id": _A_VEHICLE},
    ),
    Example(
        name="full",
        resource=ResourceEnum.FUEL_TRANSACTION,
        operation_type=_CREATE,
        body={
            "location_string": "4712 W Interstate 20, Odessa",
            "odometer": 150000.4,
            "odometer_unit": "miles",
            "transaction_time": "2026-03-04T15:25:00-06:00",
            "transaction_jurisdiction": "TX",
            "fuel_type": "LNG",
            "fuel_volume": 109.25,
            "fuel_volume_unit": "US_GALLON",
            "fuel_vendor": "Northwind Fuel",
            "total_cost": 371.34,
            "currency": "USD",
        },
        refers_to={"driver_id": _A_DRIVER, "vehicle_id": _A_VEHICLE},
    ),
)

EXAMPLES: Final = (*_VEHICLES, *_TRAILERS, *_USERS, *_MESSAGES, *_PURCHASES)
