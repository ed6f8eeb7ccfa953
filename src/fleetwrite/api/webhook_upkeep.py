"""Endpoints by which partners look after their webhooks: pause, activate, figures, log, replay, test."""

from typing import Annotated, Final, Literal
from uuid import UUID

from msgspec import Meta, Struct

from fleetwrite.access.scopes import Scope
from fleetwrite.api.endpoint import Answer, AnswerShape, ApiRequest, Endpoint, Tag
from fleetwrite.bootstrap import Services
from fleetwrite.contract.notifications import WebhookLogRead, WebhookMetrics, WebhookRead
from fleetwrite.contract.pages import CursorPage
from fleetwrite.contract.telematics import Instant
from fleetwrite.webhooks.models import Replay
from fleetwrite.webhooks.upkeep import LogQuery, ReplayResult, SampleResult

_PATH: Final = "/v2/notifications/webhooks/{webhook_id}"


class ReplayQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which messages go out again: what happened from then on and before then, and with these ids. `include`: not the
    dead letters alone.
    """

    from_datetime: Instant | None = None
    to_datetime: Instant | None = None
    event_ids: Annotated[list[UUID], Meta(min_length=1, max_length=100)] | None = None
    include: Literal["delivered"] | None = None


async def activate_webhook(services: Services, request: ApiRequest) -> Answer:
    """Deliver again."""
    turned = await services.upkeep.activate(request.partner_id, request.path["webhook_id"], actor=request.actor)
    return Answer(content=turned)


async def pause_webhook(services: Services, request: ApiRequest) -> Answer:
    """Deliver nothing for now."""
    turned = await services.upkeep.pause(request.partner_id, request.path["webhook_id"], actor=request.actor)
    return Answer(content=turned)


async def get_webhook_metrics(services: Services, request: ApiRequest) -> Answer:
    """How deliveries fared."""
    return Answer(content=await services.upkeep.metrics(request.partner_id, request.path["webhook_id"]))


async def list_webhook_logs(services: Services, request: ApiRequest) -> Answer:
    """The attempts to deliver."""
    return Answer(content=await services.upkeep.log(request.partner_id, request.path["webhook_id"], request.query))


async def replay_webhook(services: Services, request: ApiRequest) -> Answer:
    """Send dead letters again."""
    query: ReplayQuery = request.query
    wanted = Replay(
        from_datetime=query.from_datetime,
        to_datetime=query.to_datetime,
        event_ids=None if query.event_ids is None else tuple(query.event_ids),
        with_delivered=query.include is not None,
    )
    replayed = await services.upkeep.replay(request.partner_id, request.path["webhook_id"], wanted, actor=request.actor)
    return Answer(status=202, content=replayed)


async def send_sample(services: Services, request: ApiRequest) -> Answer:
    """Send a sample."""
    return Answer(content=await services.upkeep.test(request.partner_id, request.path["webhook_id"]))


WEBHOOK_UPKEEP: Final = (
    Endpoint(
        method="POST",
        path=f"{_PATH}/activate",
        operation_id="activate_webhook",
        summary="Activate a paused or stale webhook",
        description="What waited is delivered in the order in which it happened.",
        tag=Tag.WEBHOOKS,
        handler=activate_webhook,
        scope=Scope.WEBHOOK_UPDATE,
        answers={200: AnswerShape(description="The webhook, active.", content=WebhookRead)},
    ),
    Endpoint(
        method="POST",
        path=f"{_PATH}/pause",
        operation_id="pause_webhook",
        summary="Pause a webhook",
        description="Nothing is delivered until it is activated. Events are kept, for 14 days.",
        tag=Tag.WEBHOOKS,
        handler=pause_webhook,
        scope=Scope.WEBHOOK_UPDATE,
        answers={200: AnswerShape(description="The webhook, paused.", content=WebhookRead)},
    ),
    Endpoint(
        method="GET",
        path=f"{_PATH}/metrics",
        operation_id="get_webhook_metrics",
        summary="See how a webhook's deliveries fared",
        description="Counted from the log over the last 6 hours, 24 hours, 7 and 14 days. `success_rate` is in percent "
        "of the messages, and null for fewer than 200.",
        tag=Tag.WEBHOOKS,
        handler=get_webhook_metrics,
        scope=Scope.WEBHOOK_READ,
        answers={200: AnswerShape(description="The figures.", content=WebhookMetrics)},
    ),
    Endpoint(
        method="GET",
        path=f"{_PATH}/logs",
        operation_id="list_webhook_logs",
        summary="List the attempts to deliver",
        description="Oldest first, of the last 14 days; from `start_date` on and before `end_date`.",
        tag=Tag.WEBHOOKS,
        handler=list_webhook_logs,
        scope=Scope.WEBHOOK_READ,
        query=LogQuery,
        answers={200: AnswerShape(description="A page of attempts.", content=CursorPage[WebhookLogRead])},
    ),
    Endpoint(
        method="POST",
        path=f"{_PATH}/replay",
        operation_id="replay_webhook",
        summary="Send dead letters again",
        description="All of them, unless the query narrows it: by when it happened, or by the ids of events. With "
        "`include=delivered`, and one of these, also what was delivered.",
        tag=Tag.WEBHOOKS,
        handler=replay_webhook,
        scope=Scope.WEBHOOK_CREATE,
        query=ReplayQuery,
        answers={202: AnswerShape(description="So many messages go out again.", content=ReplayResult)},
    ),
    Endpoint(
        method="POST",
        path="/v2/fleetwrite/webhooks/{webhook_id}/test",
        operation_id="test_webhook",
        summary="Send a made-up event to a webhook",
        description="Signed and sent like a real one, with the header `Fleetwrite-Test: true` beside; it counts for "
        "nothing.",
        tag=Tag.WEBHOOKS,
        handler=send_sample,
        scope=Scope.WEBHOOK_UPDATE,
        answers={200: AnswerShape(description="What the receiver said.", content=SampleResult)},
    ),
)
