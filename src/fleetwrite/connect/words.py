"""Levels of sharing in the words of those who grant them."""

from collections.abc import Mapping
from typing import Final

import msgspec

from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.contract.org_enums import ShareLevelEnum

_NAMES: Final[Mapping[ResourceEnum, str]] = {
    ResourceEnum.ASSET: "equipment",
    ResourceEnum.DRIVER_ASSOCIATION: "which drivers belong together",
    ResourceEnum.DRIVER_VEHICLE_ASSOCIATION: "who drives which vehicle",
    ResourceEnum.DRIVER_EVENT_LOG: "drivers' log events",
    ResourceEnum.DRIVER_SAFETY_EVENT: "safety events",
    ResourceEnum.DVIR_LOG: "vehicle inspections",
    ResourceEnum.DVIR_LOG_DEFECT: "defects found in inspections",
    ResourceEnum.ENGINE_LOG: "engine readings",
    ResourceEnum.ENGINE_STATUS: "engine status",
    ResourceEnum.FUEL_TRANSACTION: "fuel purchases",
    ResourceEnum.HOS_AVAILABILITY: "remaining driving hours",
    ResourceEnum.HOS_DAILY_SNAPSHOT: "daily hours of service",
    ResourceEnum.HOS_EVENT: "hours-of-service events",
    ResourceEnum.HOS_EVENT_ANNOTATION: "notes on hours of service",
    ResourceEnum.HOS_EVENT_ATTACHMENT: "documents on hours of service",
    ResourceEnum.HOS_VIOLATION: "hours-of-service violations",
    ResourceEnum.IFTA_SUMMARY: "fuel tax (IFTA) mileage",
    ResourceEnum.LOCATION_SEGMENT: "trips",
    ResourceEnum.MESSAGE: "messages with drivers",
    ResourceEnum.GROUP_MESSAGE: "messages to groups of drivers",
    ResourceEnum.USER: "drivers and office users",
    ResourceEnum.VEHICLE: "vehicles",
    ResourceEnum.VEHICLE_LOCATION: "vehicle locations",
    ResourceEnum.VEHICLE_SENSOR: "vehicle sensors",
    ResourceEnum.VEHICLE_REGION_SEGMENT: "distances by state or province",
    ResourceEnum.TRAILER: "trailers",
    ResourceEnum.TRAILER_ASSOCIATION: "which trailers belong together",
    ResourceEnum.TRAILER_VEHICLE_ASSOCIATION: "which vehicle pulls which trailer",
    ResourceEnum.TRAILER_LOCATION: "trailer locations",
    ResourceEnum.TRAILER_STATUS: "trailer status",
    ResourceEnum.WORKFLOW: "drivers' tasks",
}

_DEEDS: Final[Mapping[ResourceEnum, str]] = {
    ResourceEnum.VEHICLE: "Add vehicles and change their details",
    ResourceEnum.TRAILER: "Add trailers and change their details",
    ResourceEnum.USER: "Add drivers and office users and change their details",
    ResourceEnum.MESSAGE: "Send messages to your drivers",
    ResourceEnum.DVIR_LOG: "File vehicle inspections",
    ResourceEnum.FUEL_TRANSACTION: "Record fuel purchases",
}
"""What a partner can do by this gateway where it may write. Of all else it can write nothing, whatever its level."""

_SINGULAR: Final[Mapping[str, str]] = {
    ResourceEnum.VEHICLE: "a vehicle",
    ResourceEnum.TRAILER: "a trailer",
    ResourceEnum.USER: "a driver or office user",
    ResourceEnum.MESSAGE: "a message",
    ResourceEnum.GROUP_MESSAGE: "a message to several drivers",
    ResourceEnum.DVIR_LOG: "an inspection",
    ResourceEnum.FUEL_TRANSACTION: "a fuel purchase",
}

_STATUSES: Final = {"pending": "Waiting", "success": "Done", "failed": "Failed"}


class Sharing(msgspec.Struct, frozen=True, kw_only=True):
    """What a partner may do, in whole phrases, and what it may see, in one sentence (empty: nothing)."""

    deeds: tuple[str, ...]
    seen: str


def sharing(levels: Mapping[ResourceEnum, ShareLevelEnum]) -> Sharing:
    """Levels of sharing in words. What may be written may be seen as well."""
    return Sharing(
        deeds=tuple(deed for resource, deed in _DEEDS.items() if levels.get(resource) is ShareLevelEnum.READ_WRITE),
        seen=_sentence(", ".join(name for resource, name in _NAMES.items() if resource in levels)),
    )


def _sentence(words: str) -> str:
    return f"{words[0].upper()}{words[1:]}." if words else ""


def deed(resource: str, operation_type: str) -> str:
    """What one operation did."""
    thing = _SINGULAR.get(resource, resource.replace("_", " "))
    if resource in {ResourceEnum.MESSAGE, ResourceEnum.GROUP_MESSAGE}:
        return f"Send {thing}"
    return f"{'Add' if operation_type == 'create' else 'Change'} {thing}"


def state(status: str) -> str:
    """How an operation stands."""
    return _STATUSES[status]
