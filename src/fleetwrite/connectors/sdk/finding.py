"""Finds what else is in a connector's folder, as the registry finds the connector: its simulator, its examples."""

import importlib
from types import ModuleType

from fleetwrite.connectors.sdk.examples import Example
from fleetwrite.connectors.sdk.registry import UnknownTspError
from fleetwrite.connectors.sdk.simulator.server import Simulator


def simulator_class(slug: str) -> type[Simulator]:
    """The simulator of a connector.

    Raises:
        UnknownTspError: there is no connector of this slug, or it has no simulator.
    """
    found: type[Simulator] = _module(slug, "simulator").SIMULATOR
    return found


def examples_of(slug: str) -> tuple[Example, ...]:
    """The examples of a connector.

    Raises:
        UnknownTspError: there is no connector of this slug, or it has no examples.
    """
    found: tuple[Example, ...] = _module(slug, "examples").EXAMPLES
    return found


def _module(slug: str, name: str) -> ModuleType:
    try:
        return importlib.import_module(f"fleetwrite.connectors.{slug}.{name}")
    except ModuleNotFoundError as error:
        raise UnknownTspError(f"The connector {slug!r} is not there, or has no {name}.") from error
