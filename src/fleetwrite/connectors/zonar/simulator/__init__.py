"""An HTTP stand-in for Zonar's interface; QUIRKS.md beside it says what is documented and what assumed."""

from fleetwrite.connectors.zonar.simulator.accounts import Account, demo_accounts
from fleetwrite.connectors.zonar.simulator.server import ZonarSimulator

SIMULATOR = ZonarSimulator

__all__ = ["SIMULATOR", "Account", "ZonarSimulator", "demo_accounts"]
