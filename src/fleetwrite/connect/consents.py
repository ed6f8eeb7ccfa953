"""The way over a provider's own page: out with a state that only this browser knows, and back with a code."""

from typing import Final
from urllib.parse import urlencode

import structlog

from fleetwrite.connect.errors import ConsentLostError, PageNotFoundError
from fleetwrite.connect.models import Departure
from fleetwrite.connect.offers import Form, Offer
from fleetwrite.connect.page import Desk, Page, PageRequest, Redirect
from fleetwrite.connect.providers import LOGIN_ERRORS, consent_page, done_page, errand_of, keep, provider_page, words_of
from fleetwrite.connections.errors import BadConnectionFieldsError
from fleetwrite.connections.models import Entered
from fleetwrite.connectors.sdk.oauth import AUTH_CODE

log = structlog.get_logger(__name__)

_DENIED: Final = "access_denied"


async def leave(desk: Desk, request: PageRequest) -> Page | Redirect:
    """Send the browser to the provider's page."""
    errand = await errand_of(desk, request, request.form.get("connection"))
    offer = errand.offers.get(request.path["slug"])
    consent, app = offer.manifest.consent, offer.tsp.app
    if consent is None or app is None:
        raise PageNotFoundError
    settings = offer.consent_settings(request.form)
    try:
        page = consent_page(offer, settings)
    except BadConnectionFieldsError as error:
        return provider_page(errand, offer, form=offer.form(request.form, error.faults), status=422)
    departure = Departure(
        fleet_id=errand.fleet_id,
        tsp_slug=offer.manifest.slug,
        settings=settings,
        connection_id=None if errand.replaced is None else errand.replaced.id,
    )
    asked = {
        "client_id": app.client_id,
        "response_type": "code",
        "redirect_uri": _return_address(desk, offer),
        "state": await desk.visits.leave(errand.visit, departure),
    }
    if consent.scopes:
        asked["scope"] = " ".join(consent.scopes)
    return Redirect(to=f"{page}?{urlencode(asked)}")


async def come_back(desk: Desk, request: PageRequest) -> Page | Redirect:
    """Take what the provider sent the browser back with, and connect by it."""
    visit = await desk.visits.require(request.browser)
    slug = request.path["slug"]
    departure = await desk.visits.returned(visit, request.query.get("state", ""), slug)
    connection_id = None if departure.connection_id is None else str(departure.connection_id)
    errand = await errand_of(desk, request, connection_id)
    offer = errand.offers.get(slug)
    if departure.fleet_id != errand.fleet_id:
        raise ConsentLostError
    code = request.query.get("code")
    if code is None:
        refused = Form(inputs=(), more=(), problem=_refusal(offer, request.query.get("error")))
        return provider_page(errand, offer, consent_form=refused, status=422)
    try:
        connection = await keep(desk, errand, offer, _entered(desk, offer, code, departure))
    except (BadConnectionFieldsError, *LOGIN_ERRORS) as error:
        refused = Form(inputs=(), more=(), problem=words_of(error, offer.manifest.name), cause=str(error))
        return provider_page(errand, offer, consent_form=refused, status=422)
    return done_page(errand, connection)


def _entered(desk: Desk, offer: Offer, code: str, departure: Departure) -> Entered:
    """What the operator's app and the code come to, as far as the connector asks for it."""
    consent, app = offer.manifest.consent, offer.tsp.app
    if consent is None or app is None:
        raise PageNotFoundError
    known = {
        "client_id": app.client_id,
        "client_secret": app.client_secret,
        "redirect_uri": _return_address(desk, offer),
        AUTH_CODE: code,
    }
    names = {field.name for field in consent.credentials or offer.manifest.credentials}
    return Entered(
        credentials={name: value for name, value in known.items() if name in names}, settings=departure.settings
    )


def _return_address(desk: Desk, offer: Offer) -> str:
    """Each provider has its own, so that none can have a browser bring another one's code."""
    return f"{desk.public_url}/connect/callback/{offer.manifest.slug}"


def _refusal(offer: Offer, code: str | None) -> str:
    name = offer.manifest.name
    if code == _DENIED:
        return f"You did not allow the access at {name}. Nothing was connected."
    log.warning("connect.consent_refused", tsp=offer.manifest.slug, code=(code or "")[:40])
    return f"{name} did not let us ask for your consent. Please tell whoever invited you."
