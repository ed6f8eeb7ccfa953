import pytest

from fleetwrite.contract.event_names import WebhookCatchAllEvents, WebhookEventNameEnum, WebhookSubscribableEvent
from fleetwrite.contract.notifications import WebhookFilters
from fleetwrite.dispatch.backoff import Backoff
from fleetwrite.webhooks.models import DeliverySettings, actions_of, filters_as_json, is_wildcard

Name = WebhookSubscribableEvent


def test_a_plain_name_stands_for_itself() -> None:
    assert actions_of(Name.RESOURCE_OPERATION_FAILED) == [WebhookEventNameEnum.RESOURCE_OPERATION_FAILED]
    assert not is_wildcard(Name.RESOURCE_OPERATION_FAILED)


def test_a_wildcard_stands_for_the_actions_of_its_resource_only() -> None:
    assert actions_of(Name.RESOURCE_OPERATION_ALL) == [
        WebhookEventNameEnum.RESOURCE_OPERATION_CREATED,
        WebhookEventNameEnum.RESOURCE_OPERATION_SUCCEEDED,
        WebhookEventNameEnum.RESOURCE_OPERATION_FAILED,
    ]
    assert actions_of(Name.TRAILER_ALL) == [
        WebhookEventNameEnum.TRAILER_ADDED,
        WebhookEventNameEnum.TRAILER_MODIFIED,
        WebhookEventNameEnum.TRAILER_REMOVED,
    ]
    assert actions_of(Name.VEHICLE_LOCATION_ALL) == [WebhookEventNameEnum.VEHICLE_LOCATION_ADDED]


@pytest.mark.parametrize("name", [*Name, *(Name(wildcard) for wildcard in WebhookCatchAllEvents)])
def test_every_name_of_the_contract_stands_for_events_that_happen(name: WebhookSubscribableEvent) -> None:
    actions = actions_of(name)
    assert actions
    assert not any(action.endswith("*") for action in actions)


def test_the_first_retries_come_fast_and_the_rest_ever_slower() -> None:
    settings = DeliverySettings(fast_s=(0.5, 1.5, 3.0), tail=Backoff(first_s=10.0, cap_s=3600.0))
    assert [settings.delay_s(failures) for failures in (1, 2, 3)] == [0.5, 1.5, 3.0]
    assert all(0 <= settings.delay_s(4) <= 10 for _ in range(100))
    assert all(0 <= settings.delay_s(5) <= 20 for _ in range(100))
    assert all(0 <= settings.delay_s(1000) <= 3600 for _ in range(100))


def test_the_fast_retries_keep_within_the_contract_s_five_seconds() -> None:
    assert len(DeliverySettings().fast_s) == 3
    assert sum(DeliverySettings().fast_s) <= 5.0


def test_no_filter_is_stored_as_nothing() -> None:
    assert filters_as_json(None) is None
    assert filters_as_json(WebhookFilters(fleet_refs=["a"])) == {"fleet_ids": None, "fleet_refs": ["a"]}
