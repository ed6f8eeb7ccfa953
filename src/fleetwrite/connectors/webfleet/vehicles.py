"""Vehicles, which come with a contract: they can be changed, and not made."""

from fleetwrite.connectors.sdk.mapping import Draft
from fleetwrite.connectors.sdk.write import Translation, Write
from fleetwrite.connectors.webfleet import actions
from fleetwrite.connectors.webfleet.mapping import PROVIDER, VEHICLE


def translate_vehicle(write: Write) -> Translation:
    """An update of the fields that are given; Webfleet keeps the others."""
    draft = Draft(write, VEHICLE, provider=PROVIDER)
    draft.fill()
    draft.require_change()
    losses = draft.settle()
    call = actions.UPDATE_VEHICLE.write({"objectuid": write.require_target().source_id, **draft.body})
    return Translation(call=call, losses=losses)
