"""`fleetwrite vault`, from the first key to the one that relieves it, as an operator runs it."""

import json
from pathlib import Path

import asyncpg

from fleetwrite.vault.keyfile import KeyFile
from integration.cli.commands import Operator


def made_files(folder: Path) -> list[Path]:
    return list(folder.iterdir())


async def test_a_key_is_added_takes_over_and_relieves_the_old_one(operator: Operator, database_url: str) -> None:
    path = operator.key_file
    assert (await operator.run("vault", "create-key", str(path))).returncode == 0
    (old,) = KeyFile.load(path)
    first = await operator.run("vault", "status", "--json")
    assert [key["key_id"] for key in json.loads(first.stdout)["keys"] if key["seals"]] == [old.id.hex()]
    added = await operator.run("vault", "add-key", str(path))
    new = KeyFile.load(path)[-1]
    assert new.id.hex() in added.stdout
    rotated = await operator.run("vault", "rotate")
    assert f"All is sealed with the key {new.id.hex()}; re-wrapped: 1." in rotated.stdout
    assert "signing_keys.private_key_sealed: 1 re-wrapped" in rotated.stderr
    told = (await operator.run("vault", "status")).stdout
    assert f"key {new.id.hex()}  seals\n    signing_keys.private_key_sealed 1" in told
    assert f"key {old.id.hex()}  opens\n    nothing is sealed with it" in told
    early = await operator.run("vault", "remove-key", old.id.hex())
    assert early.returncode == 1
    assert "try again after" in early.stderr
    connection = await asyncpg.connect(database_url)
    await connection.execute("UPDATE clock_shift SET shift = '11 minutes'")
    await connection.close()
    removed = await operator.run("vault", "remove-key", old.id.hex())
    assert removed.returncode == 0, removed.stderr
    assert [key.id for key in KeyFile.load(path)] == [new.id]


async def test_without_a_key_nothing_starts_and_none_is_made(operator: Operator) -> None:
    refused = await operator.run("vault", "status")
    assert refused.returncode == 1
    assert "vault.key does not exist" in refused.stderr
    assert made_files(operator.key_file.parent) == []


async def test_an_id_that_is_none_is_refused(operator: Operator) -> None:
    refused = await operator.run("vault", "remove-key", "not hex")
    assert refused.returncode == 2
    assert "hexadecimal" in refused.stderr
