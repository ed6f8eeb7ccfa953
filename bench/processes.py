"""Child processes of a measurement: started, waited for, stopped, and gone when we are."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from typing import Final

import psutil

from fleetwrite.kit.child_process import ON_LINUX, die_with, end

_STOP_STEPS: Final = ((signal.SIGTERM, 20.0), (signal.SIGKILL, 5.0))
_MIB: Final = 1024 * 1024


class StartError(Exception):
    """A process ended before it was ready; its log above says why."""


class Process:
    """One Python module in a process of its own.

    Args:
        module: run as `python -m module`.
        arguments: its command line.
        environment: its whole environment.
        announces: whether it prints a line when it is ready.
    """

    def __init__(self, module: str, *arguments: str, environment: Mapping[str, str], announces: bool = True) -> None:
        self._command = [sys.executable, "-m", module, *arguments]
        self._environment = dict(environment)
        self._announces = announces
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> str:
        """Start it; returns the line it announces itself by.

        Raises:
            StartError: it ended before.
        """
        parent = os.getpid()
        self._process = subprocess.Popen(  # noqa: ASYNC220 - a fork takes a millisecond
            self._command,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if self._announces else None,
            process_group=0,
            preexec_fn=(lambda: die_with(parent)) if ON_LINUX else None,  # noqa: PLW1509 - only prctl and getppid
        )
        if self._process.stdout is None:
            return ""
        line = await asyncio.to_thread(self._process.stdout.readline)
        if not line:
            raise StartError(f"`{' '.join(self._command[1:])}` did not start")
        return line.decode().strip()

    async def stop(self) -> None:
        """Stop it and wait until it has ended."""
        if self._process is not None:
            await end(self._process, _STOP_STEPS)
            if self._process.stdout is not None:
                self._process.stdout.close()
            self._process = None

    def resident_mib(self) -> float:
        """Its resident memory, shared pages included."""
        return 0.0 if self._process is None else psutil.Process(self._process.pid).memory_info().rss / _MIB
