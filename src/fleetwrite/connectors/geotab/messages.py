"""Messages in Geotab's terms: they go to the device of a vehicle, with the driver named beside it."""

from collections.abc import Sequence

import msgspec

from fleetwrite.connectors.geotab import endpoints, rpc
from fleetwrite.connectors.geotab.mapping import MESSAGE
from fleetwrite.connectors.geotab.rpc import PROVIDER, Entity
from fleetwrite.connectors.sdk.connector import Session
from fleetwrite.connectors.sdk.mapping import Draft
from fleetwrite.connectors.sdk.write import Call, Translation, Write
from fleetwrite.contract.errors import ErrorType


def translate_message(write: Write) -> Translation:
    """A message to one driver. The vehicle is left open: `addressed` names it when it is sent."""
    draft = Draft(write, MESSAGE, provider=PROVIDER)
    draft.fill()
    recipient = write.references["recipient_id"]
    if recipient.attributes.get("is_driver") is not True:
        draft.fault(
            "recipient_id",
            ErrorType.WRONG_KIND,
            "Geotab delivers messages to the vehicle of a driver, and this user is not known as one.",
        )
    text = draft.given("message_text")
    if text is not None and not text.strip():
        draft.fault("message_text", ErrorType.REQUIRED_BY_TSP, "Geotab takes no message without a text.")
    # Other types command the device; no caller may choose one.
    draft.put("messageContent.contentType", "Normal")
    draft.put("messageContent.message", text)
    draft.put("recipient", {"id": recipient.source_id})
    draft.put("user", {"id": write.references["sender_id"].source_id})
    draft.put("isDirectionToVehicle", True)
    if (parent := write.references.get("reply_to_message_id")) is not None:
        draft.put("parentMessage", {"id": parent.source_id})
    losses = draft.settle()
    return Translation(call=endpoints.ADD_MESSAGE.call(entity=draft.body), losses=losses)


async def addressed(call: Call, session: Session) -> Call | None:
    """`call` with the vehicle that its recipient is in now; None where Geotab shows none.

    Raises:
        ProviderAnswerError: Geotab did not say.
    """
    entity = rpc.entity_of(call)
    driver_id = entity["recipient"]["id"]
    question = endpoints.GET_STATUS.call(search={"userSearch": {"id": driver_id}})
    states = rpc.entities(question, await session.call(question))
    device_id = _latest_device(states, driver_id)
    if device_id is None:
        return None
    body = call.body or {}
    params = {**body["params"], "entity": {**entity, "device": {"id": device_id}}}
    return msgspec.structs.replace(call, body={**body, "params": params})


def no_vehicle(call: Call) -> str:
    """What to tell of a message that has nowhere to go."""
    driver_id = rpc.entity_of(call)["recipient"]["id"]
    return (
        f"driver_has_no_vehicle: Geotab shows no vehicle whose driver is {driver_id} now, and delivers messages to "
        "vehicles. Let the driver sign in to Geotab Drive, or assign a vehicle in MyGeotab, and send it again"
    )


def _latest_device(states: Sequence[Entity], driver_id: str) -> str | None:
    """Of the vehicles that name the driver, the one heard of last: an earlier one was not signed out of."""
    named = [state for state in states if _id_of(state.get("driver")) == driver_id and _id_of(state.get("device"))]
    if not named:
        return None
    return _id_of(max(named, key=lambda state: str(state.get("dateTime", "")))["device"])


def _id_of(reference: object) -> str | None:
    """The id of a nested entity. Some are shown as a bare word, such as `UnknownDriverId`."""
    found = reference.get("id") if isinstance(reference, dict) else None
    return found if isinstance(found, str) else None
