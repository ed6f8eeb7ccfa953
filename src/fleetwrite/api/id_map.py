"""Endpoints of the id map: which id of ours stands for what at a TSP, and ids that a partner brings."""

from typing import Annotated, Final
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from fleetwrite.access.scopes import Scope
from fleetwrite.api.endpoint import CSV, Answer, AnswerShape, ApiRequest, Endpoint, Tag
from fleetwrite.api.intake import InvalidRequestError
from fleetwrite.api.records import Ids, Texts
from fleetwrite.bootstrap import Services
from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.contract.errors import ErrorType, ValidationErrorDetail
from fleetwrite.contract.pages import CursorPage
from fleetwrite.kit.keyset import Window, decode_cursor
from fleetwrite.records.id_map_models import NATURAL_KEYS, ImportResult, LookUp, RecordMapping
from fleetwrite.records.rendering import READ_MODELS

_PATH: Final = "/v2/fleetwrite/records"

LARGEST_IMPORT: Final = 16 * 1024 * 1024
"""Bytes: some 100,000 lines. They are held while they are read."""

Resource = Annotated[str, Meta(extra_json_schema={"enum": [resource.value for resource in READ_MODELS]})]


class ExportQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which part of the id map."""

    connection_id: UUID | None = None
    fleet_refs: Texts | None = None
    resource: Resource | None = None


class LookUpQuery(ExportQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is looked up: by our ids, the TSP's, the partner's own names, or by what both sides know it by."""

    ids: Ids | None = None
    source_ids: Texts | None = None
    record_refs: Texts | None = None
    vins: Texts | None = None
    license_plate_numbers: Texts | None = None
    eld_serial_numbers: Texts | None = None
    external_ids: Texts | None = None
    employee_numbers: Texts | None = None
    usernames: Texts | None = None
    user_emails: Texts | None = None
    cursor: str | None = None
    size: Annotated[int, Meta(ge=1, le=1000)] = 300


class ImportQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Query of an import. `apply`: do it. Otherwise the file is only checked."""

    apply: bool = False


_KEYS: Final = ("ids", "source_ids", "record_refs", *(f"{key}s" for key in NATURAL_KEYS))


async def look_up_records(services: Services, request: ApiRequest) -> Answer:
    """Lines of the id map."""
    query: LookUpQuery = request.query
    if all(getattr(query, key) is None for key in _KEYS):
        raise InvalidRequestError(
            [
                ValidationErrorDetail(
                    path="query",
                    input="",
                    message=f"Name what to look up: {', '.join(_KEYS)}. All there is comes by {_PATH}/export.",
                    error_type=ErrorType.MISSING,
                )
            ]
        )
    wanted = msgspec.structs.replace(
        _narrowed(query),
        ids=query.ids,
        source_ids=query.source_ids,
        record_refs=query.record_refs,
        keys={key: texts for key in NATURAL_KEYS if (texts := getattr(query, f"{key}s")) is not None},
    )
    window = Window(cursor=decode_cursor(query.cursor), size=query.size)
    return Answer(content=await services.id_map.look_up(request.partner_id, wanted, window))


async def export_records(services: Services, request: ApiRequest) -> Answer:
    """The id map as a file."""
    query: ExportQuery = request.query
    if query.connection_id is not None:
        # An empty file would look like an account without records.
        await services.connections.get(request.partner_id, query.connection_id)
    return Answer(
        content=services.id_map.export(request.partner_id, _narrowed(query)),
        media_type=f"{CSV}; charset=utf-8",
        headers=(("Content-Disposition", 'attachment; filename="records.csv"'),),
    )


def _narrowed(query: ExportQuery) -> LookUp:
    resource = None if query.resource is None else ResourceEnum(query.resource)
    return LookUp(connection_id=query.connection_id, fleet_refs=query.fleet_refs, resource=resource)


async def import_records(services: Services, request: ApiRequest) -> Answer:
    """Take over ids that a file brings."""
    result = await services.id_map.import_file(
        request.partner_id, request.body, apply=request.query.apply, actor=request.actor
    )
    return Answer(content=result)


ID_MAP: Final = (
    Endpoint(
        method="GET",
        path=_PATH,
        operation_id="look_up_records",
        summary="Find records by the TSP's ids, by your own names, or by what both sides know",
        description="Within one connection or all of yours, also what the TSP has no more and ids that are only "
        "reserved (`state`). At least one of the lists is needed; all that are given must hold. Natural keys "
        "(`vins` to `user_emails`) are compared without regard to upper and lower case.",
        tag=Tag.RECORDS,
        handler=look_up_records,
        scope=Scope.TELEMATICS_READ,
        query=LookUpQuery,
        answers={200: AnswerShape(description="A page of the id map.", content=CursorPage[RecordMapping])},
    ),
    Endpoint(
        method="GET",
        path=f"{_PATH}/export",
        operation_id="export_records",
        summary="Take the id map along as CSV",
        description="One line for each record, by connection, resource and `source_id`. An import takes the file as "
        "it is. A file that ends before the answer does is cut short: ask again.",
        tag=Tag.RECORDS,
        handler=export_records,
        scope=Scope.TELEMATICS_READ,
        query=ExportQuery,
        answers={
            200: AnswerShape(description="The id map.", content=str, media_type=CSV, headers=("Content-Disposition",))
        },
    ),
    Endpoint(
        method="POST",
        path=f"{_PATH}/import",
        operation_id="import_records",
        summary="Bring ids and names of your own",
        description="CSV of at most 16 MiB with the columns `connection_id`, `resource`, `source_id`, and `id` (ours "
        "from now on; empty: as it is), `record_ref` (your own name; empty: none). The other columns of an export are "
        "accepted and not read. Without `apply=true` the file is only checked. All lines are taken or none: 422 names "
        "what is wrong by line (`body.17.id`).",
        tag=Tag.RECORDS,
        handler=import_records,
        scope=Scope.TELEMATICS_WRITE,
        query=ImportQuery,
        body=str,
        media_type=CSV,
        largest_body=LARGEST_IMPORT,
        answers={200: AnswerShape(description="What changes, or has changed.", content=ImportResult)},
    ),
)
