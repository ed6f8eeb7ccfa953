"""What Traccar's answer to a write means: a table by status.

Traccar answers 400 to whatever goes wrong inside it, with a stack trace. It is never shown, as it tells of the server's
inside, and never decided on. `records.py` looks up what a refused create or update may have met.
"""

from collections.abc import Mapping
from typing import Any, Final

from fleetwrite.connectors.sdk import outcome_table
from fleetwrite.connectors.sdk.outcome import Applied, Outcome, Uncertain
from fleetwrite.connectors.sdk.outcome_table import Meaning, OutcomeTable, read_json, refusal
from fleetwrite.connectors.sdk.write import Call, Write
from fleetwrite.connectors.traccar.endpoints import SEND_COMMAND
from fleetwrite.kit.egress import HttpAnswer

OUTCOMES: Final = OutcomeTable(provider="Traccar")

_HINTS: Final[Mapping[int, str]] = {
    400: "Traccar answers this to every fault, and its reason stays on the server, in its log.",
    404: "Is base_url the address of a Traccar server, without /api?",
}
"""What a status may mean beyond what it says."""


def read_outcome(write: Write, call: Call, answer: HttpAnswer) -> Outcome:
    """What `answer` to the writing `call` means."""
    meaning = OUTCOMES.meaning(write, answer)
    if meaning is not Meaning.TAKEN:
        return refusal(meaning, describe(call, answer), answer)
    document = read_json(answer.body)
    if not isinstance(document, dict):
        return _unproven(call, answer)
    read = _read_message if call.path == SEND_COMMAND.path else _read_record
    return read(write, call, answer, document)


def describe(call: Call, answer: HttpAnswer) -> str:
    """The status, and never Traccar's own words: they are a stack trace."""
    hint = _HINTS.get(answer.status)
    return outcome_table.describe("Traccar", call, answer, "") + (f" - {hint}" if hint else "")


def _read_record(write: Write, call: Call, answer: HttpAnswer, document: Mapping[str, Any]) -> Outcome:
    source_id = document.get("id")
    if not source_id or (write.target is not None and str(source_id) != write.target.source_id):
        return _unproven(call, answer)
    return Applied(source_id=str(source_id), source_data=document)


def _read_message(write: Write, call: Call, answer: HttpAnswer, document: Mapping[str, Any]) -> Outcome:
    """Messages get an id of ours: one that is queued has that of its place there, which may be given anew once it was
    sent, and one that was sent at once has none.
    """
    if document.get("deviceId") != (call.body or {}).get("deviceId"):
        return _unproven(call, answer)
    return Applied(source_id=f"fleetwrite:{write.operation_id.hex}", source_data=document)


def _unproven(call: Call, answer: HttpAnswer) -> Outcome:
    """A 2xx counts only if it says what was written: some proxies answer 200 to everything."""
    return Uncertain(details=f"{describe(call, answer)} - the answer does not say what was written.")
