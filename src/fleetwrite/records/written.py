"""What a write tells of its record, in the terms of reads.

A body names its units, and where and when it happened, by fields of its own. A read has metres and cubic metres, a
point on the map, and one time for all resources. What a body says that no read shows is kept by its name.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from fleetwrite.connectors.sdk.units import convert, to_metres, to_text
from fleetwrite.contract.enums import FuelVolumeUnitEnum, MessageStatusEnum, ResourceEnum
from fleetwrite.records.references import REFERENCES, source_field

_TIMES: Final[Mapping[ResourceEnum, str]] = {
    ResourceEnum.DVIR_LOG: "occurred_at",
    ResourceEnum.FUEL_TRANSACTION: "transaction_time",
}


def our_ids(resource: ResourceEnum, fields: Mapping[str, Any]) -> set[UUID]:
    """Our ids of what the body points to."""
    found: set[UUID] = set()
    for field in REFERENCES.get(resource, {}):
        found.update(_ids(fields.get(field)))
    return found


def told_time(resource: ResourceEnum, fields: Mapping[str, Any]) -> datetime | None:
    """When it happened; None where the body does not say."""
    field = _TIMES.get(resource)
    return None if field is None else fields.get(field)


def told_attributes(
    resource: ResourceEnum, fields: Mapping[str, Any], source_ids: Mapping[UUID, str]
) -> Mapping[str, Any]:
    """The attributes that follow from a body's fields.

    Args:
        resource: what was written.
        fields: the body's, as far as the provider holds them.
        source_ids: the provider's ids, by ours.
    """
    told = {name: value for name, value in fields.items() if name != _TIMES.get(resource)}
    for field in REFERENCES.get(resource, {}):
        if field in told:
            value = told.pop(field)
            sources = [source_ids[one] for one in _ids(value) if one in source_ids]
            if sources:
                told[source_field(field)] = sources if isinstance(value, list) else sources[0]
    if resource in {ResourceEnum.MESSAGE, ResourceEnum.GROUP_MESSAGE}:
        # The provider took it. What became of it then, only the provider can tell.
        return {"status": MessageStatusEnum.SENT, **told}
    if resource is ResourceEnum.DVIR_LOG:
        return _with_metres(told)
    if resource is ResourceEnum.FUEL_TRANSACTION:
        return _as_fuel_transaction(told)
    return told


def _with_metres(told: dict[str, Any]) -> dict[str, Any]:
    odometer, unit = told.pop("odometer", None), told.pop("odometer_unit", None)
    # Without its unit nobody knows what a number says.
    if odometer is not None and unit is not None:
        told["odometer"] = to_metres(odometer, unit)
    return told


def _as_fuel_transaction(told: dict[str, Any]) -> dict[str, Any]:
    told = _with_metres(told)
    volume, unit = told.pop("fuel_volume", None), told.pop("fuel_volume_unit", None)
    if volume is not None and unit is not None:
        told["fuel_volume"] = convert(volume, unit, FuelVolumeUnitEnum.CUBIC_METER)
    latitude, longitude = told.pop("latitude", None), told.pop("longitude", None)
    if latitude is not None and longitude is not None:
        told["location"] = {"type": "Point", "coordinates": [longitude, latitude]}
    cost = told.get("total_cost")
    if isinstance(cost, Decimal):
        told["total_cost"] = to_text(cost)
    return told


def _ids(value: Any) -> list[UUID]:
    return [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, UUID)]
