"""What Samsara's answer to a write means: a table by status.

Texts of errors are shown and never decided on: Samsara says that they may change at any time
(developers.samsara.com/docs/response-codes).
"""

import dataclasses
from collections.abc import Mapping
from typing import Any, Final

from fleetwrite.connectors.samsara import endpoints
from fleetwrite.connectors.sdk import outcome_table
from fleetwrite.connectors.sdk.outcome import Applied, Outcome, Uncertain
from fleetwrite.connectors.sdk.outcome_table import USUAL_STATUSES, Meaning, OutcomeTable, both, read_json, refusal
from fleetwrite.connectors.sdk.write import Call, Write
from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.kit.egress import HttpAnswer

OUTCOMES: Final = OutcomeTable(
    provider="Samsara",
    # Not documented; Samsara's own client repeats it, so it is no plain refusal.
    by_status={**USUAL_STATUSES, 409: both(Meaning.UNCERTAIN)},
)

_NO_VEHICLE_CREATION = (
    "Vehicle creation is not enabled for this organisation: its Samsara account team has to enable the assets API, and "
    "the token needs the scope Write Assets."
)
HINTS: Final[Mapping[tuple[str, str, int], str]] = {
    ("POST", endpoints.CREATE_ASSET.path, status): _NO_VEHICLE_CREATION for status in (403, 404, 405)
}
"""What a refusal at one endpoint means beyond what Samsara says."""


def read_outcome(write: Write, call: Call, answer: HttpAnswer) -> Outcome:
    """What `answer` to the writing `call` means."""
    meaning = OUTCOMES.meaning(write, answer)
    if meaning is Meaning.TAKEN:
        return _read_success(write, call, answer)
    return refusal(meaning, describe(call, answer), answer)


def describe(call: Call, answer: HttpAnswer) -> str:
    """Status and Samsara's own words, shortened, with the request's id to quote to its support."""
    answer = dataclasses.replace(answer, body=_without_secrets(call, answer.body))
    request_id: str | None = None
    message: str | None = None
    match document := read_json(answer.body):
        case {"message": str(message)}:
            request_id = document.get("requestId")
        case str(message):
            pass
    hint = HINTS.get((call.method, call.path, answer.status))
    text = outcome_table.describe("Samsara", call, answer, message)
    return text + (f" (requestId {request_id})" if request_id else "") + (f" - {hint}" if hint else "")


def _read_success(write: Write, call: Call, answer: HttpAnswer) -> Outcome:
    """A 2xx counts only if it says what was written: some proxies answer 200 to everything."""
    document = read_json(_without_secrets(call, answer.body))
    if not isinstance(document, dict):
        return Uncertain(details=f"{describe(call, answer)} - the answer is not an object of JSON.")
    if write.resource in {ResourceEnum.MESSAGE, ResourceEnum.GROUP_MESSAGE}:
        return _read_messages(write, call, document)
    data = document.get("data", document)
    if write.target is not None:
        return Applied(source_id=write.target.source_id, source_data=data if isinstance(data, dict) else document)
    source_id = None
    if isinstance(data, dict):
        # Ids of fuel purchases are UUIDs under their own key; an asset comes with or without the envelope `data`.
        source_id = data.get("uuid" if write.resource is ResourceEnum.FUEL_TRANSACTION else "id")
    if not source_id:
        return Uncertain(details=f"HTTP {answer.status} from Samsara to {call.method} {call.path} names no id.")
    return Applied(source_id=str(source_id), source_data=data)


def _read_messages(write: Write, call: Call, document: Mapping[str, Any]) -> Outcome:
    """Samsara gives messages no id, so they get one of ours. It lists each driver that it took one for."""
    sent = document.get("data")
    reached = {item.get("driverId") for item in sent if isinstance(item, dict)} if isinstance(sent, list) else set()
    missing = [driver_id for driver_id in (call.body or {})["driverIds"] if driver_id not in reached]
    if missing:
        return Uncertain(details=f"Samsara took the message, but did not name it for these drivers: {missing}.")
    return Applied(source_id=message_source_id(write), source_data=document)


def message_source_id(write: Write) -> str:
    """The id that a message gets from us, as Samsara gives it none."""
    return f"fleetwrite:{write.operation_id.hex}"


def _without_secrets(call: Call, body: bytes) -> bytes:
    """`body` with the password that was sent made unreadable, should Samsara ever repeat it."""
    password: str | None = (call.body or {}).get("password")
    return body.replace(password.encode(), b"***") if password else body
