"""A fleet is exported and erased from the command line, also by a command that is killed in the middle."""

import asyncio
import json
import os
import signal
import stat
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from fleetwrite.audit import trail
from fleetwrite.bootstrap import Services, open_services
from fleetwrite.kit.database import Database
from fleetwrite.kit.retention import BATCH
from fleetwrite.settings import Settings
from integration.cli.commands import Operator

MANY = 3 * BATCH


@pytest.fixture
async def services(operator: Operator, database_url: str) -> AsyncIterator[Services]:
    await operator.run("vault", "create-key", str(operator.key_file))
    settings = Settings(database_url=database_url, vault_key_file=str(operator.key_file))
    async with open_services(settings, name="tests") as services:
        yield services


@pytest.fixture
async def fleet_id(services: Services) -> UUID:
    """A fleet with some thousand records."""
    partner = await services.orgs.ensure_partner("Acme", "acme")
    agreement = await services.orgs.ensure_shared_fleet(partner.id, "fleet-1", "Somebody's Haulage")
    connection = await services.connections.create(
        fleet_id=agreement.fleet_id, tsp_slug="samsara", credentials={"token": "very-secret"}, settings={}
    )
    await services.database.pool.execute(
        "INSERT INTO records (id, connection_id, resource, source_id, attributes, source_data_hash, occurred_at,"
        " created_at, updated_at) SELECT gen_random_uuid(), $1, 'user', n, '{\"first_name\": \"Dora\"}', '', now(),"
        " now(), now() FROM generate_series(1, $2) AS n",
        connection.id,
        MANY,
    )
    return agreement.fleet_id


async def test_an_export_is_a_whole_file_for_nobody_else(operator: Operator, fleet_id: UUID, tmp_path: Path) -> None:
    out = tmp_path / "fleet.jsonl"
    done = await operator.run("admin", "fleet", "export", str(fleet_id), "--out", str(out))
    assert done.returncode == 0, done.stderr
    assert str(MANY) in done.stdout
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert lines[-1]["rows"]["records"] == MANY
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert "very-secret" not in out.read_text()

    out.write_text("mine")
    refused = await operator.run("admin", "fleet", "export", str(fleet_id), "--out", str(out))
    assert (refused.returncode, out.read_text()) == (1, "mine")
    assert "--force" in refused.stderr
    forced = await operator.run("admin", "fleet", "export", str(fleet_id), "--out", str(out), "--force")
    assert forced.returncode == 0
    assert json.loads(out.read_text().splitlines()[-1])["end"] is True
    unknown = await operator.run("admin", "fleet", "export", str(uuid4()), "--out", str(tmp_path / "none.jsonl"))
    assert unknown.returncode == 1
    assert "admin fleet list" in unknown.stderr
    assert names_in(tmp_path) == {"fleet.jsonl", "vault.key"}


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


async def test_an_erasure_asks_back_and_shows_what_goes(operator: Operator, fleet_id: UUID, services: Services) -> None:
    asked = await operator.run("admin", "fleet", "erase", str(fleet_id))
    assert asked.returncode == 1  # nobody answered
    assert str(MANY) in asked.stdout
    assert await services.fleet_erasure.count(fleet_id) != {}
    done = await operator.run("admin", "fleet", "erase", str(fleet_id), "--yes")
    assert done.returncode == 0, done.stderr
    assert "still to be told" in done.stdout
    assert (await services.fleet_erasure.get(fleet_id)).removed["records"] == MANY
    again = await operator.run("admin", "fleet", "erase", str(fleet_id), "--yes")
    assert again.returncode == 0, again.stderr
    assert "Erased at" in again.stdout
    unknown = await operator.run("admin", "fleet", "erase", str(uuid4()), "--yes")
    assert unknown.returncode == 1
    assert "There is no fleet" in unknown.stderr
    assert await trail.verify(services.database) is not None


async def test_an_erasure_that_was_killed_goes_on_where_it_was(
    operator: Operator, fleet_id: UUID, services: Services, database: Database
) -> None:
    words = ("admin", "fleet", "erase", str(fleet_id), "--yes")
    async with database.transaction() as connection:
        # Whoever removes references, which come after records, waits for us.
        await connection.execute("LOCK TABLE reference_ledger IN SHARE MODE")
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "fleetwrite", *words, env=operator.environment, stdout=asyncio.subprocess.DEVNULL
        )
        async with asyncio.timeout(60):
            while (await removed(services, fleet_id)).get("records") != MANY:
                await asyncio.sleep(0.02)
        os.kill(process.pid, signal.SIGKILL)
        await process.wait()
    left = await services.fleet_erasure.get(fleet_id)
    assert left.erased_at is None
    done = await operator.run(*words)
    assert done.returncode == 0, done.stderr
    after = await services.fleet_erasure.get(fleet_id)
    assert after.erased_at is not None
    assert after.removed["records"] == MANY
    assert await trail.verify(services.database) is not None


async def removed(services: Services, fleet_id: UUID) -> dict[str, int]:
    found = await services.database.pool.fetchval("SELECT removed FROM erasures WHERE fleet_id = $1", fleet_id)
    return found or {}


async def test_after_a_restore_fleets_are_erased_again_by_what_the_log_said(
    operator: Operator, fleet_id: UUID, services: Services, tmp_path: Path
) -> None:
    line = {"deed": "fleet.erasure_begun", "object_id": str(fleet_id)}
    lost = {"deed": "fleet.erasure_begun", "object_id": str(uuid4())}
    other = {"deed": "fleet.exported", "object_id": str(uuid4())}
    log = tmp_path / "log.jsonl"
    log.write_text("".join(json.dumps(one) + "\n" for one in (line, lost, other, line)))
    done = await operator.run("admin", "fleet", "erase-again", str(log))
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        f"{fleet_id}  erased",
        f"{lost['object_id']}  is not here",
        "2 erasures were looked at.",
    ]
    assert (await services.fleet_erasure.get(fleet_id)).erased_at is not None
    log.write_text("no entry\n")
    refused = await operator.run("admin", "fleet", "erase-again", str(log))
    assert refused.returncode == 1
    assert "line 1" in refused.stderr
