"""What can go wrong while work waits for its turn."""

from datetime import datetime

from fleetwrite.kit.errors import FleetwriteError


class LeaseLostError(FleetwriteError):
    """Another worker took the job over: what this one has to say of it comes too late."""


class SlotTimeoutError(FleetwriteError):
    """No slot comes free before the caller's deadline. Nothing was sent.

    Attributes:
        free_at: when the earliest slot comes free.
        wait_s: how long that is from now, in seconds.
        barred_since: since when the caller is denied such calls; None: that is not the reason.
    """

    def __init__(self, message: str, *, free_at: datetime, wait_s: float, barred_since: datetime | None = None) -> None:
        super().__init__(message)
        self.free_at = free_at
        self.wait_s = wait_s
        self.barred_since = barred_since


class UnknownScopeError(FleetwriteError):
    """A budget names a scope that its owner does not have."""


class OrderConflictError(FleetwriteError):
    """Work with the same order key is still waiting, and this piece can not wait for it."""
