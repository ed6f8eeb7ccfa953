from typing import Any

import pytest

from connectors.geotab.geotab_provider import ANY_ID, OFFICE_USER, create
from fleetwrite.connectors.geotab.connector import CONNECTOR
from fleetwrite.connectors.sdk.write import SourceReference, UnofferedWriteError, UntranslatableWriteError, Write
from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.contract.errors import ErrorType

MINIMAL = {"sender_id": ANY_ID, "recipient_id": ANY_ID, "message_text": "Dock 7"}
CONTENT = {"contentType": "Normal", "message": "Dock 7"}


def message(fields: dict[str, Any], **changes: Any) -> Write:
    return create(ResourceEnum.MESSAGE, {**MINIMAL, **fields}, **changes)


def to(recipient: SourceReference) -> Write:
    return message({}, references={"sender_id": OFFICE_USER, "recipient_id": recipient})


@pytest.mark.parametrize(
    ("fields", "content", "losses"),
    [
        ({}, CONTENT, []),
        ({"priority": "high"}, {**CONTENT, "urgent": True}, []),
        ({"priority": "medium"}, {**CONTENT, "urgent": False}, []),
        ({"priority": "low"}, CONTENT, ["priority"]),
    ],
)
def test_a_message_leaves_the_vehicle_open(fields: dict[str, Any], content: dict[str, Any], losses: list[str]) -> None:
    translation = CONNECTOR.translate(message(fields))
    assert (translation.call.body or {})["params"]["entity"] == {
        "messageContent": content,
        "recipient": {"id": "b4"},
        "user": {"id": "b2"},
        "isDirectionToVehicle": True,
    }
    assert [loss.field for loss in translation.losses] == losses


def test_a_reply_names_what_it_replies_to() -> None:
    translation = CONNECTOR.translate(message({"reply_to_message_id": ANY_ID}))
    assert (translation.call.body or {})["params"]["entity"]["parentMessage"] == {"id": "b1"}


@pytest.mark.parametrize(
    ("write", "field", "error_type"),
    [
        (message({"message_text": None}), "message_text", ErrorType.REQUIRED_BY_TSP),
        (message({"message_text": " \n"}), "message_text", ErrorType.REQUIRED_BY_TSP),
        (to(OFFICE_USER), "recipient_id", ErrorType.WRONG_KIND),
        (to(SourceReference("b99", {})), "recipient_id", ErrorType.WRONG_KIND),
    ],
)
def test_messages_that_can_not_arrive_are_refused(write: Write, field: str, error_type: ErrorType) -> None:
    with pytest.raises(UntranslatableWriteError) as refused:
        CONNECTOR.translate(write)
    assert [(fault.field, fault.error_type) for fault in refused.value.faults] == [(field, error_type)]


def test_a_message_to_many_is_for_others_to_part() -> None:
    fields = {"sender_id": ANY_ID, "recipient_ids": [ANY_ID], "message_text": "Dock 7"}
    with pytest.raises(UnofferedWriteError):
        CONNECTOR.translate(create(ResourceEnum.GROUP_MESSAGE, fields))
