"""What is decided when services are put together."""

import msgspec
import pytest

from fleetwrite.bootstrap import backoff_of
from fleetwrite.connectors.sdk.registry import Registry
from fleetwrite.dispatch.backoff import Backoff
from fleetwrite.settings import Settings, TspSettings


@pytest.mark.parametrize(
    ("of_connector", "of_provider", "expected"),
    [
        ({}, TspSettings(), Backoff(first_s=1.0, cap_s=600.0)),
        ({"retry_first_s": 5.0}, TspSettings(), Backoff(first_s=5.0, cap_s=600.0)),
        ({"retry_first_s": 5.0}, TspSettings(retry_cap_s=60.0), Backoff(first_s=5.0, cap_s=60.0)),
        (
            {"retry_first_s": 5.0, "retry_cap_s": 90.0},
            TspSettings(retry_first_s=2.0),
            Backoff(first_s=2.0, cap_s=90.0),
        ),
    ],
)
def test_the_providers_settings_win_over_its_connector_and_that_over_the_settings_for_all(
    of_connector: dict[str, float], of_provider: TspSettings, expected: Backoff
) -> None:
    manifest = msgspec.structs.replace(Registry.load().get("samsara").manifest, **of_connector)
    settings = Settings(retry_first_s=1.0, retry_cap_s=600.0, tsp={"samsara": of_provider})
    assert backoff_of(manifest, settings) == expected
