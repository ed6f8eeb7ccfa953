"""The endpoint of the live stream of events."""

from typing import Annotated, Final
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from fleetwrite.access.errors import UnauthenticatedError
from fleetwrite.access.scopes import Scope
from fleetwrite.api import endpoint
from fleetwrite.api.endpoint import Answer, AnswerShape, ApiRequest, Endpoint, Tag
from fleetwrite.api.headers import LAST_EVENT_ID
from fleetwrite.api.intake import InvalidRequestError
from fleetwrite.api.json_text import excerpt
from fleetwrite.bootstrap import Services
from fleetwrite.contract.errors import ErrorType, ValidationErrorDetail
from fleetwrite.contract.event_names import WebhookSubscribableEvent
from fleetwrite.events.models import StreamFilter
from fleetwrite.kit.tenancy import acting_as_system
from fleetwrite.webhooks.models import actions_of


class StreamQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which events are told; as of webhooks, either list of fleets may name the fleet."""

    event_names: Annotated[list[WebhookSubscribableEvent], Meta(max_length=100)] | None = None
    fleet_ids: Annotated[list[UUID], Meta(max_length=100)] | None = None
    fleet_refs: Annotated[list[str], Meta(max_length=100)] | None = None


async def stream_events(services: Services, request: ApiRequest) -> Answer:
    """Tell the caller's events for as long as it listens and its token is good."""
    query: StreamQuery = request.query
    names = None if not query.event_names else [event for name in query.event_names for event in actions_of(name)]
    wanted = StreamFilter(event_names=names, fleet_ids=query.fleet_ids or None, fleet_refs=query.fleet_refs or None)

    async def is_allowed() -> bool:
        try:
            with acting_as_system():  # as the gateway did
                principal = await services.tokens.authenticate(request.headers.get("authorization"))
        except UnauthenticatedError:
            return False
        return Scope.WEBHOOK_READ in principal.scopes

    pieces = services.streams.stream(
        request.partner_id, wanted, last_event_id=_last_event_id(request), is_allowed=is_allowed
    )
    # nginx would keep events back until it has a buffer full of them.
    headers = (("Cache-Control", "no-store"), ("X-Accel-Buffering", "no"))
    return Answer(content=pieces, media_type=endpoint.EVENT_STREAM, headers=headers)


def _last_event_id(request: ApiRequest) -> UUID | None:
    text = request.headers.get(LAST_EVENT_ID.lower())
    if not text:
        return None
    try:
        return msgspec.convert(text, type=UUID)
    except msgspec.ValidationError as error:
        message = "Must be the id of an event, or leave the header out."
        fault = ValidationErrorDetail(
            path=f"header.{LAST_EVENT_ID}", input=excerpt(text), message=message, error_type=ErrorType.FORMAT
        )
        raise InvalidRequestError([fault]) from error


EVENT_STREAM: Final = Endpoint(
    method="GET",
    path="/v2/fleetwrite/events",
    operation_id="stream_events",
    summary="Follow events live",
    description="Server-sent events, each with the event's id, name, and as `data` the envelope of webhooks without "
    "`webhook_id` and `delivery_attempt`. The header `Last-Event-ID` goes on behind that event. Wildcards name all "
    "events of a resource. Comments come when there is nothing to tell.",
    tag=Tag.WEBHOOKS,
    handler=stream_events,
    scope=Scope.WEBHOOK_READ,
    query=StreamQuery,
    answers={
        200: AnswerShape(description="The stream, without an end.", content=str, media_type=endpoint.EVENT_STREAM)
    },
)
