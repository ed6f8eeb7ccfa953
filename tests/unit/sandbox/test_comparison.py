"""The demo's comparison notices whatever is wrong: without that, its green line would mean nothing."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from fleetwrite.sandbox.comparison import CREATED, FAILED, SUCCEEDED, Evidence, Outcome, compare, differences
from fleetwrite.sandbox.demo_records import create_vehicle
from fleetwrite.sandbox.expectations import Matching
from fleetwrite.sandbox.receiver import Received

Change = Callable[["Story"], None]


class Story(msgspec.Struct):
    """One write that went well, with everything that was seen of it."""

    outcome: Outcome
    calls: list[dict[str, Any]]
    records: dict[str, list[dict[str, Any]]]

    def differences(self) -> list[str]:
        return [str(one) for one in compare([self.outcome], Evidence(self.calls, self.records))]


@pytest.fixture
def story() -> Story:
    operation = {
        "id": "01a209a7-25e5-77b9-a4c2-5d11a1e5a607",
        "status": "success",
        "resource_id": "c29729a5-dafc-5af4-95c0-c26046357b8a",
        "source_id": "281474976720021",
        "logs": [{"status": "success"}],
    }
    external = {"partnerVehicleId": "TMS-0a1b2c", "fleetwriteOperation": "01a209a725e577b9a4c25d11a1e5a607"}
    held = {
        "name": "Demo truck 0a1b2c",
        "vin": "1FUJGLDR5CL0A1B2C",
        "make": "Freightliner",
        "model": "Cascadia",
        "licensePlate": "FW0a1b2c",
        "notes": "Lift gate on the left",
    }
    call = {
        "sequence": 7,
        "method": "POST",
        "path": "/assets",
        "query": {},
        "body": {**held, "type": "vehicle", "year": 2024, "externalIds": external},
        "status": 200,
    }
    record = {
        **held,
        "id": "281474976720021",
        "year": "2024",
        "externalIds": {**external, "samsara.vin": held["vin"]},
        "createdAtTime": "2026-05-04T12:00:00Z",
    }
    return Story(
        Outcome(
            write=create_vehicle("0a1b2c"),
            status=202,
            answer={},
            operation=operation,
            losses=frozenset(),
            events={CREATED: _event({**operation, "status": "pending"}), SUCCEEDED: _event(operation)},
            read_back={"id": operation["resource_id"], "source_id": operation["source_id"], "oem": "Freightliner"},
        ),
        [call],
        {"vehicles": [{"id": "281474976720001", "name": "Unit 101"}, record]},
    )


def _event(operation: dict[str, Any]) -> Received:
    return Received({"event_name": "...", "data": [operation]}, datetime.now(UTC))


def test_a_write_that_went_well_has_no_difference(story: Story) -> None:
    assert story.differences() == []


def _wrong_field_at_the_provider(story: Story) -> None:
    story.records["vehicles"][1]["licensePlate"] = "WRONG"


def _missing_field_at_the_provider(story: Story) -> None:
    del story.records["vehicles"][1]["notes"]


def _wrong_external_id_at_the_provider(story: Story) -> None:
    story.records["vehicles"][1]["externalIds"]["partnerVehicleId"] = "TMS-other"


def _record_under_another_id(story: Story) -> None:
    story.records["vehicles"][1]["id"] = "281474976720099"


def _no_record(story: Story) -> None:
    story.records["vehicles"].pop()


def _two_records(story: Story) -> None:
    story.records["vehicles"].append(story.records["vehicles"][1])


def _no_call(story: Story) -> None:
    story.calls.clear()


def _two_calls(story: Story) -> None:
    story.calls.append({**story.calls[0], "sequence": 8})


def _call_of_nobody(story: Story) -> None:
    story.calls.append({**story.calls[0], "sequence": 8, "path": "/fleet/trailers"})


def _refused_call(story: Story) -> None:
    story.calls[0]["status"] = 429


def _number_sent_as_text(story: Story) -> None:
    story.calls[0]["body"]["year"] = "2024"


def _field_sent_that_was_not_given(story: Story) -> None:
    story.calls[0]["body"]["serialNumber"] = "1"


def _failed_operation(story: Story) -> None:
    logs = [{"status": "failed", "error_details": "rejected: no such role"}]
    story.outcome.operation = {**(story.outcome.operation or {}), "status": "failed", "logs": logs}


def _no_source_id(story: Story) -> None:
    story.outcome.operation = {**(story.outcome.operation or {}), "source_id": None}


def _wrong_answer(story: Story) -> None:
    story.outcome.status = 200


def _loss_that_nobody_expects(story: Story) -> None:
    story.outcome.losses = frozenset({"notes"})


def _record_unknown_by_our_id(story: Story) -> None:
    story.outcome.read_back = None


def _another_record_by_our_id(story: Story) -> None:
    story.outcome.read_back = {**(story.outcome.read_back or {}), "source_id": "281474976720001"}


def _update_of_another_record(story: Story) -> None:
    story.outcome.write = msgspec.structs.replace(
        story.outcome.write, method="PATCH", path="/v2/telematics/vehicles/0609ad61-71a6-5deb-95f0-f98f76e6d0f1"
    )


def _never_announced(story: Story) -> None:
    del story.outcome.events[CREATED]


def _never_told(story: Story) -> None:
    del story.outcome.events[SUCCEEDED]


def _told_of_a_failure(story: Story) -> None:
    story.outcome.events[FAILED] = story.outcome.events.pop(SUCCEEDED)


def _told_something_else_than_polled(story: Story) -> None:
    story.outcome.events[SUCCEEDED] = _event({**(story.outcome.operation or {}), "source_id": "1"})


@pytest.mark.parametrize(
    ("change", "where"),
    [
        (_wrong_field_at_the_provider, "vehicles at the provider.licensePlate: expected"),
        (_missing_field_at_the_provider, 'vehicles at the provider.notes: expected "Lift gate'),
        (_wrong_external_id_at_the_provider, "vehicles at the provider.externalIds.partnerVehicleId"),
        (_record_under_another_id, "vehicles at the provider.id"),
        (_no_record, "vehicles at the provider: expected 1, found 0"),
        (_two_records, "vehicles at the provider: expected 1, found 2"),
        (_no_call, "provider calls: expected 1, found 0"),
        (_two_calls, "provider calls: expected 1, found 2"),
        (_call_of_nobody, "simulator: expected"),
        (_refused_call, "provider calls.status: expected 200, found 429"),
        (_number_sent_as_text, 'provider calls.body.year: expected 2024, found "2024"'),
        (_field_sent_that_was_not_given, 'provider calls.body.serialNumber: expected nothing, found "1"'),
        (_failed_operation, 'operation.status: expected "success", found "failed, rejected: no such role"'),
        (_no_source_id, "operation.source_id"),
        (_wrong_answer, "status: expected 202, found 200"),
        (_loss_that_nobody_expects, 'losses: expected [], found ["notes"]'),
        (_record_unknown_by_our_id, "record read by our id"),
        (_another_record_by_our_id, "record read by our id.source_id"),
        (_update_of_another_record, 'operation.resource_id: expected "0609ad61'),
        (_never_announced, "webhook resource_operation.created: expected"),
        (_never_told, "webhook resource_operation.succeeded: expected"),
        (_told_of_a_failure, "webhook resource_operation.succeeded: expected"),
        (_told_something_else_than_polled, "webhook resource_operation.succeeded.data.0.source_id"),
    ],
)
def test_a_fault_is_a_difference(story: Story, change: Change, where: str) -> None:
    change(story)
    found = story.differences()
    assert any(where in difference for difference in found), found


def test_a_refused_write_is_a_difference(story: Story) -> None:
    story.outcome.operation = None
    story.outcome.status = 422
    story.outcome.answer = {"detail": ["vin is too short"]}
    story.calls.clear()
    assert story.differences() == [
        'create vehicle: answer 422: expected "an operation", found {"detail": ["vin is too short"]}'
    ]


@pytest.mark.parametrize(
    ("expected", "found"),
    [(1, True), (1, 1.0), ("1", 1), (None, ""), ([1, 2], [2, 1]), ([1], [1, 2]), ({"a": 1}, None), (Matching("a+"), 1)],
)
def test_values_that_are_only_alike_differ(expected: object, found: object) -> None:
    assert any(differences("value", expected, found))


def test_objects_may_have_more_unless_they_must_be_exact() -> None:
    assert not any(differences("value", {"a": {"b": 1}}, {"a": {"b": 1, "c": 2}}))
    assert any(differences("value", {"a": {"b": 1}}, {"a": {"b": 1, "c": 2}}, exact=True))
