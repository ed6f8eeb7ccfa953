"""The operator's administration. No client of a partner can have the scope that these endpoints ask for."""

from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from fleetwrite.access.models import ClientEntry, NewClient
from fleetwrite.access.scopes import OPERATORS_ALONE, PARTNER_SCOPES, Scope
from fleetwrite.api.endpoint import CSV, Answer, AnswerShape, ApiRequest, Endpoint, Tag
from fleetwrite.api.intake import InvalidRequestError
from fleetwrite.api.pages import PageParameters, counted
from fleetwrite.bootstrap import Services
from fleetwrite.contract.errors import ErrorType, ValidationErrorDetail
from fleetwrite.contract.org_enums import ShareAgreementStatusEnum
from fleetwrite.contract.orgs import (
    Levels,
    PartnerCreate,
    PartnerPropertyRead,
    PartnerRead,
    ShareAgreementRead,
    ShareAgreementUpdate,
)
from fleetwrite.contract.pages import CountedCursorPage
from fleetwrite.orgs.models import OPERATOR, Fleet, Party, ShareAgreement
from fleetwrite.orgs.rendering import agreement_read, partner_read, property_read
from fleetwrite.provisioning.connection_import import LARGEST_FILE, ImportReport

_PATH: Final = "/v2/fleetwrite/admin"

_UNSTORED: Final = (("Cache-Control", "no-store"),)


class NewPartnerBody(PartnerCreate, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A partner, which gets a client too. Without `slug`, one is made of the name."""

    slug: str | UnsetType = UNSET


class NewClientBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A client of a partner. Without `scopes` it may do what partners usually may; without `client_id` one is made."""

    client_id: str | UnsetType | None = UNSET
    scopes: Annotated[list[Scope], Meta(min_length=1)] | UnsetType | None = UNSET


class PartnerWithClient(Struct, frozen=True, kw_only=True):
    """A partner just made. The secret is shown this once."""

    partner: PartnerRead
    client: NewClient


class PartnerDetail(Struct, frozen=True, kw_only=True):
    """A partner with what belongs to it."""

    partner: PartnerRead
    properties: list[PartnerPropertyRead]
    clients: list[ClientEntry]
    fleets: int


class AdminFleet(Struct, frozen=True, kw_only=True):
    """A fleet, and with whom it shares."""

    id: UUID
    name: str
    registered_email: str | None
    created_at: datetime
    updated_at: datetime
    share_agreements: list[ShareAgreementRead]


class AdminFleetQuery(PageParameters, frozen=True, kw_only=True):
    """Filters of the list of all fleets."""

    partner_id: UUID | None = None
    fleet_refs: Annotated[list[str], Meta(max_length=100)] | None = None


class AdminAgreementQuery(PageParameters, frozen=True, kw_only=True):
    """Filters of the list of all agreements."""

    partner_id: UUID | None = None
    fleet_id: UUID | None = None
    fleet_ref: str | None = None
    status: ShareAgreementStatusEnum | None = None


class AgreementSetting(ShareAgreementUpdate, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an agreement is to be. `scopes` replaces them all. `status`: active, paused, cancelled or deleted."""

    status: ShareAgreementStatusEnum | UnsetType | None = UNSET
    scopes: Levels | UnsetType | None = UNSET


class ImportQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Query of an import. `apply`: do it. `partner`: slug of the partner of all lines that name none."""

    apply: bool = False
    partner: str | None = None


async def create_partner(services: Services, request: ApiRequest) -> Answer:
    """Make a partner with a client."""
    body: NewPartnerBody = request.body
    partner = await services.orgs.create_partner(body, None if body.slug is UNSET else body.slug)
    client = await services.clients.create(partner.id)
    return Answer(
        status=201, content=PartnerWithClient(partner=partner_read(partner), client=client), headers=_UNSTORED
    )


async def list_partners(services: Services, request: ApiRequest) -> Answer:
    """All partners."""
    page, total = await services.orgs.page_partners(request.query.window)
    return Answer(content=counted(page.of(partner_read), total))


async def get_partner(services: Services, request: ApiRequest) -> Answer:
    """A partner with all that belongs to it."""
    partner = await services.orgs.partner(request.path["partner_id"])
    properties = await services.properties.all_of(partner.id, Party.OPERATOR)
    detail = PartnerDetail(
        partner=partner_read(partner),
        properties=[property_read(one) for one in properties],
        clients=await services.clients.all_of(partner.id),
        fleets=await services.orgs.count_fleets(partner.id),
    )
    return Answer(content=detail)


async def create_client(services: Services, request: ApiRequest) -> Answer:
    """Give a partner another client."""
    body: NewClientBody = request.body
    partner = await services.orgs.partner(request.path["partner_id"])
    scopes = PARTNER_SCOPES if body.scopes is UNSET or body.scopes is None else frozenset(body.scopes)
    foreign = sorted(scope.value for scope in scopes & OPERATORS_ALONE)
    if foreign:
        raise _invalid("body.scopes", ", ".join(foreign), "No partner can have these.", ErrorType.ENUM)
    client_id = body.client_id or None
    try:
        made = await services.clients.create(partner.id, client_id=client_id, scopes=scopes)
    except ValueError as error:
        raise _invalid("body.client_id", client_id or "", str(error), ErrorType.FORMAT) from error
    return Answer(status=201, content=made, headers=_UNSTORED)


async def list_fleets(services: Services, request: ApiRequest) -> Answer:
    """All fleets."""
    query: AdminFleetQuery = request.query
    page, total = await services.orgs.page_fleets(
        query.window, partner_id=query.partner_id, fleet_refs=query.fleet_refs
    )
    return Answer(content=counted(page.of(_fleet), total))


async def list_agreements(services: Services, request: ApiRequest) -> Answer:
    """All agreements."""
    query: AdminAgreementQuery = request.query
    page, total = await services.agreements.page(
        OPERATOR,
        query.window,
        partner_id=query.partner_id,
        fleet_id=query.fleet_id,
        fleet_ref=query.fleet_ref,
        status=query.status,
    )
    return Answer(content=counted(page.of(agreement_read), total))


async def set_agreement(services: Services, request: ApiRequest) -> Answer:
    """Change an agreement in any way."""
    body: AgreementSetting = request.body
    changed = await services.agreements.change(
        OPERATOR,
        request.path["share_agreement_id"],
        status=body.status or None,
        effective_at=body.effective_date or None,
        expires_at=body.expiration_date or None,
        scopes=None if body.scopes is UNSET else body.scopes,
    )
    return Answer(content=agreement_read(changed))


async def import_connections(services: Services, request: ApiRequest) -> Answer:
    """Connect many fleets at once."""
    query: ImportQuery = request.query
    report = await services.connection_import.import_file(request.body, partner=query.partner, apply=query.apply)
    return Answer(content=report, headers=_UNSTORED)


def _fleet(found: tuple[Fleet, list[ShareAgreement]]) -> AdminFleet:
    fleet, agreements = found
    return AdminFleet(
        id=fleet.id,
        name=fleet.name,
        registered_email=fleet.registered_email,
        created_at=fleet.created_at,
        updated_at=fleet.updated_at,
        share_agreements=[agreement_read(one) for one in agreements],
    )


def _invalid(path: str, given: str, message: str, error_type: ErrorType) -> InvalidRequestError:
    return InvalidRequestError(
        [ValidationErrorDetail(path=path, input=given[:100], message=message, error_type=error_type)]
    )


ADMIN: Final = (
    Endpoint(
        method="POST",
        path=f"{_PATH}/partners",
        operation_id="admin_create_partner",
        summary="Create a partner with its first client",
        description="Only this answer shows the client's secret.",
        tag=Tag.ADMIN,
        handler=create_partner,
        scope=Scope.ADMIN,
        body=NewPartnerBody,
        answers={
            201: AnswerShape(description="Both.", content=PartnerWithClient, headers=("Cache-Control",)),
        },
    ),
    Endpoint(
        method="GET",
        path=f"{_PATH}/partners",
        operation_id="admin_list_partners",
        summary="List all partners",
        tag=Tag.ADMIN,
        handler=list_partners,
        scope=Scope.ADMIN,
        query=PageParameters,
        answers={200: AnswerShape(description="A page of partners.", content=CountedCursorPage[PartnerRead])},
    ),
    Endpoint(
        method="GET",
        path=f"{_PATH}/partners/{{partner_id}}",
        operation_id="admin_get_partner",
        summary="Get a partner with all that belongs to it",
        tag=Tag.ADMIN,
        handler=get_partner,
        scope=Scope.ADMIN,
        answers={200: AnswerShape(description="The partner.", content=PartnerDetail)},
    ),
    Endpoint(
        method="POST",
        path=f"{_PATH}/partners/{{partner_id}}/clients",
        operation_id="admin_create_client",
        summary="Give a partner another client",
        description="Only this answer shows its secret.",
        tag=Tag.ADMIN,
        handler=create_client,
        scope=Scope.ADMIN,
        body=NewClientBody,
        answers={201: AnswerShape(description="The client.", content=NewClient, headers=("Cache-Control",))},
    ),
    Endpoint(
        method="GET",
        path=f"{_PATH}/fleets",
        operation_id="admin_list_fleets",
        summary="List all fleets, and with whom they share",
        tag=Tag.ADMIN,
        handler=list_fleets,
        scope=Scope.ADMIN,
        query=AdminFleetQuery,
        answers={200: AnswerShape(description="A page of fleets.", content=CountedCursorPage[AdminFleet])},
    ),
    Endpoint(
        method="GET",
        path=f"{_PATH}/share-agreements",
        operation_id="admin_list_share_agreements",
        summary="List all share agreements",
        tag=Tag.ADMIN,
        handler=list_agreements,
        scope=Scope.ADMIN,
        query=AdminAgreementQuery,
        answers={200: AnswerShape(description="A page of agreements.", content=CountedCursorPage[ShareAgreementRead])},
    ),
    Endpoint(
        method="PATCH",
        path=f"{_PATH}/share-agreements/{{share_agreement_id}}",
        operation_id="admin_set_share_agreement",
        summary="Change a share agreement in any way",
        description="Levels, times and status, all or nothing; null means unchanged. What is cancelled stays so.",
        tag=Tag.ADMIN,
        handler=set_agreement,
        scope=Scope.ADMIN,
        body=AgreementSetting,
        answers={200: AnswerShape(description="The agreement as it is now.", content=ShareAgreementRead)},
    ),
    Endpoint(
        method="POST",
        path=f"{_PATH}/connections/import",
        operation_id="admin_import_connections",
        summary="Connect many fleets at once",
        description="CSV of at most 16 MiB: `partner` (slug), `fleet_ref`, `fleet_name`, `tsp` (slug) or "
        "`source_name`, `description`, `account_id`, and the login as JSON objects in `credentials` and `settings` or "
        "as a column for each text (`credentials.token`). Every line is checked before the first is carried out: 422 "
        "names what is wrong by line (`body.17.tsp`). Without `apply=true` the file is only checked. It can be "
        "repeated.",
        tag=Tag.ADMIN,
        handler=import_connections,
        scope=Scope.ADMIN,
        query=ImportQuery,
        body=str,
        media_type=CSV,
        largest_body=LARGEST_FILE,
        answers={
            200: AnswerShape(
                description="What became of each line, or would.", content=ImportReport, headers=("Cache-Control",)
            )
        },
    ),
)
