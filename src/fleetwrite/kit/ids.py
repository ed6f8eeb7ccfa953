"""Identifiers: time-ordered ones for new rows, derived ones where the same input must give the same id."""

from datetime import datetime
from uuid import UUID, uuid5

import uuid_utils.compat


def new_id() -> UUID:
    """Return a new UUIDv7.

    Its leading bits are the time in milliseconds, so that rows inserted together lie together in an index.
    """
    return uuid_utils.compat.uuid7()


def first_id_at(at: datetime) -> UUID:
    """Return a bound: the UUIDv7s made before this instant (in milliseconds) are less, all others are greater."""
    return UUID(int=int(at.timestamp() * 1000) << 80)


def derive_id(namespace: UUID, *parts: str) -> UUID:
    """Return the UUIDv5 of ``parts`` within ``namespace``: equal parts give equal ids, on any machine.

    Each part is preceded by its length in characters, so that no two different lists of parts join to the
    same name: ``("ab", "c")`` and ``("a", "bc")`` differ, whatever characters they hold.
    """
    return uuid5(namespace, "".join(f"{len(part)}:{part}" for part in parts))
