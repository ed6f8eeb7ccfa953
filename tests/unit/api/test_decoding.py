import json
from decimal import Decimal
from typing import Annotated, Any, TypeVar
from uuid import UUID

import msgspec
import pytest
from msgspec import UNSET, Meta, Struct

from fleetwrite.api.decoding import (
    MAX_FAULTS,
    Decoded,
    InvalidBodyError,
    MalformedJsonError,
    decode_body,
    decode_query,
)
from fleetwrite.contract.enums import DvirLogTypeEnum, ResourceEnum
from fleetwrite.contract.errors import ErrorType, ValidationErrorDetail
from fleetwrite.contract.notifications import WebhookCreate
from fleetwrite.contract.telematics import (
    WRITE_BODIES,
    DvirLogCreate,
    FuelTransactionCreate,
    GroupMessageCreate,
    Instant,
    MessageCreate,
    UserCreate,
    VehicleCreate,
    VehicleUpdate,
)
from fleetwrite.contract.tsps import SourceName, TspEnum

StructT = TypeVar("StructT", bound=Struct)

SOURCE_NAMES = frozenset({*TspEnum, "acme_fleet"})

ID = "018f3c5e-7a51-7c3e-9d59-0a1b2c3d4e5f"
FUEL = {"connection_id": ID, "driver_id": ID, "vehicle_id": ID, "fuel_volume": 1, "fuel_volume_unit": "LITER"}


def decode(struct_type: type[StructT], body: Any, *, lenient: bool = False) -> Decoded[StructT]:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return decode_body(struct_type, raw, lenient=lenient, source_names=SOURCE_NAMES)


def faults(struct_type: type[Struct], body: Any, *, lenient: bool = False) -> list[ValidationErrorDetail]:
    with pytest.raises(InvalidBodyError) as caught:
        decode(struct_type, body, lenient=lenient)
    return caught.value.details


def only_fault(struct_type: type[Struct], body: Any) -> ValidationErrorDetail:
    (fault,) = faults(struct_type, body)
    return fault


def with_field(text: str, **others: Any) -> bytes:
    """A fuel purchase with one more field, given as JSON text."""
    body = json.dumps({key: value for key, value in (FUEL | others).items() if f'"{key}"' not in text})
    return (body[:-1] + ", " + text + "}").encode()


# --- what is accepted -------------------------------------------------------------------------------------------


def test_absent_and_null_stay_apart() -> None:
    body = decode(VehicleUpdate, {"connection_id": ID, "vin": None}).body

    assert body.vin is None
    assert body.oem is UNSET


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1.10", "1.10"),
        ("0.1000000000000000000000000001", "0.1000000000000000000000000001"),
        ("1E+2", "1E+2"),
        ("2.5e-3", "0.0025"),
        ("-0.0", "-0.0"),
        ("12345678901234.123456789", "12345678901234.123456789"),
        ("1e15", "1E+15"),
    ],
)
def test_numbers_keep_their_digits(text: str, value: str) -> None:
    volume = decode(FuelTransactionCreate, with_field(f'"fuel_volume": {text}')).body.fuel_volume

    assert str(volume) == value


@pytest.mark.parametrize("text", ["12.50", '"12.50"', '"+012.50"', '"12\\u002e50"'])
def test_cost_may_be_a_number_or_a_decimal_string(text: str) -> None:
    cost = decode(FuelTransactionCreate, with_field(f'"total_cost": {text}')).body.total_cost

    assert cost == Decimal("12.50")


def test_log_type_of_an_inspection_defaults_to_unknown() -> None:
    assert decode(DvirLogCreate, {"connection_id": ID, "driver_id": ID}).body.log_type is DvirLogTypeEnum.UNKNOWN


def test_an_empty_list_of_recipients_is_left_to_the_service() -> None:
    body = {"connection_id": ID, "sender_id": ID, "recipient_ids": []}

    assert decode(GroupMessageCreate, body).body.recipient_ids == []


def test_text_that_resembles_json_is_text() -> None:
    text = 'say "vin": "x", {"vin": [1]} and \\u0000 as six characters'

    assert decode(VehicleCreate, {"connection_id": ID, "notes": text}).body.notes == text


def test_names_may_be_written_with_escapes_and_blanks() -> None:
    raw = b'{ "connection_id" :\n"%s" , "\\u0076in"\t: "X" }' % ID.encode()

    assert decode(VehicleCreate, raw).body.vin == "X"


def test_nested_structs_are_decoded() -> None:
    body = {"url": "https://example.com/x", "event_name": "resource_operation.*", "filters": {"fleet_ids": [ID]}}

    filters = decode(WebhookCreate, body).body.filters

    assert filters
    assert filters.fleet_ids == [UUID(ID)]


# --- what is not JSON -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"{", "line 1, column 2"),
        (b'{"vin": "a" "b"}', "not JSON"),
        (b"{'vin': 1}", "not JSON"),
        (b'{"vin": NaN}', "NaN is no JSON value"),
        (b'{"vin": -Infinity}', "-Infinity is no JSON value"),
        (b'{"fuel_volume": 01}', "not JSON"),
        (b'{"vin": "\xff"}', "not UTF-8 (byte 9)"),
        (b'{"vin": "\xed\xa0\x80"}', "not UTF-8"),
        (b'\xff\xfe{\x00"\x00', "not UTF-8"),
        (b"\xef\xbb\xbf{}", "byte order mark"),
        (b'{"vin": "a\x00b"}', "not JSON"),
        (b'{"connection_id": "%s", "vin": "a", "vin": "b"}' % ID.encode(), "vin appears twice"),
        (b'{"connection_id": "%s", "vin": "a", "\\u0076in" : "b"}' % ID.encode(), "vin appears twice"),
        (b'{"connection_id": "%s", "x": {"a": 1, "a": 2}}' % ID.encode(), "a appears twice"),
        (b"[" * 100_000, "nests deeper than 64 levels"),
        (b'{"x":' * 20_000 + b"1" + b"}" * 20_000, "nests deeper than 64 levels"),
        (b'{"a": "\\ud800", "\\ud800": 1, "\\ud800": 2}', "\\ud800 appears twice"),
    ],
)
@pytest.mark.parametrize("lenient", [False, True])
def test_what_is_not_json_is_malformed(raw: bytes, words: str, lenient: bool) -> None:
    with pytest.raises(MalformedJsonError) as caught:
        decode(VehicleCreate, raw, lenient=lenient)

    assert words in str(caught.value)
    str(caught.value).encode()


# --- faults -----------------------------------------------------------------------------------------------------


def test_all_faults_are_named_at_once() -> None:
    body = {
        "model_year": 2021.0,
        "vehicel_name": "Truck 7",
        "license_plate_country": "US",
        "status": "in_service",
        "is_active": "true",
        "total_axles": True,
        "notes": 5,
    }

    found = {fault.path: fault.error_type for fault in faults(VehicleCreate, body)}

    assert found == {
        "body.connection_id": ErrorType.MISSING,
        "body.model_year": ErrorType.TYPE,
        "body.vehicel_name": ErrorType.UNKNOWN_FIELD,
        "body.license_plate_country": ErrorType.FORMAT,
        "body.status": ErrorType.ENUM,
        "body.is_active": ErrorType.TYPE,
        "body.total_axles": ErrorType.TYPE,
        "body.notes": ErrorType.TYPE,
    }


@pytest.mark.parametrize(
    ("text", "path", "error_type"),
    [
        ('"fuel_volume": "1.10"', "fuel_volume", ErrorType.TYPE),
        ('"fuel_volume" : \n "1.10"', "fuel_volume", ErrorType.TYPE),
        ('"fuel_volume": "NaN"', "fuel_volume", ErrorType.TYPE),
        ('"fuel_volume": null', "fuel_volume", ErrorType.TYPE),
        ('"fuel_volume": false', "fuel_volume", ErrorType.TYPE),
        ('"fuel_volume": 1e999999999', "fuel_volume", ErrorType.RANGE),
        ('"fuel_volume": -1e99999999999999999999', "fuel_volume", ErrorType.RANGE),
        ('"fuel_volume": 1e-31', "fuel_volume", ErrorType.RANGE),
        ('"fuel_volume": 0e16', "fuel_volume", ErrorType.RANGE),
        ('"fuel_volume": 1000000000000000.1', "fuel_volume", ErrorType.RANGE),
        (f'"fuel_volume": {"9" * 5000}', "fuel_volume", ErrorType.RANGE),
        ('"latitude": 90.00000000000000000001', "latitude", ErrorType.RANGE),
        ('"longitude": -180.1', "longitude", ErrorType.RANGE),
        ('"total_cost": "1e5"', "total_cost", ErrorType.FORMAT),
        ('"total_cost": "NaN"', "total_cost", ErrorType.FORMAT),
        ('"total_cost": " 1"', "total_cost", ErrorType.FORMAT),
        ('"total_cost": "1_000"', "total_cost", ErrorType.FORMAT),
        ('"total_cost": "1\\n"', "total_cost", ErrorType.FORMAT),
        ('"total_cost": ""', "total_cost", ErrorType.FORMAT),
        (f'"total_cost": "{"9" * 40}"', "total_cost", ErrorType.RANGE),
        (f'"total_cost": "{"0" * 101}"', "total_cost", ErrorType.FORMAT),
        ('"total_cost": []', "total_cost", ErrorType.TYPE),
        ('"transaction_time": "2026-05-04T10:00:00"', "transaction_time", ErrorType.FORMAT),
        ('"transaction_time": "0001-01-01T00:00:00+23:00"', "transaction_time", ErrorType.FORMAT),
        ('"transaction_time": 1777888000', "transaction_time", ErrorType.TYPE),
        ('"driver_id": "7"', "driver_id", ErrorType.FORMAT),
        ('"driver_id": null', "driver_id", ErrorType.TYPE),
        ('"fuel_volume_unit": "GALLON"', "fuel_volume_unit", ErrorType.ENUM),
        ('"fuel_vendor": "a\\u0000b"', "fuel_vendor", ErrorType.FORMAT),
        ('"fuel_vendor": "\\ud800"', "fuel_vendor", ErrorType.FORMAT),
        ('"driver_id": "\\ud800"', "driver_id", ErrorType.FORMAT),
        ('"transaction_time": "\\udfff"', "transaction_time", ErrorType.FORMAT),
        ('"fuel_type": "\\ud800"', "fuel_type", ErrorType.ENUM),
    ],
)
def test_one_fault_is_named_with_its_place_and_kind(text: str, path: str, error_type: ErrorType) -> None:
    fault = only_fault(FuelTransactionCreate, with_field(text))

    assert (fault.path, fault.error_type) == (f"body.{path}", error_type)
    assert len(fault.input) <= 200


@pytest.mark.parametrize(
    ("field", "value", "error_type"),
    [
        ("model_year", "2021", ErrorType.TYPE),
        ("model_year", 2**31, ErrorType.RANGE),
        ("model_year", -(2**31) - 1, ErrorType.RANGE),
        ("model_year", 10**30, ErrorType.RANGE),
        ("license_plate_country", "USA\n", ErrorType.FORMAT),
        ("license_plate_country", "U-A", ErrorType.FORMAT),
    ],
)
def test_bounds_of_a_vehicle(field: str, value: object, error_type: ErrorType) -> None:
    assert only_fault(VehicleCreate, {"connection_id": ID, field: value}).error_type is error_type


@pytest.mark.parametrize("value", ["2026-02-30", "2026-05-04T00:00:00Z", "04.05.2026", ""])
def test_a_date_must_be_one_of_the_calendar(value: str) -> None:
    fault = only_fault(UserCreate, {"connection_id": ID, "license_expiration": value})

    assert (fault.error_type, fault.message) == (ErrorType.FORMAT, "Must be a date such as 2026-05-04.")


def test_positions_in_lists_are_part_of_the_path() -> None:
    found = faults(GroupMessageCreate, {"connection_id": ID, "sender_id": ID, "recipient_ids": ["x", ID, 5]})

    assert [(fault.path, fault.input) for fault in found] == [
        ("body.recipient_ids.0", "x"),
        ("body.recipient_ids.2", "5"),
    ]


@pytest.mark.parametrize(
    ("raw", "shown"), [(b"[]", "[]"), (b"null", "null"), (b"5", "5"), (b'"x"', "x"), (b"1.50", "1.50")]
)
def test_a_body_must_be_an_object(raw: bytes, shown: str) -> None:
    fault = only_fault(VehicleCreate, raw)

    assert (fault.path, fault.error_type, fault.input) == ("body", ErrorType.TYPE, shown)


def test_enum_faults_list_few_values_and_guess_among_many() -> None:
    few = only_fault(MessageCreate, {"connection_id": ID, "sender_id": ID, "recipient_id": ID, "priority": "urgent"})
    many = only_fault(UserCreate, {"connection_id": ID, "default_time_zone": "america/new york"})

    assert few.message == "Must be one of high, low, medium."
    assert many.message == "Must be one of 169 values. Did you mean America/New_York?"


def test_a_misspelt_field_gets_a_suggestion() -> None:
    fault = only_fault(VehicleCreate, {"connection_id": ID, "vehicel_name": {"a": [1.50, True, None]}})

    assert fault.message == "There is no such field. Did you mean vehicle_name?"
    assert fault.input == '{"a": [1.5, true, null]}'


def test_a_missing_field_says_what_is_wanted() -> None:
    fault = only_fault(FuelTransactionCreate, {key: value for key, value in FUEL.items() if key != "fuel_volume_unit"})

    assert fault.message == "Is required: send one of CUBIC_METER, IMPERIAL_GALLON, LITER, US_GALLON."
    assert fault.input == ""


def test_secrets_are_not_repeated_even_under_a_misspelt_name() -> None:
    body = {"url": "https://example.com", "event_name": "vehicle.*", "secret": 12345, "sceret": "open sesame"}

    found = {fault.path: fault.input for fault in faults(WebhookCreate, body)}

    assert found == {"body.secret": "*****", "body.sceret": "*****"}


def test_faults_can_be_sent_whatever_the_names_hold() -> None:
    found = faults(VehicleCreate, b'{"\\ud800\\u0000": "\\udfff", "%s": 1}' % (b"x" * 9000))

    assert [fault.path[:20] for fault in found] == ["body.connection_id", "body.\\ud800\\u0000", "body.xxxxxxxxxxxxxxx"]
    assert all(len(fault.path) < 200 for fault in found)
    msgspec.json.encode(found)


def test_a_hostile_body_gets_a_bounded_answer() -> None:
    body = {"connection_id": ID, "sender_id": ID, "recipient_ids": list(range(50_000))}

    found = faults(GroupMessageCreate, body)

    assert len(found) == MAX_FAULTS
    assert found[-1].message.endswith("More faults follow that are not listed here.")


HOSTILE: dict[str, tuple[type[Struct], str]] = {
    "a decimal of many digits": (FuelTransactionCreate, '{"total_cost": "%s"}' % ("1" * 250_000 + "x")),
    "a decimal of many zeros": (FuelTransactionCreate, '{"total_cost": "%s"}' % ("0" * 250_000 + "x")),
    "one long number": (FuelTransactionCreate, '{"fuel_volume": %s}' % ("9" * 250_000)),
    "one long integer": (VehicleCreate, '{"model_year": %s}' % ("9" * 250_000)),
    "a long enum value": (VehicleCreate, '{"status": "%s"}' % ("IN_SERVIC" * 28_000)),
    "a long field name": (VehicleCreate, '{"' + "vehicle_name" * 20_000 + '": 1}'),
    "a long URL": (WebhookCreate, '{"url": "http://%s"}' % ("a:@/?#[]" * 30_000)),
    "many unknown fields": (VehicleCreate, "{" + ",".join(f'"field{n}":1' for n in range(20_000)) + "}"),
    "many empty lists": (VehicleCreate, "[" + "[]," * 80_000 + "[]]"),
    "many escaped quotes": (VehicleCreate, '{"a": "' + '\\"' * 120_000),
    "many unended strings": (VehicleCreate, '"\\' * 120_000),
    "a repeated name among many": (VehicleCreate, "{" + ",".join(f'"f{n % 19_999}":1' for n in range(20_000)) + "}"),
}


@pytest.mark.parametrize("case", HOSTILE)
@pytest.mark.parametrize("lenient", [False, True])
def test_a_hostile_body_takes_no_more_time_than_its_length(case: str, lenient: bool) -> None:
    # Where an algorithm is not linear in the body, this takes minutes instead of milliseconds.
    struct_type, text = HOSTILE[case]

    with pytest.raises((InvalidBodyError, MalformedJsonError)):
        decode(struct_type, text.encode(), lenient=lenient)


def test_a_struct_that_tolerates_unknown_fields_is_refused_as_a_body() -> None:
    class Open(Struct):
        name: str

    with pytest.raises(TypeError, match="must forbid unknown fields"):
        decode(Open, {"name": "x"})


def test_a_union_that_no_fault_could_describe_is_refused_as_a_body() -> None:
    class Ambiguous(Struct, forbid_unknown_fields=True):
        value: int | str

    with pytest.raises(TypeError, match="one type or null"):
        decode(Ambiguous, {"value": 1})


class FreeForm(Struct, forbid_unknown_fields=True):
    credentials: dict[str, Any]


@pytest.mark.parametrize(
    ("value", "error_type"),
    [
        ({"a": {"b": ["\x00"]}}, ErrorType.FORMAT),
        ({"\x00": 1}, ErrorType.FORMAT),
        ({"a": [10**40]}, ErrorType.RANGE),
    ],
)
def test_free_form_values_must_be_storable_too(value: Any, error_type: ErrorType) -> None:
    assert only_fault(FreeForm, {"credentials": value}).error_type is error_type


# --- lenient ----------------------------------------------------------------------------------------------------


def test_lenient_ignores_unknown_fields_at_any_level_and_names_them() -> None:
    body = {
        "url": "https://example.com/x",
        "event_name": "vehicle.*",
        "filters": {"fleet_refs": ["a"], "colour": {"x": 1}},
        "größe,\r\n": 1,
    }

    decoded = decode(WebhookCreate, body, lenient=True)

    assert decoded.ignored_fields == ("gr%C3%B6%C3%9Fe%2C%0D%0A", "filters.colour")
    assert decoded.body.filters
    assert decoded.body.filters.fleet_refs == ["a"]


def test_lenient_keeps_the_digits_of_numbers() -> None:
    decoded = decode(FuelTransactionCreate, with_field('"fuel_volume": 1.10, "x": 1'), lenient=True)

    assert str(decoded.body.fuel_volume) == "1.10"
    assert decoded.ignored_fields == ("x",)


def test_lenient_tolerates_nothing_else() -> None:
    found = faults(VehicleCreate, {"x": 1, "model_year": "2021"}, lenient=True)

    assert {fault.path for fault in found} == {"body.connection_id", "body.model_year"}


def test_lenient_names_a_bounded_number_of_fields() -> None:
    body = {"connection_id": ID} | {f"field_{number:05}" + "x" * 500: 1 for number in range(1000)}

    ignored = decode(VehicleCreate, body, lenient=True).ignored_fields

    assert len(ignored) == 51
    assert ignored[-1] == "..."
    assert sum(map(len, ignored)) < 8000


def test_nothing_is_ignored_where_nothing_is_unknown() -> None:
    assert decode(VehicleCreate, {"connection_id": ID}, lenient=True).ignored_fields == ()


# --- query ------------------------------------------------------------------------------------------------------


class Query(Struct, frozen=True):
    cursor: str | None = None
    size: Annotated[int, Meta(ge=1, le=1000)] = 300
    is_driver: bool | None = None
    fleet_refs: Annotated[list[str], Meta(max_length=2)] | None = None
    connection_id: UUID | None = None
    from_datetime: Instant | None = None
    resource: ResourceEnum | None = None


def decoded_query(*items: tuple[str, str]) -> Query:
    return decode_query(Query, items, source_names=SOURCE_NAMES)


def query_fault(*items: tuple[str, str]) -> ValidationErrorDetail:
    with pytest.raises(InvalidBodyError) as caught:
        decoded_query(*items)
    (fault,) = caught.value.details
    return fault


def test_an_empty_query_gives_the_defaults() -> None:
    assert decoded_query() == Query()


def test_query_values_are_read_as_their_types() -> None:
    query = decoded_query(
        ("size", "5"),
        ("fleet_refs", "a"),
        ("connection_id", ID),
        ("fleet_refs", "12"),
        ("from_datetime", "2026-05-04T10:00:00+02:00"),
        ("resource", "vehicle"),
        ("cursor", "7"),
    )

    assert query.size == 5
    assert query.fleet_refs == ["a", "12"]
    assert query.connection_id == UUID(ID)
    assert query.from_datetime
    assert query.from_datetime.isoformat() == "2026-05-04T10:00:00+02:00"
    assert query.resource is ResourceEnum.VEHICLE
    assert query.cursor == "7"


@pytest.mark.parametrize(
    ("text", "value"), [("true", True), ("True", True), ("1", True), ("false", False), ("FALSE", False), ("0", False)]
)
def test_booleans_of_a_query(text: str, value: bool) -> None:
    assert decoded_query(("is_driver", text)).is_driver is value


@pytest.mark.parametrize(
    ("name", "text", "error_type"),
    [
        ("size", "0", ErrorType.RANGE),
        ("size", "1001", ErrorType.RANGE),
        ("size", "9" * 9000, ErrorType.RANGE),
        ("size", "5.0", ErrorType.TYPE),
        ("size", "\N{ARABIC-INDIC DIGIT FIVE}", ErrorType.TYPE),
        ("size", "", ErrorType.TYPE),
        ("is_driver", "yes", ErrorType.TYPE),
        ("connection_id", "", ErrorType.FORMAT),
        ("from_datetime", "2026-05-04T10:00:00", ErrorType.FORMAT),
        ("from_datetime", "2026-05-04T10:00:00 02:00", ErrorType.FORMAT),
        ("resource", "vehicles", ErrorType.ENUM),
        ("cursor", "a\x00", ErrorType.FORMAT),
        ("sise", "5", ErrorType.UNKNOWN_FIELD),
    ],
)
def test_one_fault_of_a_query(name: str, text: str, error_type: ErrorType) -> None:
    fault = query_fault((name, text))

    assert (fault.path, fault.error_type) == (f"query.{name}", error_type)


def test_a_single_parameter_must_not_be_repeated() -> None:
    fault = query_fault(("size", "1"), ("size", "2"))

    assert (fault.path, fault.message) == ("query.size", "Is given more than once; give it once.")


def test_a_list_has_its_limit() -> None:
    fault = query_fault(*[("fleet_refs", str(number)) for number in range(3)])

    assert (fault.path, fault.message) == ("query.fleet_refs", "Must have at most 2 items.")


def test_unknown_parameters_may_be_repeated_and_stay_one_fault() -> None:
    assert query_fault(("x", "1"), ("x", "2")).error_type is ErrorType.UNKNOWN_FIELD


@pytest.mark.parametrize("struct_type", WRITE_BODIES.values())
def test_an_empty_object_is_no_write(struct_type: type[Struct]) -> None:
    with pytest.raises(InvalidBodyError) as caught:
        decode(struct_type, {})

    assert "body.connection_id" in {fault.path for fault in caught.value.details}


# --- names of providers -----------------------------------------------------------------------------------------


class Named(Struct, frozen=True, forbid_unknown_fields=True):
    source_name: SourceName | None = None
    source_names: list[SourceName] = []


class NamedQuery(Struct, frozen=True):
    source_name: SourceName | None = None


@pytest.mark.parametrize("name", ["samsara", "acme_fleet"])
def test_a_provider_that_the_contract_or_a_connector_names_is_known(name: str) -> None:
    body = {"source_name": name, "source_names": [name]}
    assert decode(Named, body).body == Named(name, [name])
    assert decode(Named, {**body, "more": 1}, lenient=True).body == Named(name, [name])
    query = decode_query(NamedQuery, [("source_name", name)], source_names=SOURCE_NAMES)
    assert query == NamedQuery(name)


@pytest.mark.parametrize("names", [SOURCE_NAMES, frozenset({"acme_fleet", "samsara"})])
def test_any_other_is_told_which_there_are(names: frozenset[str]) -> None:
    known = f"one of {len(names)} values" if len(names) > 2 else "one of acme_fleet, samsara"
    message = f"Must be {known}. Did you mean acme_fleet?"
    for body in (b'{"source_name": "acme_flet"}', b'{"source_names": ["samsara", "acme_flet"]}'):
        with pytest.raises(InvalidBodyError) as refused:
            decode_body(Named, body, lenient=False, source_names=names)
        assert [(one.error_type, one.message) for one in refused.value.details] == [(ErrorType.ENUM, message)]
    with pytest.raises(InvalidBodyError) as refused:
        decode_query(NamedQuery, [("source_name", "acme_flet")], source_names=names)
    assert [(one.path, one.message) for one in refused.value.details] == [("query.source_name", message)]
