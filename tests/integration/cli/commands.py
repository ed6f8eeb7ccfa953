"""Runs `fleetwrite` as an operator does, in a process of its own."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path


class Operator:
    """Who has the database's address and, in a file that may not be there yet, the master key."""

    def __init__(self, database_url: str, key_file: Path) -> None:
        self.key_file = key_file
        self.environment = {**os.environ, "DATABASE_URL": database_url, "FLEETWRITE_VAULT_KEY_FILE": str(key_file)}

    async def run(
        self, *words: str, environment: Mapping[str, str] | None = None
    ) -> "subprocess.CompletedProcess[str]":
        """Run a command; `environment` in place of ours."""
        return await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-m", "fleetwrite", *words],
            env=environment or self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
