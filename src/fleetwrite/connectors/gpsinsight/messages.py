"""Messages. GPS Insight brings them to the displays of vehicles, so that the driver's has to be found out first."""

import msgspec

from fleetwrite.connectors.gpsinsight.mapping import MESSAGE, PROVIDER
from fleetwrite.connectors.gpsinsight.methods import LOCATE_VEHICLES, SEND_MESSAGE
from fleetwrite.connectors.gpsinsight.outcomes import read_outcome
from fleetwrite.connectors.gpsinsight.reading import read_rows
from fleetwrite.connectors.sdk.connector import WriteSession
from fleetwrite.connectors.sdk.mapping import Draft
from fleetwrite.connectors.sdk.outcome import Outcome, Rejected
from fleetwrite.connectors.sdk.write import Call, Translation, Write


def translate_message(write: Write) -> Translation:
    """The text. Where it goes is known only when it is sent."""
    draft = Draft(write, MESSAGE, provider=PROVIDER)
    draft.fill()
    losses = draft.settle()
    return Translation(call=SEND_MESSAGE.call(draft.body), losses=losses)


async def send_message(write: Write, call: Call, session: WriteSession) -> Outcome:
    """Send the text to the vehicle that the driver is in now."""
    driver_id = write.references["recipient_id"].source_id
    rows = await read_rows(session, LOCATE_VEHICLES.call())
    vehicle_ids = [str(row["id"]) for row in rows if str(row.get("driver_id")) == driver_id]
    if not vehicle_ids:
        return Rejected(
            details=(
                f"driver_has_no_vehicle: GPS Insight brings messages to vehicles, and driver {driver_id} is assigned "
                "to none now: assign one there, and send it again."
            )
        )
    if len(vehicle_ids) > 1:
        return Rejected(
            details=(
                f"driver_has_several_vehicles: GPS Insight brings messages to vehicles, and driver {driver_id} is "
                f"assigned to {', '.join(vehicle_ids)}: leave the one that the driver is in, and send it again."
            )
        )
    addressed = msgspec.structs.replace(call, body={**(call.body or {}), "vehicle": vehicle_ids[0]})
    return read_outcome(write, addressed, await session.call(addressed))
