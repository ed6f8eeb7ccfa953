"""Our fields and Traccar's: one table for each body. Data only.

Traccar keeps few fields of its own, and with each device and driver a map of free attributes, which it stores and
shows and gives no meaning. What describes a thing is kept there. What should have an effect, and would have none, is
not: a rule of service hours that nobody applies is worse than none.
"""

from typing import Final

from fleetwrite.connectors.sdk.mapping import ByCode, Coded, NoPlace, Rule, Table, Text, Value

PROVIDER: Final = "Traccar"

OPERATION_KEY: Final = "fleetwriteOperation"
"""The attribute by which every create carries its operation's id, so that a lost answer can be looked up."""

TRAILER_CATEGORY: Final = "trailer"
"""The category that tells a trailer from all other devices."""

MAX_LENGTH: Final = 128
"""Of name, identifier and model: what their columns hold."""

# All attributes of a record share one column of 4000 characters. So much of it for notes, and MAX_LENGTH for each other
# text, leaves a third to what is kept there by others.
MAX_NOTES_LENGTH: Final = 1500

# A queued message is kept in a column of 4000 characters too, where each of its own may take two.
MAX_MESSAGE_LENGTH: Final = 1900

_UNSPACED: Final = r"\S(.*\S)?"
_UNSPACED_MEANING: Final = "an identifier without blanks around it"


def _kept(key: str) -> Text:
    """A text that is kept among the attributes."""
    return Text(to=f"attributes.{key}", max_length=MAX_LENGTH, emptied_by=None)


_NOTES = Text(to="attributes.notes", max_length=MAX_NOTES_LENGTH, may_be_cut=True, emptied_by=None)
_IDENTIFIER = Text(
    to="uniqueId",
    min_length=1,
    max_length=MAX_LENGTH,
    pattern=_UNSPACED,
    pattern_meaning=_UNSPACED_MEANING,
    required=(
        "Traccar knows a device by the identifier that its hardware reports: send the tracker's serial number or IMEI. "
        "Without a tracker any text will do that no other device on the server has."
    ),
)
_NO_OTHER_ID = NoPlace("Traccar knows a device by one identifier only, which is eld_serial_number.")

_DEVICE: Final[dict[str, Rule]] = {
    "oem": _kept("make"),
    # The device's own field `model` is the tracker's, by which Traccar reads what the tracker sends.
    "model_type": _kept("vehicleModel"),
    "model_year": Value(to="attributes.modelYear", emptied_by=None),
    "vin": _kept("vin"),
    "license_plate_region": _kept("licensePlateRegion"),
    "license_plate_country": _kept("licensePlateCountry"),
    "license_plate_number": _kept("licensePlate"),
    "is_active": Coded(to="disabled", codes={True: False, False: True}),
    "notes": _NOTES,
    "eld_id": _NO_OTHER_ID,
    "eld_serial_number": _IDENTIFIER,
    "eld_device_type": Text(to="model", max_length=MAX_LENGTH, emptied_by=None),
    "eld_product_id": _NO_OTHER_ID,
    "total_axles": Value(to="attributes.axles", emptied_by=None),
    "external_id": _kept("externalId"),
}
"""What vehicles and trailers share."""


def _name_of(what: str) -> Text:
    return Text(
        to="name", min_length=1, max_length=MAX_LENGTH, required=f"Traccar takes no device without a name: {what}."
    )


_NO_DISPLAY_UNITS = NoPlace("Traccar keeps units for the user and the server, not for one device.")

VEHICLE: Final[Table] = {
    "vehicle_name": _name_of("send the vehicle's"),
    **_DEVICE,
    "engine_vin": _kept("engineVin"),
    "status": Value(to="attributes.serviceStatus", emptied_by=None),
    "speed_unit": _NO_DISPLAY_UNITS,
    "odometer_unit": _NO_DISPLAY_UNITS,
    "fuel_unit": _NO_DISPLAY_UNITS,
    "fuel_capacity": _kept("fuelCapacity"),
    "engine_type": Value(to="attributes.engineType", emptied_by=None),
}

TRAILER: Final[Table] = {
    "trailer_name": _name_of("send the trailer's"),
    **_DEVICE,
    "status": _kept("serviceStatus"),
    "trailer_length": Value(to="attributes.trailerLength", emptied_by=None),
    "trailer_type": _kept("trailerType"),
}

_ACTIVITY = ByCode(how="Drivers of Traccar are always active; that one is not is a loss.", is_fixed=True)
_NO_HOURS = NoPlace("Traccar keeps no hours of service, and would not apply this.")

DRIVER: Final[Table] = {
    "username": _kept("username"),
    "is_active": _ACTIVITY,
    "status": _ACTIVITY,
    "is_driver": ByCode(how="Must not be false: users who sign in to Traccar are not written.", is_fixed=True),
    "user_designation": _kept("designation"),
    "user_email": _kept("email"),
    "first_name": ByCode(
        how="name: first_name, a space, last_name.",
        can_be_emptied=True,
        required="Traccar takes no driver without a name.",
    ),
    "last_name": ByCode(how="name: first_name, a space, last_name.", can_be_emptied=True),
    "phone_number": _kept("phone"),
    "country_code": _kept("country"),
    "license_country": _kept("licenseCountry"),
    "license_region": _kept("licenseRegion"),
    "license_number": _kept("licenseNumber"),
    "license_expiration": Value(to="attributes.licenseExpiration", emptied_by=None),
    "employee_number": Text(
        to="uniqueId",
        min_length=1,
        max_length=MAX_LENGTH,
        pattern=_UNSPACED,
        pattern_meaning=_UNSPACED_MEANING,
        required=(
            "Traccar knows a driver by the identifier that the reader in the vehicle reports: send the number of the "
            "driver's key or card, or where there are no readers any text that no other driver on the server has."
        ),
    ),
    "carrier_number": _kept("carrierNumber"),
    "notes": _NOTES,
    "hos_ruleset_code": _NO_HOURS,
    "allow_yard_move": _NO_HOURS,
    "allow_personal_conveyance": _NO_HOURS,
    "allow_adverse_driving": _NO_HOURS,
    "default_time_zone": NoPlace("Traccar keeps time zones of users and servers, not of drivers."),
    "hos_compliance_type": _NO_HOURS,
    "hos_tracking_method": _NO_HOURS,
}

MESSAGE: Final[Table] = {
    "sender_id": NoPlace("A command of Traccar has no sender."),
    "recipient_id": ByCode(how="deviceId: the device that the driver is with when the message is sent."),
    "message_text": Text(
        to="attributes.message",
        min_length=1,
        max_length=MAX_MESSAGE_LENGTH,
        pattern=r"[\s\S]*\S[\s\S]*",
        pattern_meaning="a text that is not blank",
        may_be_cut=True,
        required="Traccar sends no message without a text.",
    ),
    "priority": NoPlace("Commands of Traccar have no priority."),
    "reply_to_message_id": NoPlace("Commands of Traccar do not refer to one another."),
}
