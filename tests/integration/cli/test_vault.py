"""`fleetwrite vault`, from the first key to the one that relieves it, as an operator runs it."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest

from fleetwrite.vault.keyfile import KeyFile

Command = Callable[..., "asyncio.Future[subprocess.CompletedProcess[str]]"]


@pytest.fixture
def vault(database_url: str, tmp_path: Path) -> Command:
    """Runs `fleetwrite vault` with these words."""
    environment = {
        **os.environ,
        "DATABASE_URL": database_url,
        "FLEETWRITE_VAULT_KEY_FILE": str(tmp_path / "vault.key"),
    }

    def run(*words: str) -> "asyncio.Future[subprocess.CompletedProcess[str]]":
        return asyncio.get_running_loop().run_in_executor(
            None,
            lambda: subprocess.run(
                [sys.executable, "-m", "fleetwrite", "vault", *words],
                env=environment,
                capture_output=True,
                text=True,
                check=False,
                timeout=60,
            ),
        )

    return run


def made_files(folder: Path) -> list[Path]:
    return list(folder.iterdir())


async def test_a_key_is_added_takes_over_and_relieves_the_old_one(
    vault: Command, database_url: str, tmp_path: Path
) -> None:
    path = tmp_path / "vault.key"
    assert (await vault("create-key", str(path))).returncode == 0
    (old,) = KeyFile.load(path)
    first = await vault("status", "--json")
    assert [key["key_id"] for key in json.loads(first.stdout)["keys"] if key["seals"]] == [old.id.hex()]
    added = await vault("add-key", str(path))
    new = KeyFile.load(path)[-1]
    assert new.id.hex() in added.stdout
    rotated = await vault("rotate")
    assert f"All is sealed with the key {new.id.hex()}; re-wrapped: 1." in rotated.stdout
    assert "signing_keys: 1 re-wrapped" in rotated.stderr
    told = (await vault("status")).stdout
    assert f"key {new.id.hex()}  seals\n    signing_keys 1" in told
    assert f"key {old.id.hex()}  opens\n    nothing is sealed with it" in told
    early = await vault("remove-key", old.id.hex())
    assert early.returncode == 1
    assert "try again after" in early.stderr
    connection = await asyncpg.connect(database_url)
    await connection.execute("UPDATE clock_shift SET shift = '11 minutes'")
    await connection.close()
    removed = await vault("remove-key", old.id.hex())
    assert removed.returncode == 0, removed.stderr
    assert [key.id for key in KeyFile.load(path)] == [new.id]


async def test_without_a_key_nothing_starts_and_none_is_made(vault: Command, tmp_path: Path) -> None:
    refused = await vault("status")
    assert refused.returncode == 1
    assert "vault.key does not exist" in refused.stderr
    assert made_files(tmp_path) == []


async def test_an_id_that_is_none_is_refused(vault: Command) -> None:
    refused = await vault("remove-key", "not hex")
    assert refused.returncode == 2
    assert "hexadecimal" in refused.stderr
