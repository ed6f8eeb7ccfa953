"""A stand-in for MyGeotab's API (`QUIRKS.md` says what it rests on)."""

from fleetwrite.connectors.geotab.simulator.databases import Database, Login
from fleetwrite.connectors.geotab.simulator.server import GeotabSimulator

SIMULATOR = GeotabSimulator

__all__ = ["SIMULATOR", "Database", "GeotabSimulator", "Login"]
