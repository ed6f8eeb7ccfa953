"""An HTTP stand-in for a Traccar server; QUIRKS.md beside it says what is documented and what assumed."""

from fleetwrite.connectors.traccar.simulator.fleets import Fleet, demo_fleets
from fleetwrite.connectors.traccar.simulator.server import TraccarSimulator

SIMULATOR = TraccarSimulator

__all__ = ["SIMULATOR", "Fleet", "TraccarSimulator", "demo_fleets"]
