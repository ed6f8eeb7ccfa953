"""A world with partners that have to be kept apart."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import UUID

from fleetwrite.access.scopes import OPERATORS_ALONE, Scope
from fleetwrite.bootstrap import run_worker
from fleetwrite.connectors.sdk.tsp_ids import tsp_id
from fleetwrite.contract.orgs import PartnerCreate
from fleetwrite.orgs import agreement_store
from fleetwrite.orgs.models import EVERYTHING
from integration.api.providers import Provider, running
from integration.api.tenant import Seeding, Tenant, is_of_fleet
from integration.api.world import NOWHERE, World, opened_world
from integration.webhooks.harness import Receiver

SCOPES: Final = frozenset(Scope) - OPERATORS_ALONE
"""All that a partner's client can have."""


@dataclass(frozen=True, repr=False)
class Tenants:
    """Who is there.

    Attributes:
        owner: whom nothing may be taken from.
        stranger: has nothing to do with it.
        neighbour: has an agreement with the owner's fleet, and thereby sees the fleet's things.
        control: has what the owner has; calls that show what works are made for it, so that the owner's stay whole.
        provider: where the control's fleet has its account.
    """

    world: World
    owner: Tenant
    stranger: Tenant
    neighbour: Tenant
    control: Tenant
    provider: Provider


@asynccontextmanager
async def opened_tenants(database_url: str, folder: Path) -> AsyncIterator[Tenants]:
    """Everybody, with all that they have. No worker is at work any more."""
    receiver = Receiver()
    await receiver.start()
    (folder / "one").mkdir()
    (folder / "two").mkdir()
    try:
        async with (
            opened_world(database_url, folder) as world,
            running("samsara", folder / "one") as one,
            running("samsara", folder / "two") as two,
        ):
            owner = await _add(world, "amber")
            stranger = await _add(world, "birch")
            control = await _add(world, "cedar")
            accounts = ((owner, one, 0), (stranger, one, 1), (control, two, 0))
            for tenant, provider, number in accounts:
                await Seeding(world, tenant, provider, number).before_work(receiver.url)
            await _work(world, [tenant for tenant, *_ in accounts])
            for tenant, provider, number in accounts:
                await Seeding(world, tenant, provider, number).after_work()
            neighbour = await _add(world, "dogwood")
            await _share(world, owner, neighbour)
            yield Tenants(world, owner, stranger, neighbour, control, two)
    finally:
        await receiver.stop()


async def _add(world: World, mark: str) -> Tenant:
    private = f"{mark}-private"
    services = world.services
    made = await services.orgs.create_partner(PartnerCreate(name=private, description=f"{private} words"))
    client = await services.clients.create(made.id, client_id=f"{private}-client", scopes=SCOPES)
    issued = await services.tokens.issue(
        client_id=client.client_id, client_secret=client.client_secret, grant_type="client_credentials", scope=None
    )
    ids = {
        "partner": str(made.id),
        "client": client.client_id,
        "secret": client.client_secret,
        "token": issued.access_token,
        "partner_slug": private,
        "tsp": str(tsp_id("samsara")),
        "new_client": f"{private}-new-client",
    }
    return Tenant(mark, made.id, issued.access_token, ids)


async def _share(world: World, owner: Tenant, other: Tenant) -> None:
    """Let the owner's fleet share with another partner as well."""
    async with world.services.database.transaction() as connection:
        agreement = await agreement_store.insert_agreement(
            connection,
            partner_id=other.partner_id,
            fleet_id=UUID(owner.ids["fleet"]),
            fleet_ref=other.fleet_ref,
            scopes=EVERYTHING,
        )
    assert agreement is not None
    other.ids.update({kind: known for kind, known in owner.ids.items() if is_of_fleet(kind)})
    other.ids.update(share_agreement=str(agreement.id), fleet_ref=other.fleet_ref)
    seeding = Seeding(world, other, None, 0)
    await seeding.subscribe(NOWHERE)
    await seeding.write_pending()
    await seeding.invite()
    await seeding.describe_partner()
    await seeding.find_event()
    # It has no names of its own for the fleet's things: one could hide that the owner's are taken for its.


async def _work(world: World, tenants: Sequence[Tenant]) -> None:
    """Let a worker hand on what happened, and try to deliver it everywhere."""
    stop = asyncio.Event()
    working = asyncio.create_task(run_worker(world.services, stop))
    subscriptions = [UUID(one) for tenant in tenants for one in [tenant.ids["webhook"], *tenant.spare["webhook"]]]
    untried = """
        SELECT EXISTS (SELECT FROM events WHERE fanned_out_at IS NULL) OR EXISTS (
            SELECT FROM unnest($1::uuid[]) s
            WHERE NOT EXISTS (SELECT FROM delivery_attempts a WHERE a.subscription_id = s))
    """
    try:
        async with asyncio.timeout(30):
            while await world.services.database.pool.fetchval(untried, subscriptions):
                await asyncio.sleep(0.02)
    finally:
        stop.set()
        await working
