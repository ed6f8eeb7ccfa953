"""Records in the contract's shapes."""

import hashlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

import msgspec

from fleetwrite.connectors.sdk.tsp_ids import tsp_id
from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.contract.telematics_reads import (
    DvirLogRead,
    FuelTransactionRead,
    GroupMessageRead,
    MessageRead,
    TelematicsRead,
    TrailerRead,
    UserRead,
    VehicleRead,
)
from fleetwrite.records.models import Record, SharedRecord
from fleetwrite.records.references import Source, with_our_ids

ReadModel = VehicleRead | TrailerRead | UserRead | MessageRead | GroupMessageRead | DvirLogRead | FuelTransactionRead

READ_MODELS: Final[Mapping[ResourceEnum, type[ReadModel]]] = MappingProxyType(
    {
        ResourceEnum.VEHICLE: VehicleRead,
        ResourceEnum.TRAILER: TrailerRead,
        ResourceEnum.USER: UserRead,
        ResourceEnum.MESSAGE: MessageRead,
        ResourceEnum.GROUP_MESSAGE: GroupMessageRead,
        ResourceEnum.DVIR_LOG: DvirLogRead,
        ResourceEnum.FUEL_TRANSACTION: FuelTransactionRead,
    }
)
"""The resources that can be written, and how each is read."""

COMPUTED: Final = frozenset({"message_hash", "odometer_km"})
"""Fields that follow from others."""

# Among the fields all read models share, this one alone describes the thing and not our record of it.
_EXTRAS: Final = "extras"
_COMMON: Final = frozenset(TelematicsRead.__struct_fields__) - {_EXTRAS}

OWN_FIELDS: Final[Mapping[type[ReadModel], Mapping[str, Any]]] = MappingProxyType(
    {
        model: {field.name: field.type for field in msgspec.structs.fields(model) if field.name not in _COMMON}
        for model in READ_MODELS.values()
    }
)
"""What describes the thing, and the type of each field."""


def to_read(shared: SharedRecord, ids: Mapping[Source, UUID], *, include_source_data: bool) -> ReadModel:
    """The record as the contract's read model of its resource.

    An attribute that does not fit the contract's type is left null: providers hold things that no enum foresees.

    Args:
        shared: the record.
        ids: our ids of what it points to.
        include_source_data: whether the provider's own JSON is shown.
    """
    record = shared.record
    model = READ_MODELS[record.resource]
    attributes = with_our_ids(record.connection_id, record.resource, record.attributes, ids)
    fitting = _fitting(attributes, OWN_FIELDS[model])
    return model(
        fleet_id=shared.fleet_id,
        fleet_ref=shared.fleet_ref,
        id=record.id,
        created_at=record.created_at,
        updated_at=record.updated_at,
        deleted_at=record.deleted_at,
        connection_id=record.connection_id,
        tsp_id=tsp_id(shared.tsp_slug),
        tsp_slug=shared.tsp_slug,
        source_name=shared.source_name,
        source_data=dict(record.source_data) if include_source_data else msgspec.UNSET,
        source_id=record.source_id,
        source_data_hash=record.source_data_hash,
        occurred_at=record.occurred_at,
        **_computed(record, fitting),
        **fitting,
    )


def _fitting(attributes: Mapping[str, Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    fitting: dict[str, Any] = {}
    for name, value in attributes.items():
        if value is None or name not in fields or name in COMPUTED:
            continue
        try:
            fitting[name] = msgspec.convert(value, fields[name])
        except msgspec.ValidationError:
            continue
    return fitting


def _computed(record: Record, fitting: Mapping[str, Any]) -> dict[str, Any]:
    match record.resource:
        case ResourceEnum.MESSAGE | ResourceEnum.GROUP_MESSAGE if "message_text" in fitting:
            parts = (fitting.get("source_sender_id"), fitting["message_text"], record.occurred_at)
            return {"message_hash": hashlib.sha256(msgspec.json.encode(parts)).hexdigest()}
        case ResourceEnum.DVIR_LOG if "odometer" in fitting:
            return {"odometer_km": fitting["odometer"].scaleb(-3)}
        case _:
            return {}
