"""`fleetwrite demo`: brings up a sandbox, performs every write on it, shows the outcome, takes everything down."""

import asyncio
import os
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec
from rich.console import Console
from rich.text import Text

from fleetwrite.kit.errors import FleetwriteError
from fleetwrite.sandbox.board import Board, Report, open_console, print_report
from fleetwrite.sandbox.demonstration import demonstrate
from fleetwrite.sandbox.seed import SandboxDescription
from fleetwrite.sandbox.tour import tour
from fleetwrite.sandbox.up import everything

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


async def run_demo(keep: Path | None) -> int:
    """Run the demo; returns the exit code: 0 only if everything was as it has to be.

    Args:
        keep: where to leave the sandbox's data; None throws it away.
    """
    console = open_console()
    stopped_by: list[signal.Signals] = []
    main = asyncio.current_task()

    def stop(number: signal.Signals) -> None:
        # Once: a second Ctrl-C must not break the stopping.
        if not stopped_by and main is not None:
            stopped_by.append(number)
            main.cancel()

    for number in _SIGNALS:
        asyncio.get_running_loop().add_signal_handler(number, stop, number)
    try:
        report = await _demonstrate_in(keep, console)
    except asyncio.CancelledError:
        if not stopped_by:
            raise
        console.print("Stopped; nothing of it is running any more.")
        return 128 + stopped_by[0]
    except Exception as error:  # noqa: BLE001 - whoever tries this out is told in a line, and the exit code says it too
        reason = str(error) if isinstance(error, FleetwriteError) else f"{type(error).__name__}: {error}"
        console.print(Text(f"The demo failed. {reason}", style="bold red"))
        return 1
    print_report(console, report)
    _say_what_next(console, keep)
    return 0 if report.is_right else 1


async def _demonstrate_in(keep: Path | None, console: Console) -> Report:
    with Board(console) as board, _data_dir(keep) as data_dir:
        async with everything(data_dir, port=0, sandbox=True, progress=board.phase, variables=_variables()) as _api_url:
            description = msgspec.json.decode((data_dir / "sandbox.json").read_bytes(), type=SandboxDescription)
            report = await demonstrate(description, board)
            board.phase("Writing at every provider, at all of them at the same time")
            report = msgspec.structs.replace(report, stops=await tour(description))
            board.phase("Stopping")
        return report


@contextmanager
def _data_dir(keep: Path | None) -> Iterator[Path]:
    if keep is not None:
        yield keep.absolute()
        return
    with tempfile.TemporaryDirectory(prefix="fleetwrite-demo-") as folder:
        yield Path(folder)


def _variables() -> dict[str, str]:
    """This process's environment without any setting of Fleetwrite: a demo must never touch a real database."""
    return {
        name: value
        for name, value in os.environ.items()
        if name != "DATABASE_URL" and not name.startswith("FLEETWRITE_")
    }


def _say_what_next(console: Console, keep: Path | None) -> None:
    if keep is not None:
        console.print(Text(f"Go on with this sandbox: fleetwrite up --sandbox --data-dir {keep}"))
    console.print("Next: `make up` starts a sandbox and stays; README.md goes through a write with curl.")
