"""Endpoints that list and show the records of the seven resources that can be written."""

from typing import Annotated, Any, Final
from uuid import UUID

from msgspec import Meta, Struct

from fleetwrite.access.scopes import Scope
from fleetwrite.api.endpoint import Answer, AnswerShape, ApiRequest, Endpoint, Handler, Tag
from fleetwrite.api.pages import counted
from fleetwrite.bootstrap import Services
from fleetwrite.contract.enums import ResourceEnum, SortOrder
from fleetwrite.contract.pages import CountedCursorPage
from fleetwrite.contract.telematics import Instant
from fleetwrite.kit.keyset import Window, decode_cursor
from fleetwrite.records.listing import RecordFilter
from fleetwrite.records.references import REFERENCES
from fleetwrite.records.rendering import READ_MODELS
from fleetwrite.records.sorting import DEFAULT, ORDERS

Ids = Annotated[list[UUID], Meta(max_length=100)]
Texts = Annotated[list[str], Meta(max_length=100)]


def _sortable(resource: ResourceEnum) -> Meta:
    return Meta(extra_json_schema={"enum": list(ORDERS[resource])})


VehicleField = Annotated[str, _sortable(ResourceEnum.VEHICLE)]
TrailerField = Annotated[str, _sortable(ResourceEnum.TRAILER)]
UserField = Annotated[str, _sortable(ResourceEnum.USER)]
MessageField = Annotated[str, _sortable(ResourceEnum.MESSAGE)]
GroupMessageField = Annotated[str, _sortable(ResourceEnum.GROUP_MESSAGE)]
DvirLogField = Annotated[str, _sortable(ResourceEnum.DVIR_LOG)]
FuelTransactionField = Annotated[str, _sortable(ResourceEnum.FUEL_TRANSACTION)]


class RecordQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Filters that all lists share; all must hold. Lists are sent by repeating the name."""

    fleet_ids: Ids | None = None
    fleet_refs: Texts | None = None
    connection_id: UUID | None = None
    include_source_data: bool = False
    sort_order: SortOrder = SortOrder.ASC
    cursor: str | None = None
    size: Annotated[int, Meta(ge=1, le=1000)] = 300


class VehicleQuery(RecordQuery, frozen=True, kw_only=True):
    """Filters of the list of vehicles."""

    vehicle_ids: Ids | None = None
    source_ids: Texts | None = None
    sort_by: VehicleField | None = None


class TrailerQuery(RecordQuery, frozen=True, kw_only=True):
    """Filters of the list of trailers."""

    trailer_ids: Ids | None = None
    source_ids: Texts | None = None
    sort_by: TrailerField | None = None


class UserQuery(RecordQuery, frozen=True, kw_only=True):
    """Filters of the list of users."""

    is_driver: bool | None = None
    user_ids: Ids | None = None
    source_ids: Texts | None = None
    sort_by: UserField | None = None


class SpanQuery(RecordQuery, frozen=True, kw_only=True):
    """Filters of lists of what happens. Times filter by `occurred_at`."""

    from_datetime: Instant | None = None
    to_datetime: Instant | None = None


class MessageQuery(SpanQuery, frozen=True, kw_only=True):
    """Filters of the list of messages."""

    sender_ids: Ids | None = None
    recipient_ids: Ids | None = None
    source_sender_ids: Texts | None = None
    source_recipient_ids: Texts | None = None
    sort_by: MessageField | None = None


class GroupMessageQuery(SpanQuery, frozen=True, kw_only=True):
    """Filters of the list of group messages."""

    sender_ids: Ids | None = None
    group_ids: Ids | None = None
    source_sender_ids: Texts | None = None
    source_group_ids: Texts | None = None
    sort_by: GroupMessageField | None = None


class DvirLogQuery(SpanQuery, frozen=True, kw_only=True):
    """Filters of the list of inspections."""

    driver_ids: Ids | None = None
    vehicle_ids: Ids | None = None
    sort_by: DvirLogField | None = None


class FuelTransactionQuery(SpanQuery, frozen=True, kw_only=True):
    """Filters of the list of fuel purchases."""

    driver_ids: Ids | None = None
    source_driver_ids: Texts | None = None
    vehicle_ids: Ids | None = None
    sort_by: FuelTransactionField | None = None


class RecordReadQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Query of one record."""

    include_source_data: bool = False


# Where a query has a filter that is none of these, its name says what: `driver_ids` are among `driver_id`.
_SHARED: Final = frozenset({*SpanQuery.__struct_fields__, "sort_by", "source_ids", "is_driver"})


def _filter(resource: ResourceEnum, query: Any) -> RecordFilter:
    """The filter that a query asks for."""
    references: dict[str, list[UUID]] = {}
    attributes: dict[str, list[str]] = {}
    for name in query.__struct_fields__:
        wanted = getattr(query, name)
        if name in _SHARED or name == f"{resource.value}_ids" or wanted is None:
            continue
        field = name.removesuffix("s")
        if field in REFERENCES.get(resource, {}):
            references[field] = wanted
        else:
            attributes[field] = [str(one) for one in wanted]
    return RecordFilter(
        resource=resource,
        connection_id=query.connection_id,
        fleet_ids=query.fleet_ids,
        fleet_refs=query.fleet_refs,
        ids=getattr(query, f"{resource.value}_ids", None),
        source_ids=getattr(query, "source_ids", None),
        is_driver=getattr(query, "is_driver", None),
        occurred_from=getattr(query, "from_datetime", None),
        occurred_to=getattr(query, "to_datetime", None),
        references=references,
        attributes=attributes,
    )


def _lister(resource: ResourceEnum) -> Handler:
    async def list_records(services: Services, request: ApiRequest) -> Answer:
        query = request.query
        service = services.records
        read = service.page_of_span if isinstance(query, SpanQuery) else service.page
        found = await read(
            request.partner_id,
            _filter(resource, query),
            Window(
                cursor=decode_cursor(query.cursor),
                size=query.size,
                descending=query.sort_order is SortOrder.DESC,
            ),
            sort_by=query.sort_by or DEFAULT,
            include_source_data=query.include_source_data,
        )
        return Answer(content=counted(found.page, found.total))

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


_SORTED: Final = (
    "By `sort_by`, then by id; by `occurred_at` where it is left out. What lacks the field comes first. Columns "
    "(`occurred_at`, `created_at`, `updated_at`, `source_id`) are sorted by an index, other fields by reading all that "
    "the filters let through. What the TSP has no more is left out. `total` is counted with the first page."
)
_SPANNED: Final = " Without `from_datetime` the list begins a day before its end; it spans at most 45 days."


def _list(resource: ResourceEnum, query: type[RecordQuery], path: str, tag: Tag) -> Endpoint:
    spoken = resource.value.replace("_", " ").replace("dvir", "DVIR")
    page = CountedCursorPage[READ_MODELS[resource]]  # type: ignore[valid-type] # a value that mypy takes for a variable
    return Endpoint(
        method="GET",
        path=path,
        operation_id=f"list_{resource.value}s",
        summary=f"List {spoken}s",
        description=_SORTED + (_SPANNED if issubclass(query, SpanQuery) else ""),
        tag=tag,
        handler=_lister(resource),
        scope=Scope.TELEMATICS_READ,
        query=query,
        answers={200: AnswerShape(description=f"A page of {spoken}s.", content=page)},
    )


def _get(resource: ResourceEnum, path: str, tag: Tag) -> Endpoint:
    name = resource.value
    return Endpoint(
        method="GET",
        # The contract calls this parameter `<resource>_id` here and `id` in PATCH; OpenAPI wants one name a path.
        path=f"{path}/{{id}}",
        operation_id=f"get_{name}",
        summary=f"Get a {name}",
        description="Also one that the TSP has no more: `deleted_at` says since when.",
        tag=tag,
        handler=_getter(resource),
        scope=Scope.TELEMATICS_READ,
        query=RecordReadQuery,
        answers={200: AnswerShape(description=f"The {name}.", content=READ_MODELS[resource])},
    )


RECORDS: Final = (
    _list(ResourceEnum.VEHICLE, VehicleQuery, "/v2/telematics/vehicles", Tag.TRACKING),
    _get(ResourceEnum.VEHICLE, "/v2/telematics/vehicles", Tag.TRACKING),
    _list(ResourceEnum.TRAILER, TrailerQuery, "/v2/telematics/trailers", Tag.TRACKING),
    _get(ResourceEnum.TRAILER, "/v2/telematics/trailers", Tag.TRACKING),
    _list(ResourceEnum.USER, UserQuery, "/v2/telematics/users", Tag.PEOPLE),
    _get(ResourceEnum.USER, "/v2/telematics/users", Tag.PEOPLE),
    _list(ResourceEnum.MESSAGE, MessageQuery, "/v2/telematics/messages", Tag.PEOPLE),
    _list(ResourceEnum.GROUP_MESSAGE, GroupMessageQuery, "/v2/telematics/group-messages", Tag.PEOPLE),
    _list(ResourceEnum.DVIR_LOG, DvirLogQuery, "/v2/telematics/dvir-logs", Tag.COMPLIANCE),
    _list(ResourceEnum.FUEL_TRANSACTION, FuelTransactionQuery, "/v2/telematics/fuel-transactions", Tag.MAINTENANCE),
)
