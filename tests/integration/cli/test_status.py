"""What an operator sees of an installation, and does to a provider, from the command line."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from io import StringIO
from pathlib import Path
from uuid import uuid4

import pytest
from rich.console import Console

from fleetwrite.bootstrap import Services, open_services
from fleetwrite.cli.status import Status, read_status, tables
from fleetwrite.connections.models import Connection
from fleetwrite.contract.enums import ConnectionStatusEnum
from fleetwrite.dispatch.claims import claim
from fleetwrite.dispatch.models import Again, Bar, Closing, Lane, NewJob
from fleetwrite.settings import Settings
from fleetwrite.vault.keyfile import KeyFile


@pytest.fixture
async def services(database_url: str, tmp_path: Path) -> AsyncIterator[Services]:
    KeyFile.create(tmp_path / "vault.key")
    settings = Settings(database_url=database_url, vault_key_file=str(tmp_path / "vault.key"))
    async with open_services(settings, name="tests") as services:
        yield services


async def connect(services: Services, name: str, description: str = "", *, is_pulled: bool = False) -> Connection:
    partner = await services.orgs.ensure_partner("Acme", "acme")
    agreement = await services.orgs.ensure_shared_fleet(partner.id, name, name)
    connection = await services.connections.create(
        fleet_id=agreement.fleet_id,
        tsp_slug="samsara",
        credentials={"token": "secret-token"},
        settings={},
        description=description,
    )
    if not is_pulled:
        async with services.database.transaction() as transaction:
            await services.schedules.disconnected(transaction, connection.id)
            # Its lane stays, with nothing in it.
            await transaction.execute("DELETE FROM lanes WHERE owner_id = $1", connection.id)
    return connection


async def enqueue(services: Services, connection: Connection, count: int) -> None:
    lane = Lane(connection.id, "operation", ("token", "[drivers]"))
    jobs = [NewJob(id=uuid4(), lane=lane, lasts=timedelta(hours=1)) for _ in range(count)]
    async with services.database.transaction() as transaction:
        await services.dispatch.enqueue(transaction, jobs)


def shown(status: Status) -> str:
    written = StringIO()
    Console(width=200, file=written).print(*tables(status), sep="\n")
    return written.getvalue()


async def test_what_waits_and_what_stands_still_is_shown(services: Services) -> None:
    busy, quiet = await connect(services, "busy"), await connect(services, "quiet", "[bold]Depot")
    await enqueue(services, busy, 3)
    await services.dispatch.close(busy.id, Closing(for_s=90, call=("token",)))
    async with services.database.transaction() as connection:
        await services.connections.set_status(connection, quiet.id, ConnectionStatusEnum.STALE)

    status = await read_status(services.database, 10)

    (kind,) = status.dispatch.kinds
    assert (kind.kind, kind.jobs, kind.lanes, kind.held_lanes, kind.in_flight) == ("operation", 3, 1, 0, 0)
    assert kind.oldest_s is not None
    (lane,) = status.dispatch.lanes
    assert (lane.owner_id, lane.jobs, lane.held) == (busy.id, 3, False)
    (budget,) = status.dispatch.budgets
    assert budget.scope == "token"
    assert 80 < budget.closed_s <= 90
    assert status.connections == {"active": 1, "stale": 1}
    assert [one.id for one in status.quiet_connections] == [str(quiet.id)]
    text = shown(status)
    for word in (str(busy.id), str(quiet.id), "[drivers]", "[bold]Depot", "stale", "0:01:"):
        assert word in text


async def test_schedules_and_those_that_fail_are_shown(services: Services) -> None:
    connection = await connect(services, "pulled", is_pulled=True)
    await services.database.pool.execute(
        """
        UPDATE schedules SET
            consecutive_error_count = CASE resource WHEN 'user' THEN 15 WHEN 'trailer' THEN 2 ELSE 0 END,
            status = CASE resource WHEN 'user' THEN 'inactive' ELSE 'active' END
        """
    )
    status = await read_status(services.database, 10)
    assert [(kind.kind, kind.jobs) for kind in status.dispatch.kinds] == [("pull", 3)]
    assert status.schedules == {"active": 2, "inactive": 1}
    assert [(one.resource, one.status, one.errors) for one in status.failing_schedules] == [
        ("user", "inactive", 15),
        ("trailer", "active", 2),
    ]
    for word in (str(connection.id), "user", "inactive", "15"):
        assert word in shown(status)


async def test_hosts_that_are_not_called_for_now_are_shown(services: Services) -> None:
    await services.database.pool.execute(
        """
        INSERT INTO breakers (host, tsp_slug, opened_at, cause, probe_at)
        VALUES ('api.samsara.com:443', 'samsara', fleetwrite_now(), 'failures', fleetwrite_now())
        """
    )
    status = await read_status(services.database, 10)
    assert [breaker.host for breaker in status.breakers] == ["api.samsara.com:443"]
    assert "api.samsara.com:443" in shown(status)


async def test_calls_that_a_login_has_no_right_to_are_shown(services: Services) -> None:
    narrow = await connect(services, "narrow")
    await enqueue(services, narrow, 1)
    async with services.database.transaction() as transaction:
        (job,) = await claim(transaction, "operation", 1, timedelta(minutes=1))
        await services.dispatch.settle(
            transaction, [(job, Again(delay_s=0, notice=Bar(scope="[drivers]", is_again=False)))]
        )
    (bar,) = (status := await read_status(services.database, 10)).dispatch.bars
    assert (bar.owner_id, bar.scope) == (narrow.id, "[drivers]")
    for word in ("no right", str(narrow.id), "[drivers]"):
        assert word in shown(status)


async def test_a_login_that_works_again_does_not_override_the_operator(services: Services) -> None:
    connection = await connect(services, "parked")
    async with services.database.transaction() as transaction:
        await services.connections.set_status(transaction, connection.id, ConnectionStatusEnum.STALE)
    await services.database.pool.execute(
        """
        INSERT INTO logins (connection_id, host, refused_since, probe_at)
        VALUES ($1, 'api.samsara.com:443', fleetwrite_now(), fleetwrite_now())
        """,
        connection.id,
    )
    await services.steering.set_tsp_paused("samsara", paused=True)

    await services.outages.unpark(connection.id)

    assert (await read_status(services.database, 10)).connections == {"active": 1}
    held = "SELECT held FROM lane_owners WHERE id = $1"
    assert await services.database.pool.fetchval(held, connection.id)
    await services.steering.set_tsp_paused("samsara", paused=False)
    assert not await services.database.pool.fetchval(held, connection.id)


async def test_leases_are_told_from_lost_ones(services: Services) -> None:
    await enqueue(services, await connect(services, "busy"), 3)
    await services.database.pool.execute(
        """
        UPDATE jobs SET lease = gen_random_uuid(),
               due_at = fleetwrite_now() + CASE WHEN position % 3 = 0 THEN -1 ELSE 1 END * interval '1 minute'
        """
    )
    (kind,) = (await read_status(services.database, 10)).dispatch.kinds
    assert (kind.in_flight, kind.lost_leases) == (2, 1)


async def test_an_empty_installation_has_nothing_to_show(services: Services) -> None:
    assert tables(await read_status(services.database, 10)) == []


async def command(services: Services, *words: str) -> str:
    environment = {
        **os.environ,
        "DATABASE_URL": services.database_url,
        "FLEETWRITE_VAULT_KEY_FILE": str(services.settings.vault_key_file),
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "fleetwrite", *words, env=environment, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    assert process.returncode == 0
    return output.decode()


async def test_an_operator_pauses_a_provider_sees_it_and_resumes_it(services: Services) -> None:
    connection = await connect(services, "busy")

    assert "connections: 1" in await command(services, "admin", "tsp", "pause", "samsara")
    status = json.loads(await command(services, "status", "--json"))
    assert status["paused_tsps"] == ["samsara"]
    assert "secret-token" not in json.dumps(status)
    held = "SELECT held FROM lane_owners WHERE id = $1"
    assert await services.database.pool.fetchval(held, connection.id)

    await command(services, "admin", "tsp", "resume", "samsara")
    assert not await services.database.pool.fetchval(held, connection.id)
    assert "samsara" not in await command(services, "status")
