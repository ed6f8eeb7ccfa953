"""The long-running processes: API and worker. Each takes its settings from the environment or a TOML file."""

import asyncio
import contextlib
import gc
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import TypeVar

import structlog
import uvicorn
from starlette.types import ASGIApp

from fleetwrite.api.app import ENDPOINTS, HEALTH, create_app
from fleetwrite.audit.models import Actor
from fleetwrite.bootstrap import Services, open_services, require_database_url, run_worker
from fleetwrite.connect.app import connect_routes
from fleetwrite.kit import migrations
from fleetwrite.kit.telemetry import configure_logging
from fleetwrite.settings import LEASE_MARGIN_S, from_process

log = structlog.get_logger(__name__)

T = TypeVar("T")


async def serve_api(config: Path | None, *, host: str | None, port: int | None, fd: int | None) -> None:
    """Serve the API until SIGTERM or SIGINT; requests in flight are finished."""
    settings = from_process(config, api_host=host, api_port=port)
    configure_logging(settings.log_format, settings.log_level)
    stop = _stop_event()
    async with open_services(settings, name="api") as services:
        _spare_what_stays()
        log.info("api.starting", host=settings.api_host, port=settings.api_port)
        sockets = None if fd is None else [socket.socket(fileno=fd)]
        await _serve(
            services, create_app(services, ENDPOINTS, connect_routes(services)), settings.api_port, stop, sockets
        )
        log.info("api.stopped")


async def work(config: Path | None, *, announce: bool) -> None:
    """Deliver until SIGTERM or SIGINT; what is in flight is finished, the rest given back."""
    settings = from_process(config)
    configure_logging(settings.log_format, settings.log_level)
    stop = _stop_event()
    async with open_services(settings, name="worker") as services, asyncio.TaskGroup() as tasks:
        _spare_what_stays()
        log.info("worker.starting", concurrency=settings.worker_concurrency)
        if settings.worker_port:
            tasks.create_task(_serve(services, create_app(services, HEALTH), settings.worker_port, stop))
        if announce:
            print("ready", flush=True)  # noqa: T201 - who started us reads it
        await run_worker(services, stop)
        log.info("worker.stopped")


async def migrate_database(config: Path | None) -> list[str]:
    """Apply what migrations are missing; returns their names."""
    settings = from_process(config)
    configure_logging("console", "warning")
    return await migrations.migrate(require_database_url(settings))


async def set_tsp_paused(config: Path | None, slug: str, *, paused: bool) -> int:
    """Send nothing to a provider, or send again; returns how many connections that concerns."""
    operator = Actor.operator()
    return await with_services(
        config, "admin", lambda services: services.steering.set_tsp_paused(slug, paused=paused, actor=operator)
    )


@contextlib.asynccontextmanager
async def quiet_services(config: Path | None, name: str) -> AsyncIterator[Services]:
    """The services of a process of this name, which says little."""
    settings = from_process(config)
    configure_logging("console", "warning")
    async with open_services(settings, name=name) as services:
        yield services


async def with_services(config: Path | None, name: str, work: Callable[[Services], Awaitable[T]]) -> T:
    """Do `work` with `quiet_services`."""
    async with quiet_services(config, name) as services:
        return await work(services)


def _spare_what_stays() -> None:
    """Keep the garbage collector from what was loaded and built so far, as all of it lasts as long as the process.

    To go through it took 48 ms, a few times a minute, in which a worker's calls left late: too close to the next ones.
    """
    gc.collect()
    gc.freeze()


def _stop_event() -> asyncio.Event:
    """An event that is set when this process is told to stop."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop


class _Server(uvicorn.Server):
    """Leaves signals to `_stop_event`: uvicorn would raise them anew while our services are still being closed."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


async def _serve(
    services: Services,
    app: ASGIApp,
    port: int,
    stop: asyncio.Event,
    sockets: list[socket.socket] | None = None,
) -> None:
    config = uvicorn.Config(
        app,
        host=services.settings.api_host,
        port=port,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        forwarded_allow_ips=list(services.settings.trusted_proxies),
        # A sync write that is under way when we are told to stop is finished.
        timeout_graceful_shutdown=int(services.settings.sync_deadline_s + LEASE_MARGIN_S),
    )
    server = _Server(config)
    serving = asyncio.create_task(server.serve(sockets))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait((serving, stopping), return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    services.streams.end()
    server.should_exit = True
    await serving
