"""The ten write endpoints as tests see them: where they are, and a body that each accepts."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fleetwrite.contract.enums import ResourceEnum, ResourceOperationTypeEnum
from fleetwrite.contract.telematics import WRITE_BODIES, WriteBody
from integration.api.world import Connected, World

CREATE = ResourceOperationTypeEnum.CREATE
UPDATE = ResourceOperationTypeEnum.UPDATE

PATHS = {
    ResourceEnum.VEHICLE: "/v2/telematics/vehicles",
    ResourceEnum.TRAILER: "/v2/telematics/trailers",
    ResourceEnum.USER: "/v2/telematics/users",
    ResourceEnum.MESSAGE: "/v2/telematics/messages",
    ResourceEnum.GROUP_MESSAGE: "/v2/telematics/group-messages",
    ResourceEnum.DVIR_LOG: "/v2/telematics/dvir-logs",
    ResourceEnum.FUEL_TRANSACTION: "/v2/telematics/fuel-transactions",
}

# Field of our ids -> the kind of record it wants, and one of another kind.
REFERENCES: Mapping[ResourceEnum, Mapping[str, tuple[str, str]]] = {
    ResourceEnum.MESSAGE: {"sender_id": ("office_user", "vehicle"), "recipient_id": ("driver", "trailer")},
    ResourceEnum.GROUP_MESSAGE: {"sender_id": ("office_user", "vehicle"), "recipient_ids": ("driver", "vehicle")},
    ResourceEnum.DVIR_LOG: {
        "driver_id": ("office_user", "vehicle"),
        "vehicle_id": ("vehicle", "driver"),
        "trailer_id": ("trailer", "vehicle"),
    },
    ResourceEnum.FUEL_TRANSACTION: {
        "driver_id": ("driver", "trailer"),
        "vehicle_id": ("vehicle", "trailer"),
        "co_driver_id": ("driver", "vehicle"),
    },
}


@dataclass(frozen=True)
class WriteEndpoint:
    """One of the ten."""

    resource: ResourceEnum
    operation_type: ResourceOperationTypeEnum

    @property
    def name(self) -> str:
        return f"{self.operation_type.value}_{self.resource.value}"

    @property
    def method(self) -> str:
        return "POST" if self.operation_type is CREATE else "PATCH"

    @property
    def body_type(self) -> type[WriteBody]:
        return WRITE_BODIES[self.resource, self.operation_type]

    @property
    def references(self) -> Mapping[str, tuple[str, str]]:
        return REFERENCES.get(self.resource, {})

    def path(self, record_id: object) -> str:
        return PATHS[self.resource] if self.operation_type is CREATE else f"{PATHS[self.resource]}/{record_id}"

    def target(self, connected: Connected) -> str:
        """The record that a PATCH changes."""
        kind = "driver" if self.resource is ResourceEnum.USER else self.resource.value
        return connected.records.get(kind, "")

    def body(self, world: World) -> dict[str, Any]:
        """A body that the endpoint accepts."""
        records = world.first.records
        own: dict[ResourceEnum, dict[str, Any]] = {
            ResourceEnum.VEHICLE: {"vehicle_name": "Truck 7", "model_year": 2021, "vin": "1FUJGLDR5CSBM1234"},
            ResourceEnum.TRAILER: {"trailer_name": "Trailer 7", "notes": "reefer"},
            ResourceEnum.USER: {
                "username": "j.doe",
                "first_name": "Jane",
                "last_name": "Doe",
                "is_driver": True,
                "phone_number": "+15555550123",
            },
            ResourceEnum.MESSAGE: {
                "sender_id": records["office_user"],
                "recipient_id": records["driver"],
                "message_text": "Gate 4",
            },
            ResourceEnum.GROUP_MESSAGE: {
                "sender_id": records["office_user"],
                "recipient_ids": [records["driver"]],
                "message_text": "Gate 4 is closed",
            },
            ResourceEnum.DVIR_LOG: {
                "driver_id": records["office_user"],
                "vehicle_id": records["vehicle"],
                "log_type": "mechanic",
                "driver_comment": "all fine",
            },
            ResourceEnum.FUEL_TRANSACTION: {
                "driver_id": records["driver"],
                "vehicle_id": records["vehicle"],
                "fuel_volume": 101.5,
                "fuel_volume_unit": "LITER",
                "transaction_time": "2026-05-04T10:00:00Z",
                "location_string": "Dallas, TX",
                "total_cost": "412.60",
                "currency": "USD",
            },
        }
        return {"connection_id": world.first.id, **own[self.resource]}


ENDPOINTS = [WriteEndpoint(*key) for key in WRITE_BODIES]
