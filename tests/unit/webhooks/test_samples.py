from typing import Any

import msgspec
import pytest

from fleetwrite.contract.event_names import WebhookEventNameEnum
from fleetwrite.webhooks.catalogue import FIRED
from fleetwrite.webhooks.samples import sample_of


@pytest.mark.parametrize(("name", "shape"), [(name, fired.data) for name, fired in FIRED.items()])
def test_a_sample_has_the_shape_of_the_real_thing(name: WebhookEventNameEnum, shape: Any) -> None:
    [item] = msgspec.json.decode(msgspec.json.encode(sample_of(name)), type=list[shape])
    assert isinstance(item, shape)


def test_an_event_that_is_never_fired_has_an_empty_sample() -> None:
    assert sample_of(WebhookEventNameEnum.WORKFLOW_ADDED) == []
