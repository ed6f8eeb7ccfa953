"""Wialon under the suite that every connector has to pass."""

from connectors.wialon.wialon_exhibit import EXHIBIT
from fleetwrite.connectors.sdk.suite import ConnectorSuite


class TestWialon(ConnectorSuite):
    exhibit = EXHIBIT
