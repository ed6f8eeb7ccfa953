"""What Motive's answer to a write means: a table by status. Texts of errors are shown and never decided on."""

import dataclasses
from collections.abc import Mapping
from typing import Any, Final

from fleetwrite.connectors.motive.external_ids import Item
from fleetwrite.connectors.sdk import outcome_table
from fleetwrite.connectors.sdk.outcome import Applied, Outcome, Uncertain
from fleetwrite.connectors.sdk.outcome_table import Meaning, OutcomeTable, read_json, refusal
from fleetwrite.connectors.sdk.write import Call, Write
from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.kit.egress import HttpAnswer

OUTCOMES: Final = OutcomeTable(provider="Motive")

ENVELOPES: Final[Mapping[ResourceEnum, str]] = {
    ResourceEnum.VEHICLE: "vehicle",
    ResourceEnum.TRAILER: "asset",
    ResourceEnum.USER: "user",
    ResourceEnum.MESSAGE: "message",
    ResourceEnum.GROUP_MESSAGE: "message",
    ResourceEnum.FUEL_TRANSACTION: "fuel_purchase",
}
"""The key under which an answer has its object; some answers have it bare."""


def read_outcome(write: Write, call: Call, answer: HttpAnswer) -> Outcome:
    """What `answer` to the writing `call` means."""
    meaning = OUTCOMES.meaning(write, answer)
    if meaning is Meaning.TAKEN:
        return _read_success(write, call, answer)
    return refusal(meaning, describe(call, answer), answer)


def describe(call: Call, answer: HttpAnswer) -> str:
    """Status and Motive's own words, shortened."""
    answer = dataclasses.replace(answer, body=_without_secrets(call, answer.body))
    message: str | None = None
    match read_json(answer.body):
        case {"error_message": str(message)} | {"error": {"message": str(message)}} | {"error": str(message)}:
            pass
        case {"messages": [*messages]}:
            message = "; ".join(map(str, messages))
    return outcome_table.describe("Motive", call, answer, message)


def unwrap(document: Any, envelope: str) -> Item | None:
    """The object in an answer, in its envelope or bare; None where there is none."""
    item = document.get(envelope, document) if isinstance(document, dict) else None
    return item if isinstance(item, dict) else None


def recipients_of(message: Item) -> frozenset[int]:
    """Who got a message: Motive has three names for it, depending on the endpoint."""
    several = message.get("recipient_ids") or message.get("receiver_ids") or [message.get("recipient_id")]
    return frozenset(one for one in several if isinstance(one, int))


def _read_success(write: Write, call: Call, answer: HttpAnswer) -> Outcome:
    """A 2xx counts only if it says what was written: some proxies answer 200 to everything."""
    item = unwrap(read_json(_without_secrets(call, answer.body)), ENVELOPES[write.resource])
    if item is None:
        return Uncertain(details=f"{describe(call, answer)} - the answer is not an object of JSON.")
    source_id = item.get("id")
    if not source_id:
        return Uncertain(details=f"HTTP {answer.status} from Motive to {call.method} {call.path} names no id.")
    if write.target is not None:
        return Applied(source_id=write.target.source_id, source_data=item)
    wanted, reached = (call.body or {}).get("receiver_ids", ()), recipients_of(item)
    missing = [one for one in wanted if one not in reached]
    if reached and missing:
        return Uncertain(details=f"Motive took the message, but did not name these recipients: {missing}.")
    return Applied(source_id=str(source_id), source_data=item)


def _without_secrets(call: Call, body: bytes) -> bytes:
    """`body` with the password that was sent made unreadable, should Motive ever repeat it."""
    password: str | None = (call.body or {}).get("password")
    return body.replace(password.encode(), b"***") if password else body
