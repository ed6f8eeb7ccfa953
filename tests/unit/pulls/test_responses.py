"""What is shown of an answer to a read that failed."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict, CIMultiDictProxy

from fleetwrite.kit.egress import HttpAnswer
from fleetwrite.pulls.responses import LONGEST, response_of, secrets_in

SECRET = "s3cr3t-token"


def answer(body: bytes, **headers: str) -> HttpAnswer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return HttpAnswer(400, CIMultiDictProxy(CIMultiDict(named)), body, 0.0)


def test_without_an_answer_there_is_the_reason_alone() -> None:
    assert response_of("The answer was lost.", None, ()) == {"error": "The answer was lost."}


def test_secrets_are_masked_wherever_they_stand() -> None:
    shown = response_of(
        f"refused {SECRET}",
        answer(f"<p>{SECRET}</p>".encode(), X_Request_ID=SECRET, Set_Cookie="session=1"),
        secrets_in({"token": SECRET, "pin": "123"}),
    )
    assert shown == {
        "error": "refused *****",
        "status_code": 400,
        "headers": {"X-Request-ID": "*****"},
        "body": "<p>*****</p>",
    }


def test_what_keys_call_a_secret_is_left_out() -> None:
    shown = response_of("no", answer(b'{"message": "no", "account": {"password": "hunter2"}}'), ())
    assert msgspec.json.decode(shown["body"]) == {"message": "no", "account": {"password": "[redacted]"}}


@given(st.binary(max_size=200), st.integers(1, 50))
def test_whatever_was_answered_can_be_stored_and_is_short(piece: bytes, times: int) -> None:
    shown = response_of("no", answer(piece * times * 10), ())
    assert len(shown["body"]) <= LONGEST + 3
    assert "\0" not in msgspec.json.decode(msgspec.json.encode(shown))["body"]
