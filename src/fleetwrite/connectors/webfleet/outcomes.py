"""What Webfleet's answers mean: by the error code, as most refusals come with HTTP 200, else by the status.

A code stands in a header, in a JSON object, or before a comma in a line of text. An action that writes answers with
nothing when it was done.
"""

import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import unquote

import msgspec

from fleetwrite.connectors.sdk import outcome_table
from fleetwrite.connectors.sdk.outcome import Applied, Outcome, Throttled, Uncertain
from fleetwrite.connectors.sdk.outcome_table import Meaning, OutcomeTable, Row, both, read_json, refusal
from fleetwrite.connectors.sdk.write import Call, Write
from fleetwrite.connectors.webfleet.mapping import PROVIDER
from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.kit.egress import HttpAnswer

NO_RIGHT_CODES: Final = frozenset({8, 45})
"""The login is known, and may not do this."""

GENERAL_ERROR: Final = 60
NOTHING_THERE: Final = 63
"""A report without a row."""
QUOTA_REACHED: Final = 8011
USER_BUSY: Final = 8015
UPSTREAM_FAILED: Final = 9199
RESOURCE_BUSY: Final = 10000

NO_LOGIN_CODES: Final = frozenset(
    {1100, 1101, 1105, 1106, 1112, 1114, 1115, *range(1123, 1131), 1132, 1140, 1143, 1144}
)
"""The account, the user, its password or the API key is not accepted."""

RESOURCE_BUSY_S: Final = 30.0
"""So long Webfleet's own client waits after `RESOURCE_BUSY`."""

# What goes wrong behind the action, after it was begun.
_WENT_WRONG: Final = Row(create=Meaning.UNCERTAIN, update=Meaning.TRANSIENT)


def _rows(codes: Iterable[int], row: Row) -> dict[str | int, Row]:
    return dict.fromkeys(codes, row)


OUTCOMES: Final = OutcomeTable(
    provider=PROVIDER,
    by_code={
        **_rows(NO_LOGIN_CODES, both(Meaning.NO_LOGIN)),
        **_rows(NO_RIGHT_CODES, both(Meaning.FORBIDDEN)),
        **_rows((QUOTA_REACHED, RESOURCE_BUSY), both(Meaning.THROTTLED)),
        USER_BUSY: both(Meaning.TRANSIENT),
        **_rows((GENERAL_ERROR, UPSTREAM_FAILED), _WENT_WRONG),
    },
    other_codes=both(Meaning.REJECTED),
)


class WebfleetError(msgspec.Struct, frozen=True):
    """An error as Webfleet tells it."""

    code: int
    message: str


def read_error(answer: HttpAnswer) -> WebfleetError | None:
    """The error that an answer tells; None: it tells none."""
    code = answer.headers.get("X-Webfleet-Errorcode", "")
    if _is_code(code):
        return WebfleetError(int(code), unquote(answer.headers.get("X-Webfleet-Errormessage", "")))
    match read_json(answer.body):
        case {"errorCode": code} as document if _is_code(str(code)):
            return WebfleetError(int(code), str(document.get("errorMsg", "")))
    line = re.match(rb"\s*(\d{1,6})\s*,(.*)", answer.body)
    if line is not None and _is_code(line[1].decode()):
        return WebfleetError(int(line[1]), line[2].decode("utf-8", errors="replace").strip())
    return None


def is_login_refused(answer: HttpAnswer) -> bool:
    """Whether Webfleet did not even look at a call, as it does not know the login."""
    error = read_error(answer)
    return answer.status == 401 if error is None else error.code in NO_LOGIN_CODES


def read_outcome(write: Write, call: Call, answer: HttpAnswer) -> Outcome:
    """What `answer` to the writing `call` means."""
    error = read_error(answer)
    meaning = OUTCOMES.meaning(write, answer, None if error is None else error.code)
    if meaning is Meaning.TAKEN:
        return _read_success(write, call, answer)
    outcome = refusal(meaning, describe(call, answer), answer)
    if isinstance(outcome, Throttled) and error is not None and error.code == RESOURCE_BUSY:
        return msgspec.structs.replace(outcome, retry_after_s=outcome.retry_after_s or RESOURCE_BUSY_S)
    return outcome


def describe(call: Call, answer: HttpAnswer) -> str:
    """The action, the status, Webfleet's code and its own words, shortened."""
    error = read_error(answer)
    message = None if error is None else f"{error.code} {error.message}"
    action = dict(call.query).get("action") or (call.body or {}).get("action")
    return outcome_table.describe(PROVIDER, call, answer, message, name=action)


def _read_success(write: Write, call: Call, answer: HttpAnswer) -> Outcome:
    """Done is said by an empty answer. Anything else comes from somebody in between."""
    if answer.body.strip() and read_json(answer.body) not in ([], {}):
        return Uncertain(details=f"{describe(call, answer)} - Webfleet answers a write that was done with nothing.")
    return Applied(source_id=_source_id(write, call), source_data={})


def _source_id(write: Write, call: Call) -> str:
    """The id of what was written. A new driver has, for the time being, none but its number; a message never has one of
    Webfleet's, and gets one of ours.
    """
    if write.target is not None:
        return write.target.source_id
    if write.resource is ResourceEnum.MESSAGE:
        return f"fleetwrite:{write.operation_id.hex}"
    return str((call.body or {})["driverno"])


def _is_code(text: str) -> bool:
    return text.isascii() and text.isdigit() and int(text) != 0
