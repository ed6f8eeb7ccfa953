"""The script of docs/howto/run-in-production.md does what it says, against a simulator in the provider's place."""

import asyncio
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path

from fleetwrite.kit.database import Database
from fleetwrite.sandbox.simulators import start_simulator
from fleetwrite.vault.keyfile import KeyFile

HOWTO = Path(__file__).parents[2] / "docs" / "howto" / "run-in-production.md"
PROVIDER_LINE = '{"region": "us"}'
"""Where the script names the provider's address; the one thing that is replaced here."""


async def run(script: Path, environment: Mapping[str, str]) -> str:
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(script), env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    printed, _ = await process.communicate()
    assert process.returncode == 0, printed.decode()
    return printed.decode()


async def test_the_provisioning_script_makes_a_connection_once_and_reads_its_records(
    database_url: str, database: Database, tmp_path: Path
) -> None:
    KeyFile.create(tmp_path / "vault.key")
    environment = {
        **os.environ,
        "DATABASE_URL": database_url,
        "FLEETWRITE_VAULT_KEY_FILE": str(tmp_path / "vault.key"),
        "FLEETWRITE_OUTBOUND_ALLOW_HTTP": "true",
        "FLEETWRITE_OUTBOUND_ALLOWED_NETWORKS": "127.0.0.0/8",
        "SAMSARA_TOKEN": "samsara_api_demo_northwind",
    }
    (text,) = re.findall(r"^```python\n(.*?)^```", HOWTO.read_text(), re.MULTILINE | re.DOTALL)
    assert text.count(PROVIDER_LINE) == 1
    simulator = await start_simulator("samsara", tmp_path / "simulators", None, environment)
    try:
        script = tmp_path / "provision.py"
        script.write_text(text.replace(PROVIDER_LINE, f'{{"base_url": "{simulator.url}"}}'))
        first, second = await run(script, environment), await run(script, environment)
    finally:
        await simulator.child.stop()

    assert "its secret is shown this once" in first
    assert "client example-tms exists" in second
    async with database.acquire() as connection:
        assert await connection.fetchval("SELECT count(*) FROM connections") == 1
        rows = await connection.fetch("SELECT resource, count(*) AS held FROM records GROUP BY resource")
    assert {row["resource"]: row["held"] for row in rows} == {"user": 11, "vehicle": 6, "trailer": 4}
