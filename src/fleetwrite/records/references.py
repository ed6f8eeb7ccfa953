"""Which fields of records point to other records.

A record keeps the provider's ids of what it points to, as `source_driver_id`. Ours, `driver_id`, are looked up when it
is read: so they are right also where the other record came to be known later, or was given another id.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.kit.ids import derive_id

REFERENCES: Final[Mapping[ResourceEnum, Mapping[str, ResourceEnum]]] = MappingProxyType(
    {
        ResourceEnum.MESSAGE: {
            "sender_id": ResourceEnum.USER,
            "recipient_id": ResourceEnum.USER,
            "reply_to_message_id": ResourceEnum.MESSAGE,
        },
        ResourceEnum.GROUP_MESSAGE: {"sender_id": ResourceEnum.USER, "recipient_ids": ResourceEnum.USER},
        ResourceEnum.DVIR_LOG: {
            "driver_id": ResourceEnum.USER,
            "vehicle_id": ResourceEnum.VEHICLE,
            "trailer_id": ResourceEnum.TRAILER,
        },
        ResourceEnum.FUEL_TRANSACTION: {
            "driver_id": ResourceEnum.USER,
            "vehicle_id": ResourceEnum.VEHICLE,
            "co_driver_id": ResourceEnum.USER,
        },
    }
)
"""Resource -> field with our id -> the kind of record it points to. A field that ends in `_ids` holds a list."""

Source = tuple[UUID, ResourceEnum, str]
"""What a provider's id is unique in, and the id: connection, resource, source_id."""


def source_field(field: str) -> str:
    """Where the provider's id stands of what `field` points to by ours."""
    return f"source_{field}"


def sources_in(connection_id: UUID, resource: ResourceEnum, attributes: Mapping[str, Any]) -> set[Source]:
    """All that a record points to."""
    found: set[Source] = set()
    for field, kind in REFERENCES.get(resource, {}).items():
        value = attributes.get(source_field(field))
        found.update((connection_id, kind, one) for one in _texts(value))
    return found


def with_our_ids(
    connection_id: UUID, resource: ResourceEnum, attributes: Mapping[str, Any], ids: Mapping[Source, UUID]
) -> dict[str, Any]:
    """`attributes`, and beside the provider's ids ours. What is not known by us has none: a list is as much shorter."""
    fields = REFERENCES.get(resource, {})
    ours = {name: value for name, value in attributes.items() if name not in fields}
    for field, kind in fields.items():
        value = attributes.get(source_field(field))
        found = [ids[source] for one in _texts(value) if (source := (connection_id, kind, one)) in ids]
        if isinstance(value, list):
            ours[field] = found
        elif found:
            ours[field] = found[0]
    return ours


def with_derived_ids(connection_id: UUID, resource: ResourceEnum, attributes: Mapping[str, Any]) -> Mapping[str, Any]:
    """`attributes` with our ids of what is no record: the conversation and the group of a message."""
    if resource not in {ResourceEnum.MESSAGE, ResourceEnum.GROUP_MESSAGE}:
        return attributes
    derived = {
        f"{kind}_id": derive_id(connection_id, kind, source_id)
        for kind in ("thread", "group")
        if isinstance(source_id := attributes.get(f"source_{kind}_id"), str)
    }
    return {**attributes, **derived}


def _texts(value: Any) -> list[str]:
    return [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, str)]
