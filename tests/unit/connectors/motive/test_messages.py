from typing import Any

import pytest

from connectors.motive.motive_writes import (
    ANY_ID,
    DRIVER,
    OFFICE_USER,
    OTHER_DRIVER,
    STRANGE,
    create,
    group_message,
    message,
)
from fleetwrite.connectors.motive.connector import CONNECTOR
from fleetwrite.connectors.sdk.write import UntranslatableWriteError, Write
from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.contract.errors import ErrorType

CASES: dict[str, tuple[Write, list[int]]] = {
    "one driver": (message(), [550101]),
    "a group": (group_message(OTHER_DRIVER, DRIVER), [550102, 550101]),
    "a group with one named twice": (group_message(DRIVER, OTHER_DRIVER, DRIVER), [550101, 550102]),
    "somebody of the office": (group_message(OFFICE_USER), [550109]),
}


@pytest.mark.parametrize(("write", "receiver_ids"), CASES.values(), ids=CASES)
def test_messages_go_to_all_recipients_once(write: Write, receiver_ids: list[int]) -> None:
    call = CONNECTOR.translate(write).call

    assert (call.method, call.path) == ("POST", "/v2/messages")
    assert call.body == {"sender_id": 550109, "receiver_ids": receiver_ids, "body": "dock 4"}


def test_what_messages_do_not_have_is_a_loss() -> None:
    fields = dict.fromkeys(("sender_id", "recipient_id", "reply_to_message_id"), ANY_ID)
    write = create(ResourceEnum.MESSAGE, {**fields, "message_text": "dock 4", "priority": "high"})

    assert {loss.field for loss in CONNECTOR.translate(write).losses} == {"priority", "reply_to_message_id"}


REQUIRED, WRONG_KIND = ErrorType.REQUIRED_BY_TSP, ErrorType.WRONG_KIND
FROM_A_DRIVER: dict[str, Any] = {"references": {"sender_id": DRIVER, "recipient_id": DRIVER}}
STRANGERS: dict[str, Any] = {"references": {"sender_id": STRANGE, "recipient_id": STRANGE}}

REFUSED: dict[str, tuple[Write, list[tuple[str, ErrorType]]]] = {
    "no text": (message(None), [("message_text", REQUIRED)]),
    "blank text": (message(" \n"), [("message_text", REQUIRED)]),
    "driver as sender": (message(**FROM_A_DRIVER), [("sender_id", WRONG_KIND)]),
    "strange ids": (
        message(**STRANGERS),
        [("sender_id", WRONG_KIND), ("sender_id", WRONG_KIND), ("recipient_id", WRONG_KIND)],
    ),
    "a strange id in a group": (group_message(DRIVER, STRANGE), [("recipient_ids.1", WRONG_KIND)]),
    "nobody": (group_message(), [("recipient_ids", REQUIRED)]),
}


@pytest.mark.parametrize(("write", "faults"), REFUSED.values(), ids=REFUSED)
def test_what_motive_can_not_take_is_refused_by_our_field(write: Write, faults: list[tuple[str, ErrorType]]) -> None:
    with pytest.raises(UntranslatableWriteError) as refused:
        CONNECTOR.translate(write)

    assert [(fault.field, fault.error_type) for fault in refused.value.faults] == faults
