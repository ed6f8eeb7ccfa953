"""Finds connectors by their folder, or by the entry point of another package: adding a provider edits nothing here."""

import importlib
import importlib.util
import pkgutil
from collections.abc import Iterator, Mapping
from importlib.metadata import entry_points
from typing import Final

import fleetwrite.connectors
from fleetwrite.connectors.sdk.connector import Connector
from fleetwrite.contract.credentials import SHAPES
from fleetwrite.kit.errors import FleetwriteError

ENTRY_POINTS: Final = "fleetwrite.connectors"
"""The group of entry points by which other packages bring connectors: slug -> a `Connector`."""


class UnknownTspError(FleetwriteError):
    """No connector of this name is installed."""


class Registry:
    """The installed connectors, by slug."""

    def __init__(self, connectors: Mapping[str, Connector]) -> None:
        self._connectors = dict(connectors)

    @classmethod
    def load(cls) -> "Registry":
        """Every folder of `fleetwrite.connectors` with a connector in it, and what other packages bring.

        A broken connector stops the start, not a write.

        Raises:
            FleetwriteError: two have the same slug, or one has another than its folder or entry point says, or wants
                credentials of a shape that the contract lacks.
        """
        connectors: dict[str, Connector] = {}
        for name, connector in [*_own(), *_of_other_packages()]:
            slug = connector.manifest.slug
            if slug != name:
                raise FleetwriteError(f"The connector {name!r} calls itself {slug!r}: rename one of them.")
            if connector.manifest.credential_shape not in SHAPES:
                shape = connector.manifest.credential_shape
                raise FleetwriteError(
                    f"The contract has no shape {shape!r} of credentials, which the connector {name!r} wants; it has:"
                    f" {', '.join(SHAPES)}."
                )
            if slug in connectors:
                raise FleetwriteError(f"There are two connectors named {slug!r}: remove one of them.")
            connectors[slug] = connector
        return cls(connectors)

    def get(self, slug: str) -> Connector:
        """The connector of this slug.

        Raises:
            UnknownTspError: there is none.
        """
        try:
            return self._connectors[slug]
        except KeyError:
            known = ", ".join(sorted(self._connectors))
            raise UnknownTspError(f"No connector named {slug!r} is installed; there are: {known}.") from None

    def __iter__(self) -> Iterator[Connector]:
        return iter(self._connectors.values())


def _own() -> Iterator[tuple[str, Connector]]:
    for module in pkgutil.iter_modules(fleetwrite.connectors.__path__):
        name = f"{fleetwrite.connectors.__name__}.{module.name}.connector"
        if module.name != "sdk" and importlib.util.find_spec(name) is not None:
            yield module.name, importlib.import_module(name).CONNECTOR


def _of_other_packages() -> Iterator[tuple[str, Connector]]:
    for entry in entry_points(group=ENTRY_POINTS):
        yield entry.name, entry.load()
