"""Two partners who have rows in as many tables as there are, and a fleet that shares with both."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from fleetwrite.bootstrap import Services, run_worker
from fleetwrite.events.models import NewEvent, StreamFilter
from fleetwrite.events.store import append
from fleetwrite.kit.ids import new_id
from fleetwrite.operations import part_store
from fleetwrite.operations.models import Part
from integration.api.inviting import INVITATIONS, accept
from integration.api.world import NOWHERE, Connected, World
from integration.api.write_bodies import ENDPOINTS

HOOKS = f"{NOWHERE}/hooks"

# What a worker adds: each has to be there for both partners.
WORKED_OFF = """
    SELECT count(*) = 2 FROM partners p WHERE slug IN ('acme', 'umbrella')
        AND EXISTS (SELECT FROM delivery_attempts a JOIN subscriptions s ON s.id = a.subscription_id
            WHERE s.partner_id = p.id)
        AND EXISTS (SELECT FROM batched_events b JOIN events e ON e.id = b.event_id WHERE e.partner_id = p.id)
        AND EXISTS (SELECT FROM attempts a JOIN operations o ON o.id = a.operation_id WHERE o.partner_id = p.id)
        AND EXISTS (SELECT FROM executions x JOIN schedules s ON s.id = x.schedule_id
            JOIN connections c ON c.id = s.connection_id JOIN share_agreements a USING (fleet_id)
            WHERE a.partner_id = p.id)
"""


@dataclass(frozen=True)
class Party:
    """A partner.

    Attributes:
        mark: stands in texts of it alone.
        own: a connection of a fleet that shares with it alone.
    """

    id: UUID
    token: str
    mark: str
    own: Connected


@dataclass(frozen=True, repr=False)
class TwoPartners:
    """The world. `shared`: a connection of the fleet that shares with both."""

    world: World
    acme: Party
    umbrella: Party
    shared: Connected

    @property
    def services(self) -> Services:
        return self.world.services

    def other(self, party: Party) -> Party:
        return self.umbrella if party is self.acme else self.acme


async def filled(world: World) -> TwoPartners:
    """Let both partners do all that partners do, and a worker what comes of it."""
    services = world.services
    stranger = await services.orgs.partner_of("umbrella")
    fleet_id = await services.connections.find_fleet(
        UUID(world.partner_id), fleet_id=None, fleet_ref=world.second.fleet_ref
    )
    await services.orgs.create_agreement(partner_id=stranger.id, fleet_id=fleet_id, fleet_ref="shared-with-umbrella")
    two = TwoPartners(
        world=world,
        acme=Party(id=UUID(world.partner_id), token=world.token, mark="known-to-acme-alone", own=world.first),
        umbrella=Party(id=stranger.id, token=world.foreign_token, mark="known-to-umbrella-alone", own=world.foreign),
        shared=world.second,
    )
    for party in (two.acme, two.umbrella):
        await _act(two, party)
    stop = asyncio.Event()
    async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        tasks.create_task(run_worker(services, stop))
        while not await services.database.pool.fetchval(WORKED_OFF):
            await _forget_outages(world)
            await asyncio.sleep(0.05)
        stop.set()
    return two


async def _forget_outages(world: World) -> None:
    """Let everything be tried: no provider answers here, and what fails for one partner would hold up the other."""
    async with world.services.database.transaction() as connection:
        await connection.execute("DELETE FROM breakers")
        connected = [UUID(one.id) for one in (world.first, world.second, world.foreign)]
        await world.services.dispatch.reopen_owners(connection, connected)


async def _act(two: TwoPartners, party: Party) -> None:
    world, services = two.world, two.services

    async def call(method: str, path: str, body: Any, **headers: str) -> Any:
        answer = await world.send_json(method, path, body, token=party.token, **headers)
        assert answer.status < 300, f"{method} {path}: {answer.text}"
        return answer.json()

    for event_name in ("vehicle.added", "resource_operation.*"):
        await call("POST", "/v2/notifications/webhooks", {"url": f"{HOOKS}/{party.mark}", "event_name": event_name})
    operations: dict[str, UUID] = {}
    for connected in (party.own, two.shared):
        for endpoint in ENDPOINTS:
            body = {**endpoint.body(world), **_own_ids(world, connected, party.mark, endpoint.body(world))}
            path = endpoint.path(endpoint.target(connected))
            made = await call(
                endpoint.method, path, body, Idempotency_Key=f"{endpoint.name}-{connected.id}-{party.mark}"
            )
            operations[endpoint.name] = UUID(made["id"])
    await _bring_names(two, party)
    await call("POST", INVITATIONS, {"fleet_ref": f"invited by {party.mark}", "fleet_name": party.mark})
    invited = await call("POST", INVITATIONS, {"fleet_ref": f"accepted for {party.mark}"})
    assert (await accept(world, invited["id"])).status == 200
    keep = [{"key": "default_callback_url", "value": f"https://{party.mark}.test/"}]
    await call("POST", f"/v2/orgs/partners/{party.id}/properties", keep)
    stream = services.streams.stream(party.id, StreamFilter(), last_event_id=None, is_allowed=_always)
    async for _ in stream:
        break
    async with services.database.transaction() as connection:
        # No provider here takes a group message one by one.
        parts = [Part(position=0, recipient_id=UUID(party.own.records["driver"]))]
        await part_store.insert_parts(connection, [(operations["create_group_message"], part) for part in parts])
        # Events of records, two at once, share a delivery.
        added = [
            NewEvent(id=new_id(), event_name="vehicle.added", partner_id=party.id, data={"mark": party.mark})
            for _ in range(2)
        ]
        await append(connection, added)


def _own_ids(world: World, connected: Connected, mark: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """What is another connection's in a body for `world.first`, and a text that is the partner's own."""
    here = {world.first.records[kind]: connected.records[kind] for kind in connected.records}
    own: dict[str, Any] = {
        field: here[value] for field, value in body.items() if isinstance(value, str) and value in here
    }
    own |= {field: [here[one] for one in value] for field, value in body.items() if isinstance(value, list)}
    own |= {field: f"{mark} {connected.id}" for field in ("message_text", "driver_comment", "notes") if field in body}
    if "total_cost" in body:
        # Another fuel purchase than the other's: a provider takes the same one only once.
        own["location_string"] = mark
    return own | {"connection_id": connected.id}


async def _bring_names(two: TwoPartners, party: Party) -> None:
    rows = [
        f"{connected.id},vehicle,301,{party.mark} truck {number}"
        for number, connected in enumerate((party.own, two.shared))
    ]
    answer = await two.world.send(
        "POST",
        "/v2/fleetwrite/records/import?apply=true",
        content="\n".join(["connection_id,resource,source_id,record_ref", *rows]).encode(),
        headers={"Content-Type": "text/csv", "Authorization": f"Bearer {party.token}"},
    )
    assert answer.status == 200, answer.text


async def _always() -> bool:
    return True
