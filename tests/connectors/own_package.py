"""A connector in a package of its own, to a provider that the contract has no name for, installed beside Fleetwrite."""

import os
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
SLUG = "acme_fleet"


@dataclass(frozen=True)
class OwnPackage:
    """An installed package.

    Attributes:
        folder: of its source.
        environment: of processes that have it and Fleetwrite installed.
    """

    folder: Path
    environment: Mapping[str, str]

    def run(
        self, *arguments: str, cwd: Path | None = None, more: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a module of Python, such as `fleetwrite`."""
        return subprocess.run(
            [sys.executable, "-m", *arguments],
            cwd=cwd or self.folder,
            env={**self.environment, **(more or {})},
            capture_output=True,
            text=True,
            check=False,
        )


def install(folder: Path, *, slug: str = SLUG) -> OwnPackage:
    """Write a package as `fleetwrite connector new` does, and put it where Python looks for installed ones."""
    source, site = folder / "source", folder / "site"
    package = OwnPackage(source, {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (site, ROOT / "src")))})
    made = package.run(
        "fleetwrite", "connector", "new", slug, "--own-package", "--outside-contract", "--to", str(source), cwd=folder
    )
    assert made.returncode == 0, made.stderr
    project = tomllib.loads((source / "pyproject.toml").read_text())["project"]
    info = site / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    (info / "entry_points.txt").write_text(
        "".join(
            f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in entries.items())
            for group, entries in project["entry-points"].items()
        )
    )
    # What an editable installation leaves: the source itself.
    (module,) = (source / "src").iterdir()
    (site / module.name).symlink_to(module)
    return package
