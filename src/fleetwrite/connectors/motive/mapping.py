"""Our fields and Motive's: one table for each body, enum tables. Data only.

QUIRKS.md says which facts are documented and which assumed.
"""

from collections.abc import Mapping
from typing import Final

from fleetwrite.connectors.sdk.mapping import ByCode, Coded, NoPlace, Table, Text, Value
from fleetwrite.contract.enums import EngineType
from fleetwrite.contract.hos_rulesets import HosRulesetCodeEnum
from fleetwrite.contract.timezones import TimezoneCodeEnum

PROVIDER: Final = "Motive"

DRIVER: Final = "driver"
OFFICE_USER: Final = "office user"
"""The two kinds of user that our records tell apart."""

DRIVER_ROLE: Final = "driver"
OFFICE_ROLE: Final = "fleet_user"
"""The role of new office users: the lesser one; Motive's other is admin."""

# Reasons that several fields share.
_NO_PLATE_COUNTRY = NoPlace("Motive keeps the state that issued a plate, not its country.")
_GATEWAY = NoPlace("Motive pairs a gateway where it is installed; writing it would pair it anew.")
_NO_DISPLAY_UNITS = NoPlace("Motive has one switch for all units of a vehicle, and these are free texts.")
_BY_CODE_ACTIVITY = ByCode(how="status: active or deactivated; exists on updates only.")
_BY_CODE_AVAILABILITY = ByCode(how="availability_details.availability_status; exists on updates only.")
_BY_CODE_EXTERNAL_ID = ByCode(how="One of external_ids_attributes; on updates in place of the one there is.")

_PLATE_REGION = Text(to="license_plate_state", emptied_by=None)
_PLATE = Text(to="license_plate_number", emptied_by=None)
_VIN = Text(to="vin", min_length=1, emptied_by=None)
_NOTES = Text(to="notes", emptied_by=None)

FUEL_TYPES: Final[Mapping[EngineType, str]] = {
    EngineType.GASOLINE: "gasoline",
    EngineType.DIESEL: "diesel",
    EngineType.ETHANOL: "ethanol",
    EngineType.METHANOL: "methanol",
    EngineType.PROPANE: "propane",
    # IFTA reports liquefied petroleum gas as propane.
    EngineType.LPG: "propane",
    EngineType.CNG: "cng",
    EngineType.LNG: "lng",
}

VEHICLE: Final[Table] = {
    "vehicle_name": Text(
        to="number", min_length=1, required="Motive takes no vehicle without a number, which is its name in the fleet."
    ),
    "oem": Text(to="make", emptied_by=None),
    "model_type": Text(to="model", emptied_by=None),
    "model_year": ByCode(how="year, as a text.", can_be_emptied=True),
    "vin": _VIN,
    "engine_vin": NoPlace("Motive keeps no serial number of an engine."),
    "license_plate_region": _PLATE_REGION,
    "license_plate_country": _NO_PLATE_COUNTRY,
    "license_plate_number": _PLATE,
    "is_active": _BY_CODE_ACTIVITY,
    "status": _BY_CODE_AVAILABILITY,
    "notes": _NOTES,
    "eld_id": _GATEWAY,
    "eld_serial_number": _GATEWAY,
    "eld_device_type": _GATEWAY,
    "eld_product_id": _GATEWAY,
    "total_axles": NoPlace("Motive keeps the number of axles of trailers only."),
    "external_id": _BY_CODE_EXTERNAL_ID,
    "speed_unit": _NO_DISPLAY_UNITS,
    "odometer_unit": _NO_DISPLAY_UNITS,
    "fuel_unit": _NO_DISPLAY_UNITS,
    "fuel_capacity": NoPlace("Motive takes no tank size."),
    "engine_type": Coded(to="fuel_type", codes=FUEL_TYPES, otherwise="Motive has no such fuel but `other`."),
}

TRAILER: Final[Table] = {
    "trailer_name": Text(to="name", min_length=1, required="Motive takes no trailer without a name."),
    "oem": Text(to="make", min_length=1, required="Motive takes no trailer without its make."),
    "model_type": Text(to="model", min_length=1, required="Motive takes no trailer without its model."),
    "model_year": ByCode(how="year, as a text.", required="Motive takes no trailer without its model year."),
    "vin": _VIN,
    "license_plate_region": _PLATE_REGION,
    "license_plate_country": _NO_PLATE_COUNTRY,
    "license_plate_number": _PLATE,
    "is_active": _BY_CODE_ACTIVITY,
    "status": _BY_CODE_AVAILABILITY,
    "notes": _NOTES,
    "eld_id": _GATEWAY,
    "eld_serial_number": _GATEWAY,
    "eld_device_type": _GATEWAY,
    "eld_product_id": _GATEWAY,
    "total_axles": Value(to="axle", emptied_by=None),
    "external_id": _BY_CODE_EXTERNAL_ID,
    # Both the contract and Motive leave the unit to the account.
    "trailer_length": Value(to="length", emptied_by=None),
    "trailer_type": ByCode(
        how="type, where Motive has a name for it, else type custom and custom_type.",
        required="Motive takes no trailer without its type, such as flatbed or reefer.",
    ),
}

ASSET_TYPES: Final = frozenset({"flatbed", "low_boy", "reefer", "auto_hauler"})
"""The types of which Motive's pages show or suggest the name. The list of all is not published."""
CUSTOM_TYPE: Final = "custom"

AVAILABILITY: Final[Mapping[str, str]] = {"IN_SERVICE": "in_service", "OUT_OF_SERVICE": "out_of_service"}

CYCLES: Final[Mapping[HosRulesetCodeEnum, str]] = {
    HosRulesetCodeEnum.US_INT_PROP_60_7: "60_7",
    HosRulesetCodeEnum.US_INT_PROP_70_8: "70_8",
    HosRulesetCodeEnum.US_INT_PAX_60_7: "60_7_p",
    HosRulesetCodeEnum.US_INT_PAX_70_8: "70_8_p",
    HosRulesetCodeEnum.US_CA_INTRA_PROP_80_8: "80_8",
    HosRulesetCodeEnum.US_CA_INTRA_PAX_80_8: "80_8_p",
    HosRulesetCodeEnum.US_TX_INTRA_PROP_70_7: "tx_70_7",
    HosRulesetCodeEnum.US_AK_INTRA_PROP_70_7: "ak_70_7",
    HosRulesetCodeEnum.US_AK_INTRA_PROP_80_8: "ak_80_8",
    HosRulesetCodeEnum.US_AK_INTRA_PAX_70_7: "ak_70_7_p",
}
"""Only rule sets that Motive describes by the same words: a wrong one makes a driver break the law."""

_Z = TimezoneCodeEnum
ZONES: Final[Mapping[str, tuple[TimezoneCodeEnum, ...]]] = {
    "Atlantic Time (Canada)": (
        _Z.AMERICA_HALIFAX,
        *(_Z.AMERICA_GLACE_BAY, _Z.AMERICA_GOOSE_BAY, _Z.AMERICA_MONCTON),
    ),
    "Eastern Time (US & Canada)": (
        *(_Z.AMERICA_NEW_YORK, _Z.AMERICA_DETROIT, _Z.AMERICA_TORONTO, _Z.AMERICA_IQALUIT, _Z.AMERICA_NIPIGON),
        *(_Z.AMERICA_PANGNIRTUNG, _Z.AMERICA_THUNDER_BAY, _Z.AMERICA_KENTUCKY_LOUISVILLE),
        _Z.AMERICA_KENTUCKY_MONTICELLO,
    ),
    "Indiana (East)": (
        *(_Z.AMERICA_INDIANA_INDIANAPOLIS, _Z.AMERICA_INDIANA_MARENGO, _Z.AMERICA_INDIANA_PETERSBURG),
        *(_Z.AMERICA_INDIANA_VEVAY, _Z.AMERICA_INDIANA_VINCENNES, _Z.AMERICA_INDIANA_WINAMAC),
    ),
    "Central Time (US & Canada)": (
        *(_Z.AMERICA_CHICAGO, _Z.AMERICA_MENOMINEE, _Z.AMERICA_INDIANA_KNOX, _Z.AMERICA_INDIANA_TELL_CITY),
        *(_Z.AMERICA_NORTH_DAKOTA_BEULAH, _Z.AMERICA_NORTH_DAKOTA_CENTER, _Z.AMERICA_NORTH_DAKOTA_NEW_SALEM),
        *(_Z.AMERICA_RANKIN_INLET, _Z.AMERICA_RESOLUTE, _Z.AMERICA_MATAMOROS, _Z.AMERICA_OJINAGA),
    ),
    "Saskatchewan": (_Z.AMERICA_REGINA, _Z.AMERICA_SWIFT_CURRENT),
    "Mountain Time (US & Canada)": (
        _Z.AMERICA_DENVER,
        *(_Z.AMERICA_BOISE, _Z.AMERICA_CAMBRIDGE_BAY, _Z.AMERICA_CIUDAD_JUAREZ),
    ),
    "Arizona": (
        *(_Z.AMERICA_PHOENIX, _Z.AMERICA_CRESTON, _Z.AMERICA_DAWSON, _Z.AMERICA_DAWSON_CREEK),
        *(_Z.AMERICA_FORT_NELSON, _Z.AMERICA_WHITEHORSE, _Z.AMERICA_HERMOSILLO),
    ),
    "Pacific Time (US & Canada)": (_Z.AMERICA_LOS_ANGELES, _Z.AMERICA_TIJUANA),
    "Alaska": (
        *(_Z.AMERICA_JUNEAU, _Z.AMERICA_ANCHORAGE, _Z.AMERICA_METLAKATLA, _Z.AMERICA_NOME, _Z.AMERICA_SITKA),
        _Z.AMERICA_YAKUTAT,
    ),
}
"""Motive's names of time zones -> the contract's that keep the same time; a name read back becomes the first.

Western Canada parted from the names of the United States in 2026: what Motive makes of it nobody knows.
"""

ZONE_NAMES: Final[Mapping[TimezoneCodeEnum, str]] = {zone: name for name, zones in ZONES.items() for zone in zones}

_ROLE = ByCode(how="role: driver or fleet_user.", is_fixed=True, required="Motive gives every user a role.")
_NO_COUNTRY = NoPlace("Motive keeps no country of a user.")
_NO_USER_NOTES = NoPlace("Motive keeps no notes on users.")
_NO_DESIGNATION = NoPlace("Motive keeps no free title; what a user may do comes from its role.")
_NO_CARRIER = NoPlace("Motive takes only the USDOT numbers of the company itself here; this may be another number.")
_DRIVERS_ONLY = NoPlace("Motive keeps this for drivers only, not for office users.")
_FIRST_NAME = Text(to="first_name", min_length=1, required="Motive takes no user without a first name.")
_LAST_NAME = Text(to="last_name", min_length=1, required="Motive takes no user without a last name.")
_USERNAME = Text(to="username", min_length=1)
_EMAIL = Text(to="email", pattern=r"[^@\s]+@[^@\s]+", pattern_meaning="an e-mail address")
_PHONE = Text(to="phone", emptied_by=None)
_TIME_ZONE = Coded(to="time_zone", codes=ZONE_NAMES, otherwise="Motive has no such time zone; its own default stays.")
_TRACKING = ByCode(how="eld_mode and time_tracking_mode, which have to match.")

DRIVER_USER: Final[Table] = {
    "username": _USERNAME,
    "is_active": _BY_CODE_ACTIVITY,
    "status": _BY_CODE_ACTIVITY,
    "is_driver": _ROLE,
    "user_designation": _NO_DESIGNATION,
    "user_email": _EMAIL,
    "first_name": _FIRST_NAME,
    "last_name": _LAST_NAME,
    "phone_number": _PHONE,
    "country_code": _NO_COUNTRY,
    "license_country": NoPlace("Motive keeps the state of a licence, not its country."),
    "license_region": Text(
        to="drivers_license_state",
        pattern="[A-Z]{2}",
        pattern_meaning="the two capital letters of a state or province",
        emptied_by=None,
    ),
    "license_number": Text(to="drivers_license_number", min_length=1, emptied_by=None),
    "license_expiration": NoPlace("Motive keeps no expiry of a licence."),
    "employee_number": Text(to="driver_company_id", min_length=1, emptied_by=None),
    "carrier_number": _NO_CARRIER,
    "notes": _NO_USER_NOTES,
    "hos_ruleset_code": Coded(
        to="cycle",
        codes=CYCLES,
        otherwise="Motive has no cycle that is surely the same; the one in force stays.",
    ),
    "allow_yard_move": Value(to="yard_moves_enabled"),
    "allow_personal_conveyance": Value(to="personal_conveyance_enabled"),
    "allow_adverse_driving": NoPlace("Motive has no such permission of a driver."),
    "default_time_zone": _TIME_ZONE,
    "hos_compliance_type": _TRACKING,
    "hos_tracking_method": _TRACKING,
}

OFFICE: Final[Table] = {
    "username": _USERNAME,
    "is_active": _BY_CODE_ACTIVITY,
    "status": _BY_CODE_ACTIVITY,
    "is_driver": _ROLE,
    "user_designation": _NO_DESIGNATION,
    "user_email": _EMAIL,
    "first_name": _FIRST_NAME,
    "last_name": _LAST_NAME,
    "phone_number": _PHONE,
    "country_code": _NO_COUNTRY,
    "license_country": _DRIVERS_ONLY,
    "license_region": _DRIVERS_ONLY,
    "license_number": _DRIVERS_ONLY,
    "license_expiration": _DRIVERS_ONLY,
    "employee_number": _DRIVERS_ONLY,
    "carrier_number": _NO_CARRIER,
    "notes": _NO_USER_NOTES,
    "hos_ruleset_code": _DRIVERS_ONLY,
    "allow_yard_move": _DRIVERS_ONLY,
    "allow_personal_conveyance": _DRIVERS_ONLY,
    "allow_adverse_driving": _DRIVERS_ONLY,
    "default_time_zone": _TIME_ZONE,
    "hos_compliance_type": _DRIVERS_ONLY,
    "hos_tracking_method": _DRIVERS_ONLY,
}

_SENDER = ByCode(how="sender_id, as a number; office users only.")
_MESSAGE_TEXT = ByCode(how="body.", required="Motive takes no message without a text.")
_NO_PRIORITY = NoPlace("Motive's messages have no priority.")

MESSAGE: Final[Table] = {
    "sender_id": _SENDER,
    "recipient_id": ByCode(how="receiver_ids, as a number."),
    "message_text": _MESSAGE_TEXT,
    "priority": _NO_PRIORITY,
    "reply_to_message_id": NoPlace("Motive's messages do not refer to one another."),
}

GROUP_MESSAGE: Final[Table] = {
    "sender_id": _SENDER,
    "recipient_ids": ByCode(how="receiver_ids, as numbers, each once."),
    "message_text": _MESSAGE_TEXT,
    "priority": _NO_PRIORITY,
}

CURRENCIES: Final = frozenset({"USD", "CAD"})

_NO_COORDINATES = NoPlace("Motive keeps the place of a purchase as a text; send location_string.")
_VOLUME = ByCode(how="fuel and fuel_unit; litres and US gallons as they are, others as litres.")
_ODOMETER = ByCode(how="odometer and odometer_unit: whole miles or kilometres.")

FUEL_TRANSACTION: Final[Table] = {
    "driver_id": ByCode(how="driver_id, as a number; drivers only."),
    "vehicle_id": ByCode(how="vehicle_id, as a number."),
    "co_driver_id": NoPlace("Motive keeps one driver of a fuel purchase."),
    "latitude": _NO_COORDINATES,
    "longitude": _NO_COORDINATES,
    "location_string": Text(to="location"),
    "odometer": _ODOMETER,
    "odometer_unit": _ODOMETER,
    "transaction_time": ByCode(how="purchased_at, in UTC.", required="Motive takes no fuel purchase without its time."),
    "transaction_jurisdiction": Text(
        to="jurisdiction",
        pattern="[A-Z]{2}",
        pattern_meaning="the two capital letters of a state or province",
        required="Motive takes no fuel purchase without the state or province it was made in.",
    ),
    "fuel_type": ByCode(how="fuel_type.", required="Motive takes no fuel purchase without the kind of fuel."),
    "fuel_volume": _VOLUME,
    "fuel_volume_unit": _VOLUME,
    "fuel_vendor": Text(to="vendor"),
    "total_cost": ByCode(how="total_cost, with its digits."),
    "currency": ByCode(how="currency; required with total_cost."),
}
