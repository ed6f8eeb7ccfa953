"""Endpoints of ours by which partners see through operations, call them off and try them anew."""

from typing import Final

import msgspec
from msgspec import Struct

from fleetwrite.access.scopes import Scope
from fleetwrite.api.endpoint import Answer, AnswerShape, ApiRequest, Endpoint, Tag
from fleetwrite.api.intake import InvalidRequestError
from fleetwrite.bootstrap import Services
from fleetwrite.contract.errors import ErrorType, ValidationErrorDetail
from fleetwrite.contract.pages import CursorPage
from fleetwrite.operations.control import Batch, BatchResult
from fleetwrite.operations.listing import FilterQuery, OperationDetail, OperationEntry, OperationFilter

_PATH: Final = "/v2/fleetwrite/operations"


class RetryQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Query of a retry. `force`: though the record was written again since, or the write may have been made already."""

    force: bool = False


async def list_operations(services: Services, request: ApiRequest) -> Answer:
    """The caller's operations that meet a filter."""
    return Answer(content=await services.control.page(request.partner_id, request.query))


async def get_operation(services: Services, request: ApiRequest) -> Answer:
    """One operation, and where it stands."""
    return Answer(content=await services.control.detail(request.partner_id, request.path["id"]))


async def cancel_operation(services: Services, request: ApiRequest) -> Answer:
    """Call an operation off."""
    return Answer(content=await services.control.cancel(request.partner_id, request.path["id"]))


async def retry_operation(services: Services, request: ApiRequest) -> Answer:
    """Try a failed operation anew."""
    path_id, force = request.path["id"], request.query.force
    return Answer(content=await services.control.retry(request.partner_id, path_id, force=force))


async def cancel_operations(services: Services, request: ApiRequest) -> Answer:
    """Call off what a filter finds."""
    return Answer(content=await services.control.cancel_many(request.partner_id, _narrowed(request.body)))


async def retry_operations(services: Services, request: ApiRequest) -> Answer:
    """Try anew what a filter finds."""
    batch, force = _narrowed(request.body), request.query.force
    return Answer(content=await services.control.retry_many(request.partner_id, batch, force=force))


def _narrowed(batch: Batch) -> Batch:
    """The batch, unless it would concern everything: that has to be said in so many words."""
    if any(getattr(batch, name) is not None for name in OperationFilter.__struct_fields__):
        return batch
    raise InvalidRequestError(
        [
            ValidationErrorDetail(
                path="body",
                input=msgspec.json.encode(batch).decode(),
                message="Name at least one filter. `status` alone means all of the partner's operations in it.",
                error_type=ErrorType.MISSING,
            )
        ]
    )


CONTROL: Final = (
    Endpoint(
        method="GET",
        path=_PATH,
        operation_id="list_operations",
        summary="Find resource operations by what went wrong with them",
        description="Oldest first. Beside the contract's fields: expiry, end, outcome code, Idempotency-Key.",
        tag=Tag.OPERATIONS,
        handler=list_operations,
        scope=Scope.RESOURCE_OPERATION_READ,
        query=FilterQuery,
        answers={200: AnswerShape(description="A page of operations.", content=CursorPage[OperationEntry])},
    ),
    Endpoint(
        method="POST",
        path=f"{_PATH}/cancel",
        operation_id="cancel_operations",
        summary="Cancel pending operations by filter",
        description="Those of one page of the filter that are not being sent and can not have been sent, oldest first. "
        "Go on with `cursor` from `next_page` until that is null.",
        tag=Tag.OPERATIONS,
        handler=cancel_operations,
        scope=Scope.TELEMATICS_WRITE,
        body=Batch,
        answers={200: AnswerShape(description="What was cancelled, and what was not.", content=BatchResult)},
    ),
    Endpoint(
        method="POST",
        path=f"{_PATH}/retry",
        operation_id="retry_operations",
        summary="Retry failed operations by filter",
        description="Those of one page of the filter, oldest first, each as by a retry of its own. Go on with `cursor` "
        "from `next_page` until that is null.",
        tag=Tag.OPERATIONS,
        handler=retry_operations,
        scope=Scope.TELEMATICS_WRITE,
        query=RetryQuery,
        body=Batch,
        answers={200: AnswerShape(description="What is tried anew, and what is not.", content=BatchResult)},
    ),
    Endpoint(
        method="GET",
        path=f"{_PATH}/{{id}}",
        operation_id="get_operation",
        summary="See where a resource operation stands",
        description="Its attempts and, while it is pending, its place in its lane, its estimated start, and the limits "
        "it waits for.",
        tag=Tag.OPERATIONS,
        handler=get_operation,
        scope=Scope.RESOURCE_OPERATION_READ,
        answers={200: AnswerShape(description="The operation.", content=OperationDetail)},
    ),
    Endpoint(
        method="POST",
        path=f"{_PATH}/{{id}}/cancel",
        operation_id="cancel_operation",
        summary="Cancel a resource operation that was not sent yet",
        description="It ends as `failed`, with `cancelled:`. 409: it has ended, is being sent, or may have been sent.",
        tag=Tag.OPERATIONS,
        handler=cancel_operation,
        scope=Scope.TELEMATICS_WRITE,
        answers={200: AnswerShape(description="The operation as it ended.", content=OperationDetail)},
    ),
    Endpoint(
        method="POST",
        path=f"{_PATH}/{{id}}/retry",
        operation_id="retry_operation",
        summary="Retry a failed resource operation",
        description="The same operation is pending again, with a new deadline. 409: it did not fail; its record was "
        "written again since; or it may have been written already. `force=true` overrides the last two.",
        tag=Tag.OPERATIONS,
        handler=retry_operation,
        scope=Scope.TELEMATICS_WRITE,
        query=RetryQuery,
        answers={200: AnswerShape(description="The operation, pending.", content=OperationDetail)},
    ),
)
