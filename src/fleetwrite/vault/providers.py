"""Where the master keys come from: a file, or a command that fetches them from wherever they are kept."""

import asyncio
import shlex
from pathlib import Path
from typing import Final, Protocol

from fleetwrite.vault.errors import KeyCommandError
from fleetwrite.vault.keyfile import KeyFile
from fleetwrite.vault.keys import LONGEST_TEXT, MasterKey, parse_keys

_COMMAND_LASTS_S: Final = 30.0
"""A key service that takes longer is not there; a process that can not start is better told so."""


class KeyProvider(Protocol):
    """Where the master keys come from."""

    async def load(self) -> tuple[MasterKey, ...]:
        """The keys, oldest first.

        Raises:
            FleetwriteError: they are not to be had; the message says why.
        """
        ...


class FileKeys:
    """Keys in a file; see `KeyFile`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def load(self) -> tuple[MasterKey, ...]:
        """See `KeyProvider.load`."""
        return KeyFile.load(self._path)


class CommandKeys:
    """Keys that a command prints: the text of a key file, on its standard output and nowhere else.

    It is run without a shell, once when a process starts. What it says on its standard error goes to ours.
    """

    def __init__(self, command: str, lasts_s: float = _COMMAND_LASTS_S) -> None:
        self._command = command
        self._lasts_s = lasts_s

    async def load(self) -> tuple[MasterKey, ...]:
        """See `KeyProvider.load`.

        Raises:
            KeyCommandError: it can not be run, fails, or takes too long.
            NoKeyError: it prints something else.
        """
        try:
            program, *arguments = shlex.split(self._command)
            process = await asyncio.create_subprocess_exec(
                program, *arguments, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE
            )
        except (OSError, ValueError) as error:
            raise KeyCommandError(f"The vault command can not be run: {error}. Check vault_command.") from error
        try:
            async with asyncio.timeout(self._lasts_s):
                text = await _printed(process)
        except TimeoutError as error:
            raise KeyCommandError(
                f"The vault command {program} was not done within {self._lasts_s:g} s. Is what it asks there?"
            ) from error
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode != 0:
            raise KeyCommandError(
                f"The vault command {program} ended with status {process.returncode}: see what it said before this."
            )
        return parse_keys(text, f"What {program} printed")


async def _printed(process: asyncio.subprocess.Process) -> bytes:
    """What a process prints until it ends; beyond the longest text of keys, only the beginning."""
    text = b""
    while process.stdout is not None and (piece := await process.stdout.read(LONGEST_TEXT)):
        text = (text + piece)[:LONGEST_TEXT]
    await process.wait()
    return text
