"""What a provider takes, drawn from its manifest and tables: schemas of bodies, and what is lost of them. Pure."""

from collections.abc import Mapping
from enum import Enum, StrEnum
from typing import Any, Final

import msgspec
from msgspec import UNSET

from fleetwrite.connectors.sdk.manifest import Manifest, Offer
from fleetwrite.connectors.sdk.mapping import ByCode, Coded, Measure, NoPlace, Rule, Text, UnitOf, Value
from fleetwrite.contract.enums import ResourceEnum, ResourceOperationTypeEnum

Schema = dict[str, Any]

MEASURE: Final = "x-kept-as"
"""Keyword of a measure's schema: in which unit the provider keeps it, with how many digits after the point, and up to
which number of that unit (null: no bound is known)."""


class GroupSending(StrEnum):
    """How a message to several people is sent."""

    # In one call that names all of them.
    NATIVE = "native"
    # As a message to each.
    ONE_BY_ONE = "one_by_one"


class KnownLoss(msgspec.Struct, frozen=True, kw_only=True):
    """A field, or some values of it, that the provider can not hold.

    Attributes:
        reason: why.
        essential: a write with it is refused, unless losses are allowed.
        values: only these are lost; null: all.
    """

    field: str
    reason: str
    essential: bool
    values: list[Any] | None = None


def narrowed(body: Schema, offer: Offer) -> Schema:
    """The schema of the contract's body, with what the provider asks for beyond it.

    It describes what is written: a null, which leaves a field as it is, counts as absent.
    """
    properties: Schema = {}
    required = set(body["required"])
    companions: dict[str, list[str]] = {}
    for field, schema in body["properties"].items():
        rule = offer.table.get(field)
        if isinstance(rule, NoPlace) and field not in required:
            continue
        properties[field] = schema if rule is None else _of_rule(schema, rule)
        reason = _required(rule)
        if reason and offer.operation_type is ResourceOperationTypeEnum.CREATE:
            properties[field] = _described(_present(properties[field]), f"Required: {reason}")
            required.add(field)
        match rule:
            case Measure():
                companions[field] = [rule.unit_field]
            case UnitOf():
                companions[field] = [rule.field]
            case _:
                pass
    own = {"dependentRequired": companions} if companions else {}
    return {
        **body,
        "properties": properties,
        "required": [field for field in properties if field in required],
        **own,
    }


def known_losses(body: Schema, offer: Offer) -> list[KnownLoss]:
    """What of the contract's body the provider can not hold."""
    losses = []
    for field, schema in body["properties"].items():
        match offer.table.get(field):
            case NoPlace(reason=reason, essential=essential):
                losses.append(KnownLoss(field=field, reason=reason, essential=essential))
            case Coded(codes=codes, otherwise=reason):
                taken = _words(codes)
                lost = [value for value in schema.get("enum", ()) if value is not None and value not in taken]
                if lost:
                    losses.append(KnownLoss(field=field, reason=reason, essential=False, values=lost))
            case _:
                pass
    return losses


def clearable(body: Schema, offer: Offer) -> list[str]:
    """The fields that an update can empty at the provider (`Fleetwrite-Null: clear`)."""
    if offer.operation_type is not ResourceOperationTypeEnum.UPDATE:
        return []
    return [field for field in body["properties"] if _can_be_emptied(offer.table.get(field))]


def group_sending(manifest: Manifest) -> GroupSending | None:
    """How group messages are sent; None where the provider takes no messages."""
    offer = manifest.offer_of(ResourceEnum.GROUP_MESSAGE, ResourceOperationTypeEnum.CREATE)
    if offer is None:
        return None
    return GroupSending.ONE_BY_ONE if offer.is_fanned_out else GroupSending.NATIVE


def _of_rule(schema: Schema, rule: Rule) -> Schema:
    match rule:
        case Text():
            return _of_text(schema, rule)
        case Coded():
            # What is lost can be sent all the same, but is not what the provider takes.
            null = [None] if _is_nullable(schema) else []
            return {**schema, "enum": [*_words(rule.codes), *null]}
        case Measure():
            held = {"unit": rule.unit, "places": rule.places, "largest": rule.largest}
            words = f"Converted to {rule.unit.value}; `{MEASURE}` is how the provider keeps it."
            return _described({**schema, "minimum": 0, MEASURE: held}, words)
        case UnitOf():
            return _described(schema, f"The unit of {rule.field}, which is converted.")
        case ByCode():
            return _described(schema, rule.how + (" No update changes it." if rule.is_fixed else ""))
        case NoPlace():
            return _described(schema, f"Required by the contract, and lost: {rule.reason}")
        case Value():
            return schema


def _of_text(schema: Schema, rule: Text) -> Schema:
    narrow = dict(schema)
    if rule.min_length:
        narrow["minLength"] = max(rule.min_length, schema.get("minLength", 0))
    if rule.max_length is not None:
        narrow["maxLength"] = min(rule.max_length, schema.get("maxLength", rule.max_length))
        if rule.may_be_cut:
            words = f"Beyond {rule.max_length} characters it is cut with `Fleetwrite-Losses: allow`, else refused."
            narrow = _described(narrow, words)
    if rule.pattern is not None:
        # Beside the contract's own, where it has one.
        narrow["allOf"] = [{"pattern": f"^(?:{rule.pattern})$"}]
        narrow = _described(narrow, f"The provider takes {rule.pattern_meaning}.")
    return narrow


def _words(codes: Mapping[Any, Any]) -> list[Any]:
    return [value.value if isinstance(value, Enum) else value for value in codes]


def _required(rule: Rule | None) -> str:
    return "" if rule is None or isinstance(rule, UnitOf | NoPlace) else rule.required


def _can_be_emptied(rule: Rule | None) -> bool:
    match rule:
        case ByCode():
            return rule.can_be_emptied
        case Text() | Value() | Coded():
            return rule.emptied_by is not UNSET
        case _:
            return False


def _is_nullable(schema: Schema) -> bool:
    return isinstance(schema.get("type"), list) and "null" in schema["type"]


def _present(schema: Schema) -> Schema:
    """The schema without null."""
    if not _is_nullable(schema):
        return schema
    types = [name for name in schema["type"] if name != "null"]
    present = {**schema, "type": types[0] if len(types) == 1 else types}
    if "enum" in schema:
        present["enum"] = [value for value in schema["enum"] if value is not None]
    return present


def _described(schema: Schema, words: str) -> Schema:
    return {**schema, "description": " ".join(filter(None, (schema.get("description", ""), words)))}
