"""Our fields and Geotab's: one table for each body, enum tables. Data only.

Lengths are those of the object reference; QUIRKS.md says which facts are documented and which assumed.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from fleetwrite.connectors.geotab.comments import MAX_NOTES_LENGTH
from fleetwrite.connectors.sdk.mapping import ByCode, Coded, Measure, NoPlace, Table, Text, UnitOf, Value
from fleetwrite.contract.enums import (
    DistanceUnitEnum,
    DvirLogTypeEnum,
    EngineType,
    FuelVolumeUnitEnum,
    MessagePriorityEnum,
)

MAX_NAME_LENGTH: Final = 50
MAX_SERIAL_LENGTH: Final = 12
MAX_COMMENTS_LENGTH: Final = 1024

# Reasons and rows that several fields share.
_FROM_VIN = NoPlace("Geotab works make, model and year out of the VIN and takes none.")
_NO_PLATE_COUNTRY = NoPlace("Geotab keeps the state or province of a plate, not its country.")
_NO_STATUS = NoPlace("Geotab keeps no state of service; whether it is in use at all is is_active.")
_FROM_SERIAL = NoPlace("Geotab tells a device by its serial number alone: eld_serial_number.")
_NO_AXLES = NoPlace("Geotab does not keep the number of axles.")
_NO_EXTERNAL_ID = NoPlace("Geotab keeps no external id of vehicles and trailers.")
_NO_DISPLAY_UNITS = NoPlace("Geotab keeps units for each user, not for a vehicle.")

_ASSET_NAME = Text(
    to="name",
    min_length=1,
    max_length=MAX_NAME_LENGTH,
    required="Geotab takes no vehicle or trailer without a name.",
)
_ACTIVITY = ByCode(how="activeTo: an instant far away while it is in use, the instant of sending when it is not.")
# The mark of the operation that made it stays below them.
_NOTES = Text(to="comment", max_length=MAX_NOTES_LENGTH, may_be_cut=True, emptied_by="")
_SERIAL = ByCode(how="serialNumber, of a new one only.", is_fixed=True)

_ASSET: Final[Table] = {
    "oem": _FROM_VIN,
    "model_type": _FROM_VIN,
    "model_year": _FROM_VIN,
    "vin": Text(to="vehicleIdentificationNumber", max_length=50, emptied_by=""),
    "license_plate_region": Text(to="licenseState", max_length=50, emptied_by=""),
    "license_plate_country": _NO_PLATE_COUNTRY,
    "license_plate_number": Text(to="licensePlate", max_length=50, emptied_by=""),
    "is_active": _ACTIVITY,
    "status": _NO_STATUS,
    "notes": _NOTES,
    "eld_id": _FROM_SERIAL,
    "eld_serial_number": _SERIAL,
    "eld_device_type": _FROM_SERIAL,
    "eld_product_id": _FROM_SERIAL,
    "total_axles": _NO_AXLES,
    "external_id": _NO_EXTERNAL_ID,
}
"""What vehicles and trailers have in common: both are devices."""

VEHICLE: Final[Table] = {
    "vehicle_name": _ASSET_NAME,
    **_ASSET,
    "engine_vin": NoPlace("Geotab reads the engine's VIN from the vehicle and takes none."),
    "speed_unit": _NO_DISPLAY_UNITS,
    "odometer_unit": _NO_DISPLAY_UNITS,
    "fuel_unit": _NO_DISPLAY_UNITS,
    "fuel_capacity": NoPlace("Geotab keeps a tank in litres, and the unit of this is free text."),
    "engine_type": NoPlace("Geotab works the fuel out of the VIN."),
}

TRAILER: Final[Table] = {
    "trailer_name": _ASSET_NAME,
    **_ASSET,
    "trailer_length": NoPlace("Geotab keeps no measures of trailers."),
    "trailer_type": NoPlace("Geotab keeps no body type of trailers."),
}

_COUNTRIES: Final = (
    "USA:US CAN:CA MEX:MX ARG:AR BOL:BO BRA:BR CHL:CL COL:CO CRI:CR DOM:DO ECU:EC GTM:GT HND:HN NIC:NI PAN:PA "
    "PER:PE PRI:PR PRY:PY SLV:SV URY:UY VEN:VE AUS:AU NZL:NZ ZAF:ZA ARE:AE SAU:SA ISR:IL IND:IN JPN:JP SGP:SG "
    "ALB:AL AND:AD AUT:AT BEL:BE BGR:BG BIH:BA CHE:CH CYP:CY CZE:CZ DEU:DE DNK:DK ESP:ES EST:EE FIN:FI FRA:FR "
    "GBR:GB GRC:GR HRV:HR HUN:HU IRL:IE ISL:IS ITA:IT LIE:LI LTU:LT LUX:LU LVA:LV MCO:MC MDA:MD MKD:MK MLT:MT "
    "MNE:ME NLD:NL NOR:NO POL:PL PRT:PT ROU:RO SMR:SM SRB:RS SVK:SK SVN:SI SWE:SE TUR:TR UKR:UA"
)
COUNTRIES: Final[Mapping[str, str]] = dict(pair.split(":") for pair in _COUNTRIES.split())
"""ISO 3166-1: three letters -> two. The Americas, Europe, and where else Geotab has offices."""

USER: Final[Table] = {
    "username": Text(
        to="name",
        min_length=1,
        max_length=255,
        required="Geotab takes no user without a login name, an e-mail address as a rule; it has to be unique.",
    ),
    "is_active": _ACTIVITY,
    "status": _ACTIVITY,
    "is_driver": Value(
        to="isDriver", required="Geotab gives drivers and office users different rights: say which this is."
    ),
    "user_designation": Text(to="designation", max_length=50, emptied_by=""),
    "user_email": ByCode(how="The login name; lost where it is another."),
    "first_name": Text(
        to="firstName", min_length=1, max_length=255, required="Geotab takes no user without a first name."
    ),
    "last_name": Text(
        to="lastName", min_length=1, max_length=255, required="Geotab takes no user without a last name."
    ),
    "phone_number": Text(to="phoneNumber", max_length=20, emptied_by=""),
    "country_code": Coded(
        to="countryCode",
        codes=COUNTRIES,
        otherwise="Geotab keeps a country by two letters, and none are known for this one.",
        emptied_by="",
    ),
    "license_country": NoPlace("Geotab keeps the state or province of a licence, not its country."),
    "license_region": Text(to="licenseProvince", emptied_by=""),
    "license_number": Text(to="licenseNumber", emptied_by=""),
    "license_expiration": NoPlace("Geotab keeps no expiry of a licence."),
    "employee_number": Text(to="employeeNo", max_length=50, emptied_by=""),
    "carrier_number": Text(to="carrierNumber", emptied_by=""),
    "notes": _NOTES,
    "hos_ruleset_code": NoPlace(
        "Geotab keeps a driver's rule set with the date from which it holds, for which the contract has no field."
    ),
    "allow_yard_move": Value(to="isYardMoveEnabled"),
    "allow_personal_conveyance": Value(to="isPersonalConveyanceEnabled"),
    "allow_adverse_driving": Value(to="isAdverseDrivingEnabled"),
    "default_time_zone": Value(to="timeZoneId"),
    "hos_compliance_type": NoPlace("Geotab exempts a driver by the rule set, not by a setting of the user."),
    "hos_tracking_method": NoPlace("Geotab has no such setting of a driver."),
}

MESSAGE: Final[Table] = {
    "sender_id": ByCode(how="user."),
    "recipient_id": ByCode(how="recipient, and the device of the vehicle that this driver is in."),
    "message_text": ByCode(how="messageContent.message.", required="Geotab takes no message without a text."),
    "priority": Coded(
        to="messageContent.urgent",
        codes={MessagePriorityEnum.HIGH: True, MessagePriorityEnum.MEDIUM: False},
        otherwise="Geotab tells urgent messages from all others; a low priority it does not know.",
    ),
    "reply_to_message_id": ByCode(how="parentMessage."),
}

LOG_TYPES: Final[Mapping[DvirLogTypeEnum, str]] = {
    DvirLogTypeEnum.PRE_TRIP: "PreTrip",
    DvirLogTypeEnum.POST_TRIP: "PostTrip",
    # Told from a driver's by isInspectedByDriver.
    DvirLogTypeEnum.MECHANIC: "Unknown",
    DvirLogTypeEnum.UNKNOWN: "Unknown",
}

_NOTED = ByCode(how="A line of driverRemark.")
_SAFETY = ByCode(how="isSafeToOperate, where anything is said of it.")

DVIR_LOG: Final[Table] = {
    "driver_id": ByCode(how="driver."),
    "vehicle_id": ByCode(how="device."),
    "trailer_id": ByCode(how="device; Geotab files one inspection for each."),
    "occurred_at": ByCode(how="dateTime, in UTC.", required="Geotab takes no inspection without its time."),
    "log_type": ByCode(how="logType; a mechanic's has isInspectedByDriver false."),
    "inspected_by": _NOTED,
    "defect_count": _SAFETY,
    "defects": ByCode(how="isSafeToOperate; Geotab knows defects by its own lists: a loss, noted in driverRemark."),
    "is_safety_critical": _SAFETY,
    "driver_comment": _NOTED,
    "certify_comment": _NOTED,
    # Every odometer of Geotab's is in metres but that of a fuel transaction.
    "odometer": Measure(
        to="odometer", unit_field="odometer_unit", unit=DistanceUnitEnum.METERS, places=0, largest=Decimal(10**10)
    ),
    "odometer_unit": UnitOf("odometer"),
}

FUEL_TYPES: Final[Mapping[EngineType, str]] = {
    # Geotab names grades only; this is what is sold where none is named.
    EngineType.GASOLINE: "Regular",
    EngineType.DIESEL: "Diesel",
    EngineType.ETHANOL: "E85",
    EngineType.PROPANE: "LPG",
    EngineType.LPG: "LPG",
    EngineType.CNG: "CNG",
    EngineType.HYDROGEN: "Hydrogen",
    EngineType.ELECTRICITY: "Electric",
}

_LOCATION = ByCode(how="location: x is the longitude, y the latitude.")

FUEL_TRANSACTION: Final[Table] = {
    "driver_id": ByCode(how="driver."),
    "vehicle_id": ByCode(how="device."),
    "co_driver_id": NoPlace("Geotab keeps one driver of a fuel transaction."),
    "latitude": _LOCATION,
    "longitude": _LOCATION,
    "location_string": Text(to="comments", max_length=MAX_COMMENTS_LENGTH, may_be_cut=True),
    "odometer": Measure(
        to="odometer",
        unit_field="odometer_unit",
        unit=DistanceUnitEnum.KILO_METERS,
        # A metre: what an odometer that is read off does not show.
        places=3,
        largest=Decimal(10**7),
    ),
    "odometer_unit": UnitOf("odometer"),
    "transaction_time": ByCode(how="dateTime, in UTC.", required="Geotab takes no fuel transaction without its time."),
    "transaction_jurisdiction": NoPlace("Geotab works the jurisdiction out of the place."),
    "fuel_type": Coded(to="productType", codes=FUEL_TYPES, otherwise="Geotab has no such product."),
    "fuel_volume": Measure(
        to="volume",
        unit_field="fuel_volume_unit",
        unit=FuelVolumeUnitEnum.LITER,
        # Exact for volumes of three decimals in any unit, as a US gallon has nine decimals of a litre.
        places=12,
        # A tank ship's load: beyond is a slip of the unit or the point.
        largest=Decimal(10**8),
    ),
    "fuel_volume_unit": UnitOf("fuel_volume"),
    "fuel_vendor": Text(to="siteName", max_length=255),
    "total_cost": ByCode(how="cost."),
    "currency": ByCode(how="currencyCode; required with a cost, which would be in US dollars else."),
}
