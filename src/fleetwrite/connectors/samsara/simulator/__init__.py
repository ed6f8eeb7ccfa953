"""An HTTP stand-in for the Samsara API, as documented; QUIRKS.md beside it says what is documented and what
assumed.
"""

from fleetwrite.connectors.samsara.simulator.organizations import Organization, Token, demo_organizations
from fleetwrite.connectors.samsara.simulator.server import SamsaraSimulator

SIMULATOR = SamsaraSimulator

__all__ = ["SIMULATOR", "Organization", "SamsaraSimulator", "Token", "demo_organizations"]
