"""A real browser: Debian's Chromium, without a screen, driven by Playwright."""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Literal

import pytest
from playwright.async_api import BrowserContext, Page, async_playwright
from playwright.async_api import TimeoutError as NotThereError

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

ARTEFACTS = Path(__file__).parents[1] / "artefacts"
"""Where screenshots are kept; not part of the repository."""

WITHIN_MS = 20_000
"""Pages are there in milliseconds; a busy machine gets time."""


def find_or_install() -> str:
    """The browser's path. Where it can be had by nobody's leave, the test is skipped, and says so."""
    found = shutil.which("chromium")
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        subprocess.run(["/bin/sh", "-c", INSTALL], check=False, timeout=300, capture_output=True)
        found = shutil.which("chromium")
    if found is None:
        pytest.skip("NO BROWSER TEST WAS RUN: install Debian's chromium package (apt-get install chromium).")
    return found


@asynccontextmanager
async def opened_browser(
    *, scripts: bool = True, width: int = 1000, colors: Literal["light", "dark"] = "light"
) -> AsyncIterator[BrowserContext]:
    """A browser with a profile that nobody used before; with `scripts=False` it runs none."""
    program = find_or_install()
    with tempfile.TemporaryDirectory() as profile:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch_persistent_context(
                profile,
                executable_path=program,
                args=FLAGS,
                java_script_enabled=scripts,
                viewport={"width": width, "height": 900},
                color_scheme=colors,
            )
            browser.set_default_timeout(WITHIN_MS)
            yield browser
            await browser.close()


async def keep_picture(page: Page, name: str) -> None:
    """Keep a screenshot of the whole page, for people to look at."""
    ARTEFACTS.mkdir(exist_ok=True)
    await page.screenshot(path=ARTEFACTS / f"{re.sub(r'[^a-z0-9]+', '-', name.lower())}.png", full_page=True)


async def rendered(url: str, until: str) -> str:
    """The page's document once its scripts have made what the selector `until` finds, or have had the time for it."""
    async with opened_browser() as browser:
        page = await browser.new_page()
        await page.goto(url)
        with suppress(NotThereError):
            await page.wait_for_selector(until, state="attached")
        return await page.content()
