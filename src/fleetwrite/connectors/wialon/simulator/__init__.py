"""A stand-in for Wialon's Remote API. What of it is documented and what assumed: QUIRKS.md."""

from fleetwrite.connectors.wialon.simulator.server import WialonSimulator

SIMULATOR = WialonSimulator
