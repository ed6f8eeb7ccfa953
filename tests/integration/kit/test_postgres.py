import asyncio
import fcntl
import os
import signal
import stat
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest

from administrating import administrate
from fleetwrite.kit import postgres_binaries
from fleetwrite.kit.database import Database, Listener
from fleetwrite.kit.migrations import migrate
from fleetwrite.kit.postgres import DataDirectoryInUseError, EmbeddedPostgres, EmbeddedPostgresError
from fleetwrite.kit.postgres_binaries import Account, account_for, find_binaries, runnable_binaries

needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="the parent-death signal is Linux's")
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root changes the account")

LAUNCHER = """
import asyncio, sys
from pathlib import Path
import fleetwrite.kit.postgres as postgres

async def main():
    postgres.KERNEL_ENDS_CHILDREN = sys.argv[2] == "kernel"
    async with postgres.EmbeddedPostgres(Path(sys.argv[1])) as server:
        print(server.pid, server.dsn, flush=True)
        await server.wait_closed()

asyncio.run(main())
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """Not pytest's own, which keeps the last three runs: a cluster takes 40 MB."""
    with tempfile.TemporaryDirectory(prefix="fleetwrite-test-") as name:
        yield Path(name)


@pytest.fixture(scope="module")
async def used() -> AsyncIterator[Path]:
    """A directory whose cluster exists and is not running, for tests that leave it as they found it."""
    with tempfile.TemporaryDirectory(prefix="fleetwrite-test-") as name:
        async with EmbeddedPostgres(Path(name) / "data"):
            pass
        yield Path(name) / "data"


async def value(dsn: str, query: str) -> object:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def owner_of(path: Path) -> int:
    return path.stat().st_uid


def is_alive(pid: int) -> bool:
    """Zombies do not count: nobody may be there to collect an orphan in a container."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def until_gone(pid: int) -> None:
    async with asyncio.timeout(20):
        while is_alive(pid):
            await asyncio.sleep(0.01)


async def launch(data_dir: Path, how: str = "kernel") -> "tuple[asyncio.subprocess.Process, int, str]":
    launcher = await asyncio.create_subprocess_exec(
        sys.executable, "-c", LAUNCHER, str(data_dir), how, stdout=asyncio.subprocess.PIPE
    )
    assert launcher.stdout is not None
    while line := (await launcher.stdout.readline()).decode():
        if "postgresql://" in line:  # what else it prints is its log
            pid, dsn = line.split()
            return launcher, int(pid), dsn
    raise AssertionError("the launcher ended without starting a server")


async def test_data_survives_a_restart_on_the_same_port(folder: Path) -> None:
    async with EmbeddedPostgres(folder / "data") as server:
        await value(server.dsn, "CREATE TABLE kept AS SELECT 42 AS n")
        first = server.dsn
    async with EmbeddedPostgres(folder / "data") as server:
        assert await value(server.dsn, "SELECT n FROM kept") == 42
        assert server.dsn == first


async def test_the_server_is_durable_checked_and_reachable_by_password_only(used: Path) -> None:
    async with EmbeddedPostgres(used) as server:
        for setting, expected in {
            "fsync": "on",
            "synchronous_commit": "on",
            "full_page_writes": "on",
            "data_checksums": "on",
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "server_encoding": "UTF8",
            "TimeZone": "UTC",
        }.items():
            assert await value(server.dsn, f"SHOW {setting}") == expected, setting
        assert await value(server.dsn, "SELECT datcollate FROM pg_database WHERE datname = 'fleetwrite'") == "C"
        methods = await value(server.dsn, "SELECT array_agg(DISTINCT auth_method) FROM pg_hba_file_rules")
        assert methods == ["scram-sha-256"]
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(server.dsn.replace("fleetwrite:", "fleetwrite:x"))
    assert mode_of(used / "password") == 0o600


async def test_a_second_server_on_the_directory_is_refused(used: Path) -> None:
    async with EmbeddedPostgres(used) as server:
        with pytest.raises(DataDirectoryInUseError, match="Another process"):
            await EmbeddedPostgres(used).start()
        with pytest.raises(DataDirectoryInUseError, match="already"):
            await server.start()
        assert await value(server.dsn, "SELECT 1") == 1


async def test_pool_and_listener_survive_a_crash_of_the_server(folder: Path) -> None:
    server = EmbeddedPostgres(folder / "data")
    await server.start()
    dsn, heard = server.dsn, asyncio.Event()
    await migrate(dsn)
    database = await Database.connect(dsn, min_size=2, application_name="survivor")
    async with Listener(dsn, {"work": heard.set}, application_name="ear"):
        await administrate(database, "CREATE TABLE kept AS SELECT 42 AS n")
        heard.clear()
        os.kill(server.pid, signal.SIGKILL)
        assert await server.wait_closed() == -signal.SIGKILL
        await server.stop()
        await server.start()
        assert server.dsn == dsn  # they find it again where it was
        assert await database.pool.fetchval("SELECT n FROM kept") == 42
        await asyncio.wait_for(heard.wait(), 20)
    await database.close()
    await server.stop()


@needs_linux
@pytest.mark.parametrize("how", ["kernel", "watcher"])
async def test_the_server_goes_when_its_launcher_is_killed_and_can_be_started_again(used: Path, how: str) -> None:
    launcher, server_pid, dsn = await launch(used, how)
    assert await value(dsn, "SELECT 1") == 1
    launcher.kill()
    await launcher.wait()
    async with EmbeddedPostgres(used) as server:  # at once: it waits for the old one to finish
        assert not is_alive(server_pid)
        assert await value(server.dsn, "SELECT 1") == 1


@needs_linux
async def test_a_stale_pid_file_with_a_living_number_does_not_matter(used: Path) -> None:
    """After kill -9 of everything in a container the number may belong to anything, here to ourselves."""
    launcher, server_pid, _dsn = await launch(used)
    pid_file = used / "cluster" / "postmaster.pid"
    content = pid_file.read_text()
    os.kill(server_pid, signal.SIGKILL)
    launcher.kill()
    await launcher.wait()
    await until_gone(server_pid)
    living = await asyncio.create_subprocess_exec("sleep", "60")
    pid_file.write_text(content.replace(str(server_pid), str(living.pid), 1))
    try:
        async with EmbeddedPostgres(used) as server:
            assert await value(server.dsn, "SELECT 1") == 1
    finally:
        living.kill()
        await living.wait()


@needs_linux
async def test_a_keyboard_interrupt_of_the_terminal_does_not_reach_the_server(used: Path) -> None:
    async with EmbeddedPostgres(used) as server:
        assert os.getsid(server.pid) == server.pid


async def test_a_cluster_of_another_version_is_named(folder: Path) -> None:
    (folder / "cluster").mkdir()
    (folder / "cluster" / "PG_VERSION").write_text("15\n")
    (folder / "password").write_text("x")
    with pytest.raises(EmbeddedPostgresError, match="made by PostgreSQL 15"):
        await EmbeddedPostgres(folder).start()


async def test_a_server_that_ends_early_shows_its_log_and_frees_the_directory(used: Path) -> None:
    control = used / "cluster" / "global" / "pg_control"
    control.rename(control.with_suffix(".away"))
    try:
        with pytest.raises(EmbeddedPostgresError, match="pg_control"):
            await EmbeddedPostgres(used).start()
    finally:
        control.with_suffix(".away").rename(control)
    async with EmbeddedPostgres(used) as server:
        assert await value(server.dsn, "SELECT 1") == 1


async def test_an_interrupted_first_start_is_done_again(folder: Path) -> None:
    (folder / "cluster.new").mkdir()
    (folder / "cluster.new" / "half").write_text("x")
    async with EmbeddedPostgres(folder) as server:
        assert await value(server.dsn, "SELECT 1") == 1


async def test_an_orphan_that_does_not_end_is_said(used: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fleetwrite.kit.postgres._ORPHAN_TIMEOUT_S", 0.1)
    with (used / "server.lock").open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(DataDirectoryInUseError, match="earlier run"):
            await EmbeddedPostgres(used).start()


@needs_root
@needs_linux
async def test_root_runs_it_as_somebody_else_even_below_a_private_folder(folder: Path) -> None:
    private = folder / "private"
    private.mkdir(mode=0o700)
    async with EmbeddedPostgres(private / "data") as server:
        assert owner_of(Path(f"/proc/{server.pid}")) != 0
        assert await value(server.dsn, "SELECT 1") == 1
    assert mode_of(private) == 0o700
    assert owner_of(private) == 0


@needs_root
async def test_root_takes_the_account_that_owns_the_directory(folder: Path) -> None:
    os.chown(folder, 4321, 4321)
    assert account_for(folder / "absent", folder) == Account(4321, 4321)


@needs_root
def test_programs_below_a_private_folder_are_copied_once(folder: Path) -> None:
    private = folder / "private"
    private.mkdir(mode=0o700)
    installed = find_binaries()
    (private / installed.parent.name).mkdir()
    hidden = private / installed.parent.name / installed.name
    _link_tree(installed, hidden)
    libraries = installed.parent.with_name(f"{installed.parent.name}.libs")
    _link_tree(libraries, private / libraries.name)
    folder.chmod(0o755)
    nobody = Account(65534, 65534)
    copy = runnable_binaries(hidden, nobody, folder / "cache")
    assert copy.is_relative_to(folder / "cache")
    assert runnable_binaries(copy, nobody, folder / "cache") == copy
    changed = (copy / "bin" / "postgres").stat().st_ctime_ns
    assert runnable_binaries(hidden, nobody, folder / "cache") == copy
    assert (copy / "bin" / "postgres").stat().st_ctime_ns == changed
    assert [path.name for path in (folder / "cache").iterdir()] == [copy.parent.parent.name]


@needs_root
def test_a_cache_that_others_can_write_is_refused(folder: Path) -> None:
    cache = folder / "cache"
    cache.mkdir()
    cache.chmod(0o777)
    with pytest.raises(postgres_binaries.PostgresBinariesError, match="only its owner"):
        postgres_binaries._world_readable_copy(find_binaries(), cache)


def _link_tree(source: Path, target: Path) -> None:
    for path in [source, *source.rglob("*")]:
        place = target / path.relative_to(source)
        if path.is_dir():
            place.mkdir()
        else:
            place.symlink_to(path)
