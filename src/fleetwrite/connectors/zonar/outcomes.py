"""What Zonar's answers mean: by the code of an `<error>`, which comes with HTTP 200, else by the status."""

from typing import Final

import msgspec

from fleetwrite.connectors.sdk import outcome_table
from fleetwrite.connectors.sdk.outcome import Applied, Outcome, Uncertain
from fleetwrite.connectors.sdk.outcome_table import Meaning, OutcomeTable, Row, both, refusal
from fleetwrite.connectors.sdk.write import Call, Write
from fleetwrite.connectors.zonar.documents import read_document, text_of
from fleetwrite.connectors.zonar.mapping import PROVIDER
from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.kit.egress import HttpAnswer

NOT_ENABLED: Final = 101
STANDBY: Final = 103
SYSTEM_ERROR: Final = 104
PERMISSION_DENIED: Final = 105
DATABASE_ERROR: Final = 106
MISSING_INFORMATION: Final = 107
AUTHENTICATION_FAILED: Final = 109
NOT_FOUND: Final = 201
NOT_UNIQUE: Final = 202

_REFUSED: Final = (102, MISSING_INFORMATION, 108, 110, 111, 112, 113, NOT_FOUND, NOT_UNIQUE, 203)
"""Protocol, action, operation or format unknown; something missing or wrong; no user agent; in use."""

# What breaks inside, after the work was begun.
_WENT_WRONG: Final = Row(create=Meaning.UNCERTAIN, update=Meaning.TRANSIENT)

OUTCOMES: Final = OutcomeTable(
    provider=PROVIDER,
    by_code={
        **dict.fromkeys(_REFUSED, both(Meaning.REJECTED)),
        # The interface is switched on by Zonar, rights are given by the fleet: both can still happen.
        NOT_ENABLED: both(Meaning.FORBIDDEN),
        PERMISSION_DENIED: both(Meaning.FORBIDDEN),
        STANDBY: both(Meaning.TRANSIENT),
        SYSTEM_ERROR: _WENT_WRONG,
        DATABASE_ERROR: _WENT_WRONG,
        AUTHENTICATION_FAILED: both(Meaning.NO_LOGIN),
    },
    # Zonar's list of codes is older than its interface.
    other_codes=Row(create=Meaning.UNCERTAIN, update=Meaning.REJECTED),
)

_ID_ELEMENTS: Final = ("asset_id", "operator_id")


class ZonarError(msgspec.Struct, frozen=True):
    """An error as Zonar tells it."""

    code: int
    message: str


def read_error(answer: HttpAnswer) -> ZonarError | None:
    """The error that an answer tells; None: it tells none."""
    root = read_document(answer.body)
    if root is None or root.tag != "error":
        return None
    code = text_of(root, "code")
    if not (code.isascii() and code.isdigit()):
        return None
    return ZonarError(int(code), text_of(root, "message"))


def is_login_refused(answer: HttpAnswer) -> bool:
    """Whether Zonar did not even look at a call, as it does not know customer, user or password."""
    error = read_error(answer)
    return answer.status == 401 if error is None else error.code == AUTHENTICATION_FAILED


def read_outcome(write: Write, call: Call, answer: HttpAnswer) -> Outcome:
    """What `answer` to the writing `call` means."""
    error = read_error(answer)
    meaning = OUTCOMES.meaning(write, answer, None if error is None else error.code)
    if meaning is Meaning.TAKEN:
        return _read_success(write, call, answer)
    return refusal(meaning, describe(call, answer), answer)


def describe(call: Call, answer: HttpAnswer) -> str:
    """The operation, the status, Zonar's code and its own words, shortened; never what a list holds: it has PINs."""
    error = read_error(answer)
    if error is not None:
        message: str | None = f"{error.code} {error.message}"
    else:
        message = "" if answer.status == 200 else None
    body = call.body or {}
    return outcome_table.describe(PROVIDER, call, answer, message, name=f"{body['action']} {body['operation']}")


def _read_success(write: Write, call: Call, answer: HttpAnswer) -> Outcome:
    """Done is said by `<success>` with the action, and for what is new its id. Without the id it is looked up."""
    root = read_document(answer.body)
    if root is None or root.tag != "success" or text_of(root, "action") != (call.body or {})["action"]:
        return _unproven(call, answer)
    source_id = _source_id(write) or next(filter(None, (text_of(root, name) for name in _ID_ELEMENTS)), "")
    if not source_id:
        return _unproven(call, answer)
    return Applied(source_id=source_id, source_data={})


def _source_id(write: Write) -> str | None:
    """The id where it is known beforehand: of an update, and of a message, which has the one that we sent."""
    if write.target is not None:
        return write.target.source_id
    return f"fleetwrite:{write.operation_id.hex}" if write.resource is ResourceEnum.MESSAGE else None


def _unproven(call: Call, answer: HttpAnswer) -> Outcome:
    return Uncertain(details=f"{describe(call, answer)} - the answer does not say what was written.")
