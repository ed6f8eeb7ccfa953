"""Endpoints of share agreements, for partners: who may look, and take less."""

from typing import Final
from uuid import UUID

from msgspec import UNSET

from fleetwrite.access.scopes import Scope
from fleetwrite.api.endpoint import Answer, AnswerShape, ApiRequest, Endpoint, Handler, Tag
from fleetwrite.api.pages import PageParameters, counted
from fleetwrite.bootstrap import Services
from fleetwrite.contract.org_enums import ShareAgreementStatusEnum
from fleetwrite.contract.orgs import ShareAgreementRead, ShareAgreementUpdate
from fleetwrite.contract.pages import CountedCursorPage
from fleetwrite.orgs.models import Actor
from fleetwrite.orgs.rendering import agreement_read

_PATH: Final = "/v2/orgs/share-agreements"
_ONE_PATH: Final = f"{_PATH}/{{share_agreement_id}}"


class AgreementQuery(PageParameters, frozen=True, kw_only=True):
    """Filters of the list of agreements."""

    fleet_id: UUID | None = None
    fleet_ref: str | None = None
    share_agreement_status: ShareAgreementStatusEnum | None = None


async def list_agreements(services: Services, request: ApiRequest) -> Answer:
    """The caller's agreements."""
    query: AgreementQuery = request.query
    page, total = await services.agreements.page(
        Actor.partner(request.partner_id),
        query.window,
        fleet_id=query.fleet_id,
        fleet_ref=query.fleet_ref,
        status=query.share_agreement_status,
    )
    return Answer(content=counted(page.of(agreement_read), total))


async def get_agreement(services: Services, request: ApiRequest) -> Answer:
    """One agreement."""
    found = await services.agreements.get(*_addressed(request))
    return Answer(content=agreement_read(found))


async def update_agreement(services: Services, request: ApiRequest) -> Answer:
    """Begin later, or end earlier."""
    body: ShareAgreementUpdate = request.body
    changed = await services.agreements.change(
        *_addressed(request),
        effective_at=None if body.effective_date is UNSET else body.effective_date,
        expires_at=None if body.expiration_date is UNSET else body.expiration_date,
    )
    return Answer(content=agreement_read(changed))


async def delete_agreement(services: Services, request: ApiRequest) -> Answer:
    """End and forget."""
    await services.agreements.delete(*_addressed(request))
    return Answer(status=204)


async def pause_agreement(services: Services, request: ApiRequest) -> Answer:
    """Share nothing for now."""
    return Answer(content=agreement_read(await services.agreements.pause(*_addressed(request))))


async def activate_agreement(services: Services, request: ApiRequest) -> Answer:
    """Share again."""
    return Answer(content=agreement_read(await services.agreements.activate(*_addressed(request))))


async def cancel_agreement(services: Services, request: ApiRequest) -> Answer:
    """Share nothing any more."""
    return Answer(content=agreement_read(await services.agreements.cancel(*_addressed(request))))


def _addressed(request: ApiRequest) -> tuple[Actor, UUID]:
    return Actor.partner(request.partner_id), request.path["share_agreement_id"]


def _step(name: str, summary: str, description: str, handler: Handler) -> Endpoint:
    return Endpoint(
        method="POST",
        path=f"{_ONE_PATH}/{name}",
        operation_id=f"{name}_share_agreement",
        summary=summary,
        description=description,
        tag=Tag.AGREEMENTS,
        handler=handler,
        scope=Scope.SHARE_AGREEMENT_UPDATE,
        answers={200: AnswerShape(description="The agreement as it is now.", content=ShareAgreementRead)},
    )


AGREEMENTS: Final = (
    Endpoint(
        method="GET",
        path=_PATH,
        operation_id="list_share_agreements",
        summary="List share agreements",
        description="Also those that are paused, expired or cancelled.",
        tag=Tag.AGREEMENTS,
        handler=list_agreements,
        scope=Scope.SHARE_AGREEMENT_READ,
        query=AgreementQuery,
        answers={200: AnswerShape(description="A page of agreements.", content=CountedCursorPage[ShareAgreementRead])},
    ),
    Endpoint(
        method="GET",
        path=_ONE_PATH,
        operation_id="get_share_agreement",
        summary="Get a share agreement",
        tag=Tag.AGREEMENTS,
        handler=get_agreement,
        scope=Scope.SHARE_AGREEMENT_READ,
        answers={200: AnswerShape(description="The agreement.", content=ShareAgreementRead)},
    ),
    Endpoint(
        method="PATCH",
        path=_ONE_PATH,
        operation_id="update_share_agreement",
        summary="Let a share agreement begin later or end earlier",
        description="Null means unchanged. 403: it would give you more than the fleet granted.",
        tag=Tag.AGREEMENTS,
        handler=update_agreement,
        scope=Scope.SHARE_AGREEMENT_UPDATE,
        body=ShareAgreementUpdate,
        answers={200: AnswerShape(description="The agreement as it is now.", content=ShareAgreementRead)},
    ),
    Endpoint(
        method="DELETE",
        path=_ONE_PATH,
        operation_id="delete_share_agreement",
        summary="End a share agreement and forget it",
        tag=Tag.AGREEMENTS,
        handler=delete_agreement,
        scope=Scope.SHARE_AGREEMENT_DELETE,
        answers={204: AnswerShape(description="It is gone.")},
    ),
    _step(
        "pause",
        "Share nothing for now",
        "New writes are refused (403), reads too. What was accepted before is delivered.",
        pause_agreement,
    ),
    _step(
        "activate",
        "Share again",
        "403: the fleet or the operator has paused it, and alone can end that. 409: it expired or was cancelled.",
        activate_agreement,
    ),
    _step(
        "cancel",
        "Share nothing any more",
        "For good: to share again, invite the fleet anew. What was accepted before is delivered.",
        cancel_agreement,
    ),
)
