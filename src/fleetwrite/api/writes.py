"""The ten write endpoints, alike but for what they write."""

from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from fleetwrite.access.scopes import Scope
from fleetwrite.api.endpoint import Answer, AnswerShape, ApiRequest, Endpoint, Handler, Tag
from fleetwrite.api.headers import IDEMPOTENCY_REPLAYED, IGNORED_FIELDS, LOSSES, PREFERENCE_APPLIED, name_list
from fleetwrite.bootstrap import Services
from fleetwrite.contract.enums import ResourceEnum, ResourceOperationStatusEnum, ResourceOperationTypeEnum
from fleetwrite.contract.telematics import WRITE_BODIES, ResourceOperation
from fleetwrite.operations.models import WriteRequest
from fleetwrite.operations.preview import Preview

_ANSWER_HEADERS: Final = (LOSSES, IGNORED_FIELDS, PREFERENCE_APPLIED, IDEMPOTENCY_REPLAYED)

_ANSWERS: Final = {
    200: AnswerShape(
        description="`is_sync=true`: the TSP has it. `dry_run=true`: what would be sent.",
        content=ResourceOperation,
        otherwise=Preview,
        headers=_ANSWER_HEADERS,
    ),
    202: AnswerShape(
        description="Accepted; delivery goes on in the background.",
        content=ResourceOperation,
        headers=_ANSWER_HEADERS,
    ),
    502: AnswerShape(
        description="`is_sync=true`: the TSP could not be written to; `logs` say why.",
        content=ResourceOperation,
        headers=_ANSWER_HEADERS,
    ),
}

_SYNC_STATUSES: Final = {
    ResourceOperationStatusEnum.SUCCESS: 200,
    ResourceOperationStatusEnum.FAILED: 502,
    ResourceOperationStatusEnum.PENDING: 202,
}
"""Status of the answer to a sync write, by what became of the operation."""


class WriteQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Query of a write.

    Attributes:
        is_sync: call the TSP now, once, and answer with what it said.
        dry_run: send and store nothing, and answer with what would be sent.
    """

    is_sync: bool = False
    dry_run: bool = False


def _writer(resource: ResourceEnum, operation_type: ResourceOperationTypeEnum) -> Handler:
    async def write(services: Services, request: ApiRequest) -> Answer:
        wanted = WriteRequest(
            partner_id=request.partner_id,
            resource=resource,
            operation_type=operation_type,
            record_id=request.path.get("id"),
            body=request.body,
            is_sync=request.query.is_sync,
            directives=request.directives,
        )
        if request.query.dry_run:
            preview = await services.operations.preview(wanted)
            return Answer(content=preview, headers=_losses(loss.field for loss in preview.losses))
        result = await services.operations.write(wanted)
        status = _SYNC_STATUSES[result.operation.status] if result.is_sync else 202
        replayed = ((IDEMPOTENCY_REPLAYED, "true"),) if result.is_replayed else ()
        return Answer(status=status, content=result.operation, headers=(*_losses(result.losses), *replayed))

    return write


def _losses(fields: Iterable[str]) -> tuple[tuple[str, str], ...]:
    names = name_list(fields)
    return ((LOSSES, names),) if names else ()


def _write(resource: ResourceEnum, operation_type: ResourceOperationTypeEnum, path: str, tag: Tag) -> Endpoint:
    creates = operation_type is ResourceOperationTypeEnum.CREATE
    name = resource.value
    spoken = name.replace("_", " ").replace("dvir", "DVIR")
    return Endpoint(
        method="POST" if creates else "PATCH",
        path=path if creates else f"{path}/{{id}}",
        operation_id=f"{operation_type.value}_{name}",
        summary=f"{operation_type.value.capitalize()} a {spoken}",
        tag=tag,
        handler=_writer(resource, operation_type),
        scope=Scope.TELEMATICS_WRITE,
        query=WriteQuery,
        body=WRITE_BODIES[resource, operation_type],
        has_directives=True,
        answers=_ANSWERS,
    )


_CREATE: Final = ResourceOperationTypeEnum.CREATE
_UPDATE: Final = ResourceOperationTypeEnum.UPDATE

WRITES: Final = (
    _write(ResourceEnum.VEHICLE, _CREATE, "/v2/telematics/vehicles", Tag.TRACKING),
    _write(ResourceEnum.VEHICLE, _UPDATE, "/v2/telematics/vehicles", Tag.TRACKING),
    _write(ResourceEnum.TRAILER, _CREATE, "/v2/telematics/trailers", Tag.TRACKING),
    _write(ResourceEnum.TRAILER, _UPDATE, "/v2/telematics/trailers", Tag.TRACKING),
    _write(ResourceEnum.USER, _CREATE, "/v2/telematics/users", Tag.PEOPLE),
    _write(ResourceEnum.USER, _UPDATE, "/v2/telematics/users", Tag.PEOPLE),
    _write(ResourceEnum.MESSAGE, _CREATE, "/v2/telematics/messages", Tag.PEOPLE),
    _write(ResourceEnum.GROUP_MESSAGE, _CREATE, "/v2/telematics/group-messages", Tag.PEOPLE),
    _write(ResourceEnum.DVIR_LOG, _CREATE, "/v2/telematics/dvir-logs", Tag.COMPLIANCE),
    _write(ResourceEnum.FUEL_TRANSACTION, _CREATE, "/v2/telematics/fuel-transactions", Tag.MAINTENANCE),
)
