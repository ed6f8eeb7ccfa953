"""Our fields and Zonar's: one table for each body. Data only.

QUIRKS.md says which facts are documented and which assumed.
"""

from typing import Final

from fleetwrite.connectors.sdk.mapping import ByCode, Coded, NoPlace, Rule, Table, Text
from fleetwrite.contract.enums import UserStatusEnum

PROVIDER: Final = "Zonar"

_UNSPACED: Final = r"\S(.*\S)?"
_UNSPACED_MEANING: Final = "a text that is not blank, without blanks around it"


def _text(to: str, max_length: int | None) -> Text:
    """A text that an edit empties by leaving it out."""
    return Text(
        to=to,
        min_length=1,
        max_length=max_length,
        pattern=_UNSPACED,
        pattern_meaning=_UNSPACED_MEANING,
        emptied_by="",
    )


def _demanded(to: str, max_length: int, why: str) -> Text:
    """A text that no add and no edit may leave out, so that it can not be emptied."""
    return Text(
        to=to,
        min_length=1,
        max_length=max_length,
        pattern=_UNSPACED,
        pattern_meaning=_UNSPACED_MEANING,
        required=why,
    )


_NO_MODEL = NoPlace("Zonar keeps the manufacturer of an asset, neither its model nor its year.")
_NO_PLATE_ORIGIN = NoPlace("Zonar keeps the plate's number only, not where it was issued.")
_DEVICE = NoPlace("Zonar's devices are assigned to assets in its own administration.")
_NO_DISPLAY_UNITS = NoPlace("Zonar shows units by the user who looks, not by the asset.")
_NO_ENGINE = NoPlace("Zonar reads the engine by its device, and takes nothing about it.")
_NO_NOTES = NoPlace("Zonar keeps no notes.")

_ASSET: Final[dict[str, Rule]] = {
    "oem": _text("mfg", None),
    "model_type": _NO_MODEL,
    "model_year": _NO_MODEL,
    "vin": _text("vin", 40),
    "license_plate_region": _NO_PLATE_ORIGIN,
    "license_plate_country": _NO_PLATE_ORIGIN,
    "license_plate_number": _text("name", 20),
    "is_active": Coded(to="status", codes={True: "1", False: "2"}),
    "status": NoPlace("Zonar keeps no state of service beside active and inactive: send is_active."),
    "notes": _NO_NOTES,
    "eld_id": _DEVICE,
    "eld_serial_number": _DEVICE,
    "eld_device_type": _DEVICE,
    "eld_product_id": _DEVICE,
    "total_axles": NoPlace("Zonar keeps no number of axles."),
    "external_id": _text("exsid", 40),
}
"""What vehicles and trailers share."""

_FLEET_NUMBER = _demanded(
    "fleet", 20, "Zonar takes no asset without a fleet number, which this becomes; it has to be unique."
)

VEHICLE: Final[Table] = {
    "vehicle_name": _FLEET_NUMBER,
    **_ASSET,
    "engine_vin": _NO_ENGINE,
    "speed_unit": _NO_DISPLAY_UNITS,
    "odometer_unit": _NO_DISPLAY_UNITS,
    "fuel_unit": _NO_DISPLAY_UNITS,
    "fuel_capacity": _NO_ENGINE,
    "engine_type": _NO_ENGINE,
}

TRAILER: Final[Table] = {
    "trailer_name": _FLEET_NUMBER,
    **_ASSET,
    "trailer_length": NoPlace("Zonar keeps no length of a trailer."),
    "trailer_type": NoPlace("Zonar's subtypes of assets are labels that an account defines first."),
}

_NO_CONTACT = NoPlace("Zonar keeps no address of an operator.")
_NO_HOURS = NoPlace("Zonar keeps rules for hours of service, and takes none by this interface.")
_NO_LICENSE_ORIGIN = NoPlace("Zonar takes the number of a licence by this interface, and nothing else of it.")


_NO_NAME: Final = "Zonar takes no operator without both names."

OPERATOR: Final[Table] = {
    "username": NoPlace("Operators log in to a tablet by a number and a PIN, without a user name."),
    "is_active": Coded(to="status", codes={True: "1", False: "2"}),
    "status": Coded(to="status", codes={UserStatusEnum.ACTIVE: "1", UserStatusEnum.INACTIVE: "2"}),
    "is_driver": ByCode(how="Only drivers are offered; without it a driver is meant.", is_fixed=True),
    "user_designation": NoPlace("Zonar keeps no title of an operator."),
    "user_email": _NO_CONTACT,
    "first_name": _demanded("fname", 32, _NO_NAME),
    "last_name": _demanded("lname", 32, _NO_NAME),
    "phone_number": _NO_CONTACT,
    "country_code": _NO_CONTACT,
    "license_country": _NO_LICENSE_ORIGIN,
    "license_region": _NO_LICENSE_ORIGIN,
    "license_number": _text("cdl", 20),
    "license_expiration": _NO_LICENSE_ORIGIN,
    "employee_number": _text("empnum", 20),
    "carrier_number": NoPlace("Zonar keeps no carrier number of an operator."),
    "notes": _NO_NOTES,
    "hos_ruleset_code": _NO_HOURS,
    "allow_yard_move": _NO_HOURS,
    "allow_personal_conveyance": _NO_HOURS,
    "allow_adverse_driving": _NO_HOURS,
    "default_time_zone": NoPlace("Zonar keeps time zones of locations, not of operators."),
    "hos_compliance_type": _NO_HOURS,
    "hos_tracking_method": _NO_HOURS,
}

MESSAGE: Final[Table] = {
    "sender_id": NoPlace("Zonar sends every message in the name of the account's dispatch."),
    "recipient_id": ByCode(
        how="target: the operator's id; Zonar brings it to the tablet where the driver is logged in."
    ),
    "message_text": Text(
        to="data",
        min_length=1,
        pattern=r"[\s\S]*\S[\s\S]*",
        pattern_meaning="a text that is not blank",
        required="Zonar sends no message without a text.",
    ),
    "priority": NoPlace("Messages of Zonar have no priority."),
    "reply_to_message_id": NoPlace("Messages of Zonar do not refer to one another."),
}
