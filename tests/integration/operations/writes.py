"""One body for each kind of create, marked so that it is found again at the simulator."""

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from fleetwrite.contract.enums import ResourceEnum
from integration.operations.world import World

_NUMBERS = itertools.count(1)


def new_mark() -> str:
    """A word that no other write of this run contains."""
    return f"mark-{next(_NUMBERS)}"


@dataclass(frozen=True)
class Kind:
    """A kind of create.

    Attributes:
        name: for the test's id.
        path: where the connector posts it.
        collection: where the simulator keeps it, by its control API's name.
        fields: its body, with a mark in it.
        marked: the field of the simulator's record that holds the mark.
    """

    name: str
    resource: ResourceEnum
    path: str
    collection: str
    fields: Callable[[World, str], Mapping[str, Any]]
    marked: str

    def body(self, world: World, mark: str) -> dict[str, Any]:
        return dict(self.fields(world, mark))

    def source_id(self, operation_id: UUID, record: Mapping[str, Any]) -> str:
        """By which id an operation that made `record` tells of it."""
        return f"fleetwrite:{operation_id.hex}" if self.collection == "messages" else str(record["id"])

    def held(self, world: World, mark: str) -> list[dict[str, Any]]:
        """What the simulator holds of the write with this mark."""
        return [record for record in world.held(self.collection) if mark in str(record.get(self.marked)).split()]


def fuel(world: World, mark: str) -> dict[str, Any]:
    """A purchase; another mark makes another purchase."""
    return {
        "driver_id": world.drivers[0],
        "vehicle_id": world.vehicles[0],
        "fuel_volume": Decimal("101.50"),
        "fuel_volume_unit": "LITER",
        "fuel_vendor": mark,
        "transaction_time": "2026-05-04T10:00:00Z",
        "location_string": "Dallas, TX",
        # The number of the mark makes the amount, and with it the purchase, another one.
        "total_cost": Decimal(mark.rpartition("-")[2]) + Decimal("412.60"),
        "currency": "USD",
    }


TRAILER: Final = Kind(
    name="trailer",
    resource=ResourceEnum.TRAILER,
    path="/fleet/trailers",
    collection="trailers",
    fields=lambda _world, mark: {"trailer_name": mark, "notes": "reefer"},
    marked="name",
)
TRAILER_ASSET: Final = Kind(
    name="trailer with a year",
    resource=ResourceEnum.TRAILER,
    path="/assets",
    collection="trailers",
    fields=lambda _world, mark: {"trailer_name": mark, "model_year": 2021},
    marked="name",
)
VEHICLE: Final = Kind(
    name="vehicle",
    resource=ResourceEnum.VEHICLE,
    path="/assets",
    collection="vehicles",
    fields=lambda _world, mark: {"vehicle_name": mark, "model_year": 2021},
    marked="name",
)
DRIVER: Final = Kind(
    name="driver",
    resource=ResourceEnum.USER,
    path="/fleet/drivers",
    collection="drivers",
    fields=lambda _world, mark: {"is_driver": True, "username": mark, "first_name": "Jane", "last_name": "Doe"},
    marked="username",
)
OFFICE_USER: Final = Kind(
    name="office user",
    resource=ResourceEnum.USER,
    path="/users",
    collection="users",
    fields=lambda _world, mark: {"is_driver": False, "user_email": f"{mark}@acme.example", "first_name": mark},
    marked="name",
)
MESSAGE: Final = Kind(
    name="message",
    resource=ResourceEnum.MESSAGE,
    path="/v1/fleet/messages",
    collection="messages",
    fields=lambda world, mark: {
        "sender_id": world.office_users[0],
        "recipient_id": world.drivers[0],
        "message_text": f"Gate {mark}",
    },
    marked="text",
)
GROUP_MESSAGE: Final = Kind(
    name="group message",
    resource=ResourceEnum.GROUP_MESSAGE,
    path="/v1/fleet/messages",
    collection="messages",
    fields=lambda world, mark: {
        "sender_id": world.office_users[0],
        "recipient_ids": [world.drivers[1]],
        "message_text": f"Gate {mark}",
    },
    marked="text",
)
DVIR_LOG: Final = Kind(
    name="inspection",
    resource=ResourceEnum.DVIR_LOG,
    path="/fleet/dvirs",
    collection="dvirs",
    fields=lambda world, mark: {
        "driver_id": world.office_users[0],
        "vehicle_id": world.vehicles[0],
        "log_type": "mechanic",
        "driver_comment": mark,
    },
    marked="mechanicNotes",
)
FUEL: Final = Kind(
    name="fuel purchase",
    resource=ResourceEnum.FUEL_TRANSACTION,
    path="/fuel-purchase",
    collection="fuel-purchase",
    fields=fuel,
    marked="merchantName",
)

FINDABLE: Final = (TRAILER, TRAILER_ASSET, VEHICLE, DRIVER, MESSAGE, GROUP_MESSAGE, DVIR_LOG)
"""Kinds that can be looked up: by an id of ours that they carry to the provider, or by what they say and when."""

NOT_FINDABLE: Final = (FUEL,)
"""Kinds of which the provider gives nothing back."""

ALL: Final = (*FINDABLE, OFFICE_USER, *NOT_FINDABLE)
"""All of them. Office users are found too, but nothing shows who made one."""
