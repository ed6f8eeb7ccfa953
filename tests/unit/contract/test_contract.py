"""Compares every Struct and enum of `fleetwrite.contract` with the facts of the contract, field by field.

The facts (`tests/fixtures/contract/*.json`) were derived once from the published API descriptions: names,
types and limits only.
"""

import enum
import importlib
import json
import pkgutil
import typing
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import msgspec
import pytest
from msgspec import UNSET, Meta, Struct, UnsetType

import fleetwrite.contract
from fleetwrite.contract import credentials, enums, errors, event_names, pages, telematics
from fleetwrite.contract.telematics import WRITE_BODIES, WriteBody

FIXTURES = Path(__file__).parents[2] / "fixtures" / "contract"
TELEMATICS: dict[str, Any] = json.loads((FIXTURES / "telematics.json").read_text())
PLATFORM: dict[str, Any] = json.loads((FIXTURES / "platform.json").read_text())
CREDENTIALS: dict[str, Any] = json.loads((FIXTURES / "credentials.json").read_text())
FACTS = {"telematics": TELEMATICS, "platform": PLATFORM, "credentials": CREDENTIALS}

LIMITS = ("minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "pattern", "const")

# What we accept is compared exactly; an answer may promise more than the contract asks: a field it calls
# optional is always there.
REQUESTS = {
    *(body.__name__ for body in WRITE_BODIES.values()),
    *CREDENTIALS["models"],
    "ConnectionCreate",
    "ConnectionUpdate",
    "WebhookCreate",
    "WebhookFilters",
    "InvitationCreate",
    "InvitationDecline",
    "ShareAgreementUpdate",
    "PartnerCreate",
    "PartnerUpdate",
    "PartnerPropertyCreate",
}

# Left out, these have a default of the partner's before that of the contract.
DEFAULTED_LATER = {("InvitationCreate", "expires_in_hours")}

NARROWED = {
    ("ValidationErrorDetail", "error_type"): "ErrorType",  # the contract leaves the words open
}

# Structs that are not a model of the contract themselves.
OWN = {
    WriteBody,
    telematics.VehicleBody,
    telematics.TrailerBody,
    telematics.UserBody,
    errors.BadGateway,
    errors.ContentTooLarge,
    credentials.CredentialShape,
    errors.UnsupportedMediaType,
    pages.CountedCursorPage,
}
OWN_NAMES = {struct.__name__ for struct in OWN} | {"TelematicsRead"}


def contract_types(base: type) -> dict[str, type]:
    found: dict[str, type] = {}
    for module_info in pkgutil.iter_modules(fleetwrite.contract.__path__, "fleetwrite.contract."):
        for value in vars(importlib.import_module(module_info.name)).values():
            if isinstance(value, type) and issubclass(value, base) and value.__module__ == module_info.name:
                found[value.__name__] = value
    return found


STRUCTS: dict[str, type[Struct]] = contract_types(Struct)
ENUMS: dict[str, type[enum.StrEnum]] = contract_types(enum.StrEnum)


def struct_for(api: str, model: str) -> Any:
    if (api, model) == ("telematics", "CursorPage"):
        return pages.CountedCursorPage[Any]
    if model in ("CursorPage", "EventEnvelope"):
        return STRUCTS[model][Any]  # type: ignore[index] # generic, which the mapping's type does not say
    return STRUCTS[model]


def type_facts(schema: dict[str, Any], components: dict[str, Any]) -> dict[str, Any]:
    """Read type, format, enum or model, items and limits from one property of a generated JSON Schema."""
    facts: dict[str, Any] = {limit: schema[limit] for limit in LIMITS if limit in schema}
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        is_enum = "enum" in components[name]
        return facts | ({"type": "string", "enum": name} if is_enum else {"type": "object", "model": name})
    if schema.get("enum") == ["Point"]:
        return facts | {"type": "string", "const": "Point"}
    facts["type"] = schema.get("x-json-type", schema.get("type", "any"))
    if schema.get("format", "decimal") != "decimal":
        facts["format"] = schema["format"]
    if facts["type"] == "array":
        facts["items"] = type_facts(schema.get("items", {}), components)
    values = schema.get("additionalProperties")
    if facts["type"] == "object" and values:
        facts["values"] = type_facts(values, components)
    return facts


def struct_facts(struct: Any) -> dict[str, dict[str, Any]]:
    """The facts of each field of `struct`, by its name on the wire."""
    (reference,), components = msgspec.json.schema_components([struct])
    schema = components[reference["$ref"].rsplit("/", 1)[1]]
    origin = typing.get_origin(struct) or struct
    facts = {}
    for field in msgspec.structs.fields(origin):
        prop = dict(schema["properties"][field.encode_name])
        options = prop.pop("anyOf", [prop])
        nullable = {"type": "null"} in options
        (option,) = [option for option in options if option != {"type": "null"}]
        facts[field.encode_name] = type_facts(option, components) | {
            "nullable": nullable,
            "required": field.encode_name in schema["required"],
            "may_be_absent": UnsetType in typing.get_args(field.type),
        }
        if field.default not in (msgspec.NODEFAULT, UNSET, None):
            facts[field.encode_name]["default"] = field.default
        elif field.default_factory is not msgspec.NODEFAULT:
            facts[field.encode_name]["default"] = field.default_factory()
    return facts


def differences(model: str, struct: Any, expected: dict[str, dict[str, Any]]) -> list[str]:
    """What `struct` says otherwise than the contract does; empty where they agree."""
    actual = struct_facts(struct)
    found = [f"{model}.{name} is missing" for name in expected.keys() - actual.keys()]
    found += [f"{model}.{name} is not in the contract" for name in actual.keys() - expected.keys()]
    if not found and list(actual) != list(expected):
        found.append(f"{model} has another order of fields")
    for name in [name for name in expected if name in actual]:
        found += [f"{model}.{name}: {fact}" for fact in field_differences(model, name, actual[name], expected[name])]
    return found


def field_differences(model: str, name: str, actual: dict[str, Any], expected: dict[str, Any]) -> list[str]:
    wanted = dict(expected)
    wanted_default = wanted.pop("default", None)
    if (model, name) in DEFAULTED_LATER:
        wanted_default = None
    required = wanted.pop("required")
    members = wanted.pop("enum_any_of", None)
    if members:
        wanted["enum"] = "WebhookSubscribableEvent"
    if (model, name) in NARROWED:
        wanted["enum"] = NARROWED[model, name]
    got = {key: value for key, value in actual.items() if key not in ("required", "may_be_absent", "default")}
    if wanted["type"] == "any":
        wanted["type"] = got["type"]
    found = [] if got == wanted else [f"is {got}, contract {wanted}"]
    if model in REQUESTS:
        if actual["required"] != required:
            found.append(f"required is {actual['required']}, contract {required}")
        if actual.get("default") != wanted_default:
            found.append(f"default is {actual.get('default')}, contract {wanted_default}")
    elif required and actual["may_be_absent"]:
        found.append("may be absent, contract requires it")
    elif "default" in actual and actual["default"] != wanted_default and "const" not in actual:
        found.append(f"default is {actual['default']}, contract {wanted_default}")
    return found


MODELS = [(api, model, fields) for api, facts in FACTS.items() for model, fields in facts["models"].items()]


@pytest.mark.parametrize(("api", "model", "fields"), MODELS, ids=[f"{api}-{name}" for api, name, _ in MODELS])
def test_struct_equals_the_contract(api: str, model: str, fields: dict[str, Any]) -> None:
    assert differences(model, struct_for(api, model), fields) == []


@pytest.mark.parametrize("facts", FACTS.values(), ids=FACTS.keys())
def test_enums_equal_the_contract(facts: dict[str, Any]) -> None:
    ours = {name: [member.value for member in ENUMS[name]] for name in facts["enums"]}

    assert ours == facts["enums"]


def test_every_struct_and_enum_is_compared() -> None:
    compared = {model for facts in FACTS.values() for model in facts["models"]}
    assert STRUCTS.keys() - OWN_NAMES == compared

    compared_enums = {name for facts in FACTS.values() for name in facts["enums"]}
    assert ENUMS.keys() - compared_enums == {"ErrorType", "WebhookSubscribableEvent"}


def test_the_shapes_of_credentials_are_the_contract_s_by_their_names() -> None:
    assert {name: shape.__name__ for name, shape in credentials.SHAPES.items()} == CREDENTIALS["conn_types"]
    assert [name for name in STRUCTS if name in CREDENTIALS["models"]] == CREDENTIALS["union"]


@pytest.mark.parametrize("model", CREDENTIALS["union"])
def test_the_secrets_of_a_shape_are_those_that_the_contract_masks(model: str) -> None:
    assert credentials.secrets_of(STRUCTS[model]) == set(CREDENTIALS["masked"][model])


def test_subscribable_events_are_all_names_and_all_wildcards() -> None:
    both = {*event_names.WebhookEventNameEnum, *event_names.WebhookCatchAllEvents}

    assert {str(event) for event in event_names.WebhookSubscribableEvent} == {str(event) for event in both}


def test_there_are_ten_writes_and_their_names_follow_their_keys() -> None:
    assert len(WRITE_BODIES) == 10
    for (resource, operation), body in WRITE_BODIES.items():
        words = [*resource.split("_"), operation]
        assert body.__name__ == "".join(word.capitalize() for word in words)


WELL = TELEMATICS["models"]["MessageCreate"]


class MessageCreateBase(WriteBody, frozen=True, kw_only=True):
    sender_id: Annotated[str, Meta(extra_json_schema={"format": "uuid"})]
    recipient_id: Annotated[str, Meta(extra_json_schema={"format": "uuid"})]
    message_text: str | UnsetType | None = UNSET


class Right(MessageCreateBase, frozen=True, kw_only=True):
    priority: enums.MessagePriorityEnum | UnsetType | None = UNSET
    reply_to_message_id: UUID | UnsetType | None = UNSET


class Missing(MessageCreateBase, frozen=True, kw_only=True):
    priority: enums.MessagePriorityEnum | UnsetType | None = UNSET


class Added(Right, frozen=True, kw_only=True):
    colour: str | UnsetType | None = UNSET


class Retyped(MessageCreateBase, frozen=True, kw_only=True):
    priority: int | UnsetType | None = UNSET
    reply_to_message_id: UUID | UnsetType | None = UNSET


class OtherEnum(MessageCreateBase, frozen=True, kw_only=True):
    priority: enums.MessageStatusEnum | UnsetType | None = UNSET
    reply_to_message_id: UUID | UnsetType | None = UNSET


class NotNullable(MessageCreateBase, frozen=True, kw_only=True):
    priority: enums.MessagePriorityEnum | UnsetType = UNSET
    reply_to_message_id: UUID | UnsetType | None = UNSET


class Required(MessageCreateBase, frozen=True, kw_only=True):
    priority: enums.MessagePriorityEnum | None
    reply_to_message_id: UUID | UnsetType | None = UNSET


class Limited(MessageCreateBase, frozen=True, kw_only=True):
    priority: enums.MessagePriorityEnum | UnsetType | None = UNSET
    reply_to_message_id: Annotated[str, Meta(max_length=36, extra_json_schema={"format": "uuid"})] | None = None


def test_the_comparison_accepts_a_right_struct() -> None:
    assert differences("MessageCreate", Right, WELL) == []


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        (Missing, "reply_to_message_id"),
        (Added, "colour"),
        (Retyped, "priority"),
        (OtherEnum, "priority"),
        (NotNullable, "priority"),
        (Required, "priority"),
        (Limited, "reply_to_message_id"),
    ],
)
def test_the_comparison_catches_a_wrong_struct(wrong: type[Struct], field: str) -> None:
    found = differences("MessageCreate", wrong, WELL)

    assert len(found) == 1
    assert found[0].startswith(f"MessageCreate.{field}")


def test_the_comparison_catches_an_answer_that_may_leave_out_a_required_field() -> None:
    class Careless(Struct):
        retry_after_seconds: int | UnsetType = UNSET
        message: str = ""

    expected = TELEMATICS["models"]["RetryAfterDetail"]

    assert differences("RetryAfterDetail", Careless, expected) == [
        "RetryAfterDetail.retry_after_seconds: may be absent, contract requires it",
        "RetryAfterDetail.message: default is , contract None",
    ]
