"""The comment of a vehicle, trailer or user: a partner's notes, and below them the mark of the operation that made it.

Geotab keeps no external ids of these. A comment can be searched for, and anybody may read it: our mark is the only
thing that tells, after a lost answer, what we made from what somebody else did.
"""

import re
from typing import Final
from uuid import UUID

MAX_LENGTH: Final = 1024
"""No limit is documented for comments of devices and users; this is that of a fuel transaction's."""

_MARK: Final = re.compile(r"(?:^|\n)(fleetwrite:[0-9a-f]{32})\s*$")
_MARK_LENGTH: Final = len("\nfleetwrite:") + 32

MAX_NOTES_LENGTH: Final = MAX_LENGTH - _MARK_LENGTH
"""What is left of a comment for notes."""


def mark_of(operation_id: UUID) -> str:
    """The mark of what this operation makes."""
    return f"fleetwrite:{operation_id.hex}"


def mark_in(comment: str) -> str:
    """The mark that a comment ends with; empty where it has none."""
    found = _MARK.search(comment)
    return found[1] if found else ""


def notes_in(comment: str) -> str:
    """A comment without the mark."""
    return _MARK.sub("", comment)


def joined(notes: str, mark: str) -> str:
    """A comment of notes and a mark; either may be empty."""
    return "\n".join(part for part in (notes, mark) if part)
