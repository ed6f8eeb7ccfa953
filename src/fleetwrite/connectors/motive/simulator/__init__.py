"""An HTTP stand-in for the Motive API, as documented; QUIRKS.md beside it says what is documented and what assumed."""

from fleetwrite.connectors.motive.simulator.companies import ALL_SCOPES, Company, demo_companies
from fleetwrite.connectors.motive.simulator.server import MotiveSimulator

SIMULATOR = MotiveSimulator

__all__ = ["ALL_SCOPES", "SIMULATOR", "Company", "MotiveSimulator", "demo_companies"]
