"""Our fields and Wialon's: one table for each body. Data only; QUIRKS.md says which facts are documented.

Wialon has a place of its own for few of our fields, and custom fields for anything else. A fact about a vehicle or a
person is kept there under the contract's name. What would have to have an effect (hours of service, deactivation) is
not: a text that nobody acts upon must not look like a setting.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from fleetwrite.connectors.sdk.mapping import ByCode, NoPlace, Table, Text, UnitOf, Value
from fleetwrite.connectors.sdk.units import to_text

PROVIDER: Final = "Wialon"

MARK: Final = "fleetwrite"
"""Custom field under which every create carries its operation's id, so that a lost answer can be looked up."""

# help.wialon.com, "create_unit" and "update_name".
MIN_NAME_LENGTH: Final = 4
MAX_NAME_LENGTH: Final = 50

_NO_STATUS = NoPlace("Wialon keeps no state of service.")
_PAIRING = NoPlace("Wialon finds a device by this; writing it would pair the hardware anew.")
_NO_ELD = NoPlace("Wialon has no such number of a device.")
_NO_MEASURES = NoPlace("Wialon keeps one system of measures for a whole unit, which is chosen there.")


def _profile(name: str) -> Text:
    return Text(to=f"profile.{name}", emptied_by="")


def _custom(name: str) -> Text:
    return Text(to=f"custom.{name}", emptied_by="")


def _item(name: str) -> Text:
    """A custom field of a driver or a trailer."""
    return Text(to=f"jp.{name}", emptied_by="")


VEHICLE: Final[Table] = {
    "vehicle_name": Text(
        to="name",
        min_length=MIN_NAME_LENGTH,
        max_length=MAX_NAME_LENGTH,
        required="Wialon takes no unit without a name.",
    ),
    "oem": _profile("brand"),
    "model_type": _profile("model"),
    "model_year": Value(to="profile.year", emptied_by=""),
    "vin": _profile("vin"),
    "engine_vin": _custom("engine_vin"),
    "license_plate_region": _custom("license_plate_region"),
    "license_plate_country": _custom("license_plate_country"),
    "license_plate_number": _profile("registration_plate"),
    "is_active": Value(to="active"),
    "status": _NO_STATUS,
    "notes": _custom("notes"),
    "eld_id": _NO_ELD,
    "eld_serial_number": _PAIRING,
    "eld_device_type": ByCode(how="hwTypeId of a create, by the name of the device type.", is_fixed=True),
    "eld_product_id": _NO_ELD,
    "total_axles": Value(to="profile.axles", emptied_by=""),
    "external_id": _custom("external_id"),
    "speed_unit": _NO_MEASURES,
    "odometer_unit": _NO_MEASURES,
    "fuel_unit": _NO_MEASURES,
    "fuel_capacity": _custom("fuel_capacity"),
    "engine_type": Value(to="profile.primary_fuel_type", emptied_by=""),
}

TRAILER: Final[Table] = {
    "trailer_name": Text(to="n", min_length=1, required="Wialon takes no trailer without a name."),
    "oem": _item("oem"),
    "model_type": _item("model_type"),
    "model_year": Value(to="jp.model_year", emptied_by=""),
    "vin": _item("vin"),
    "license_plate_region": _item("license_plate_region"),
    "license_plate_country": _item("license_plate_country"),
    "license_plate_number": _item("license_plate_number"),
    "is_active": _NO_STATUS,
    "status": _NO_STATUS,
    "notes": Text(to="ds", emptied_by=""),
    "eld_id": _NO_ELD,
    "eld_serial_number": NoPlace("Wialon's trailers have no device."),
    "eld_device_type": NoPlace("Wialon's trailers have no device."),
    "eld_product_id": _NO_ELD,
    "total_axles": Value(to="jp.total_axles", emptied_by=""),
    "external_id": _item("external_id"),
    "trailer_length": Value(to="jp.trailer_length", emptied_by=""),
    "trailer_type": _item("trailer_type"),
}

_NAME = ByCode(how="Wialon keeps one name: first_name, a space, last_name.", can_be_emptied=True)
_ACTIVITY = ByCode(how="Every driver is active: only that can be said.", is_fixed=True)
_NO_HOS = NoPlace("Wialon keeps no hours of service as the contract means them.")

DRIVER: Final[Table] = {
    "username": NoPlace("Drivers of Wialon have no login name: they sign in by phone number and mobile key."),
    "is_active": _ACTIVITY,
    "status": _ACTIVITY,
    "is_driver": ByCode(how="Drivers only.", is_fixed=True),
    "user_designation": _item("user_designation"),
    "user_email": _item("user_email"),
    "first_name": _NAME,
    "last_name": _NAME,
    "phone_number": Text(
        to="p",
        pattern=r"\+[0-9]{5,15}",
        pattern_meaning="a phone number of a plus, the country's code and digits, such as +15550100",
        emptied_by="",
    ),
    "country_code": _item("country_code"),
    "license_country": _item("license_country"),
    "license_region": _item("license_region"),
    "license_number": _item("license_number"),
    "license_expiration": Value(to="jp.license_expiration", emptied_by=""),
    "employee_number": _item("employee_number"),
    "carrier_number": _item("carrier_number"),
    "notes": Text(to="ds", emptied_by=""),
    "hos_ruleset_code": _NO_HOS,
    "allow_yard_move": _NO_HOS,
    "allow_personal_conveyance": _NO_HOS,
    "allow_adverse_driving": _NO_HOS,
    "default_time_zone": NoPlace("Wialon keeps no time zone of a driver."),
    "hos_compliance_type": _NO_HOS,
    "hos_tracking_method": _NO_HOS,
}

MESSAGE: Final[Table] = {
    "sender_id": NoPlace("Wialon sends every message of the API in the name of the token's user."),
    "recipient_id": ByCode(how="itemId: the unit that the driver is assigned to when it is sent."),
    "message_text": Text(
        to="param",
        pattern=r"[\s\S]*\S[\s\S]*",
        pattern_meaning="a text that is not blank",
        required="Wialon takes no message without a text.",
    ),
    "priority": NoPlace("Wialon's messages have no priority."),
    "reply_to_message_id": NoPlace("Wialon's messages do not refer to one another."),
}

_DESCRIBED = ByCode(how="Named in the description.")
_COORDINATE = ByCode(how="x and y; both or none.")

FUEL_TRANSACTION: Final[Table] = {
    "driver_id": _DESCRIBED,
    "vehicle_id": ByCode(how="itemId."),
    "co_driver_id": _DESCRIBED,
    "latitude": _COORDINATE,
    "longitude": _COORDINATE,
    "location_string": Text(to="location"),
    "odometer": _DESCRIBED,
    "odometer_unit": UnitOf("odometer"),
    "transaction_time": ByCode(
        how="date, in whole seconds.", required="Wialon registers a filling at an instant, and looks for it there."
    ),
    "transaction_jurisdiction": _DESCRIBED,
    "fuel_type": _DESCRIBED,
    "fuel_volume": ByCode(how="volume, in litres or gallons, as the unit measures."),
    "fuel_volume_unit": UnitOf("fuel_volume"),
    "fuel_vendor": _DESCRIBED,
    "total_cost": ByCode(how="cost."),
    "currency": _DESCRIBED,
}


def kept_under(table: Table, group: str) -> Mapping[str, str]:
    """Our field -> the name that Wialon keeps it by, of a group of names (`profile`, `custom`, `jp`)."""
    return {
        field: rule.to.removeprefix(f"{group}.")
        for field, rule in table.items()
        if isinstance(rule, Text | Value) and rule.to.startswith(f"{group}.")
    }


def as_texts(group: Mapping[str, Any]) -> dict[str, str]:
    """The values of a group of names as Wialon keeps them: all of them are texts."""
    return {name: to_text(value) if isinstance(value, Decimal) else str(value) for name, value in group.items()}
