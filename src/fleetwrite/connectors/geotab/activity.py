"""Whether a vehicle, trailer or user is in use: at Geotab by an instant up to which it is."""

from typing import Final

from fleetwrite.connectors.geotab.instants import FOREVER
from fleetwrite.connectors.sdk.mapping import Draft
from fleetwrite.contract.enums import UserStatusEnum
from fleetwrite.contract.errors import ErrorType

FIELD: Final = "activeTo"

AT_SENDING: Final = None
"""Stands for the instant at which a call is sent, which a translation can not know."""


def put_activity(draft: Draft) -> None:
    """Put what `is_active` says, of users together with `status`."""
    is_active: bool | None = draft.given("is_active")
    status = draft.given("status")
    if isinstance(status, UserStatusEnum):
        by_status = status is UserStatusEnum.ACTIVE
        if is_active is not None and is_active != by_status:
            said = str(is_active).lower()
            draft.fault("status", ErrorType.RANGE, f"is_active says {said}, status says {status.value}.")
        is_active = by_status
    if is_active is not None:
        draft.put(FIELD, FOREVER if is_active else AT_SENDING)
