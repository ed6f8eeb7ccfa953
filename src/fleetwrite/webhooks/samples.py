"""Made-up data of events, in the shapes in which real ones have it."""

from datetime import UTC, date, datetime
from enum import Enum
from typing import Any, Final
from uuid import UUID

import msgspec

from fleetwrite.contract.event_names import WebhookEventNameEnum
from fleetwrite.webhooks.catalogue import FIRED

_ID: Final = UUID("00000000-0000-7000-8000-000000000000")
_AT: Final = datetime(2026, 1, 1, tzinfo=UTC)


def sample_of(event_name: WebhookEventNameEnum) -> list[Any]:
    """The data of a made-up event: one item, or none where this system never fires it."""
    fired = FIRED.get(event_name)
    return [] if fired is None else [_value(msgspec.inspect.type_info(fired.data))]


def _value(kind: msgspec.inspect.Type) -> Any:
    """A value of this type: the plainest there is."""
    match kind:
        case msgspec.inspect.Metadata():
            return _value(kind.type)
        case msgspec.inspect.StructType():
            return {one.encode_name: _value(one.type) for one in kind.fields}
        case msgspec.inspect.UnionType():
            return None if kind.includes_none else _value(kind.types[0])
        case msgspec.inspect.EnumType():
            first: Enum = next(iter(kind.cls))
            return first.value
        case msgspec.inspect.ListType() | msgspec.inspect.CollectionType():
            return []
        case msgspec.inspect.DictType():
            return {}
        case msgspec.inspect.LiteralType():
            return kind.values[0]
    return _PLAIN[type(kind)]


_PLAIN: Final[dict[type[msgspec.inspect.Type], Any]] = {
    msgspec.inspect.StrType: "sample",
    msgspec.inspect.IntType: 0,
    msgspec.inspect.FloatType: 0.0,
    msgspec.inspect.DecimalType: 0,
    msgspec.inspect.BoolType: False,
    msgspec.inspect.UUIDType: _ID,
    msgspec.inspect.DateTimeType: _AT,
    msgspec.inspect.DateType: date(2026, 1, 1),
    msgspec.inspect.AnyType: None,
}
