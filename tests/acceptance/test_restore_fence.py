"""`fleetwrite restore-fence` in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

from fleetwrite.vault.keyfile import KeyFile


def run(environment: dict[str, str], *arguments: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "fleetwrite", "restore-fence", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.returncode, done.stdout + done.stderr


def test_the_operator_raises_the_fence_looks_and_decides(database_url: str, tmp_path: Path) -> None:
    KeyFile.create(tmp_path / "vault.key")
    environment = {
        **os.environ,
        "DATABASE_URL": database_url,
        "FLEETWRITE_VAULT_KEY_FILE": str(tmp_path / "vault.key"),
    }
    assert run(environment)[1].startswith("Fenced 0 pending operations.")
    assert run(environment)[1].startswith("This restore was fenced already")
    assert run(environment, "status") == (0, "Nothing is behind a fence.\n")
    code, said = run(environment, "fail")
    assert code == 1
    assert "--operation" in said
    unknown = str(uuid4())
    code, said = run(environment, "fail", "--operation", unknown)
    assert code == 1
    assert unknown in said
