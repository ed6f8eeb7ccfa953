import pytest

from connectors.samsara.samsara_writes import ANY_ID, DRIVER, OFFICE_USER, OTHER_DRIVER, create
from fleetwrite.connectors.samsara.connector import CONNECTOR
from fleetwrite.connectors.sdk.write import SourceReference, UntranslatableWriteError, Write
from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.contract.errors import ErrorType

MESSAGE, GROUP = ResourceEnum.MESSAGE, ResourceEnum.GROUP_MESSAGE
TO_ONE = {"sender_id": ANY_ID, "recipient_id": ANY_ID}
TO_MANY = {"sender_id": ANY_ID, "recipient_ids": [ANY_ID]}
UNKNOWN_KIND = SourceReference(source_id="7", attributes={})
NO_NUMBER = SourceReference(source_id="drv-7", attributes={"is_driver": True})


def to_many(*recipients: SourceReference, text: str | None = "dock 4", **changes: object) -> Write:
    return create(GROUP, {**TO_MANY, "message_text": text}, reference_lists={"recipient_ids": recipients}, **changes)


def test_a_message_goes_to_one_driver_by_number() -> None:
    translation = CONNECTOR.translate(create(MESSAGE, {**TO_ONE, "message_text": "dock 4"}))

    assert (translation.call.method, translation.call.path) == ("POST", "/v1/fleet/messages")
    assert translation.call.body == {"driverIds": [45646], "text": "dock 4"}
    assert [loss.field for loss in translation.losses] == ["sender_id"]


def test_priority_and_reply_are_losses() -> None:
    write = create(MESSAGE, {**TO_ONE, "message_text": "dock 4", "priority": "high", "reply_to_message_id": ANY_ID})

    assert [loss.field for loss in CONNECTOR.translate(write).losses] == [
        "sender_id",
        "priority",
        "reply_to_message_id",
    ]


def test_a_group_message_is_one_call_with_each_driver_once_in_order() -> None:
    translation = CONNECTOR.translate(to_many(OTHER_DRIVER, DRIVER, OTHER_DRIVER))

    assert translation.call.path == "/v1/fleet/messages"
    assert translation.call.body == {"driverIds": [45647, 45646], "text": "dock 4"}


def test_a_text_of_the_full_length_fits() -> None:
    translation = CONNECTOR.translate(create(MESSAGE, {**TO_ONE, "message_text": "x" * 2500}))

    assert (translation.call.body or {})["text"] == "x" * 2500


def test_a_longer_text_is_cut_only_where_losses_are_allowed() -> None:
    translation = CONNECTOR.translate(create(MESSAGE, {**TO_ONE, "message_text": "x" * 2501}, allow_losses=True))

    assert (translation.call.body or {})["text"] == "x" * 2500
    assert [loss.field for loss in translation.losses] == ["sender_id", "message_text"]


REFUSED: dict[str, tuple[Write, list[tuple[str, ErrorType]]]] = {
    "no text": (create(MESSAGE, TO_ONE), [("message_text", ErrorType.REQUIRED_BY_TSP)]),
    "blank text": (create(MESSAGE, {**TO_ONE, "message_text": " \n"}), [("message_text", ErrorType.REQUIRED_BY_TSP)]),
    "text of 2501": (create(MESSAGE, {**TO_ONE, "message_text": "x" * 2501}), [("message_text", ErrorType.RANGE)]),
    "to an office user": (
        create(MESSAGE, {**TO_ONE, "message_text": "x"}, references={"recipient_id": OFFICE_USER}),
        [("recipient_id", ErrorType.WRONG_KIND)],
    ),
    "to a user of unknown kind": (
        create(MESSAGE, {**TO_ONE, "message_text": "x"}, references={"recipient_id": UNKNOWN_KIND}),
        [("recipient_id", ErrorType.WRONG_KIND)],
    ),
    "to an id that is no number": (
        create(MESSAGE, {**TO_ONE, "message_text": "x"}, references={"recipient_id": NO_NUMBER}),
        [("recipient_id", ErrorType.WRONG_KIND)],
    ),
    "to nobody": (to_many(), [("recipient_ids", ErrorType.REQUIRED_BY_TSP)]),
    "to a group with faults everywhere": (
        to_many(DRIVER, OFFICE_USER, NO_NUMBER, text=None),
        [
            ("message_text", ErrorType.REQUIRED_BY_TSP),
            ("recipient_ids.1", ErrorType.WRONG_KIND),
            ("recipient_ids.2", ErrorType.WRONG_KIND),
        ],
    ),
}


@pytest.mark.parametrize(("write", "faults"), REFUSED.values(), ids=REFUSED)
def test_what_samsara_can_not_take_is_refused_by_our_field(write: Write, faults: list[tuple[str, ErrorType]]) -> None:
    with pytest.raises(UntranslatableWriteError) as refused:
        CONNECTOR.translate(write)

    assert [(fault.field, fault.error_type) for fault in refused.value.faults] == faults
