"""What Webfleet's answers mean, in each of the shapes in which it tells an error."""

from typing import Any

import msgspec
import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from connectors.webfleet.webfleet_writes import DRIVER, create, message, update
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
from fleetwrite.connectors.webfleet.connector import CONNECTOR
from fleetwrite.connectors.webfleet.outcomes import NO_LOGIN_CODES, WebfleetError, is_login_refused, read_error
from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.kit.egress import HttpAnswer

CREATE = create(ResourceEnum.USER, {"first_name": "Kira", "employee_number": "D-901"})
UPDATE = update(ResourceEnum.USER, {"notes": "n"})


def answered(body: Any, headers: dict[str, str] | None = None, status: int = 200) -> HttpAnswer:
    content = body if isinstance(body, bytes) else msgspec.json.encode(body)
    return HttpAnswer(status=status, headers=CIMultiDictProxy(CIMultiDict(headers or {})), body=content, elapsed_s=0.1)


def coded(code: int, headers: dict[str, str] | None = None) -> HttpAnswer:
    return answered({"errorCode": code, "errorMsg": "Words of Webfleet's."}, headers)


def outcome_of(write: Write, answer: HttpAnswer) -> Outcome:
    return CONNECTOR.read_outcome(write, CONNECTOR.translate(write).call, answer)


SHAPES = {
    "object": answered({"errorCode": 8011, "errorMsg": "request quota reached"}),
    "object with a text for a number": answered({"errorCode": "8011", "errorMsg": "request quota reached"}),
    "headers": answered(b"", {"X-Webfleet-Errorcode": "8011", "X-Webfleet-Errormessage": "request%20quota%20reached"}),
    "line": answered(b"8011,request quota reached\r\n"),
    "line with a status": answered(b" 8011 , request quota reached", status=429),
}


@pytest.mark.parametrize("answer", SHAPES.values(), ids=SHAPES)
def test_an_error_is_read_in_each_of_its_shapes(answer: HttpAnswer) -> None:
    assert read_error(answer) == WebfleetError(8011, "request quota reached")


@pytest.mark.parametrize(
    "answer",
    [
        answered(b""),
        answered([]),
        answered([{"driverno": "8011"}]),
        answered({"errorMsg": "no code"}),
        answered(b"", {"X-Webfleet-Errorcode": "0"}),
        answered(b"<html>8011,</html>"),
    ],
)
def test_what_tells_no_error_is_none(answer: HttpAnswer) -> None:
    assert read_error(answer) is None


# code -> for a create, for an update.
CODES: dict[int, tuple[type[Outcome], type[Outcome]]] = {
    **dict.fromkeys(sorted(NO_LOGIN_CODES), (AuthFailed, AuthFailed)),
    8: (Forbidden, Forbidden),
    45: (Forbidden, Forbidden),
    60: (Uncertain, Transient),
    63: (Rejected, Rejected),
    1180: (Rejected, Rejected),
    8011: (Throttled, Throttled),
    8015: (Transient, Transient),
    9199: (Uncertain, Transient),
    10000: (Throttled, Throttled),
    4711: (Rejected, Rejected),
}


@pytest.mark.parametrize("code", CODES)
def test_a_code_decides_whatever_the_status(code: int) -> None:
    for answer in (coded(code), answered(f"{code},Words of Webfleet's.".encode(), status=500)):
        assert (type(outcome_of(CREATE, answer)), type(outcome_of(UPDATE, answer))) == CODES[code]


@pytest.mark.parametrize(
    ("status", "on_create", "on_update"),
    [
        (302, Transient, Transient),
        (401, AuthFailed, AuthFailed),
        (403, Forbidden, Forbidden),
        (404, Rejected, Rejected),
        (429, Throttled, Throttled),
        (500, Uncertain, Transient),
        (503, Uncertain, Transient),
    ],
)
def test_without_a_code_the_status_decides(status: int, on_create: type[Outcome], on_update: type[Outcome]) -> None:
    answer = answered(b"<html>Bad day</html>", status=status)

    assert type(outcome_of(CREATE, answer)) is on_create
    assert type(outcome_of(UPDATE, answer)) is on_update


@pytest.mark.parametrize("body", [b"", b"\r\n", b"[]", b"{}"])
def test_nothing_is_the_answer_of_a_write_that_was_done(body: bytes) -> None:
    assert outcome_of(UPDATE, answered(body)) == Applied(source_id=DRIVER.source_id, source_data={})
    assert isinstance(outcome_of(message(), answered(body)), Applied)


def test_a_page_of_somebody_in_between_is_no_success() -> None:
    outcome = outcome_of(message(), answered(b"<html>Welcome</html>"))

    assert isinstance(outcome, Uncertain)
    assert outcome.details.startswith("HTTP 200 from Webfleet to sendTextMessageExtern: <html>Welcome</html>")


def test_a_busy_resource_is_left_alone_as_long_as_webfleets_own_client_does() -> None:
    assert [getattr(outcome_of(CREATE, coded(code)), "retry_after_s", 0) for code in (10000, 8011)] == [30, None]
    told = outcome_of(CREATE, coded(10000, {"Retry-After": "7"}))
    assert isinstance(told, Throttled)
    assert told.retry_after_s == 7


def test_a_refusal_names_action_code_and_words() -> None:
    outcome = outcome_of(CREATE, coded(4711))

    assert outcome == Rejected(details="HTTP 200 from Webfleet to insertDriverExtern: 4711 Words of Webfleet's.")


def test_a_refused_login_is_told_by_code_or_status() -> None:
    assert is_login_refused(coded(1101))
    assert is_login_refused(answered(b"", status=401))
    assert not is_login_refused(coded(45))
    assert not is_login_refused(answered([]))
