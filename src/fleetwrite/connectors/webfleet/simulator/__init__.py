"""An HTTP stand-in for WEBFLEET.connect; QUIRKS.md beside it says what is documented and what assumed."""

from fleetwrite.connectors.webfleet.simulator.accounts import Account, demo_accounts, driver_uid, vehicle_uid
from fleetwrite.connectors.webfleet.simulator.server import WebfleetSimulator

SIMULATOR = WebfleetSimulator

__all__ = ["SIMULATOR", "Account", "WebfleetSimulator", "demo_accounts", "driver_uid", "vehicle_uid"]
