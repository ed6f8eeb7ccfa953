"""Examples of the writes that Webfleet takes."""

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
        operation_type=_UPDATE,
        target=_A_VEHICLE,
        body={"license_plate_number": "L-NW 4711"},
    ),
    Example(
        name="full",
        resource=ResourceEnum.VEHICLE,
        operation_type=_UPDATE,
        target=_A_VEHICLE,
        body={
            "vehicle_name": "Actros 101",
            "model_year": 2024,
            "vin": "WDB9634031L123456",
            "license_plate_number": "L-NW 4712",
            "notes": "Lift gate on the left",
            "total_axles": 3,
            "external_id": "veh_101",
            "engine_type": "LNG",
        },
    ),
    Example(
        name="minimal",
        resource=ResourceEnum.USER,
        operation_type=_CREATE,
        body={"first_name": "Kira", "employee_number": "D-901"},
    ),
    Example(
        name="full",
        resource=ResourceEnum.USER,
        operation_type=_CREATE,
        body={
            "is_driver": True,
            "is_active": True,
            "first_name": "Kira",
            "last_name": "Nováková",
            "user_email": "kira@fleet.example",
            "phone_number": "+49 151 555 0101",
            "license_country": "CZE",
            "license_region": "Praha",
            "license_number": "EJ123456",
            "license_expiration": "2031-03-31",
            "employee_number": "D-902",
            "notes": "Nights only",
        },
    ),
    Example(
        name="minimal",
        resource=ResourceEnum.USER,
        operation_type=_UPDATE,
        target=_A_DRIVER,
        body={"phone_number": "+49 151 555 0102"},
    ),
    Example(
        name="full",
        resource=ResourceEnum.USER,
        operation_type=_UPDATE,
        target=_A_DRIVER,
        body={
            "last_name": "Ruiz-Lind",
            "user_email": "ana@fleet.example",
            "phone_number": "+49 151 555 0103",
            "license_number": "B072RRE2I55",
            "license_expiration": "2033-01-18",
            "employee_number": "D-903",
            "notes": "ADR class 3",
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
