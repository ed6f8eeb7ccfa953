"""Times as Geotab writes them: UTC, milliseconds, Z."""

from datetime import UTC, datetime
from typing import Any, Final

FOREVER: Final = "2050-01-01T00:00:00.000Z"
"""Geotab's word for no end: what has it as `activeTo` is in use."""


def write_instant(instant: datetime) -> str:
    """Return an aware time as Geotab wants it; finer than a millisecond it keeps none."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def read_instant(text: Any) -> datetime | None:
    """Return a time of Geotab's; None where it is none."""
    if not isinstance(text, str):
        return None
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        return None
    return instant if instant.tzinfo is not None else instant.replace(tzinfo=UTC)
