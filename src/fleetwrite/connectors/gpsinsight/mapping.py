"""Our fields and GPS Insight's: one table for each body, enum tables. Data only.

QUIRKS.md says which facts are documented and which assumed.
"""

from collections.abc import Mapping
from typing import Final

from fleetwrite.connectors.sdk.mapping import ByCode, Coded, NoPlace, Table, Text, Value
from fleetwrite.contract.enums import EngineType
from fleetwrite.contract.timezones import TimezoneCodeEnum

PROVIDER: Final = "GPS Insight"

MAX_MESSAGE_LENGTH: Final = 199
"""What a Garmin display takes, to which GPS Insight brings messages."""

FUEL_TYPES: Final[Mapping[EngineType, str]] = {EngineType.GASOLINE: "U", EngineType.DIESEL: "D"}

COUNTRIES: Final[Mapping[str, str]] = {"USA": "US", "CAN": "CA", "MEX": "MX"}

TIME_ZONES: Final[Mapping[TimezoneCodeEnum, str]] = {
    TimezoneCodeEnum.UTC: "UTC",
    TimezoneCodeEnum("America/Los_Angeles"): "US/Pacific",
    TimezoneCodeEnum("America/Phoenix"): "US/Arizona",
    TimezoneCodeEnum("America/Denver"): "US/Mountain",
    TimezoneCodeEnum("America/Chicago"): "US/Central",
    TimezoneCodeEnum("America/New_York"): "US/Eastern",
    TimezoneCodeEnum("Europe/London"): "Europe/London",
}
"""The zones that GPS Insight names, by their names in the IANA database."""

_NO_DISPLAY_UNITS: Final = NoPlace("GPS Insight shows units by the user who looks, not by the vehicle.")
_DEVICE: Final = NoPlace("GPS Insight knows a vehicle's device by its serial number only.")
_NO_STATUS: Final = NoPlace("GPS Insight keeps no state of service: a vehicle is there until it is deleted.")

VEHICLE: Final[Table] = {
    "vehicle_name": Text(to="label", min_length=1, required="GPS Insight takes no vehicle without a label."),
    "oem": Text(to="make", min_length=1),
    "model_type": Text(to="model", min_length=1),
    "model_year": Value(to="model_year"),
    "vin": Text(to="vin", min_length=1, required="GPS Insight takes no vehicle without a VIN."),
    "engine_vin": NoPlace("GPS Insight keeps no serial number of the engine."),
    "license_plate_region": Text(to="license_state", min_length=1),
    "license_plate_country": Coded(
        to="country", codes=COUNTRIES, otherwise="Only codes for the USA, Canada and Mexico are known of GPS Insight."
    ),
    "license_plate_number": Text(to="license_number", min_length=1),
    "is_active": _NO_STATUS,
    "status": _NO_STATUS,
    "notes": NoPlace("GPS Insight keeps no notes of a vehicle, only attributes that each fleet defines for itself."),
    "eld_id": _DEVICE,
    "eld_serial_number": Text(
        to="serial_number",
        min_length=1,
        pattern=r"\S+",
        pattern_meaning="a serial number without blanks",
        required="GPS Insight registers a vehicle to a device, whose serial number this is.",
    ),
    "eld_device_type": _DEVICE,
    "eld_product_id": _DEVICE,
    "total_axles": NoPlace("GPS Insight keeps no number of axles."),
    "external_id": Text(to="ref_id", min_length=1),
    "speed_unit": _NO_DISPLAY_UNITS,
    "odometer_unit": _NO_DISPLAY_UNITS,
    "fuel_unit": _NO_DISPLAY_UNITS,
    "fuel_capacity": NoPlace("GPS Insight wants gallons, where this is a text with a unit of the partner's choice."),
    "engine_type": Coded(
        to="fuel_type", codes=FUEL_TYPES, otherwise="GPS Insight has codes for petrol and Diesel only."
    ),
}

VEHICLE_UPDATE: Final[Table] = {
    **VEHICLE,
    "eld_serial_number": NoPlace("GPS Insight moves a vehicle to another device by a transfer, which is not offered."),
}

_ACTIVITY: Final = ByCode(how="A driver is there, and active, until it is deleted in GPS Insight.", is_fixed=True)
_NO_LICENSE: Final = NoPlace("GPS Insight keeps no licence, only attributes that each fleet defines for itself.")
_NO_HOURS_OF_SERVICE: Final = NoPlace("GPS Insight's API keeps no hours-of-service rules of a driver.")

DRIVER: Final[Table] = {
    "username": NoPlace("Drivers of GPS Insight have no login name; users of its portal are not offered."),
    "is_active": _ACTIVITY,
    "status": _ACTIVITY,
    "is_driver": ByCode(how="Only drivers are offered; without it a driver is meant.", is_fixed=True),
    "user_designation": NoPlace("GPS Insight keeps no title of a driver."),
    "user_email": Text(to="email", min_length=1),
    "first_name": Text(to="firstname", min_length=1),
    "last_name": Text(to="lastname", min_length=1, required="GPS Insight takes no driver without a last name."),
    "phone_number": Text(to="phone", min_length=1),
    "country_code": NoPlace("GPS Insight keeps no country of a driver."),
    "license_country": _NO_LICENSE,
    "license_region": _NO_LICENSE,
    "license_number": _NO_LICENSE,
    "license_expiration": _NO_LICENSE,
    "employee_number": Text(to="ref_id", min_length=1),
    "carrier_number": NoPlace("GPS Insight keeps no carrier number."),
    "notes": NoPlace("GPS Insight keeps no notes of a driver."),
    "hos_ruleset_code": _NO_HOURS_OF_SERVICE,
    "allow_yard_move": _NO_HOURS_OF_SERVICE,
    "allow_personal_conveyance": _NO_HOURS_OF_SERVICE,
    "allow_adverse_driving": _NO_HOURS_OF_SERVICE,
    "default_time_zone": ByCode(
        how="timezone: one of the zones that GPS Insight names.",
        required="GPS Insight takes no driver without a time zone.",
    ),
    "hos_compliance_type": _NO_HOURS_OF_SERVICE,
    "hos_tracking_method": _NO_HOURS_OF_SERVICE,
}

MESSAGE: Final[Table] = {
    "sender_id": NoPlace("GPS Insight sends every message in the name of the user of the connection."),
    "recipient_id": ByCode(how="The vehicle that the driver is in when the message is sent."),
    "message_text": Text(
        to="message",
        max_length=MAX_MESSAGE_LENGTH,
        may_be_cut=True,
        pattern=r"[\s\S]*\S[\s\S]*",
        pattern_meaning="a text that is not blank",
        required="GPS Insight takes no message without a text.",
    ),
    "priority": NoPlace("GPS Insight's messages have no priority."),
    "reply_to_message_id": NoPlace("GPS Insight's messages do not refer to one another."),
}
