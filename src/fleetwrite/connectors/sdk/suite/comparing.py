"""Brings what was sent and what is read back into a form that can be compared."""

from collections.abc import Iterable
from typing import Any

from fleetwrite.connectors.sdk.connector import RecordPage
from fleetwrite.connectors.sdk.suite.exhibit import Sent


def as_sent(entry: dict[str, Any]) -> Sent:
    """What an entry of a simulator's log says was sent."""
    names = ("method", "path", "operation", "query", "body")
    return Sent(**{name: entry[name] for name in names})


def comparable(value: Any) -> Any:
    """JSON values such that 1, 1.0 and "1" of a decimal are the same."""
    if isinstance(value, dict):
        return {key: comparable(item) for key, item in value.items()}
    if isinstance(value, bool) or value is None:
        return value
    try:
        return float(value)
    except (TypeError, ValueError):
        return value


def ids_of(pages: Iterable[RecordPage]) -> list[str]:
    """The provider's ids on some pages, in their order."""
    return [record.source_id for page in pages for record in page.records]
