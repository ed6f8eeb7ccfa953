"""By what lists of records can be ordered."""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

import msgspec

from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.kit.keyset import Order
from fleetwrite.records.references import REFERENCES
from fleetwrite.records.rendering import COMPUTED, OWN_FIELDS, READ_MODELS

DEFAULT: Final = "occurred_at"
"""The contract's order where the client names none."""

_COLUMNS: Final[Mapping[str, Order]] = MappingProxyType(
    {
        **{
            name: Order(name=name, key=f"r.{name}", column=name) for name in ("occurred_at", "created_at", "updated_at")
        },
        "source_id": Order(name="source_id", key="r.source_id", column="source_id", is_time=False),
    }
)
"""Orders that an index has: a page costs what it has, however many records there are."""

# Amounts are texts on the wire, and as such 9.50 is more than 10.00.
_UNSORTED: Final = COMPUTED | {"total_cost"}

_COMPARED: Final = 200
"""Characters of a text that count: a cursor holds them, and has to fit into a URL."""

# As PostgreSQL writes numbers and truths; a number that a provider sends has far fewer digits.
_NUMBER_OR_TRUTH: Final = re.compile(r"null|true|false|-?[0-9]{1,1000}(\.[0-9]{1,1000})?")


def _by_text(field: str) -> Order:
    key = f"coalesce(left(r.attributes ->> '{field}', {_COMPARED}), '')"
    return Order(name=field, key=key, column="place", is_time=False)


def _by_number(field: str) -> Order:
    value = f"r.attributes -> '{field}'"
    key = f"CASE WHEN jsonb_typeof({value}) IN ('number', 'boolean') THEN {value} ELSE 'null' END"
    # In JSON null comes before all numbers, and these before truths.
    return Order(name=field, key=key, column="place", is_time=False, cast="::text::jsonb", reads=_is_number_or_truth)


def _is_number_or_truth(text: str) -> bool:
    return _NUMBER_OR_TRUTH.fullmatch(text) is not None


_BY_TYPE: Final[Mapping[str, Callable[[str], Order]]] = MappingProxyType(
    {"string": _by_text, "integer": _by_number, "number": _by_number, "boolean": _by_number}
)


def _order(name: str, field: Any) -> Order | None:
    """The order by an attribute of this type; None where it has none, as an object, or where it is the same in all."""
    (schema,), components = msgspec.json.schema_components([field])
    (option,) = (option for option in schema.get("anyOf", [schema]) if option != {"type": "null"})
    named = components[option["$ref"].rsplit("/", 1)[1]] if "$ref" in option else option
    if len(named.get("enum", ())) == 1:
        return None
    # Decimals say by a keyword of their own that they are numbers on the wire.
    by_type = _BY_TYPE.get(named.get("x-json-type", named.get("type", "string" if "enum" in named else "")))
    return None if by_type is None else by_type(name)


def _orders(resource: ResourceEnum) -> Mapping[str, Order]:
    own = {
        name: order
        for name, field in OWN_FIELDS[READ_MODELS[resource]].items()
        if name not in REFERENCES.get(resource, {}) and name not in _UNSORTED and (order := _order(name, field))
    }
    return MappingProxyType({**_COLUMNS, **own})


ORDERS: Final[Mapping[ResourceEnum, Mapping[str, Order]]] = MappingProxyType(
    {resource: _orders(resource) for resource in READ_MODELS}
)
"""Resource -> the fields that `sort_by` may name: texts, numbers, truths and times that the record itself holds.

Orders by attributes have no index: a page reads all that its filters let through. What lacks the field comes first.
"""


def column_of(order: Order) -> str:
    """What a SELECT has to yield beside the columns of records, for `order`."""
    return f", {order.key}::text AS place" if order.column == "place" else ""
