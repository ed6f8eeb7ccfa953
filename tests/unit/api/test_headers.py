from datetime import UTC, datetime

import pytest

from fleetwrite.api.headers import LONGEST_NAME_LIST, is_lenient, name_list, preferences, read_directives, request_id
from fleetwrite.contract.enums import MessagePriorityEnum
from fleetwrite.contract.errors import ErrorType
from fleetwrite.operations.models import Directives


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("handling=lenient", {"handling": "lenient"}),
        ("Handling=LENIENT", {"handling": "lenient"}),
        ('handling="lenient"', {"handling": "lenient"}),
        ("respond-async, handling = lenient", {"respond-async": "", "handling": "lenient"}),
        ("handling=lenient; trace=1, wait=10", {"handling": "lenient", "wait": "10"}),
        ("handling=strict, handling=lenient", {"handling": "strict"}),
        ('note="a, handling=lenient", wait=1', {"note": "a, handling=lenient", "wait": "1"}),
        ('note="unclosed, handling=lenient', {"note": "unclosed, handling=lenient"}),
        ("", {}),
        (",,;=", {}),
    ],
)
def test_a_prefer_header_is_read_as_rfc_7240_has_it(value: str, expected: dict[str, str]) -> None:
    assert preferences(value) == expected


def test_leniency_is_off_unless_asked_for() -> None:
    assert is_lenient({"prefer": "handling=lenient"})
    assert not is_lenient({})
    assert not is_lenient({"prefer": "handling=strict"})


def test_directives_are_read_from_their_headers() -> None:
    given = {"fleetwrite-null": " Clear ", "fleetwrite-losses": "allow", "idempotency-key": "order-17/2"}

    directives, faults = read_directives(given)

    assert directives == Directives(clear_nulls=True, allow_losses=True, idempotency_key="order-17/2")
    assert faults == []


def test_losses_can_be_refused() -> None:
    assert read_directives({"fleetwrite-losses": "Refuse"}) == (Directives(refuse_losses=True), [])


def test_times_and_priority_are_read_from_their_headers() -> None:
    given = {
        "fleetwrite-expires-at": "2026-05-04T12:00:00+02:00",
        "fleetwrite-not-before": " 2026-05-04T09:00:00Z",
        "fleetwrite-priority": "HIGH",
    }

    directives, faults = read_directives(given)

    assert faults == []
    assert directives.expires_at == datetime(2026, 5, 4, 10, tzinfo=UTC)
    assert directives.not_before == datetime(2026, 5, 4, 9, tzinfo=UTC)
    assert directives.priority is MessagePriorityEnum.HIGH


def test_without_headers_nothing_is_directed() -> None:
    assert read_directives({}) == (Directives(), [])


@pytest.mark.parametrize(
    ("header", "value", "error_type"),
    [
        ("Fleetwrite-Null", "keep", ErrorType.ENUM),
        ("Fleetwrite-Null", "", ErrorType.ENUM),
        ("Fleetwrite-Losses", "maybe", ErrorType.ENUM),
        ("Idempotency-Key", "k" * 256, ErrorType.FORMAT),
        ("Idempotency-Key", "", ErrorType.FORMAT),
        ("Idempotency-Key", "two words", ErrorType.FORMAT),
        ("Idempotency-Key", "caf\xe9", ErrorType.FORMAT),
        ("Fleetwrite-Expires-At", "2026-05-04T10:00:00", ErrorType.FORMAT),
        ("Fleetwrite-Expires-At", "tomorrow", ErrorType.FORMAT),
        ("Fleetwrite-Expires-At", "", ErrorType.FORMAT),
        ("Fleetwrite-Not-Before", "1777888800", ErrorType.FORMAT),
        ("Fleetwrite-Not-Before", "0001-01-01T00:00:00+14:00", ErrorType.FORMAT),
        ("Fleetwrite-Priority", "urgent", ErrorType.ENUM),
        ("Fleetwrite-Priority", "", ErrorType.ENUM),
    ],
)
def test_a_directive_we_do_not_know_is_a_fault_that_names_its_header(
    header: str, value: str, error_type: ErrorType
) -> None:
    _, (fault,) = read_directives({header.lower(): value})

    assert fault.path == f"header.{header}"
    assert fault.error_type is error_type
    assert fault.message


def test_an_idempotency_key_may_have_255_characters() -> None:
    directives, faults = read_directives({"idempotency-key": "k" * 255})

    assert directives.idempotency_key == "k" * 255
    assert faults == []


def test_a_fit_request_id_is_kept() -> None:
    assert request_id({"x-request-id": "trace/1:2"}) == "trace/1:2"


@pytest.mark.parametrize("unfit", ["", "a b", "x" * 129, "caf\xe9", "line\nbreak"])
def test_an_unfit_request_id_is_replaced(unfit: str) -> None:
    made = request_id({"x-request-id": unfit})

    assert made != unfit
    assert len(made) == 36


def test_a_list_of_names_fits_into_a_header_line_and_tells_when_it_was_cut() -> None:
    assert name_list(["vin", "notes"]) == "vin, notes"
    assert name_list([]) == ""

    cut = name_list(f"field_{number}" for number in range(5000))

    assert len(cut) <= LONGEST_NAME_LIST
    assert cut.startswith("field_0, field_1, ")
    assert cut.endswith(", ...")
