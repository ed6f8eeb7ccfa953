"""How far an erasure has come."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from msgspec import Struct


class Erasure(Struct, frozen=True, kw_only=True):
    """The erasure of a fleet. It ends by itself, whatever becomes of who asked for it.

    Attributes:
        erased_at: since when nothing of the fleet is here but what its partners are still to be told; None: there is.
        completed_at: since when nothing is.
        removed: how many rows of each table were removed.
        untold: how many events wait to be told to partners, or stay a day for those that follow the stream.
        under_way: how many writes and pulls are with a provider; all else waits for their end.
    """

    fleet_id: UUID
    begun_at: datetime
    erased_at: datetime | None
    completed_at: datetime | None
    removed: Mapping[str, int]
    untold: int = 0
    under_way: int = 0
