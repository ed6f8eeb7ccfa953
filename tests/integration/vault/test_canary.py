import asyncio
from pathlib import Path

import pytest

from fleetwrite.kit.database import Database
from fleetwrite.vault.errors import KeyFileMissingError, WrongKeyError
from fleetwrite.vault.keyfile import KeyFile
from fleetwrite.vault.keys import MasterKey
from fleetwrite.vault.service import Vault, load_or_create_key


async def test_the_first_key_becomes_the_database_s_and_another_is_refused(database: Database) -> None:
    key = MasterKey.random()
    async with database.transaction() as connection:
        await Vault(key).verify_keys(connection)
        await Vault(key).verify_keys(connection)
        with pytest.raises(WrongKeyError, match="do not belong to it"):
            await Vault(MasterKey.random()).verify_keys(connection)


async def test_of_two_keys_that_start_at_once_one_is_refused(database: Database) -> None:
    async def start() -> bool:
        async with database.transaction() as connection:
            try:
                await Vault(MasterKey.random()).verify_keys(connection)
            except WrongKeyError:
                return False
            return True

    assert sorted(await asyncio.gather(start(), start())) == [False, True]


async def test_a_key_is_made_for_a_new_database_and_kept(database: Database, tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    (made,) = await load_or_create_key(path, database)
    assert [key.material for key in await load_or_create_key(path, database)] == [made.material]
    assert [key.material for key in KeyFile.load(path)] == [made.material]


async def test_no_key_is_made_where_secrets_are_sealed(database: Database, tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    keys = await load_or_create_key(path, database)
    async with database.transaction() as connection:
        await Vault(*keys).verify_keys(connection)
    path.unlink()
    with pytest.raises(KeyFileMissingError, match="backup"):
        await load_or_create_key(path, database)
    assert not path.exists()


async def test_processes_that_start_at_once_share_one_key(database: Database, tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    keys = await asyncio.gather(*(load_or_create_key(path, database) for _ in range(5)))
    assert len({key.material for (key,) in keys}) == 1
