"""What a write of the demo is, and how what is expected of it is said."""

from collections.abc import Mapping, Sequence
from enum import Enum, auto
from typing import Any

import msgspec

from fleetwrite.sandbox.partner import Json


class Later(Enum):
    """A value that is known only after the write."""

    OPERATION_HEX = auto()
    """The operation's id without hyphens."""
    SOURCE_ID = auto()
    """The operation's `source_id`."""


class Matching(msgspec.Struct, frozen=True):
    """Any text of this pattern."""

    pattern: str


class ExpectedCall(msgspec.Struct, frozen=True, kw_only=True):
    """The one call that the provider must have got, with exactly this body.

    Attributes:
        known_by: the body's field that tells it from the other calls of this path; None where the path does.
    """

    method: str
    path: str
    query: Mapping[str, str] = {}
    body: Mapping[str, Any]
    known_by: str | None = None


class ExpectedRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The one record that the provider must hold; it may have fields beyond these.

    Attributes:
        collection: the simulator's word for its kind.
        known_by: the fields by which it is found.
        fields: what else it has to say.
    """

    collection: str
    known_by: Mapping[str, Any]
    fields: Mapping[str, Any]


class DemoWrite(msgspec.Struct, frozen=True, kw_only=True):
    """A write of the demo.

    Attributes:
        losses: the fields that Fleetwrite must name as not kept by the provider.
        read_path: where the record can be read by our id; None where the contract has no such endpoint yet.
    """

    name: str
    method: str = "POST"
    path: str
    body: Json
    is_sync: bool = False
    losses: frozenset[str] = frozenset()
    read_path: str | None = None
    call: ExpectedCall
    records: tuple[ExpectedRecord, ...]


class Cast(msgspec.Struct, frozen=True, kw_only=True):
    """The records that take part, as the API's lists show them."""

    drivers: Sequence[Json]
    office_user: Json
    vehicle: Json
    trailer: Json
