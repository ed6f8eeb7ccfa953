from typing import Any

import pytest

from connectors.motive.motive_writes import DRIVER, OTHER_DRIVER, create, group_message, message, purchase, update
from fleetwrite.connectors.motive.connector import CONNECTOR
from fleetwrite.connectors.sdk.connector import LoginRefusedError, ProviderAnswerError
from fleetwrite.connectors.sdk.outcome import Applied, Outcome, Rejected, Uncertain
from fleetwrite.connectors.sdk.write import Write
from fleetwrite.contract.enums import ResourceEnum
from unit.connectors.motive.scripts import Script, answered

VEHICLE = create(ResourceEnum.VEHICLE, {"vehicle_name": "Unit 412"})
CHANGED = update(ResourceEnum.VEHICLE, {"notes": "n"})
GROUP = group_message(DRIVER, OTHER_DRIVER)


def outcome_of(write: Write, status: int, body: Any = None) -> Outcome:
    return CONNECTOR.read_outcome(write, CONNECTOR.translate(write).call, answered(status, body))


@pytest.mark.parametrize(
    ("write", "body", "source_id"),
    [
        (VEHICLE, {"vehicle": {"id": 7}}, "7"),
        (VEHICLE, {"id": 7}, "7"),
        (CHANGED, {"vehicle": {"id": 1090401}}, "1090401"),
        (message(), {"message": {"id": "message:7", "recipient_ids": [550101]}}, "message:7"),
        # Motive has three names for who got it, and may say nothing.
        (message(), {"id": "message:7", "receiver_ids": [550101]}, "message:7"),
        (message(), {"message": {"id": "message:7", "recipient_id": 550101}}, "message:7"),
        (message(), {"message": {"id": "message:7"}}, "message:7"),
        (purchase(), {"fuel_purchase": {"id": 7}}, "7"),
        # A bare purchase has a vehicle in it.
        (purchase(), {"id": 7, "vehicle": {"id": 8}}, "7"),
    ],
)
def test_a_success_is_read_in_its_envelope_or_bare(write: Write, body: Any, source_id: str) -> None:
    outcome = outcome_of(write, 201, body)

    assert isinstance(outcome, Applied)
    assert outcome.source_id == source_id


@pytest.mark.parametrize(
    ("write", "body"),
    [
        (VEHICLE, b"<html>"),
        (VEHICLE, []),
        (VEHICLE, {"vehicle": None}),
        # What a key in test mode gets.
        (VEHICLE, {"vehicle": {"number": "Unit 412"}}),
        (CHANGED, {"success": True}),
        (GROUP, {"message": {"id": "message:7", "recipient_ids": [550101]}}),
    ],
)
def test_a_success_that_does_not_say_what_was_written_is_none(write: Write, body: Any) -> None:
    assert isinstance(outcome_of(write, 200, body), Uncertain)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"error_message": "number has already been taken"}, "number has already been taken"),
        ({"error": "number is wrong"}, "number is wrong"),
        ({"error": {"message": "number is wrong"}}, "number is wrong"),
        ({"messages": ["number is wrong", "so is the year"]}, "number is wrong; so is the year"),
        (b"<h1>Bad\n Request</h1>", "<h1>Bad Request</h1>"),
        ({"errors": [7]}, '{"errors":[7]}'),
    ],
)
def test_the_providers_words_are_told_in_any_of_their_forms(body: Any, told: str) -> None:
    assert outcome_of(VEHICLE, 400, body) == Rejected(details=f"HTTP 400 from Motive to POST /v1/vehicles: {told}")


@pytest.mark.parametrize("status", [201, 400])
def test_a_password_that_comes_back_is_not_told(status: int) -> None:
    write = create(ResourceEnum.USER, {"is_driver": True, "first_name": "a", "last_name": "b", "username": "c"})
    call = CONNECTOR.translate(write).with_secrets({"password": "correct horse"})
    body = {"user": {"id": 7, "password": "correct horse"}, "error": "correct horse is weak"}

    outcome = CONNECTOR.read_outcome(write, call, answered(status, body))

    assert "correct horse" not in repr(outcome)


@pytest.mark.parametrize(
    ("status", "body", "identity"),
    [
        (200, {"companies": [{"company": {"id": 7, "name": "N"}}]}, {"id": "7", "name": "N"}),
        (200, {"companies": [{"id": 7}]}, {"id": "7"}),
        (200, {"companies": [{"company": {"name": "N"}}]}, {"name": "N"}),
        (403, {"error_message": "scope"}, {}),
    ],
)
async def test_a_login_is_checked_by_the_company(status: int, body: Any, identity: dict[str, str]) -> None:
    assert await CONNECTOR.check_login(Script(answered(status, body))) == identity


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (401, {"error_message": "invalid API key"}, LoginRefusedError),
        (500, b"", ProviderAnswerError),
        (200, {"companies": []}, ProviderAnswerError),
        (200, b"<html>", ProviderAnswerError),
    ],
)
async def test_only_a_401_refuses_a_login(status: int, body: Any, error: type[ProviderAnswerError]) -> None:
    with pytest.raises(ProviderAnswerError) as failed:
        await CONNECTOR.check_login(Script(answered(status, body)))

    assert type(failed.value) is error
