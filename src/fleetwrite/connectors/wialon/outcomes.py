"""What Wialon's answers mean: a table by the error code in the body, as its errors come with HTTP 200."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from fleetwrite.connectors.sdk import outcome_table
from fleetwrite.connectors.sdk.outcome import Applied, Outcome, Rejected, Uncertain
from fleetwrite.connectors.sdk.outcome_table import Meaning, OutcomeTable, Row, both, read_json, refusal
from fleetwrite.connectors.sdk.write import Call, Write
from fleetwrite.connectors.wialon.services import (
    BATCH,
    CREATE_UNIT,
    EXEC_CMD,
    REGISTER_FILLING,
    UPDATE_DRIVER,
    UPDATE_TRAILER,
    params_of,
    service_of,
)
from fleetwrite.contract.enums import ResourceOperationTypeEnum
from fleetwrite.kit.egress import HttpAnswer

NO_SESSION: Final = frozenset({1, 1011})
"""The session is not known, or was moved or ended: the call was not looked at."""

ACCESS_DENIED: Final = 7
"""Also what is said of an item that does not exist."""

BAD_LOGIN: Final = frozenset({4, 7, 8})
"""What the login says of a token that it does not take: malformed, without rights, unknown."""

NO_MESSAGES: Final = 1001

NAMES: Final[Mapping[int, str]] = {
    -101: "wrong answer inside Wialon",
    -100: "time-out inside Wialon",
    1: "invalid session",
    2: "invalid service name",
    3: "invalid result",
    4: "invalid input",
    5: "error performing the request",
    6: "unknown error",
    7: "access denied, or no such item",
    8: "invalid user name or password",
    9: "authorisation server unavailable",
    10: "too many requests at a time",
    14: "billing error",
    1002: "something unique exists already, or the billing plan has no room",
    1003: "only one such request at a time",
    1005: "execution took too long",
    1011: "the session ended or was moved",
}
"""help.wialon.com, "Error codes", in our words."""

_UNKNOWN: Final = Row(Meaning.UNCERTAIN, Meaning.TRANSIENT)

OUTCOMES: Final = OutcomeTable(
    provider="Wialon",
    by_code={
        -101: _UNKNOWN,
        -100: _UNKNOWN,
        1: both(Meaning.NO_LOGIN),
        1011: both(Meaning.NO_LOGIN),
        2: both(Meaning.REJECTED),
        3: both(Meaning.REJECTED),
        4: both(Meaning.REJECTED),
        5: _UNKNOWN,
        6: _UNKNOWN,
        # Creates need a right to the account; updates one to the item, which says nothing about the next item.
        7: Row(Meaning.FORBIDDEN, Meaning.REJECTED),
        8: both(Meaning.NO_LOGIN),
        9: both(Meaning.TRANSIENT),
        10: both(Meaning.THROTTLED),
        14: both(Meaning.REJECTED),
        1002: both(Meaning.REJECTED),
        1003: both(Meaning.THROTTLED),
        1005: _UNKNOWN,
    },
    other_codes=_UNKNOWN,
)

_OF_SERVICE: Final[Mapping[str, OutcomeTable]] = {
    svc: msgspec.structs.replace(OUTCOMES, by_code={**OUTCOMES.by_code, **rows})
    for svc, rows in {
        # Its page has 5 for "failed to execute the command", and the right is one to this unit.
        EXEC_CMD.svc: {5: both(Meaning.TRANSIENT), ACCESS_DENIED: both(Meaning.REJECTED)},
        REGISTER_FILLING.svc: {ACCESS_DENIED: both(Meaning.REJECTED)},
    }.items()
}
"""Where a service's own page says more than the general one."""


def error_code(document: Any) -> int | None:
    """The error code of an answer; None: it is no error."""
    match document:
        case {"error": int(code)} if code != 0:
            return code
    return None


def read_outcome(write: Write, call: Call, answer: HttpAnswer) -> Outcome:
    """What `answer` to the writing `call` means."""
    document = read_json(answer.body)
    svc = service_of(call)
    if svc == BATCH.svc and isinstance(document, list):
        return read_batch(write, call, answer, document)
    code = error_code(document)
    meaning = _OF_SERVICE.get(svc, OUTCOMES).meaning(write, answer, code)
    if meaning is not Meaning.TAKEN:
        return refusal(meaning, describe(call, answer), answer)
    applied = _read_success(write, call, document)
    return applied or Uncertain(details=f"{describe(call, answer)} - the answer does not say what was written.")


def read_batch(write: Write, call: Call, answer: HttpAnswer, results: Sequence[Any]) -> Outcome:
    """What the results of a batch mean. It only sets properties, so that it may be repeated, also to end a create."""
    calls = params_of(call)["params"]
    unit_id = str(calls[0]["params"]["itemId"])
    for one, result in zip(calls, results, strict=False):
        code = error_code(result)
        if code is None:
            continue
        repeatable = msgspec.structs.replace(write, operation_type=ResourceOperationTypeEnum.UPDATE)
        details = f"Wialon to {one['svc']} of unit {unit_id}: {_message(result)}"
        if write.target is None:
            details += f" - unit {unit_id} was made, and keeps the name it was made with until it is completed"
        return refusal(OUTCOMES.meaning(repeatable, answer, code), details, answer)
    if len(results) < len(calls):
        return Uncertain(details=f"{describe(call, answer)} - not every part of the batch was answered.")
    return Applied(source_id=unit_id, source_data={"id": int(unit_id), "results": results})


def gone(call: Call, what: str) -> Rejected:
    """What a write comes to whose record Wialon does not show."""
    return Rejected(
        details=f"{what} is not shown by Wialon, so that {service_of(call)} was not called: it was deleted there, or "
        "the token's user may not see it."
    )


def describe(call: Call, answer: HttpAnswer) -> str:
    """Who answered what to which service, with the error's name and Wialon's own words."""
    document = read_json(answer.body)
    message = _message(document) if error_code(document) is not None else None
    return outcome_table.describe("Wialon", call, answer, message, name=service_of(call))


def without_secrets(item: Mapping[str, Any]) -> dict[str, Any]:
    """A unit, a driver or a trailer without the passwords that Wialon shows with it."""
    return {name: value for name, value in item.items() if name not in {"psw", "pwd"}}


def item_source_id(resource_id: int, item_id: int) -> str:
    """The id of a driver or trailer: Wialon's own is unique in its resource only."""
    return f"{resource_id}:{item_id}"


def unlisted_source_id(write: Write) -> str:
    """The id that messages and fillings get from us, as Wialon gives them none."""
    return f"fleetwrite:{write.operation_id.hex}"


def _message(document: Mapping[str, Any]) -> str:
    code = document["error"]
    reason = document.get("reason")
    return f"error {code} ({NAMES.get(code, 'not documented')})" + (f", {reason}" if reason else "")


def _read_success(write: Write, call: Call, document: Any) -> Applied | None:
    """What was written; None: the answer is not how this service answers, as a proxy's would not be."""
    match service_of(call), document:
        case CREATE_UNIT.svc, {"item": {"id": int(unit_id)}}:
            return Applied(source_id=str(unit_id), source_data=without_secrets(document["item"]))
        case ((UPDATE_DRIVER.svc | UPDATE_TRAILER.svc), [int(item_id), dict(item)]):
            source_id = item_source_id(int(params_of(call)["itemId"]), item_id)
            return Applied(source_id=source_id, source_data=without_secrets(item))
        case ((EXEC_CMD.svc | REGISTER_FILLING.svc), dict()):
            return Applied(
                source_id=unlisted_source_id(write), source_data={"service": service_of(call), **params_of(call)}
            )
    return None
