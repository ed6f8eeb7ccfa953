"""The API as an ASGI application."""

import functools
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from starlette.routing import Route, Router
from starlette.types import ASGIApp

from fleetwrite.api.admin import ADMIN
from fleetwrite.api.agreements import AGREEMENTS
from fleetwrite.api.authentication import AUTHENTICATION
from fleetwrite.api.capabilities import CAPABILITIES
from fleetwrite.api.connection_control import CONNECTION_CONTROL
from fleetwrite.api.connections import CONNECTIONS
from fleetwrite.api.control import CONTROL
from fleetwrite.api.docs_page import DOCS_PAGE
from fleetwrite.api.endpoint import Answer, AnswerShape, ApiRequest, Endpoint, Tag
from fleetwrite.api.event_schemas import EVENT_SCHEMAS
from fleetwrite.api.event_stream import EVENT_STREAM
from fleetwrite.api.fleet_data import FLEET_DATA
from fleetwrite.api.gateway import Gateway
from fleetwrite.api.health import HEALTH
from fleetwrite.api.id_map import ID_MAP
from fleetwrite.api.invitations import INVITATIONS
from fleetwrite.api.openapi import build_document
from fleetwrite.api.operations import OPERATIONS
from fleetwrite.api.org_tsps import ORG_TSPS
from fleetwrite.api.orgs import ORGS
from fleetwrite.api.records import RECORDS
from fleetwrite.api.schedules import SCHEDULES
from fleetwrite.api.tsps import TSPS
from fleetwrite.api.webhook_upkeep import WEBHOOK_UPKEEP
from fleetwrite.api.webhooks import WEBHOOKS
from fleetwrite.api.writes import WRITES
from fleetwrite.bootstrap import Services


async def get_openapi(services: Services, _request: ApiRequest) -> Answer:
    """This API as an OpenAPI document."""
    return Answer(content=openapi_json(services.registry.source_names))


_OPENAPI: Final = Endpoint(
    method="GET",
    path="/openapi.json",
    operation_id="get_openapi",
    summary="This documentation as an OpenAPI document",
    tag=Tag.INSIGHT,
    handler=get_openapi,
    answers={200: AnswerShape(description="An OpenAPI 3.1 document.", content=dict[str, Any])},
)

# Routes are tried in this order, hence the busy ones first.
ENDPOINTS: Final[Sequence[Endpoint]] = (
    *WRITES,
    *OPERATIONS,
    *CONTROL,
    *RECORDS,
    *ID_MAP,
    *CONNECTIONS,
    *SCHEDULES,
    *CONNECTION_CONTROL,
    *CAPABILITIES,
    *TSPS,
    *WEBHOOKS,
    *WEBHOOK_UPKEEP,
    *EVENT_SCHEMAS,
    EVENT_STREAM,
    *INVITATIONS,
    *AGREEMENTS,
    *ORGS,
    *ORG_TSPS,
    *ADMIN,
    *FLEET_DATA,
    *AUTHENTICATION,
    *HEALTH,
    _OPENAPI,
    *DOCS_PAGE,
)
"""The endpoint table."""


@functools.cache
def openapi_json(source_names: frozenset[str]) -> bytes:
    """The OpenAPI document of all endpoints, where a `source_name` is one of these."""
    return msgspec.json.encode(build_document(ENDPOINTS, source_names))


def create_app(services: Services, endpoints: Sequence[Endpoint] = ENDPOINTS, pages: Sequence[Route] = ()) -> ASGIApp:
    """Make the ASGI application that serves `endpoints` and `pages`; a worker serves `HEALTH` alone.

    The caller configures structlog to merge context variables, which carry the `request_id` into every log line.
    """
    paths: dict[str, dict[str, Endpoint]] = {}
    for endpoint in endpoints:
        paths.setdefault(endpoint.path, {})[endpoint.method] = endpoint
    return Router(
        routes=[*(Route(path, Gateway(services, path, of_path)) for path, of_path in paths.items()), *pages],
        default=Gateway(services, "", {}),
        redirect_slashes=False,
    )


__all__ = ["ENDPOINTS", "HEALTH", "create_app", "openapi_json"]
