"""Our fields and Webfleet's: one table for each body, enum tables. Data only.

QUIRKS.md says which facts are documented and which assumed.
"""

from collections.abc import Mapping
from typing import Final

from fleetwrite.connectors.sdk.mapping import ByCode, Coded, NoPlace, Table, Text, Value
from fleetwrite.connectors.webfleet.countries import ALPHA_2
from fleetwrite.contract.enums import EngineType

PROVIDER: Final = "Webfleet"

MAX_NOTES_LENGTH: Final = 3954
"""Webfleet keeps 4,000 characters with a driver; the mark of the operation that created it takes the rest."""

FUEL_TYPES: Final[Mapping[EngineType, int]] = {
    EngineType.DIESEL: 1,
    EngineType.GASOLINE: 2,
    EngineType.LPG: 3,
    # Autogas is propane, pure or mixed with butane.
    EngineType.PROPANE: 3,
    EngineType.ELECTRICITY: 6,
    EngineType.CNG: 7,
    EngineType.LNG: 8,
    EngineType.HYDROGEN: 9,
}

# Whether an empty parameter empties a field or changes nothing is not documented: none is sent.
_NOT_BLANK: Final = r"[\s\S]*\S[\s\S]*"
_NOT_BLANK_MEANING: Final = "a text that is not blank"

_NO_MAKE = NoPlace("Webfleet keeps neither make nor model of a vehicle.")
_NO_PLATE_ORIGIN = NoPlace("Webfleet keeps the plate's number only, not where it was issued.")
_NO_STATUS = NoPlace("Webfleet keeps no state of service: a vehicle is there as long as its contract.")
_DEVICE = NoPlace("Webfleet's device comes with the contract and can not be written.")
_NO_DISPLAY_UNITS = NoPlace("Webfleet shows units by the user who looks, not by the vehicle.")

VEHICLE: Final[Table] = {
    "vehicle_name": Text(to="denotation", min_length=1, max_length=30),
    "oem": _NO_MAKE,
    "model_type": _NO_MAKE,
    "model_year": Value(to="manufacturedyear"),
    "vin": Text(to="identnumber", min_length=1, max_length=20),
    "engine_vin": NoPlace("Webfleet keeps no serial number of the engine."),
    "license_plate_region": _NO_PLATE_ORIGIN,
    "license_plate_country": _NO_PLATE_ORIGIN,
    "license_plate_number": Text(to="licenseplatenumber", min_length=1, max_length=20),
    "is_active": _NO_STATUS,
    "status": _NO_STATUS,
    "notes": Text(
        to="description",
        max_length=500,
        may_be_cut=True,
        pattern=_NOT_BLANK,
        pattern_meaning=_NOT_BLANK_MEANING,
    ),
    "eld_id": _DEVICE,
    "eld_serial_number": _DEVICE,
    "eld_device_type": _DEVICE,
    "eld_product_id": _DEVICE,
    "total_axles": Value(to="numaxles"),
    "external_id": Text(to="externalid", min_length=1),
    "speed_unit": _NO_DISPLAY_UNITS,
    "odometer_unit": _NO_DISPLAY_UNITS,
    "fuel_unit": _NO_DISPLAY_UNITS,
    "fuel_capacity": NoPlace("Webfleet wants whole litres, where this is a text with a unit of the partner's choice."),
    "engine_type": Coded(
        to="fueltype",
        codes=FUEL_TYPES,
        otherwise="Webfleet has no code for this fuel; of hybrids it wants to know which fuel they burn.",
    ),
}

_ACTIVITY = ByCode(how="A driver is there, and active, until it is deleted in Webfleet.", is_fixed=True)
_NO_HOURS_OF_SERVICE = NoPlace("Webfleet keeps no hours-of-service rules of a driver.")

DRIVER: Final[Table] = {
    "username": NoPlace("Drivers of Webfleet have no login name; they are told apart by employee_number."),
    "is_active": _ACTIVITY,
    "status": _ACTIVITY,
    "is_driver": ByCode(how="Only drivers are offered; without it a driver is meant.", is_fixed=True),
    "user_designation": NoPlace("Webfleet keeps no title of a driver."),
    "user_email": Text(to="email", min_length=1, max_length=50),
    "first_name": Text(to="name", min_length=1, max_length=50, required="Webfleet takes no driver without a name."),
    "last_name": Text(to="name2", min_length=1, max_length=50),
    "phone_number": Text(to="telmobile", min_length=1, max_length=50),
    "country_code": NoPlace("Webfleet keeps a country with a driver's postal address only."),
    "license_country": Coded(
        to="license_country", codes=ALPHA_2, otherwise="No country of ISO 3166-1 has these three letters."
    ),
    "license_region": Text(to="license_state", min_length=1),
    "license_number": Text(to="license_number", min_length=1, max_length=20),
    "license_expiration": ByCode(how="license_expiry_date."),
    "employee_number": Text(
        to="driverno",
        min_length=1,
        max_length=20,
        # A new driver is read back by it: what Webfleet might trim would not be found again.
        pattern=r"\S(.*\S)?",
        pattern_meaning="a number without blanks around it",
        required="Webfleet takes no driver without a number; it has to be unique.",
    ),
    "carrier_number": NoPlace("Webfleet keeps no carrier number."),
    "notes": Text(
        to="description",
        max_length=MAX_NOTES_LENGTH,
        may_be_cut=True,
        pattern=_NOT_BLANK,
        pattern_meaning=_NOT_BLANK_MEANING,
    ),
    "hos_ruleset_code": _NO_HOURS_OF_SERVICE,
    "allow_yard_move": _NO_HOURS_OF_SERVICE,
    "allow_personal_conveyance": _NO_HOURS_OF_SERVICE,
    "allow_adverse_driving": _NO_HOURS_OF_SERVICE,
    "default_time_zone": NoPlace("Webfleet keeps the time zone of the account, not of a driver."),
    "hos_compliance_type": _NO_HOURS_OF_SERVICE,
    "hos_tracking_method": _NO_HOURS_OF_SERVICE,
}

MESSAGE: Final[Table] = {
    "sender_id": NoPlace("Webfleet sends every message of the API in the name of the account's dispatch."),
    "recipient_id": ByCode(how="objectuid of the vehicle that the driver is in when the message is sent."),
    "message_text": Text(
        to="messagetext",
        max_length=1000,
        may_be_cut=True,
        pattern=_NOT_BLANK,
        pattern_meaning=_NOT_BLANK_MEANING,
        required="Webfleet takes no message without a text.",
    ),
    "priority": NoPlace("Webfleet's messages have no priority."),
    "reply_to_message_id": NoPlace("Webfleet's messages do not refer to one another."),
}
