from typing import Any

import msgspec
import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from connectors.traccar.traccar_writes import OPERATION_ID, VEHICLE, create, message, update
from fleetwrite.connectors.sdk.outcome import Applied, AuthFailed, Outcome, Rejected, Throttled, Transient, Uncertain
from fleetwrite.connectors.sdk.write import Write
from fleetwrite.connectors.traccar.connector import CONNECTOR
from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.kit.egress import HttpAnswer

CREATE = create(ResourceEnum.VEHICLE, VEHICLE)
UPDATE = update(ResourceEnum.VEHICLE, "17", {"notes": "n"})
MESSAGE = message("3")
STACK_TRACE = b'Unique index or primary key violation: "TC_DEVICES" - JdbcSQLException (... < QueryBuilder:480 < ...)'


def outcome_of(write: Write, status: int, body: Any) -> Outcome:
    """What the connector makes of this answer to `write`, a message to device 5. Bytes are a body as it is."""
    content = body if isinstance(body, bytes) else msgspec.json.encode(body)
    call = CONNECTOR.translate(write).call
    if write is MESSAGE:
        call = msgspec.structs.replace(call, body={**(call.body or {}), "deviceId": 5})
    headers = CIMultiDictProxy(CIMultiDict[str]())
    return CONNECTOR.read_outcome(write, call, HttpAnswer(status=status, headers=headers, body=content, elapsed_s=0.1))


@pytest.mark.parametrize(
    ("status", "for_create", "for_update"),
    [
        (400, Rejected, Rejected),
        (401, AuthFailed, AuthFailed),
        (404, Rejected, Rejected),
        (408, Uncertain, Transient),
        (429, Throttled, Throttled),
        (500, Uncertain, Transient),
        (502, Uncertain, Transient),
    ],
)
def test_a_status_means_the_same_whatever_the_text(
    status: int, for_create: type[Outcome], for_update: type[Outcome]
) -> None:
    for text in (STACK_TRACE, b"", b"HiddenError"):
        assert type(outcome_of(CREATE, status, text)) is for_create
        assert type(outcome_of(UPDATE, status, text)) is for_update
        assert type(outcome_of(MESSAGE, status, text)) is for_create


@pytest.mark.parametrize("write", [CREATE, UPDATE, MESSAGE])
@pytest.mark.parametrize("status", [400, 401, 404, 500])
def test_a_stack_trace_is_never_told(write: Write, status: int) -> None:
    outcome = outcome_of(write, status, STACK_TRACE)
    assert isinstance(outcome, Rejected | AuthFailed | Uncertain | Transient)
    assert str(status) in outcome.details
    assert not any(word in outcome.details for word in ("JdbcSQLException", "TC_DEVICES", "QueryBuilder"))


def test_a_record_that_was_written_is_told_by_its_id() -> None:
    document = {"id": 17, "name": "Unit 412"}
    assert outcome_of(CREATE, 200, document) == Applied(source_id="17", source_data=document)
    assert outcome_of(UPDATE, 200, document) == Applied(source_id="17", source_data=document)


@pytest.mark.parametrize(
    "document",
    [{"id": 0, "deviceId": 5, "type": "message"}, {"id": 9, "deviceId": 5, "type": "message"}],
    ids=["sent", "queued"],
)
def test_a_message_that_was_taken_has_an_id_of_ours(document: dict[str, Any]) -> None:
    expected = Applied(source_id=f"fleetwrite:{OPERATION_ID.hex}", source_data=document)
    assert outcome_of(MESSAGE, 202 if document["id"] else 200, document) == expected


@pytest.mark.parametrize(
    ("write", "body"),
    [
        (CREATE, {"name": "Unit 412"}),
        (CREATE, {"id": 0}),
        (CREATE, []),
        (CREATE, b"<html>It works!</html>"),
        (UPDATE, {"id": 18}),
        (MESSAGE, {"id": 9}),
        (MESSAGE, {"id": 9, "deviceId": 6}),
        (MESSAGE, [{"id": 9, "deviceId": 5}]),
    ],
)
def test_a_success_that_does_not_say_what_was_written_is_none(write: Write, body: Any) -> None:
    assert type(outcome_of(write, 200, body)) is Uncertain
