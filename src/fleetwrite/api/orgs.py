"""Endpoints of fleets and partners."""

from typing import Annotated, Final
from uuid import UUID

from msgspec import UNSET, Meta

from fleetwrite.access.scopes import Scope
from fleetwrite.api.endpoint import Answer, AnswerShape, ApiRequest, Endpoint, Tag
from fleetwrite.api.pages import PageParameters, counted
from fleetwrite.bootstrap import Services
from fleetwrite.contract.orgs import (
    FleetRead,
    PartnerCreate,
    PartnerPropertyCreate,
    PartnerPropertyRead,
    PartnerRead,
    PartnerUpdate,
)
from fleetwrite.contract.pages import CountedCursorPage
from fleetwrite.orgs.errors import PartnerNotFoundError
from fleetwrite.orgs.models import Party
from fleetwrite.orgs.rendering import fleet_read, partner_read, property_read

_FLEETS: Final = "/v2/orgs/fleets"
_PARTNERS: Final = "/v2/orgs/partners"
_PARTNER: Final = f"{_PARTNERS}/{{partner_id}}"
_PROPERTIES: Final = f"{_PARTNER}/properties"


class FleetQuery(PageParameters, frozen=True, kw_only=True):
    """Filters of the list of fleets."""

    fleet_refs: Annotated[list[str], Meta(max_length=100)] | None = None


async def list_fleets(services: Services, request: ApiRequest) -> Answer:
    """The fleets that share something with the caller."""
    query: FleetQuery = request.query
    page, total = await services.orgs.page_shared_fleets(request.partner_id, query.window, fleet_refs=query.fleet_refs)
    return Answer(content=counted(page.of(fleet_read), total))


async def get_fleet(services: Services, request: ApiRequest) -> Answer:
    """One of them."""
    return Answer(content=fleet_read(await services.orgs.shared_fleet(request.partner_id, request.path["fleet_id"])))


async def list_partners(services: Services, request: ApiRequest) -> Answer:
    """All partners for the operator, itself for a partner."""
    only = None if _party(request) is Party.OPERATOR else request.partner_id
    page, total = await services.orgs.page_partners(request.query.window, only=only)
    return Answer(content=counted(page.of(partner_read), total))


async def create_partner(services: Services, request: ApiRequest) -> Answer:
    """Make a partner."""
    _require_operator(request)
    return Answer(status=201, content=partner_read(await services.orgs.create_partner(request.body)))


async def get_partner(services: Services, request: ApiRequest) -> Answer:
    """One partner."""
    return Answer(content=partner_read(await services.orgs.partner(_addressed(request))))


async def update_partner(services: Services, request: ApiRequest) -> Answer:
    """Rename or describe a partner."""
    _require_operator(request)
    body: PartnerUpdate = request.body
    changed = await services.orgs.change_partner(
        request.path["partner_id"],
        name=None if body.name is UNSET else body.name,
        description=None if body.description is UNSET else body.description,
    )
    return Answer(content=partner_read(changed))


async def list_properties(services: Services, request: ApiRequest) -> Answer:
    """What is kept of a partner."""
    found = await services.properties.all_of(_addressed(request), _party(request))
    return Answer(content=[property_read(one) for one in found])


async def create_properties(services: Services, request: ApiRequest) -> Answer:
    """Keep something of a partner."""
    made = await services.properties.add(_addressed(request), request.body, _party(request))
    return Answer(status=201, content=[property_read(one) for one in made])


async def delete_property(services: Services, request: ApiRequest) -> Answer:
    """Forget something of a partner."""
    await services.properties.remove(_addressed(request), request.path["property_id"], _party(request))
    return Answer(status=204)


def _party(request: ApiRequest) -> Party:
    is_operator = request.principal is not None and Scope.ADMIN in request.principal.scopes
    return Party.OPERATOR if is_operator else Party.PARTNER


def _addressed(request: ApiRequest) -> UUID:
    """The partner of the path. What is another's does not exist for a partner."""
    partner_id = request.path["partner_id"]
    if _party(request) is Party.PARTNER and partner_id != request.partner_id:
        raise PartnerNotFoundError(f"There is no partner {partner_id}.")
    return partner_id


def _require_operator(request: ApiRequest) -> None:
    if request.principal is not None:
        request.principal.require(Scope.ADMIN)


_OWN: Final = "A partner sees itself alone, the operator all."

ORGS: Final = (
    Endpoint(
        method="GET",
        path=_FLEETS,
        operation_id="list_fleets",
        summary="List the fleets that share with you",
        description="Those with an agreement that counts now.",
        tag=Tag.ORGANIZATIONS,
        handler=list_fleets,
        scope=Scope.FLEET_READ,
        query=FleetQuery,
        answers={200: AnswerShape(description="A page of fleets.", content=CountedCursorPage[FleetRead])},
    ),
    Endpoint(
        method="GET",
        path=f"{_FLEETS}/{{fleet_id}}",
        operation_id="get_fleet",
        summary="Get a fleet that shares with you",
        tag=Tag.ORGANIZATIONS,
        handler=get_fleet,
        scope=Scope.FLEET_READ,
        answers={200: AnswerShape(description="The fleet.", content=FleetRead)},
    ),
    Endpoint(
        method="GET",
        path=_PARTNERS,
        operation_id="list_partners",
        summary="List partners",
        description=_OWN,
        tag=Tag.ORGANIZATIONS,
        handler=list_partners,
        scope=Scope.PARTNER_READ,
        query=PageParameters,
        answers={200: AnswerShape(description="A page of partners.", content=CountedCursorPage[PartnerRead])},
    ),
    Endpoint(
        method="POST",
        path=_PARTNERS,
        operation_id="create_partner",
        summary="Create a partner",
        description="For the operator. Its slug is made of its name.",
        tag=Tag.ORGANIZATIONS,
        handler=create_partner,
        scope=Scope.PARTNER_CREATE,
        body=PartnerCreate,
        answers={201: AnswerShape(description="The partner.", content=PartnerRead)},
    ),
    Endpoint(
        method="GET",
        path=_PARTNER,
        operation_id="get_partner",
        summary="Get a partner",
        description=_OWN,
        tag=Tag.ORGANIZATIONS,
        handler=get_partner,
        scope=Scope.PARTNER_READ,
        answers={200: AnswerShape(description="The partner.", content=PartnerRead)},
    ),
    Endpoint(
        method="PATCH",
        path=_PARTNER,
        operation_id="update_partner",
        summary="Rename or describe a partner",
        description="For the operator: fleets see this name when they are asked. Null means unchanged.",
        tag=Tag.ORGANIZATIONS,
        handler=update_partner,
        scope=Scope.PARTNER_UPDATE,
        body=PartnerUpdate,
        answers={200: AnswerShape(description="The partner as it is now.", content=PartnerRead)},
    ),
    Endpoint(
        method="GET",
        path=_PROPERTIES,
        operation_id="list_partner_properties",
        summary="List what is kept of a partner",
        description="A partner sees the defaults of its invitations (`default_*`), the operator everything.",
        tag=Tag.ORGANIZATIONS,
        handler=list_properties,
        scope=Scope.PARTNER_PROPERTY_READ,
        answers={200: AnswerShape(description="All properties, by key.", content=list[PartnerPropertyRead])},
    ),
    Endpoint(
        method="POST",
        path=_PROPERTIES,
        operation_id="create_partner_properties",
        summary="Keep something of a partner",
        description="All or nothing. A key that is there has to be deleted first (409). A partner sets the defaults of "
        "its invitations, the operator everything.",
        tag=Tag.ORGANIZATIONS,
        handler=create_properties,
        scope=Scope.PARTNER_PROPERTY_CREATE,
        body=PartnerPropertyCreate,
        is_list=True,
        answers={201: AnswerShape(description="What is kept now.", content=list[PartnerPropertyRead])},
    ),
    Endpoint(
        method="DELETE",
        path=f"{_PROPERTIES}/{{property_id}}",
        operation_id="delete_partner_property",
        summary="Forget something of a partner",
        tag=Tag.ORGANIZATIONS,
        handler=delete_property,
        scope=Scope.PARTNER_PROPERTY_CREATE,
        answers={204: AnswerShape(description="It is gone.")},
    ),
)
