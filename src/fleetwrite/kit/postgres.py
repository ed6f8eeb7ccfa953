"""The embedded PostgreSQL server: a child of this process that never outlives it.

Why it is built this way, and what was measured: docs/adr/0003-embedded-postgresql.md.
"""

import asyncio
import fcntl
import os
import secrets
import shutil
import signal
import socket
import subprocess
import warnings
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import asyncpg
import structlog

from fleetwrite.kit.child_process import KERNEL_ENDS_CHILDREN, ON_LINUX, die_with, end, end_with_us, exit_code
from fleetwrite.kit.errors import FleetwriteError
from fleetwrite.kit.postgres_binaries import (
    BINARIES_CACHE,
    MAJOR_VERSION,
    Account,
    account_for,
    find_binaries,
    runnable_binaries,
)

_log = structlog.get_logger(__name__)

_USER: Final = "fleetwrite"
_DATABASE: Final = "fleetwrite"

_SETTINGS: Final[Mapping[str, str]] = {
    # Loopback TCP only: a socket file would need a folder that both accounts can reach, with a short path.
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    # What we acknowledge must survive a power cut.
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    # A few processes with pools of 10 to 20 connections each, with room for an operator.
    "max_connections": "200",
    # The hot set (queues, id maps) is small, and so is the checkpoint at shutdown; the application needs the rest.
    "shared_buffers": "64MB",
    # Page images after a checkpoint are most of the log in a queue's workload, and compress well.
    "wal_compression": "on",
    # Bounds the replay after a crash to about a second.
    "max_wal_size": "512MB",
    # Rows of queue tables live for seconds: the defaults (20 % dead, looked at each minute) let them bloat.
    "autovacuum_naptime": "10s",
    "autovacuum_vacuum_scale_factor": "0.02",
    "autovacuum_analyze_scale_factor": "0.05",
    # Our statements are short; parallel workers need shared memory that containers limit to 64 MB.
    "max_parallel_workers_per_gather": "0",
    # The detail of a constraint violation shows whole rows, and rows can hold secrets.
    "log_error_verbosity": "terse",
    "timezone": "UTC",
    "log_timezone": "UTC",
}

_START_TIMEOUT_S: Final = 120.0  # bounds a replay of max_wal_size on a slow disk
_ORPHAN_TIMEOUT_S: Final = 30.0  # a fast shutdown writes at most shared_buffers
_STOP_STEPS: Final = (
    (signal.SIGINT, 30.0),  # "fast": roll back what runs, write a checkpoint; as bounded above
    (signal.SIGQUIT, 5.0),  # "immediate": no checkpoint, the next start replays the log
    (signal.SIGKILL, 5.0),
)
_LOG_ROTATES_AT: Final = 10 * 1024 * 1024  # bytes; one old file is kept, so the log never takes above 20 MB
_LOG_TAIL: Final = 2000  # characters; the last twenty lines or so say why a server did not start


class EmbeddedPostgresError(FleetwriteError):
    """The embedded server could not be started; the message has the end of its log."""


class DataDirectoryInUseError(EmbeddedPostgresError):
    """Another server runs on this directory."""


class _PortTakenError(Exception):
    """Somebody else took the port between our look and the server's bind."""


class EmbeddedPostgres:
    """One PostgreSQL server on one data directory, as an async context manager or by ``start`` and ``stop``.

    The directory holds ``cluster`` (PostgreSQL's own), ``password``, ``port``, ``server.log`` and two lock files:
    ``launcher.lock`` is held by us, ``server.lock`` is inherited by every process of the server, so that it is free
    only when the last of them is gone.

    However this process ends, the server ends too, by the signal of a fast shutdown, so that nothing needs to be
    replayed. The kernel ties that to the *thread* that starts the server: start it from a thread that lives as long as
    the process should, normally the main thread's event loop.
    """

    def __init__(self, data_dir: Path, *, binaries_cache: Path = BINARIES_CACHE) -> None:
        self._data_dir = data_dir.absolute()
        self._binaries_cache = binaries_cache
        self._cluster = self._data_dir / "cluster"
        self._log_path = self._data_dir / "server.log"
        self._account: Account | None = None
        self._binaries = Path()
        self._locks: list[int] = []
        self._password = ""
        self._port = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._exit: asyncio.Task[int] | None = None
        self._watcher: subprocess.Popen[bytes] | None = None

    @property
    def dsn(self) -> str:
        """Address of our database, password included: not for logs."""
        return self._address(_DATABASE)

    @property
    def pid(self) -> int:
        """Process id of the running server."""
        return self._running().pid

    async def wait_closed(self) -> int:
        """Return the server's exit code once it has ended, whoever ended it."""
        self._running()
        if self._exit is None:
            raise EmbeddedPostgresError("The embedded PostgreSQL is still starting.")
        return await asyncio.shield(self._exit)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Start the server, at the first time with a new cluster and the database; return when it answers.

        Raises:
            DataDirectoryInUseError: another process runs a server on this directory.
            EmbeddedPostgresError: the server does not start; the message says why.
            PostgresBinariesError: there is no server to start.
        """
        if self._locks:
            raise DataDirectoryInUseError("This server has been started already.")
        self._data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            await self._lock()
            self._account = account_for(self._cluster, self._data_dir)
            self._binaries = await asyncio.to_thread(
                runnable_binaries, find_binaries(), self._account, self._binaries_cache
            )
            self._password = self._read_or_make_password()
            self._rotate_log()
            if not self._cluster.exists():
                await self._create_cluster()
            self._check_version()
            await self._start_server()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop the server if it runs, and release the directory."""
        if self._watcher is not None:
            self._watcher.kill()
            self._watcher.communicate()
            self._watcher = None
        if self._process is not None:
            await end(self._process, _STOP_STEPS)
            self._process = None
        if self._exit is not None:
            await self._exit
            self._exit = None
        while self._locks:
            os.close(self._locks.pop())

    async def _lock(self) -> None:
        if not self._try_lock("launcher.lock"):
            raise DataDirectoryInUseError(
                f"Another process runs the database in {self._data_dir}: stop it first, "
                "or choose another data directory."
            )
        # With the first lock ours, whoever holds the second is a server whose launcher died; it is shutting down.
        deadline = asyncio.get_running_loop().time() + _ORPHAN_TIMEOUT_S
        while not self._try_lock("server.lock"):
            if asyncio.get_running_loop().time() > deadline:
                raise DataDirectoryInUseError(
                    f"A database server from an earlier run still works in {self._data_dir} "
                    f"{_ORPHAN_TIMEOUT_S:.0f} s after its launcher ended: see {self._log_path}."
                )
            await asyncio.sleep(0.02)
        # A pid file is stale now. PostgreSQL would believe it if the number is in use again, as in a new container.
        (self._cluster / "postmaster.pid").unlink(missing_ok=True)

    def _try_lock(self, name: str) -> bool:
        lock = self._open(name, os.O_RDWR)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            return False
        self._locks.append(lock)
        return True

    def _open(self, name: str, flags: int) -> int:
        # When root works in another account's folder, a link there must not lead to a file of root's.
        return os.open(self._data_dir / name, flags | os.O_CREAT | os.O_NOFOLLOW, 0o600)

    def _read_or_make_password(self) -> str:
        path = self._data_dir / "password"
        if not path.exists():
            if self._cluster.exists():
                raise EmbeddedPostgresError(f"{path} is gone, and without it the database cannot be opened.")
            with os.fdopen(self._open("password.new", os.O_WRONLY | os.O_TRUNC), "w") as file:
                file.write(secrets.token_hex(24))
                file.flush()
                os.fsync(file.fileno())
                if self._account:  # initdb reads it as that account
                    os.fchown(file.fileno(), self._account.uid, self._account.gid)
            (self._data_dir / "password.new").rename(path)
        with os.fdopen(self._open("password", os.O_RDONLY)) as file:
            return file.read().strip()

    def _rotate_log(self) -> None:
        if self._log_path.exists() and self._log_path.stat().st_size > _LOG_ROTATES_AT:
            self._log_path.rename(self._log_path.with_suffix(".log.1"))

    def _check_version(self) -> None:
        found = (self._cluster / "PG_VERSION").read_text().strip()
        if found != str(MAJOR_VERSION):
            raise EmbeddedPostgresError(
                f"The data in {self._cluster} was made by PostgreSQL {found}, but this Fleetwrite brings version "
                f"{MAJOR_VERSION}: dump it with the Fleetwrite that made it and load the dump into a new directory."
            )

    async def _create_cluster(self) -> None:
        draft = self._data_dir / "cluster.new"  # a start that was killed half-way leaves no half cluster
        if draft.exists():
            shutil.rmtree(draft)
        draft.mkdir(mode=0o700)
        if self._account:
            os.chown(draft, self._account.uid, self._account.gid)
        password = self._open("password", os.O_RDONLY)
        log_start = self._log_size()
        try:
            process = self._spawn(
                draft,
                "initdb",
                f"--username={_USER}",
                f"--pwfile=/dev/fd/{password}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale=C",
                "--data-checksums",
                "--no-instructions",
                inherit=password,
            )
        finally:
            os.close(password)
        try:
            code = await exit_code(process)
        finally:
            await end(process, _STOP_STEPS)
        if code != 0:
            raise EmbeddedPostgresError(f"The database could not be created:\n{self._log_tail(log_start)}")
        draft.rename(self._cluster)

    async def _start_server(self) -> None:
        for port in self._ports():
            log_start = self._log_size()
            settings = [f"--{name.replace('_', '-')}={value}" for name, value in _SETTINGS.items()]
            self._process = self._spawn(self._cluster, "postgres", f"--port={port}", *settings)
            if not KERNEL_ENDS_CHILDREN:
                self._watcher = end_with_us(self._process)
            self._port = port
            try:
                await self._until_ready(self._process, log_start)
            except _PortTakenError:
                continue
            self._exit = asyncio.create_task(exit_code(self._process), name="embedded-postgres-exit")
            self._remember(port)
            _log.info("embedded PostgreSQL is ready", port=port, pid=self._process.pid)
            return
        raise EmbeddedPostgresError("No free port was found on 127.0.0.1 for the embedded PostgreSQL.")

    def _ports(self) -> Iterator[int]:
        # The port of the last run first: after a crash of the server alone, other processes find it again there.
        remembered = self._data_dir / "port"
        if remembered.exists() and (port := _free_port(int(remembered.read_text()))):
            yield port
        for _ in range(5):  # each try fails only if somebody takes the port within milliseconds
            if port := _free_port(0):
                yield port

    def _remember(self, port: int) -> None:
        draft = self._data_dir / "port.new"  # renamed, so that a crash here leaves no empty file
        draft.write_text(str(port))
        draft.rename(self._data_dir / "port")

    def _spawn(self, cwd: Path, program: str, *arguments: str, inherit: int | None = None) -> subprocess.Popen[bytes]:
        account = self._account
        log = self._open("server.log", os.O_WRONLY | os.O_APPEND)
        try:
            with warnings.catch_warnings():
                # Newer Pythons warn of forks in threaded programs. The child calls prctl and getppid, no more.
                warnings.simplefilter("ignore", DeprecationWarning)
                return subprocess.Popen(  # noqa: S603 - our own program, no input of anybody
                    # The link leads to the folder itself: parents that this account may not enter do not matter.
                    # The change of folder comes before the change of account.
                    [
                        str(self._binaries / "bin" / program),
                        "-D",
                        "/proc/self/cwd" if ON_LINUX else str(cwd),
                        *arguments,
                    ],
                    cwd=cwd,
                    user=account.uid if account else None,
                    group=account.gid if account else None,
                    extra_groups=[] if account else None,
                    umask=0o077,
                    # Runs after the change of account, which would clear the signal.
                    preexec_fn=partial(die_with, os.getpid()) if KERNEL_ENDS_CHILDREN else None,  # noqa: PLW1509 - see above
                    pass_fds=[self._locks[-1], *([] if inherit is None else [inherit])],
                    # Ctrl-C in a terminal must reach us alone, as we need the database to stop in good order.
                    start_new_session=True,
                    env={"LC_ALL": "C", "PATH": os.defpath},  # nothing of ours: the environment holds secrets
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                )
        finally:
            os.close(log)

    async def _until_ready(self, process: subprocess.Popen[bytes], log_start: int) -> None:
        deadline = asyncio.get_running_loop().time() + _START_TIMEOUT_S
        while process.poll() is None:
            try:
                connection = await asyncpg.connect(self.dsn, ssl=False, timeout=10)
            except asyncpg.InvalidCatalogNameError:
                await self._create_database()
            except (OSError, asyncpg.CannotConnectNowError, asyncpg.PostgresConnectionError) as error:
                if asyncio.get_running_loop().time() > deadline:
                    tail = self._log_tail(log_start)
                    raise EmbeddedPostgresError(f"The database does not answer:\n{tail}") from error
                await asyncio.sleep(0.005)
            except asyncpg.InvalidPasswordError as error:
                raise EmbeddedPostgresError(
                    f"{self._data_dir / 'password'} is not the password of the database in {self._cluster}."
                ) from error
            else:
                await connection.close()
                return
        tail = self._log_tail(log_start)
        if "could not bind" in tail:
            raise _PortTakenError
        raise EmbeddedPostgresError(f"The database ended while starting, with code {process.returncode}:\n{tail}")

    async def _create_database(self) -> None:
        connection = await asyncpg.connect(self._address("postgres"), ssl=False, timeout=10)
        try:
            await connection.execute(f"CREATE DATABASE {_DATABASE}")
        finally:
            await connection.close()

    def _address(self, database: str) -> str:
        return f"postgresql://{_USER}:{self._password}@127.0.0.1:{self._port}/{database}"

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise EmbeddedPostgresError("The embedded PostgreSQL has not been started.")
        return self._process

    def _log_size(self) -> int:
        return self._log_path.stat().st_size if self._log_path.exists() else 0

    def _log_tail(self, start: int) -> str:
        with self._log_path.open("rb") as file:
            file.seek(start)
            return file.read().decode(errors="replace")[-_LOG_TAIL:].strip()


def _free_port(wanted: int) -> int | None:
    with socket.socket() as probe:
        # As the server does: connections of an earlier server that the kernel still remembers do no harm.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError:
            return None
        port: int = probe.getsockname()[1]
        return port
