"""Messages. Webfleet brings them to vehicles, so that the driver's has to be found out first."""

import msgspec

from fleetwrite.connectors.sdk.connector import WriteSession
from fleetwrite.connectors.sdk.mapping import Draft
from fleetwrite.connectors.sdk.outcome import Outcome, Rejected
from fleetwrite.connectors.sdk.write import Call, Translation, Write
from fleetwrite.connectors.webfleet import actions
from fleetwrite.connectors.webfleet.mapping import MESSAGE, PROVIDER
from fleetwrite.connectors.webfleet.outcomes import read_outcome
from fleetwrite.connectors.webfleet.reading import find_driver


def translate_message(write: Write) -> Translation:
    """The text. Where it goes is known only when it is sent."""
    draft = Draft(write, MESSAGE, provider=PROVIDER)
    draft.fill()
    losses = draft.settle()
    return Translation(call=actions.SEND_TEXT.write(draft.body), losses=losses)


async def send_message(write: Write, call: Call, session: WriteSession) -> Outcome:
    """Send the text to the vehicle that the driver is in now."""
    driver_uid = write.references["recipient_id"].source_id
    driver = await find_driver(session, driveruid=driver_uid)
    if driver is None:
        return Rejected(details=f"Webfleet has no driver {driver_uid} any more: choose another recipient.")
    vehicle_uid = driver.get("objectuid")
    if not vehicle_uid:
        return Rejected(
            details=(
                f"driver_has_no_vehicle: Webfleet brings messages to vehicles, and driver {driver.get('driverno')} "
                "is in none now: let the driver sign on, or assign a vehicle in Webfleet, and send it again."
            )
        )
    addressed = msgspec.structs.replace(call, body={**(call.body or {}), "objectuid": vehicle_uid})
    return read_outcome(write, addressed, await session.call(addressed))
