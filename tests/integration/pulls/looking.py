"""Short ways to change what the provider has, and to look at what became of records, schedules and events."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.contract.event_names import WebhookSubscribableEvent
from fleetwrite.contract.notifications import WebhookCreate
from fleetwrite.contract.org_enums import ShareLevelEnum
from fleetwrite.orgs.models import OPERATOR
from fleetwrite.records.models import record_id
from fleetwrite.records.rendering import ReadModel
from fleetwrite.records.schedule_models import Schedule
from integration.operations.world import NORTHWIND, World

VEHICLE, TRAILER, USER, MESSAGE = (
    ResourceEnum.VEHICLE,
    ResourceEnum.TRAILER,
    ResourceEnum.USER,
    ResourceEnum.MESSAGE,
)

A_MINUTE = timedelta(minutes=1)
"""More than it takes a provider to show what was written."""


async def listen(world: World, *event_names: str) -> None:
    """Let the partner hear of these events, at an address that nobody delivers to."""
    for name in event_names:
        wanted = WebhookCreate(url="http://127.0.0.1:9/", event_name=WebhookSubscribableEvent(name))
        await world.services.subscriptions.create(world.partner_id, wanted)


async def share(world: World, resource: ResourceEnum) -> None:
    """Let the fleet's partner read this, and nothing else."""
    agreement = await world.services.orgs.agreement_of(world.partner_id, "fleet-1")
    assert agreement is not None
    await world.services.agreements.change(OPERATOR, agreement.id, scopes={resource: ShareLevelEnum.READ})


async def told(world: World) -> list[tuple[str, dict[str, Any]]]:
    """Name and data of all events of records, executions and schedules since the last look, oldest first."""
    rows = await world.services.database.pool.fetch(
        """
        DELETE FROM events
        WHERE event_name NOT SIMILAR TO
            '(resource_operation|webhook|fleet_connection|share_agreement).%|connection.created'
        RETURNING event_name, data, id, partner_id
        """
    )
    assert {row["partner_id"] for row in rows} <= {world.partner_id}
    return [(row["event_name"], row["data"]) for row in sorted(rows, key=lambda row: row["id"])]


def names_in(events: Sequence[tuple[str, dict[str, Any]]]) -> list[str]:
    return sorted(name for name, _ in events)


def change(world: World, collection: str, key: str, **fields: Any) -> None:
    """Change a record at the provider, as somebody does there."""
    storage = world.simulator.storage
    storage.put(NORTHWIND, collection, key, {**storage.collection(NORTHWIND, collection)[key], **fields})
    storage.commit()


def remove(world: World, collection: str, key: str) -> dict[str, Any]:
    """Remove a record at the provider; returns it."""
    storage = world.simulator.storage
    record = storage.collection(NORTHWIND, collection)[key]
    storage.delete(NORTHWIND, collection, key)
    storage.commit()
    return record


def bring_back(world: World, collection: str, key: str, record: dict[str, Any]) -> None:
    world.simulator.storage.put(NORTHWIND, collection, key, record)
    world.simulator.storage.commit()


def keys_of(world: World, kind: str) -> list[str]:
    """The provider's ids of its vehicles or trailers."""
    assets = world.simulator.storage.collection(NORTHWIND, "assets").values()
    return [asset["id"] for asset in assets if asset["type"] == kind]


async def row(world: World, resource: ResourceEnum, source_id: str) -> asyncpg.Record:
    """The stored record that the provider knows by this id."""
    found = await world.services.database.pool.fetchrow(
        "SELECT * FROM records WHERE connection_id = $1 AND resource = $2 AND source_id = $3",
        world.connection.id,
        resource.value,
        source_id,
    )
    assert found is not None
    return found


def id_of(world: World, resource: ResourceEnum, source_id: str) -> UUID:
    return record_id(world.connection.id, resource, source_id)


async def read(world: World, resource: ResourceEnum, source_id: str) -> ReadModel:
    """The record as its GET endpoint shows it."""
    return await world.services.records.get(world.partner_id, resource, id_of(world, resource, source_id))


async def schedule(world: World, resource: ResourceEnum) -> Schedule:
    """The schedule of a resource, whatever its status."""
    found = await world.services.database.pool.fetchrow(
        "SELECT * FROM schedules WHERE connection_id = $1 AND resource = $2", world.connection.id, resource.value
    )
    return msgspec.convert(dict(found or {}), Schedule)


async def executions(world: World, resource: ResourceEnum) -> list[asyncpg.Record]:
    """The executions of a resource's schedule, oldest first."""
    rows: list[asyncpg.Record] = await world.services.database.pool.fetch(
        """
        SELECT e.* FROM executions e JOIN schedules s ON s.id = e.schedule_id
        WHERE s.connection_id = $1 AND s.resource = $2 ORDER BY e.created_at, e.id
        """,
        world.connection.id,
        resource.value,
    )
    return rows


async def only(world: World, resource: ResourceEnum) -> None:
    """Let the other schedules of the connection rest, so that a test sees one pull alone."""
    for one in ResourceEnum:
        if one is not resource:
            await world.services.database.pool.execute(
                """
                DELETE FROM jobs WHERE id IN (SELECT id FROM schedules WHERE connection_id = $1 AND resource = $2)
                """,
                world.connection.id,
                one.value,
            )
            await world.services.database.pool.execute(
                "UPDATE schedules SET status = 'paused' WHERE connection_id = $1 AND resource = $2",
                world.connection.id,
                one.value,
            )


async def pull_once(world: World) -> int:
    """Let all be due now, and run what one claim may of it; returns how many pulls that were."""
    await world.services.schedules.pull_soon([world.connection.id])
    jobs = await world.claim_pulls()
    await world.run_pulls(jobs)
    return len(jobs)
