"""Endpoints by which the operator hands out and erases all that is kept of a fleet."""

from typing import Final

from fleetwrite.access.scopes import Scope
from fleetwrite.api.endpoint import Answer, AnswerShape, ApiRequest, Endpoint, Tag
from fleetwrite.bootstrap import Services
from fleetwrite.fleet_data.export import MEDIA_TYPE, file_name, pieces
from fleetwrite.fleet_data.models import Erasure

_PATH: Final = "/v2/fleetwrite/admin/fleets/{fleet_id}"

_UNSTORED: Final = (("Cache-Control", "no-store"),)


async def export_fleet(services: Services, request: ApiRequest) -> Answer:
    """All that is kept of a fleet."""
    fleet_id = request.path["fleet_id"]
    spooled = await services.fleet_export.spool(fleet_id, actor=request.actor)
    headers = (*_UNSTORED, ("Content-Disposition", f'attachment; filename="{file_name(fleet_id)}"'))
    return Answer(content=pieces(spooled), media_type=MEDIA_TYPE, headers=headers)


async def erase_fleet(services: Services, request: ApiRequest) -> Answer:
    """Have a fleet erased."""
    return Answer(status=202, content=await services.fleet_erasure.begin(request.path["fleet_id"], actor=request.actor))


async def get_erasure(services: Services, request: ApiRequest) -> Answer:
    """How far the erasure of a fleet has come."""
    return Answer(content=await services.fleet_erasure.get(request.path["fleet_id"]))


FLEET_DATA: Final = (
    Endpoint(
        method="GET",
        path=f"{_PATH}/export",
        operation_id="admin_export_fleet",
        summary="Hand out all that is kept of a fleet",
        description="Lines of JSON, as docs/howto/export-and-erase-a-fleet.md has them; the last one says `end`. "
        "No secret is in it. The answer begins when all has been read: for a large fleet, use "
        "`fleetwrite admin fleet export`.",
        tag=Tag.ADMIN,
        handler=export_fleet,
        scope=Scope.ADMIN,
        answers={
            200: AnswerShape(
                description="The lines.",
                content=str,
                media_type=MEDIA_TYPE,
                headers=("Cache-Control", "Content-Disposition"),
            )
        },
    ),
    Endpoint(
        method="DELETE",
        path=_PATH,
        operation_id="admin_erase_fleet",
        summary="Erase a fleet",
        description="There is no way back. Its agreements end at once; the workers disconnect it, end what waits, and "
        "remove what is kept of it. Asking again changes nothing.",
        tag=Tag.ADMIN,
        handler=erase_fleet,
        scope=Scope.ADMIN,
        answers={202: AnswerShape(description="How far it has come.", content=Erasure)},
    ),
    Endpoint(
        method="GET",
        path=f"{_PATH}/erasure",
        operation_id="admin_get_erasure",
        summary="See how far the erasure of a fleet has come",
        tag=Tag.ADMIN,
        handler=get_erasure,
        scope=Scope.ADMIN,
        answers={200: AnswerShape(description="The erasure.", content=Erasure)},
    ),
)
