"""Vehicles and assets.

Pages: "Create a vehicle", "Update an existing vehicle", "List all the company vehicles", "Lookup a vehicle by its
number", "Create a new asset", "Update an existing asset", "Lookup an asset using an external ID" of the API reference.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from fleetwrite.connectors.motive.simulator.collection import Collection
from fleetwrite.connectors.sdk.simulator import Query, Record, RefusalError

NonEmpty = Annotated[str, Meta(min_length=1)]
Clearable = str | UnsetType | None

FuelType = Literal[
    "diesel", "gasoline", "propane", "lng", "cng", "ethanol", "methanol", "e85", "m85", "a55", "biodiesel", "other"
]
AssetType = Literal["flatbed", "low_boy", "reefer", "auto_hauler", "custom"]
State = Literal["active", "deactivated"]


class Body(msgspec.Struct, forbid_unknown_fields=True):
    """A body: a field that is not listed is refused."""


class ExternalId(Body, kw_only=True):
    """One of ``external_ids_attributes``."""

    external_id: NonEmpty
    integration_name: NonEmpty
    id: int | UnsetType = UNSET


class Availability(Body, kw_only=True):
    """``availability_details``."""

    availability_status: Literal["in_service", "out_of_service"]
    out_of_service_reason: Clearable = UNSET
    additional_note: Clearable = UNSET


class VehicleBody(Body, kw_only=True):
    """What a vehicle can be given."""

    number: NonEmpty | UnsetType = UNSET
    vin: Clearable = UNSET
    make: Clearable = UNSET
    model: Clearable = UNSET
    year: Clearable = UNSET
    license_plate_state: Clearable = UNSET
    license_plate_number: Clearable = UNSET
    fuel_type: FuelType | UnsetType = UNSET
    ifta: bool | UnsetType = UNSET
    metric_units: bool | UnsetType = UNSET
    prevent_auto_odometer_entry: bool | UnsetType = UNSET
    notes: Clearable = UNSET
    external_ids_attributes: list[ExternalId] | UnsetType = UNSET


class VehicleCreate(VehicleBody, kw_only=True):
    """Without a number there is none."""

    number: NonEmpty


class VehicleUpdate(VehicleBody, kw_only=True):
    """State and availability are for updates only."""

    status: State | UnsetType = UNSET
    availability_details: Availability | UnsetType = UNSET


class AssetBody(Body, kw_only=True):
    """What an asset can be given."""

    name: NonEmpty | UnsetType = UNSET
    type: AssetType | UnsetType = UNSET
    custom_type: Clearable = UNSET
    make: NonEmpty | UnsetType = UNSET
    model: NonEmpty | UnsetType = UNSET
    year: NonEmpty | UnsetType = UNSET
    vin: Clearable = UNSET
    license_plate_state: Clearable = UNSET
    license_plate_number: Clearable = UNSET
    axle: int | UnsetType | None = UNSET
    length: float | UnsetType | None = UNSET
    length_metric_units: bool | UnsetType = UNSET
    leased: bool | UnsetType = UNSET
    notes: Clearable = UNSET
    external_ids_attributes: list[ExternalId] | UnsetType = UNSET


class AssetCreate(AssetBody, kw_only=True):
    """Five fields are required."""

    name: NonEmpty
    type: AssetType
    make: NonEmpty
    model: NonEmpty
    year: NonEmpty


class AssetUpdate(AssetBody, kw_only=True):
    """State and availability are for updates only."""

    status: State | UnsetType = UNSET
    availability_details: Availability | UnsetType = UNSET


_IN_SERVICE: dict[str, Any] = {"availability_details": {"availability_status": "in_service"}}


class Vehicles(Collection):
    """``/v1/vehicles``."""

    name, plural, first_id = "vehicle", "vehicles", 1090401
    create_body, update_body = VehicleCreate, VehicleUpdate
    unique = lookups = ("number",)
    defaults: ClassVar = {
        "ifta": False,
        "metric_units": False,
        "eld_device": None,
        "current_driver": None,
        **_IN_SERVICE,
    }

    def select(self, query: Query) -> Callable[[Record], bool] | None:
        """Return which vehicles were changed after ``updated_after``."""
        text = query.get("updated_after")
        if text is None:
            return None
        try:
            since = datetime.fromisoformat(text)
        except ValueError:
            raise RefusalError(400, "updated_after must be a time in UTC.") from None
        return lambda record: datetime.fromisoformat(record["updated_at"]) > since


class Assets(Collection):
    """``/v1/assets``."""

    name, plural, first_id = "asset", "assets", 240101
    create_body, update_body = AssetCreate, AssetUpdate
    unique = ()
    defaults: ClassVar = {"custom_type": None, "leased": False, "length_metric_units": False, **_IN_SERVICE}

    def check(self, record: Record) -> None:
        """Refuse a custom type without its name, and a name without that type."""
        if (record["type"] == "custom") != bool(record["custom_type"]):
            raise RefusalError(400, "custom_type goes with the type custom only.")

    def select(self, query: Query) -> Callable[[Record], bool]:
        """Return which assets have the name and the state that are asked for."""
        return by_state_and_name(query, "name")


def by_state_and_name(query: Query, *fields: str) -> Callable[[Record], bool]:
    """Select the active records, unless others are asked for, whose fields together contain the name asked for."""
    status, name = query.get("status") or "active", (query.get("name") or "").casefold()
    if status not in ("active", "deactivated"):
        raise RefusalError(400, "status must be active or deactivated.")
    return lambda record: (
        record["status"] == status and name in " ".join(str(record[field]) for field in fields).casefold()
    )
