"""Vehicles and trailers in Geotab's terms: both are devices, told apart by a built-in group.

Geotab still has a trailer entity of its own, which it calls obsolete: adding one makes a device, too, but takes neither
VIN nor plate.
"""

from typing import Final

from fleetwrite.connectors.geotab import comments, endpoints
from fleetwrite.connectors.geotab.activity import put_activity
from fleetwrite.connectors.geotab.mapping import MAX_SERIAL_LENGTH, TRAILER, VEHICLE
from fleetwrite.connectors.geotab.rpc import PROVIDER
from fleetwrite.connectors.sdk.mapping import Draft
from fleetwrite.connectors.sdk.write import Translation, Write
from fleetwrite.contract.errors import ErrorType

VEHICLES: Final = "GroupVehicleId"
TRAILERS: Final = "GroupTrailerId"
"""The built-in groups by which Geotab tells vehicles from trailers."""

GROUP_SETTING: Final = "group_id"
"""The setting that holds the group of what is new."""

WHOLE_COMPANY: Final = "GroupCompanyId"


def translate_vehicle(write: Write) -> Translation:
    """A device among the vehicles."""
    return _translate(Draft(write, VEHICLE, provider=PROVIDER), VEHICLES)


def translate_trailer(write: Write) -> Translation:
    """A device among the trailers."""
    return _translate(Draft(write, TRAILER, provider=PROVIDER), TRAILERS)


def company_group(write: Write) -> dict[str, str]:
    """The group of what is new."""
    return {"id": write.settings.get(GROUP_SETTING) or WHOLE_COMPANY}


def _translate(draft: Draft, group: str) -> Translation:
    draft.fill()
    put_activity(draft)
    _put_serial_number(draft)
    if draft.is_update:
        draft.require_change()
        losses = draft.settle()
        entity = {"id": draft.write.require_target().source_id, **draft.body}
        return Translation(call=endpoints.SET_DEVICE.call(entity=entity), losses=losses)
    losses = draft.settle()
    draft.put("groups", [company_group(draft.write), {"id": group}])
    draft.put("comment", comments.joined(draft.body.get("comment", ""), comments.mark_of(draft.write.operation_id)))
    return Translation(call=endpoints.ADD_DEVICE.call(entity=draft.body), losses=losses)


def _put_serial_number(draft: Draft) -> None:
    """The hardware of a new one. Another one is put into a vehicle at Geotab, where its data are parted, too."""
    serial: str | None = draft.given("eld_serial_number")
    if serial is None:
        return
    if draft.is_update:
        if serial != draft.write.require_target().attributes.get("eld_serial_number"):
            draft.lose(
                "eld_serial_number",
                "A device is put into another vehicle in MyGeotab, not by an update.",
                essential=True,
            )
        return
    if not 1 <= len(serial) <= MAX_SERIAL_LENGTH:
        draft.fault(
            "eld_serial_number",
            ErrorType.RANGE,
            f"Geotab takes 1 to {MAX_SERIAL_LENGTH} characters here, without dashes; this has {len(serial)}.",
        )
    draft.put("serialNumber", serial)
