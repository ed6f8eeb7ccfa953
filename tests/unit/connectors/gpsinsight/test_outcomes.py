"""What GPS Insight's answers mean."""

from typing import Any

import msgspec
import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from connectors.gpsinsight.gpsinsight_writes import DRIVER, NOVAK, WORKING_NAME, create, message, update
from fleetwrite.connectors.gpsinsight.connector import CONNECTOR
from fleetwrite.connectors.gpsinsight.outcomes import GpsInsightError, read_error
from fleetwrite.connectors.sdk.outcome import (
    Applied,
    Outcome,
    Rejected,
    Throttled,
    Transient,
    Uncertain,
)
from fleetwrite.connectors.sdk.write import Write
from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.kit.egress import HttpAnswer

TRUCK = {"vehicle_name": "Truck 239", "vin": "1FUJGLDR9CSBB0239", "eld_serial_number": "4572250239"}
NEW_VEHICLE = create(ResourceEnum.VEHICLE, TRUCK)
NEW_DRIVER = create(ResourceEnum.USER, NOVAK)
UPDATE = update(ResourceEnum.USER, {"phone_number": "4805550101"})


def answered(body: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> HttpAnswer:
    content = body if isinstance(body, bytes) else msgspec.json.encode(body)
    return HttpAnswer(status=status, headers=CIMultiDictProxy(CIMultiDict(headers or {})), body=content, elapsed_s=0.1)


def done(data: Any) -> HttpAnswer:
    return answered({"head": {"status": "OK"}, "data": data})


def failed(code: Any, **how: Any) -> HttpAnswer:
    body = {"head": {"status": "ERROR"}, "errors": [{"code": code, "message": "Words of GPS Insight's."}]}
    return answered(body, **how)


def outcome_of(write: Write, answer: HttpAnswer) -> Outcome:
    return CONNECTOR.read_outcome(write, CONNECTOR.translate(write).call, answer)


@pytest.mark.parametrize(
    ("write", "data", "source_id"),
    [
        (NEW_VEHICLE, "Vehicle created", WORKING_NAME),
        (NEW_DRIVER, [{"driver_id": "4551485", "result": "Created"}], "4551485"),
        (NEW_DRIVER, [{"driver_id": 4551485, "result": "Created"}], "4551485"),
        (UPDATE, "Driver updated", DRIVER.source_id),
        (message(), "Message sent", "fleetwrite:0198c0de000070008000000000000001"),
    ],
)
def test_a_success_says_what_was_written_whatever_its_words(write: Write, data: Any, source_id: str) -> None:
    assert outcome_of(write, done(data)) == Applied(source_id=source_id, source_data={"answer": data})


@pytest.mark.parametrize(
    "answer",
    [
        answered(b""),
        answered(b"<html>a proxy's page</html>"),
        answered({"data": "Driver created"}),
        answered({"head": {"status": "ERROR"}, "errors": [], "data": [{"driver_id": "1"}]}),
        done("Driver created"),
        done([]),
        done([{"driver_id": ""}]),
        done([{"driver_id": "1"}, {"driver_id": "2"}]),
    ],
)
def test_an_answer_that_does_not_say_what_was_made_leaves_it_open(answer: HttpAnswer) -> None:
    assert isinstance(outcome_of(NEW_DRIVER, answer), Uncertain)


@pytest.mark.parametrize("code", [429, "429"])
def test_a_code_wins_over_the_status_and_its_wait_is_kept(code: Any) -> None:
    answer = failed(code, headers={"Retry-After": "9"})

    assert read_error(answer) == GpsInsightError(429, "Words of GPS Insight's.")
    outcome = outcome_of(NEW_DRIVER, answer)
    assert isinstance(outcome, Throttled)
    assert outcome.retry_after_s == 9


@pytest.mark.parametrize("code", [500, 502, 503, 504, 599, 1])
def test_what_went_wrong_behind_the_method_is_uncertain_for_creates_only(code: int) -> None:
    assert isinstance(outcome_of(NEW_DRIVER, failed(code)), Uncertain)
    assert isinstance(outcome_of(UPDATE, failed(code)), Transient)


def test_a_refusal_keeps_gps_insights_own_words() -> None:
    outcome = outcome_of(NEW_DRIVER, failed(400))

    assert isinstance(outcome, Rejected)
    assert outcome.details == "HTTP 200 from GPS Insight to /v2/driver/create/json: 400 Words of GPS Insight's."


@pytest.mark.parametrize(
    ("answer", "refused"),
    [
        (failed(403), True),
        (failed(401), True),
        (answered(b"", status=401), True),
        (answered(b"<html>a firewall's page</html>", status=403), False),
        (failed(400), False),
        (done([{"id": 403}]), False),
    ],
)
def test_a_session_that_is_not_known_is_told_from_all_else(answer: HttpAnswer, refused: bool) -> None:
    assert CONNECTOR.is_login_refused(answer) is refused
