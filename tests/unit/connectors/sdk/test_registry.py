"""Connectors are found where they are: in their folders, and in other packages."""

from pathlib import Path

import pytest

from fleetwrite.connectors.sdk.registry import ENTRY_POINTS, Registry, UnknownTspError
from fleetwrite.kit.errors import FleetwriteError

MODULE = """
import msgspec
from fleetwrite.connectors.samsara.connector import SamsaraConnector

class Elsewhere(SamsaraConnector):
    manifest = msgspec.structs.replace(SamsaraConnector.manifest, slug="{slug}", credential_shape="{shape}")

CONNECTOR = Elsewhere()
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is searched for installed packages."""
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def install(package: Path, name: str, module: str, slug: str, shape: str = "token") -> None:
    """A package that brings a connector, as pip would install it."""
    (package / f"{module}.py").write_text(MODULE.format(slug=slug, shape=shape))
    info = package / f"{module}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{ENTRY_POINTS}]\n{name} = {module}:CONNECTOR\n")


def test_a_connector_of_another_package_is_found_by_its_entry_point(package: Path) -> None:
    install(package, "acme", "acme_for_fleetwrite", "acme")
    registry = Registry.load()
    assert registry.get("acme").manifest.slug == "acme"
    assert registry.get("samsara").manifest.slug == "samsara"


def test_a_connector_must_be_called_as_its_entry_point_says(package: Path) -> None:
    install(package, "acme", "misnamed_for_fleetwrite", "emca")
    with pytest.raises(FleetwriteError, match="'acme' calls itself 'emca'"):
        Registry.load()


def test_a_connector_must_want_credentials_that_the_contract_can_carry(package: Path) -> None:
    install(package, "acme", "shapeless_for_fleetwrite", "acme", shape="tokn")
    with pytest.raises(FleetwriteError, match="no shape 'tokn' of credentials, which the connector 'acme' wants"):
        Registry.load()


def test_two_connectors_of_one_name_stop_the_start(package: Path) -> None:
    install(package, "samsara", "second_samsara", "samsara")
    with pytest.raises(FleetwriteError, match="two connectors named 'samsara'"):
        Registry.load()


def test_who_asks_for_an_unknown_one_is_told_which_there_are() -> None:
    with pytest.raises(UnknownTspError, match=r"geotab, .*samsara"):
        Registry.load().get("acme")
