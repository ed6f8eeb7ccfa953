"""The settings of a connection that translations read."""

from typing import Final

from fleetwrite.connectors.sdk.mapping import Draft
from fleetwrite.contract.errors import ErrorType

RESOURCE: Final = "resource_id"
"""The resource that new drivers and trailers go to."""
DEVICE_TYPE: Final = "hw_type_id"
"""The device type of new units, where the partner names none."""


def read_number(draft: Draft, name: str) -> int | None:
    """The number in a setting; None: it is not set. Anything else than a number is noted as a fault."""
    text = draft.write.settings.get(name)
    if not text:
        return None
    if text.isascii() and text.isdecimal():
        return int(text)
    draft.fault(
        "connection_id",
        ErrorType.FORMAT,
        f"The setting {name} of this connection must be one of Wialon's ids, which are numbers; it is {text!r}.",
    )
    return None
