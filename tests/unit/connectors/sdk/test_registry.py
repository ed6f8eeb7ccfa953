"""Connectors are found where they are: in their folders, and in other packages."""

from pathlib import Path

import pytest

from fleetwrite.connectors.sdk.finding import simulated, simulator_class
from fleetwrite.connectors.sdk.registry import ENTRY_POINTS, Registry, UnknownTspError, places
from fleetwrite.contract.tsps import TspEnum
from fleetwrite.kit.errors import FleetwriteError

MODULE = """
import msgspec
from fleetwrite.connectors.samsara.connector import SamsaraConnector

class Elsewhere(SamsaraConnector):
    manifest = msgspec.structs.replace(
        SamsaraConnector.manifest, slug="{slug}", source_name="{source_name}", credential_shape="{shape}"
    )

CONNECTOR = Elsewhere()
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is searched for installed packages."""
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def install(
    package: Path, name: str, module: str, slug: str, source_name: str = "samsara", shape: str = "token"
) -> None:
    """A package that brings a connector, as pip would install it."""
    (package / f"{module}.py").write_text(MODULE.format(slug=slug, source_name=source_name, shape=shape))
    info = package / f"{module}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{ENTRY_POINTS}]\n{name} = {module}:CONNECTOR\n")


def test_a_connector_of_another_package_is_found_by_its_entry_point(package: Path) -> None:
    install(package, "acme", "acme_for_fleetwrite", "acme")
    registry = Registry.load()
    assert registry.get("acme").manifest.slug == "acme"
    assert registry.get("samsara").manifest.slug == "samsara"


def test_a_slug_that_the_contract_does_not_know_is_one_more_source_name(package: Path) -> None:
    install(package, "acme", "outsider_for_fleetwrite", "acme", source_name="acme")
    contract = {one.value for one in TspEnum}
    assert Registry.load().source_names - contract == {"acme"}
    assert Registry({}).source_names == contract


def test_any_other_name_that_the_contract_does_not_know_is_taken_for_a_slip(package: Path) -> None:
    install(package, "acme", "slip_for_fleetwrite", "acme", source_name="samsra")
    with pytest.raises(FleetwriteError, match="'samsra', which the contract does not know"):
        Registry.load()


def test_a_slug_must_fit_into_a_path(package: Path) -> None:
    install(package, "Acme/2", "crooked_for_fleetwrite", "Acme/2")
    with pytest.raises(FleetwriteError, match="'Acme/2' can not name a connector"):
        Registry.load()


def test_a_connector_without_a_simulator_beside_it_is_not_simulated(package: Path) -> None:
    install(package, "acme", "bare_for_fleetwrite", "acme")
    assert simulated() == [place.slug for place in places() if place.slug != "acme"]
    with pytest.raises(UnknownTspError, match="'acme' is not there, or has no simulator"):
        simulator_class("acme")


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
