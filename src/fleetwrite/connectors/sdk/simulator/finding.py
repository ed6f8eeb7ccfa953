"""Finds a connector's simulator by its folder, as the registry finds the connector."""

import importlib

from fleetwrite.connectors.sdk.registry import UnknownTspError
from fleetwrite.connectors.sdk.simulator.server import Simulator


def simulator_class(slug: str) -> type[Simulator]:
    """The simulator of a connector, found as the connector is.

    Raises:
        UnknownTspError: there is no connector of this slug, or it has no simulator.
    """
    try:
        module = importlib.import_module(f"fleetwrite.connectors.{slug}.simulator")
    except ModuleNotFoundError as error:
        raise UnknownTspError(f"There is no simulator of {slug!r}.") from error
    found: type[Simulator] = module.SIMULATOR
    return found
