"""Endpoints of connections as the contract has them: make, list, get, update, delete."""

from typing import Annotated, Final
from uuid import UUID

from msgspec import UNSET, Meta, Struct

from fleetwrite.access.scopes import Scope
from fleetwrite.api.credentials import read_credentials
from fleetwrite.api.endpoint import Answer, AnswerShape, ApiRequest, Endpoint, Tag
from fleetwrite.api.intake import InvalidRequestError
from fleetwrite.bootstrap import Services
from fleetwrite.connections.service import to_read
from fleetwrite.connectors.sdk.manifest import Manifest
from fleetwrite.connectors.sdk.tsp_ids import tsp_id
from fleetwrite.contract.enums import ConnectionStatusEnum
from fleetwrite.contract.errors import BadGateway, ErrorType, ValidationErrorDetail
from fleetwrite.contract.integrations import ConnectionCreate, ConnectionRead, ConnectionUpdate
from fleetwrite.contract.pages import CursorPage
from fleetwrite.kit.keyset import Window, decode_cursor

_PATH: Final = "/v2/integrations/connections"
_CONNECTION_PATH: Final = f"{_PATH}/{{connection_id}}"


class ConnectionQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Filters of the list of connections."""

    tsp_id: UUID | None = None
    fleet_ids: Annotated[list[UUID], Meta(max_length=100)] | None = None
    fleet_refs: Annotated[list[str], Meta(max_length=100)] | None = None
    cursor: str | None = None
    size: Annotated[int, Meta(ge=1, le=1000)] = 300


class NewConnectionQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose account is connected, which the contract's body does not say, and what else its connector must know.

    Attributes:
        fleet_ref, fleet_id: the fleet, by the partner's name for it or by our id; one of the two is needed.
        settings: `name:value`, by the names that the TSP's capabilities list.
    """

    fleet_ref: str | None = None
    fleet_id: UUID | None = None
    settings: Annotated[list[str], Meta(max_length=20)] | None = None


_SETTABLE: Final = frozenset({ConnectionStatusEnum.ACTIVE, ConnectionStatusEnum.PAUSED})


async def create_connection(services: Services, request: ApiRequest) -> Answer:
    """Connect a fleet to a TSP."""
    body: ConnectionCreate = request.body
    query: NewConnectionQuery = request.query
    manifest = _manifest_of(services, body.tsp_id)
    if query.fleet_ref is None and query.fleet_id is None:
        message = "Say whose account this is: `fleet_ref`, your name for the fleet, or `fleet_id`."
        raise InvalidRequestError([_fault("query.fleet_ref", "", message, ErrorType.MISSING)])
    fleet_id = await services.connections.find_fleet(
        request.partner_id, fleet_id=query.fleet_id, fleet_ref=query.fleet_ref
    )
    entered = read_credentials(manifest, body.credentials, query.settings or ())
    made = await services.connecting.connect(
        fleet_id=fleet_id, tsp_slug=manifest.slug, entered=entered, description=body.description
    )
    return Answer(content=to_read(await services.connections.get(request.partner_id, made.id)))


async def list_connections(services: Services, request: ApiRequest) -> Answer:
    """The connections that the caller may use."""
    query: ConnectionQuery = request.query
    window = Window(cursor=decode_cursor(query.cursor), size=query.size)
    page = await services.connections.page(
        request.partner_id,
        window,
        tsp_id=query.tsp_id,
        fleet_ids=query.fleet_ids,
        fleet_refs=query.fleet_refs,
    )
    return Answer(content=page.of(to_read))


async def get_connection(services: Services, request: ApiRequest) -> Answer:
    """One connection."""
    return Answer(content=to_read(await services.connections.get(request.partner_id, request.path["connection_id"])))


async def update_connection(services: Services, request: ApiRequest) -> Answer:
    """Change credentials, description or status."""
    body: ConnectionUpdate = request.body
    status = body.status or None
    if status is not None and status not in _SETTABLE:
        message = "Only `active` and `paused` can be set; the others come about by themselves."
        raise InvalidRequestError([_fault("body.status", status, message, ErrorType.ENUM)])
    connection = await services.connections.get(request.partner_id, request.path["connection_id"])
    login = None
    if body.credentials is not UNSET and body.credentials is not None:
        manifest = services.registry.get(connection.tsp_slug).manifest
        login = await services.connecting.verify(connection, read_credentials(manifest, body.credentials))
    description = None if body.description is UNSET else body.description
    changed = await services.connections.change(
        request.partner_id, connection.id, login=login, description=description, status=status
    )
    return Answer(content=to_read(changed))


async def delete_connection(services: Services, request: ApiRequest) -> Answer:
    """Delete a connection, and end what waits there."""
    await services.disconnector.disconnect(request.partner_id, request.path["connection_id"])
    return Answer(status=204)


def _manifest_of(services: Services, wanted: UUID) -> Manifest:
    for connector in services.registry:
        if tsp_id(connector.manifest.slug) == wanted:
            return connector.manifest
    message = "No connector that is installed serves this TSP; GET /v2/integrations/tsps lists those there are."
    raise InvalidRequestError([_fault("body.tsp_id", str(wanted), message, ErrorType.UNKNOWN_ID)])


def _fault(path: str, value: str, message: str, error_type: ErrorType) -> ValidationErrorDetail:
    return ValidationErrorDetail(path=path, input=value, message=message, error_type=error_type)


_UNCHECKED: Final = AnswerShape(description="The TSP can not be asked now; nothing was stored.", content=BadGateway)

CONNECTIONS: Final = (
    Endpoint(
        method="POST",
        path=_PATH,
        operation_id="create_connection",
        summary="Connect a fleet to a TSP",
        description="The credentials are tried at the TSP first: if it does not accept them, nothing is stored (422). "
        "Which of the contract's shapes they have to have is `conn_type` of the TSP's capabilities, which name the "
        "`settings` as well. The connection stays with the account that they lead to.",
        tag=Tag.CONNECTIONS,
        handler=create_connection,
        scope=Scope.CONNECTION_CREATE,
        query=NewConnectionQuery,
        body=ConnectionCreate,
        answers={200: AnswerShape(description="The connection.", content=ConnectionRead), 502: _UNCHECKED},
    ),
    Endpoint(
        method="GET",
        path=_PATH,
        operation_id="list_connections",
        summary="List connections",
        tag=Tag.CONNECTIONS,
        handler=list_connections,
        scope=Scope.CONNECTION_READ,
        query=ConnectionQuery,
        answers={200: AnswerShape(description="A page of connections.", content=CursorPage[ConnectionRead])},
    ),
    Endpoint(
        method="GET",
        path=_CONNECTION_PATH,
        operation_id="get_connection",
        summary="Get a connection",
        tag=Tag.CONNECTIONS,
        handler=get_connection,
        scope=Scope.CONNECTION_READ,
        answers={200: AnswerShape(description="The connection.", content=ConnectionRead)},
    ),
    Endpoint(
        method="PATCH",
        path=_CONNECTION_PATH,
        operation_id="update_connection",
        summary="Update a connection",
        description="New credentials are tried at the TSP first: if it does not accept them, nothing is changed (422). "
        "They have to lead to the same account (409), and let a stale connection send again. `status` may be set to "
        "`active` and `paused`. Null means unchanged.",
        tag=Tag.CONNECTIONS,
        handler=update_connection,
        scope=Scope.CONNECTION_UPDATE,
        body=ConnectionUpdate,
        answers={200: AnswerShape(description="The connection as it is now.", content=ConnectionRead), 502: _UNCHECKED},
    ),
    Endpoint(
        method="DELETE",
        path=_CONNECTION_PATH,
        operation_id="delete_connection",
        summary="Delete a connection",
        description="For good. What opens its account is destroyed; what was not sent yet ends as failed "
        "(`cancelled:`), what may have been sent as `outcome_unknown:`. Its operations and records stay readable.",
        tag=Tag.CONNECTIONS,
        handler=delete_connection,
        scope=Scope.CONNECTION_DELETE,
        answers={204: AnswerShape(description="It is gone.")},
    ),
)
