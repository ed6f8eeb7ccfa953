"""How commands are run, and what they have in common."""

import asyncio
import sys
from collections.abc import Callable, Coroutine, Iterable
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from fleetwrite.kit.errors import FleetwriteError

T = TypeVar("T")

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", help="A TOML file with settings; environment variables win over it.", exists=True),
]


def say(lines: Iterable[str]) -> None:
    """Print lines."""
    for line in lines:
        typer.echo(line)


def serve(work: Coroutine[Any, Any, T]) -> T:
    """Run a command that serves, on the fastest event loop that this system has."""
    import uvicorn  # noqa: PLC0415 - the other commands start faster without it

    return run(work, uvicorn.Config("", loop="auto", log_config=None).get_loop_factory())


def run(work: Coroutine[Any, Any, T], loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None) -> T:
    """Run a command; an error of ours becomes one line and exit code 1."""
    try:
        with asyncio.Runner(loop_factory=loop_factory) as runner:
            return runner.run(work)
    except (FleetwriteError, OSError) as error:
        typer.secho(f"fleetwrite: {error}", err=True, fg=typer.colors.RED)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
