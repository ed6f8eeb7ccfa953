"""JSON Schemas of msgspec Structs: for the OpenAPI document, and stricter ones for validation."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

import msgspec

INT32: Final = (-(2**31), 2**31 - 1)
"""Bounds of integers in requests. The contract has none; clients generated from it hold 32 bits."""

MAX_MAGNITUDE: Final = Decimal(10**15)
"""Bound of numbers in requests: above any measure or amount, and below it doubles still hold whole units."""

MAX_FRACTION_DIGITS: Final = 30
"""Digits after the point in requests: doubles of any real measure are written with fewer."""

Schema = dict[str, Any]

_LEAF_KEYWORDS: Final = (
    "type",
    "format",
    "pattern",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "examples",
    "writeOnly",
)
_ARRAY_KEYWORDS: Final = ("minItems", "maxItems")
_OWN_KEYWORDS: Final = frozenset({"storableText", "storableNumber"})


def schema_components(types: Sequence[Any]) -> tuple[list[Schema], dict[str, Schema]]:
    """Return references to the schemas of `types`, and those schemas by name, for `#/components/schemas/`."""
    references, components = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")
    return [_with_wire_types(ref) for ref in references], {
        name: _with_wire_types(schema) for name, schema in components.items()
    }


def validation_schema(struct_type: type[msgspec.Struct]) -> Schema:
    """Return a schema of `struct_type` that names each fault exactly.

    Against the published schema: references are inlined and null is part of `type`, so that each fault has one
    keyword; objects are closed; and values that we could not store or hand on are refused by the keywords
    `storableText` and `storableNumber` (see `fleetwrite.api.faults`).

    Raises:
        TypeError: a field is a union of something else than one type and null.
    """
    (reference,), components = schema_components([struct_type])
    return _strict(reference, components)


def body_schema(struct_type: type[msgspec.Struct]) -> Schema:
    """Return the same schema for others to validate with: without our own keywords. Raises what the former raises."""
    schema: Schema = _without_own_keywords(validation_schema(struct_type))
    return schema


def is_storable_number(value: Decimal) -> bool:
    """Say whether `value` is a finite number of sane size: |value| <= 1e15, at most 30 digits after the point."""
    if not value.is_finite():
        return False
    exponent = value.as_tuple().exponent
    # A bound on the exponent itself, else 0e999999999 would pass and explode when it is written out.
    return (
        isinstance(exponent, int)
        and -MAX_FRACTION_DIGITS <= exponent <= MAX_MAGNITUDE.adjusted()
        and value.copy_abs() <= MAX_MAGNITUDE  # abs() would round
    )


def _with_wire_types(schema: Any) -> Any:
    """Apply `x-json-type`, the wire type of decimals, which msgspec takes for strings."""
    if isinstance(schema, list):
        return [_with_wire_types(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    refined = {key: _with_wire_types(value) for key, value in schema.items()}
    wire_type = refined.pop("x-json-type", None)
    if isinstance(wire_type, str | list):
        refined |= {"type": wire_type}
        del refined["format"]
    return refined


def _without_own_keywords(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_without_own_keywords(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {key: _without_own_keywords(value) for key, value in schema.items() if key not in _OWN_KEYWORDS}


def _strict(schema: Schema, components: dict[str, Schema]) -> Schema:
    if "$ref" in schema:
        return _strict(components[schema["$ref"].rsplit("/", 1)[1]], components)
    if "anyOf" in schema:
        options = [option for option in schema["anyOf"] if option != {"type": "null"}]
        if len(options) != 1:
            raise TypeError(f"a request field must be one type or null, not {schema['anyOf']}")
        return _nullable(_strict(options[0], components))
    if "enum" in schema:
        return {"type": "string", "enum": schema["enum"]}
    match schema.get("type"):
        case "object" if "properties" in schema:
            return {
                "type": "object",
                "properties": {name: _strict(value, components) for name, value in schema["properties"].items()},
                "required": schema["required"],
                "additionalProperties": False,
            }
        case "object" if "propertyNames" in schema:
            value = _strict(schema["additionalProperties"], components)
            names = dict.fromkeys(schema["propertyNames"]["enum"], value)
            return {"type": "object", "properties": names, "required": [], "additionalProperties": False}
        case "array" if "items" in schema:
            limits = {key: schema[key] for key in _ARRAY_KEYWORDS if key in schema}
            return {"type": "array", "items": _strict(schema["items"], components)} | limits
        case _:
            return _strict_leaf(schema)


def _strict_leaf(schema: Schema) -> Schema:
    # The type comes first: of one value's faults only the first is told.
    strict: Schema = {key: schema[key] for key in _LEAF_KEYWORDS if key in schema}
    strict |= dict.fromkeys(_OWN_KEYWORDS, True)
    if schema.get("type") == "integer":
        strict.setdefault("minimum", INT32[0])
        strict.setdefault("maximum", INT32[1])
    return strict


def _nullable(schema: Schema) -> Schema:
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    nullable = schema | {"type": [*types, "null"]}
    if "enum" in schema:
        nullable["enum"] = [*schema["enum"], None]
    return nullable
