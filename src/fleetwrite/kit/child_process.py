"""Child processes that end with us: by the kernel's word on Linux, by a small watcher elsewhere."""

import asyncio
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from typing import Final

import structlog

_log = structlog.get_logger(__name__)

ON_LINUX: Final = sys.platform == "linux"
KERNEL_ENDS_CHILDREN: Final = ON_LINUX
"""Whether ``die_with`` works; elsewhere ``end_with_us`` stands in."""

_PR_SET_PDEATHSIG: Final = 1  # from <linux/prctl.h>
_LIBC: Final = ctypes.CDLL(None)  # loaded before any fork: the child must do as little as possible


def die_with(parent: int) -> None:
    """For ``preexec_fn``, after any change of user: SIGINT when the parent is gone; end if it is gone
    already.

    SIGINT because PostgreSQL takes it for a fast shutdown: sessions are rolled back and a checkpoint is
    written, so that the next start has nothing to replay. The kernel means the parent *thread* that started
    the child.
    """
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGINT)
    if os.getppid() != parent:
        os._exit(1)


def end_with_us(process: subprocess.Popen[bytes]) -> subprocess.Popen[bytes]:
    """Where the kernel has no such signal: a shell that waits for the end of our pipe, then sends it."""
    return subprocess.Popen(  # noqa: S603 - a fixed script, our own number
        ["/bin/sh", "-c", 'read -r _; kill -INT "$0"', str(process.pid)],
        stdin=subprocess.PIPE,
        start_new_session=True,
    )


async def exit_code(process: subprocess.Popen[bytes]) -> int:
    """Wait for the end of a process, whoever ends it; any number of waiters."""
    if process.poll() is None:
        try:
            handle = os.pidfd_open(process.pid)
        except (AttributeError, OSError):  # not Linux, or a kernel before 5.3
            while process.poll() is None:  # noqa: ASYNC110 - there is no event to wait for
                await asyncio.sleep(0.02)
        else:
            ended = asyncio.Event()
            loop = asyncio.get_running_loop()
            loop.add_reader(handle, ended.set)
            try:
                await ended.wait()
            finally:
                loop.remove_reader(handle)
                os.close(handle)
    return process.wait()


async def end(process: subprocess.Popen[bytes], steps: Sequence[tuple[signal.Signals, float]]) -> None:
    """Send each signal in turn and wait its number of seconds, until the process has ended."""
    for step, patience_s in steps:
        process.send_signal(step)  # does nothing if it has ended
        try:
            await asyncio.wait_for(exit_code(process), patience_s)
        except TimeoutError:
            _log.warning("child process does not stop", pid=process.pid, signal=step.name, waited_s=patience_s)
        else:
            return
