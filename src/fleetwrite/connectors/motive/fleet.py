"""Vehicles and trailers in Motive's terms; it calls trailers assets."""

import re

from fleetwrite.connectors.motive import external_ids
from fleetwrite.connectors.motive.endpoints import KINDS
from fleetwrite.connectors.motive.mapping import ASSET_TYPES, AVAILABILITY, CUSTOM_TYPE, PROVIDER, TRAILER, VEHICLE
from fleetwrite.connectors.sdk.mapping import Draft, Table
from fleetwrite.connectors.sdk.write import Translation, Write
from fleetwrite.contract.errors import ErrorType

FIRST_YEAR, LAST_YEAR = 1900, 2100
"""Motive takes any text as a year; what lies outside is a slip."""

_BORN_IN_SERVICE = "Motive creates what is new active and in service. Create it so, then update it."


def translate_vehicle(write: Write) -> Translation:
    """A vehicle, created or updated."""
    return _translate(write, VEHICLE)


def translate_trailer(write: Write) -> Translation:
    """A trailer, created or updated."""
    return _translate(write, TRAILER)


def _translate(write: Write, table: Table) -> Translation:
    draft = Draft(write, table, provider=PROVIDER)
    draft.fill()
    _put_year(draft)
    _put_state(draft)
    if table is TRAILER:
        _put_type(draft)
    _put_external_ids(draft)
    kind = KINDS[write.resource]
    if draft.is_update:
        draft.require_change()
        losses = draft.settle()
        return Translation(call=kind.update.call(write.require_target().source_id, body=draft.body), losses=losses)
    losses = draft.settle()
    return Translation(call=kind.create.call(body=draft.body), losses=losses)


def _put_year(draft: Draft) -> None:
    year: int | None = draft.given("model_year")
    if year is None:
        if draft.is_cleared("model_year"):
            draft.put("year", None)
    elif FIRST_YEAR <= year <= LAST_YEAR:
        draft.put("year", str(year))
    else:
        draft.fault("model_year", ErrorType.RANGE, f"Must be from {FIRST_YEAR} to {LAST_YEAR}.")


def _put_state(draft: Draft) -> None:
    is_active: bool | None = draft.given("is_active")
    if is_active is not None:
        if draft.is_update:
            draft.put("status", "active" if is_active else "deactivated")
        elif not is_active:
            draft.lose("is_active", _BORN_IN_SERVICE, essential=True)
    status: str | None = draft.given("status")
    if status is None:
        return
    availability = AVAILABILITY.get(status)
    if availability is None:
        draft.lose("status", f"Motive knows no states of service but {' and '.join(AVAILABILITY)}.")
    elif draft.is_update:
        draft.put("availability_details.availability_status", availability)
    elif availability != AVAILABILITY["IN_SERVICE"]:
        draft.lose("status", _BORN_IN_SERVICE, essential=True)


def _put_type(draft: Draft) -> None:
    trailer_type: str | None = draft.given("trailer_type")
    if trailer_type is None:
        return
    if not trailer_type.strip():
        draft.fault("trailer_type", ErrorType.RANGE, "Motive takes no blank type.")
        return
    name = re.sub(r"[\s-]+", "_", trailer_type.strip().lower())
    if name in ASSET_TYPES:
        draft.put("type", name)
    else:
        draft.put("type", CUSTOM_TYPE)
        draft.put("custom_type", trailer_type)


def _put_external_ids(draft: Draft) -> None:
    write = draft.write
    attributes = [] if draft.is_update else [external_ids.mark(write.operation_id)]
    partners: str | None = draft.given("external_id")
    if partners == "":
        draft.fault("external_id", ErrorType.RANGE, "Motive takes no empty external id.")
    elif partners is not None:
        attributes.append(external_ids.external_id(external_ids.PARTNER[write.resource], partners))
    if attributes:
        draft.put(external_ids.WRITTEN, attributes)
