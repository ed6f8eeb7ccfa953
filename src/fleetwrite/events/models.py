"""What an event is, before and after it is written."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec


class NewEvent(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened, to be written in the transaction in which it happens.

    Attributes:
        id: a UUIDv7; events are handed on in the order of their ids.
        event_name: such as `resource_operation.created`.
        partner_id: whose event it is; nobody else ever hears of it.
        fleet_id: the fleet it concerns; None where it concerns none.
        fleet_ref: the partner's own name for that fleet.
        data: the thing it happened to, in the shape in which the contract shows it.
    """

    id: UUID
    event_name: str
    partner_id: UUID
    fleet_id: UUID | None = None
    fleet_ref: str | None = None
    data: msgspec.Struct | Mapping[str, Any]


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """An event as its consumers get it: who should hear of it. Its data stays in the table until it is sent."""

    id: UUID
    event_name: str
    partner_id: UUID
    fleet_id: UUID | None
    fleet_ref: str | None
    occurred_at: datetime


class StreamFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which events a stream tells; None limits nothing. What concerns no fleet passes both filters of fleets."""

    event_names: Sequence[str] | None = None
    fleet_ids: Sequence[UUID] | None = None
    fleet_refs: Sequence[str] | None = None


class StreamRow(msgspec.Struct, frozen=True, kw_only=True):
    """An event in its place in the stream of its partner; `data` is JSON text, None where the filter is against it."""

    position: int
    id: UUID
    event_name: str
    occurred_at: datetime
    data: str | None
