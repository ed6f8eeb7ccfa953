"""`fleetwrite audit`, as an operator runs it."""

import getpass
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fleetwrite.vault.keyfile import KeyFile


@pytest.fixture
def environment(database_url: str, tmp_path: Path) -> dict[str, str]:
    KeyFile.create(tmp_path / "vault.key")
    return {**os.environ, "DATABASE_URL": database_url, "FLEETWRITE_VAULT_KEY_FILE": str(tmp_path / "vault.key")}


def fleetwrite(environment: dict[str, str], *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "fleetwrite", *words],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.usefixtures("database")
def test_what_an_operator_does_is_exported_and_verified(environment: dict[str, str]) -> None:
    assert fleetwrite(environment, "audit", "verify").stdout == "The log is empty.\n"
    assert fleetwrite(environment, "admin", "tsp", "pause", "samsara").returncode == 0
    first = fleetwrite(environment, "audit", "verify").stdout
    assert first.startswith("1 entries, all as they were written: 1:")
    head = first.split()[-1]
    assert fleetwrite(environment, "admin", "tsp", "resume", "samsara").returncode == 0
    # To read the log takes no master key.
    keyless = {name: value for name, value in environment.items() if name != "FLEETWRITE_VAULT_KEY_FILE"}
    assert fleetwrite(keyless, "audit", "verify", "--head", head).returncode == 0
    lines = [json.loads(line) for line in fleetwrite(keyless, "audit", "export", "--deed", "tsp").stdout.splitlines()]
    assert [line["deed"] for line in lines] == ["tsp.paused", "tsp.resumed"]
    assert {line["actor"] for line in lines} == {getpass.getuser()}
    assert {line["actor_kind"] for line in lines} == {"operator"}
    assert fleetwrite(keyless, "audit", "export", "--until", "2000-01-01").stdout == ""
    other = fleetwrite(keyless, "audit", "verify", "--head", "7:" + "00" * 32)
    assert other.returncode == 1
    assert "cut off" in other.stderr
