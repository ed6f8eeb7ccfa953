"""The contract's list of providers: those whose connectors are installed."""

from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Final

from msgspec import Meta, Struct

from fleetwrite.api.endpoint import Answer, AnswerShape, ApiRequest, Endpoint, Tag
from fleetwrite.api.error_answers import TspNotFoundError
from fleetwrite.bootstrap import Services
from fleetwrite.connectors.sdk.manifest import Manifest
from fleetwrite.connectors.sdk.tsp_ids import tsp_id
from fleetwrite.contract.enums import IntegrationStatusEnum, ResourceEnum
from fleetwrite.contract.integrations import TspIntegrationsRead
from fleetwrite.contract.pages import CursorPage
from fleetwrite.kit.keyset import BadCursorError, Cursor, Place, decode_cursor, encode_cursor

_PATH: Final = "/v2/integrations/tsps"
_BY_SLUG: Final = "tsp_slug"


class TspQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which page of the list."""

    cursor: str | None = None
    size: Annotated[int, Meta(ge=1, le=1000)] = 300


async def list_tsps(services: Services, request: ApiRequest) -> Answer:
    """The providers, by slug."""
    manifests = sorted((connector.manifest for connector in services.registry), key=lambda manifest: manifest.slug)
    return Answer(content=_page(manifests, decode_cursor(request.query.cursor), request.query.size))


async def get_tsp(services: Services, request: ApiRequest) -> Answer:
    """One provider."""
    wanted = request.path["tsp_id"]
    for connector in services.registry:
        if tsp_id(connector.manifest.slug) == wanted:
            return Answer(content=_read(connector.manifest))
    raise TspNotFoundError(f"No connector that is installed serves a TSP {wanted}; GET {_PATH} lists those there are.")


def _page(manifests: Sequence[Manifest], cursor: Cursor, size: int) -> CursorPage[TspIntegrationsRead]:
    """The part of a sorted list behind the cursor's place, or before it.

    Raises:
        BadCursorError: it is a place in another list.
    """
    slugs = [manifest.slug for manifest in manifests]
    begin, end = 0, len(slugs)
    if cursor.place is not None:
        slug = cursor.place.text
        if cursor.order != _BY_SLUG or slug is None:
            raise BadCursorError
        begin, end = (
            (0, sum(one < slug for one in slugs)) if cursor.backwards else (sum(one <= slug for one in slugs), end)
        )
    if cursor.backwards:
        begin = max(begin, end - size)
    else:
        end = min(end, begin + size)

    def towards(manifest: Manifest, *, backwards: bool) -> str:
        place = Place(None, tsp_id(manifest.slug), manifest.slug)
        return encode_cursor(Cursor(backwards=backwards, place=place, order=_BY_SLUG))

    shown = manifests[begin:end]
    return CursorPage(
        items=[_read(manifest) for manifest in shown],
        current_page=encode_cursor(Cursor(backwards=cursor.backwards, place=cursor.place, order=cursor.order)),
        previous_page=towards(shown[0], backwards=True) if shown and begin > 0 else None,
        next_page=towards(shown[-1], backwards=False) if shown and end < len(manifests) else None,
    )


def _read(manifest: Manifest) -> TspIntegrationsRead:
    listed = {listing.resource for listing in manifest.listings}
    integrations = {
        resource: IntegrationStatusEnum.IMPLEMENTED if resource in listed else IntegrationStatusEnum.NOT_IMPLEMENTED
        for resource in ResourceEnum
    }
    counts = Counter(integrations.values())
    return TspIntegrationsRead(
        tsp_id=tsp_id(manifest.slug),
        slug=manifest.slug,
        source_name=manifest.source_name,
        integrations=integrations,
        implemented_count=counts[IntegrationStatusEnum.IMPLEMENTED],
        not_implemented_count=counts[IntegrationStatusEnum.NOT_IMPLEMENTED],
        not_supported_count=counts[IntegrationStatusEnum.NOT_SUPPORTED],
    )


TSPS: Final = (
    Endpoint(
        method="GET",
        path=_PATH,
        operation_id="list_tsps",
        summary="List TSPs, and which resources are read from them",
        description="By slug. What can be written to a TSP: `/v2/fleetwrite/tsps/{slug}/capabilities`.",
        tag=Tag.TSPS,
        handler=list_tsps,
        query=TspQuery,
        answers={200: AnswerShape(description="A page of TSPs.", content=CursorPage[TspIntegrationsRead])},
    ),
    Endpoint(
        method="GET",
        path=f"{_PATH}/{{tsp_id}}",
        operation_id="get_tsp",
        summary="Get a TSP, and which resources are read from it",
        tag=Tag.TSPS,
        handler=get_tsp,
        answers={200: AnswerShape(description="The TSP.", content=TspIntegrationsRead)},
    ),
)
