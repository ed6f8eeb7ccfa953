"""Times as Motive writes them."""

from datetime import UTC, datetime


def write_instant(instant: datetime) -> str:
    """Return an aware time as ISO 8601 in UTC; equal instants give equal texts."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")
