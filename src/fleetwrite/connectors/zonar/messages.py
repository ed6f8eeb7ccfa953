"""Messages: to the driver, wherever the driver is logged in."""

from typing import Final

from fleetwrite.connectors.sdk.mapping import Draft
from fleetwrite.connectors.sdk.write import Translation, Write
from fleetwrite.connectors.zonar.mapping import MESSAGE, PROVIDER
from fleetwrite.connectors.zonar.operations import SEND_MESSAGE

_FREE_TEXT: Final = "0"
"""The form that is a text and nothing else."""

_SENDER: Final = "fleetwrite"
"""Whose message ids these are."""


def translate_message(write: Write) -> Translation:
    """A message that carries our operation's id."""
    draft = Draft(write, MESSAGE, provider=PROVIDER)
    draft.fill()
    losses = draft.settle()
    call = SEND_MESSAGE.write(
        {
            "reqtype": "dbid",
            "target": write.references["recipient_id"].source_id,
            "form": _FREE_TEXT,
            "provider": _SENDER,
            "messageid": write.operation_id.hex,
            **draft.body,
        }
    )
    return Translation(call=call, losses=losses)
