"""Limits from manifests and settings hold for all connections, except where somebody chose others."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from fleetwrite.bootstrap import Services, open_services, run_worker
from fleetwrite.dispatch.claims import claim
from fleetwrite.dispatch.models import BudgetLimit, Lane, NewJob
from fleetwrite.settings import BudgetSettings, Settings, SettingsError, TspSettings
from fleetwrite.vault.keyfile import KeyFile

TRAILERS = "endpoint:POST /fleet/trailers"
SEVEN = BudgetSettings(requests=7, per_seconds=3.0)
NINE = BudgetSettings(requests=9, per_seconds=1.0)

Opened = Callable[..., AbstractAsyncContextManager[Services]]


@pytest.fixture
def opened(database_url: str, tmp_path: Path) -> Opened:
    """Services with limits of the operator's, by scope."""
    KeyFile.create(tmp_path / "vault.key")

    @asynccontextmanager
    async def opened(**budgets: BudgetSettings) -> AsyncIterator[Services]:
        settings = Settings(
            database_url=database_url,
            vault_key_file=str(tmp_path / "vault.key"),
            tsp={"samsara": TspSettings(budgets=budgets)},
        )
        async with open_services(settings, name="tests") as services:
            yield services

    return opened


async def connect(services: Services, **how: Any) -> UUID:
    partner = await services.orgs.ensure_partner("Acme", "acme")
    agreement = await services.orgs.ensure_shared_fleet(partner.id, "fleet-1", "Northwind")
    made = await services.connections.create(
        fleet_id=agreement.fleet_id, tsp_slug="samsara", credentials={"token": "t"}, settings={}, **how
    )
    return made.id


async def start_worker(services: Services) -> None:
    """Let a worker start, and end as soon as it has."""
    stop = asyncio.Event()
    stop.set()
    await run_worker(services, stop)


async def limits(services: Services, connection_id: UUID) -> dict[str, BudgetSettings]:
    partner = await services.orgs.ensure_partner("Acme", "acme")
    found = await services.connection_budgets.get(partner.id, connection_id)
    return {
        limit.scope: BudgetSettings(requests=limit.requests, per_seconds=limit.per_seconds, in_flight=limit.in_flight)
        for limit in found
    }


async def choose(services: Services, connection_id: UUID, **changed: BudgetSettings) -> None:
    """Replace the limits as a client does: get them all, change some, put all back."""
    partner = await services.orgs.ensure_partner("Acme", "acme")
    wanted = await limits(services, connection_id) | changed
    await services.connection_budgets.replace(
        partner.id,
        connection_id,
        [
            BudgetLimit(scope=scope, requests=one.requests, per_seconds=one.per_seconds, in_flight=one.in_flight)
            for scope, one in wanted.items()
        ],
    )


async def test_new_connections_begin_with_the_operators_limits(opened: Opened) -> None:
    async with opened() as services:
        published = await limits(services, await connect(services))
    async with opened(**{TRAILERS: SEVEN}) as services:
        assert await limits(services, await connect(services)) == published | {TRAILERS: SEVEN}


async def test_connections_that_are_there_follow_when_a_worker_starts(opened: Opened) -> None:
    async with opened() as services:
        connection_id = await connect(services)
        published = await limits(services, connection_id)
    async with opened(**{TRAILERS: SEVEN}) as services:
        await start_worker(services)
        assert await limits(services, connection_id) == published | {TRAILERS: SEVEN}
    async with opened() as services:
        await start_worker(services)
        assert await limits(services, connection_id) == published


async def test_a_limit_that_was_chosen_for_a_connection_stays_and_its_others_follow(opened: Opened) -> None:
    async with opened() as services:
        connection_id = await connect(services)
        published = await limits(services, connection_id)
        await choose(services, connection_id, **{TRAILERS: NINE})
    async with opened(**{TRAILERS: SEVEN, "token": SEVEN}) as services:
        await start_worker(services)
        assert await limits(services, connection_id) == published | {TRAILERS: NINE, "token": SEVEN}


async def test_to_have_no_limit_is_a_choice_too(opened: Opened) -> None:
    async with opened() as services:
        connection_id = await connect(services)
        await choose(services, connection_id, token=BudgetSettings())
    async with opened(token=SEVEN) as services:
        await start_worker(services)
        assert "token" not in await limits(services, connection_id)


async def test_a_limit_that_was_put_back_as_it_is_usual_follows_again(opened: Opened) -> None:
    async with opened() as services:
        connection_id = await connect(services)
        published = await limits(services, connection_id)
        await choose(services, connection_id, token=NINE)
        await choose(services, connection_id, token=published["token"])
    async with opened(token=SEVEN) as services:
        await start_worker(services)
        assert (await limits(services, connection_id))["token"] == SEVEN


async def test_limits_of_an_account_follow_and_are_chosen_for_all_who_share_it(opened: Opened) -> None:
    async with opened() as services:
        first, second = [await connect(services, account_id="org-1") for _ in range(2)]
        alone = await connect(services, account_id="org-2")
        await choose(services, first, organization=NINE)
    async with opened(organization=SEVEN, **{TRAILERS: SEVEN}) as services:
        await start_worker(services)
        for connection_id in (first, second):
            found = await limits(services, connection_id)
            assert (found["organization"], found[TRAILERS]) == (NINE, SEVEN)
        assert (await limits(services, alone))["organization"] == SEVEN


async def test_what_was_learnt_of_a_limit_is_forgotten_only_where_it_changes(opened: Opened) -> None:
    async with opened() as services:
        await connect(services)
        await services.database.pool.execute("UPDATE budgets SET share = 0.5")
    async with opened(token=SEVEN) as services:
        await start_worker(services)
        rows = await services.database.pool.fetch("SELECT scope FROM budgets WHERE share = 1")
        assert [row["scope"] for row in rows] == ["token"]


async def test_a_limit_that_a_new_version_brings_is_set_up(opened: Opened) -> None:
    async with opened() as services:
        connection_id = await connect(services)
        published = await limits(services, connection_id)
        await services.database.pool.execute("DELETE FROM budgets WHERE scope = $1", TRAILERS)
        await start_worker(services)
        assert await limits(services, connection_id) == published


async def test_what_waits_for_a_slot_of_a_slower_limit_does_not_go_on_waiting(opened: Opened) -> None:
    async def claimed(services: Services) -> int:
        async with services.database.transaction() as connection:
            return len(await claim(connection, "operation", 10, timedelta(minutes=1)))

    async with opened(**{TRAILERS: BudgetSettings(requests=1, per_seconds=86_400)}) as services:
        lane = Lane(await connect(services), "operation", (TRAILERS,))
        async with services.database.transaction() as connection:
            jobs = [NewJob(id=uuid4(), lane=lane, lasts=timedelta(days=7)) for _ in range(2)]
            await services.dispatch.enqueue(connection, jobs)
        assert (await claimed(services), await claimed(services)) == (1, 0)
    async with opened() as services:
        await services.connection_budgets.renew()
        assert await claimed(services) == 1


async def test_a_start_with_a_scope_that_does_not_exist_fails(opened: Opened) -> None:
    with pytest.raises(SettingsError, match=r'tsp\.samsara\.budgets\."tokens"'):
        async with opened(tokens=SEVEN):
            raise AssertionError("it must not get this far")
