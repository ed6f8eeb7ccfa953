"""Messages in Motive's terms: one call, in the name of an office user, for one recipient as for many."""

from collections.abc import Mapping

from fleetwrite.connectors.motive.endpoints import CREATE_MESSAGE
from fleetwrite.connectors.motive.ids import read_number
from fleetwrite.connectors.motive.mapping import GROUP_MESSAGE, MESSAGE, PROVIDER
from fleetwrite.connectors.sdk.mapping import Draft
from fleetwrite.connectors.sdk.write import SourceReference, Translation, Write
from fleetwrite.contract.errors import ErrorType


def translate_message(write: Write) -> Translation:
    """A message to one user."""
    draft = Draft(write, MESSAGE, provider=PROVIDER)
    return _translate(draft, {"recipient_id": write.references["recipient_id"]})


def translate_group_message(write: Write) -> Translation:
    """A message to several users."""
    draft = Draft(write, GROUP_MESSAGE, provider=PROVIDER)
    recipients = write.reference_lists.get("recipient_ids", ())
    if not recipients:
        draft.fault("recipient_ids", ErrorType.REQUIRED_BY_TSP, "Name at least one recipient.")
    return _translate(draft, {f"recipient_ids.{place}": recipient for place, recipient in enumerate(recipients)})


def _translate(draft: Draft, recipients: Mapping[str, SourceReference]) -> Translation:
    draft.fill()
    sender = draft.write.references["sender_id"]
    if sender.attributes.get("is_driver") is not False:
        draft.fault(
            "sender_id",
            ErrorType.WRONG_KIND,
            "Motive sends messages in the name of office users only, and this user is not known as one.",
        )
    draft.put("sender_id", read_number(draft, "sender_id", sender))
    receiver_ids = [read_number(draft, field, recipient) for field, recipient in recipients.items()]
    # A recipient named twice would get the message twice.
    draft.put("receiver_ids", list(dict.fromkeys(receiver_ids)))
    text: str | None = draft.given("message_text")
    if text is not None and not text.strip():
        draft.fault("message_text", ErrorType.REQUIRED_BY_TSP, "Motive takes no message without a text.")
    elif text is not None:  # the table asks for one
        draft.put("body", text)
    losses = draft.settle()
    return Translation(call=CREATE_MESSAGE.call(body=draft.body), losses=losses)
