"""Zonar under the suite that every connector has to pass."""

from connectors.zonar.zonar_exhibit import EXHIBIT
from fleetwrite.connectors.sdk.suite import ConnectorSuite


class TestZonar(ConnectorSuite):
    exhibit = EXHIBIT
