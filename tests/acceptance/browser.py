"""A real browser: Debian's Chromium, without a screen."""

import asyncio
import os
import shutil
import subprocess
import tempfile

import pytest

INSTALL = "apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium"

FLAGS = (
    "--headless",
    "--no-sandbox",  # we may be root, and show our own pages only
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    # Nothing but the page: no look-ups of the browser's own.
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def find_or_install() -> str:
    """The browser's path. Where it can be had by nobody's leave, the test is skipped, and says so."""
    found = shutil.which("chromium")
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        subprocess.run(["/bin/sh", "-c", INSTALL], check=False, timeout=300, capture_output=True)
        found = shutil.which("chromium")
    if found is None:
        pytest.skip("NO BROWSER TEST WAS RUN: install Debian's chromium package (apt-get install chromium).")
    return found


async def rendered(url: str) -> str:
    """The page's document after its scripts have run."""
    with tempfile.TemporaryDirectory() as profile:
        process = await asyncio.create_subprocess_exec(
            find_or_install(),
            *FLAGS,
            f"--user-data-dir={profile}",
            "--virtual-time-budget=10000",
            "--dump-dom",
            url,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        async with asyncio.timeout(60):
            document, _ = await process.communicate()
    return document.decode()
