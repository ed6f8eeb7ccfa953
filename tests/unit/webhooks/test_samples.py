from typing import Any

import msgspec
import pytest

from fleetwrite.contract.event_names import WebhookEventNameEnum
from fleetwrite.contract.notifications import BaseConnectionEvent, BaseResourceOperationEvent, BaseWebhookEvent
from fleetwrite.contract.telematics_reads import TrailerRead
from fleetwrite.webhooks.samples import sample_of

Name = WebhookEventNameEnum


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        (Name.RESOURCE_OPERATION_SUCCEEDED, BaseResourceOperationEvent),
        (Name.CONNECTION_STALED, BaseConnectionEvent),
        (Name.WEBHOOK_STALED, BaseWebhookEvent),
        (Name.TRAILER_MODIFIED, TrailerRead),
    ],
)
def test_a_sample_has_the_shape_of_the_real_thing(name: WebhookEventNameEnum, shape: Any) -> None:
    [item] = msgspec.json.decode(msgspec.json.encode(sample_of(name)), type=list[shape])
    assert isinstance(item, shape)


@pytest.mark.parametrize("name", list(Name))
def test_every_event_has_a_sample_that_can_be_sent(name: WebhookEventNameEnum) -> None:
    assert len(msgspec.json.decode(msgspec.json.encode(sample_of(name)))) <= 1
