"""How commands run, and what they say."""

import asyncio
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from fleetwrite.kit.errors import FleetwriteError

T = TypeVar("T")

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", help="A TOML file with settings; environment variables win over it.", exists=True),
]


def say(lines: list[str]) -> None:
    """Print what a command has to tell."""
    for line in lines:
        typer.echo(line)


def run(work: Coroutine[Any, Any, T], loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None) -> T:
    """Run a command; an error of ours becomes one line and exit code 1."""
    try:
        with asyncio.Runner(loop_factory=loop_factory) as runner:
            return runner.run(work)
    except FleetwriteError as error:
        typer.secho(f"fleetwrite: {error}", err=True, fg=typer.colors.RED)
        sys.exit(1)
    except OSError as error:
        typer.secho(f"fleetwrite: {error}", err=True, fg=typer.colors.RED)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
