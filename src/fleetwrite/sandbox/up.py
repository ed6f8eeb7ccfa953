"""Everything on one machine: database, API, worker and, in a sandbox, simulators with something to play with."""

import asyncio
import fcntl
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from ipaddress import ip_network
from pathlib import Path
from typing import Final

import msgspec
import structlog
from rich.console import Console

from fleetwrite.bootstrap import REALM_PATH, open_services
from fleetwrite.connectors.sdk.finding import simulated
from fleetwrite.kit.database import Database
from fleetwrite.kit.egress import Egress, EgressError
from fleetwrite.kit.errors import FleetwriteError
from fleetwrite.kit.migrations import migrate
from fleetwrite.kit.postgres import EmbeddedPostgres
from fleetwrite.kit.telemetry import configure_logging
from fleetwrite.kit.url_policy import UrlPolicy
from fleetwrite.sandbox.children import Child, ChildStartError
from fleetwrite.sandbox.seed import CLIENT_ID, Remembered, SandboxDescription, SandboxSimulator, seed, write_privately
from fleetwrite.sandbox.simulators import RunningSimulator, demo_app, start_simulator
from fleetwrite.settings import Settings
from fleetwrite.vault.service import load_or_create_key

log = structlog.get_logger(__name__)

LOOPBACK: Final = "127.0.0.0/8,::1/128"

SANDBOX_DEFAULTS: Final = {
    # Simulators and receivers are on this machine.
    "FLEETWRITE_OUTBOUND_ALLOW_HTTP": "true",
    "FLEETWRITE_OUTBOUND_ALLOWED_NETWORKS": LOOPBACK,
    # A simulator on loopback answers in milliseconds; who plays with kill -9 should not have to wait for a minute.
    "FLEETWRITE_PROVIDER_TIMEOUT_S": "10",
    "FLEETWRITE_LEASE_S": "35",
    # Links by which a fleet comes back are for whoever looks at the terminal.
    "FLEETWRITE_MAIL_TO_LOG": "true",
}
"""Settings of a sandbox, where the environment does not say otherwise."""

DEFAULTS: Final = {"FLEETWRITE_LOG_FORMAT": "console", "FLEETWRITE_LOG_LEVEL": "warning"}

_READY_WITHIN_S: Final = 60.0
_READY_POLL_S: Final = 0.05
_DATABASE_RESTART_S: Final = 0.2


class FolderInUseError(FleetwriteError):
    """Another process runs on the data directory."""


class PortTakenError(FleetwriteError):
    """Somebody else listens on the port that the API should have."""


async def run_everything(data_dir: Path, *, port: int, sandbox: bool, tsps: Sequence[str] | None = None) -> None:
    """Run until SIGTERM or SIGINT, then stop in order. For the arguments see `everything`.

    Raises:
        FleetwriteError: something does not start; the message says what and why.
    """
    stop, is_up = asyncio.Event(), asyncio.Event()
    main = asyncio.current_task()

    def on_signal() -> None:
        stop.set()
        if main is not None and not is_up.is_set():
            main.cancel()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal)
    console = Console(stderr=True)
    status = console.status("Starting")
    status.start()
    try:
        async with everything(data_dir, port=port, sandbox=sandbox, progress=status.update, tsps=tsps) as api_url:
            is_up.set()
            status.stop()
            # Addresses and paths are not broken into two lines, so that they can be copied.
            console.print(
                f"Fleetwrite is up at [bold]{api_url}[/bold]; its documentation is at {api_url}/docs", soft_wrap=True
            )
            if sandbox:
                console.print(f"Addresses, client and secret: {data_dir / 'sandbox.json'}", soft_wrap=True)
            await stop.wait()
            console.print("Stopping: what is in flight is finished first.")
    except asyncio.CancelledError:
        if not stop.is_set():
            raise
        console.print("Stopped while starting.")
    finally:
        status.stop()


@asynccontextmanager
async def everything(
    data_dir: Path,
    *,
    port: int,
    sandbox: bool,
    progress: Callable[[str], None],
    variables: Mapping[str, str] = os.environ,
    tsps: Sequence[str] | None = None,
) -> AsyncIterator[str]:
    """Start all, yield the API's address when all is ready, and stop all at the end.

    A process that dies meanwhile is started again, the database too.

    Args:
        data_dir: where everything is kept.
        port: of the API; 0 takes a free one.
        sandbox: with simulators and demo fleets.
        progress: is told what is being done.
        variables: where settings come from.
        tsps: the providers to simulate; None: all that there are connectors for.
    """
    environment = {**DEFAULTS, **(SANDBOX_DEFAULTS if sandbox else {}), **variables}
    configure_logging("console", "warning")
    async with AsyncExitStack() as stack:
        stack.enter_context(_folder(data_dir))
        # Not there until all is ready: whoever waits for it must not find the last run's.
        description_path = data_dir / "sandbox.json"
        description_path.unlink(missing_ok=True)
        remembered = Remembered.read(data_dir / "state.json")
        listener = stack.enter_context(_listen(port, remembered.api_port))
        remembered.api_port = listener.getsockname()[1]
        api_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        environment["FLEETWRITE_PUBLIC_URL"] = api_url
        keepers: list[asyncio.Task[None]] = []
        stack.callback(lambda: [keeper.cancel() for keeper in keepers])
        children: list[Child] = []
        if not environment.get("DATABASE_URL"):
            progress("Starting PostgreSQL")
            postgres = await stack.enter_async_context(EmbeddedPostgres(data_dir / "postgres"))
            environment["DATABASE_URL"] = postgres.dsn
            keepers.append(asyncio.create_task(_keep_database(postgres, children)))
        progress("Preparing the database")
        await _prepare(environment, data_dir / "vault.key")
        settings = Settings.load(environment)
        simulators: list[RunningSimulator] = []
        description: SandboxDescription | None = None
        if sandbox:
            progress("Starting the providers' simulators")
            for tsp in tsps or simulated():
                folder = data_dir / "simulators"
                running = await start_simulator(tsp, folder, remembered.simulators.get(tsp), environment)
                stack.push_async_callback(running.child.stop)
                keepers.append(asyncio.create_task(running.child.keep_running()))
                simulators.append(running)
            if not environment.get("FLEETWRITE_CONFIG"):
                environment["FLEETWRITE_CONFIG"] = str(await _point_connect_page(simulators, data_dir / "sandbox.toml"))
            progress("Reading drivers, vehicles and trailers")
            description = await _seed(settings, simulators, remembered, data_dir / "state.json", api_url)
        progress("Starting API and worker")
        for child in (
            Child("api", "--fd", str(listener.fileno()), environment=environment, inherit=(listener.fileno(),)),
            Child("worker", "--announce", environment=environment, announces=True),
        ):
            stack.push_async_callback(child.stop)
            await child.start()
            children.append(child)
            keepers.append(asyncio.create_task(child.keep_running()))
        await _until_ready(api_url)
        if description is not None:
            write_privately(description_path, msgspec.json.format(msgspec.json.encode(description)))
            stack.callback(description_path.unlink, missing_ok=True)
        yield api_url


@contextmanager
def _folder(data_dir: Path) -> Iterator[None]:
    """Make the folder and keep it to ourselves; the lock ends with the process, however that ends.

    Raises:
        FolderInUseError: another process runs on it.
    """
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (data_dir / "up.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise FolderInUseError(
                f"Another process runs on {data_dir}: stop it first, or choose another folder with --data-dir."
            ) from error
        yield


def _listen(port: int, last_port: int) -> socket.socket:
    """A socket for the API, which stays open while the API is restarted: callers wait instead of being refused.

    Where any free port will do, it is the last run's if that is still free.
    """
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    for candidate in (port or last_port, port):
        try:
            listener.bind(("127.0.0.1", candidate))
        except OSError as error:
            reason = error.strerror
        else:
            return listener
    listener.close()
    raise PortTakenError(f"Port {port} is not free ({reason}): choose another with --port.")


async def _prepare(environment: dict[str, str], key_path: Path) -> None:
    """Bring the schema up to date and, for a database in which nothing is sealed yet, make a master key."""
    await migrate(environment["DATABASE_URL"])
    if environment.get("FLEETWRITE_VAULT_KEY_FILE") or environment.get("FLEETWRITE_VAULT_COMMAND"):
        return
    database = await Database.connect(environment["DATABASE_URL"], max_size=2, application_name="fleetwrite up")
    try:
        await load_or_create_key(key_path, database)
    finally:
        await database.close()
    environment["FLEETWRITE_VAULT_KEY_FILE"] = str(key_path)


async def _point_connect_page(simulators: Sequence[RunningSimulator], path: Path) -> Path:
    """Write settings by which fleets connect to the simulators, and not to the providers; returns the file."""
    lines = []
    async with _loopback() as egress:
        for simulator in simulators:
            app = await demo_app(simulator, egress)
            lines += [f"[tsp.{simulator.tsp}.connect]", f"base_url = {_toml(simulator.url)}"]
            if app is not None:
                secret = f"client_secret = {_toml(app.client_secret)}"
                lines += [f"[tsp.{simulator.tsp}.app]", f"client_id = {_toml(app.client_id)}", secret]
    write_privately(path, "\n".join([*lines, ""]).encode())
    return path


def _toml(text: str) -> str:
    # JSON's strings are written the same in TOML.
    return msgspec.json.encode(text).decode()


async def _seed(
    settings: Settings, simulators: list[RunningSimulator], remembered: Remembered, state_path: Path, api_url: str
) -> SandboxDescription:
    async with open_services(settings, name="sandbox") as services:
        connections = await seed(services, simulators, remembered)
    remembered.write(state_path)
    return SandboxDescription(
        api_url=api_url,
        token_url=f"{api_url}{REALM_PATH}/protocol/openid-connect/token",
        client_id=CLIENT_ID,
        client_secret=remembered.client_secret or "",
        connections=connections,
        simulators={simulator.tsp: SandboxSimulator(simulator.url) for simulator in simulators},
    )


def _loopback() -> Egress:
    """A way to what runs on this machine."""
    networks = tuple(ip_network(text) for text in LOOPBACK.split(","))
    return Egress(UrlPolicy(allow_http=True, allowed_networks=networks))


async def _until_ready(api_url: str) -> None:
    try:
        async with _loopback() as egress, asyncio.timeout(_READY_WITHIN_S):
            while not await _is_ready(egress, api_url):  # noqa: ASYNC110 - another process; there is no event
                await asyncio.sleep(_READY_POLL_S)
    except TimeoutError as error:
        raise ChildStartError("The API did not become ready; its log above says why.") from error


async def _is_ready(egress: Egress, api_url: str) -> bool:
    try:
        return (await egress.request("GET", f"{api_url}/readyz", timeout_s=_READY_WITHIN_S)).status == 200
    except EgressError:
        return False


async def _keep_database(postgres: EmbeddedPostgres, children: list[Child]) -> None:
    """Start PostgreSQL again when it ends; those who use it reconnect by themselves."""
    while True:
        code = await postgres.wait_closed()
        log.warning("sandbox.database_ended", exit_code=code)
        await postgres.stop()
        await asyncio.sleep(_DATABASE_RESTART_S)
        await postgres.start()
        for child in children:
            if child.environment["DATABASE_URL"] != postgres.dsn:
                child.environment["DATABASE_URL"] = postgres.dsn
                child.end_process()
