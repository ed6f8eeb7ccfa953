"""Our own processes, kept running: started, restarted when they die, stopped in order, and gone when we are."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Final

import structlog

from fleetwrite.kit.child_process import ON_LINUX, die_with, end, end_with_us, exit_code
from fleetwrite.kit.errors import FleetwriteError

log = structlog.get_logger(__name__)

_FIRST_RESTART_S: Final = 0.1
_LONGEST_RESTART_S: Final = 5.0
"""A child that dies again and again is restarted at this interval: it may wait for something that comes back."""

_STOP_STEPS: Final = ((signal.SIGTERM, 45.0), (signal.SIGKILL, 5.0))
"""A worker finishes the calls in flight when told to stop; that takes a provider's time-out at most."""


class ChildStartError(FleetwriteError):
    """A process that we need did not start."""


class Child:
    """One `fleetwrite` command in a process of its own.

    Args:
        arguments: the command line after `fleetwrite`; may be changed between starts.
        environment: its whole environment.
        inherit: a file descriptor that it gets, such as a listening socket.
        announces: whether it prints one line when it is ready; `start` returns that.
    """

    def __init__(
        self,
        *arguments: str,
        environment: Mapping[str, str],
        inherit: Sequence[int] = (),
        announces: bool = False,
    ) -> None:
        self.name = " ".join(arguments[:2])
        self.environment = dict(environment)
        self.arguments = list(arguments)
        self._inherit = tuple(inherit)
        self._announces = announces
        self._process: subprocess.Popen[bytes] | None = None
        self._watcher: subprocess.Popen[bytes] | None = None
        self._stopping = False

    async def start(self) -> str:
        """Start it; returns the line it announces itself by, or nothing.

        Raises:
            ChildStartError: it ended before it announced itself.
        """
        parent = os.getpid()
        self._process = subprocess.Popen(  # noqa: S603, ASYNC220 - our own command; a fork takes a millisecond
            [sys.executable, "-m", "fleetwrite", *self.arguments],
            env=self.environment,
            pass_fds=self._inherit,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if self._announces else None,
            # In a group of its own: Ctrl-C is for us, and we stop our children in order.
            process_group=0,
            preexec_fn=(lambda: die_with(parent)) if ON_LINUX else None,  # noqa: PLW1509 - only prctl and getppid
        )
        if not ON_LINUX:
            self._watcher = end_with_us(self._process)
        if not self._announces or self._process.stdout is None:
            return ""
        line = await asyncio.to_thread(self._process.stdout.readline)
        if not line:
            raise ChildStartError(f"`fleetwrite {self.name}` did not start; its log above says why.")
        return line.decode().strip()

    async def keep_running(self) -> None:
        """Start it again whenever it ends, until `stop` is called."""
        pause_s = _FIRST_RESTART_S
        while self._process is not None:
            started_at = asyncio.get_running_loop().time()
            code = await exit_code(self._process)
            if self._is_stopping():
                return
            lived_s = asyncio.get_running_loop().time() - started_at
            pause_s = _FIRST_RESTART_S if lived_s > _LONGEST_RESTART_S else min(pause_s * 2, _LONGEST_RESTART_S)
            log.warning("sandbox.child_ended", child=self.name, exit_code=code, restart_in_s=round(pause_s, 2))
            await asyncio.sleep(pause_s)
            if self._is_stopping():
                return
            await self._restart()

    def end_process(self) -> None:
        """Have it stop and start anew, with what its environment says by then."""
        if self._process is not None:
            self._process.terminate()

    async def stop(self) -> None:
        """Tell it to stop and wait until it has."""
        self._stopping = True
        if self._watcher is not None:
            self._watcher.kill()
            self._watcher.communicate()
        if self._process is not None:
            await end(self._process, _STOP_STEPS)
            if self._process.stdout is not None:
                self._process.stdout.close()

    def _is_stopping(self) -> bool:
        return self._stopping

    async def _restart(self) -> None:
        try:
            await self.start()
        except ChildStartError as error:
            log.warning("sandbox.child_failed", child=self.name, error=str(error))
