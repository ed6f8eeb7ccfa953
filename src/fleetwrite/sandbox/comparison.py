"""Compares what was sent in the demo with what partner, receiver and provider got to see, field by field."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from fleetwrite.sandbox.expectations import DemoWrite, ExpectedRecord, Later, Matching
from fleetwrite.sandbox.partner import Json
from fleetwrite.sandbox.receiver import Received

NOTHING: Final = msgspec.UNSET
"""Stands for a field that is not there."""

CREATED: Final = "resource_operation.created"
SUCCEEDED: Final = "resource_operation.succeeded"
FAILED: Final = "resource_operation.failed"

_LONGEST_SHOWN: Final = 160
"""Characters of a value in a difference: enough to see what is wrong, and a terminal stays readable."""


class Difference(msgspec.Struct, frozen=True):
    """Something that is not as it has to be. `where` is a write's name and a path, such as `call.body.name`."""

    where: str
    expected: Any
    found: Any

    def __str__(self) -> str:
        return f"{self.where}: expected {_shown(self.expected)}, found {_shown(self.found)}"


class Outcome(msgspec.Struct, kw_only=True):
    """All that the partner got to see of one write.

    Attributes:
        status: of the answer to the write.
        answer: its content.
        operation: as last seen; None where the write was refused.
        losses: the fields that were named as not kept by the provider.
        events: the first delivery of each event of this operation, by event name.
        read_back: the record, read by our id.
    """

    write: DemoWrite
    status: int
    answer: Any
    operation: Json | None
    losses: frozenset[str]
    events: dict[str, Received] = {}
    read_back: Json | None = None

    @property
    def ended(self) -> Received | None:
        """The event that told the operation's end."""
        return self.events.get(SUCCEEDED) or self.events.get(FAILED)

    @property
    def is_told(self) -> bool:
        """Whether the partner was told of beginning and end."""
        return CREATED in self.events and self.ended is not None


class Evidence(msgspec.Struct, frozen=True):
    """What the simulator says: its log since the first write, and the records it holds by collection."""

    calls: Sequence[Json]
    records: Mapping[str, Sequence[Json]]


def compare(outcomes: Sequence[Outcome], evidence: Evidence) -> list[Difference]:
    """Everything that is not as it has to be; an empty list means that every write did exactly what it should."""
    found: list[Difference] = []
    explained: set[int] = set()
    for outcome in outcomes:
        if outcome.operation is None:
            found.append(Difference(f"{outcome.write.name}: answer {outcome.status}", "an operation", outcome.answer))
            continue
        calls = [call for call in evidence.calls if _is_call_of(outcome.write, call)]
        explained.update(call["sequence"] for call in calls)
        found += _in_answer(outcome, outcome.operation)
        found += _in_events(outcome, outcome.operation)
        found += _in_calls(outcome.write, outcome.operation, calls)
        for expected in outcome.write.records:
            found += _in_record(outcome.write, outcome.operation, expected, evidence.records[expected.collection])
    found += [
        Difference("simulator", "no call beyond one for each write", f"{call['method']} {call['path']} {call['body']}")
        for call in evidence.calls
        if call["sequence"] not in explained
    ]
    return found


def _in_answer(outcome: Outcome, operation: Json) -> Iterator[Difference]:
    """What the API told the partner: at once, by polling, and of the record."""
    name = outcome.write.name
    yield from differences(f"{name}: status", 200 if outcome.write.is_sync else 202, outcome.status)
    yield from differences(f"{name}: losses", sorted(outcome.write.losses), sorted(outcome.losses))
    if operation["status"] != "success":
        reasons = [operation["status"], *(log["error_details"] for log in operation["logs"] if log["error_details"])]
        yield Difference(f"{name}: operation.status", "success", ", ".join(reasons))
        return
    # An update is of the record that its path names; the id of a new record is for us to make up.
    our_id = outcome.write.path.rpartition("/")[2] if outcome.write.method == "PATCH" else Matching(".+")
    yield from differences(f"{name}: operation.resource_id", our_id, operation["resource_id"])
    yield from differences(f"{name}: operation.source_id", Matching(".+"), operation["source_id"])
    if outcome.write.read_path is not None:
        named = {"id": operation["resource_id"], "source_id": operation["source_id"]}
        yield from differences(f"{name}: record read by our id", named, outcome.read_back)


def _in_events(outcome: Outcome, operation: Json) -> Iterator[Difference]:
    """Both webhooks came, and the second one carries the operation as polling shows it."""
    for event_name in (CREATED, SUCCEEDED):
        where = f"{outcome.write.name}: webhook {event_name}"
        event = outcome.events.get(event_name)
        if event is None:
            yield Difference(where, "a signed delivery", NOTHING)
            continue
        if event_name == CREATED:
            announced = {"id": operation["id"], "status": "pending"}
            yield from differences(f"{where}.data", [announced], event.envelope.get("data"))
        else:
            yield from differences(f"{where}.data", [operation], event.envelope.get("data"), exact=True)


def _in_calls(write: DemoWrite, operation: Json, calls: Sequence[Json]) -> Iterator[Difference]:
    """The provider got exactly one call, which said what it had to."""
    where = f"{write.name}: provider calls"
    yield from differences(where, 1, len(calls))
    for call in calls:
        yield from differences(f"{where}.status", 200, call["status"])
        yield from differences(f"{where}.body", resolved(write.call.body, operation), call["body"], exact=True)


def _in_record(
    write: DemoWrite, operation: Json, expected: ExpectedRecord, records: Sequence[Json]
) -> Iterator[Difference]:
    """The provider holds exactly one such record, and it says what was sent."""
    where = f"{write.name}: {expected.collection} at the provider"
    found = [record for record in records if not any(differences(where, expected.known_by, record))]
    yield from differences(where, 1, len(found))
    for record in found:
        yield from differences(where, resolved(expected.fields, operation), record)


def _is_call_of(write: DemoWrite, call: Json) -> bool:
    expected = write.call
    if (call["method"], call["path"], call["query"]) != (expected.method, expected.path, expected.query):
        return False
    if expected.known_by is None:
        return True
    body = call["body"]
    return isinstance(body, dict) and body.get(expected.known_by) == expected.body[expected.known_by]


def resolved(expected: Any, operation: Json) -> Any:
    """`expected` with the values in it that are known by now."""
    if isinstance(expected, Mapping):
        return {name: resolved(value, operation) for name, value in expected.items()}
    if isinstance(expected, list):
        return [resolved(item, operation) for item in expected]
    if expected is Later.SOURCE_ID:
        return operation["source_id"]
    return operation["id"].replace("-", "") if expected is Later.OPERATION_HEX else expected


def differences(where: str, expected: Any, found: Any, *, exact: bool = False) -> Iterator[Difference]:
    """Where `found` is not what is `expected`.

    Args:
        where: what is compared; paths below it are appended.
        expected: JSON, with `Matching` for texts that can not be foretold.
        found: JSON. 1 is not True and not "1".
        exact: nothing may be there that is not expected; otherwise objects may have further fields.
    """
    if isinstance(expected, Mapping) and isinstance(found, Mapping):
        names = [*expected, *(name for name in found if exact and name not in expected)]
        for name in names:
            pair = expected.get(name, NOTHING), found.get(name, NOTHING)
            yield from differences(f"{where}.{name}", *pair, exact=exact)
    elif isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        for place, pair in enumerate(zip(expected, found, strict=True)):
            yield from differences(f"{where}.{place}", *pair, exact=exact)
    elif isinstance(expected, Matching):
        if not isinstance(found, str) or re.fullmatch(expected.pattern, found) is None:
            yield Difference(where, expected, found)
    elif type(expected) is not type(found) or expected != found:
        yield Difference(where, expected, found)


def _shown(value: Any) -> str:
    if value is NOTHING:
        return "nothing"
    if isinstance(value, Matching):
        return f"a text like {value.pattern}"
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."
