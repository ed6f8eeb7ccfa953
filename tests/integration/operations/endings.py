"""How attempts ended, in short."""

from typing import Final

from fleetwrite.contract.enums import ResourceOperationErrorTypeEnum as ErrorCategory
from fleetwrite.contract.integrations import ResourceOperationRead
from fleetwrite.contract.telematics import ResourceOperation

Ending = tuple[ErrorCategory | None, str]

DELIVERED: Final[Ending] = (None, "")
REJECTED: Final[Ending] = (ErrorCategory.VALIDATION, "rejected")
THROTTLED: Final[Ending] = (ErrorCategory.TSP, "throttled")
NOT_SENT: Final[Ending] = (ErrorCategory.TSP, "not_sent")
FAILING: Final[Ending] = (ErrorCategory.TSP, "unreachable")
UNREACHABLE: Final[Ending] = (ErrorCategory.NETWORK, "unreachable")
AUTH: Final[Ending] = (ErrorCategory.AUTH, "auth")
EXPIRED: Final[Ending] = (ErrorCategory.NETWORK, "expired")
UNKNOWN: Final[Ending] = (ErrorCategory.NETWORK, "outcome_unknown")


def endings(operation: ResourceOperationRead | ResourceOperation) -> list[Ending]:
    """How each attempt ended: category, and the stable code of its details."""
    return [(log.error_type, (log.error_details or "").partition(":")[0]) for log in operation.logs]
