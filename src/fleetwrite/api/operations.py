"""Endpoints that follow resource operations."""

from typing import Final

from msgspec import Struct

from fleetwrite.access.scopes import Scope
from fleetwrite.api.endpoint import Answer, AnswerShape, ApiRequest, Endpoint, Tag
from fleetwrite.bootstrap import Services
from fleetwrite.contract.integrations import ResourceOperationRead
from fleetwrite.contract.pages import CursorPage
from fleetwrite.operations.service import OperationQuery


class OperationSecrets(Struct, frozen=True, kw_only=True):
    """What Fleetwrite made up for an operation, by name (`password`)."""

    secrets: dict[str, str]


async def list_resource_operations(services: Services, request: ApiRequest) -> Answer:
    """The caller's operations."""
    return Answer(content=await services.operations.page(request.partner_id, request.query))


async def get_resource_operation(services: Services, request: ApiRequest) -> Answer:
    """One operation with its attempts."""
    path = request.path
    operation = await services.operations.get(request.partner_id, path["connection_id"], path["resource_operation_id"])
    return Answer(content=operation)


async def collect_secrets(services: Services, request: ApiRequest) -> Answer:
    """Hand out an operation's secrets, once."""
    secrets = await services.operations.collect_secrets(request.partner_id, request.path["id"])
    return Answer(content=OperationSecrets(secrets=secrets), headers=(("Cache-Control", "no-store"),))


OPERATIONS: Final = (
    Endpoint(
        method="GET",
        path="/v2/integrations/connections/resource-operations",
        operation_id="list_resource_operations",
        summary="List resource operations",
        description="Times filter by `created_at`. Without `from_datetime` the list begins a day before its end; "
        "it spans at most 45 days. `source_id` needs `resource` beside it.",
        tag=Tag.OPERATIONS,
        handler=list_resource_operations,
        scope=Scope.RESOURCE_OPERATION_READ,
        query=OperationQuery,
        answers={200: AnswerShape(description="A page of operations.", content=CursorPage[ResourceOperationRead])},
    ),
    Endpoint(
        method="GET",
        path="/v2/integrations/connections/{connection_id}/resource-operations/{resource_operation_id}",
        operation_id="get_resource_operation",
        summary="Get a resource operation",
        tag=Tag.OPERATIONS,
        handler=get_resource_operation,
        scope=Scope.RESOURCE_OPERATION_READ,
        answers={200: AnswerShape(description="The operation with its attempts.", content=ResourceOperationRead)},
    ),
    Endpoint(
        method="POST",
        path="/v2/fleetwrite/operations/{id}/secrets",
        operation_id="collect_operation_secrets",
        summary="Collect what was made up for an operation",
        description="A TSP may require what the contract has no field for, such as a driver's first password. It can "
        "be collected once when the operation has ended, then it is destroyed.",
        tag=Tag.OPERATIONS,
        handler=collect_secrets,
        scope=Scope.TELEMATICS_WRITE,
        answers={
            200: AnswerShape(description="The secrets by name.", content=OperationSecrets, headers=("Cache-Control",))
        },
    ),
)
