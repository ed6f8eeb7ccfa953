from typing import Any

import msgspec
import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from connectors.samsara.samsara_writes import ANY_ID, DRIVER, OPERATION_ID, OTHER_DRIVER, VEHICLE, create, update
from fleetwrite.connectors.samsara.connector import CONNECTOR
from fleetwrite.connectors.sdk.outcome import (
    Applied,
    AuthFailed,
    Forbidden,
    Outcome,
    Rejected,
    Throttled,
    Transient,
    Uncertain,
)
from fleetwrite.connectors.sdk.write import Write
from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.contract.enums import ResourceOperationErrorTypeEnum as ErrorCategory
from fleetwrite.kit.egress import HttpAnswer

TRAILER_CREATE = create(ResourceEnum.TRAILER, {"trailer_name": "TR-77"})
VEHICLE_CREATE = create(ResourceEnum.VEHICLE, {"vehicle_name": "Unit 412"})
VEHICLE_UPDATE = update(ResourceEnum.VEHICLE, {"notes": "n"})
MESSAGE = create(
    ResourceEnum.GROUP_MESSAGE,
    {"sender_id": ANY_ID, "recipient_ids": [ANY_ID], "message_text": "dock 4"},
    reference_lists={"recipient_ids": (DRIVER, OTHER_DRIVER)},
)
FUEL = create(
    ResourceEnum.FUEL_TRANSACTION,
    {
        "driver_id": ANY_ID,
        "vehicle_id": ANY_ID,
        "transaction_time": "2026-03-04T21:21:00Z",
        "location_string": "Dallas",
        "fuel_volume": 1,
        "fuel_volume_unit": "LITER",
        "total_cost": "1",
        "currency": "usd",
    },
)


def outcome_of(write: Write, status: int, body: Any = None, headers: dict[str, str] | None = None) -> Outcome:
    """What the connector makes of this answer to `write`. A body of bytes is sent as it is, others as JSON."""
    return CONNECTOR.read_outcome(write, CONNECTOR.translate(write).call, answered(status, body, headers))


def answered(status: int, body: Any, headers: dict[str, str] | None = None) -> HttpAnswer:
    content = body if isinstance(body, bytes) else msgspec.json.encode(body)
    return HttpAnswer(status=status, headers=CIMultiDictProxy(CIMultiDict(headers or {})), body=content, elapsed_s=0.1)


ERROR = {"message": "Invalid VIN.", "requestId": "a1b2"}

# status -> for a create, for an update.
ROWS = {
    302: (Transient, Transient),
    400: (Rejected, Rejected),
    401: (AuthFailed, AuthFailed),
    402: (Rejected, Rejected),
    403: (Forbidden, Forbidden),
    404: (Rejected, Rejected),
    405: (Rejected, Rejected),
    408: (Uncertain, Transient),
    409: (Uncertain, Uncertain),
    413: (Rejected, Rejected),
    422: (Rejected, Rejected),
    429: (Throttled, Throttled),
    500: (Uncertain, Transient),
    501: (Rejected, Rejected),
    502: (Uncertain, Transient),
    503: (Uncertain, Transient),
    504: (Uncertain, Transient),
    599: (Uncertain, Transient),
    600: (Uncertain, Transient),
}


@pytest.mark.parametrize(("status", "outcomes"), ROWS.items(), ids=map(str, ROWS))
def test_every_status_has_its_outcome(status: int, outcomes: tuple[type[Outcome], type[Outcome]]) -> None:
    for write, expected in zip((TRAILER_CREATE, VEHICLE_UPDATE), outcomes, strict=True):
        outcome = outcome_of(write, status, ERROR)

        assert type(outcome) is expected
        assert not isinstance(outcome, Applied)
        assert outcome.details.startswith(f"HTTP {status} from Samsara to ")
        assert outcome.details.endswith(": Invalid VIN. (requestId a1b2)")


def test_a_servers_fault_is_the_providers() -> None:
    outcome = outcome_of(VEHICLE_UPDATE, 500, ERROR)

    assert isinstance(outcome, Transient)
    assert outcome.error_type is ErrorCategory.TSP


@pytest.mark.parametrize("status", [403, 404, 405])
def test_organisations_without_the_assets_api_are_told_so(status: int) -> None:
    outcome = outcome_of(VEHICLE_CREATE, status, ERROR)

    assert isinstance(outcome, Forbidden if status == 403 else Rejected)
    assert "not enabled for this organisation" in outcome.details


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("write", [TRAILER_CREATE, VEHICLE_UPDATE], ids=["create", "update"])
def test_retry_after_is_read_to_the_fraction(write: Write, status: int) -> None:
    outcome = outcome_of(write, status, ERROR, {"Retry-After": "0.40235"})

    assert isinstance(outcome, Throttled)
    assert outcome.retry_after_s == pytest.approx(0.40235)


def test_a_date_to_wait_for_counts_by_the_providers_clock() -> None:
    headers = {"Retry-After": "Wed, 04 Mar 2026 21:22:00 GMT", "Date": "Wed, 04 Mar 2026 21:21:30 GMT"}

    outcome = outcome_of(TRAILER_CREATE, 429, ERROR, headers)

    assert isinstance(outcome, Throttled)
    assert outcome.retry_after_s == pytest.approx(30)


@pytest.mark.parametrize("date", [{}, {"Date": "yesterday"}, {"Date": "Wed, 04 Mar 2026 21:21:30 -0000"}], ids=str)
def test_a_provider_without_a_usable_clock_is_still_waited_for(date: dict[str, str]) -> None:
    headers = {"Retry-After": "Fri, 31 Dec 9999 23:59:59 GMT", **date}

    outcome = outcome_of(TRAILER_CREATE, 429, ERROR, headers)

    assert isinstance(outcome, Throttled)
    assert outcome.retry_after_s is not None
    assert outcome.retry_after_s > 0


def test_a_throttle_without_a_time_leaves_it_open() -> None:
    outcome = outcome_of(TRAILER_CREATE, 429, ERROR)

    assert isinstance(outcome, Throttled)
    assert outcome.retry_after_s is None


def test_a_throttle_that_only_tells_when_its_limit_is_reset_is_waited_for_until_then() -> None:
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "17"}

    outcome = outcome_of(TRAILER_CREATE, 429, ERROR, headers)

    assert isinstance(outcome, Throttled)
    assert outcome.retry_after_s == pytest.approx(17)


@pytest.mark.parametrize(
    "headers", [{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "17"}, {"Retry-After": "soon"}]
)
def test_a_server_that_breaks_down_may_have_written_whatever_it_says_of_limits(headers: dict[str, str]) -> None:
    assert isinstance(outcome_of(TRAILER_CREATE, 503, ERROR, headers), Uncertain)


@pytest.mark.parametrize(
    ("write", "body", "source_id"),
    [
        (TRAILER_CREATE, {"data": {"id": "42", "name": "TR-77"}}, "42"),
        (VEHICLE_CREATE, {"data": {"id": "43"}}, "43"),
        (VEHICLE_CREATE, {"id": "43", "type": "vehicle"}, "43"),
        (FUEL, {"data": {"uuid": "0a5a1f3e-0000-4000-8000-000000000001"}}, "0a5a1f3e-0000-4000-8000-000000000001"),
        (VEHICLE_UPDATE, {"data": {"id": VEHICLE.source_id}}, VEHICLE.source_id),
        (VEHICLE_UPDATE, {}, VEHICLE.source_id),
        (MESSAGE, {"data": [{"driverId": 45647}, {"driverId": 45646}]}, f"fleetwrite:{OPERATION_ID.hex}"),
    ],
)
@pytest.mark.parametrize("status", [200, 201])
def test_what_was_taken_is_applied_with_its_id(write: Write, body: Any, source_id: str, status: int) -> None:
    outcome = outcome_of(write, status, body)

    assert isinstance(outcome, Applied)
    assert outcome.source_id == source_id
    assert outcome.source_data == (body if write is MESSAGE else body.get("data", body))


@pytest.mark.parametrize(
    ("write", "body"),
    [
        (TRAILER_CREATE, {"data": {}}),
        (TRAILER_CREATE, {"data": []}),
        (TRAILER_CREATE, b"<html>Welcome to the depot's WiFi</html>"),
        (TRAILER_CREATE, b""),
        (FUEL, {"data": {"id": "1"}}),
        (VEHICLE_UPDATE, b"OK"),
        (MESSAGE, {"data": [{"driverId": 45646}]}),
        (MESSAGE, {"data": "sent"}),
        (MESSAGE, "sent"),
    ],
)
def test_a_success_that_does_not_say_what_was_written_is_uncertain(write: Write, body: Any) -> None:
    assert isinstance(outcome_of(write, 200, body), Uncertain)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("driver 7 does not exist", "driver 7 does not exist"),
        (b"upstream connect\nerror", "upstream connect error"),
        (b"\xff\xfe", "\ufffd\ufffd"),
        ({"error": "odd"}, '{"error":"odd"}'),
    ],
)
def test_errors_of_any_shape_are_readable(body: Any, message: str) -> None:
    outcome = outcome_of(MESSAGE, 400, body)

    assert isinstance(outcome, Rejected)
    assert outcome.details == f"HTTP 400 from Samsara to POST /v1/fleet/messages: {message}"


def test_an_answer_without_a_body_has_a_status_to_tell() -> None:
    outcome = outcome_of(MESSAGE, 400, b"")

    assert isinstance(outcome, Rejected)
    assert outcome.details == "HTTP 400 from Samsara to POST /v1/fleet/messages"


def test_long_messages_are_shortened() -> None:
    outcome = outcome_of(TRAILER_CREATE, 400, {"message": "x" * 2000, "requestId": "a1"})

    assert isinstance(outcome, Rejected)
    assert len(outcome.details) < 600
    assert outcome.details.endswith("... (requestId a1)")


def test_a_password_that_samsara_repeats_is_not_told_on() -> None:
    write = create(ResourceEnum.USER, {"is_driver": True, "first_name": "Ana", "username": "ana"})
    call = CONNECTOR.translate(write).with_secrets({"password": "s3cretWord"})
    for status in (200, 400):
        body = {"data": {"id": "1", "password": "s3cretWord"}, "message": "password s3cretWord is too weak"}

        assert "s3cretWord" not in str(CONNECTOR.read_outcome(write, call, answered(status, body)))
