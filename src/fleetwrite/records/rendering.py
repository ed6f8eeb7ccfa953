"""Records in the contract's shapes."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import msgspec

from fleetwrite.connectors.sdk.tsp_ids import tsp_id
from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.contract.telematics_reads import TelematicsRead, TrailerRead, UserRead, VehicleRead
from fleetwrite.records.models import SharedRecord

ReadModel = VehicleRead | TrailerRead | UserRead

_MODELS: Final[Mapping[ResourceEnum, type[ReadModel]]] = MappingProxyType(
    {
        ResourceEnum.VEHICLE: VehicleRead,
        ResourceEnum.TRAILER: TrailerRead,
        ResourceEnum.USER: UserRead,
    }
)

READABLE: Final = frozenset(_MODELS)
"""The resources that can be read; the contract has lists of more, which nobody fills yet."""

# Among the fields all read models share, this one alone describes the thing and not our record of it.
_EXTRAS: Final = "extras"
_COMMON: Final = frozenset(TelematicsRead.__struct_fields__) - {_EXTRAS}
_OWN_FIELDS: Final[Mapping[type[ReadModel], Mapping[str, Any]]] = MappingProxyType(
    {
        model: {field.name: field.type for field in msgspec.structs.fields(model) if field.name not in _COMMON}
        for model in _MODELS.values()
    }
)


def to_read(shared: SharedRecord, *, include_source_data: bool) -> ReadModel:
    """The record as the contract's VehicleRead, TrailerRead or UserRead.

    An attribute that does not fit the contract's type is left null: providers hold things that no enum foresees.
    """
    record = shared.record
    model = _MODELS[record.resource]
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
        **_fitting(record.attributes, _OWN_FIELDS[model]),
    )


def _fitting(attributes: Mapping[str, Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    fitting: dict[str, Any] = {}
    for name, value in attributes.items():
        if value is None or name not in fields:
            continue
        try:
            fitting[name] = msgspec.convert(value, fields[name])
        except msgspec.ValidationError:
            continue
    return fitting
