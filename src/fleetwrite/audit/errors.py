"""What can be wrong with the audit log."""

from fleetwrite.kit.errors import FleetwriteError


class TamperedLogError(FleetwriteError):
    """The audit log is not as it was written; the message says from which entry on."""


class BadHeadError(FleetwriteError):
    """What should be a noted head of the log is none."""
