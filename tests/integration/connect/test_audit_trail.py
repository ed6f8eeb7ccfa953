"""What a fleet does on the page is in the audit log, under its own name."""

from fleetwrite.audit import trail
from fleetwrite.audit.models import ActorKind, Wanted
from integration.connect.place import Place
from integration.connect.test_coming_back import GEOTAB, agreement_of, registered
from integration.connect.visitor import Visitor


async def test_what_a_fleet_does_is_in_the_audit_log(place: Place, visitor: Visitor) -> None:
    email, fleet_id = await registered(place, visitor)
    agreement = await agreement_of(place, fleet_id)
    (connection,) = await place.services.connections.of_fleet(fleet_id)
    async with place.visitor() as later:
        page = await place.come_back(later, email)
        page = await later.submit(page, f"/connect/fleet/agreements/{agreement.id}/pause")
        page = await later.submit(page, f"/connect/fleet/agreements/{agreement.id}/resume")
        again = f"{GEOTAB}?connection={connection.id}"
        await later.submit(await later.open(again), GEOTAB, **place.login("geotab"))
        asked = await later.open(f"/connect/fleet/connections/{connection.id}/disconnect")
        await later.submit(asked, f"/connect/fleet/connections/{connection.id}/disconnect")

    wanted = {str(agreement.id), str(connection.id)}
    entries = [entry async for entry in trail.entries(place.services.database, Wanted()) if entry.object_id in wanted]
    assert [(entry.deed, entry.actor_kind) for entry in entries] == [
        ("agreement.created", ActorKind.FLEET),
        ("connection.created", ActorKind.FLEET),
        ("agreement.changed", ActorKind.FLEET),
        ("agreement.changed", ActorKind.FLEET),
        ("connection.changed", ActorKind.FLEET),
        ("connection.deleted", ActorKind.FLEET),
    ]
    assert {entry.actor for entry in entries[1:]} == {str(fleet_id)}
    assert all(entry.address == "127.0.0.1" and entry.request_id for entry in entries)
    assert not any(email.lower() in f"{entry.actor} {entry.details}".lower() for entry in entries)
