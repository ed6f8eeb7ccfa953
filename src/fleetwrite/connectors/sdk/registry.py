"""Finds connectors by their folder, or by the entry point of another package: adding a provider edits nothing here."""

import importlib
import importlib.util
import pkgutil
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from importlib.metadata import entry_points
from typing import Final

import msgspec

import fleetwrite.connectors
from fleetwrite.connectors.sdk.connector import Connector
from fleetwrite.contract.credentials import SHAPES
from fleetwrite.contract.tsps import TspEnum
from fleetwrite.kit.errors import FleetwriteError

ENTRY_POINTS: Final = "fleetwrite.connectors"
"""The group of entry points by which other packages bring connectors: slug -> a `Connector`."""

SLUG: Final = re.compile(r"[a-z][a-z0-9_]*")
"""What a slug looks like: it stands in paths of the API, in names of settings and of folders."""


class UnknownTspError(FleetwriteError):
    """No connector of this name is installed."""


class Place(msgspec.Struct, frozen=True):
    """Where a connector is: its slug there, the module and attribute that hold it. Nothing of it was imported."""

    slug: str
    module: str
    attribute: str

    @property
    def package(self) -> str:
        """What holds the connector, its simulator and its examples."""
        return self.module.rpartition(".")[0] or self.module


class Registry:
    """The installed connectors, by slug."""

    def __init__(self, connectors: Mapping[str, Connector]) -> None:
        self._connectors = dict(connectors)
        self.source_names = frozenset(
            {*map(str, TspEnum), *(connector.manifest.source_name for connector in self._connectors.values())}
        )
        """What a `source_name` may be here: what the contract names, and what connectors outside it add."""

    @classmethod
    def load(cls) -> "Registry":
        """Every folder of `fleetwrite.connectors` with a connector in it, and what other packages bring.

        A broken connector stops the start, not a write.

        Raises:
            FleetwriteError: two have the same slug, what one calls itself can not be, or it wants credentials of a
                shape that the contract lacks.
        """
        connectors: dict[str, Connector] = {}
        for place in places():
            connector: Connector = getattr(importlib.import_module(place.module), place.attribute)
            _check(place, connector)
            connectors[place.slug] = connector
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


def places() -> list[Place]:
    """Where the installed connectors are.

    Raises:
        FleetwriteError: two have the same slug.
    """
    found = [*_own(), *_of_other_packages()]
    for slug, count in Counter(place.slug for place in found).items():
        if count > 1:
            raise FleetwriteError(f"There are two connectors named {slug!r}: remove one of them.")
    return found


def _own() -> Iterator[Place]:
    for module in pkgutil.iter_modules(fleetwrite.connectors.__path__):
        name = f"{fleetwrite.connectors.__name__}.{module.name}.connector"
        if module.name != "sdk" and importlib.util.find_spec(name) is not None:
            yield Place(module.name, name, "CONNECTOR")


def _of_other_packages() -> Iterator[Place]:
    for entry in entry_points(group=ENTRY_POINTS):
        yield Place(entry.name, entry.module, entry.attr)


def _check(place: Place, connector: Connector) -> None:
    slug, source_name = connector.manifest.slug, connector.manifest.source_name
    shape = connector.manifest.credential_shape
    if slug != place.slug:
        raise FleetwriteError(f"The connector {place.slug!r} calls itself {slug!r}: rename one of them.")
    if not SLUG.fullmatch(slug):
        raise FleetwriteError(
            f"The slug {slug!r} can not name a connector: take small letters, digits and _, with a letter first."
        )
    if source_name not in {*TspEnum} and source_name != slug:
        raise FleetwriteError(
            f"The connector {slug!r} has the source_name {source_name!r}, which the contract does not know: take one"
            f" of TspEnum, or {slug!r} for a provider that is not in it."
        )
    if shape not in SHAPES:
        raise FleetwriteError(
            f"The contract has no shape {shape!r} of credentials, which the connector {slug!r} wants; it has:"
            f" {', '.join(SHAPES)}."
        )
