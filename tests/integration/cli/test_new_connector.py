"""`fleetwrite connector new`: what it writes is a connector at once, and it spoils nothing that is there."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fleetwrite.connectors.sdk.new_connector import CONNECTORS, TESTS, NewConnectorError, write_connector

ROOT = Path(__file__).parents[3]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the source, to write into."""
    for folder in ("src", "tests"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def run(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A process of the checkout's own code."""
    environment = {**os.environ, "PYTHONPATH": str(checkout / "src")}
    return subprocess.run(
        [sys.executable, "-m", *arguments], cwd=checkout, env=environment, capture_output=True, text=True, check=False
    )


def new(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run(checkout, "fleetwrite", "connector", "new", *arguments)


def refusal(checkout: Path, *arguments: str) -> str:
    before = sorted(checkout.rglob("*.py"))
    made = new(checkout, *arguments)
    assert made.returncode == 1, made.stdout
    assert sorted(checkout.rglob("*.py")) == before
    return made.stderr


def test_what_is_written_passes_the_suite_and_is_found(checkout: Path) -> None:
    made = new(checkout, "zubie", "--name", "Zubie & Co.")
    assert made.returncode == 0, made.stderr
    for path in (CONNECTORS / "zubie" / "QUIRKS.md", TESTS / "zubie" / "test_contract.py"):
        assert str(path) in made.stdout.splitlines()

    # The suite, and what is checked of every connector that is installed.
    of_all = (
        "tests/unit/connectors/sdk",
        "tests/integration/api/test_dry_run.py",
        "tests/integration/api/test_offers.py",
        "tests/integration/operations/test_lost_creates.py",
    )
    suite = run(checkout, "pytest", "-q", "-rA", "-k", "zubie", str(TESTS / "zubie"), *of_all)
    assert suite.returncode == 0, suite.stdout + suite.stderr
    assert "test_a_create_whose_answer_is_lost_is_made_once[zubie-vehicle.create.full]" in suite.stdout
    matrix = run(checkout, "fleetwrite", "connectors")
    assert "Zubie & Co." in matrix.stdout


# Their imports stand in another order: before the SDK's, and behind them.
@pytest.mark.parametrize("slug", ["eld_88", "zubie"])
def test_what_is_written_is_clean(checkout: Path, slug: str) -> None:
    assert new(checkout, slug).returncode == 0
    folders = [str(folder / slug) for folder in (CONNECTORS, TESTS)]
    for command in (["ruff", "check"], ["ruff", "format", "--check"], ["mypy", "--follow-imports=silent"]):
        checked = run(checkout, *command, *folders)
        assert checked.returncode == 0, checked.stdout + checked.stderr


def test_what_can_not_be_a_connector_is_refused_with_the_remedy(checkout: Path) -> None:
    assert "small letters, digits and _" in refusal(checkout, "../zubie")
    assert "There is a connector named 'samsara' already" in refusal(checkout, "samsara")
    unknown = refusal(checkout, "zubbie")
    assert "none of TspEnum" in unknown
    assert "say --outside-contract" in unknown
    assert "Did you mean zubie" in unknown
    assert "at most 40 letters" in refusal(checkout, "zubie", "--name", 'Zu"bie')
    assert "Say with --to where that is" in refusal(checkout, "zubie", "--to", "src")


@pytest.mark.parametrize("folder", [CONNECTORS, TESTS])
def test_nothing_is_overwritten(checkout: Path, folder: Path) -> None:
    mine = checkout / folder / "zubie" / "mine.txt"
    mine.parent.mkdir(parents=True)
    mine.write_text("Mine.")
    assert "is there already" in refusal(checkout, "zubie")
    assert [one.name for one in mine.parent.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("mine", ["pyproject.toml", "tests/test_mine.py", "src/fleetwrite_zubie/__init__.py"])
def test_nothing_of_a_package_is_overwritten(tmp_path: Path, mine: str) -> None:
    path = tmp_path / "package" / mine
    path.parent.mkdir(parents=True)
    path.write_text("Mine.")
    with pytest.raises(NewConnectorError, match="is there already"):
        write_connector("zubie", None, tmp_path / "package", own_package=True)
    assert [one for one in (tmp_path / "package").rglob("*") if one.is_file()] == [path]
