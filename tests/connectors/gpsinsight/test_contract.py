"""GPS Insight under the suite that every connector has to pass."""

from connectors.gpsinsight.gpsinsight_exhibit import EXHIBIT
from fleetwrite.connectors.sdk.suite import ConnectorSuite


class TestGpsInsight(ConnectorSuite):
    exhibit = EXHIBIT
