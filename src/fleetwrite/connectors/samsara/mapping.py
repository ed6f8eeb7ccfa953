"""Our fields and Samsara's: one table for each body, enum tables. Data only.

Limits are those of the endpoint reference; QUIRKS.md says which facts are documented and which assumed.
"""

from collections.abc import Mapping
from typing import Final

from fleetwrite.connectors.sdk.mapping import ByCode, Coded, NoPlace, Table, Text, Value
from fleetwrite.contract.enums import EngineType, HosComplianceTypeEnum
from fleetwrite.contract.hos_rulesets import HosRulesetCodeEnum

PROVIDER: Final = "Samsara"

OPERATION_KEY: Final = "fleetwriteOperation"
"""External id key under which every create carries its operation's id, so that a lost answer can be looked up."""
VEHICLE_KEY: Final = "partnerVehicleId"
TRAILER_KEY: Final = "partnerTrailerId"
EMPLOYEE_KEY: Final = "partnerEmployeeNumber"
"""The partner's own ids. One key a class: Samsara wants values unique per key over all classes together."""

# A limit exists, its number could not be read; this is the strictest plausible one (an operation's id just fits).
MAX_EXTERNAL_ID_LENGTH: Final = 32
# /assets documents full VINs only, the vehicle endpoint takes the shorter ones of old vehicles too.
ASSET_VIN_LENGTH: Final = 17
MAX_MESSAGE_LENGTH: Final = 2500
MAX_ASSET_NOTES_LENGTH: Final = 255
MAX_DRIVER_NAME_LENGTH: Final = 255

# Reasons that several fields share.
_NO_PLATE_ORIGIN = NoPlace("Samsara keeps the plate's number only, not where it was issued.")
_NO_STATUS = NoPlace("Samsara keeps no state of service for vehicles and trailers.")
_NO_AXLES = NoPlace("Samsara does not keep the number of axles.")
_GATEWAY = NoPlace("Samsara learns its device from the gateway itself; writing it would pair the gateway anew.")
_NO_DISPLAY_UNITS = NoPlace("Samsara keeps units for the whole organisation, not for one vehicle.")
_DRIVERS_ONLY = NoPlace("Samsara keeps this for drivers only, not for office users.")

_VIN = Text(to="vin", min_length=11, max_length=17, pattern="[A-Za-z0-9]*", pattern_meaning="letters and digits")
_PLATE = Text(to="licensePlate", max_length=12, emptied_by="")
_ASSET_NOTES = Text(to="notes", max_length=MAX_ASSET_NOTES_LENGTH, may_be_cut=True, emptied_by="")
_ASSET_NAME = Text(to="name", min_length=1)

# Fields that only /assets takes; with one of them a write goes there, without to the resource's own endpoint.
VEHICLE_FIELDS_OF_ASSETS: Final = frozenset({"oem", "model_type", "model_year"})
TRAILER_FIELDS_OF_ASSETS: Final = frozenset({"vin", "oem", "model_type", "model_year"})

VEHICLE: Final[Table] = {
    "vehicle_name": _ASSET_NAME,
    "oem": Text(to="make"),
    "model_type": Text(to="model"),
    "model_year": Value(to="year"),
    "vin": _VIN,
    "engine_vin": NoPlace("Samsara reads the engine's serial number from the vehicle and takes none."),
    "license_plate_region": _NO_PLATE_ORIGIN,
    "license_plate_country": _NO_PLATE_ORIGIN,
    "license_plate_number": _PLATE,
    "is_active": _NO_STATUS,
    "status": _NO_STATUS,
    "notes": _ASSET_NOTES,
    "eld_id": _GATEWAY,
    "eld_serial_number": _GATEWAY,
    "eld_device_type": _GATEWAY,
    "eld_product_id": _GATEWAY,
    "total_axles": _NO_AXLES,
    "external_id": Text(to=f"externalIds.{VEHICLE_KEY}", min_length=1, max_length=MAX_EXTERNAL_ID_LENGTH),
    "speed_unit": _NO_DISPLAY_UNITS,
    "odometer_unit": _NO_DISPLAY_UNITS,
    "fuel_unit": _NO_DISPLAY_UNITS,
    "fuel_capacity": NoPlace("Samsara takes no tank size."),
    "engine_type": NoPlace("Samsara reads the engine type from the vehicle and takes none."),
}

TRAILER: Final[Table] = {
    "trailer_name": Text(to="name", min_length=1, required="Samsara takes no trailer without a name."),
    "oem": Text(to="make"),
    "model_type": Text(to="model"),
    "model_year": Value(to="year"),
    "vin": _VIN,
    "license_plate_region": _NO_PLATE_ORIGIN,
    "license_plate_country": _NO_PLATE_ORIGIN,
    "license_plate_number": _PLATE,
    "is_active": _NO_STATUS,
    "status": _NO_STATUS,
    "notes": _ASSET_NOTES,
    "eld_id": _GATEWAY,
    "eld_serial_number": _GATEWAY,
    "eld_device_type": _GATEWAY,
    "eld_product_id": _GATEWAY,
    "total_axles": _NO_AXLES,
    "external_id": Text(to=f"externalIds.{TRAILER_KEY}", min_length=1, max_length=MAX_EXTERNAL_ID_LENGTH),
    "trailer_length": NoPlace("Samsara keeps no measures of trailers."),
    "trailer_type": NoPlace("Samsara keeps no body type of trailers."),
}

_PROPERTY_BREAK = "Property (off-duty/sleeper)"


def _us_property_ruleset(cycle: str, restart: str, restbreak: str) -> Mapping[str, str]:
    """Samsara's override for carriers of property under the federal rules; the empty state means federal."""
    return {"cycle": cycle, "restart": restart, "restbreak": restbreak, "usStateToOverride": ""}


US_PROPERTY_RULESETS: Final[Mapping[HosRulesetCodeEnum, Mapping[str, str]]] = {
    HosRulesetCodeEnum.US_INT_PROP_60_7: _us_property_ruleset(
        "USA Property (7/60)", "34-hour Restart", _PROPERTY_BREAK
    ),
    HosRulesetCodeEnum.US_INT_PROP_60_7_NORST: _us_property_ruleset("USA Property (7/60)", "None", _PROPERTY_BREAK),
    HosRulesetCodeEnum.US_INT_PROP_60_7_NOBRK: _us_property_ruleset("USA Property (7/60)", "34-hour Restart", "None"),
    HosRulesetCodeEnum.US_INT_PROP_70_8: _us_property_ruleset(
        "USA Property (8/70)", "34-hour Restart", _PROPERTY_BREAK
    ),
    HosRulesetCodeEnum.US_INT_PROP_70_8_NORST: _us_property_ruleset("USA Property (8/70)", "None", _PROPERTY_BREAK),
    HosRulesetCodeEnum.US_INT_PROP_70_8_NOBRK: _us_property_ruleset("USA Property (8/70)", "34-hour Restart", "None"),
}
"""Only codes that state cycle, restart and break in full: a wrong ruleset makes a driver break the law."""

_NAME = ByCode(how="Samsara keeps one name: first_name, a space, last_name.", can_be_emptied=True)
_ROLE = ByCode(
    how="Tells which of Samsara's two kinds of user is meant.",
    is_fixed=True,
    required="Samsara keeps drivers and office users apart.",
)
_DRIVER_ACTIVITY = ByCode(how="driverActivationStatus, which exists on updates only.")
_OFFICE_ACTIVITY = ByCode(
    how="Samsara ends the access of an office user by a date, for which the contract has no field.", is_fixed=True
)
_NO_DESIGNATION = NoPlace("Samsara keeps no free title; what a user may do comes from its role.")
_NO_COUNTRY = NoPlace("Samsara keeps no country of a user.")
_NO_TRACKING_METHOD = NoPlace("Samsara has no such setting of a driver.")
_NO_CARRIER = NoPlace("Samsara keeps the carrier of the organisation; USDOT and MC numbers are not told apart here.")

DRIVER: Final[Table] = {
    "username": Text(
        to="username",
        min_length=1,
        max_length=189,
        pattern=r"[^\s@]*",
        pattern_meaning="a login name without spaces and without @",
        required="Samsara takes no driver without a login name; it has to be unique.",
    ),
    "is_active": _DRIVER_ACTIVITY,
    "status": _DRIVER_ACTIVITY,
    "is_driver": _ROLE,
    "user_designation": _NO_DESIGNATION,
    "user_email": Text(to="email"),
    "first_name": _NAME,
    "last_name": _NAME,
    "phone_number": Text(to="phone", max_length=255, emptied_by=""),
    "country_code": _NO_COUNTRY,
    "license_country": NoPlace("Samsara keeps the state of a licence, not its country."),
    "license_region": Text(
        to="licenseState",
        pattern="[A-Z]{2}",
        pattern_meaning="the two capital letters of a state or province",
    ),
    "license_number": Text(to="licenseNumber", min_length=1),
    "license_expiration": NoPlace("Samsara keeps no expiry of a licence."),
    "employee_number": Text(to=f"externalIds.{EMPLOYEE_KEY}", min_length=1, max_length=MAX_EXTERNAL_ID_LENGTH),
    "carrier_number": _NO_CARRIER,
    "notes": Text(to="notes", max_length=4096, may_be_cut=True, emptied_by=""),
    "hos_ruleset_code": Coded(
        to="usDriverRulesetOverride",
        codes=US_PROPERTY_RULESETS,
        otherwise="Samsara has no ruleset that is surely the same; the organisation's default stays in force.",
        emptied_by=None,
    ),
    "allow_yard_move": Value(to="eldYmEnabled"),
    "allow_personal_conveyance": Value(to="eldPcEnabled"),
    "allow_adverse_driving": Value(to="eldAdverseWeatherExemptionEnabled"),
    "default_time_zone": Value(to="timezone"),
    "hos_compliance_type": Coded(
        to="eldExempt", codes={HosComplianceTypeEnum.EXEMPT: True, HosComplianceTypeEnum.NON_EXEMPT: False}
    ),
    "hos_tracking_method": _NO_TRACKING_METHOD,
}

OFFICE_USER: Final[Table] = {
    "username": NoPlace("Office users of Samsara sign in by e-mail address and have no login name."),
    "is_active": _OFFICE_ACTIVITY,
    "status": _OFFICE_ACTIVITY,
    "is_driver": _ROLE,
    "user_designation": _NO_DESIGNATION,
    "user_email": ByCode(
        how="email.", is_fixed=True, required="Samsara's office users sign in by e-mail: an address is required."
    ),
    "first_name": _NAME,
    "last_name": _NAME,
    "phone_number": _DRIVERS_ONLY,
    "country_code": _NO_COUNTRY,
    "license_country": _DRIVERS_ONLY,
    "license_region": _DRIVERS_ONLY,
    "license_number": _DRIVERS_ONLY,
    "license_expiration": _DRIVERS_ONLY,
    "employee_number": _DRIVERS_ONLY,
    "carrier_number": _NO_CARRIER,
    "notes": _DRIVERS_ONLY,
    "hos_ruleset_code": _DRIVERS_ONLY,
    "allow_yard_move": _DRIVERS_ONLY,
    "allow_personal_conveyance": _DRIVERS_ONLY,
    "allow_adverse_driving": _DRIVERS_ONLY,
    "default_time_zone": _DRIVERS_ONLY,
    "hos_compliance_type": _DRIVERS_ONLY,
    "hos_tracking_method": _DRIVERS_ONLY,
}

_NO_SENDER = NoPlace("Samsara sends every message of the API in the name of the organisation's dispatch.")
_NO_PRIORITY = NoPlace("Samsara's messages have no priority.")
_MESSAGE_TEXT = ByCode(how="text.", required="Samsara takes no message without a text.")

MESSAGE: Final[Table] = {
    "sender_id": _NO_SENDER,
    "recipient_id": ByCode(how="driverIds, as a number; drivers only."),
    "message_text": _MESSAGE_TEXT,
    "priority": _NO_PRIORITY,
    "reply_to_message_id": NoPlace("Samsara's messages do not refer to one another."),
}

GROUP_MESSAGE: Final[Table] = {
    "sender_id": _NO_SENDER,
    "recipient_ids": ByCode(how="driverIds, as numbers, each once; drivers only."),
    "message_text": _MESSAGE_TEXT,
    "priority": _NO_PRIORITY,
}

_NOTED = ByCode(how="A line of mechanicNotes.")
_SAFETY = ByCode(how="safetyStatus: unsafe where anything speaks of a defect.")
_DVIR_ODOMETER = ByCode(how="odometerMeters, whole metres.")

DVIR_LOG: Final[Table] = {
    "driver_id": ByCode(how="authorId where it is an office user, else the configured author files it."),
    "vehicle_id": ByCode(how="vehicleId."),
    "trailer_id": ByCode(how="trailerId; Samsara files one inspection for each."),
    "occurred_at": ByCode(how="Samsara dates an inspection when it is filed: a loss, noted in mechanicNotes."),
    "log_type": ByCode(how="type; mechanic only."),
    "inspected_by": _NOTED,
    "defect_count": _SAFETY,
    "defects": ByCode(how="safetyStatus; Samsara takes no new defects: a loss, noted in mechanicNotes."),
    "is_safety_critical": _SAFETY,
    "driver_comment": _NOTED,
    "certify_comment": _NOTED,
    "odometer": _DVIR_ODOMETER,
    "odometer_unit": _DVIR_ODOMETER,
}

_NO_FUEL_ODOMETER = NoPlace("Samsara's fuel purchases have no odometer.")
_PLACE = ByCode(how="transactionLocation: location_string, else both coordinates.")
_VOLUME = ByCode(how="fuelQuantityLiters.")

FUEL_TYPES: Final[Mapping[EngineType, str]] = {
    EngineType.GASOLINE: "Gasoline",
    EngineType.DIESEL: "Diesel",
    EngineType.ETHANOL: "Ethanol",
    EngineType.METHANOL: "Methanol",
    EngineType.PROPANE: "Propane",
    # IFTA reports liquefied petroleum gas as propane.
    EngineType.LPG: "Propane",
    EngineType.CNG: "CompressedNaturalGas",
    EngineType.LNG: "LiquifiedNaturalGas",
    EngineType.HYDROGEN: "Hydrogen",
    EngineType.ELECTRICITY: "Electricity",
}

CURRENCIES: Final = frozenset({"usd", "gbp", "cad", "eur", "chf", "mxn"})

FUEL_TRANSACTION: Final[Table] = {
    "driver_id": ByCode(how="driverId; drivers only."),
    "vehicle_id": ByCode(how="vehicleId."),
    "co_driver_id": NoPlace("Samsara keeps one driver of a fuel purchase."),
    "latitude": _PLACE,
    "longitude": _PLACE,
    "location_string": _PLACE,
    "odometer": _NO_FUEL_ODOMETER,
    "odometer_unit": _NO_FUEL_ODOMETER,
    "transaction_time": ByCode(
        how="transactionTime, in UTC.", required="Samsara takes no fuel purchase without its time."
    ),
    "transaction_jurisdiction": NoPlace("Samsara derives the jurisdiction from the place."),
    "fuel_type": Coded(to="iftaFuelType", codes=FUEL_TYPES, otherwise="Samsara names fuels, and a hybrid is not one."),
    "fuel_volume": _VOLUME,
    "fuel_volume_unit": _VOLUME,
    "fuel_vendor": Text(to="merchantName"),
    "total_cost": ByCode(
        how="transactionPrice.amount, as a text.", required="Samsara takes no fuel purchase without its price."
    ),
    "currency": ByCode(how="transactionPrice.currency.", required="Samsara takes no fuel purchase without a currency."),
}
