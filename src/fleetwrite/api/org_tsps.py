"""The contract's other list of providers: what a fleet is asked for to connect one."""

from datetime import UTC, datetime
from typing import Final

from msgspec import Struct

from fleetwrite.api.endpoint import Answer, AnswerShape, ApiRequest, Endpoint, Tag
from fleetwrite.api.error_answers import TspNotFoundError
from fleetwrite.bootstrap import Services
from fleetwrite.connectors.sdk.manifest import Manifest
from fleetwrite.connectors.sdk.tsp_ids import tsp_id
from fleetwrite.contract.org_enums import ConnectionTypeEnum
from fleetwrite.contract.orgs import TspRead
from fleetwrite.contract.tsps import TspEnum

_PATH: Final = "/v2/orgs/tsps"

_SINCE: Final = datetime(2026, 1, 1, tzinfo=UTC)
"""Stands where the contract wants to know since when a TSP is listed: connectors are code, and nobody notes when."""


class TspQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Filters of the list; all must hold."""

    slug: str | None = None
    source_name: TspEnum | None = None


async def list_org_tsps(services: Services, request: ApiRequest) -> Answer:
    """The providers whose connectors are installed, by slug."""
    query: TspQuery = request.query
    manifests = sorted((connector.manifest for connector in services.registry), key=lambda manifest: manifest.slug)
    return Answer(
        content=[
            _read(manifest)
            for manifest in manifests
            if query.slug in {None, manifest.slug} and query.source_name in {None, manifest.source_name}
        ]
    )


async def get_org_tsp(services: Services, request: ApiRequest) -> Answer:
    """One of them."""
    wanted = request.path["tsp_id"]
    for connector in services.registry:
        if tsp_id(connector.manifest.slug) == wanted:
            return Answer(content=_read(connector.manifest))
    raise TspNotFoundError(f"No connector that is installed serves a TSP {wanted}; GET {_PATH} lists those there are.")


def _read(manifest: Manifest) -> TspRead:
    return TspRead(
        name=manifest.name,
        source_name=manifest.source_name,
        conn_type=ConnectionTypeEnum(manifest.credential_shape),
        id=tsp_id(manifest.slug),
        slug=manifest.slug,
        created_at=_SINCE,
        updated_at=_SINCE,
    )


ORG_TSPS: Final = (
    Endpoint(
        method="GET",
        path=_PATH,
        operation_id="list_org_tsps",
        summary="List the TSPs that fleets can connect",
        description="By slug, all of them. `conn_type` says which shape of credentials a TSP asks for.",
        tag=Tag.TSPS,
        handler=list_org_tsps,
        query=TspQuery,
        answers={200: AnswerShape(description="The TSPs.", content=list[TspRead])},
    ),
    Endpoint(
        method="GET",
        path=f"{_PATH}/{{tsp_id}}",
        operation_id="get_org_tsp",
        summary="Get a TSP that fleets can connect",
        tag=Tag.TSPS,
        handler=get_org_tsp,
        answers={200: AnswerShape(description="The TSP.", content=TspRead)},
    ),
)
