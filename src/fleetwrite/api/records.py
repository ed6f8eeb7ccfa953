"""Endpoints that list and show vehicles, trailers and users."""

from typing import Annotated, Final
from uuid import UUID

from msgspec import Meta, Struct

from fleetwrite.access.scopes import Scope
from fleetwrite.api.endpoint import Answer, AnswerShape, ApiRequest, Endpoint, Handler, Tag
from fleetwrite.bootstrap import Services
from fleetwrite.contract.enums import ResourceEnum, SortOrder
from fleetwrite.contract.pages import CountedCursorPage
from fleetwrite.contract.telematics_reads import TrailerRead, UserRead, VehicleRead
from fleetwrite.kit.keyset import Window, decode_cursor
from fleetwrite.records.rendering import ReadModel
from fleetwrite.records.store import RecordFilter

Ids = Annotated[list[UUID], Meta(max_length=100)]
Texts = Annotated[list[str], Meta(max_length=100)]


class RecordQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Filters that all lists share; all must hold. Lists are sent by repeating the name."""

    fleet_ids: Ids | None = None
    fleet_refs: Texts | None = None
    connection_id: UUID | None = None
    include_source_data: bool = False
    source_ids: Texts | None = None
    sort_order: SortOrder = SortOrder.ASC
    cursor: str | None = None
    size: Annotated[int, Meta(ge=1, le=1000)] = 300


class VehicleQuery(RecordQuery, frozen=True, kw_only=True):
    """Filters of the list of vehicles."""

    vehicle_ids: Ids | None = None


class TrailerQuery(RecordQuery, frozen=True, kw_only=True):
    """Filters of the list of trailers."""

    trailer_ids: Ids | None = None


class UserQuery(RecordQuery, frozen=True, kw_only=True):
    """Filters of the list of users."""

    user_ids: Ids | None = None
    is_driver: bool | None = None


class RecordReadQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Query of one record."""

    include_source_data: bool = False


def _lister(resource: ResourceEnum) -> Handler:
    async def list_records(services: Services, request: ApiRequest) -> Answer:
        query: RecordQuery = request.query
        counted = await services.records.page(
            request.partner_id,
            RecordFilter(
                resource=resource,
                connection_id=query.connection_id,
                fleet_ids=query.fleet_ids,
                fleet_refs=query.fleet_refs,
                ids=getattr(query, f"{resource.value}_ids"),
                source_ids=query.source_ids,
                is_driver=query.is_driver if isinstance(query, UserQuery) else None,
            ),
            Window(
                cursor=decode_cursor(query.cursor),
                size=query.size,
                descending=query.sort_order is SortOrder.DESC,
            ),
            include_source_data=query.include_source_data,
        )
        page = counted.page
        return Answer(
            content=CountedCursorPage[ReadModel](
                items=list(page.items),
                total=counted.total,
                current_page=page.current_page,
                current_page_backwards=page.current_page_backwards,
                previous_page=page.previous_page,
                next_page=page.next_page,
            )
        )

    return list_records


def _getter(resource: ResourceEnum) -> Handler:
    async def get_record(services: Services, request: ApiRequest) -> Answer:
        record = await services.records.get(
            request.partner_id,
            resource,
            request.path["id"],
            include_source_data=request.query.include_source_data,
        )
        return Answer(content=record)

    return get_record


def _reads(
    resource: ResourceEnum, model: type[ReadModel], query: type[RecordQuery], tag: Tag
) -> tuple[Endpoint, Endpoint]:
    name = resource.value
    path = f"/v2/telematics/{name}s"
    return (
        Endpoint(
            method="GET",
            path=path,
            operation_id=f"list_{name}s",
            summary=f"List {name}s",
            tag=tag,
            handler=_lister(resource),
            scope=Scope.TELEMATICS_READ,
            query=query,
            answers={
                200: AnswerShape(description=f"A page of {name}s.", content=CountedCursorPage[model])  # type: ignore[valid-type] # a value that mypy takes for a variable
            },
        ),
        Endpoint(
            method="GET",
            # The contract calls this parameter `<resource>_id` here and `id` in PATCH; OpenAPI wants one name a path.
            path=f"{path}/{{id}}",
            operation_id=f"get_{name}",
            summary=f"Get a {name}",
            tag=tag,
            handler=_getter(resource),
            scope=Scope.TELEMATICS_READ,
            query=RecordReadQuery,
            answers={200: AnswerShape(description=f"The {name}.", content=model)},
        ),
    )


RECORDS: Final = (
    *_reads(ResourceEnum.VEHICLE, VehicleRead, VehicleQuery, Tag.TRACKING),
    *_reads(ResourceEnum.TRAILER, TrailerRead, TrailerQuery, Tag.TRACKING),
    *_reads(ResourceEnum.USER, UserRead, UserQuery, Tag.PEOPLE),
)
