"""What can be wrong with a connection."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from fleetwrite.contract.errors import ErrorType
from fleetwrite.kit.errors import FleetwriteError


class ConnectionNotFoundError(FleetwriteError):
    """No connection of this id that the partner may use: unknown, somebody else's, deleted or cancelled alike."""

    def __init__(self, connection_id: UUID) -> None:
        super().__init__(f"There is no connection {connection_id}: take the id from GET /v2/integrations/connections.")
        self.connection_id = connection_id


class ConnectionDrainingError(FleetwriteError):
    """The connection takes no new writes for now."""


class ConnectionDeletedError(FleetwriteError):
    """The connection was deleted, and what opened its account with it."""

    def __init__(self) -> None:
        super().__init__("the connection was deleted")


class LoginNotAcceptedError(FleetwriteError):
    """The provider does not accept credentials; nothing was stored."""


class LoginNotCheckedError(FleetwriteError):
    """Nobody could find out whether the provider accepts credentials; nothing was stored."""


class OtherAccountError(FleetwriteError):
    """Credentials are those of another account than the connection's, or can not be shown to be of the same."""


class NotSharedError(FleetwriteError):
    """The fleet does not share this with the partner, or not now; the connection itself is known to it."""


class UnknownFleetError(FleetwriteError):
    """There is no fleet of this id."""


class FieldFault(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong with one field (`credentials.token`), and how to put it right."""

    field: str
    message: str
    error_type: ErrorType = ErrorType.FORMAT


class BadConnectionFieldsError(FleetwriteError):
    """Credentials or settings are not what the provider's connector asks for; `faults` names every field."""

    def __init__(self, faults: Sequence[FieldFault]) -> None:
        super().__init__("; ".join(f"{fault.field}: {fault.message}" for fault in faults))
        self.faults = tuple(faults)
