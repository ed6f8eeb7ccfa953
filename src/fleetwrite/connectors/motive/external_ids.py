"""Ids of others that Motive keeps with a record: ours, by which a lost answer is looked up, and the partner's."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from fleetwrite.contract.enums import ResourceEnum

Item = Mapping[str, Any]
"""One object of Motive's JSON."""

WRITTEN: Final = "external_ids_attributes"
READ: Final = "external_ids"
"""Where external ids stand in what is sent, and in what is read."""

OPERATION: Final = "fleetwrite_operation"
"""The integration name under which every create carries its operation's id."""

# One name for each class: Motive wants an id unique for its name, and does not say that classes are told apart.
PARTNER: Final[Mapping[ResourceEnum, str]] = {
    ResourceEnum.VEHICLE: "partner_vehicle",
    ResourceEnum.TRAILER: "partner_trailer",
}
"""The integration name of the partner's own id."""


def external_id(integration_name: str, value: str) -> dict[str, Any]:
    """An external id as Motive takes it."""
    return {"external_id": value, "integration_name": integration_name}


def mark(operation_id: UUID) -> dict[str, Any]:
    """The external id of a create."""
    return external_id(OPERATION, operation_id.hex)


def find(item: Item, integration_name: str) -> Item | None:
    """Motive's record of an external id; None where `item` has none of this name."""
    return next((one for one in item.get(READ) or () if one.get("integration_name") == integration_name), None)


def carries(item: Item, wanted: Item) -> bool:
    """Whether `item` has this external id."""
    held = item.get(READ) or ()
    return any(all(one.get(key) == wanted[key] for key in ("external_id", "integration_name")) for one in held)


def with_record_ids(body: Item, item: Item) -> dict[str, Any]:
    """The body of an update that replaces the external ids `item` has by these names, instead of adding more."""
    attributes = []
    for wanted in body[WRITTEN]:
        known = find(item, wanted["integration_name"])
        attributes.append(wanted if known is None else {"id": known["id"], **wanted})
    return {**body, WRITTEN: attributes}
