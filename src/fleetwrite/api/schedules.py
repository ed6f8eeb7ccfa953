"""Endpoints of schedules and executions: how often which records are pulled, and how that goes."""

from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, Meta, Struct

from fleetwrite.access.scopes import Scope
from fleetwrite.api.endpoint import Answer, AnswerShape, ApiRequest, Endpoint, Tag
from fleetwrite.api.intake import InvalidRequestError
from fleetwrite.bootstrap import Services
from fleetwrite.connections.models import Connection
from fleetwrite.connectors.sdk.tsp_ids import tsp_id
from fleetwrite.contract.enums import ResourceEnum, ScheduleStatusEnum
from fleetwrite.contract.errors import ErrorType, ValidationErrorDetail
from fleetwrite.contract.integrations import (
    ExecutionRead,
    ScheduleBackfillRequest,
    ScheduleBackfillResponse,
    ScheduleCreate,
    ScheduleRead,
    ScheduleUpdate,
)
from fleetwrite.contract.pages import CursorPage
from fleetwrite.kit.keyset import Window, decode_cursor
from fleetwrite.records.schedule_models import Execution, NewSchedule, Schedule

_CONNECTIONS: Final = "/v2/integrations/connections"
_ALL: Final = f"{_CONNECTIONS}/{{connection_id}}/schedules"
_ONE: Final = f"{_ALL}/{{schedule_id}}"

_BOUNDS: Final = {
    # Less than half a minute would be a burden to any provider, more than a month is a schedule that nobody wants.
    "execution_interval_seconds": (30, 2_592_000),
    "consecutive_error_threshold": (1, 1000),
    "consecutive_error_count": (0, 1000),
    "max_concurrent_executions": (1, 100),
}
"""What the contract leaves open; the bounds keep out slips."""

_SETTABLE: Final = frozenset({ScheduleStatusEnum.ACTIVE, ScheduleStatusEnum.PAUSED, ScheduleStatusEnum.INACTIVE})
_LONGEST_CURSOR: Final = 4000
_MOST_CONNECTIONS: Final = 1000


class ScheduleQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Filters of the list of schedules."""

    resource: ResourceEnum | None = None
    cursor: str | None = None
    size: Annotated[int, Meta(ge=1, le=1000)] = 300


class ExecutionQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which page of the list."""

    cursor: str | None = None
    size: Annotated[int, Meta(ge=1, le=1000)] = 300


async def list_schedules(services: Services, request: ApiRequest) -> Answer:
    """The schedules of a connection."""
    connection = await _connection(services, request)
    query: ScheduleQuery = request.query
    window = Window(cursor=decode_cursor(query.cursor), size=query.size)
    page = await services.schedules.page(connection.id, window, query.resource)
    return Answer(content=page.of(_schedule_read))


async def create_schedule(services: Services, request: ApiRequest) -> Answer:
    """Make a schedule."""
    connection = await _connection(services, request)
    body: ScheduleCreate = request.body
    fields = _given(body)
    _check(fields)
    new = NewSchedule(**fields)
    return _answer(await services.schedules.create(connection.id, connection.tsp_slug, new, actor=request.actor))


async def get_schedule(services: Services, request: ApiRequest) -> Answer:
    """One schedule."""
    connection = await _connection(services, request)
    return _answer(await services.schedules.get(connection.id, request.path["schedule_id"]))


async def update_schedule(services: Services, request: ApiRequest) -> Answer:
    """Change a schedule."""
    connection = await _connection(services, request)
    body: ScheduleUpdate = request.body
    fields = {name: value for name, value in _given(body).items() if value is not None or name == "cursor"}
    _check(fields)
    schedule_id = request.path["schedule_id"]
    return _answer(await services.schedules.change(connection.id, schedule_id, fields, actor=request.actor))


async def delete_schedule(services: Services, request: ApiRequest) -> Answer:
    """End a schedule."""
    connection = await _connection(services, request)
    await services.schedules.delete(connection.id, request.path["schedule_id"], actor=request.actor)
    return Answer(status=204)


async def activate_schedule(services: Services, request: ApiRequest) -> Answer:
    """Let a schedule pull again."""
    connection = await _connection(services, request)
    schedule_id = request.path["schedule_id"]
    return _answer(await services.schedules.activate(connection.id, schedule_id, actor=request.actor))


async def activate_schedules(services: Services, request: ApiRequest) -> Answer:
    """Let all schedules of a connection pull again."""
    connection = await _connection(services, request)
    activated = await services.schedules.activate_all(connection.id, actor=request.actor)
    return Answer(content=[_schedule_read(one) for one in activated])


async def backfill_schedules(services: Services, request: ApiRequest) -> Answer:
    """Make schedules of a resource where there never were any."""
    body: ScheduleBackfillRequest = request.body
    wanted = body.connection_ids or None
    if wanted is not None and len(wanted) > _MOST_CONNECTIONS:
        message = f"At most {_MOST_CONNECTIONS} connections at a time; leave it out for all of them."
        raise InvalidRequestError([_fault("connection_ids", str(len(wanted)), message, ErrorType.RANGE)])
    if wanted is None:
        found = await services.connections.slugs_shared(request.partner_id)
    else:
        each = [await services.connections.get(request.partner_id, one) for one in wanted]
        found = {connection.id: connection.tsp_slug for connection in each}
    if body.tsp_id is not UNSET and body.tsp_id is not None:
        found = {of: slug for of, slug in found.items() if tsp_id(slug) == body.tsp_id}
    made = await services.schedules.backfill(body.resource, set(found.values()), list(found), actor=request.actor)
    return Answer(content=ScheduleBackfillResponse(connection_ids=made))


async def list_executions(services: Services, request: ApiRequest) -> Answer:
    """The executions of a schedule."""
    connection = await _connection(services, request)
    schedule = await services.schedules.get(connection.id, request.path["schedule_id"])
    query: ExecutionQuery = request.query
    window = Window(cursor=decode_cursor(query.cursor), size=query.size, descending=True)
    page = await services.schedules.executions(schedule.id, window)
    return Answer(content=page.of(lambda execution: _execution_read(execution, schedule, connection)))


async def _connection(services: Services, request: ApiRequest) -> Connection:
    return await services.connections.get(request.partner_id, request.path["connection_id"])


def _given(body: Struct) -> dict[str, Any]:
    return {name: value for name, value in msgspec.structs.asdict(body).items() if value is not UNSET}


def _check(fields: dict[str, Any]) -> None:
    """Raise InvalidRequestError where a value can not be."""
    faults = [
        _fault(name, str(fields[name]), f"It must be from {least} to {most}.", ErrorType.RANGE)
        for name, (least, most) in _BOUNDS.items()
        if name in fields and not least <= fields[name] <= most
    ]
    status = fields.get("status", ScheduleStatusEnum.ACTIVE)
    if status not in _SETTABLE:
        message = "Only `active`, `paused` and `inactive` can be set; DELETE ends a schedule."
        faults.append(_fault("status", status, message, ErrorType.ENUM))
    cursor = fields.get("cursor") or ""
    if len(cursor) > _LONGEST_CURSOR or "\0" in cursor:
        message = "This is no cursor of a provider's list; null lets the whole list be read."
        faults.append(_fault("cursor", cursor[:100], message, ErrorType.FORMAT))
    if faults:
        raise InvalidRequestError(faults)


def _fault(field: str, given: str, message: str, error_type: ErrorType) -> ValidationErrorDetail:
    return ValidationErrorDetail(path=f"body.{field}", input=given, message=message, error_type=error_type)


def _answer(schedule: Schedule) -> Answer:
    return Answer(content=_schedule_read(schedule))


def _schedule_read(schedule: Schedule) -> ScheduleRead:
    return ScheduleRead(**{name: getattr(schedule, name) for name in ScheduleRead.__struct_fields__})


def _execution_read(execution: Execution, schedule: Schedule, connection: Connection) -> ExecutionRead:
    return ExecutionRead(
        id=execution.id,
        created_at=execution.created_at,
        updated_at=execution.updated_at,
        schedule_id=execution.schedule_id,
        connection_id=connection.id,
        fleet_id=connection.fleet_id,
        status=execution.status,
        source_name=connection.source_name,
        resource=schedule.resource,
        cursor=execution.cursor,
        response=None if execution.response is None else dict(execution.response),
        last_data_at=execution.last_data_at,
    )


_ONE_ANSWER: Final = {200: AnswerShape(description="The schedule as it is now.", content=ScheduleRead)}

SCHEDULES: Final = (
    Endpoint(
        method="GET",
        path=_ALL,
        operation_id="list_schedules",
        summary="List the schedules of a connection",
        tag=Tag.SCHEDULES,
        handler=list_schedules,
        scope=Scope.SCHEDULE_READ,
        query=ScheduleQuery,
        answers={200: AnswerShape(description="A page of schedules.", content=CursorPage[ScheduleRead])},
    ),
    Endpoint(
        method="POST",
        path=_ALL,
        operation_id="create_schedule",
        summary="Create a schedule",
        description="One for each resource that the TSP lists; a second one is answered with 409, a resource without a "
        "list with 422. A new connection has them all. The first execution is due at once.",
        tag=Tag.SCHEDULES,
        handler=create_schedule,
        scope=Scope.SCHEDULE_CREATE,
        body=ScheduleCreate,
        answers=_ONE_ANSWER,
    ),
    # Before the paths with a schedule's id, as which its last word would be read.
    Endpoint(
        method="POST",
        path=f"{_ALL}/activate-schedules",
        operation_id="activate_schedules",
        summary="Activate all paused and inactive schedules of a connection",
        tag=Tag.SCHEDULES,
        handler=activate_schedules,
        scope=Scope.SCHEDULE_UPDATE,
        answers={200: AnswerShape(description="Those that were activated.", content=list[ScheduleRead])},
    ),
    Endpoint(
        method="POST",
        path=f"{_CONNECTIONS}/schedules/backfill",
        operation_id="backfill_schedules",
        summary="Create schedules of a resource where there never were any",
        description="On these connections, or on all that you see; those whose TSP does not list the resource are left "
        "out, and so are those whose schedule was deleted or is paused.",
        tag=Tag.SCHEDULES,
        handler=backfill_schedules,
        scope=Scope.SCHEDULE_CREATE,
        body=ScheduleBackfillRequest,
        answers={200: AnswerShape(description="Where schedules were made.", content=ScheduleBackfillResponse)},
    ),
    Endpoint(
        method="GET",
        path=_ONE,
        operation_id="get_schedule",
        summary="Get a schedule",
        tag=Tag.SCHEDULES,
        handler=get_schedule,
        scope=Scope.SCHEDULE_READ,
        answers=_ONE_ANSWER,
    ),
    Endpoint(
        method="PATCH",
        path=_ONE,
        operation_id="update_schedule",
        summary="Update a schedule",
        description="`next_execution_at` in the past pulls at once. A null `cursor` lets the next execution read the "
        "whole list; every other null leaves its field alone. `status` may be `active`, `paused` or `inactive`.",
        tag=Tag.SCHEDULES,
        handler=update_schedule,
        scope=Scope.SCHEDULE_UPDATE,
        body=ScheduleUpdate,
        answers=_ONE_ANSWER,
    ),
    Endpoint(
        method="DELETE",
        path=_ONE,
        operation_id="delete_schedule",
        summary="Delete a schedule",
        description="The records stay as they are, and are kept in step no more.",
        tag=Tag.SCHEDULES,
        handler=delete_schedule,
        scope=Scope.SCHEDULE_DELETE,
        answers={204: AnswerShape(description="It is gone.")},
    ),
    Endpoint(
        method="POST",
        path=f"{_ONE}/activate",
        operation_id="activate_schedule",
        summary="Activate a paused or inactive schedule",
        description="Its errors are forgotten, and its next execution is due at once.",
        tag=Tag.SCHEDULES,
        handler=activate_schedule,
        scope=Scope.SCHEDULE_UPDATE,
        answers=_ONE_ANSWER,
    ),
    Endpoint(
        method="GET",
        path=f"{_ONE}/executions",
        operation_id="list_executions",
        summary="List the executions of a schedule",
        description="Those of the last seven days, the newest first. `response` shows what the TSP answered where one "
        "failed, with secrets masked, and cut to its beginning.",
        tag=Tag.SCHEDULES,
        handler=list_executions,
        scope=Scope.EXECUTION_READ,
        query=ExecutionQuery,
        answers={200: AnswerShape(description="A page of executions.", content=CursorPage[ExecutionRead])},
    ),
)
