"""Endpoints of webhook subscriptions."""

from datetime import timedelta
from typing import Annotated, Final

from msgspec import Meta, Struct

from fleetwrite.access.scopes import Scope
from fleetwrite.api.endpoint import Answer, AnswerShape, ApiRequest, Endpoint, Tag
from fleetwrite.bootstrap import Services
from fleetwrite.contract.event_names import WebhookEventNameEnum, WebhookStatusEnum
from fleetwrite.contract.notifications import Webhook, WebhookCreate, WebhookRead, WebhookUpdate
from fleetwrite.contract.pages import CursorPage

_PATH: Final = "/v2/notifications/webhooks"
_ONE_PATH: Final = f"{_PATH}/{{webhook_id}}"


class WebhookQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Filters of the list of webhooks."""

    event_name: WebhookEventNameEnum | None = None
    status: WebhookStatusEnum | None = None
    cursor: str | None = None
    size: Annotated[int, Meta(ge=1, le=1000)] = 300


class WebhookUpdateQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For how long the secret that is replaced signs beside the new one: a day, or up to a week."""

    secret_overlap_s: Annotated[int, Meta(ge=0, le=604_800)] = 86_400


async def create_webhook(services: Services, request: ApiRequest) -> Answer:
    """Subscribe. The answer shows the secret, hence is not to be kept on its way."""
    created = await services.subscriptions.create(request.partner_id, request.body, actor=request.actor)
    return Answer(content=created, headers=(("Cache-Control", "no-store"),))


async def list_webhooks(services: Services, request: ApiRequest) -> Answer:
    """The caller's subscriptions."""
    query: WebhookQuery = request.query
    page = await services.subscriptions.page(
        request.partner_id, event_name=query.event_name, status=query.status, cursor=query.cursor, size=query.size
    )
    return Answer(content=page)


async def get_webhook(services: Services, request: ApiRequest) -> Answer:
    """One subscription."""
    return Answer(content=await services.subscriptions.get(request.partner_id, request.path["webhook_id"]))


async def update_webhook(services: Services, request: ApiRequest) -> Answer:
    """Change URL, filters or secret."""
    query: WebhookUpdateQuery = request.query
    changed = await services.subscriptions.update(
        request.partner_id,
        request.path["webhook_id"],
        request.body,
        overlap=timedelta(seconds=query.secret_overlap_s),
        actor=request.actor,
    )
    return Answer(content=changed)


async def delete_webhook(services: Services, request: ApiRequest) -> Answer:
    """End a subscription."""
    await services.subscriptions.delete(request.partner_id, request.path["webhook_id"], actor=request.actor)
    return Answer(status=204)


WEBHOOKS: Final = (
    Endpoint(
        method="POST",
        path=_PATH,
        operation_id="create_webhook",
        summary="Create a webhook",
        description="A wildcard such as `resource_operation.*` makes one webhook for each action and answers with "
        "a list. Only this answer shows URL and secret in clear.",
        tag=Tag.WEBHOOKS,
        handler=create_webhook,
        scope=Scope.WEBHOOK_CREATE,
        body=WebhookCreate,
        answers={
            200: AnswerShape(
                description="The webhook, or one for each event of a wildcard.", content=Webhook | list[Webhook]
            )
        },
    ),
    Endpoint(
        method="GET",
        path=_PATH,
        operation_id="list_webhooks",
        summary="List webhooks",
        tag=Tag.WEBHOOKS,
        handler=list_webhooks,
        scope=Scope.WEBHOOK_READ,
        query=WebhookQuery,
        answers={200: AnswerShape(description="A page of webhooks.", content=CursorPage[WebhookRead])},
    ),
    Endpoint(
        method="GET",
        path=_ONE_PATH,
        operation_id="get_webhook",
        summary="Get a webhook",
        tag=Tag.WEBHOOKS,
        handler=get_webhook,
        scope=Scope.WEBHOOK_READ,
        answers={200: AnswerShape(description="The webhook.", content=WebhookRead)},
    ),
    Endpoint(
        method="PATCH",
        path=_ONE_PATH,
        operation_id="update_webhook",
        summary="Update a webhook",
        description="What is absent or null stays; empty filters take them away. While a secret is replaced, both sign "
        "for `secret_overlap_s` seconds: the new one in `X-Catena-Signature`, the one before in "
        "`Fleetwrite-Previous-Signature`, both in `webhook-signature`.",
        tag=Tag.WEBHOOKS,
        handler=update_webhook,
        scope=Scope.WEBHOOK_UPDATE,
        query=WebhookUpdateQuery,
        body=WebhookUpdate,
        answers={200: AnswerShape(description="The webhook as it is now.", content=WebhookRead)},
    ),
    Endpoint(
        method="DELETE",
        path=_ONE_PATH,
        operation_id="delete_webhook",
        summary="Delete a webhook",
        tag=Tag.WEBHOOKS,
        handler=delete_webhook,
        scope=Scope.WEBHOOK_DELETE,
        answers={204: AnswerShape(description="It is gone.")},
    ),
)
