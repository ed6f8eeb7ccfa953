"""What is parked and shut in a world, several fleets at one host, and short ways to move the clock to a probe."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from fleetwrite.contract.enums import ConnectionStatusEnum
from fleetwrite.contract.telematics import ResourceOperation
from integration.operations import writes
from integration.operations.world import World


@dataclass(frozen=True)
class Breaker:
    """A host's breaker as stored."""

    cause: str | None
    failures: int
    is_open: bool


async def status_of(world: World) -> ConnectionStatusEnum:
    """The status of the world's connection."""
    status = await world.services.database.pool.fetchval(
        "SELECT status FROM connections WHERE id = $1", world.connection.id
    )
    return ConnectionStatusEnum(status)


async def breaker(world: World) -> Breaker:
    """The breaker of the simulator's host."""
    row = await world.services.database.pool.fetchrow(
        "SELECT cause, cardinality(failed_operations) AS failures, opened_at IS NOT NULL AS is_open"
        " FROM breakers WHERE host = $1",
        f"127.0.0.1:{world.port}",
    )
    return Breaker(None, 0, is_open=False) if row is None else Breaker(**dict(row))


async def until_probe(world: World) -> timedelta:
    """How far the next probe is."""
    wait: timedelta = await world.services.database.pool.fetchval(
        "SELECT min(probe_at) - fleetwrite_now() FROM"
        " (SELECT probe_at FROM logins UNION ALL SELECT probe_at FROM breakers) AS probes"
    )
    return wait


async def probe_next(world: World) -> None:
    """Move the clock to the next probe and make it."""
    await world.shift(max(timedelta(), await until_probe(world)))
    assert await world.probe() == 1


async def staled_events(world: World, connection_id: UUID) -> list[dict[str, Any]]:
    """The partners and the data of each `connection.staled` of this connection."""
    rows = await world.services.database.pool.fetch(
        "SELECT partner_id, fleet_id, fleet_ref, data FROM events"
        " WHERE event_name = 'connection.staled' AND data ->> 'id' = $1 ORDER BY id",
        str(connection_id),
    )
    return [dict(row) for row in rows]


async def fleets(world: World, count: int) -> list[World]:
    """The world as so many further fleets see it, each with a connection of its own to the same host."""
    seen = []
    account = world.simulator.demo_accounts()[0]
    for number in range(count):
        agreement = await world.services.orgs.ensure_shared_fleet(world.partner_id, f"more-{number}", f"Fleet {number}")
        connection = await world.services.connections.create(
            fleet_id=agreement.fleet_id,
            tsp_slug="samsara",
            credentials=account.credentials,
            settings={**account.settings, "base_url": f"http://127.0.0.1:{world.port}"},
        )
        await world.services.connection_budgets.replace(world.partner_id, connection.id, [])
        seen.append(replace(world, connection=connection))
    return seen


async def write_trailers(world: World, count: int = 1) -> list[ResourceOperation]:
    """Write so many trailers to the world's connection."""
    kind = writes.TRAILER
    return [await world.write(kind.resource, kind.body(world, writes.new_mark())) for _ in range(count)]
