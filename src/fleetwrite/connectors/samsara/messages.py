"""Messages in Samsara's terms: one call, addressed to drivers by number, for one recipient as for many."""

from collections.abc import Iterable

from fleetwrite.connectors.samsara import endpoints
from fleetwrite.connectors.samsara.mapping import GROUP_MESSAGE, MAX_MESSAGE_LENGTH, MESSAGE, PROVIDER
from fleetwrite.connectors.sdk.mapping import Draft
from fleetwrite.connectors.sdk.write import SourceReference, Translation, Write
from fleetwrite.contract.errors import ErrorType


def translate_message(write: Write) -> Translation:
    """A message to one driver."""
    draft = Draft(write, MESSAGE, provider=PROVIDER)
    return _translate(draft, [("recipient_id", write.references["recipient_id"])])


def translate_group_message(write: Write) -> Translation:
    """A message to several drivers. Samsara makes one message for each of them."""
    draft = Draft(write, GROUP_MESSAGE, provider=PROVIDER)
    recipients = write.reference_lists.get("recipient_ids", ())
    if not recipients:
        draft.fault("recipient_ids", ErrorType.REQUIRED_BY_TSP, "Name at least one driver.")
    return _translate(
        draft, [(f"recipient_ids.{position}", recipient) for position, recipient in enumerate(recipients)]
    )


def _translate(draft: Draft, recipients: Iterable[tuple[str, SourceReference]]) -> Translation:
    draft.fill()
    driver_ids = [
        int(recipient.source_id) for field, recipient in recipients if _is_addressable(draft, field, recipient)
    ]
    text = draft.given("message_text")
    if text is not None and not text.strip():
        draft.fault("message_text", ErrorType.REQUIRED_BY_TSP, "Samsara takes no message without a text.")
    elif text is not None:  # the table asks for one
        draft.put("text", draft.fit_text("message_text", text, MAX_MESSAGE_LENGTH))
    # A recipient named twice would get the message twice.
    draft.put("driverIds", list(dict.fromkeys(driver_ids)))
    losses = draft.settle()
    return Translation(call=endpoints.CREATE_MESSAGE.call(body=draft.body), losses=losses)


def _is_addressable(draft: Draft, field: str, recipient: SourceReference) -> bool:
    if recipient.attributes.get("is_driver") is not True:
        draft.fault(
            field, ErrorType.WRONG_KIND, "Samsara delivers messages to drivers only, and this user is not known as one."
        )
        return False
    # The legacy endpoint wants numbers, where the others have texts of digits.
    if not (recipient.source_id.isascii() and recipient.source_id.isdigit()):
        draft.fault(field, ErrorType.WRONG_KIND, "Samsara addresses messages by numeric driver ids; this one is not.")
        return False
    return True
