import asyncio
from pathlib import Path

import pytest

from fleetwrite.kit.database import Database
from fleetwrite.vault.errors import KeyFileMissingError, WrongKeyError
from fleetwrite.vault.keyfile import KeyFile, MasterKey
from fleetwrite.vault.service import Vault, load_or_create_key


async def test_the_first_key_becomes_the_database_s_and_another_is_refused(database: Database) -> None:
    key = MasterKey.random()
    async with database.acquire() as connection:
        await Vault(key).verify_key(connection)
        await Vault(key).verify_key(connection)
        with pytest.raises(WrongKeyError, match="sealed with another one"):
            await Vault(MasterKey.random()).verify_key(connection)


async def test_of_two_keys_that_start_at_once_one_is_refused(database: Database) -> None:
    async def start() -> bool:
        async with database.transaction() as connection:
            try:
                await Vault(MasterKey.random()).verify_key(connection)
            except WrongKeyError:
                return False
            return True

    assert sorted(await asyncio.gather(start(), start())) == [False, True]


async def test_a_key_is_made_for_a_new_database_and_kept(database: Database, tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    made = await load_or_create_key(path, database)
    assert (await load_or_create_key(path, database)).material == made.material
    assert KeyFile.load(path).material == made.material


async def test_no_key_is_made_where_secrets_are_sealed(database: Database, tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    async with database.acquire() as connection:
        await Vault(await load_or_create_key(path, database)).verify_key(connection)
    path.unlink()
    with pytest.raises(KeyFileMissingError, match="backup"):
        await load_or_create_key(path, database)
    assert not path.exists()


async def test_processes_that_start_at_once_share_one_key(database: Database, tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    keys = await asyncio.gather(*(load_or_create_key(path, database) for _ in range(5)))
    assert len({key.material for key in keys}) == 1
