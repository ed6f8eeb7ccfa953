"""Finds connectors by their folder: adding a provider edits nothing outside of it."""

import importlib
import pkgutil
from collections.abc import Iterator, Mapping

import fleetwrite.connectors
from fleetwrite.connectors.sdk.connector import Connector
from fleetwrite.kit.errors import FleetwriteError


class UnknownTspError(FleetwriteError):
    """No connector of this name is installed."""


class Registry:
    """The installed connectors, by slug."""

    def __init__(self, connectors: Mapping[str, Connector]) -> None:
        self._connectors = dict(connectors)

    @classmethod
    def load(cls) -> "Registry":
        """Every folder of `fleetwrite.connectors` but the SDK. A broken connector stops the start, not a write."""
        names = (module.name for module in pkgutil.iter_modules(fleetwrite.connectors.__path__))
        connectors: dict[str, Connector] = {}
        for name in names:
            if name == "sdk":
                continue
            connector: Connector = importlib.import_module(f"fleetwrite.connectors.{name}.connector").CONNECTOR
            if connector.manifest.slug != name:
                raise FleetwriteError(
                    f"The connector in folder {name!r} calls itself {connector.manifest.slug!r}: rename one of them."
                )
            connectors[name] = connector
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
