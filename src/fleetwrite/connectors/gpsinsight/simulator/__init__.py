"""An HTTP stand-in for GPS Insight's API v2; QUIRKS.md beside it says what is documented and what assumed."""

from fleetwrite.connectors.gpsinsight.simulator.accounts import Account, demo_accounts, driver_id, vehicle_id
from fleetwrite.connectors.gpsinsight.simulator.server import GpsInsightSimulator

SIMULATOR = GpsInsightSimulator

__all__ = ["SIMULATOR", "Account", "GpsInsightSimulator", "demo_accounts", "driver_id", "vehicle_id"]
