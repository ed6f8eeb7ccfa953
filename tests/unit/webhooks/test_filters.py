from uuid import UUID

from msgspec import UNSET

from fleetwrite.contract.errors import ErrorType
from fleetwrite.contract.notifications import WebhookFilters
from fleetwrite.webhooks.filters import MOST_FLEETS, faults_of, normalised

A, B = UUID(int=1), UUID(int=2)


def test_a_filter_that_limits_nothing_is_none() -> None:
    for empty in (UNSET, None, WebhookFilters(), WebhookFilters(fleet_ids=[], fleet_refs=[])):
        assert normalised(empty) is None


def test_equal_filters_have_one_form() -> None:
    one = normalised(WebhookFilters(fleet_ids=[B, A, B], fleet_refs=["b", "a"]))
    other = normalised(WebhookFilters(fleet_ids=[A, B], fleet_refs=["a", "b", "a"]))
    assert one == other == WebhookFilters(fleet_ids=[A, B], fleet_refs=["a", "b"])


def test_an_empty_list_beside_a_full_one_limits_nothing_more() -> None:
    assert normalised(WebhookFilters(fleet_ids=[A], fleet_refs=[])) == WebhookFilters(fleet_ids=[A])


def test_faults_name_the_list_they_are_in() -> None:
    refs = ["  ", *(f"fleet-{number}" for number in range(MOST_FLEETS))]
    faults = faults_of(WebhookFilters(fleet_ids=[A], fleet_refs=refs))
    assert [(fault.path, fault.error_type) for fault in faults] == [
        ("body.filters.fleet_refs", ErrorType.RANGE),
        ("body.filters.fleet_refs", ErrorType.FORMAT),
    ]


def test_a_reference_that_the_database_can_not_hold_is_a_fault() -> None:
    assert [fault.error_type for fault in faults_of(WebhookFilters(fleet_refs=["a\0b"]))] == [ErrorType.FORMAT]


def test_a_sound_filter_has_no_faults() -> None:
    assert faults_of(None) == []
    assert faults_of(WebhookFilters(fleet_ids=[A], fleet_refs=["a"])) == []
