"""Why a subscription is not accepted or not found."""

from fleetwrite.contract.errors import ValidationErrorDetail
from fleetwrite.kit.errors import FleetwriteError


class InvalidSubscriptionError(FleetwriteError):
    """The body can not become a subscription; `details` names every fault with its remedy."""

    def __init__(self, details: tuple[ValidationErrorDetail, ...]) -> None:
        super().__init__("; ".join(f"{detail.path}: {detail.message}" for detail in details))
        self.details = details


class DuplicateSubscriptionError(FleetwriteError):
    """The partner has a subscription with this event, URL and filters already."""


class SubscriptionNotFoundError(FleetwriteError):
    """No such subscription of this partner, or it was deleted."""


class InvalidReplayError(FleetwriteError):
    """What was asked for is no selection of deliveries; `details` names every fault with its remedy."""

    def __init__(self, details: tuple[ValidationErrorDetail, ...]) -> None:
        super().__init__("; ".join(f"{detail.path}: {detail.message}" for detail in details))
        self.details = details


class ReceiverBusyError(FleetwriteError):
    """The subscription's limits leave no room for a test now."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__("The limits of this webhook leave no room for a test now; try again later.")
        self.retry_after_s = retry_after_s


class UnknownEventError(FleetwriteError):
    """A stream cannot be resumed behind an event that the partner never had."""


class TooManyStreamsError(FleetwriteError):
    """This process serves as many streams as it may; try again in `retry_after_s` seconds."""

    def __init__(self, most: int, retry_after_s: int) -> None:
        super().__init__(
            f"There are too many streams: a partner may have {most} at each server. Close one, or let one stream tell"
            " more events."
        )
        self.retry_after_s = retry_after_s
