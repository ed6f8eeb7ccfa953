"""Endpoints that steer connections: whether they accept and send, and how fast they may be written to."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Final
from uuid import UUID

from msgspec import Meta, Struct

from fleetwrite.access.scopes import Scope
from fleetwrite.api.endpoint import Answer, AnswerShape, ApiRequest, Endpoint, Tag
from fleetwrite.api.intake import InvalidRequestError
from fleetwrite.bootstrap import Services
from fleetwrite.connections.models import Connection
from fleetwrite.connections.service import LANE_KIND
from fleetwrite.contract.enums import ConnectionStatusEnum
from fleetwrite.contract.errors import ErrorType, ValidationErrorDetail
from fleetwrite.dispatch.models import BudgetLimit

_STATE_PATH: Final = "/v2/fleetwrite/connections/{id}"
_BUDGETS_PATH: Final = "/v2/fleetwrite/connections/{id}/budgets"

PerSeconds = Annotated[
    Decimal, Meta(extra_json_schema={"x-json-type": "number", "minimum": 0.001, "maximum": 2_592_000})
]


class BudgetBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """At most `requests` calls in any `per_seconds` seconds, and at most `in_flight` at a time.

    One of the two can be left out. The bounds keep out slips, not wishes.
    """

    scope: str
    requests: Annotated[int, Meta(ge=1, le=1_000_000)] | None = None
    per_seconds: PerSeconds | None = None
    in_flight: Annotated[int, Meta(ge=1, le=100_000)] | None = None


class BudgetsBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All limits of a connection; a scope that is not named has none."""

    budgets: Annotated[list[BudgetBody], Meta(max_length=100)]


class BudgetRead(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A limit as it can be put back."""

    scope: str
    requests: int | None = None
    per_seconds: float | None = None
    in_flight: int | None = None


class BudgetsRead(Struct, frozen=True, kw_only=True):
    """The limits in force."""

    budgets: list[BudgetRead]


def _budgets_read(limits: Sequence[BudgetLimit]) -> BudgetsRead:
    return BudgetsRead(
        budgets=[
            BudgetRead(scope=one.scope, requests=one.requests, per_seconds=one.per_seconds, in_flight=one.in_flight)
            for one in limits
        ]
    )


class ConnectionState(Struct, frozen=True, kw_only=True):
    """Whether a connection accepts and sends.

    Attributes:
        status: the contract's.
        accepts: whether it takes new writes; false while it is drained.
        sends: whether what waits is delivered.
        is_tsp_paused: the operator sends nothing to its TSP now.
        waiting: how many writes wait or are under way, counted up to 100,000.
    """

    connection_id: UUID
    status: ConnectionStatusEnum
    accepts: bool
    sends: bool
    is_tsp_paused: bool
    waiting: int


async def get_state(services: Services, request: ApiRequest) -> Answer:
    """Whether a connection accepts and sends."""
    return await _state(services, await services.connections.get(request.partner_id, request.path["id"]))


async def pause(services: Services, request: ApiRequest) -> Answer:
    """Send nothing more."""
    return await _state(
        services, await services.steering.pause(request.partner_id, request.path["id"], actor=request.actor)
    )


async def resume(services: Services, request: ApiRequest) -> Answer:
    """Accept and send again."""
    return await _state(
        services, await services.steering.resume(request.partner_id, request.path["id"], actor=request.actor)
    )


async def drain(services: Services, request: ApiRequest) -> Answer:
    """Accept nothing more."""
    return await _state(
        services, await services.steering.drain(request.partner_id, request.path["id"], actor=request.actor)
    )


async def _state(services: Services, connection: Connection) -> Answer:
    state = ConnectionState(
        connection_id=connection.id,
        status=connection.status,
        accepts=not connection.is_draining,
        sends=connection.silence is None,
        is_tsp_paused=connection.is_tsp_paused,
        waiting=await services.dispatch.count_waiting(connection.id, LANE_KIND),
    )
    return Answer(content=state)


async def get_budgets(services: Services, request: ApiRequest) -> Answer:
    """The limits in force for a connection."""
    limits = await services.connection_budgets.get(request.partner_id, request.path["id"])
    return Answer(content=_budgets_read(limits))


async def replace_budgets(services: Services, request: ApiRequest) -> Answer:
    """Set all limits of a connection anew."""
    body: BudgetsBody = request.body
    _check_budgets(body.budgets)
    wanted = [
        BudgetLimit(
            scope=budget.scope,
            requests=budget.requests,
            per_seconds=None if budget.per_seconds is None else float(budget.per_seconds),
            in_flight=budget.in_flight,
        )
        for budget in body.budgets
    ]
    limits = await services.connection_budgets.replace(
        request.partner_id, request.path["id"], wanted, actor=request.actor
    )
    return Answer(content=_budgets_read(limits))


def _check_budgets(budgets: Sequence[BudgetBody]) -> None:
    scopes = [budget.scope for budget in budgets]
    faults = [
        ValidationErrorDetail(
            path=f"body.budgets.{place}.{name}",
            input="",
            message="`requests` and `per_seconds` go together; leave out both only where `in_flight` is given.",
            error_type=ErrorType.MISSING,
        )
        for place, budget in enumerate(budgets)
        for name, value, other in (
            ("requests", budget.requests, budget.per_seconds),
            ("per_seconds", budget.per_seconds, budget.requests),
        )
        if value is None and (other is not None or budget.in_flight is None)
    ]
    faults += [
        ValidationErrorDetail(
            path=f"body.budgets.{place}.scope",
            input=scope,
            message="This scope has a limit already; name each scope once.",
            error_type=ErrorType.RANGE,
        )
        for place, scope in enumerate(scopes)
        if scope in scopes[:place]
    ]
    if faults:
        raise InvalidRequestError(faults)


_STEERED: Final = {200: AnswerShape(description="The connection as it stands now.", content=ConnectionState)}

CONNECTION_CONTROL: Final = (
    Endpoint(
        method="GET",
        path=_STATE_PATH,
        operation_id="get_connection_state",
        summary="See whether a connection accepts and sends, and how much waits",
        tag=Tag.CONNECTIONS,
        handler=get_state,
        scope=Scope.CONNECTION_READ,
        answers=_STEERED,
    ),
    Endpoint(
        method="POST",
        path=f"{_STATE_PATH}/pause",
        operation_id="pause_connection",
        summary="Send nothing through a connection",
        description="It goes on accepting; what waits is kept until its deadline. What is under way is finished.",
        tag=Tag.CONNECTIONS,
        handler=pause,
        scope=Scope.CONNECTION_UPDATE,
        answers=_STEERED,
    ),
    Endpoint(
        method="POST",
        path=f"{_STATE_PATH}/resume",
        operation_id="resume_connection",
        summary="Accept and send again",
        description="Ends a pause and a drain. A stale connection is tried again.",
        tag=Tag.CONNECTIONS,
        handler=resume,
        scope=Scope.CONNECTION_UPDATE,
        answers=_STEERED,
    ),
    Endpoint(
        method="POST",
        path=f"{_STATE_PATH}/drain",
        operation_id="drain_connection",
        summary="Accept no new writes, and deliver what waits",
        description="New writes and retries are refused with 409, until the connection is resumed.",
        tag=Tag.CONNECTIONS,
        handler=drain,
        scope=Scope.CONNECTION_UPDATE,
        answers=_STEERED,
    ),
    Endpoint(
        method="GET",
        path=_BUDGETS_PATH,
        operation_id="get_connection_budgets",
        summary="Get the limits under which a connection is written to",
        tag=Tag.CONNECTIONS,
        handler=get_budgets,
        scope=Scope.CONNECTION_READ,
        answers={200: AnswerShape(description="The limits in force.", content=BudgetsRead)},
    ),
    Endpoint(
        method="PUT",
        path=_BUDGETS_PATH,
        operation_id="replace_connection_budgets",
        summary="Replace the limits under which a connection is written to",
        description="The whole set is replaced: a scope that is not named has no limit any more. Holds from the next "
        "call on.",
        tag=Tag.CONNECTIONS,
        handler=replace_budgets,
        scope=Scope.CONNECTION_UPDATE,
        body=BudgetsBody,
        answers={200: AnswerShape(description="The limits now in force.", content=BudgetsRead)},
    ),
)
