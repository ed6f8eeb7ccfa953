"""Messages in Traccar's terms: a command that shows a text, to the device that the driver is with."""

import msgspec

from fleetwrite.connectors.sdk.connector import WriteSession
from fleetwrite.connectors.sdk.mapping import Draft
from fleetwrite.connectors.sdk.outcome import Outcome, Rejected
from fleetwrite.connectors.sdk.write import Call, Translation, Write
from fleetwrite.connectors.traccar import outcomes
from fleetwrite.connectors.traccar.addressing import MESSAGE_TYPE, find_device
from fleetwrite.connectors.traccar.endpoints import SEND_COMMAND
from fleetwrite.connectors.traccar.mapping import MESSAGE, PROVIDER


def translate_message(write: Write) -> Translation:
    """A message to one driver. Which device that is turns out when it is sent."""
    draft = Draft(write, MESSAGE, provider=PROVIDER)
    draft.fill()
    draft.put("type", MESSAGE_TYPE)
    losses = draft.settle()
    return Translation(call=SEND_COMMAND.call(body=draft.body), losses=losses)


async def send_message(write: Write, call: Call, session: WriteSession) -> Outcome:
    """Find the driver's device, and send the message there."""
    device_id = await find_device(write.references["recipient_id"].source_id, session)
    if isinstance(device_id, Rejected):
        return device_id
    call = msgspec.structs.replace(call, body={**(call.body or {}), "deviceId": device_id})
    return outcomes.read_outcome(write, call, await session.call(call))
