"""What GPS Insight's answers mean: by the code among the errors of the envelope, which stands also in HTTP 200."""

from typing import Any, Final

import msgspec

from fleetwrite.connectors.gpsinsight.mapping import PROVIDER
from fleetwrite.connectors.gpsinsight.methods import CREATE_DRIVER, CREATE_VEHICLE, SEND_MESSAGE
from fleetwrite.connectors.sdk import outcome_table
from fleetwrite.connectors.sdk.outcome import Applied, Outcome, Uncertain
from fleetwrite.connectors.sdk.outcome_table import Meaning, OutcomeTable, Row, both, read_json, refusal
from fleetwrite.connectors.sdk.write import Call, Write
from fleetwrite.kit.egress import HttpAnswer

NO_LOGIN: Final = 401
FORBIDDEN: Final = 403
"""The session is not known; or it is, and has no right to this."""
NOT_FOUND: Final = 404

NO_LOGIN_CODES: Final = frozenset({NO_LOGIN, FORBIDDEN})
"""What is said of a session, or of a login, that is not accepted."""

_WENT_WRONG: Final = Row(create=Meaning.UNCERTAIN, update=Meaning.TRANSIENT)

OUTCOMES: Final = OutcomeTable(
    provider=PROVIDER,
    # "Usually a standard HTTP error code", says the guide: they mean here what they mean as a status.
    by_code={
        400: both(Meaning.REJECTED),
        NO_LOGIN: both(Meaning.NO_LOGIN),
        # A session that is not known is replaced before anybody asks here: this one is, and has no right.
        FORBIDDEN: both(Meaning.FORBIDDEN),
        NOT_FOUND: both(Meaning.REJECTED),
        405: both(Meaning.REJECTED),
        429: both(Meaning.THROTTLED),
        **dict.fromkeys((500, 502, 503, 504), _WENT_WRONG),
    },
    other_codes=_WENT_WRONG,
)

_LONGEST_ERROR: Final = 4096
"""An error's envelope has no data. Whatever is longer is not parsed only to find that it is none."""


class GpsInsightError(msgspec.Struct, frozen=True):
    """An error as GPS Insight tells it."""

    code: int
    message: str


def read_error(answer: HttpAnswer) -> GpsInsightError | None:
    """The first error of an answer; None: it tells none."""
    if len(answer.body) > _LONGEST_ERROR:
        return None
    match read_json(answer.body):
        case {"errors": [{"code": int() | str() as code} as error, *_]} if str(code).isdecimal():
            return GpsInsightError(int(code), str(error.get("message", "")))
    return None


def is_login_refused(answer: HttpAnswer) -> bool:
    """Whether GPS Insight did not even look at a call, as it does not know the session."""
    error = read_error(answer)
    return answer.status == NO_LOGIN if error is None else error.code in NO_LOGIN_CODES


def read_outcome(write: Write, call: Call, answer: HttpAnswer) -> Outcome:
    """What `answer` to the writing `call` means."""
    error = read_error(answer)
    meaning = OUTCOMES.meaning(write, answer, None if error is None else error.code)
    if meaning is not Meaning.TAKEN:
        return refusal(meaning, describe(call, answer), answer)
    match read_json(answer.body):
        case {"head": {"status": "OK"}, "data": data}:
            source_id = _source_id(write, call, data)
            if source_id is not None:
                return Applied(source_id=source_id, source_data={"answer": data})
    return Uncertain(details=f"{describe(call, answer)} - the answer does not say that it was written.")


def describe(call: Call, answer: HttpAnswer) -> str:
    """The method, the status, GPS Insight's code and its own words, shortened."""
    error = read_error(answer)
    return outcome_table.describe(
        PROVIDER, call, answer, None if error is None else f"{error.code} {error.message}", name=call.path
    )


def _source_id(write: Write, call: Call, data: Any) -> str | None:
    """The id of what was written; None: the answer should tell it, and does not. A new vehicle has, for the time being,
    none but the name that it was made with; a message never has one of GPS Insight's, and gets one of ours.
    """
    sent = call.body or {}
    if call.path == CREATE_VEHICLE.path:
        return str(sent["label"])
    if call.path == SEND_MESSAGE.path:
        return f"fleetwrite:{write.operation_id.hex}"
    if call.path == CREATE_DRIVER.path:
        match data:
            case [{"driver_id": int() | str() as driver_id}] if str(driver_id):
                return str(driver_id)
        return None
    return str(sent.get("vehicle") or sent["driver"])
