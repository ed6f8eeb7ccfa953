"""Whether an entity at Geotab is what was sent. When in doubt two texts are equal: what seems missing is sent again."""

import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from fleetwrite.connectors.geotab import activity, comments
from fleetwrite.connectors.geotab.instants import read_instant

_CLOCK_ERROR: Final = timedelta(seconds=30)
"""What ended at a sending was dated by one of our machines, and is compared on another."""


def holds(sent: Mapping[str, Any], held: Any) -> bool:
    """Whether all that was `sent` of an entity is in what is `held`."""
    return isinstance(held, Mapping) and all(_is_held(name, value, held.get(name)) for name, value in sent.items())


def comparable(text: Any) -> str:
    """A text without what a provider may do to it on the way: white space and the forms of accents."""
    return " ".join(unicodedata.normalize("NFC", str(text or "")).split())


def _is_held(name: str, sent: Any, held: Any) -> bool:
    match name:
        case "comment":
            return comparable(comments.notes_in(sent)) == comparable(comments.notes_in(str(held or "")))
        case "dateTime":
            return read_instant(sent) == read_instant(held)
        case activity.FIELD:
            ends_at = read_instant(held)
            if sent is activity.AT_SENDING:
                return ends_at is not None and ends_at <= datetime.now(UTC) + _CLOCK_ERROR
            return ends_at == read_instant(sent)
    if isinstance(sent, Mapping):
        return holds(sent, held)
    if sent is None or isinstance(sent, str):
        return comparable(sent) == comparable(held)
    return bool(sent == held)
