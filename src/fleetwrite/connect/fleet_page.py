"""What a fleet sees that came back: what is shared, what is connected, and what was written in its name."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final
from uuid import UUID

from fleetwrite.connect import store
from fleetwrite.connect.errors import PageNotFoundError
from fleetwrite.connect.models import Visit
from fleetwrite.connect.page import Desk, Download, Page, PageRequest, Redirect
from fleetwrite.connect.words import deed, sharing, state
from fleetwrite.connections.models import Connection
from fleetwrite.contract.org_enums import ShareAgreementStatusEnum
from fleetwrite.fleet_data.export import MEDIA_TYPE, file_name
from fleetwrite.kit.keyset import Window, decode_cursor
from fleetwrite.orgs.errors import AgreementNotFoundError
from fleetwrite.orgs.models import Actor, Party, ShareAgreement

_PAGE_SIZE: Final = 25
"""Operations on a page: what fits on a screen or two."""

_MOST_AGREEMENTS: Final = 1000
"""Of one fleet: each is with another partner, or has ended."""

_Status = ShareAgreementStatusEnum

_SHOWN: Final = frozenset({_Status.ACTIVE, _Status.PAUSED, _Status.EXPIRED})


async def show(desk: Desk, request: PageRequest) -> Page:
    """All that concerns the fleets of this visit."""
    visit = await desk.visits.require(request.browser, managing=True)
    window = Window(cursor=decode_cursor(request.query.get("page")), size=_PAGE_SIZE, descending=True)
    agreements = [one for fleet_id in visit.fleet_ids for one in await _agreements(desk, fleet_id)]
    async with desk.services.database.acquire() as connection:
        names = await store.partner_names(connection, {one.partner_id for one in agreements})
        written = await store.page_written(connection, visit.fleet_ids, window)
    return Page(
        template="fleet.html",
        values={
            "fleets": [await _fleet(desk, fleet_id, agreements, names) for fleet_id in visit.fleet_ids],
            "written": written.of(
                lambda one: {
                    "at": one.created_at,
                    "partner": one.partner_name,
                    "provider": desk.services.registry.get(one.tsp_slug).manifest.name,
                    "deed": deed(one.resource, one.operation_type),
                    "status": one.status,
                    "state": state(one.status),
                }
            ),
        },
    )


async def change_agreement(desk: Desk, request: PageRequest) -> Redirect:
    """Pause or resume what is shared with a partner."""
    visit = await desk.visits.require(request.browser, managing=True)
    agreement = await _agreement(desk, visit, request.id_of(request.path["agreement_id"]))
    actor, by = Actor.fleet(agreement.fleet_id), request.actor(agreement.fleet_id)
    match request.path["change"]:
        case "pause":
            await desk.services.agreements.pause(actor, agreement.id, by=by)
        case "resume":
            await desk.services.agreements.activate(actor, agreement.id, by=by)
        case _:
            raise PageNotFoundError
    return Redirect(to=f"/connect/fleet#agreement-{agreement.id}")


async def ask_to_disconnect(desk: Desk, request: PageRequest) -> Page:
    """What disconnecting means, and whether that is wanted."""
    visit = await desk.visits.require(request.browser, managing=True)
    found = await desk.services.fleet_connections.get(visit.fleet_ids, request.id_of(request.path["connection_id"]))
    return Page(template="disconnect.html", values={"connection": _connection(desk, found)})


async def disconnect(desk: Desk, request: PageRequest) -> Redirect:
    """Delete a connection for good."""
    visit = await desk.visits.require(request.browser, managing=True)
    found = await desk.services.fleet_connections.get(visit.fleet_ids, request.id_of(request.path["connection_id"]))
    actor = request.actor(found.fleet_id)
    await desk.services.disconnector.disconnect_own(visit.fleet_ids, found.id, actor=actor)
    return Redirect(to="/connect/fleet")


async def download(desk: Desk, request: PageRequest) -> Download:
    """All that is kept of a fleet."""
    visit = await desk.visits.require(request.browser, managing=True)
    fleet_id = request.id_of(request.path["fleet_id"])
    if fleet_id not in visit.fleet_ids:
        raise PageNotFoundError
    spooled = await desk.services.fleet_export.spool(fleet_id, actor=request.actor(fleet_id))
    return Download(file=spooled, name=file_name(fleet_id), media_type=MEDIA_TYPE)


async def _agreements(desk: Desk, fleet_id: UUID) -> Sequence[ShareAgreement]:
    page, _ = await desk.services.agreements.page(Actor.fleet(fleet_id), Window(size=_MOST_AGREEMENTS))
    return page.items


async def _agreement(desk: Desk, visit: Visit, agreement_id: UUID) -> ShareAgreement:
    for fleet_id in visit.fleet_ids:
        with suppress(AgreementNotFoundError):
            return await desk.services.agreements.get(Actor.fleet(fleet_id), agreement_id)
    raise PageNotFoundError


async def _fleet(
    desk: Desk, fleet_id: UUID, agreements: Sequence[ShareAgreement], names: Mapping[UUID, str]
) -> dict[str, Any]:
    fleet = await desk.services.orgs.fleet(fleet_id)
    if fleet is None:
        raise PageNotFoundError
    return {
        "id": fleet.id,
        "name": fleet.name,
        "agreements": [
            {
                "id": agreement.id,
                "partner": names[agreement.partner_id],
                "status": agreement.status,
                "sharing": sharing(agreement.scopes),
                "can_pause": agreement.status is _Status.ACTIVE,
                "can_resume": agreement.status is _Status.PAUSED and agreement.paused_by is not Party.OPERATOR,
            }
            for agreement in agreements
            if agreement.fleet_id == fleet_id and agreement.status in _SHOWN
        ],
        "connections": [_connection(desk, one) for one in await desk.services.connections.of_fleet(fleet_id)],
    }


def _connection(desk: Desk, connection: Connection) -> dict[str, Any]:
    return {
        "id": connection.id,
        "slug": connection.tsp_slug,
        "provider": desk.services.registry.get(connection.tsp_slug).manifest.name,
        "description": connection.description or "",
        "status": connection.status,
        "since": connection.created_at,
    }
