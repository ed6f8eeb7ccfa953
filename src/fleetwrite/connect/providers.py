"""Choosing a provider, and connecting to it by what a fleet enters."""

from typing import Any, Final
from uuid import UUID

import msgspec

from fleetwrite.audit.models import Actor
from fleetwrite.connect.errors import VisitEndedError
from fleetwrite.connect.invitations import told
from fleetwrite.connect.models import Visit
from fleetwrite.connect.offers import REGION, Offer, Offers, entered_before
from fleetwrite.connect.page import Desk, Page, PageRequest, Redirect
from fleetwrite.connections.errors import (
    BadConnectionFieldsError,
    LoginNotAcceptedError,
    LoginNotCheckedError,
    OtherAccountError,
)
from fleetwrite.connections.fields import base_url
from fleetwrite.connections.models import Connection, Entered
from fleetwrite.connectors.sdk.wire import Login
from fleetwrite.orgs.invitation_models import Invitation

LOGIN_ERRORS: Final = (LoginNotAcceptedError, LoginNotCheckedError, OtherAccountError)
"""What a login may come to at the provider, other than to an account."""


class Errand(msgspec.Struct, frozen=True):
    """What a visitor connects: which fleet, and where that may go.

    Attributes:
        actor: the visitor, as the audit log names him.
        invitation: the one that was answered; None for who came by a link in a mail.
        replaced: the connection that is to log in anew; None: a new one is made.
    """

    visit: Visit
    actor: Actor
    fleet_id: UUID
    invitation: Invitation | None
    offers: Offers
    replaced: Connection | None = None


async def errand_of(desk: Desk, request: PageRequest, connection_id: str | None = None) -> Errand:
    """What the visitor may connect: the fleet of its invitation, or one of its connections anew.

    Raises:
        VisitEndedError: nothing.
    """
    services = desk.services
    visit = await desk.visits.require(request.browser)
    if visit.invitation_id is not None:
        invitation = await services.invitations.view(visit.invitation_id)
        offers = Offers(services.registry, services.settings, invitation.details.limit_tsps)
        fleet_id = visit.fleet_ids[0]
        return Errand(visit, request.actor(fleet_id), fleet_id, invitation, offers)
    if connection_id is None:
        raise VisitEndedError
    replaced = await services.fleet_connections.get(visit.fleet_ids, request.id_of(connection_id))
    offers = Offers(services.registry, services.settings, [replaced.tsp_slug])
    return Errand(visit, request.actor(replaced.fleet_id), replaced.fleet_id, None, offers, replaced)


async def choose(desk: Desk, request: PageRequest) -> Page:
    """The providers, or those that a search finds."""
    errand = await errand_of(desk, request)
    wanted = request.query.get("q", "").strip()
    return Page(
        template="providers.html",
        values={
            "offers": errand.offers.find(wanted),
            "wanted": wanted,
            "connected": await _connected(desk, errand),
        },
    )


async def show(desk: Desk, request: PageRequest) -> Page:
    """How to connect to one provider."""
    connection_id = request.query.get("connection")
    errand = await errand_of(desk, request, connection_id)
    offer = errand.offers.get(request.path["slug"])
    return provider_page(errand, offer)


async def connect(desk: Desk, request: PageRequest) -> Page | Redirect:
    """Try what was entered at the provider, and connect."""
    errand = await errand_of(desk, request, request.form.get("connection"))
    offer = errand.offers.get(request.path["slug"])
    try:
        connection = await keep(desk, errand, offer, offer.entered(request.form), request.form.get("description"))
    except BadConnectionFieldsError as error:
        form = offer.form(request.form, error.faults)
    except LOGIN_ERRORS as error:
        form = msgspec.structs.replace(
            offer.form(request.form), problem=words_of(error, offer.manifest.name), cause=str(error)
        )
    else:
        return done_page(errand, connection)
    return provider_page(errand, offer, form=form, status=422, description=request.form.get("description", ""))


async def done(desk: Desk, request: PageRequest) -> Page:
    """What is connected now, and the way back to the partner."""
    errand = await errand_of(desk, request)
    invitation = errand.invitation
    if invitation is None:
        raise VisitEndedError
    connected = await _connected(desk, errand)
    address = invitation.details.success_redirect_url
    return Page(
        template="done.html",
        values={
            "connected": connected,
            "partner": await desk.services.orgs.partner(invitation.partner_id),
            "way_back": address and told(address, invitation, "success", tsp_count=str(len(connected))),
        },
    )


async def keep(
    desk: Desk, errand: Errand, offer: Offer, entered: Entered, description: str | None = None
) -> Connection:
    """Try a login, and make a connection of it or let the one log in by it that it is for.

    Raises:
        BadConnectionFieldsError: what was entered is not what the connector asks for, or leads where nobody may.
        LoginNotAcceptedError: the provider refuses the credentials.
        LoginNotCheckedError: it could not be asked.
        OtherAccountError: they are for another account than the connection's.
    """
    services = desk.services
    if errand.replaced is not None:
        login = await services.connecting.verify(errand.replaced, entered)
        await services.fleet_connections.log_in_by(
            errand.visit.fleet_ids, errand.replaced.id, login, actor=errand.actor
        )
        return errand.replaced
    return await services.connecting.connect(
        fleet_id=errand.fleet_id,
        tsp_slug=offer.manifest.slug,
        entered=entered,
        description=(description or "").strip() or None,
        actor=errand.actor,
    )


def words_of(error: Exception, name: str) -> str:
    """What came of a login, and what to do."""
    match error:
        case OtherAccountError():
            return (
                f"This is another account at {name} than the one that was connected. To connect it as well, ask the "
                "company that invited you to send the invitation again."
            )
        case LoginNotAcceptedError():
            return f"{name} does not accept this. Please check what you entered; nothing was stored."
        case _:
            return f"{name} could not tell us just now whether this is right. Nothing was stored: please try again."


def done_page(errand: Errand, connection: Connection) -> Redirect:
    """Where a visitor goes when a connection works."""
    if errand.replaced is not None:
        return Redirect(to=f"/connect/fleet#connection-{connection.id}")
    return Redirect(to="/connect/done")


def consent_page(offer: Offer, settings: dict[str, str]) -> str:
    """The address of the provider's page to consent on.

    Raises:
        BadConnectionFieldsError: the region is none of the provider's.
    """
    consent = offer.manifest.consent
    if consent is None:
        raise VisitEndedError
    login = Login(base_url=base_url(offer.manifest, settings), credentials={}, settings=settings)
    return offer.connector.consent_address(login) + consent.path


def provider_page(errand: Errand, offer: Offer, *, status: int = 200, **values: Any) -> Page:
    before = {} if errand.replaced is None else entered_before(errand.replaced.settings)
    return Page(
        template="provider.html",
        status=status,
        values={
            "offer": offer,
            "form": offer.form(before),
            "regions": offer.regions(before),
            "replaced": errand.replaced,
            "description": "",
            "consent_form": None,
            **values,
        },
        leads_to=_consent_pages(offer),
    )


def _consent_pages(offer: Offer) -> tuple[str, ...]:
    """Wherever a visitor may be sent to consent."""
    if not offer.has_consent:
        return ()
    asked = [{REGION: region} for region in offer.manifest.regions] if offer.regions({}) else [{}]
    return tuple(consent_page(offer, offer.consent_settings(form)) for form in asked)


async def _connected(desk: Desk, errand: Errand) -> list[dict[str, str]]:
    connections = await desk.services.connections.of_fleet(errand.fleet_id)
    return [
        {
            "name": desk.services.registry.get(connection.tsp_slug).manifest.name,
            "description": connection.description or "",
        }
        for connection in connections
    ]
