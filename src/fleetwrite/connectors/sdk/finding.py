"""Finds what else is beside a connector: its simulator, its examples."""

import importlib
import importlib.util
from types import ModuleType

from fleetwrite.connectors.sdk.examples import Example
from fleetwrite.connectors.sdk.registry import Place, UnknownTspError, places
from fleetwrite.connectors.sdk.simulator.server import Simulator


def simulated() -> list[str]:
    """The slugs of the connectors that bring a simulator."""
    return [place.slug for place in places() if _has(place, "simulator")]


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
    for place in places():
        if place.slug == slug and _has(place, name):
            return importlib.import_module(f"{place.package}.{name}")
    raise UnknownTspError(f"The connector {slug!r} is not there, or has no {name}.")


def _has(place: Place, name: str) -> bool:
    try:
        return importlib.util.find_spec(f"{place.package}.{name}") is not None
    except ModuleNotFoundError:
        # It is a single module, and holds nothing else.
        return False
