"""Webfleet under the suite that every connector has to pass."""

from connectors.webfleet.webfleet_exhibit import EXHIBIT
from fleetwrite.connectors.sdk.suite import ConnectorSuite


class TestWebfleet(ConnectorSuite):
    exhibit = EXHIBIT
