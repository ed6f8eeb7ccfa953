"""Users of all roles.

Pages: "Overview of /users", "Create a new user", "Update an existing user", "Search for a specific user", "Use external
ID to search for a user" of the API reference.
"""

from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Literal

from msgspec import UNSET, Meta, UnsetType

from fleetwrite.connectors.motive.simulator.collection import Collection
from fleetwrite.connectors.motive.simulator.fleet import Body, Clearable, ExternalId, NonEmpty, State, by_state_and_name
from fleetwrite.connectors.sdk.simulator import Query, Record, RefusalError

TIME_ZONES = (
    *("Atlantic Time (Canada)", "Eastern Time (US & Canada)", "Indiana (East)", "Central Time (US & Canada)"),
    *("Saskatchewan", "Mountain Time (US & Canada)", "Arizona", "Pacific Time (US & Canada)", "Alaska"),
)
CYCLES = (
    *("70_8", "60_7", "70_8_o", "60_7_o", "70_8_p", "60_7_p", "80_8", "80_8_o", "80_8_p"),
    *("tx_70_7", "ak_70_7", "ak_80_8", "ak_70_7_o", "ak_80_8_o", "ak_70_7_p"),
)

DRIVERS_ONLY: dict[str, Any] = {
    "driver_company_id": None,
    "drivers_license_number": None,
    "drivers_license_state": None,
    "cycle": "70_8",
    "eld_mode": "logs",
    "time_tracking_mode": "logs",
    "yard_moves_enabled": False,
    "personal_conveyance_enabled": False,
    "minute_logs": False,
}
"""What only drivers have, and what they have of it when nothing is said."""

MATCHING_MODES = {"logs": ("logs", "none"), "timecards": ("exempt",), "not_required": ("exempt",)}
"""How time is tracked -> the modes of the gateway that go with it."""


class UserBody(Body, kw_only=True):
    """What a user can be given."""

    first_name: NonEmpty | UnsetType = UNSET
    last_name: NonEmpty | UnsetType = UNSET
    email: Annotated[str, Meta(pattern=r"^[^@\s]+@[^@\s]+$")] | UnsetType = UNSET
    username: NonEmpty | UnsetType = UNSET
    password: NonEmpty | UnsetType = UNSET
    phone: Clearable = UNSET
    phone_ext: Clearable = UNSET
    time_zone: str | UnsetType = UNSET
    metric_units: bool | UnsetType = UNSET
    driver_company_id: Clearable = UNSET
    drivers_license_number: Clearable = UNSET
    drivers_license_state: Clearable = UNSET
    cycle: str | UnsetType = UNSET
    eld_mode: Literal["logs", "none", "exempt"] | UnsetType = UNSET
    time_tracking_mode: Literal["logs", "timecards", "not_required"] | UnsetType = UNSET
    yard_moves_enabled: bool | UnsetType = UNSET
    personal_conveyance_enabled: bool | UnsetType = UNSET
    minute_logs: bool | UnsetType = UNSET
    external_ids_attributes: list[ExternalId] | UnsetType = UNSET


class UserCreate(UserBody, kw_only=True):
    """What a user is not made without."""

    first_name: NonEmpty
    last_name: NonEmpty
    password: NonEmpty
    role: Literal["driver", "fleet_user", "admin"]


class UserUpdate(UserBody, kw_only=True):
    """The role stays; the state is for updates only."""

    status: State | UnsetType = UNSET


class Users(Collection):
    """``/v1/users``."""

    name, plural, first_id = "user", "users", 550101
    create_body, update_body = UserCreate, UserUpdate
    unique = ("email", "username", "driver_company_id")
    lookups = (*unique, "phone")
    defaults: ClassVar = {"email": None, "username": None, "phone": None, "time_zone": "Pacific Time (US & Canada)"}

    def check(self, record: Record) -> None:
        """Refuse a user without a login, modes that do not match, and drivers' fields of others."""
        if not (record["email"] or record["username"]):
            raise RefusalError(400, "Email or username is required.")
        if record["time_zone"] not in TIME_ZONES or record.get("cycle", CYCLES[0]) not in CYCLES:
            raise RefusalError(400, "There is no such time zone or cycle.")
        if record["role"] != "driver":
            foreign = [name for name in DRIVERS_ONLY if name in record]
            if foreign:
                raise RefusalError(400, f"Only drivers have {', '.join(foreign)}.")
            return
        modes = {**DRIVERS_ONLY, **record}
        if modes["eld_mode"] not in MATCHING_MODES[modes["time_tracking_mode"]]:
            raise RefusalError(400, "time_tracking_mode and eld_mode do not match.")

    def show(self, record: Record) -> Record:
        """Return a user; with others than drivers, what only drivers have is absent."""
        return {**(DRIVERS_ONLY if record["role"] == "driver" else {}), **record}

    def select(self, query: Query) -> Callable[[Record], bool]:
        """Return which users have the role, the name and the state that are asked for."""
        role = query.get("role")
        others = by_state_and_name(query, "first_name", "last_name")
        return lambda record: role in (None, record["role"]) and others(record)
