"""Endpoints of invitations. Those that a fleet uses ask for no token: who knows the id holds the link."""

from typing import Final
from uuid import UUID

from fleetwrite.access.scopes import Scope
from fleetwrite.api.endpoint import Answer, AnswerShape, ApiRequest, Endpoint, Tag
from fleetwrite.api.headers import CONNECT_TOKEN
from fleetwrite.api.pages import PageParameters, counted
from fleetwrite.bootstrap import Services
from fleetwrite.contract.orgs import InvitationCreate, InvitationDecline, InvitationRead
from fleetwrite.contract.pages import CountedCursorPage
from fleetwrite.orgs.invitation_models import Invitation
from fleetwrite.orgs.rendering import invitation_read

_PATH: Final = "/v2/orgs/invitations"
_ONE_PATH: Final = f"{_PATH}/{{invitation_id}}"

_UNSTORED: Final = (("Cache-Control", "no-store"),)


class InvitationQuery(PageParameters, frozen=True, kw_only=True):
    """Filters of the list of invitations."""

    fleet_ref: str | None = None


async def list_invitations(services: Services, request: ApiRequest) -> Answer:
    """The caller's invitations."""
    query: InvitationQuery = request.query
    page, total = await services.invitations.page(request.partner_id, query.window, fleet_ref=query.fleet_ref)
    return Answer(content=counted(page.of(lambda one: _read(services, one)), total))


async def create_invitation(services: Services, request: ApiRequest) -> Answer:
    """Invite a fleet, or refresh its invitation."""
    invitation, is_new = await services.invitations.invite(request.partner_id, request.body, actor=request.actor)
    return Answer(status=201 if is_new else 200, content=_read(services, invitation))


async def get_invitation(services: Services, request: ApiRequest) -> Answer:
    """The invitation, for whoever holds the link, or for the partner."""
    invitation_id = request.path["invitation_id"]
    partner_id = _shown_partner(request)
    if partner_id is None:
        found = await services.invitations.view(invitation_id)
    else:
        found = await services.invitations.get(invitation_id, partner_id)
    return Answer(content=_read(services, found), headers=_UNSTORED)


async def delete_invitation(services: Services, request: ApiRequest) -> Answer:
    """Take an invitation back."""
    await services.invitations.delete(request.path["invitation_id"], request.partner_id, actor=request.actor)
    return Answer(status=204)


async def accept_invitation(services: Services, request: ApiRequest) -> Answer:
    """Say yes for a fleet."""
    partner_id = _shown_partner(request)
    accepted = await services.invitations.accept(request.path["invitation_id"], partner_id, actor=request.actor)
    return Answer(
        content=_read(services, accepted.invitation),
        headers=(*_UNSTORED, (CONNECT_TOKEN, accepted.connect_token)),
    )


async def decline_invitation(services: Services, request: ApiRequest) -> Answer:
    """Say no for a fleet."""
    body: InvitationDecline = request.body
    partner_id = _shown_partner(request)
    declined = await services.invitations.decline(
        request.path["invitation_id"], body.decline_reason or None, partner_id, actor=request.actor
    )
    return Answer(content=_read(services, declined), headers=_UNSTORED)


def _read(services: Services, invitation: Invitation) -> InvitationRead:
    return invitation_read(invitation, services.invitations.magic_link(invitation))


def _shown_partner(request: ApiRequest) -> UUID | None:
    """The partner whose token came along, though none is asked for: it sees its own invitations only, and its look is
    not the fleet's.
    """
    return None if request.principal is None else request.principal.partner_id


_ANSWERED: Final = (
    "Without a token: the id is the secret of the link, which works once and for a time (409 afterwards)."
)

INVITATIONS: Final = (
    Endpoint(
        method="GET",
        path=_PATH,
        operation_id="list_invitations",
        summary="List invitations",
        tag=Tag.INVITATIONS,
        handler=list_invitations,
        scope=Scope.INVITATION_READ,
        query=InvitationQuery,
        answers={200: AnswerShape(description="A page of invitations.", content=CountedCursorPage[InvitationRead])},
    ),
    Endpoint(
        method="POST",
        path=_PATH,
        operation_id="create_invitation",
        summary="Invite a fleet",
        description="`fleet_ref` is the key: an invitation that it has already is refreshed. What is said anew "
        "replaces what was said, its link works again, and one that was declined is active again. `permissions` left "
        "out ask to read everything; to write a resource takes `read_write`.",
        tag=Tag.INVITATIONS,
        handler=create_invitation,
        scope=Scope.INVITATION_CREATE,
        body=InvitationCreate,
        answers={
            200: AnswerShape(description="The invitation that was there, refreshed.", content=InvitationRead),
            201: AnswerShape(description="A new invitation.", content=InvitationRead),
        },
    ),
    Endpoint(
        method="GET",
        path=_ONE_PATH,
        operation_id="get_invitation",
        summary="Get an invitation",
        description="Without a token it is the fleet that looks, by its link; the first look is told to the partner by "
        "`invitation.viewed`. With a token it is the partner.",
        tag=Tag.INVITATIONS,
        handler=get_invitation,
        serves_strangers=True,
        scope_if_shown=Scope.INVITATION_READ,
        answers={
            200: AnswerShape(description="The invitation.", content=InvitationRead, headers=("Cache-Control",)),
        },
    ),
    Endpoint(
        method="DELETE",
        path=_ONE_PATH,
        operation_id="delete_invitation",
        summary="Take an invitation back",
        description="409 once a fleet has accepted it.",
        tag=Tag.INVITATIONS,
        handler=delete_invitation,
        scope=Scope.INVITATION_DELETE,
        answers={204: AnswerShape(description="It is gone.")},
    ),
    Endpoint(
        method="POST",
        path=f"{_ONE_PATH}/accept",
        operation_id="accept_invitation",
        summary="Accept an invitation",
        description=f"{_ANSWERED} The fleet and its share agreement come into being. The header carries what lets the "
        "fleet connect an account: once, within an hour.",
        tag=Tag.INVITATIONS,
        handler=accept_invitation,
        serves_strangers=True,
        scope_if_shown=Scope.INVITATION_READ,
        answers={
            200: AnswerShape(
                description="The invitation, accepted.",
                content=InvitationRead,
                headers=("Cache-Control", CONNECT_TOKEN),
            )
        },
    ),
    Endpoint(
        method="POST",
        path=f"{_ONE_PATH}/decline",
        operation_id="decline_invitation",
        summary="Decline an invitation",
        description=_ANSWERED,
        tag=Tag.INVITATIONS,
        handler=decline_invitation,
        serves_strangers=True,
        scope_if_shown=Scope.INVITATION_READ,
        body=InvitationDecline,
        answers={
            200: AnswerShape(
                description="The invitation, declined.", content=InvitationRead, headers=("Cache-Control",)
            )
        },
    ),
)
