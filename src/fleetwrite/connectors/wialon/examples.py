"""Examples of the writes that Wialon takes."""

from typing import Final

from fleetwrite.connectors.sdk.examples import Example, Pick
from fleetwrite.contract.enums import ResourceEnum, ResourceOperationTypeEnum

_CREATE, _UPDATE = ResourceOperationTypeEnum.CREATE, ResourceOperationTypeEnum.UPDATE

_A_DRIVER: Final = Pick(resource=ResourceEnum.USER, where={"is_driver": True})
_ANOTHER_DRIVER: Final = Pick(resource=ResourceEnum.USER, where={"is_driver": True}, nth=1)
_AN_OFFICE_USER: Final = Pick(resource=ResourceEnum.USER, where={"is_driver": False})
_A_VEHICLE: Final = Pick(resource=ResourceEnum.VEHICLE)
_A_VEHICLE_IN_GALLONS: Final = Pick(resource=ResourceEnum.VEHICLE, nth=1)
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
            "oem": "Freightliner",
            "model_type": "Cascadia",
            "model_year": 2024,
            "vin": "1FUJGLDR5CLBP8834",
            "engine_vin": "471912S0123456",
            "license_plate_region": "TX",
            "license_plate_country": "USA",
            "license_plate_number": "7XYZ889",
            "is_active": True,
            "notes": "Lift gate on the left",
            "eld_device_type": "Wialon IPS",
            "total_axles": 3,
            "external_id": "veh_413",
            "fuel_capacity": "120 US gallons",
            "engine_type": "DIESEL",
        },
    ),
    Example(
        name="minimal",
        resource=ResourceEnum.VEHICLE,
        operation_type=_UPDATE,
        body={"vehicle_name": "Unit 101 (spare)"},
        target=_A_VEHICLE,
    ),
    Example(
        name="full",
        resource=ResourceEnum.VEHICLE,
        operation_type=_UPDATE,
        body={
            "vehicle_name": "Unit 101 B",
            "license_plate_number": "8ABC123",
            "is_active": False,
            "notes": "In the workshop",
            "external_id": "veh_101",
        },
        target=_A_VEHICLE,
    ),
    Example(
        name="minimal",
        resource=ResourceEnum.TRAILER,
        operation_type=_CREATE,
        body={"trailer_name": "Reefer 12"},
    ),
    Example(
        name="full",
        resource=ResourceEnum.TRAILER,
        operation_type=_CREATE,
        body={
            "trailer_name": "Reefer 13",
            "oem": "Utility",
            "model_type": "3000R",
            "model_year": 2022,
            "vin": "1UYVS25368U413907",
            "license_plate_region": "CA",
            "license_plate_country": "USA",
            "license_plate_number": "4GZ991",
            "notes": "Set to minus 18",
            "total_axles": 2,
            "external_id": "tr_13",
            "trailer_length": 16.15,
            "trailer_type": "reefer",
        },
    ),
    Example(
        name="minimal",
        resource=ResourceEnum.TRAILER,
        operation_type=_UPDATE,
        body={"trailer_name": "TR-101 B"},
        target=_A_TRAILER,
    ),
    Example(
        name="full",
        resource=ResourceEnum.TRAILER,
        operation_type=_UPDATE,
        body={"trailer_name": "TR-101 C", "license_plate_number": "9ZZ001", "notes": "New tyres", "model_year": 2020},
        target=_A_TRAILER,
    ),
    Example(
        name="minimal",
        resource=ResourceEnum.USER,
        operation_type=_CREATE,
        body={"first_name": "Kira", "last_name": "Novak", "is_driver": True},
    ),
    Example(
        name="full",
        resource=ResourceEnum.USER,
        operation_type=_CREATE,
        body={
            "first_name": "Leo",
            "last_name": "Marsh",
            "is_driver": True,
            "is_active": True,
            "status": "ACTIVE",
            "user_designation": "Long haul",
            "user_email": "leo@fleet.example",
            "phone_number": "+15550142",
            "country_code": "USA",
            "license_country": "USA",
            "license_region": "TX",
            "license_number": "D4410987",
            "license_expiration": "2030-01-31",
            "employee_number": "E-1044",
            "carrier_number": "USDOT 1234567",
            "notes": "Tanker endorsement",
        },
    ),
    Example(
        name="minimal",
        resource=ResourceEnum.USER,
        operation_type=_UPDATE,
        body={"phone_number": "+15550177"},
        target=_A_DRIVER,
    ),
    Example(
        name="full",
        resource=ResourceEnum.USER,
        operation_type=_UPDATE,
        body={
            "first_name": "Ana",
            "last_name": "Ruiz Vega",
            "phone_number": "+15550178",
            "license_number": "D4410988",
            "notes": "Hazmat endorsement",
        },
        target=_A_DRIVER,
    ),
    Example(
        name="minimal",
        resource=ResourceEnum.MESSAGE,
        operation_type=_CREATE,
        body={"message_text": "Load 4711 moved to dock 7."},
        refers_to={"sender_id": _AN_OFFICE_USER, "recipient_id": _A_DRIVER},
        losses=("sender_id",),
    ),
    Example(
        name="full",
        resource=ResourceEnum.MESSAGE,
        operation_type=_CREATE,
        body={"message_text": "Call dispatch before the border.", "priority": "high"},
        refers_to={"sender_id": _AN_OFFICE_USER, "recipient_id": _ANOTHER_DRIVER},
        losses=("sender_id", "priority"),
    ),
    Example(
        name="minimal",
        resource=ResourceEnum.FUEL_TRANSACTION,
        operation_type=_CREATE,
        body={"transaction_time": "2026-11-02T08:15:00Z", "fuel_volume": 120.5, "fuel_volume_unit": "US_GALLON"},
        refers_to={"driver_id": _A_DRIVER, "vehicle_id": _A_VEHICLE},
    ),
    Example(
        name="full",
        resource=ResourceEnum.FUEL_TRANSACTION,
        operation_type=_CREATE,
        body={
            "latitude": 32.7767,
            "longitude": -96.797,
            "location_string": "Loves 412, Dallas",
            "odometer": 120345.5,
            "odometer_unit": "miles",
            "transaction_time": "2026-11-02T09:40:30Z",
            "transaction_jurisdiction": "TX",
            "fuel_type": "DIESEL",
            "fuel_volume": 98.755,
            "fuel_volume_unit": "US_GALLON",
            "fuel_vendor": "Loves",
            "total_cost": "371.22",
            "currency": "USD",
        },
        refers_to={"driver_id": _A_DRIVER, "vehicle_id": _A_VEHICLE_IN_GALLONS, "co_driver_id": _ANOTHER_DRIVER},
    ),
)
