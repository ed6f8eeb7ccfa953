"""What tests of organizations do again and again: invite, answer, look at events, and ask as the operator."""

import json
from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from fleetwrite.access.scopes import OPERATOR_SCOPES, PARTNER_SCOPES
from fleetwrite.kit.ids import new_id
from integration.api.world import HttpAnswer, World

INVITATIONS = "/v2/orgs/invitations"
AGREEMENTS = "/v2/orgs/share-agreements"


def new_ref() -> str:
    """A fleet_ref that no other test uses."""
    return f"ref-{new_id()}"


async def token_for(world: World, partner_id: UUID, scopes: Collection[str] = PARTNER_SCOPES) -> str:
    """A token of a new client."""
    client = await world.services.clients.create(partner_id, scopes=scopes)
    issued = await world.services.tokens.issue(
        client_id=client.client_id, client_secret=client.client_secret, grant_type="client_credentials", scope=None
    )
    return issued.access_token


async def operator_token(world: World) -> str:
    operator = await world.services.orgs.ensure_operator()
    return await token_for(world, operator.id, OPERATOR_SCOPES)


async def invite(world: World, body: Mapping[str, Any], *, token: str | None = None) -> HttpAnswer:
    return await world.send_json("POST", INVITATIONS, body, token=token)


async def invited(world: World, **body: Any) -> Any:
    """A new invitation."""
    answer = await invite(world, {"fleet_ref": new_ref(), **body})
    assert answer.status == 201, answer.text
    return answer.json()


async def accept(world: World, invitation_id: str) -> HttpAnswer:
    """What the fleet does by its link: no token."""
    return await world.send("POST", f"{INVITATIONS}/{invitation_id}/accept")


async def decline(world: World, invitation_id: str, **body: Any) -> HttpAnswer:
    return await world.send(
        "POST",
        f"{INVITATIONS}/{invitation_id}/decline",
        content=json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )


async def agreed(world: World, **body: Any) -> Any:
    """An agreement that came of an invitation."""
    invitation = await invited(world, **body)
    assert (await accept(world, invitation["id"])).status == 200
    page = (await world.get(f"{AGREEMENTS}?fleet_ref={invitation['fleet_ref']}")).json()
    (agreement,) = page["items"]
    return agreement


async def events_of(world: World, fleet_ref: str) -> list[tuple[str, Any]]:
    """Name and data of the events of a fleet, in their order."""
    rows = await world.services.database.pool.fetch(
        "SELECT event_name, data FROM events WHERE fleet_ref = $1 AND event_name !~ '^resource' ORDER BY id", fleet_ref
    )
    return [(row["event_name"], row["data"]) for row in rows]


async def names_of(world: World, fleet_ref: str) -> list[str]:
    return [name for name, _ in await events_of(world, fleet_ref)]
