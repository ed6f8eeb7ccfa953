"""Vehicles and trailers in Samsara's terms."""

from fleetwrite.connectors.samsara import endpoints
from fleetwrite.connectors.samsara.endpoints import Endpoint
from fleetwrite.connectors.samsara.mapping import (
    ASSET_VIN_LENGTH,
    OPERATION_KEY,
    PROVIDER,
    TRAILER,
    TRAILER_FIELDS_OF_ASSETS,
    VEHICLE,
    VEHICLE_FIELDS_OF_ASSETS,
)
from fleetwrite.connectors.sdk.mapping import Draft
from fleetwrite.connectors.sdk.write import Translation, Write
from fleetwrite.contract.errors import ErrorType


def translate_vehicle(write: Write) -> Translation:
    """A create goes to /assets, the only endpoint that makes vehicles; an update there only where it must."""
    draft = Draft(write, VEHICLE, provider=PROVIDER)
    draft.fill()
    if not draft.is_update:
        return _create(draft, endpoints.CREATE_ASSET, asset_type="vehicle")
    return _update(draft, endpoints.UPDATE_VEHICLE, needs_assets=_touches(draft, VEHICLE_FIELDS_OF_ASSETS))


def translate_trailer(write: Write) -> Translation:
    """Trailers have an endpoint of their own; VIN, make, model and year are kept by /assets alone."""
    draft = Draft(write, TRAILER, provider=PROVIDER)
    draft.fill()
    needs_assets = _touches(draft, TRAILER_FIELDS_OF_ASSETS)
    if draft.is_update:
        return _update(draft, endpoints.UPDATE_TRAILER, needs_assets=needs_assets)
    if needs_assets:
        return _create(draft, endpoints.CREATE_ASSET, asset_type="trailer")
    return _create(draft, endpoints.CREATE_TRAILER, asset_type=None)


def _touches(draft: Draft, fields: frozenset[str]) -> bool:
    return any(draft.given(field) is not None or draft.is_cleared(field) for field in fields)


def _create(draft: Draft, endpoint: Endpoint, *, asset_type: str | None) -> Translation:
    if asset_type is not None:
        draft.put("type", asset_type)
        _require_full_vin(draft)
    draft.put(f"externalIds.{OPERATION_KEY}", draft.write.operation_id.hex)
    losses = draft.settle()
    return Translation(call=endpoint.call(body=draft.body), losses=losses)


def _update(draft: Draft, own_endpoint: Endpoint, *, needs_assets: bool) -> Translation:
    if needs_assets:
        _require_full_vin(draft)
    draft.require_change()
    losses = draft.settle()
    source_id = draft.write.require_target().source_id
    if needs_assets:
        call = endpoints.UPDATE_ASSET.call(query=(("id", source_id),), body=draft.body)
    else:
        call = own_endpoint.call(source_id, body=draft.body)
    return Translation(call=call, losses=losses)


def _require_full_vin(draft: Draft) -> None:
    vin = draft.given("vin")
    if vin is not None and len(vin) != ASSET_VIN_LENGTH:
        draft.fault(
            "vin",
            ErrorType.RANGE,
            f"Samsara takes a VIN of {ASSET_VIN_LENGTH} characters here; this has {len(vin)}.",
        )
