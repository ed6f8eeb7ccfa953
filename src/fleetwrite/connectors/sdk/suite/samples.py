"""Sample values for the contract's fields, by their types: something that is valid, and nothing more."""

from typing import Any, Final

import msgspec
from msgspec import inspect

from fleetwrite.contract.telematics import WriteBody

_TEXTS: Final = {r"^\w{3}$": "USA"}
"""Pattern of a text -> a text that matches it."""

_SAMPLES: Final[dict[type[inspect.Type], Any]] = {
    inspect.StrType: "Sample",
    inspect.EnumType: None,
    inspect.ListType: None,
    inspect.BoolType: True,
    inspect.IntType: 1,
    inspect.DecimalType: 1,
    inspect.FloatType: 1,
    inspect.DateTimeType: "2026-11-02T08:15:00Z",
    inspect.DateType: "2026-11-02",
    inspect.UUIDType: "00000000-0000-0000-0000-000000000000",
}
"""Kind of value -> a sample; None where it depends on more than the kind."""


def sample(body: type[WriteBody], field: str) -> Any:
    """A valid JSON value for a field of a body, never null.

    Raises:
        KeyError: the body has no such field.
        TypeError: the field's type is one that this does not know.
    """
    info = inspect.type_info(body)
    if not isinstance(info, inspect.StructType):
        raise TypeError(f"{body.__name__} is no struct.")
    fields = {one.name: one for one in info.fields}
    return _value(fields[field].type)


def required_fields(body: type[WriteBody]) -> list[str]:
    """The fields without which the contract takes no such body."""
    return [field.name for field in msgspec.structs.fields(body) if field.required]


def _value(of: inspect.Type) -> Any:
    match of:
        case inspect.UnionType():
            # An absent field and null are no samples.
            kinds = [one for one in of.types if type(one) in _SAMPLES or isinstance(one, inspect.Metadata)]
            return _value(kinds[0])
        case inspect.Metadata():
            return _value(of.type)
        case inspect.StrType():
            return _TEXTS.get(of.pattern or "", "Sample")
        case inspect.EnumType():
            return next(iter(of.cls)).value
        case inspect.ListType():
            return [_value(of.item_type)]
    if type(of) not in _SAMPLES:
        raise TypeError(f"No sample is known for {of}.")
    return _SAMPLES[type(of)]
